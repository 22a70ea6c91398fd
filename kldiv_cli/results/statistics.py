"""Values -> mean, standard error, percentiles: computed once from all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite, isnan, nan
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.results import _native
from kldiv_cli.results.exact_sum import Float64
from kldiv_cli.results.moments import Ends, ends_of, moments

SHARES = {
    "median": (1, 2),
    "p90": (90, 100),
    "p95": (95, 100),
    "p99": (99, 100),
    "p99.9": (999, 1000),
}
_PIECE = 1 << 16
"""So many values are looked at at a time, where the steps between take memory."""
_MANY = 1 << 14
"""From so many values on C finds places of the order sooner."""
STATISTICS = ("total", "mean", "sem", "min", "max", *SHARES)
"""The names of the statistics of a measure."""


@dataclass(frozen=True)
class Statistics:
    """The statistics of one measure over the rows that count.

    ``values`` maps each name of :data:`STATISTICS` to a float64. ``ranges`` has the least and the
    largest value that a statistic may have where a file hides part of the rows; one without an
    entry is exact. Total, mean and sem are those of `kldiv_cli.results.moments.Moments`.
    Percentiles are interpolated linearly at f * (n - 1). A NaN row makes all of them NaN, and
    ``max_row`` is then the first such row.
    """

    values: Mapping[str, float]
    max_row: int
    zero: int
    infinite: int
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> float:
        return self.values[name]


def statistics(values: Float64, rows: NDArray[np.intp]) -> Statistics:
    """Return the statistics of the values of these rows, of at least one."""
    found = statistics_of(values[rows], spend=True)
    return replace(found, max_row=int(rows[found.max_row]))


def statistics_of(x: Float64, *, spend: bool) -> Statistics:
    """Return the statistics of values, of at least one; ``max_row`` is a place among them.

    ``spend`` says that nobody needs the values any more: they are put into another order, where
    this would take as much memory again.
    """
    low, high = ends = ends_of(x)
    sums = moments(x, ends)
    found = {"total": sums.total, "mean": sums.mean, "sem": sums.sem, "min": low, "max": high}
    largest = int(x.argmax())
    finite = isfinite(low) and isfinite(high)
    infinite = 0 if finite else sum(int(np.isinf(some).sum()) for some in _pieces(x))
    zero = 0 if low > 0 else len(x) - int(np.count_nonzero(x))
    found |= percentiles(x, SHARES, ends, spend=spend)
    return Statistics(values=found, max_row=largest, zero=zero, infinite=infinite)


def _pieces(x: Float64) -> Iterator[Float64]:
    for start in range(0, len(x), _PIECE):
        yield x[start : start + _PIECE]


class Numbers(Protocol):
    """The number of every row."""

    def __getitem__(self, row: int, /) -> Any:
        """Return that of a row."""


def renumbered(measures: Mapping[str, Statistics], numbers: Numbers) -> dict[str, Statistics]:
    """Return the statistics of measures with their rows called by these numbers."""
    return {
        name: replace(each, max_row=int(numbers[each.max_row])) for name, each in measures.items()
    }


def percentiles(
    x: Float64,
    shares: Mapping[str, tuple[int, int]],
    ends: Ends | None = None,
    *,
    spend: bool = False,
) -> dict[str, float]:
    """Return the value below which each share of x lies, interpolated linearly at f * (n - 1).

    Parameters
    ----------
    x : float64, shape (n,)
        At least one value. Between a number and infinity lies infinity; where one is NaN all are.
    shares : mapping of str to pair of int
        f as a fraction, so that no rounding decides between two values: 999 of 1000.
    ends : pair of float, optional
        The least and the largest value, where they are known.
    spend : bool
        Whether x may be put into another order, and takes no memory for a copy.
    """
    ends = ends or ends_of(x)
    if isnan(ends[0]):
        return dict.fromkeys(shares, nan)
    last = len(x) - 1
    at = {name: divmod(last * part, whole) for name, (part, whole) in shares.items()}
    wanted = sorted({index for i, _ in at.values() for index in (i, min(i + 1, last))})
    ordered = _at_places(x, wanted, ends, spend=spend)
    found = {}
    for name, (i, rest) in at.items():
        below, above = ordered[i], ordered[min(i + 1, last)]
        share = rest / shares[name][1]
        step = 0.0 if below == above or rest == 0 else (above - below) * share
        found[name] = below + step
    return found


def _at_places(x: Float64, wanted: Sequence[int], ends: Ends, *, spend: bool) -> dict[int, float]:
    """Return the values, never -0.0, that sorting would put at some places, which ascend."""
    native = None if len(x) < _MANY else _native.load()
    found = None if native is None else native.around(np.ascontiguousarray(x), *ends, tuple(wanted))
    if found is None:
        some, places = x if spend else x.copy(), wanted
    else:
        some, places = np.frombuffer(found[0]), found[1]
    some.partition(places)
    return {i: float(some[place]) + 0.0 for i, place in zip(wanted, places, strict=True)}
