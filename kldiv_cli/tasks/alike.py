"""Whether both sides of a block are the same, a stretch at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.distributions.stretches import STRETCH, stretches


def alike(s: NDArray[Any], t: NDArray[Any]) -> bool:
    """Tell whether two blocks hold the same numbers, NaN being NaN.

    Parameters
    ----------
    s, t : array, shape (rows, classes), of any real dtype
        Both sides, as numbers that NumPy can compare.
    """
    if s.shape != t.shape or not np.array_equal(s[:1, :STRETCH], t[:1, :STRETCH], equal_nan=True):
        return False
    for ours, theirs in zip(stretches(s), stretches(t), strict=True):
        if not np.array_equal(ours, theirs, equal_nan=True):
            return False
    return True
