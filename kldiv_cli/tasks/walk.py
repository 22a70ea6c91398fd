"""The only loop over blocks: a pairing, and what to do with each block -> one Part of them all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.distributions.exact import Decoded, real
from kldiv_cli.measures.distributions.kinds import Kind
from kldiv_cli.measures.distributions.stretches import asking
from kldiv_cli.measures.rows.absence import without
from kldiv_cli.measures.types import Status
from kldiv_cli.memory import keep_freed_memory, let_go
from kldiv_cli.pairing import BlockPair, Pairing
from kldiv_cli.pairing.ranges import within
from kldiv_cli.sources.base import BLOCK_BYTES, STREAM_BYTES
from kldiv_cli.tasks.constant import ConstantRows
from kldiv_cli.tasks.executors.threads import check, in_flight, in_order
from kldiv_cli.tasks.faults import invalid_row
from kldiv_cli.tasks.kept.part import Kept, Monoid, Part, RowCounts
from kldiv_cli.tasks.kept.places import Places
from kldiv_cli.tasks.kept.seen import Ruled
from kldiv_cli.tasks.options.typed import NanPolicy
from kldiv_cli.tasks.warnings import Watch

Progress = Callable[[int, int | None], None]

_IN_MEMORY = 1 << 28
"""How much of both sides may be in hand at a time, however many threads there are."""
_PARTS = 64
"""How many blocks' parts are joined at a time."""
_ROWS = 1 << 16
"""How many rows at least: what is kept of them is in memory twice until then."""


Kept_co = TypeVar("Kept_co", bound=Monoid, covariant=True)
Block = TypeVar("Block")
Block_co = TypeVar("Block_co", covariant=True)
Block_contra = TypeVar("Block_contra", contravariant=True)


class Walkable(Protocol[Block_co]):
    """What has rows to be walked over: a pairing, or one side alone."""

    @property
    def rows_expected(self) -> int | None:
        """The number of rows, or a guess."""

    def blocks(self, block_bytes: int | None = None) -> Iterator[Block_co]:
        """Yield every row once, in order, so many bytes of a side at a time."""


class Work(Protocol[Block_contra, Kept]):
    """What is done with a block; several threads may call it at once."""

    @property
    def streams(self) -> bool:
        """Whether no array of a block's size is made, so that blocks may be large."""

    def __call__(self, block: Block_contra, /) -> Part[Kept]:
        """Return what is kept of a block."""


def walk(
    pairing: Walkable[Block],
    work: Work[Block, Kept],
    threads: int = 1,
    progress: Progress | None = None,
) -> Part[Kept]:
    """Work on every block, and join what is kept of them.

    Neither the result nor the error that is raised depends on the number of threads.
    """
    if not work.streams:
        keep_freed_memory()
    most = _IN_MEMORY // (2 * in_flight(threads))
    size = min(most, STREAM_BYTES if work.streams else BLOCK_BYTES)
    parts: list[Part[Kept]] = [Part.empty()]
    done = joined = 0
    with closing(in_order(work, pairing.blocks(size), threads)) as found:
        for _, part in found:
            parts.append(part)
            done += part.rows
            if len(parts) == _PARTS or done - joined >= _ROWS:
                parts, joined = [Part.join(parts)], done
            if progress is not None:
                progress(done, pairing.rows_expected)
    return Part.join(parts)


def walk_within(
    pairing: Pairing,
    rows: range | None,
    work: Work[BlockPair, Kept],
    threads: int = 1,
    progress: Progress | None = None,
) -> Part[Kept]:
    """Walk over a pairing, or over the rows whose places in the reference lie in a range.

    Raises
    ------
    InputError
        A file does not say how many rows it has, so that it cannot be cut.
    """
    some = pairing if rows is None else within(pairing, rows)
    return Part.empty() if some is None else walk(some, work, threads, progress)


class Looked(Protocol):
    """What a task says of the rows of a block at first sight."""

    @property
    def status(self) -> NDArray[Any]:
        """One of `Status` per row, those that a mask leaves out among them."""

    @property
    def mismatches(self) -> NDArray[np.int64] | None:
        """How many cells of each row hold a mask value on one side only, where that is known."""

    @property
    def constant(self) -> NDArray[np.int64] | None:
        """How many cells of each row hold one number, if it has no other, where that is known."""


Found = TypeVar("Found", bound=Looked)


@dataclass(frozen=True)
class View:
    """A block, and which of its rows are valid, and count.

    Parameters
    ----------
    block : BlockPair
        Without the cells that its mask leaves out.
    whole : BlockPair
        As it was read.
    status : integers, shape (rows,)
        What became of its rows, one of `Status` each.
    valid, counted : bool, shape (rows,)
        Which rows are distributions on both sides, and which enter the result.
    invalid : bool, shape (rows,)
        Which hold none.
    masked_cells : int
        How many cells the mask leaves out in the rows that count.
    """

    block: BlockPair
    whole: BlockPair
    status: NDArray[Any]
    valid: NDArray[np.bool_]
    counted: NDArray[np.bool_]
    invalid: NDArray[np.bool_]
    masked_cells: int


class Task(Protocol[Found, Kept_co]):
    """What a task does with a block of a pairing."""

    @property
    def streams(self) -> bool:
        """Whether no array of a block's size is made."""

    def look(self, block: BlockPair) -> Found:
        """Say what became of the rows of a block."""

    def keep(self, view: View, found: Found, /) -> Kept_co:
        """Return what is kept of them."""


@dataclass(frozen=True)
class PairWork(Generic[Found, Kept]):
    """The work on a block of a pairing: masks, invalid rows and warnings, and then the task.

    Parameters
    ----------
    task : Task
        What is computed.
    watch : Watch
        What is looked at for warnings.
    nan_policy : {"raise", "omit", "propagate"}
        What an invalid row does.
    propagates : bool
        Whether invalid rows count under "propagate".
    """

    task: Task[Found, Kept]
    watch: Watch
    nan_policy: NanPolicy
    propagates: bool = True
    ruled: Ruled = field(default_factory=Ruled, init=False, compare=False)

    @property
    def streams(self) -> bool:
        """Whether no array of a block's size is made."""
        return self.task.streams

    def __call__(self, whole: BlockPair) -> Part[Kept]:
        """Work on one block, and let its pages go."""
        with asking(partial(_pause, whole)):
            return self._part(whole)

    def _part(self, whole: BlockPair) -> Part[Kept]:
        whole = _without_low(_decoded(whole), self.watch.pairing.mask_below)
        block = hidden(whole, self.watch.kinds)
        found = self.task.look(block)
        constant = ConstantRows.of(block, found.status, found.constant, self.watch)
        view = self._view(block, whole, constant.settled(found.status))
        known = None if found.mismatches is None else int(found.mismatches.sum())
        seen = self.watch.see(block, view.valid, known, whole, self.ruled)
        part = Part(
            rows=len(view.status),
            places=Places.of(block),
            counts=RowCounts.of(view.status),
            counted=int(view.counted.sum()),
            masked_cells=view.masked_cells,
            low_cells=0 if block.low is None else int(block.low[view.counted].sum()),
            seen=replace(seen, constants=constant.seen()),
            kept=self.task.keep(view, found),
        )
        block.release()
        return part

    def _view(self, block: BlockPair, whole: BlockPair, status: NDArray[Any]) -> View:
        valid, invalid = status == Status.COUNTED, status == Status.INVALID
        if self.nan_policy == "raise" and invalid.any():
            watch, row = self.watch, int(invalid.argmax())
            raise invalid_row(watch.mode, block, row, watch.pairing, watch.kinds)
        counted = valid
        if self.propagates and self.nan_policy == "propagate":
            counted = valid | invalid
        return View(block, whole, status, valid, counted, invalid, masked_cells(block, counted))


def _pause(block: BlockPair, address: int, size: int) -> None:
    """Stop where nobody waits for a block any more, and give back what was read of a long row."""
    check()
    for values in block.full or (block.reference, block.candidate):
        let_go(values, address, size)


def _decoded(block: BlockPair) -> BlockPair:
    """Return a block whose numbers are there, which is done by the thread that looks at them."""
    sides = block.reference, block.candidate
    if not any(isinstance(side, Decoded) for side in sides):
        return block
    full = None if block.full is None else (real(block.full[0]), real(block.full[1]))
    return replace(block, reference=real(sides[0]), candidate=real(sides[1]), full=full)


def _without_low(block: BlockPair, highest: float | None) -> BlockPair:
    if highest is None:
        return block
    from kldiv_cli.pairing.masks.below import without_low  # noqa: PLC0415 - few mask low cells

    return without_low(block, highest)


def masked_cells(block: BlockPair, counted: NDArray[np.bool_]) -> int:
    """Return how many cells of the rows that count the mask of a block leaves out."""
    if block.kept is None:
        return 0
    each: int = block.reference.shape[1] // block.kept.shape[1]
    return each * int((~block.kept[counted]).sum())


def hidden(block: BlockPair, kinds: tuple[Kind, Kind]) -> BlockPair:
    """Return a block in which the cells that its mask leaves out have probability 0."""
    if block.kept is None:
        return block
    return replace(
        block,
        reference=without(block.reference, block.kept, kinds[0]),
        candidate=without(block.candidate, block.kept, kinds[1]),
    )
