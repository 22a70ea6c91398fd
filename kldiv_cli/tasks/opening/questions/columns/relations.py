"""Whether one family of numbers is made of the other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float64]

_NEAR = 1e-3


def related(left: Rows, right: Rows) -> bool:
    """Tell whether one of two arrays is the other after softmax, log-softmax or sigmoid."""
    if not (np.isfinite(left).all() and np.isfinite(right).all()) or left.shape[1] < 2:
        return False
    shift = left - right
    if _near(shift, shift[:, :1]):
        return True
    return any(
        _near(_softmax(a), b) or _near(_sigmoid(a), b) for a, b in ((left, right), (right, left))
    )


def _near(left: Rows, right: Rows) -> bool:
    return bool((np.abs(left - right) <= _NEAR).all())


def _softmax(rows: Rows) -> Rows:
    found: Rows = np.exp(rows - rows.max(axis=1, keepdims=True))
    found /= found.sum(axis=1, keepdims=True)
    return found


def _sigmoid(rows: Rows) -> Rows:
    found: Rows = 1 / (1 + np.exp(-np.clip(rows, -700, 700)))
    return found
