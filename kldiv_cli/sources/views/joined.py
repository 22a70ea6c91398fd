"""Several arrays of one file as one input: the rows of one array after the rows of the other."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.errors import InputError
from kldiv_cli.sources.base import (
    Block,
    Indexed,
    Member,
    Source,
    Turnable,
    beginning,
    shown_shape,
    stacked,
)
from kldiv_cli.sources.views.derived import Derived


def open_joined(
    path: str, names: Sequence[str], open_one: Callable[[str], Source], advice: str
) -> Source:
    """Open several arrays as one input; an array that is alone is opened as it is.

    Parameters
    ----------
    path : str
        The file, for messages.
    names : sequence of str
        What messages call the arrays, in their order.
    open_one : callable
        Opens an array by its name. At most one is open beside the first.
    advice : str
        What to do about arrays that do not belong together.

    Raises
    ------
    InputError
        An array cannot be opened, or has another type or other classes than the first one.
    """
    first = open_one(names[0])
    if len(names) == 1:
        return first
    rows, axes, is_indexed = [first.length], {first.row_shape[1:]}, isinstance(first, Indexed)
    for name in names[1:]:
        other = open_one(name)
        for ours, theirs in zip(_traits(first), _traits(other), strict=True):
            if ours != theirs:
                raise InputError(
                    f"{path}: expected {ours} in {name!r} as in {names[0]!r}, found {theirs}",
                    advice,
                )
        rows.append(other.length)
        axes.add(other.row_shape[1:])
        is_indexed = is_indexed and isinstance(other, Indexed)
    known = tuple(count for count in rows if count is not None)
    more = first.row_shape[1:] if len(axes) == 1 else ()
    kind = JoinedArrays if is_indexed else JoinedSource
    return kind(first, tuple(names), known, more, open_one)


def _traits(source: Source) -> tuple[str, str]:
    classes = shown_shape(source.class_shape)
    return f"type {source.dtype}", f"rows of {classes} classes"


@dataclass(frozen=True)
class JoinedSource(Derived):
    """Arrays whose rows follow each other.

    Parameters
    ----------
    first : Source
        The first array; the others have its type and its classes.
    names : tuple of str
        What the arrays are called.
    groups : tuple of int
        How many rows each has.
    more : tuple of int or None
        The axes of rows behind the first one, where all arrays have the same.
    open_one : callable
        Opens an array by its name.
    """

    first: Source
    names: tuple[str, ...]
    groups: tuple[int, ...]
    more: tuple[int | None, ...]
    open_one: Callable[[str], Source]

    @property
    def origin(self) -> Source:
        """The first array."""
        return self.first

    @property
    def arrays(self) -> int:
        """How many arrays these are."""
        return len(self.names)

    @property
    def row_shape(self) -> tuple[int | None, ...]:
        """The axes of rows, the first of them over all arrays; one axis where the others differ."""
        total = sum(self.groups)
        for length in self.more:
            total //= length or 1
        return (total, *self.more)

    @property
    def shape(self) -> tuple[int | None, ...]:
        """The shape of all arrays together."""
        return stacked(self.first, self.row_shape)[0]

    @property
    def class_axes(self) -> tuple[int, ...] | None:
        """The axes of this shape that index classes."""
        return stacked(self.first, self.row_shape)[1]

    @property
    def rows_expected(self) -> int:
        """The number of rows."""
        return sum(self.groups)

    def turned(self, axis: int) -> Source | None:
        """Return the first array with its classes along another axis."""
        return self.first.turned(axis) if isinstance(self.first, Turnable) else None

    def blocks(self, rows: int, classes: Sequence[str] | None = None) -> Iterator[Block]:
        """Yield the rows of one array after the other."""
        return self.blocks_of(range(len(self.names)), rows, classes)

    def blocks_of(
        self, groups: Sequence[int], rows: int, classes: Sequence[str] | None = None
    ) -> Iterator[Block]:
        """Yield the rows of these arrays; each is open while it is read."""
        for number in groups:
            yield from self._open(number).blocks(rows, classes)

    def beginning(self, rows: int) -> Generator[Block, None, None]:
        """Yield the first rows of one array after the other."""
        for number in range(len(self.names)):
            yield from beginning(self._open(number), rows)

    def place_of(self, row: int) -> str:
        """Name the array of a row, and the row's place in it."""
        number = int(np.searchsorted(self.starts, row, side="right")) - 1
        return f"row {row - self.starts[number]} of {self.names[number]!r}"

    @cached_property
    def starts(self) -> list[int]:
        """The places of the arrays' first rows, and the end."""
        return list(accumulate(self.groups, initial=0))

    @property
    def what(self) -> Literal["file", "array"]:
        """What its members are."""
        return "array"

    @property
    def member_names(self) -> tuple[str, ...]:
        """What the arrays are called."""
        return self.names

    @property
    def members(self) -> tuple[Member, ...]:
        """The arrays."""
        known = len(self.groups) == len(self.names)
        rows: Sequence[int | None] = self.groups if known else [None] * len(self.names)
        return tuple(
            Member(name, name, count) for name, count in zip(self.names, rows, strict=True)
        )

    def count_of(self, number: int) -> int:
        """Return how many rows an array has."""
        return self.groups[number]

    def ordered(self, order: Sequence[int]) -> Self:
        """Return the same arrays in another order."""
        names = tuple(self.names[number] for number in order)
        first = self.first if order[0] == 0 else self.open_one(names[0])
        groups = tuple(self.groups[number] for number in order)
        return replace(self, first=first, names=names, groups=groups)

    def counted(self, rows: Sequence[int]) -> Self:
        """Return the same arrays, given how many rows each has."""
        return replace(self, groups=tuple(rows))

    def _open(self, number: int) -> Source:
        return self.first if number == 0 else self.open_one(self.names[number])


@dataclass(frozen=True)
class JoinedArrays(JoinedSource):
    """Arrays any of whose rows can be read without the others."""

    def at(self, places: NDArray[np.intp]) -> Block:
        """Return the rows at these places, as a copy."""
        return Block(np.concatenate([x.values for x in self.blocks_at(places, len(places))]))

    def blocks_at(self, places: range | NDArray[np.intp], rows: int) -> Iterator[Block]:
        """Yield the rows at these places, at most so many at a time."""
        for number, (start, stop) in enumerate(pairwise(self.starts)):
            inside = _between(places, start, stop)
            if len(inside):
                yield from _indexed(self._open(number)).blocks_at(inside, rows)


def _indexed(source: Source) -> Indexed:
    if not isinstance(source, Indexed):
        raise TypeError(f"{source.path} has to be read from beginning to end")
    return source


def _between(places: range | NDArray[np.intp], start: int, stop: int) -> range | NDArray[np.intp]:
    """Return which of the places lie between two, counted from the first of these."""
    if isinstance(places, range):
        return range(max(places.start, start) - start, min(places.stop, stop) - start)
    first, last = np.searchsorted(places, (start, stop))
    return places[first:last] - start
