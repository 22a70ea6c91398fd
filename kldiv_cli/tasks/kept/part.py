"""What is kept of rows that were walked over: joined in order, any split of them is the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.types import Status
from kldiv_cli.tasks.kept.places import Places
from kldiv_cli.tasks.kept.seen import Seen

_STATUSES = (Status.COUNTED, Status.SKIPPED, Status.INVALID, Status.MASKED)


class Monoid(Protocol):
    """What a task keeps of rows: joined in order, any split is the whole."""

    @classmethod
    def join(cls, parts: Sequence[Any]) -> Any:
        """Return what is kept of all rows, given that of consecutive ones; at least one part."""


Kept = TypeVar("Kept", bound=Monoid)


@dataclass(frozen=True)
class RowCounts:
    """How many rows there are of each status."""

    counted: int = 0
    skipped: int = 0
    invalid: int = 0
    masked: int = 0

    @classmethod
    def of(cls, status: NDArray[np.uint8]) -> RowCounts:
        """Count the rows of a block."""
        return cls(*(int((status == kind).sum()) for kind in _STATUSES))

    @classmethod
    def join(cls, parts: Sequence[RowCounts]) -> RowCounts:
        """Add up."""
        return cls(
            sum(part.counted for part in parts),
            sum(part.skipped for part in parts),
            sum(part.invalid for part in parts),
            sum(part.masked for part in parts),
        )


@dataclass(frozen=True)
class Part(Generic[Kept]):
    """Everything that is kept of consecutive rows; it pickles.

    Joined in order, the parts of any split of the rows are that of all rows, to the last bit.

    Parameters
    ----------
    rows : int
        How many rows these are.
    places : Places
        Their places in the reference.
    counts : RowCounts
        What became of them.
    counted, masked_cells, low_cells : int
        How many rows enter the result, how many of their cells are masked, and how many of these
        because they lie low on both sides.
    seen : Seen
        What warnings need.
    kept : object or None
        What the task keeps; None where there was no block.
    """

    rows: int = 0
    places: Places = field(default_factory=Places)
    counts: RowCounts = field(default_factory=RowCounts)
    counted: int = 0
    masked_cells: int = 0
    low_cells: int = 0
    seen: Seen = field(default_factory=Seen)
    kept: Kept | None = None

    @classmethod
    def empty(cls) -> Part[Kept]:
        """Return the part of no rows, neutral in `join`."""
        return cls()

    @classmethod
    def join(cls, parts: Sequence[Part[Kept]]) -> Part[Kept]:
        """Return the part of all rows, given those of consecutive ones."""
        kept = [part.kept for part in parts if part.kept is not None]
        return cls(
            rows=sum(part.rows for part in parts),
            places=Places.join([part.places for part in parts]),
            counts=RowCounts.join([part.counts for part in parts]),
            counted=sum(part.counted for part in parts),
            masked_cells=sum(part.masked_cells for part in parts),
            low_cells=sum(part.low_cells for part in parts),
            seen=Seen.join([part.seen for part in parts]),
            kept=type(kept[0]).join(kept) if kept else None,
        )
