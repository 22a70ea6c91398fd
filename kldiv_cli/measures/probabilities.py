"""Rows of probabilities as they are: no logarithm is taken and undone on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures import exact
from kldiv_cli.measures.base import Float64, Mode
from kldiv_cli.measures.pair import (
    Counts,
    Pair,
    Prepared,
    Side,
    finish,
    status_of,
    without_uncounted,
)


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
        """Normalise, and take log(q / p) from q - p where they are close."""
        p, q, d = self.s, self.t, self.t - self.s
        if self.mode == "sigmoid":
            p, q, d = (np.stack([x, y], axis=1) for x, y in ((p, 1 - p), (q, 1 - q), (d, -d)))
        reference, candidate = _side(p), _side(q)
        near = np.abs(d) < 0.5 * p
        e = np.log1p(d / np.where(near, p, 1.0), where=near, out=np.zeros_like(d))
        if not near.all():
            e = np.where(near, e, np.log(q) - np.log(p))
        if self.mode == "softmax":
            total = p.sum(axis=1, keepdims=True)
            e = e - np.log1p(d.sum(axis=1, keepdims=True) / total)
        return finish(reference, candidate, e, correct=self.mode == "softmax")


def prepare(mode: Mode, p: NDArray[Any], q: NDArray[Any]) -> ProbabilityPair:
    """Check two blocks of probabilities, shape (rows, classes), any real dtype.

    A row is invalid that holds NaN, a number below 0, or under sigmoid one above 1, or that is all
    zero on one side; it is skipped if it is all zero on both.
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
    return ProbabilityPair(p, q, 1.0, status, (p.argmax(axis=1), q.argmax(axis=1)), mode=mode)


def _side(values: Float64) -> Side:
    """Normalise along the outcomes, relative to the largest of them."""
    index = values.argmax(axis=1, keepdims=True)
    weights = values / np.take_along_axis(values, index, axis=1)
    absent = weights == 0
    x = np.log(np.where(absent, 1.0, weights))
    np.put_along_axis(weights, index, 0.0, axis=1)
    rest = weights.sum(axis=1, keepdims=True)
    np.put_along_axis(weights, index, 1.0, axis=1)
    weights /= 1.0 + rest
    return Side(x, np.zeros(1), np.log1p(rest), weights, absent if absent.any() else None)
