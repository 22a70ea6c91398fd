"""Rows of probabilities as they are: no logarithm is taken and undone on the way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.distributions import exact, logarithms, sigmoid
from kldiv_cli.measures.distributions.kinds import logits_in_two
from kldiv_cli.measures.distributions.pair import Pair, status_of, without_uncounted
from kldiv_cli.measures.distributions.prepared import Prepared, Side, finish
from kldiv_cli.measures.types import Counts, Float64, Mode

COLD = 2.0**-5
"""Below this T, x / T needs more of x than an error of 1e-16 leaves."""
_LOG_2 = float(np.log(2.0))


@dataclass(frozen=True)
class ProbabilityPair(Pair):
    """Two blocks of probabilities in ``s`` and ``t``: of classes (softmax), or of cells (sigmoid).

    Rows of classes are divided by their sums, which the caller has checked. ``exactly`` asks for
    logarithms that are right to 1e-32.
    """

    mode: Mode = "softmax"
    exactly: bool = False

    @property
    def sharp(self) -> Pair:
        """The pair with logits over T that are right to 1e-32."""
        return self if self.exactly else replace(self, exactly=True)

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
        p, q, temperature = self.s, self.t, self.temperature
        exactly = self.exactly or temperature < COLD
        if self.mode == "sigmoid":
            (x, x_low), (y, y_low) = (
                logits_in_two(each, "probs", self.mode, exactly=exactly) for each in (p, q)
            )
            d = _log_ratio(p, q) - _log_ratio(1 - p, 1 - q, p - q)
            return sigmoid.prepared(x, y, temperature, (x_low, y_low), d)
        p_max, q_max = (
            np.take_along_axis(x, i[:, None], axis=1)
            for x, i in zip((p, q), self.argmax, strict=True)
        )
        reference = _side(p, p_max, self.argmax[0], temperature, exactly)
        candidate = _side(q, q_max, self.argmax[1], temperature, exactly)
        e = _log_of_shares(p, p_max, q, q_max) / temperature
        e = e - (candidate.log_partition - reference.log_partition)
        return finish(reference, candidate, e, correct=True)


def prepare(mode: Mode, p: NDArray[Any], q: NDArray[Any], temperature: float) -> ProbabilityPair:
    """Check two blocks of probabilities.

    A row is invalid that holds NaN, a number below 0, or under sigmoid one above 1, or that is all
    zero on one side under softmax; it is skipped if it is all zero on both. Cells that are all zero
    are certain, and count.

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
    nothing = zero[0] & zero[1] if mode == "softmax" else np.zeros_like(wrong)
    status = status_of(wrong, nothing)
    p, q = (without_uncounted(x, status, 1 / x.shape[1]) for x in (p, q))
    argmax = p.argmax(axis=1), q.argmax(axis=1)
    return ProbabilityPair(p, q, temperature, status, argmax, mode=mode)


def _log_ratio(p: Float64, q: Float64, d: Float64 | None = None) -> Float64:
    """Return log(q / p) with all its digits also near 0; d is q - p, if that is known better."""
    d = q - p if d is None else d
    near = np.abs(d) < 0.5 * p
    ratio: Float64 = np.log1p(d / np.where(near, p, 1.0), where=near, out=np.zeros_like(d))
    if not near.all():
        (p, p_power), (q, q_power) = np.frexp(p), np.frexp(q)
        ratio = np.where(near, ratio, np.log(q / p) + (q_power - p_power) * _LOG_2)
    return ratio


def _log_of_shares(p: Float64, p_max: Float64, q: Float64, q_max: Float64) -> Float64:
    """Return log((q / q_max) / (p / p_max)) with all its digits also near 0.

    Rows that a mask cuts, or that do not sum to 1, may differ by a factor and hardly else: the
    difference of two logarithms would keep the digits of the factor alone. The powers of two are
    apart, for the least probabilities have no digits to lose.
    """
    parts = [np.frexp(x) for x in (p, p_max, q, q_max)]
    (p, p_max, q, q_max), powers = zip(*parts, strict=True)
    power = (powers[2] - powers[3]) - (powers[0] - powers[1])
    ours, ours_low = exact.product(p, q_max)
    theirs, theirs_low = exact.product(q, p_max)
    scale = np.ldexp(1.0, np.clip(power, -2, 2))
    d = (theirs * scale - ours) + (theirs_low * scale - ours_low)
    near = (np.abs(d) < 0.5 * ours) & (np.abs(power) <= 2)
    ratio: Float64 = np.log1p(d / np.where(near, ours, 1.0), where=near, out=np.zeros_like(d))
    if not near.all():
        ratio = np.where(near, ratio, np.log(theirs / ours) + power * _LOG_2)
    return ratio


def _side(p: Float64, p_max: Float64, argmax: Counts, temperature: float, exactly: bool) -> Side:
    """Normalise probabilities along the outcomes, over the largest of them."""
    absent = p == 0
    present = np.where(absent, p_max, p) if absent.any() else p
    x, x_low = exact.divide(*log_of_share(present, p_max, exactly), temperature)
    weights = p / p_max if temperature == 1 else np.where(absent, 0.0, exact.exp(x, x_low))
    np.put_along_axis(weights, argmax[:, None], 0.0, axis=1)
    rest = weights.sum(axis=1, keepdims=True)
    np.put_along_axis(weights, argmax[:, None], 1.0, axis=1)
    weights /= 1.0 + rest
    return Side(x, x_low, np.log1p(rest), weights, absent if absent.any() else None)


def log_of_share(p: Float64, p_max: Float64, exactly: bool) -> tuple[Float64, Float64]:
    """Return log(p / p_max) in two float64, right to 1e-16 and near 0 to as much of itself.

    Parameters
    ----------
    p : float64, shape (rows, classes)
        Probabilities above 0.
    p_max : float64, shape (rows, 1)
        The largest of each row.
    exactly : bool
        Whether it has to be right to 1e-32.
    """
    if exactly:
        (high, low, _), (most, most_low, _) = logarithms.log(p), logarithms.log(p_max)
        high, rest = exact.two_diff(high, most)
        return exact.two_sum(high, rest + (low - most_low))
    near = p > 0.5 * p_max
    few = np.log1p((p - p_max) / p_max, where=near, out=np.zeros_like(p))
    (fraction, power), (most, most_power) = np.frexp(p), np.frexp(p_max)
    high, low = exact.log_scaled(fraction / most, power - most_power)
    return np.where(near, few, high), np.where(near, 0.0, low)
