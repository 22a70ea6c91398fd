"""NumPy's .npy: the values alone, float64, in the shape of the rows."""

from __future__ import annotations

from typing import IO

import numpy as np

from kldiv_cli.comparison import Comparison


def write(comparison: Comparison, stream: IO[bytes]) -> None:
    """Write the first measure's values, NaN where a row was skipped or is invalid."""
    values = next(iter(comparison.values.values()))
    np.save(stream, values.reshape(comparison.row_shape), allow_pickle=False)
