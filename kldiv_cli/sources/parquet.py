"""Apache Parquet, read batch by batch from a mapped file."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from kldiv_cli.sources import columns as roles
from kldiv_cli.sources.base import Layout
from kldiv_cli.sources.table import TableSource, check_layout, list_width, reading, wide_integers

_FIRST_CELLS = 1 << 17
_BUFFERS = 1 << 26
"""How much of all columns together is read ahead; without, a row group's columns are read whole."""
_ADVICE = "Expected a whole Parquet file: write it again, or check that its copy was complete."


def open_parquet(path: str, layout: Layout) -> TableSource:
    """Open a Parquet file: one numeric column per class, or one list column that holds the row.

    Raises
    ------
    InputError
        The file is damaged or no Parquet file, or the roles of its columns are unclear.
    """
    check_layout(path, layout)
    with reading(path, _ADVICE):
        # As bytes and not as a path, in which PyArrow would look for ~ and s3://.
        name = os.fsencode(path)
        schema = pq.read_schema(pa.OSFile(name))
        buffer = max(_BUFFERS // max(1, len(schema)), 1 << 14)
        file = pq.ParquetFile(pa.OSFile(name), pre_buffer=False, buffer_size=buffer)
        first = next(file.iter_batches(batch_size=1), None)
        width = max(len(schema), *map(_cell_width, first.columns)) if first else 1
        first = next(file.iter_batches(batch_size=max(1, _FIRST_CELLS // width)), None)
    columns = roles.assign(path, schema, first, layout)

    def batches(names: list[str], rows: int) -> Iterator[pa.RecordBatch]:
        with reading(path, _ADVICE):
            yield from file.iter_batches(batch_size=rows, columns=names)

    if columns.row is None:
        width, types = len(columns.classes), [schema.field(n).type for n in columns.classes]
    else:
        width = 0 if not first else list_width(path, first.column(columns.row))
        types = [schema.field(columns.row).type.value_type]
    count = file.metadata.num_rows
    return TableSource(
        path,
        "parquet",
        _common_dtype(types),
        columns,
        width,
        count,
        count,
        batches,
        lambda _: None,
        wide_integers(schema, columns.classes),
    )


def _cell_width(column: pa.Array) -> int:
    """Return how many values the first cell of a column holds."""
    value = column[0]
    return len(value.values or ()) if roles.is_number_list(column.type) else 1


def _common_dtype(types: list[pa.DataType]) -> str:
    known = {kind.to_pandas_dtype() for kind in types if not pa.types.is_null(kind)}
    return str(np.result_type(*known)) if known else "float64"
