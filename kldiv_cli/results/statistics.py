"""Values -> mean, standard error, percentiles: computed once from all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isinf, nan, sqrt

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

_SHARES = {
    "median": (1, 2),
    "p90": (90, 100),
    "p95": (95, 100),
    "p99": (99, 100),
    "p99.9": (999, 1000),
}
STATISTICS = ("total", "mean", "sem", "min", "max", *_SHARES)
"""The names of the statistics of a measure."""


@dataclass(frozen=True)
class Statistics:
    """The statistics of one measure over the rows that count.

    ``values`` maps each name of :data:`STATISTICS` to a float64. sem is the standard error of the
    mean, from the sample variance (n - 1); NaN for a single row or where a row is infinite.
    Percentiles are interpolated linearly at f * (n - 1). A NaN row makes all of them NaN, and
    ``max_row`` is then the first such row.
    """

    values: Mapping[str, float]
    max_row: int
    zero: int
    infinite: int

    def __getitem__(self, name: str) -> float:
        return self.values[name]


def statistics(values: Float64, rows: NDArray[np.intp]) -> Statistics:
    """Return the statistics of the values of these rows, of at least one."""
    x = values[rows]
    with np.errstate(over="ignore", invalid="ignore"):
        total = float(x.sum())
    mean = total / len(x)
    if isinf(mean) and np.isfinite(x).all():
        # Rounded up, nine times a ninth of the largest float64 is none.
        mean = min(2.0 * float((x / (2 * len(x))).sum()), float(x.max()))
    found = {
        "total": total,
        "mean": mean,
        "sem": _standard_error(x, mean),
        "min": float(x.min()),
        "max": float(x.max()),
        **percentiles(x, _SHARES),
    }
    return Statistics(
        values=found,
        max_row=int(rows[x.argmax()]),
        zero=int((x == 0).sum()),
        infinite=int(np.isinf(x).sum()),
    )


def renumbered(
    measures: Mapping[str, Statistics], numbers: NDArray[np.intp]
) -> dict[str, Statistics]:
    """Return the statistics of measures with their rows called by these numbers."""
    return {
        name: replace(each, max_row=int(numbers[each.max_row])) for name, each in measures.items()
    }


def _standard_error(x: Float64, mean: float) -> float:
    """Return the standard error of the mean, in two passes and scaled against overflow."""
    if len(x) < 2 or not np.isfinite(mean):
        return nan
    deviations = x - mean
    scale = float(np.abs(deviations).max())
    if scale == 0:
        return 0.0
    deviations /= scale
    squares = float((deviations**2).sum() - deviations.sum() ** 2 / len(x))
    return scale * sqrt(squares / (len(x) - 1) / len(x))


def percentiles(x: Float64, shares: Mapping[str, tuple[int, int]]) -> dict[str, float]:
    """Return the value below which each share of x lies, interpolated linearly at f * (n - 1).

    Parameters
    ----------
    x : float64, shape (n,)
        At least one value. Between a number and infinity lies infinity; where one is NaN all are.
    shares : mapping of str to pair of int
        f as a fraction, so that no rounding decides between two values: 999 of 1000.
    """
    if np.isnan(x).any():
        return dict.fromkeys(shares, nan)
    last = len(x) - 1
    at = {name: divmod(last * part, whole) for name, (part, whole) in shares.items()}
    wanted = sorted({index for i, _ in at.values() for index in (i, min(i + 1, last))})
    ordered = np.partition(x, wanted)
    found = {}
    for name, (i, rest) in at.items():
        below, above = float(ordered[i]), float(ordered[min(i + 1, last)])
        share = rest / shares[name][1]
        step = 0.0 if below == above or rest == 0 else (above - below) * share
        found[name] = below + step
    return found
