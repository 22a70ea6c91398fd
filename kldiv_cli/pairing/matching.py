"""Blocks of two sources beside each other: in step, or by the ids of their rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.errors import InputError, a_few, first_few
from kldiv_cli.sources.base import Block, Source, shown_shape


class MissingRows:
    """How many rows have an id that is on one side only."""

    def __init__(self) -> None:
        self.reference = 0
        self.candidate = 0


class Steps:
    """Blocks of equal length, cut from both sides; at the end the rows that only one side has."""

    def __init__(self, left: Iterator[Block], right: Iterator[Block]) -> None:
        self._left, self._right = left, right
        self._rest: tuple[Block | None, Block | None] = (None, None)

    def __iter__(self) -> Iterator[tuple[Block | None, Block | None]]:
        while True:
            a, b = self._rest
            a = next(self._left, None) if a is None else a
            b = next(self._right, None) if b is None else b
            self._rest = (None, None)
            if a is None and b is None:
                return
            if a is not None and b is not None:
                rows = min(len(a), len(b))
                self._rest = (
                    a[rows:] if len(a) > rows else None,
                    b[rows:] if len(b) > rows else None,
                )
                a, b = a[:rows], b[:rows]
            yield a, b

    def rest(self) -> tuple[Iterator[Block], Iterator[Block]]:
        """Return what has not been walked yet."""
        first, second = ([] if block is None else [block] for block in self._rest)
        return chain(first, self._left), chain(second, self._right)


def ids_of(block: Block) -> NDArray[Any]:
    """Return the ids as text, so that 7 in one file is "7" in another."""
    if block.ids is None:
        raise ValueError("a source that names an id column gave a block without ids")
    return as_text(block.ids)


def as_text(ids: NDArray[Any]) -> NDArray[Any]:
    """Return ids as text: objects, as an array of text would be as wide as the longest."""
    return ids if ids.dtype == object else ids.astype(str).astype(object)


def only(blocks: Iterator[Block], wanted: set[str]) -> Iterator[Block]:
    """Yield the rows with these ids, and read no further than the last of them."""
    left = len(wanted)
    for block in blocks:
        rows = np.flatnonzero([name in wanted for name in ids_of(block)])
        if len(rows):
            yield block[rows]
        left -= len(rows)
        if left <= 0:
            return


def with_places(blocks: Iterator[Block]) -> Iterator[Block]:
    """Yield blocks with the places of their rows, so that rows can be left out."""
    start = 0
    for block in blocks:
        stop = start + len(block)
        yield block if block.places is not None else replace(block, places=np.arange(start, stop))
        start = stop


def equal_ids(left: Block, right: Block) -> bool:
    """Tell whether two blocks hold the same ids in the same order."""
    if left.ids is not None and right.ids is not None and left.ids.dtype == right.ids.dtype:
        return bool(np.array_equal(left.ids, right.ids))
    return bool(np.array_equal(ids_of(left), ids_of(right)))


def first_difference(
    left: NDArray[Any] | None, right: NDArray[Any] | None
) -> tuple[Any, Any, int] | None:
    """Return both values of the first row that differs, and the row; None without such a row."""
    if left is None or right is None:
        return None
    differ = left != right
    row = int(differ.argmax())
    return (left[row], right[row], row) if differ[row] else None


def check_unique(ids: list[NDArray[Any]], side: Source) -> None:
    """Raise if an id occurs twice among all of a side's."""
    every = np.concatenate(ids).tolist()
    if len(set(every)) < len(every):
        twice = [name for name, count in Counter(every).items() if count > 1]
        raise InputError(
            f"{side.path}: expected every row id in {side.id_name!r} once, found {a_few(twice)} "
            "more than once",
            "Remove the copies, name another column with --id, or leave this one out with --drop.",
        )


def check_matched(
    reference: Source, candidate: Source, what: str, ours: Sequence[str], theirs: Sequence[str]
) -> None:
    """Raise unless both sides hold the same names: "class names" or "row ids"."""
    left, right = set(ours), set(theirs)
    if left == right:
        return
    sides = [
        f"{len(only)} only in {path} ({first_few(only)})"
        for only, path in (
            ([str(name) for name in ours if name not in right], reference.path),
            ([str(name) for name in theirs if name not in left], candidate.path),
        )
        if only
    ]
    both = len(left & right)
    if what == "class names":
        advice = "Write both from the same classes, or name these with --columns"
        option = "--truncate-classes"
    else:
        advice = "Write both from the same rows, or name the column of row ids with --id"
        option = "--on-missing skip"
    if both:
        advice += f"; {option} keeps the {both} in common"
    raise InputError(
        f"{candidate.path}: expected the same {what} as {reference.path}, found "
        + " and ".join(sides),
        f"{advice}.",
    )


def different(
    reference: Source, candidate: Source, what: str, left: object, right: object
) -> InputError:
    """Return the error of two sides that differ in ``what``."""
    return InputError(
        f"{candidate.path}: expected the same {what} as {reference.path}, found "
        f"{_shown(left)} there and {_shown(right)} here",
        "Compare outputs of the same inputs, in the same shape.",
    )


def different_classes(left: Source, right: Source) -> InputError:
    """Return the error of two sides with different numbers of classes and no names to match."""
    found = different(left, right, "shapes", left.shape, right.shape)
    if len(left.class_shape) != 1 or len(right.class_shape) != 1 or not _may_be_paired(left, right):
        return found
    (ours,), (theirs,) = left.class_shape, right.class_shape
    return InputError(
        f"{found.what} ({ours} and {theirs} classes)",
        "If one has classes more at the end, --truncate-classes keeps the first "
        f"{min(ours, theirs)} of both.",
    )


def _may_be_paired(left: Source, right: Source) -> bool:
    """Tell whether both have as many axes of rows, of the same lengths where these are known."""
    rows = left.row_shape, right.row_shape
    return len(rows[0]) == len(rows[1]) and all(
        a is None or b is None or a == b for a, b in zip(*rows, strict=True)
    )


def _shown(value: object) -> str:
    return shown_shape(value) if isinstance(value, tuple) else str(value)
