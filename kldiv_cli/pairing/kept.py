"""Which classes of two sources enter, as columns of their rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Columns = slice | NDArray[np.intp]


@dataclass(frozen=True)
class Kept:
    """The classes that enter on both sides; the others are left out.

    Parameters
    ----------
    columns : pair of slice or integer array
        Where they stand in the reference's rows, and in the candidate's as these are read.
    of : pair of int
        How many classes each side has.
    names : tuple of str or None
        What they are called: by name, or by their index where that is not their place among them.
    order : tuple of str or None
        In which order the candidate's class columns are read; None for its own.
    words : str
        Which they are, for people: "0..999", or how many.
    options : tuple of str
        The options that say so.
    """

    columns: tuple[Columns, Columns]
    count: int
    of: tuple[int, int]
    names: tuple[str, ...] | None
    order: tuple[str, ...] | None
    words: str
    options: tuple[str, ...]

    def cut(
        self, reference: NDArray[Any], candidate: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the classes that enter of both sides' rows."""
        return reference[:, self.columns[0]], candidate[:, self.columns[1]]

    def left_out(self, side: int) -> NDArray[np.bool_]:
        """Tell of each class of a side, as it is read, whether it is left out."""
        found = np.ones(self.of[side], dtype=bool)
        found[self.columns[side]] = False
        return found


def columns_of(places: NDArray[np.intp]) -> Columns:
    """Return places as a slice where they are consecutive, of which a view can be taken."""
    if len(places) and (np.diff(places) == 1).all():
        return slice(int(places[0]), int(places[-1]) + 1)
    return places
