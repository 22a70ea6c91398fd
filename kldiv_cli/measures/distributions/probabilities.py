"""Rows of probabilities as they are: no logarithm is taken and undone on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.distributions import exact
from kldiv_cli.measures.distributions.pair import Pair, status_of, without_uncounted
from kldiv_cli.measures.distributions.prepared import Prepared, Side, finish
from kldiv_cli.measures.types import Counts, Float64, Mode


@dataclass(frozen=True)
class ProbabilityPair(Pair):
    """Two blocks of probabilities in ``s`` and ``t``: of classes (softmax), or of cells (sigmoid).

    Rows of classes are divided by their sums, which the caller has checked.
    """

    mode: Mode = "softmax"

    @property
    def agreement(self) -> tuple[Counts, Counts]:
        """Whether the argmax is the same (softmax); how many cells lie on one side of 1/2."""
        if self.mode == "softmax":
            same = (self.argmax[0] == self.argmax[1]).astype(np.intp)
            return same, np.ones_like(same)
        equal = (self.s > 0.5) == (self.t > 0.5)
        present = (self.s > 0) | (self.t > 0)
        return (equal & present).sum(axis=1), present.sum(axis=1)

    def prepare(self) -> Prepared:
        """Normalise p**(1/T) and q**(1/T), and take log(q / p) from q - p where they are close."""
        p, q, d = self.s, self.t, self.t - self.s
        if self.mode == "sigmoid":
            p, q, d = (np.stack([x, y], axis=1) for x, y in ((p, 1 - p), (q, 1 - q), (d, -d)))
        largest = [x.argmax(axis=1, keepdims=True) for x in (p, q)]
        p_max, q_max = (
            np.take_along_axis(x, i, axis=1) for x, i in zip((p, q), largest, strict=True)
        )
        reference = _side(p, p_max, largest[0], self.temperature)
        candidate = _side(q, q_max, largest[1], self.temperature)
        if self.mode == "softmax":
            e = _log_of_shares(p, p_max, q, q_max) / self.temperature
        else:
            shift = _log_ratio(p_max, q_max, q_max - p_max)
            e = (_log_ratio(p, q, d) - shift) / self.temperature
        e = e - (candidate.log_partition - reference.log_partition)
        return finish(reference, candidate, e, correct=True)


def prepare(mode: Mode, p: NDArray[Any], q: NDArray[Any], temperature: float) -> ProbabilityPair:
    """Check two blocks of probabilities.

    A row is invalid that holds NaN, a number below 0, or under sigmoid one above 1, or that is all
    zero on one side; it is skipped if it is all zero on both.

    Parameters
    ----------
    mode : {"softmax", "sigmoid"}
        Whether a row is one distribution over the classes, or every cell is one.
    p, q : array, shape (rows, classes), of any real dtype
        The reference's and the candidate's probabilities; widened to float64.
    temperature : float
        The distributions are those of p**(1/T) and q**(1/T).
    """
    p, q = exact.widen(p), exact.widen(q)
    bounds = [(x.min(axis=1), x.max(axis=1)) for x in (p, q)]
    wrong = np.zeros(len(p), dtype=bool)
    for low, high in bounds:
        wrong |= ~(low >= 0) | ~(high <= (1.0 if mode == "sigmoid" else np.inf)) | np.isinf(high)
    zero = [(low == 0) & (high == 0) for low, high in bounds]
    if mode == "softmax":
        wrong |= zero[0] | zero[1]
    status = status_of(wrong, zero[0] & zero[1])
    p, q = (without_uncounted(x, status, 1 / x.shape[1]) for x in (p, q))
    argmax = p.argmax(axis=1), q.argmax(axis=1)
    return ProbabilityPair(p, q, temperature, status, argmax, mode=mode)


def _log_ratio(p: Float64, q: Float64, d: Float64) -> Float64:
    """Return log(q / p), given d = q - p, with all its digits also near 0."""
    near = np.abs(d) < 0.5 * p
    ratio = np.log1p(d / np.where(near, p, 1.0), where=near, out=np.zeros_like(d))
    return ratio if near.all() else np.where(near, ratio, np.log(q) - np.log(p))


def _log_of_shares(p: Float64, p_max: Float64, q: Float64, q_max: Float64) -> Float64:
    """Return log((q / q_max) / (p / p_max)) with all its digits also near 0.

    Rows that a mask cuts, or that do not sum to 1, may differ by a factor and hardly else: the
    difference of two logarithms would keep the digits of the factor alone.
    """
    p, q = (np.ldexp(x, -np.frexp(largest)[1]) for x, largest in ((p, p_max), (q, q_max)))
    p_max, q_max = (np.frexp(x)[0] for x in (p_max, q_max))
    ours, ours_low = exact.product(p, q_max)
    theirs, theirs_low = exact.product(q, p_max)
    d = (theirs - ours) + (theirs_low - ours_low)
    near = np.abs(d) < 0.5 * ours
    ratio = np.log1p(d / np.where(near, ours, 1.0), where=near, out=np.zeros_like(d))
    return np.where(near, ratio, np.log(q) - np.log(p) - (np.log(q_max) - np.log(p_max)))


def _side(p: Float64, p_max: Float64, largest: Counts, temperature: float) -> Side:
    """Normalise probabilities along the outcomes, over the largest of them."""
    absent = p == 0
    present = np.where(absent, p_max, p)
    x = _log_ratio(p_max, present, present - p_max) / temperature
    weights = p / p_max
    if temperature != 1:
        weights = np.where(absent, 0.0, np.exp(x))
    np.put_along_axis(weights, largest, 0.0, axis=1)
    rest = weights.sum(axis=1, keepdims=True)
    np.put_along_axis(weights, largest, 1.0, axis=1)
    weights /= 1.0 + rest
    return Side(x, np.zeros(1), np.log1p(rest), weights, absent if absent.any() else None)
