"""Sums that do not depend on the order of their values, nor on how these were split."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import frexp, fsum, inf, isfinite, ldexp, nan

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.results import _native

Float64 = NDArray[np.float64]

_BITS = 36
"""How many bits of each value are added up at a time."""
_VALUES = 1 << 15
"""So many are added up at a time: their digits have a sum that float64 holds exactly (up to 2**17
of them), and they fit a cache."""
_LEAST = -1074
"""The exponent of the smallest float64; a sum is a multiple of it."""
_HUGE = 2.0**960
"""Values from here on are added up after division by `_SHRUNK`, or the steps between overflow."""
_SHRUNK = 200
_FEW = 256
"""Up to so many values are added up faster one by one."""
_PIECE = 1 << 16
"""So many values are changed at a time: an array of all would take as much memory again."""


@dataclass(frozen=True)
class Power:
    """(x / scale - mean / scale) ** power, where power is 1 or 2."""

    mean: float
    scale: float
    power: int

    def __call__(self, x: Float64) -> Float64:
        """Return those of some values."""
        deviations: Float64 = x / self.scale
        deviations -= self.mean / self.scale
        return np.square(deviations, out=deviations) if self.power == 2 else deviations


SQUARE = Power(mean=0.0, scale=1.0, power=2)


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
        flat = np.ravel(values)
        if (native := _native.load()) is not None:
            return cls._of_limbs(*native.exact_sum(flat))
        pieces = (flat[start : start + _VALUES] for start in range(0, len(flat), _VALUES))
        return cls.join(map(cls._of_some, pieces))

    @classmethod
    def of_powers(cls, x: Float64, change: Power) -> ExactSum:
        """Return the sum of powers of values, shape (n,)."""
        if (native := _native.load()) is not None:
            flat = np.ascontiguousarray(x)
            found = native.exact_sum(flat, change.mean, change.scale, change.power)
            return cls._of_limbs(*found)
        pieces = (x[start : start + _PIECE] for start in range(0, len(x), _PIECE))
        return cls.join(cls.of(change(some)) for some in pieces)

    @classmethod
    def _of_limbs(cls, limbs: Iterable[int], nan: int, plus_inf: int, minus_inf: int) -> ExactSum:
        units = sum(limb << (32 * place) for place, limb in enumerate(limbs))
        return cls(units, plus_inf, minus_inf, nan)

    @classmethod
    def _of_some(cls, x: Float64) -> ExactSum:
        largest = max(float(x.max()), -float(x.min()))
        if isfinite(largest):
            return cls(_units(x, largest))
        units = cls.of(x[np.isfinite(x)]).units
        return cls(units, *(int(which(x).sum()) for which in (np.isposinf, np.isneginf, np.isnan)))

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
        return self.over(1)

    def over(self, count: int) -> float:
        """Return the sum divided by a number, rounded once."""
        if self.nan or (self.plus_inf and self.minus_inf):
            return nan
        if self.plus_inf or self.minus_inf:
            return inf if self.plus_inf else -inf
        try:
            return self.units / (count << -_LEAST)
        except OverflowError:
            return inf if self.units > 0 else -inf


def total(x: Float64, change: Power | None = None) -> float:
    """Return the exact sum of values, or powers of them, rounded once, whatever their order.

    Parameters
    ----------
    x : float64, shape (n,)
        The values; the sum of none is 0.
    change : Power, optional
        Which powers are added up, if not the values themselves.

    Returns
    -------
    float
        As `math.fsum` has it; NaN where one is NaN or +inf meets -inf, and +-inf beyond float64.
    """
    if len(x) <= _FEW:
        try:
            return fsum((x if change is None else change(x)).tolist())
        except (OverflowError, ValueError):  # beyond float64 on the way, and +inf with -inf
            pass
    return float(ExactSum.of(x) if change is None else ExactSum.of_powers(x, change))


def _units(x: Float64, largest: float) -> int:
    """Return the sum of finite values in multiples of the smallest float64."""
    if largest < _HUGE:
        return _by_digits(x, frexp(largest)[1])
    huge = np.abs(x) >= _HUGE
    shrunk = x[huge] * 2.0**-_SHRUNK
    rest = _by_digits(x[~huge], frexp(_HUGE)[1])
    return rest + (_by_digits(shrunk, frexp(largest)[1] - _SHRUNK) << _SHRUNK)


def _by_digits(x: Float64, top: int) -> int:
    """Add up the leading bits of values below 2**top, then those behind them, until none is left.

    Adding and subtracting 1.5 * 2**(k + 52) rounds to multiples of 2**k, and what is taken off so
    is exact, as is the sum of such multiples.
    """
    units, digits = 0, np.empty_like(x)
    rest = x
    while True:
        k = max(_LEAST, top - _BITS)
        anchor = 1.5 * 2.0 ** (k + 52)
        np.add(rest, anchor, out=digits)
        digits -= anchor
        units += int(ldexp(float(digits.sum()), -k)) << (k - _LEAST)
        rest = np.subtract(rest, digits, out=digits if rest is x else rest)
        if k == _LEAST or not rest.any():
            return units
        if rest is digits:
            digits = np.empty_like(x)
        top = k
