"""Rows of a block that hold one number on both sides, and what becomes of them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.distributions.exact import real, widen
from kldiv_cli.measures.rows.constant import constant_cells
from kldiv_cli.measures.types import MASK, Float64, Status
from kldiv_cli.pairing import BlockPair
from kldiv_cli.tasks.kept.seen import Constants, OneNumber
from kldiv_cli.tasks.warnings import Watch

_CELLS = 3
"""Rows of fewer cells may hold one number by chance."""
_IGNORED_LABEL = -100.0
"""What training code pads labels with, and people pad logits with."""


class ConstantRows(NamedTuple):
    """The rows of a block that hold one number on both sides.

    Parameters
    ----------
    rows : integer array, shape (n,)
        Where they stand in the block.
    values : float64, shape (n,)
        Their numbers.
    large : bool, shape (n,)
        Which of them have cells enough to be told.
    skipped : bool, shape (n,)
        Which of them have nothing to compare.
    """

    rows: NDArray[np.intp]
    values: Float64
    large: NDArray[np.bool_]
    skipped: NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        block: BlockPair,
        status: NDArray[Any],
        cells: NDArray[np.int64] | None,
        watch: Watch,
    ) -> ConstantRows:
        """Look at the rows that are valid; ``cells`` are `constant_cells`, where they are known.

        A row of one mask value has nothing to compare under softmax, as one of -inf has not.
        """
        kinds = watch.kinds
        if kinds[0] != kinds[1] and "probs" in kinds:
            cells = np.zeros(len(status), np.int64)
        elif cells is None:
            cells = constant_cells(real(block.reference), real(block.candidate), kinds[0])
        rows = np.flatnonzero(cells)
        rows = rows[status[rows] == Status.COUNTED]
        rows, first = _first_kept(block, rows, cells)
        values = widen(block.reference[rows, first])
        large = cells[rows] >= _CELLS
        skipped = large & watch.ignore_constant_rows
        if watch.mode == "softmax" and "probs" not in kinds:
            skipped = skipped | (values <= MASK)
        return cls(rows, values, large, skipped)

    def settled(self, status: NDArray[Any]) -> NDArray[Any]:
        """Return the status of all rows of the block."""
        if not self.skipped.any():
            return status
        status = status.copy()
        status[self.rows[self.skipped]] = Status.SKIPPED
        return status

    def seen(self) -> Constants:
        """Return what a result says of them."""
        values, skipped = self.values[self.large], self.skipped[self.large]
        return Constants(
            OneNumber.of(values),
            OneNumber.of(values[~skipped & _like_padding(values)]),
            OneNumber.of(values[skipped]),
        )


def _first_kept(
    block: BlockPair, rows: NDArray[np.intp], cells: NDArray[np.int64]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the rows of which every cell that enters is counted, and the first cell that does."""
    classes = block.reference.shape[1]
    if block.kept is None or block.kept.shape[1] != classes:
        rows = rows[cells[rows] == classes]
        return rows, np.zeros(len(rows), np.intp)
    rows = rows[cells[rows] == block.kept[rows].sum(axis=1)]
    return rows, block.kept[rows].argmax(axis=1)


def constants_of(values: Float64) -> Constants:
    """Return what the rows of one file show that hold one number alone."""
    cells = constant_cells(values, values)
    numbers = values[(cells == values.shape[1]) & (cells >= _CELLS), 0]
    return Constants(OneNumber.of(numbers), OneNumber.of(numbers[_like_padding(numbers)]))


def _like_padding(values: Float64) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = (values == _IGNORED_LABEL) | (values <= MASK)
    return found
