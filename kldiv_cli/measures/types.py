"""What every measure knows."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Mode = Literal["softmax", "sigmoid"]


Float64 = NDArray[np.float64]
Counts = NDArray[np.intp]

MASK = -1e4
"""Logits at or below it are masks: -1e4 (BERT), -1e9, -1e12, a type's minimum."""


class Status:
    """What became of a row.

    Plain integers: NumPy looks for attributes of an Enum's members, and loses a Ctrl-C there.
    """

    COUNTED = 0
    SKIPPED = 1
    """Every cell is -inf on both sides, or padding: there is nothing to compare."""
    INVALID = 2
    """A side holds no distribution: NaN; under softmax also +inf, or nothing but -inf."""
    MASKED = 3
    """A mask keeps no cell."""
