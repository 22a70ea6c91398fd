"""Signs in a few rows of what numbers are: probabilities and no logits, rounded or not."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.distributions.exact import widen
from kldiv_cli.measures.distributions.stretches import STRETCH, stretches
from kldiv_cli.measures.types import Float64

_ABOVE = 1e-5
"""How far above 1 rounding may lift a probability."""
_BEGINNING = 1 << 12
"""Logits are told by their first cells."""
_MOST_DECIMALS = 10
"""Numbers with so many decimals are not called rounded."""
_FEW = 1 << 6
"""Most numbers are told by a few of them."""
_TOO_FINE = {"float16": 3, "float32": 7}
"""Type -> so many decimals of numbers near 1 its own rounding leaves in any case."""
MOST_OFF = 5e-2
"""No rounding lets rows sum further from 1: where it may, the sums say nothing any more."""
_NARROW = {"float16": 1e-2, "float32": 1e-5}
"""Type -> how far from 1 rows of its probabilities may sum."""


def all_sum_to(values: NDArray[Any], total: float, tolerance: float, least: int = 2) -> bool:
    """Tell whether so many rows or more, all that are `telling`, lie in [0, total] and sum to it.

    Parameters
    ----------
    values : array, shape (rows, classes), of any real dtype
        Some rows; a row of one class tells nothing.
    total : float
        1 for probabilities, 100 for percentages.
    tolerance : float
        How far from the total a sum may be, relative to it.
    least : int
        How many rows are enough.
    """
    if len(values) < least or values.shape[1] < 2 or _are_logits(values[0, :_BEGINNING], total):
        return False
    found = _sums(values, total)
    if found is None or len(found) < least:
        return False
    return bool((np.abs(found / total - 1) <= tolerance).all())


def all_in_unit(values: NDArray[Any], least: int) -> bool:
    """Tell whether so many cells or more lie in [0, 1], and some strictly between.

    Parameters
    ----------
    values : array, shape (rows, classes), of any real dtype
        Some rows; NaN is no sign of anything.
    least : int
        How many cells are enough.
    """
    if not in_unit(values):
        return False
    cells = values[~np.isnan(values)] if values.dtype.kind == "f" else values.ravel()
    return cells.size >= least and bool(((cells > 0) & (cells < 1)).any())


def in_unit(values: NDArray[Any]) -> bool:
    """Tell whether there are cells, and all of them lie in [0, 1]; NaN is no sign of anything."""
    if not values.size or not _within(values[:1, :_BEGINNING], 1):
        return False
    return all(_within(part, 1) for part in stretches(values))


def are_ids(ids: NDArray[Any], values: NDArray[Any]) -> bool:
    """Tell whether numbers are the ids of other numbers' classes, in every row other ones.

    They are whole and not negative, distinct within each row, and differ between rows. They do not
    rise with the others, as logits rounded to integers do. Where they are all of 0, 1, ... in each
    row, as ranks beside logits are, the others have to be sorted.

    Parameters
    ----------
    ids : array, shape (rows, K), of any real dtype
        Some rows; -1, and an id of a value that is -inf or NaN, is padding.
    values : array, shape (rows, K), of any real dtype
        The same rows of what may be a value for each.
    """
    if ids.shape != values.shape or len(ids) < 2 or ids.shape[1] < 2:
        return False
    whole, of = widen(ids), widen(values)
    if not (np.isfinite(whole).all() and (whole == np.round(whole)).all() and whole.min() >= -1):
        return False
    known = (whole >= 0) & ~np.isnan(of) & (of != -np.inf)
    apart = np.sort(np.where(known, whole, -1.0 - np.arange(ids.shape[1])), axis=1)
    if (apart[:, 1:] == apart[:, :-1]).any() or (whole == whole[0]).all():
        return False
    rising = np.take_along_axis(whole, np.argsort(of, axis=1, kind="stable"), axis=1)
    if (rising[:, 1:] >= rising[:, :-1]).all():
        return False
    return bool(whole.max() >= ids.shape[1] or (of[:, 1:] <= of[:, :-1]).all())


def _sums(values: NDArray[Any], total: float) -> Float64 | None:
    """Return the sums of the rows that are `telling`; None where one leaves [0, total]."""
    if values.shape[1] <= STRETCH:
        wide = telling(values)
        return wide.sum(axis=1) if _within(wide, total) else None
    first = widen(values[:, :1])
    sums, told = np.zeros(len(values)), first[:, 0] > 0
    within = np.ones(len(values), dtype=bool)
    for part in stretches(values):
        wide = widen(part)
        sums += wide.sum(axis=1)
        told |= (wide != first).any(axis=1)
        within &= ~((wide < 0) | (wide > total * (1 + _ABOVE))).any(axis=1)
        if not within.any():
            return None
    told &= ~np.isnan(sums)
    return sums[told] if within[told].all() else None


def telling(values: NDArray[Any]) -> Float64:
    """Return the rows that tell something, as float64.

    Rows with NaN do not, nor does padding: rows of one number that is 0 or below.
    """
    wide = widen(values)
    varied = (wide != wide[:, :1]).any(axis=1) | (wide[:, 0] > 0)
    found: Float64 = wide[varied & ~np.isnan(wide).any(axis=1)]
    return found


@np.errstate(over="ignore", invalid="ignore")
def strangers(rows: Float64, tolerance: float) -> list[int]:
    """Return the columns without which all rows sum to 1; none where no such columns are found.

    Parameters
    ----------
    rows : float64, shape (rows, columns)
        Some rows, that do not sum to 1 with all columns.
    tolerance : float
        How far from 1 a sum may be.
    """
    sums = rows.sum(axis=1)
    if len(rows) < 2 or (np.abs(sums - 1) <= tolerance).all():
        return []
    alone = np.flatnonzero((np.abs(sums[:, None] - rows - 1) <= tolerance).all(axis=0))
    outside = np.flatnonzero(((rows < 0) | (rows > 1 + tolerance)).any(axis=0))
    whole = np.flatnonzero((rows == np.round(rows)).all(axis=0))
    for columns in (alone, outside, whole):
        rest = sums - rows[:, columns].sum(axis=1)
        if len(columns) and (np.abs(rest - 1) <= tolerance).all():
            return [int(column) for column in columns]
    return []


class Rounding(NamedTuple):
    """How the numbers of some rows were rounded.

    Parameters
    ----------
    decimals : int or None
        How many decimals they have; None where they are many.
    tolerance : float
        How far rows of such probabilities may sum from their total, relative to it.
    worst : float
        The same where all cells of a row are rounded to the same side, as many small ones are.
    """

    decimals: int | None
    tolerance: float
    worst: float


def rounding(values: NDArray[Any], total: float = 1, *, logs: bool = False) -> Rounding:
    """Return how the numbers of some rows were rounded before they came to have their type.

    They are multiples of a power of ten, or numbers of a narrower type, exactly or as printed.

    Parameters
    ----------
    values : array, shape (rows, classes), of any real dtype
        Some rows.
    total : float
        What the rows sum to: 1 for probabilities, 100 for percentages.
    logs : bool
        Whether these are logarithms, whose exponentials sum to that.
    """
    wide = widen(values[:, :STRETCH])
    wide = wide[np.isfinite(wide)]
    if not wide.size:
        return Rounding(None, 0.0, 0.0)
    decimals = _decimals(wide, values.dtype)
    cells = 1 if logs else values.shape[1]
    digits = 0.0 if decimals is None else cells * 0.5 * 10.0**-decimals / total
    worst = max(digits, _of_type(wide[:_BEGINNING]))
    return Rounding(decimals, min(MOST_OFF, worst), worst)


def _decimals(values: Float64, dtype: np.dtype[Any]) -> int | None:
    """Return how many decimals numbers of a type have at most, None where they are many."""
    for decimals in range(_TOO_FINE.get(dtype.name, _MOST_DECIMALS)):
        if all(
            np.array_equal(np.round(some, decimals).astype(dtype), some.astype(dtype))
            for some in (values[:_FEW], values)
        ):
            return decimals
    return None


def _of_type(values: Float64) -> float:
    """Return how far rows of numbers of a narrower type sum from 1; 0 for those of float64."""
    for narrow, tolerance in _NARROW.items():
        with np.errstate(over="ignore"):
            found = values.astype(narrow)
        if np.array_equal(found, values) or np.array_equal(found.astype("U").astype(float), values):
            return tolerance
    return 0.0


def _are_logits(cells: NDArray[Any], total: float) -> bool:
    """Tell quickly from the first cells, if these are no padding."""
    return not _within(cells, total) and bool((cells != cells[0]).any())


def _within(values: NDArray[Any], most: float) -> bool:
    """Tell whether no number is below 0 or above the largest, but for rounding; NaN is neither."""
    return not ((values < 0) | (values > most * (1 + _ABOVE))).any()
