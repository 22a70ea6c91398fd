"""How two sources correspond, and the aligned pairs of blocks that they make."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from math import prod
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.errors import InputError, UsageError
from kldiv_cli.pairing.blocks import BlockPair
from kldiv_cli.pairing.matching import (
    MissingRows,
    Steps,
    check_matched,
    different,
    different_classes,
    first_difference,
    ids_of,
    only,
    with_places,
)
from kldiv_cli.sources.base import BLOCK_BYTES, Block, Source
from kldiv_cli.sources.views.selected import whole

if TYPE_CHECKING:
    from kldiv_cli.pairing.by_id import OnMissing
    from kldiv_cli.pairing.classes import Kept
    from kldiv_cli.pairing.masks.mask import Mask
    from kldiv_cli.pairing.members import Aligned

_MOST_ROWS = 1 << 16
"""Measures give a few numbers for each row, which take more memory than rows of few classes."""


@dataclass(frozen=True)
class Pairing:
    """How the rows and classes of two sources correspond.

    Classes are matched by name where both sides have names, and by position elsewhere. Rows are
    matched by id where both sides have ids, and by position elsewhere; the candidate may have its
    ids in any order.

    Parameters
    ----------
    reference, candidate : Source
        The two sides.
    part : bool
        Whether the reference is some rows of a file and the candidate a whole file. Rows that only
        the candidate has are passed over.
    on_missing : {"error", "skip"}
        Whether a row with an id on one side only is an error, or is left out and counted in
        ``missing``.
    classes : Kept or None
        Which classes enter; None for all. Both sides have to have the same classes then.
    mask : Mask or None
        Which cells enter; None for all. It has a row for every row of the reference, also for rows
        that are left out.
    mask_below : float or None
        Cells at or below it on both sides do not enter.
    ranged : bool
        Whether these are the rows of a range, which may be without partners altogether.
    room : int or None
        How many bytes of the candidate may be held in memory to look rows up; None for three
        quarters of the memory that is available when the first row is looked up.
    members : Aligned or None
        How the files, or arrays, find each other, where both sides have several.

    Raises
    ------
    InputError
        Shapes differ, or classes or rows of one side have no partner.
    UsageError
        Rows are to be skipped, and a side has no ids.
    """

    reference: Source
    candidate: Source
    part: bool = field(default=False, kw_only=True)
    on_missing: OnMissing = field(default="error", kw_only=True)
    classes: Kept | None = field(default=None, kw_only=True)
    mask: Mask | None = field(default=None, kw_only=True)
    mask_below: float | None = field(default=None, kw_only=True)
    ranged: bool = field(default=False, kw_only=True)
    room: int | None = field(default=None, kw_only=True)
    members: Aligned | None = field(default=None, kw_only=True)
    missing: MissingRows = field(default_factory=MissingRows, init=False, compare=False)

    def __post_init__(self) -> None:
        if self.on_missing not in ("error", "skip"):
            raise UsageError(
                f"no way with missing rows is called {self.on_missing!r}", "Known: error, skip."
            )
        if self.on_missing == "skip" and self.by == "position":
            raise UsageError(
                "--on-missing skip is for rows with ids, and these are paired by position",
                "Leave it out, or name the row-id column with --id.",
            )
        self._check_shapes()
        if self._by_name and self.classes is None:
            check_matched(
                self.reference,
                self.candidate,
                "class names",
                self.reference.class_names or (),
                self.candidate.class_names or (),
            )

    @property
    def by(self) -> Literal["id", "position"]:
        """How rows find each other."""
        ids = self.reference.id_name is not None and self.candidate.id_name is not None
        return "id" if ids else "position"

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """The names of the classes, in the reference's order if it has any."""
        if self.classes is not None:
            return self.classes.names
        return self.reference.class_names or self.candidate.class_names

    @property
    def class_shape(self) -> tuple[int, ...]:
        """The axes of one row."""
        return self.reference.class_shape if self.classes is None else (self.classes.count,)

    @property
    def row_shape(self) -> tuple[int | None, ...]:
        """The axes that index rows, of the side whose number of rows is known."""
        return max(self.reference.row_shape, self.candidate.row_shape, key=lambda s: s[0] or 0)

    @property
    def rows_expected(self) -> int | None:
        """The number of rows, or an estimate; None without either."""
        if self.part:
            return self.reference.rows_expected
        for side in (self.reference, self.candidate):
            if side.row_shape[0] is not None:
                return side.rows_expected
        return self.reference.rows_expected

    @property
    def leaves_rows_out(self) -> bool:
        """Whether some rows of the reference may have no place in the blocks."""
        return whole(self.reference) is not self.reference or self.on_missing == "skip"

    @property
    def masks_cells(self) -> str | None:
        """The option by which single cells are masked; None where rows are, or nothing is."""
        if self.mask is not None and not self.mask.of_rows:
            return "--mask"
        return None if self.mask_below is None else "--mask-below"

    @property
    def _by_name(self) -> bool:
        return self.reference.class_names is not None and self.candidate.class_names is not None

    def blocks(self, block_bytes: int | None = None) -> Iterator[BlockPair]:
        """Yield every row once, in the reference's order, so many bytes of a side at a time.

        Raises
        ------
        InputError
            A side is not as it should be, or the mask is not.
        """
        pairs = self._pairs(block_bytes)
        if self.mask is None:
            return pairs
        from kldiv_cli.pairing.masks.masked import masked  # noqa: PLC0415 - few have a mask

        return masked(pairs, self.mask, self.reference, part=self.leaves_rows_out)

    def _pairs(self, block_bytes: int | None) -> Iterator[BlockPair]:
        order = self.reference.class_names if self._by_name else None
        if self.classes is not None:
            order = self.classes.order
        widest = max(
            _value_bytes(side.dtype) * prod(side.class_shape)
            for side in (self.reference, self.candidate)
        )
        rows = min(_MOST_ROWS, max(1, (block_bytes or BLOCK_BYTES) // widest))
        reference = self.reference.blocks(rows)
        if self.on_missing == "skip":
            reference = with_places(reference)
        candidate = self.candidate.blocks(rows, order)
        if self.by == "position":
            return self._in_step(reference, candidate)
        if self.part:
            wanted = {name for block in self.reference.blocks(rows) for name in ids_of(block)}
            candidate = only(candidate, wanted)
        return self._by_id(reference, candidate)

    def place(self, side: str, block: BlockPair, row: int, cell: int | None) -> str:
        """Name a row of a block, or one cell of it, as the user can find it in a side's file."""
        name = None if block.ids is None else block.ids[row]
        return self.place_at(side, block.number(row), name, cell)

    def place_at(self, side: str, number: int, name: object, cell: int | None) -> str:
        """Name the same given the row's place in the reference, and its id if it has one."""
        place = f"row {number}"
        if name is not None:
            place += f" ({name})"
        where = self.place_of(side, number)
        if where is not None:
            place += f", {where}"
        if cell is None:
            return place
        if self.class_names is not None:
            return f"{place}, class {self.class_names[cell]!r}"
        index = tuple(int(i) for i in np.unravel_index(cell, self.class_shape))
        return f"{place}, class {index[0]}" if len(index) == 1 else f"{place}, cell {index}"

    def place_of(self, side: str, row: int) -> str | None:
        """Return where a row of the reference stands in a side's file; None if unknown."""
        if side == "reference":
            return self.reference.place_of(row)
        if self.members is not None and self.members.runs is not None:
            ours, theirs = self.members.runs
            row = int(theirs.at(ours.ranks(np.array([row], np.intp)))[0])
        return self.candidate.place_of(row) if self.by == "position" else None

    def _in_step(
        self, reference: Iterator[Block], candidate: Iterator[Block]
    ) -> Iterator[BlockPair]:
        rows = before = 0
        steps = Steps(reference, candidate)
        for left, right in steps:
            if left is None or right is None:
                counts = [
                    before + rows + (0 if first is None else len(first)) + sum(map(len, rest))
                    for first, rest in zip((left, right), steps.rest(), strict=True)
                ]
                raise different(self.reference, self.candidate, "rows", *counts)
            if rows == 0 and left.places is not None:
                before = int(left.places[0])
            ids = left.ids if left.ids is not None else right.ids
            yield self._pair(left, right, rows, ids)
            rows += len(left)

    def _by_id(self, reference: Iterator[Block], candidate: Iterator[Block]) -> Iterator[BlockPair]:
        from kldiv_cli.pairing.by_id import ById  # noqa: PLC0415 - few are paired by id

        walk = ById(
            self.reference,
            self.candidate,
            self.on_missing,
            self.room,
            self.missing,
            ranged=self.ranged,
        )
        for start, left, right in walk.pairs(reference, candidate):
            yield self._pair(left, right, start, left.ids)

    def _pair(self, left: Block, right: Block, start: int, ids: NDArray[Any] | None) -> BlockPair:
        """Return the pair of two blocks; ``start`` is the first row's place where none is known."""
        if left.places is not None:
            start = int(left.places[0])
        releases = left.release, right.release
        pair = BlockPair(start, left.values, right.values, ids, releases, places=left.places)
        if self.classes is not None:
            s, t = self.classes.cut(*(full := (left.values, right.values)))
            pair = replace(pair, reference=s, candidate=t, full=full)
        if left.groups is None and right.groups is None:
            return pair
        fault = first_difference(left.groups, right.groups)
        if fault is not None:
            ours, theirs, row = fault
            raise InputError(
                f"{self.candidate.path}: expected {ours!r} in column {self.candidate.group_name!r} "
                f"beside row {pair.number(row)} of {self.reference.path}, as there, found "
                f"{theirs!r}",
                "Rows that are paired need one group: match them by --id, or drop the column from "
                "one side.",
            )
        return replace(pair, groups=right.groups if left.groups is None else left.groups)

    def _check_shapes(self) -> None:
        left, right = self.reference, self.candidate
        if self.classes is None and left.class_shape != right.class_shape and not self._by_name:
            raise different_classes(left, right)
        known = None not in (*left.row_shape, *right.row_shape)
        if known and left.row_shape != right.row_shape and self.by == "position":
            raise different(left, right, "shapes", left.shape, right.shape)
        if len(left.row_shape) != len(right.row_shape):
            raise different(left, right, "axes of rows", left.shape, right.shape)


def _value_bytes(dtype: str) -> int:
    return 2 if dtype == "bfloat16" else np.dtype(dtype).itemsize
