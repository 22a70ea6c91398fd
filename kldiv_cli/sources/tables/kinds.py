"""Which types of columns can hold logits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

_INTEGERS = (
    *(pa.int8(), pa.int16(), pa.int32(), pa.int64()),
    *(pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()),
)
_FLOATS = (pa.float16(), pa.float32(), pa.float64())
_NUMBERS = frozenset(kind.id for kind in (*_INTEGERS, *_FLOATS, pa.null()))
_DTYPES = {kind.id: str(kind) for kind in _INTEGERS} | {
    kind.id: name for kind, name in zip(_FLOATS, ("float16", "float32", "float64"), strict=True)
}
_MOST_LISTS = 3
"""Lists in a list in a list: rows of a text, with one more axis of length 1."""
_LISTS = frozenset(
    kind.id for kind in (pa.list_(pa.null()), pa.large_list(pa.null()), pa.list_(pa.null(), 1))
)


def is_number(kind: pa.DataType) -> bool:
    """Tell whether a column of that type can hold logits; a column of nothing but nulls can."""
    return kind.id in _NUMBERS


def dtype_of(kind: pa.DataType) -> np.dtype[Any]:
    """Return NumPy's type of a column of numbers; float64 for one of nothing but nulls.

    PyArrow's own table of these, `DataType.to_pandas_dtype`, imported pandas before version 26.
    """
    return np.dtype(_DTYPES.get(kind.id, "float64"))


def lists_in(kind: pa.DataType) -> int:
    """Return how many lists, one in the other, lie around the numbers of a column; 0 for others."""
    depth = 0
    while kind.id in _LISTS and depth < _MOST_LISTS:
        kind, depth = kind.value_type, depth + 1
    return depth if is_number(kind) else 0


def float_lists(depth: int) -> pa.DataType:
    """Return the type of so many lists, one in the other, around numbers."""
    return pa.list_(float_lists(depth - 1)) if depth else pa.float64()


def holds_texts(kind: pa.DataType) -> bool:
    """Tell whether a column of that type holds all rows of a text in each cell."""
    return lists_in(kind) > 1


def is_number_list(kind: pa.DataType) -> bool:
    """Tell whether a column of that type holds a whole row of logits in each cell."""
    return kind.id in _LISTS and is_number(kind.value_type)
