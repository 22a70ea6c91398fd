"""Sums of two float64, that say how far rounding can have moved them.

About 32 digits from float64 arithmetic alone: long double is no more than float64 on some systems.
A number carries a bound of its own error, so that no identity has to derive one.

References
----------
.. [1] T. J. Dekker, A floating-point technique for extending the available precision,
   Numerische Mathematik 18 (1971).
.. [2] M. Joldes, J.-M. Muller and V. Popescu, Tight and rigorous error bounds for basic building
   blocks of double-word arithmetic, ACM Trans. Math. Softw. 44 (2017).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.distributions import doubled, exact
from kldiv_cli.measures.distributions.doubled import Doubled
from kldiv_cli.measures.types import Float64

Bools = NDArray[np.bool_]

ROUNDING = 2.0**-100
"""What one operation may lose of its result: 64 units of the 106 bits."""
_FLOAT64 = 2.0**-50
"""The same where a number leaves the range in which its lower part can be computed."""
_LARGE = 2.0**990
"""Products with a larger number have no lower part."""
_TINY = 2.0**-1022
"""Below it float64 has fewer digits."""


@dataclass(frozen=True)
class Double:
    """An array of numbers ``high + low``, each wrong by at most ``off``; all of one shape."""

    high: Float64
    low: Float64
    off: Float64

    @classmethod
    def of(cls, value: Number, off: Float64 | float = 0.0) -> Double:
        """Return float64 as it is, with the error that it comes with."""
        if isinstance(value, Double):
            return value
        high = np.asarray(value, dtype=np.float64)
        return cls(high, np.zeros_like(high), np.zeros_like(high) + off)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array."""
        return self.high.shape

    def __getitem__(self, key: Any) -> Double:
        return Double(self.high[key], self.low[key], self.off[key])

    def __neg__(self) -> Double:
        return Double(-self.high, -self.low, self.off)

    def __abs__(self) -> Double:
        return where(self.high < 0, -self, self)

    def __add__(self, other: Number) -> Double:
        b = Double.of(other)
        found = doubled.add((self.high, self.low), (b.high, b.low))
        return made(found, self.off + b.off, self.high + b.high)

    def __sub__(self, other: Number) -> Double:
        return self + -Double.of(other)

    def __rsub__(self, other: Float64 | float) -> Double:
        return -self + other

    def __mul__(self, other: Number) -> Double:
        b = Double.of(other)
        off = np.abs(self.high) * b.off + np.abs(b.high) * self.off + self.off * b.off
        found = doubled.multiply((self.high, self.low), (b.high, b.low))
        return _of_product(found, off, self.high * b.high, (self.high, b.high))

    def __truediv__(self, other: Number) -> Double:
        b = Double.of(other)
        found = doubled.divide((self.high, self.low), (b.high, b.low))
        plain = self.high / b.high
        off = (self.off + np.abs(plain) * b.off) / np.abs(b.high)
        return _of_product(found, off, plain, (self.high, b.high))

    def sum(self, axis: int = 1) -> Double:
        """Return the sum along an axis; pairs are added, and pairs of pairs."""
        high, low = (np.moveaxis(x, axis, 0) for x in (self.high, self.low))
        plain = self.high.sum(axis=axis)
        off = self.off.sum(axis=axis) + ROUNDING * np.abs(self.high).sum(axis=axis)
        if not len(high):
            return Double.of(plain)
        while len(high) > 1:
            half = len(high) // 2
            ours, theirs = slice(half), slice(half, 2 * half)
            rest = high[2 * half :], low[2 * half :]
            high, low = doubled.add((high[ours], low[ours]), (high[theirs], low[theirs]))
            if len(rest[0]):
                high, low = np.concatenate([high, rest[0]]), np.concatenate([low, rest[1]])
        return made((high[0], low[0]), off, plain)


Number = Double | Float64 | float


def where(which: Bools, a: Number, b: Number) -> Double:
    """Return numbers of a where a condition holds, of b elsewhere."""
    a, b = Double.of(a), Double.of(b)
    return Double(
        np.where(which, a.high, b.high),
        np.where(which, a.low, b.low),
        np.where(which, a.off, b.off),
    )


def either(which: Bools, a: Callable[[Bools], Double], b: Callable[[Bools], Double]) -> Double:
    """Return what a function finds where a condition holds, and another elsewhere.

    Each is asked for its own numbers only, at places given as booleans.
    """
    if which.all() or not which.any():
        found = (a if which.all() else b)(np.ones_like(which))
        return Double(*(x.reshape(which.shape) for x in (found.high, found.low, found.off)))
    ours, theirs = a(which), b(~which)
    joined = []
    for part in ("high", "low", "off"):
        joined.append(np.empty(which.shape))
        joined[-1][which], joined[-1][~which] = getattr(ours, part), getattr(theirs, part)
    return Double(*joined)


def stack(some: list[Double], axis: int = 1) -> Double:
    """Join arrays of one shape along a new axis."""
    parts = ([getattr(x, part) for x in some] for part in ("high", "low", "off"))
    return Double(*(np.stack(part, axis=axis) for part in parts))


def difference(a: Float64, b: Float64) -> Double:
    """Return a - b, exactly where it does not overflow."""
    high, low = exact.two_diff(a, b)
    return Double(high, low, np.zeros_like(high))


def made(found: Doubled, off: Float64, plain: Float64) -> Double:
    """Return a result with its own rounding error; as in float64 where a part of it is not finite.

    Infinities have no lower part, and numbers next to the largest have none that can be computed.
    """
    high, low = found
    sound = np.isfinite(high) & np.isfinite(low)
    off = off + ROUNDING * np.abs(plain) + _TINY
    if not sound.all():
        high, low = np.where(sound, high, plain), np.where(sound, low, 0.0)
        off = np.where(sound, off, np.where(np.isfinite(plain), off + _FLOAT64 * np.abs(plain), 0))
    return Double(high, low, off)


def _of_product(
    found: Doubled, off: Float64, plain: Float64, factors: tuple[Float64, Float64]
) -> Double:
    """Return a product or quotient; as in float64 where a factor is too large."""
    lost = np.maximum(*map(np.abs, factors)) > _LARGE
    return made((np.where(lost, np.inf, found[0]), found[1]), off, plain)
