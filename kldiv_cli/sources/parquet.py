"""Apache Parquet, read batch by batch from a mapped file."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from kldiv_cli.sources import columns as roles
from kldiv_cli.sources.base import Layout
from kldiv_cli.sources.table import TableSource, check_layout, list_width, reading

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
        file = pq.ParquetFile(path, memory_map=True, pre_buffer=False)
        schema = file.schema_arrow
        first = next(file.iter_batches(batch_size=1024), None)
    columns = roles.assign(path, schema, first, layout)

    def batches(names: list[str], rows: int) -> Iterator[pa.RecordBatch]:
        with reading(path, _ADVICE):
            yield from file.iter_batches(batch_size=rows, columns=names)

    if columns.row is None:
        width, types = len(columns.classes), [schema.field(n).type for n in columns.classes]
    else:
        width = 0 if first is None else list_width(path, first.column(columns.row))
        types = [schema.field(columns.row).type.value_type]
    count = file.metadata.num_rows
    return TableSource(
        path, "parquet", _common_dtype(types), columns, width, count, count, batches, lambda _: None
    )


def _common_dtype(types: list[pa.DataType]) -> str:
    known = {kind.to_pandas_dtype() for kind in types if not pa.types.is_null(kind)}
    return str(np.result_type(*known)) if known else "float64"
