"""NumPy's .npy: the values alone, float64, in the shape of the rows."""

from __future__ import annotations

from typing import IO

import numpy as np

from kldiv_cli.results.comparison import Comparison


def write(comparison: Comparison, stream: IO[bytes]) -> None:
    """Write the values, NaN where a row was skipped or masked or is invalid.

    Several measures make a last axis, in the order asked for.
    """
    each = [values.reshape(comparison.row_shape) for values in comparison.values.values()]
    np.save(stream, each[0] if len(each) == 1 else np.stack(each, axis=-1), allow_pickle=False)
