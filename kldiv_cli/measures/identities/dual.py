"""Numbers with their derivative along a direction, each carried through every operation.

References
----------
.. [1] A. Griewank and A. Walther, Evaluating Derivatives, SIAM (2008), chapter 3.
"""

from __future__ import annotations

from dataclasses import dataclass

from kldiv_cli.measures.identities import double, elementary
from kldiv_cli.measures.identities.double import Bools, Double, Number


@dataclass(frozen=True)
class Dual:
    """Numbers and their derivatives, of one shape."""

    value: Double
    slope: Double

    def __add__(self, other: Dual) -> Dual:
        return Dual(self.value + other.value, self.slope + other.slope)

    def __sub__(self, other: Dual) -> Dual:
        return Dual(self.value - other.value, self.slope - other.slope)

    def __mul__(self, other: Dual | Number) -> Dual:
        if not isinstance(other, Dual):
            return Dual(self.value * other, self.slope * other)
        return Dual(self.value * other.value, self.slope * other.value + self.value * other.slope)

    def __truediv__(self, other: Dual) -> Dual:
        ratio = self.value / other.value
        return Dual(ratio, (self.slope - ratio * other.slope) / other.value)

    def sum(self) -> Dual:
        """Return the sum along the second axis, as a column."""
        return Dual(self.value.sum()[:, None], self.slope.sum()[:, None])


def where(which: Bools, x: Dual) -> Dual:
    """Return numbers where a condition holds, and constant zeros elsewhere."""
    return Dual(double.where(which, x.value, 0.0), double.where(which, x.slope, 0.0))


def log(x: Dual) -> Dual:
    """Return log(x)."""
    return Dual(elementary.log(x.value), x.slope / x.value)
