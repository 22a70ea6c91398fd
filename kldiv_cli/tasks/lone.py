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
    path, what = _mask(pairing)
    return (
        f"{path}: of {some} {what} keeps one cell, whose probability is 1 on both sides: {whose} "
        "whatever the files hold"
    )


def nothing_else(pairing: Pairing) -> InputError:
    """Return the error of files with no other rows that count."""
    path, what = _mask(pairing)
    means = "--mask-means says whether true cells enter (keep) or are left out (drop)"
    if pairing.mask is None:
        means = "A lower number keeps more cells"
    return InputError(
        f"{path}: expected two cells or more that {what} keeps of a row, found one in every row: "
        "under softmax its probability is always 1",
        f"{means}; kldiv compare --mode sigmoid takes every cell for a label of its own.",
    )


def _mask(pairing: Pairing) -> tuple[str, str]:
    """Return the file to name, and what masks."""
    if pairing.mask is None:
        return pairing.reference.path, "--mask-below"
    return pairing.mask.source.path, "the mask"
