"""Sums that do not depend on the order of their values, nor on how these were split."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import frexp, inf, nan

import numpy as np

from kldiv_cli.measures.types import Float64

_BITS = 32
"""How many bits of each value are added up at a time."""
_VALUES = 1 << 15
"""So many are added up at a time: their digits have a sum that float64 holds exactly (up to 2**21
of them), and they fit a cache."""
_LEAST = -1074
"""The exponent of the smallest float64; a sum is a multiple of it."""
_HUGE = 2.0**960
"""Values from here on are added up after division by `_SHRUNK`, or the steps between overflow."""
_SHRUNK = 200


@dataclass(frozen=True)
class ExactSum:
    """The exact sum of float64 values: a monoid, and commutative.

    ``units`` is the sum of the finite values in multiples of 2**-1074; infinities and NaN are
    counted beside. ``float`` rounds it once: NaN where there is one or +inf meets -inf.
    """

    units: int = 0
    plus_inf: int = 0
    minus_inf: int = 0
    nan: int = 0

    @classmethod
    def of(cls, values: Float64) -> ExactSum:
        """Return the sum of an array's values."""
        x = np.ravel(values)
        finite = np.isfinite(x)
        if finite.all():
            return cls(_units(x))
        return cls(
            _units(x[finite]),
            int(np.isposinf(x).sum()),
            int(np.isneginf(x).sum()),
            int(np.isnan(x).sum()),
        )

    @classmethod
    def join(cls, parts: Iterable[ExactSum]) -> ExactSum:
        """Return the sum of all."""
        found = list(parts)
        return cls(
            sum(part.units for part in found),
            sum(part.plus_inf for part in found),
            sum(part.minus_inf for part in found),
            sum(part.nan for part in found),
        )

    def __float__(self) -> float:
        if self.nan or (self.plus_inf and self.minus_inf):
            return nan
        if self.plus_inf or self.minus_inf:
            return inf if self.plus_inf else -inf
        try:
            return self.units / (1 << -_LEAST)
        except OverflowError:
            return inf if self.units > 0 else -inf


def _units(x: Float64) -> int:
    """Return the sum of finite values in multiples of the smallest float64."""
    return sum(_of_some(x[start : start + _VALUES]) for start in range(0, len(x), _VALUES))


def _of_some(x: Float64) -> int:
    largest = float(np.abs(x).max())
    if largest < _HUGE:
        return _by_digits(x, largest)
    huge = np.abs(x) >= _HUGE
    shrunk = x[huge] * 2.0**-_SHRUNK
    rest = _of_some(x[~huge]) if not huge.all() else 0
    return rest + (_by_digits(shrunk, largest * 2.0**-_SHRUNK) << _SHRUNK)


def _by_digits(x: Float64, largest: float) -> int:
    """Add up the leading bits of all values, then those behind them, until none is left.

    Adding and subtracting 1.5 * 2**(k + 52) rounds to multiples of 2**k, and what is taken off so
    is exact, as is the sum of such multiples.
    """
    units = 0
    while largest > 0:
        k = max(_LEAST, frexp(largest)[1] - _BITS)
        anchor = 1.5 * 2.0 ** (k + 52)
        digits = x + anchor
        digits -= anchor
        above, below = float(digits.sum()).as_integer_ratio()
        units += (above << -_LEAST) // below
        x = np.subtract(x, digits, out=digits)
        largest = float(np.abs(x).max())
    return units
