"""Rows of which a mask keeps one cell: under softmax they are 0 whatever they hold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.errors import InputError
from kldiv_cli.measures.types import Mode
from kldiv_cli.pairing import BlockPair, Pairing


def lone(block: BlockPair, counted: NDArray[np.bool_], mode: Mode) -> int:
    """Return how many rows that count have one cell left."""
    if mode == "sigmoid" or block.kept is None or block.kept.shape[1] == 1:
        return 0
    return int((np.count_nonzero(block.kept[counted], axis=1) == 1).sum())


def told(pairing: Pairing, rows: int) -> str:
    """Return the warning of so many such rows."""
    some = "1 row that counts" if rows == 1 else f"{rows} rows that count"
    whose = "it is 0" if rows == 1 else "they are 0"
    return (
        f"{_path(pairing)}: of {some} the mask keeps one cell, whose probability is 1 on both "
        f"sides: {whose} whatever the files hold"
    )


def nothing_else(pairing: Pairing) -> InputError:
    """Return the error of files with no other rows that count."""
    return InputError(
        f"{_path(pairing)}: expected two cells or more that the mask keeps of a row, found one in "
        "every row: under softmax its probability is always 1",
        "--mask-means says whether true cells enter (keep) or are left out (drop); kldiv compare "
        "--mode sigmoid takes every cell for a label of its own.",
    )


def _path(pairing: Pairing) -> str:
    return pairing.reference.path if pairing.mask is None else pairing.mask.source.path
