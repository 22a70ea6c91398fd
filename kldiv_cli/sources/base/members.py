"""Inputs of several files, or arrays, one after another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol, Self, runtime_checkable


class Member(NamedTuple):
    """A file or an array, whose rows are some of an input's.

    Parameters
    ----------
    name : str
        Its name below the folder, or in the file.
    stem : str
        The same without the suffixes of files.
    rows : int or None
        How many rows it has; None where only reading to its end tells.
    """

    name: str
    stem: str
    rows: int | None


@runtime_checkable
class Composed(Protocol):
    """A source whose rows are those of files, or of arrays, one after another."""

    @property
    def what(self) -> Literal["file", "array"]:
        """What its members are."""

    @property
    def members(self) -> tuple[Member, ...]:
        """The files, or the arrays, in their order; the arrays where files hold several."""

    @property
    def member_names(self) -> tuple[str, ...]:
        """The names of the files, or of the arrays of a single file."""

    @property
    def starts(self) -> Sequence[int]:
        """The places of their first rows, and the end; as far as these are known."""

    def count_of(self, number: int) -> int:
        """Return how many rows a member has, reading to its end where only that tells."""

    def ordered(self, order: Sequence[int]) -> Self | None:
        """Return the same members in another order; None where they cannot be reordered."""

    def counted(self, rows: Sequence[int]) -> Self:
        """Return the same source, given how many rows each member has."""
