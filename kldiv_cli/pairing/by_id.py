"""Rows of two sources paired by their ids, in whatever order the candidate holds them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain, repeat
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.errors import InputError
from kldiv_cli.memory import available
from kldiv_cli.pairing.matching import (
    MissingRows,
    Steps,
    check_matched,
    check_unique,
    equal_ids,
    ids_of,
)
from kldiv_cli.sources.base import Block, Source

OnMissing = Literal["error", "skip"]
Paired = tuple[int, Block, Block]
_ID_BYTES = 250
"""About what an id takes: a string, and its places in a dictionary and in a set."""


class Held:
    """Rows of a side that are held in memory and found by their ids.

    Parameters
    ----------
    blocks : iterator of Block
        The rows.
    side, other : Source
        The side, and the other side, for the message.
    room : int
        How many bytes the rows may take.
    common : bool
        Whether rows with ids on one side only are left out. The advice then is to drop these from
        the files: sorted files that hold them are not in step either.

    Raises
    ------
    InputError
        The rows take more; the rest is not read.
    """

    def __init__(
        self, blocks: Iterator[Block], side: Source, other: Source, room: int, *, common: bool
    ) -> None:
        self.ids: NDArray[Any] = np.empty(0, object)
        self._rows = Block(np.empty((0, 0)))
        read: list[Block] = []
        size = 0
        for block in blocks:
            size += block.values.nbytes + _ID_BYTES * len(block)
            if size > room:
                raise _no_room(side, other, size, room, common=common)
            read.append(block)
        if read:
            self.ids = np.concatenate([ids_of(block) for block in read])
            self._rows = _joined(read)
        self._place = dict(zip(self.ids.tolist(), range(len(self.ids)), strict=True))

    def find(self, ids: NDArray[Any]) -> NDArray[np.intp]:
        """Return the place of each id, -1 where there is none."""
        return np.fromiter(map(self._place.get, ids, repeat(-1)), np.intp, len(ids))

    def rows(self, places: NDArray[np.intp]) -> Block:
        """Return the rows at these places."""
        return self._rows[places]


def _joined(blocks: list[Block]) -> Block:
    """Return one block of all, and empty the list; a block is freed when it was copied."""
    groups = [block.groups for block in blocks if block.groups is not None]
    shape = sum(map(len, blocks)), blocks[0].values.shape[1]
    values = np.empty(shape, np.result_type(*(block.values for block in blocks)))
    start = 0
    blocks.reverse()
    while blocks:
        block = blocks.pop()
        values[start : start + len(block)] = block.values
        start += len(block)
    return Block(values, groups=np.concatenate(groups) if groups else None)


def _no_room(side: Source, other: Source, size: int, room: int, *, common: bool) -> InputError:
    name = side.id_name or ""
    column = name if name.isidentifier() else f'\\"{name}\\"'
    what, join = "Sort both by id", ""
    if common:
        what = "Sort both by id without the rows that only one has"
        join = f" SEMI JOIN '{other.path}' USING ({column})"
    return InputError(
        f"{side.path}: expected its rows in the order of {other.path}, or room to look them up, "
        f"found {room / 1e9:.3g} GB of memory for {size / 1e9:.3g} GB or more",
        f"{what}, for example: duckdb -c "
        f"\"COPY (FROM '{side.path}'{join} ORDER BY {column}) TO 'sorted.parquet'\"",
    )


@dataclass(frozen=True)
class ById:
    """Pairs the rows of two sides by their ids.

    Parameters
    ----------
    reference, candidate : Source
        The two sides, for messages.
    on_missing : {"error", "skip"}
        Whether a row with an id on one side only is an error, or is left out.
    room : int or None
        How many bytes of the candidate may be held; None for three quarters of what is available.
    missing : MissingRows
        Its numbers are set when all rows were read.
    ranged : bool
        Whether the reference is a range of rows. All of these may lack partners.
    """

    reference: Source
    candidate: Source
    on_missing: OnMissing
    room: int | None
    missing: MissingRows
    ranged: bool = False

    def pairs(self, reference: Iterator[Block], candidate: Iterator[Block]) -> Iterator[Paired]:
        """Yield the place of the first row, rows of the reference, and those of the candidate.

        While the ids agree, both sides are read in step. From the first difference on, the
        candidate's rows are held in memory and looked up.
        """
        walked: list[NDArray[Any]] = []
        start = 0
        steps = Steps(reference, candidate)
        for left, right in steps:
            if left is None or right is None or not equal_ids(left, right):
                ours, theirs = steps.rest()
                if left is not None:
                    ours = chain([left], ours)
                if right is not None:
                    theirs = chain([right], theirs)
                # Where the reference has ended, nothing is looked up any more.
                theirs = (
                    theirs
                    if left is not None
                    else (replace(x, values=x.values[:, :0]) for x in theirs)
                )
                yield from self._look_up(ours, theirs, walked)
                return
            yield start, left, right
            start += len(left)
            walked.append(ids_of(left))
        check_unique(walked, self.reference)
        self._count_missing(0, 0, start)

    def _look_up(
        self, reference: Iterator[Block], candidate: Iterator[Block], walked: list[NDArray[Any]]
    ) -> Iterator[Paired]:
        """Pair the rest of the reference with the rest of the candidate, held in memory."""
        room = available() * 3 // 4 if self.room is None else self.room
        skip = self.on_missing == "skip"
        held = Held(candidate, self.candidate, self.reference, room, common=skip)
        check_unique([*walked, held.ids], self.candidate)
        ours: list[NDArray[Any]] = [np.empty(0, object)]
        start, paired = sum(map(len, walked)), 0
        for block in reference:
            ours.append(ids_of(block))
            places = held.find(ours[-1])
            found = np.flatnonzero(places >= 0)
            if len(found) < len(block) and self.on_missing == "error":
                ours.extend(map(ids_of, reference))
                break
            if len(found):
                rows = block if len(found) == len(block) else block[found]
                yield start, rows, held.rows(places[found])
            start += len(block)
            paired += len(found)
        check_unique([*walked, *ours], self.reference)
        mine, theirs = np.concatenate(ours), held.ids
        if self.on_missing == "error":
            check_matched(self.reference, self.candidate, "row ids", mine.tolist(), theirs.tolist())
        walked_rows = sum(map(len, walked))
        self._count_missing(len(mine) - paired, len(theirs) - paired, walked_rows + paired)

    def _count_missing(self, ours: int, theirs: int, paired: int) -> None:
        """Note how many rows have no partner; raise where no row has one."""
        self.missing.reference, self.missing.candidate = ours, theirs
        if paired == 0 and not self.ranged:
            raise InputError(
                f"{self.candidate.path}: expected row ids of {self.reference.path}, found none "
                f"in common ({ours} only there, {theirs} only here)",
                "Compare outputs of the same inputs, or name the row-id column with --id.",
            )
