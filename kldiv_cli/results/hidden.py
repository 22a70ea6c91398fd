"""The probability that files hide of every row -> what the statistics of measures may be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf

import numpy as np

from kldiv_cli.results.exact_sum import Float64, total
from kldiv_cli.results.moments import mean_of
from kldiv_cli.results.ranges import Spread, around
from kldiv_cli.results.statistics import SHARES, Statistics

_SHARES = {"min": (0, 1), "max": (1, 1), **SHARES}


@dataclass(frozen=True)
class Hidden:
    """How much probability of a row is in classes that a file censors, at most.

    The probability of a class is the larger one of both sides. ``most`` is that of the row with the
    largest sum, ``mean`` that of all rows that count.
    """

    most: float
    mean: float

    @classmethod
    def of(cls, hidden: Float64) -> Hidden:
        """Return what is hidden of these rows, of at least one."""
        return cls(float(hidden.max()), mean_of(hidden))


def spread(values: Float64, hidden: Float64, factor: float | None) -> Spread:
    """Return what the values of rows may be.

    Parameters
    ----------
    values, hidden : float64, shape (rows,)
        The values, which are not negative, and the probability that is hidden.
    factor : float or None
        By how much a value may be off for each unit of hidden probability; None without such a
        bound.
    """
    step = np.where(hidden > 0, inf, 0.0) if factor is None else factor * hidden
    with np.errstate(invalid="ignore"):
        least = np.where(np.isinf(step), 0.0, np.maximum(values - step, 0.0))
        return Spread(least, values + step)


def with_ranges(found: Statistics, rows: Spread) -> Statistics:
    """Return statistics with what they may be, given what the values of the rows may be."""
    ranges = rows.ranges(found.values, _SHARES)
    totals = {"total": (total(rows.least), total(rows.most))}
    return replace(found, ranges=ranges | around(found.values, totals))
