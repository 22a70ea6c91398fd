"""Rows whose values do not lie one after another in a file, copied so that they do.

An array in Fortran order, or with its classes along another axis than the last, has each class, not
each row, in one piece: a few rows of it touch every page of the file. So they are copied strip by
strip of classes, and the pages are let go after each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds
from numpy.typing import NDArray

_STRIP = 256
"""How many classes are copied at a time: each costs a line of the cache."""
_TOUCHED = 1 << 24
"""About how much of a file single values may bring into memory at a time."""
_AROUND = 1 << 16
"""How much one value brings into memory: Linux maps the pages around it too."""

Copied = Callable[[NDArray[Any]], None]


def copy_range(rows: NDArray[Any], axes: int, places: range, copied: Copied) -> NDArray[Any]:
    """Copy consecutive rows.

    Parameters
    ----------
    rows : array
        Its first axes index rows, in C order; at least one more indexes classes.
    axes : int
        How many index rows, at least 1.
    places : range
        Which rows, one after another.
    copied : callable
        Told of each part of the array that was read.

    Returns
    -------
    array of shape (rows, classes), in C order
        Of the same type.
    """
    found = np.empty((len(places), *rows.shape[axes:]), rows.dtype)
    done = 0
    for part in _parts(rows, axes, places.start, places.stop):
        count = prod(part.shape[: part.ndim - found.ndim + 1])
        here = found[done : done + count].reshape(part.shape)
        for strip in _strips(rows, axes, _STRIP):
            here[strip] = part[strip]
            copied(part[strip])
        done += count
    return found.reshape(len(found), -1)


def copy_single(
    rows: NDArray[Any], axes: int, places: NDArray[np.intp], copied: Copied
) -> NDArray[Any]:
    """Copy rows at single places, which ascend; the rest is as in `copy_range`."""
    found = np.empty((len(places), *rows.shape[axes:]), rows.dtype)
    at_once = _rows_at_once(rows, axes)
    for first in range(0, len(places), at_once):
        here = found[first : first + at_once]
        index = np.unravel_index(places[first : first + at_once], rows.shape[:axes])
        near = rows[index[0][0] : index[0][-1] + 1]
        index = (index[0] - index[0][0], *index[1:])
        low, high = byte_bounds(near[..., 0])
        touched = min(high - low, here[..., 0].size * _AROUND)
        for strip in _strips(rows, axes, max(1, min(_STRIP, _TOUCHED // touched))):
            here[strip] = near[strip][index]
            copied(near[strip])
    return found.reshape(len(found), -1)


def _parts(rows: NDArray[Any], axes: int, start: int, stop: int) -> Iterator[NDArray[Any]]:
    """Yield the consecutive rows as parts of the array, few and large."""
    if axes == 1:
        yield rows[start:stop]
        return
    each = prod(rows.shape[1:axes])
    if start % each:
        first, skipped = divmod(start, each)
        start = min(stop, (first + 1) * each)
        yield from _parts(rows[first], axes - 1, skipped, start - first * each)
    first, last = start // each, stop // each
    if first < last:
        yield rows[first:last]
        start = last * each
    if start < stop:
        yield from _parts(rows[last], axes - 1, 0, stop - start)


def _strips(rows: NDArray[Any], axes: int, width: int) -> Iterator[tuple[Any, slice]]:
    """Yield the indices of so many classes at a time; of all classes where a row lies together."""
    count = rows.shape[-1]
    step = width if _apart(rows, axes) else count
    for start in range(0, count, step):
        yield ..., slice(start, start + step)


def _rows_at_once(rows: NDArray[Any], axes: int) -> int:
    """Return how many single rows may be read before what they touched is let go."""
    if not _apart(rows, axes):
        return max(1, _TOUCHED // (_AROUND + prod(rows.shape[axes:]) * rows.itemsize))
    low, high = byte_bounds(rows[..., 0])
    return prod(rows.shape[:axes]) if high - low <= _TOUCHED else _TOUCHED // _AROUND


def _apart(rows: NDArray[Any], axes: int) -> bool:
    """Tell whether one class of many rows lies together, rather than one row."""
    return rows.strides[-1] > rows.strides[axes - 1]
