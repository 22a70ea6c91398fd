"""Cells that lie low on both sides, as masks are written into logits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.distributions.exact import real
from kldiv_cli.pairing.blocks import BlockPair


def without_low(block: BlockPair, highest: float) -> BlockPair:
    """Return a block that does not keep the cells at or below a number on both sides.

    Parameters
    ----------
    block : BlockPair
        A block of logits, or of log-probabilities.
    highest : float
        The number, rounded as that of a file is when it is written: -1e12 is -999999995904 in
        float32.
    """
    low = _at_most(block.reference, highest) & _at_most(block.candidate, highest)
    kept = ~low if block.kept is None else block.kept & ~low
    return replace(block, kept=kept, low=(low if block.kept is None else block.kept & low).sum(1))


def _at_most(values: NDArray[Any], highest: float) -> NDArray[np.bool_]:
    """Tell which cells are at or below a number of their type; NaN is not."""
    limit: Any = highest
    with np.errstate(over="ignore"):
        if values.dtype.names is not None:
            limit = _bfloat16(highest)
        elif values.dtype.kind == "f":
            limit = values.dtype.type(highest)
    found: NDArray[np.bool_] = real(values) <= limit
    return found


def _bfloat16(value: float) -> np.float32:
    """Return the nearest bfloat16, of two the even one."""
    with np.errstate(over="ignore"):
        bits = int(np.float32(value).view(np.uint32))
    if np.isfinite(np.uint32(bits).view(np.float32)):
        bits = (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000
    return np.uint32(bits).view(np.float32)
