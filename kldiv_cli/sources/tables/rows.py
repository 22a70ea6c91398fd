"""Columns beside one another -> rows, in C where the package was installed with a compiler.

``KLDIV_KERNELS=numpy`` in the environment leaves the C code alone; PyArrow and NumPy give the same
numbers then, as they do where the extension is missing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kldiv_cli.sources.base import check_exact_integers
from kldiv_cli.sources.tables.kinds import dtype_of

EXACT = 2.0**53
"""Up to here float64 holds every integer."""


def rows_of_columns(path: str, batch: pa.RecordBatch, integers: Sequence[str]) -> NDArray[Any]:
    """Return columns as (rows, columns) of their common type, nulls as NaN.

    ``integers`` are the columns of 64-bit integers: one that float64 cannot hold raises.
    """
    values = as_rows(batch)
    if integers and may_be_inexact(values):
        check_exact(path, batch, integers)
    return values


def as_rows(batch: pa.RecordBatch) -> NDArray[Any]:
    """Return columns as (rows, columns) of their common type, nulls as NaN."""
    if batch.num_columns and pa.types.is_floating(kind := batch.schema.field(0).type):
        rows = np.empty((batch.num_rows, batch.num_columns), dtype_of(kind))
        if fill(rows, batch):
            return rows
    try:
        # PyArrow before 25 makes numbers of the nulls of float16. Told of no nulls, it raises.
        is_half = pa.float16() in batch.schema.types
        values: NDArray[Any] = batch.to_tensor(null_to_nan=not is_half).to_numpy()
    except (pa.ArrowNotImplementedError, pa.ArrowTypeError):
        # PyArrow converts neither float16 nor columns of nothing to another type.
        columns = [column.to_numpy(zero_copy_only=False) for column in batch.columns]
        numbers = [np.full(len(x), np.nan) if x.dtype == object else x for x in columns]
        with np.errstate(invalid="ignore"):  # of a signalling NaN
            values = np.stack(numbers, axis=1)
    return values


def fill(rows: NDArray[Any], batch: pa.RecordBatch) -> bool:
    """Copy columns into rows of their type, nulls as NaN; tell whether that was done.

    It is not where the columns are of other types than the rows, or there is no C extension.
    """
    copy = None if os.environ.get("KLDIV_KERNELS") == "numpy" else _copy()
    if copy is None:
        return False
    schema, columns = batch.__arrow_c_array__()
    return copy(schema, columns, rows)


@cache
def _copy() -> Callable[[object, object, NDArray[Any]], bool] | None:
    """Return the function of the extension; None where there is none."""
    try:
        found = import_module("kldiv_cli.sources.tables._columns")
    except (ImportError, SystemError):
        return None
    copy: Callable[[object, object, NDArray[Any]], bool] | None = getattr(found, "copy", None)
    return copy


def may_be_inexact(values: NDArray[Any]) -> bool:
    """Tell whether any number is so large that it may have been rounded."""
    if not values.size:
        return False
    highest, lowest = np.fmax.reduce(values, axis=None), np.fmin.reduce(values, axis=None)
    return bool(highest >= EXACT or lowest <= -EXACT)


def check_exact(path: str, batch: pa.RecordBatch, names: Sequence[str]) -> None:
    """Raise where an integer is too large for float64: an id, most likely, taken for a class."""
    for name in names:
        column = batch.column(name)
        whole = column.drop_null() if column.null_count else column
        check_exact_integers(whole.to_numpy(), path)
