"""Values -> total, mean and standard error, to the same last bit in any order of the values."""

from __future__ import annotations

from dataclasses import dataclass
from math import frexp, isfinite, isinf, isnan, nan, sqrt, ulp

from kldiv_cli.results.exact_sum import ExactSum, Float64, Power, total

Ends = tuple[float, float]
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


def ends_of(x: Float64) -> Ends:
    """Return the least and the largest of values, of at least one; never -0.0."""
    return float(x.min()) + 0.0, float(x.max()) + 0.0


def moments(x: Float64, ends: Ends | None = None) -> Moments:
    """Return the moments of values, of at least one; their `ends_of` may be known."""
    ends = ends or ends_of(x)
    found = total(x)
    mean = _mean(x, found, ends)
    return Moments(found, mean, _standard_error(x, mean, ends))


def mean_of(x: Float64) -> float:
    """Return the mean of values, of at least one."""
    return _mean(x, total(x), ends_of(x))


def _mean(x: Float64, found: float, ends: Ends) -> float:
    mean = found / len(x)
    if isinf(mean):
        mean = ExactSum.of(x).over(len(x))
    # Nine times a ninth, rounded up, is more than any of the nine.
    return mean if isnan(mean) else min(max(mean, ends[0]), ends[1])


def _standard_error(x: Float64, mean: float, ends: Ends) -> float:
    """Return the standard error of the mean, scaled against overflow."""
    if len(x) < 2 or not isfinite(mean):
        return nan
    half = max(ends[1] / 2 - mean / 2, mean / 2 - ends[0] / 2)
    if half == 0:
        return 0.0
    scale = 2.0 ** max(frexp(half)[1] - 1, -1074)
    squares = total(x, Power(mean, scale, 2))
    off = 2 * ulp(mean) / scale  # by no more is the mean off, rounded twice
    if len(x) * off * off > _NOTHING * squares:
        squares -= total(x, Power(mean, scale, 1)) ** 2 / len(x)
    return scale * sqrt(squares / (len(x) - 1) / len(x))
