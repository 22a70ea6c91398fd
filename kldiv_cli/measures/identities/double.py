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

from kldiv_cli.measures.distributions.exact import product
from kldiv_cli.measures.types import Float64

Bools = NDArray[np.bool_]
Two = tuple[Float64, Float64]
"""An unevaluated sum, its larger part first."""

ROUNDING = 2.0**-100
"""What one operation may lose of its result: 64 units of the 106 bits."""
_FLOAT64 = 2.0**-50
"""The same where a number leaves the range in which its lower part can be computed."""
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
        found = add((self.high, self.low), (b.high, b.low))
        return made(found, self.off + b.off, self.high + b.high)

    def __sub__(self, other: Number) -> Double:
        return self + -Double.of(other)

    def __rsub__(self, other: Float64 | float) -> Double:
        return -self + other

    def __mul__(self, other: Number) -> Double:
        b = Double.of(other)
        off = np.abs(self.high) * b.off + np.abs(b.high) * self.off + self.off * b.off
        found = multiply((self.high, self.low), (b.high, b.low))
        return made(found, off, self.high * b.high)

    def __truediv__(self, other: Number) -> Double:
        b = Double.of(other)
        found, plain = _divide((self.high, self.low), (b.high, b.low)), self.high / b.high
        return made(found, (self.off + np.abs(plain) * b.off) / np.abs(b.high), plain)

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
            high, low = add((high[ours], low[ours]), (high[theirs], low[theirs]))
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
    high, low = _sum(a, -b)
    exact = np.isfinite(low)
    return Double(high, np.where(exact, low, 0.0), np.zeros_like(high))


def made(found: Two, off: Float64, plain: Float64) -> Double:
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


def two(x: Float64) -> Two:
    """Return float64 as a sum."""
    return x, np.zeros_like(x)


def negative(x: Two) -> Two:
    """Return -x."""
    return -x[0], -x[1]


def ordered(high: Float64, low: Float64) -> Two:
    """Return the same sum of a number and a smaller one, rounded to its larger part."""
    total = high + low
    return total, low - (total - high)


def _sum(a: Float64, b: Float64) -> Two:
    """Return the rounded sum and its error, exactly (Knuth)."""
    total = a + b
    of_b = total - a
    return total, (a - (total - of_b)) + (b - of_b)


def add(a: Two, b: Two) -> Two:
    """Return a + b, rounded to two float64."""
    high, low = _sum(a[0], b[0])
    other, rest = _sum(a[1], b[1])
    high, low = ordered(high, low + other)
    return ordered(high, low + rest)


def multiply(a: Two, b: Two) -> Two:
    """Return a * b, rounded to two float64."""
    high, low = product(a[0], b[0])
    return ordered(high, low + (a[0] * b[1] + a[1] * b[0]))


def _divide(a: Two, b: Two) -> Two:
    first = a[0] / b[0]
    rest = add(a, negative(multiply(two(first), b)))
    second = rest[0] / b[0]
    rest = add(rest, negative(multiply(two(second), b)))
    high, low = ordered(first, second)
    return ordered(high, low + rest[0] / b[0])
