"""Rows to check, the routes by which one number is computed, and how far apart they may end.

One route is the kernel of :mod:`kldiv_cli.measures`, which promises `TOLERANCE` of its value. The
others follow the definitions, term by term, in NumPy's long double. A definition of small numbers
as differences of large ones cannot promise digits of the result: where two rows differ by 1e-12,
<p-q, s-t> is 1e-24 and its terms, rounded, are off by 1e-31. So every route says how far rounding
can move it, and the residual of two routes is their distance relative to their value plus that, in
units of the tolerance: it stays below the tolerance where both are right, and no digit that either
route has is given away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kldiv_cli import measures
from kldiv_cli.measures.distributions.pair import Pair
from kldiv_cli.measures.types import Mode

Long = NDArray[np.longdouble]
Bools = NDArray[np.bool_]

TOLERANCE = 2e-14
LOSS = np.longdouble(64 * np.finfo(np.longdouble).eps / TOLERANCE)
"""What 64 roundings of a term move, in units of the tolerance: 3.5e-4 where long double has 64 bits
of mantissa, 0.7 where it is no longer than double."""
_FLOOR = np.longdouble(1e-270)
"""Below 1e-290 float64 runs out of exponents and no digits are promised."""


class Route(NamedTuple):
    """One way to the numbers of each row, shape (rows,) or (rows, numbers).

    ``slack`` is how far rounding can move them, in units of the tolerance: `LOSS` times the sum of
    the magnitudes of what is added up; 0 where the tolerance of the value itself is promised.
    """

    value: NDArray[Any]
    slack: NDArray[Any] | float = 0.0


class Routes(NamedTuple):
    """All the ways to the same numbers, and which rows have such numbers at all (None: every)."""

    routes: tuple[Route, ...]
    defined: Bools | None = None

    def residuals(self) -> Long:
        """Return per row the largest distance of any two routes, relative to their scale.

        The scale is the larger of both magnitudes plus both slacks. Equal infinities agree; NaN
        agrees with nothing.
        """
        pairs = [(a, b) for i, a in enumerate(self.routes) for b in self.routes[:i]]
        rows: Long = np.stack([_residual(a, b) for a, b in pairs]).max(axis=0)
        return rows


def _residual(a: Route, b: Route) -> Long:
    left, right = (np.asarray(x.value, dtype=np.longdouble) for x in (a, b))
    scale = np.maximum(np.abs(left), np.abs(right)) + a.slack + b.slack + _FLOOR
    residual = np.where(left == right, np.longdouble(0), np.abs(left - right) / scale)
    one_infinite = np.isinf(left) != np.isinf(right)
    residual = np.where(one_infinite, np.longdouble(np.inf), residual)
    rows: Long = residual.reshape(len(residual), -1).max(axis=1)
    return rows


@dataclass(frozen=True)
class Rows:
    """Counted rows of both sides as stored, (rows, classes), to be divided by the temperature."""

    s: NDArray[Any]
    t: NDArray[Any]
    temperature: float

    def at(self, temperature: float) -> Rows:
        """Return the same rows at another temperature."""
        return self if temperature == self.temperature else replace(self, temperature=temperature)

    @cached_property
    def softmax(self) -> Pair:
        """The kernel's view of the rows as categorical distributions."""
        return measures.prepare("softmax", self.s, self.t, self.temperature)

    @cached_property
    def sigmoid(self) -> Pair:
        """The kernel's view of the rows as Bernoulli cells."""
        return measures.prepare("sigmoid", self.s, self.t, self.temperature)

    def kernel(self, mode: Mode, names: Sequence[str]) -> Route:
        """Return the sum of some measures, as ``kldiv compare`` computes them."""
        pair = self.softmax if mode == "softmax" else self.sigmoid
        return Route(sum((measures.load(name).rows(pair) for name in names), np.zeros(1)))

    @cached_property
    def reference(self) -> Distribution:
        """The reference's rows in long double."""
        return Distribution(self.s, self.temperature)

    @cached_property
    def candidate(self) -> Distribution:
        """The candidate's rows in long double."""
        return Distribution(self.t, self.temperature)

    @property
    def d(self) -> Long:
        """Logits of the reference less those of the candidate, over T, less a constant per row.

        0 where both are -inf, +inf or -inf where one is.
        """
        return self._difference[0]

    @property
    def d_blur(self) -> Long:
        """How much d can be off, in roundings."""
        return self._difference[1]

    @cached_property
    def _difference(self) -> tuple[Long, Long]:
        """Subtract side from side first, or each side's largest logit first, as digits demand.

        Where a zero moves by 1e-20 beside logits of 1, only the first keeps that; where one side is
        offset by 1e6, only the second is exact.
        """
        p, q = self.reference, self.candidate
        ours, theirs = p.wide - p.largest, q.wide - q.largest
        across, shift = p.wide - q.wide, p.largest - q.largest
        within, between = np.abs(ours) + np.abs(theirs), np.abs(across) + np.abs(shift)
        d = np.where(between <= within, across - shift, ours - theirs)
        d, blur = (x / self.temperature for x in (d, np.abs(d) + np.minimum(between, within)))
        both = p.absent & q.absent
        return np.where(both, np.longdouble(0), d), np.where(both, np.longdouble(0), blur)

    @cached_property
    def one_sided(self) -> Bools:
        """The rows in which a class is -inf on one side only."""
        found: Bools = (self.reference.absent != self.candidate.absent).any(axis=1)
        return found


class Distribution:
    """One side in long double, by definition: p = exp(x) / sum exp(x), log p = x - log sum exp(x).

    ``x`` are the logits less the largest, over T; the logarithm of the sum is that of 1 plus what
    the others add, which in a row with one class far ahead is all there is to tell.
    """

    def __init__(self, logits: NDArray[Any], temperature: float) -> None:
        self.wide: Long = logits.astype(np.longdouble)
        self.argmax = logits.argmax(axis=1)[:, None]
        self.largest: Long = np.take_along_axis(self.wide, self.argmax, axis=1)
        self.x: Long = (self.wide - self.largest) / temperature
        self.absent: Bools = np.isneginf(self.x)
        weights = np.exp(self.x)
        others = weights.copy()
        np.put_along_axis(others, self.argmax, 0.0, axis=1)
        self.rest: Long = others.sum(axis=1, keepdims=True)
        self.log_partition: Long = np.log1p(self.rest)
        self.p: Long = weights / (1 + self.rest)
        inner = times(others, 1 + np.abs(self.x)).sum(axis=1, keepdims=True)
        self.log_partition_blur: Long = self.log_partition + inner / (1 + self.rest)

    @cached_property
    def blur(self) -> Long:
        """How much p can be off, in roundings times p: exp(x) has the error of x."""
        return times(self.p, 1 + np.abs(self.x))


def times(weights: Long, values: Long) -> Long:
    """Return the product, 0 where the weight is 0, also times infinity."""
    return np.where(weights == 0, np.longdouble(0), weights * values)
