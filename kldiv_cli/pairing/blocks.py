"""A block of both sides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class BlockPair:
    """The same rows of both sides, with the same classes in the same order.

    Call `release` once the values were read.

    Attributes
    ----------
    start : int
        The first row's place in the reference.
    reference, candidate : array, shape (rows, classes)
        The values.
    ids : array, shape (rows,), or None
        The rows' ids, where there are any.
    kept : bool array, shape (rows, classes) or (rows, 1), or None
        The cells that a mask keeps; one per row for a mask of whole rows. None without a mask.
    places : integer array, shape (rows,), or None
        The rows' places in the reference; None where they follow ``start`` without a gap.
    full : pair of array or None
        The rows of both sides with all classes, where some are left out.
    groups : array, shape (rows,), or None
        The rows of the group column, where there is one.
    low : integer array, shape (rows,), or None
        How many cells that a mask keeps are left out because they lie low on both sides; None where
        none is to be.
    """

    start: int
    reference: NDArray[Any]
    candidate: NDArray[Any]
    ids: NDArray[Any] | None
    _releases: tuple[Callable[[], None] | None, ...] = ()
    kept: NDArray[np.bool_] | None = None
    places: NDArray[np.intp] | None = None
    full: tuple[NDArray[Any], NDArray[Any]] | None = None
    groups: NDArray[Any] | None = None
    low: NDArray[np.intp] | None = None

    @property
    def rows(self) -> slice | NDArray[np.intp]:
        """The rows' places in the reference, as an index into arrays of all rows."""
        if self.places is not None:
            return self.places
        return slice(self.start, self.start + len(self.reference))

    @property
    def numbers(self) -> NDArray[np.intp]:
        """The rows' places in the reference."""
        if self.places is not None:
            return self.places
        return np.arange(self.start, self.start + len(self.reference))

    def number(self, row: int) -> int:
        """Return the place in the reference of a row of this block."""
        return self.start + row if self.places is None else int(self.places[row])

    def release(self) -> None:
        """Give the pages of mapped files back; the values can still be read."""
        for release in self._releases:
            if release is not None:
                release()
