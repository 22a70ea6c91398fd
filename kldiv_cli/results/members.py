"""The files, or arrays, that an input consists of, and how those of two inputs were paired."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

What = Literal["file", "array"]


@dataclass(frozen=True)
class Members:
    """The files, or arrays, whose rows follow each other in an input.

    Attributes
    ----------
    what : {"file", "array"}
        What they are.
    names : tuple of str
        The files' names below their folder, or what the arrays are called.
    starts : tuple of int
        The places of their first rows; those that were not read may be missing at the end.
    """

    what: What
    names: tuple[str, ...]
    starts: tuple[int, ...]

    def place(self, row: int) -> tuple[str, int]:
        """Return the name of the file, or array, that holds a row, and the row's place in it."""
        number = bisect_right(self.starts, row) - 1
        return self.names[number], row - self.starts[number]

    def numbers(self, rows: NDArray[np.intp]) -> NDArray[np.int32]:
        """Return which of the names holds each row."""
        return (np.searchsorted(self.starts, rows, side="right") - 1).astype(np.int32)

    def inside(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the place of each row in its file, or array."""
        found: NDArray[np.intp] = rows - np.array(self.starts, np.intp)[self.numbers(rows)]
        return found


@dataclass(frozen=True)
class MemberNames:
    """The name of the file, or array, of every row: as an array, but made where it is looked at."""

    members: Members
    rows: NDArray[np.intp]

    def __getitem__(self, part: slice) -> NDArray[Any]:
        """Return those of some rows."""
        return np.array(self.members.names, object)[self.members.numbers(self.rows[part])]


@dataclass(frozen=True)
class PairedMembers:
    """How the files, or arrays, of two inputs were paired.

    Attributes
    ----------
    paired_by : {"name", "place"}
        Those of one name, or all rows in their order.
    what : pair of {"file", "array"}
        What the reference and the candidate consist of.
    of : pair of int
        Of how many.
    only_reference, only_candidate : tuple of str
        Those of each side that were left out, as the other side has none of the name.
    """

    paired_by: Literal["name", "place"]
    what: tuple[What, What]
    of: tuple[int, int]
    only_reference: tuple[str, ...] = ()
    only_candidate: tuple[str, ...] = ()
