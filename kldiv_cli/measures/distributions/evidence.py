"""Signs in a few rows that numbers are probabilities, and no logits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.distributions.exact import widen

_ABOVE = 1e-5
"""How far above 1 rounding may lift a probability."""
_BEGINNING = 1 << 12
"""Logits are told by their first cells."""


def all_sum_to(values: NDArray[Any], total: float, tolerance: float) -> bool:
    """Tell whether two or more rows lie in [0, total], and all such rows sum to that total.

    Rows with NaN and rows of nothing but 0, as padding is, are no sign of anything.

    Parameters
    ----------
    values : array, shape (rows, classes), of any real dtype
        Some rows; a row of one class tells nothing.
    total : float
        1 for probabilities, 100 for percentages.
    tolerance : float
        How far from the total a sum may be, relative to it.
    """
    if len(values) < 2 or values.shape[1] < 2 or not _within(values[:1, :_BEGINNING], total):
        return False
    wide = widen(values)
    sums = wide.sum(axis=1)
    some = ~np.isnan(sums) & (wide != 0).any(axis=1)
    if some.sum() < 2 or not _within(wide[some], total):
        return False
    return bool((np.abs(sums[some] / total - 1) <= tolerance).all())


def all_in_unit(values: NDArray[Any], least: int) -> bool:
    """Tell whether so many cells or more lie in [0, 1], and some strictly between.

    Parameters
    ----------
    values : array, shape (rows, classes), of any real dtype
        Some rows; NaN is no sign of anything.
    least : int
        How many cells are enough.
    """
    if not values.size or not _within(values[:1, :_BEGINNING], 1):
        return False
    cells = values[~np.isnan(values)] if values.dtype.kind == "f" else values.ravel()
    return cells.size >= least and _within(cells, 1) and bool(((cells > 0) & (cells < 1)).any())


def _within(values: NDArray[Any], most: float) -> bool:
    """Tell whether no number is below 0 or above the largest, but for rounding; NaN is neither."""
    return not ((values < 0) | (values > most * (1 + _ABOVE))).any()
