"""Values -> total, mean and standard error, to the same last bit in any order of the values."""

from __future__ import annotations

from dataclasses import dataclass
from math import frexp, isfinite, isinf, isnan, nan, sqrt, ulp

import numpy as np

from kldiv_cli.results.exact_sum import Float64, exact, total

_NOTHING = 2.0**-60
"""A share of a sum that changes none of its bits."""


@dataclass(frozen=True)
class Moments:
    """The total, the mean and the standard error of the mean of values.

    ``total`` is their exact sum, rounded once, and ``mean`` is ``total`` over their number. ``sem``
    is sqrt(sum of (x - mean)**2 / (n - 1) / n), from the sample variance; NaN for a single value or
    where the mean is not finite.
    """

    total: float
    mean: float
    sem: float


def moments(x: Float64) -> Moments:
    """Return the moments of values, of at least one."""
    found = total(x)
    mean = _mean(x, found)
    return Moments(found, mean, _standard_error(x, mean))


def mean_of(x: Float64) -> float:
    """Return the mean of values, of at least one."""
    return _mean(x, total(x))


def _mean(x: Float64, found: float) -> float:
    mean = found / len(x)
    if isinf(mean):
        mean = exact(x).over(len(x))
    # Nine times a ninth, rounded up, is more than any of the nine.
    return mean if isnan(mean) else min(max(mean, float(x.min())), float(x.max()))


@dataclass(frozen=True)
class _Deviation:
    """(x - mean) / scale, to a power; scale is a power of two, so that only x - mean is rounded."""

    mean: float
    scale: float
    power: int

    def __call__(self, x: Float64) -> Float64:
        deviations: Float64 = x / self.scale
        deviations -= self.mean / self.scale
        return np.square(deviations, out=deviations) if self.power == 2 else deviations


def _standard_error(x: Float64, mean: float) -> float:
    """Return the standard error of the mean, scaled against overflow."""
    if len(x) < 2 or not isfinite(mean):
        return nan
    half = max(float(x.max()) / 2 - mean / 2, mean / 2 - float(x.min()) / 2)
    if half == 0:
        return 0.0
    scale = 2.0 ** max(frexp(half)[1] - 1, -1074)
    squares = total(x, _Deviation(mean, scale, 2))
    off = 2 * ulp(mean) / scale  # by no more is the mean off, rounded twice
    if len(x) * off * off > _NOTHING * squares:
        squares -= total(x, _Deviation(mean, scale, 1)) ** 2 / len(x)
    return scale * sqrt(squares / (len(x) - 1) / len(x))
