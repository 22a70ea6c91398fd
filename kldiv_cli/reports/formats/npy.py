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
    array = np.asarray(each[0] if len(each) == 1 else np.stack(each, axis=-1), order="C")
    header = np.lib.format.header_data_from_array_1_0(array)
    np.lib.format.write_array_header_1_0(stream, header)
    stream.write(array.data)  # np.save would lose what the system says of a full disk
