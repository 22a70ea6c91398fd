"""Apache Parquet, read batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache, partial

import pyarrow as pa
import pyarrow.parquet as pq

from kldiv_cli.sources.base import Layout
from kldiv_cli.sources.formats.parquet_text import TextReader
from kldiv_cli.sources.stores.streams import open_file
from kldiv_cli.sources.tables.cells import reading
from kldiv_cli.sources.tables.row_groups import MANY, MOST_BYTES, RowGroups
from kldiv_cli.sources.tables.table import MORE_THREADS, TableSource, check_layout
from kldiv_cli.sources.tables.typed import typed_table
from kldiv_cli.sources.tables.words import room_for

_BUFFERS = 1 << 24
"""How much of all columns together is read ahead, where a row group's are not read whole."""
_STRIP = 1 << 5
"""How many columns of a row group are read at a time."""
_MOST, _LEAST = 1 << 20, 1 << 14
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
        file = _open(path, pq.read_metadata(open_file(path)))
        schema = file.schema_arrow
        _ = schema.names  # which need not be UTF-8
        as_dictionary = lru_cache(partial(_open, path, file.metadata))
        reader = TextReader(path, file, as_dictionary, room_for(path))

    def batches(names: list[str], rows: int) -> Iterator[pa.RecordBatch]:
        yield from batches_of(range(file.num_row_groups), names, rows)

    def batches_of(groups: Sequence[int], names: list[str], rows: int) -> Iterator[pa.RecordBatch]:
        with reading(path, _ADVICE):
            yield from reader.batches(groups, names, rows, use_threads=MORE_THREADS)

    def strips(groups: Sequence[int], names: list[str]) -> Iterator[pa.Table]:
        for first in range(0, len(names), _STRIP):
            some = names[first : first + _STRIP]
            read = file.read_row_groups(list(groups), some, use_threads=MORE_THREADS)
            yield read.select(some)

    def sizes() -> tuple[int, ...]:
        with reading(path, _ADVICE):
            return tuple(file.metadata.row_group(i).num_rows for i in range(file.num_row_groups))

    def count() -> int:
        return int(file.metadata.num_rows)

    groups = RowGroups(sizes, batches_of, None if _buffer(file.metadata) else strips)
    return typed_table(path, "parquet", layout, schema, batches, count, groups)


def _open(path: str, metadata: pq.FileMetaData, *as_dictionaries: str) -> pq.ParquetFile:
    return pq.ParquetFile(
        open_file(path),
        metadata=metadata,
        pre_buffer=False,
        buffer_size=_buffer(metadata),
        read_dictionary=as_dictionaries,
    )


def _buffer(metadata: pq.FileMetaData) -> int:
    """Return how much of a column is read ahead; 0 where those of a row group are read whole."""
    count = int(metadata.num_columns)
    groups = map(metadata.row_group, range(metadata.num_row_groups))
    if count >= MANY and all(group.total_byte_size <= MOST_BYTES for group in groups):
        return 0
    return min(max(_BUFFERS // max(1, count), _LEAST), _MOST)
