"""Rows that hold one number on both sides, as padding does."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.distributions.kinds import Kind

_PIECE = 1 << 20
"""So many cells are looked at at a time."""


def constant_cells(s: NDArray[Any], t: NDArray[Any], kind: Kind = "logits") -> NDArray[np.int64]:
    """Return how many cells of each row hold one number, where the row has no other.

    Parameters
    ----------
    s, t : array, shape (rows, classes), of any real dtype
        The reference's and the candidate's numbers.
    kind : {"logits", "probs", "log-probs"}
        What both are. Cells that are absent on both sides (probability 0) are passed over.

    Returns
    -------
    integer array, shape (rows,)
        0 for a row that holds two numbers or NaN or +inf, that differs between the sides, or in
        which every cell is absent.
    """
    absent = 0.0 if kind == "probs" else -np.inf
    found = np.zeros(len(s), np.int64)
    if not s.size:
        return found
    few = [0, s.shape[1] // 2, s.shape[1] - 1]
    rows = np.flatnonzero(_cells(s[:, few], t[:, few], absent) >= 0)
    each = max(1, _PIECE // s.shape[1])
    for start in range(0, len(rows), each):
        some = rows[start : start + each]
        found[some] = np.maximum(_cells(s[some], t[some], absent), 0)
    return found


def _cells(s: NDArray[Any], t: NDArray[Any], absent: float) -> NDArray[np.int64]:
    """Return how many cells are present, -1 where they hold no one finite number."""
    largest = s.max(axis=1, keepdims=True)
    present = s != absent
    alike = (s == t) & ((s == largest) | ~present)
    constant = alike.all(axis=1) & (largest < np.inf)[:, 0]
    return np.where(constant, present.sum(axis=1), -1)
