"""Many files as one input: the rows of one file after the rows of the other."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from math import prod
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.errors import InputError
from kldiv_cli.sources.base import (
    BLOCK_BYTES,
    Block,
    Composed,
    Member,
    Shards,
    Source,
    Turnable,
    beginning,
    stacked,
)
from kldiv_cli.sources.stores.folders import Files, stem_of
from kldiv_cli.sources.views.alike import check_alike
from kldiv_cli.sources.views.derived import Derived


def open_shards(files: Files, open_one: Callable[[str], Source]) -> ShardedSource:
    """Open many files as one input, and check by their headers that they belong together.

    A format whose files do not say their length is not checked: a file is opened when its rows are
    wanted.

    Raises
    ------
    InputError
        A file cannot be opened, or is not of one kind with the first one.
    """
    first = open_one(files.names[0])
    lengths: list[int | None] = [first.row_shape[0]]
    inside = [_members(first)]
    for name in files.names[1:]:
        if lengths[0] is None:
            lengths.append(None)
            inside.append(())
            continue
        other = open_one(name)
        check_alike(first, other, files)
        lengths.append(other.row_shape[0])
        inside.append(_members(other))
    return ShardedSource(files, first, tuple(lengths), open_one, tuple(inside))


def _members(source: Source) -> tuple[Member, ...]:
    return source.members if isinstance(source, Composed) else ()


@dataclass(frozen=True)
class ShardedSource(Derived):
    """Files of one kind. Their rows follow each other along the first axis of rows.

    Parameters
    ----------
    files : Files
        Where they are.
    first : Source
        The first file; the others are of its kind.
    lengths : tuple of int or None
        The length of the first axis of each, where the headers say it.
    open_one : callable
        Opens a file by its name. At most one file is open beside the first.
    inside : tuple of tuple of Member
        The arrays of each file, where several are joined.
    """

    files: Files
    first: Source
    lengths: tuple[int | None, ...]
    open_one: Callable[[str], Source]
    inside: tuple[tuple[Member, ...], ...]

    @cached_property
    def starts(self) -> list[int]:
        """The places of the files' first rows; where no header says them, of files read so far."""
        known = len(self.groups) == len(self.lengths)
        return list(accumulate(self.groups, initial=0)) if known else [0]

    @property
    def arrays(self) -> int | None:
        """How many arrays all files hold, where several of a file are joined."""
        return sum(len(each) or 1 for each in self.inside) if any(self.inside) else None

    @property
    def what(self) -> Literal["file", "array"]:
        """What its members are."""
        return "array" if any(self.inside) else "file"

    @property
    def member_names(self) -> tuple[str, ...]:
        """The files' names below the folder."""
        return self.files.relative

    @cached_property
    def members(self) -> tuple[Member, ...]:
        """The files; where they hold several arrays, these."""
        rows: Sequence[int | None] = self.groups
        if len(rows) < len(self.lengths):
            rows = [None] * len(self.lengths)
        found: list[Member] = []
        for name, count, arrays in zip(self.member_names, rows, self.inside, strict=True):
            stem = stem_of(name)
            found += [
                Member(f"{name}: {array.name}", f"{stem}: {array.stem}", array.rows)
                for array in arrays
            ] or [Member(name, stem, count)]
        return tuple(found)

    def count_of(self, number: int) -> int:
        """Return how many rows a member has, reading to its end where only that tells."""
        known = self.members[number].rows
        if known is not None:
            return known
        if number not in self._counts:
            rows = max(1, BLOCK_BYTES // (8 * prod(self.class_shape)))
            self._counts[number] = sum(map(len, self.blocks_of([number], rows)))
        return self._counts[number]

    @cached_property
    def _counts(self) -> dict[int, int]:
        """How many rows the files have that were read to their ends."""
        return {}

    def ordered(self, order: Sequence[int]) -> ShardedSource | None:
        """Return the same members in another order; None where arrays would leave their file."""
        files = [number for number, each in enumerate(self.inside) for _ in each or (None,)]
        numbers = list(dict.fromkeys(files[place] for place in order))
        arrays: dict[int, list[int]] = {}
        for place, number in enumerate(files):
            arrays.setdefault(number, []).append(place)
        if [place for number in numbers for place in arrays[number]] != list(order):
            return None
        names = self.files.ordered(numbers)
        return ShardedSource(
            names,
            self.first if numbers[0] == 0 else self.open_one(names.names[0]),
            tuple(self.lengths[number] for number in numbers),
            self.open_one,
            tuple(self.inside[number] for number in numbers),
        )

    def counted(self, rows: Sequence[int]) -> ShardedSource:
        """Return the same files, given how many rows each has where headers do not say it."""
        each = prod(length or 1 for length in self.row_shape[1:])
        return replace(self, lengths=tuple(count // each for count in rows))

    @property
    def origin(self) -> Source:
        """The first file."""
        return self.first

    @property
    def path(self) -> str:
        """The directory or the glob."""
        return self.files.path

    @property
    def shape(self) -> tuple[int | None, ...]:
        """The shape of all files together; where one is a single row, they are stacked."""
        return stacked(self.first, self.row_shape)[0]

    @property
    def class_axes(self) -> tuple[int, ...] | None:
        """The axes of this shape that index classes."""
        return stacked(self.first, self.row_shape)[1]

    @property
    def row_shape(self) -> tuple[int | None, ...]:
        """The axes that index rows, the first of them over all files."""
        known = [length for length in self.lengths if length is not None]
        total = sum(known) if len(known) == len(self.lengths) else None
        return (total, *self.first.row_shape[1:])

    @property
    def shards(self) -> Shards:
        """How many files there are, and what was passed over."""
        return Shards(len(self.files.names), self.files.passed_over, self.files.unread)

    @property
    def rows_expected(self) -> int | None:
        """The number of rows, or a guess: as if all files were like the first."""
        if self.length is not None:
            return self.length
        expected = self.first.rows_expected
        return None if expected is None else expected * len(self.lengths)

    @property
    def groups(self) -> tuple[int, ...]:
        """How many rows each file has, where their headers say it."""
        each = prod(length or 0 for length in self.row_shape[1:])
        return tuple(length * each for length in self.lengths if length is not None)

    @cached_property
    def tokens(self) -> NDArray[np.int32] | None:
        """The token ids of all files, in their order.

        Raises
        ------
        InputError
            A file cannot be opened, or has contexts of another length than the first one.
        """
        if self.first.tokens is None:
            return None
        n_ctx, found = self.first.tokens.shape[1], [self.first.tokens]
        for name in self.files.names[1:]:
            tokens = self.open_one(name).tokens
            if tokens is None or tokens.shape[1] != n_ctx:
                raise InputError(
                    f"{name}: expected contexts of {n_ctx} tokens (n_ctx) as in "
                    f"{self.first.path}, found {'none' if tokens is None else tokens.shape[1]}",
                    self.files.advice,
                )
            found.append(tokens)
        return np.concatenate(found)

    def turned(self, axis: int) -> Source | None:
        """Return the first array with its classes along another axis."""
        return self.first.turned(axis) if isinstance(self.first, Turnable) else None

    def blocks(self, rows: int, classes: Sequence[str] | None = None) -> Iterator[Block]:
        """Yield the rows of one file after the other; a file is open while it is read."""
        return self.blocks_of(range(len(self.lengths)), rows, classes)

    def beginning(self, rows: int) -> Generator[Block, None, None]:
        """Yield the rows of one file after the other, with no thread that reads ahead."""
        for number, name in enumerate(self.files.names):
            source = self.first if number == 0 else self.open_one(name)
            if source.class_names != self.class_names:
                return
            yield from beginning(source, rows)

    def blocks_of(
        self, groups: Sequence[int], rows: int, classes: Sequence[str] | None = None
    ) -> Iterator[Block]:
        """Yield the rows of these files."""
        names = self.class_names if classes is None else tuple(classes)
        kind: str | None = None
        for number in groups:
            name = self.files.names[number]
            source = self.first if number == 0 else self.open_one(name)
            check_alike(self.first, source, self.files)
            self._check_length(number, source)
            count = 0
            for block in source.blocks(rows, None if names == source.class_names else names):
                kind = self._check_ids(kind, block, name)
                count += len(block)
                yield block
            if number + 1 == len(self.starts):
                self.starts.append(self.starts[-1] + count)

    def place_of(self, row: int) -> str | None:
        """Name the file of a row that was read, and the row's place in it."""
        number = min(bisect_right(self.starts, row), len(self.lengths)) - 1
        inside = row - self.starts[number]
        source = self.first if number == 0 else self.open_one(self.files.names[number])
        more = source.place_of(inside)
        return f"row {inside} of {source.path}" + (f", {more}" if more else "")

    def _check_length(self, number: int, source: Source) -> None:
        expected, found = self.lengths[number], source.row_shape[0]
        if None not in (expected, found) and found != expected:
            raise InputError(
                f"{source.path}: expected {expected} rows as when it was first opened, found "
                f"{found}",
                "Wait until the files are written.",
            )

    def _check_ids(self, kind: str | None, block: Block, name: str) -> str | None:
        """Return the kind of the ids; raise where the files before hold another kind."""
        if block.ids is None:
            return None
        found = block.ids.dtype.kind
        if kind not in (None, found):
            raise InputError(
                f"{name}: expected row ids of one type in all files, found another one than in "
                f"{self.first.path}",
                "Write the ids of all files as text.",
            )
        return found
