"""Tables as sources: record batches become blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kldiv_cli.errors import InputError
from kldiv_cli.sources.base import Block, Layout, check_exact_integers
from kldiv_cli.sources.columns import Columns

_BLOCKS_AT_ONCE = 16
"""A batch of a table becomes an array at a cost per column, which a few rows do not pay back."""


@dataclass(frozen=True)
class TableSource:
    """A table with one numeric column per class, or one list column that holds the row.

    Parameters
    ----------
    path, format, dtype : str
        What messages and results call it.
    columns : Columns
        The roles of its columns.
    width : int
        How many classes there are.
    rows : int or None
        How many rows there are, where the file says.
    rows_expected : int or None
        The same or a guess.
    batches : callable
        (column names, rows at a time) -> record batches that hold these columns in this order.
    line : callable
        Row -> line of a text file, or None.
    integers : tuple of str
        The class columns of 64-bit integers, which float64 may not hold.
    """

    path: str
    format: str
    dtype: str
    columns: Columns
    width: int
    rows: int | None
    rows_expected: int | None
    batches: Callable[[list[str], int], Iterator[pa.RecordBatch]]
    line: Callable[[int], int | None]
    integers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.rows == 0:
            raise no_rows(self.path)
        if self.width == 0:
            raise InputError(
                f"{self.path}: expected classes, found lists without entries",
                "Check what wrote the file: there is nothing in it to compare.",
            )

    @property
    def shape(self) -> tuple[int | None, int]:
        """Rows and classes."""
        return self.rows, self.width

    @property
    def row_shape(self) -> tuple[int | None]:
        """The one axis of rows."""
        return (self.rows,)

    @property
    def class_shape(self) -> tuple[int]:
        """The one axis of classes."""
        return (self.width,)

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """The names of the class columns."""
        return self.columns.classes or None

    @property
    def id_name(self) -> str | None:
        """The column that identifies rows."""
        return self.columns.id

    @property
    def notes(self) -> tuple[str, ...]:
        """What was decided about the columns."""
        return self.columns.notes

    def blocks(self, rows: int, classes: Sequence[str] | None = None) -> Iterator[Block]:
        """Yield blocks; nulls are NaN."""
        order = list(self.columns.classes if classes is None else classes)
        if self.columns.row is not None:
            order = [self.columns.row]
        names = order if self.columns.id is None else [self.columns.id, *order]
        found = False
        for batch in self.batches(names, _BLOCKS_AT_ONCE * rows):
            with reading(self.path, "Check what wrote the file, and that its copy was complete."):
                block = self._block(batch, order)
            for start in range(0, len(block), rows):
                found = True
                yield block[start : start + rows]
        if not found:
            raise no_rows(self.path)

    def _block(self, batch: pa.RecordBatch, order: list[str]) -> Block:
        if self.columns.row is None:
            check_exact(self.path, batch, self.integers)
            values = _values(batch.select(order))
        else:
            values = _rows_of_list(self.path, batch.column(self.columns.row), self.width)
        if self.columns.id is None:
            return Block(values)
        return Block(values, _ids(self.path, batch.column(self.columns.id)))


def check_layout(path: str, layout: Layout) -> None:
    """Raise if the user gives a table more or fewer than its one axis of rows."""
    if layout.row_axes not in (None, 1):
        raise InputError(
            f"{path}: expected --row-axes 1 for a table, found {layout.row_axes}",
            "A table has one axis of rows; save arrays with more as .npy.",
        )


def no_rows(path: str) -> InputError:
    """Return the error of a table that has a header and no rows."""
    return InputError(
        f"{path}: expected rows, found none",
        "Check what wrote the file: there is nothing in it to compare.",
    )


@contextmanager
def reading(path: str, advice: str) -> Iterator[None]:
    """Turn what PyArrow says of a damaged file into an `InputError`."""
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {str(error).splitlines()[0]}", advice) from error


def wide_integers(schema: pa.Schema, names: Sequence[str]) -> tuple[str, ...]:
    """Return the columns among these whose integers float64 may not hold."""
    wanted = set(names)
    return tuple(
        field.name
        for field in schema
        if field.name in wanted and field.type in (pa.int64(), pa.uint64())
    )


def check_exact(path: str, batch: pa.RecordBatch, names: Sequence[str]) -> None:
    """Raise where an integer is too large for float64: an id, most likely, taken for a class."""
    for name in names:
        bounds = pc.min_max(batch.column(name)).as_py().values()
        check_exact_integers(np.array([x for x in bounds if x is not None]), path)


def _values(batch: pa.RecordBatch) -> NDArray[Any]:
    """Return the columns as (rows, columns) of their common type, nulls as NaN."""
    if any(pa.types.is_null(kind) or pa.types.is_float16(kind) for kind in batch.schema.types):
        # PyArrow converts neither to another type.
        columns = [column.to_numpy(zero_copy_only=False) for column in batch.columns]
        numbers = [np.full(len(x), np.nan) if x.dtype == object else x for x in columns]
        return np.stack(numbers, axis=1)
    values: NDArray[Any] = batch.to_tensor(null_to_nan=True).to_numpy()
    return values


def _rows_of_list(path: str, column: pa.Array, width: int) -> NDArray[Any]:
    found = list_width(path, column)
    if found != width:
        raise InputError(
            f"{path}: expected lists of {width} entries as in the first row, found {found}",
            "Every row needs one logit per class.",
        )
    flat = column.flatten()
    if pa.types.is_integer(flat.type):
        check_exact_integers(flat.drop_null().to_numpy(zero_copy_only=False), path)
    return np.asarray(flat.to_numpy(zero_copy_only=False)).reshape(len(column), width)


def list_width(path: str, column: pa.Array) -> int:
    """Return the length that every list of a column has."""
    if column.null_count:
        raise InputError(
            f"{path}: expected a list in every row, found none in {column.null_count}",
            "Drop these rows on both sides, or fill them.",
        )
    if pa.types.is_fixed_size_list(column.type):
        return int(column.type.list_size)
    lengths = np.unique(column.value_lengths().to_numpy(zero_copy_only=False))
    if len(lengths) > 1:
        raise InputError(
            f"{path}: expected lists of one length, found {lengths[0]} to {lengths[-1]}",
            "Every row needs one logit per class.",
        )
    return int(lengths[0]) if len(lengths) else 0


def _ids(path: str, column: pa.Array) -> NDArray[Any]:
    if column.null_count:
        raise InputError(
            f"{path}: expected an id in every row, found {column.null_count} empty ones",
            "Fill them, or name another column with --id.",
        )
    if not pa.types.is_integer(column.type):
        with reading(path, "Row ids are text or integers: name another column with --id."):
            column = column.cast(pa.string())
    ids: NDArray[Any] = column.to_numpy(zero_copy_only=False)
    return ids
