"""The pass over the blocks of a pairing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.distributions.kinds import Kind
from kldiv_cli.measures.rows.absence import without
from kldiv_cli.pairing import BlockPair


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
