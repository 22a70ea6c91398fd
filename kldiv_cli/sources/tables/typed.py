"""Tables whose files say the types of their columns: Arrow and Parquet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kldiv_cli.sources.base import Layout
from kldiv_cli.sources.tables.cells import (
    Batches,
    booleans_as_numbers,
    shape_of_classes,
    wide_integers,
)
from kldiv_cli.sources.tables.kinds import holds_texts
from kldiv_cli.sources.tables.roles import assign
from kldiv_cli.sources.tables.row_groups import RowGroups
from kldiv_cli.sources.tables.table import TableSource

_FIRST_VALUES = 1 << 17
"""How many values of a column are looked at, to tell whether it numbers the rows."""


def typed_table(
    path: str,
    name: str,
    layout: Layout,
    schema: pa.Schema,
    batches: Batches,
    count: Callable[[], int | None],
    row_groups: RowGroups | None = None,
) -> TableSource:
    """Return a table, given its schema and what reads it.

    Parameters
    ----------
    path, name : str
        The file and its format.
    layout : Layout
        What the user says of it.
    schema : pyarrow.Schema
        Names and types of all columns.
    batches : callable
        (column names, rows at a time) -> record batches.
    count : callable
        () -> the number of rows, None where only reading to the end tells.
    row_groups : RowGroups or None
        The groups of rows that can be read one without the other.

    Raises
    ------
    InputError
        The roles of the columns are unclear, or there is nothing in them.
    """
    read = batches
    if layout.booleans:
        schema, read = booleans_as_numbers(schema, batches)
    columns = assign(path, schema, lambda name: _first_values(batches, name), layout)
    texts = None
    if columns.row is not None and holds_texts(schema.field(columns.row).type):
        from kldiv_cli.sources.tables.texts import first_text  # noqa: PLC0415 - few hold texts

        texts = first_text(path, schema, columns, read, named=not layout.alone)
        width, dtype = texts.width, texts.dtype
    else:
        width, dtype = shape_of_classes(path, schema, columns, read)
    rows = None if texts else count()
    return TableSource(
        path=path,
        format=name,
        dtype=dtype,
        columns=columns,
        width=width,
        rows=rows,
        rows_expected=rows,
        batches=read,
        line=lambda _: None,
        integers=wide_integers(schema, columns.classes),
        row_groups=None if texts or layout.booleans else row_groups,
        texts=texts,
    )


def _first_values(batches: Batches, name: str) -> NDArray[Any]:
    """Return the first values of a column."""
    first = next(batches([name], _FIRST_VALUES), None)
    column = pa.nulls(0) if first is None else first.column(0)
    if pa.types.is_interval(column.type):
        # PyArrow asks pandas for an array of these, and dies where there is none.
        return np.full(len(column), None)
    return np.asarray(column.to_numpy(zero_copy_only=False))
