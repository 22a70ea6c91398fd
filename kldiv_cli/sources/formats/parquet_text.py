"""Columns of text in Parquet, where a cell that is stored once may stand in a million rows.

PyArrow expands every cell of a batch. How many rows it may expand follows from what the file says
of a column in a group of rows: its size, its encodings, and the words of its dictionary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from kldiv_cli.sources.tables.kinds import is_number
from kldiv_cli.sources.tables.words import PIECE, is_view, too_much

Batches = Iterator[pa.RecordBatch]

_SHARED = "DELTA_BYTE_ARRAY"
"""The encoding in which a cell may begin as the one before it does."""
_DICTIONARIES = {"PLAIN_DICTIONARY", "RLE_DICTIONARY"}


@dataclass(frozen=True)
class TextReader:
    """What reads columns of text beside others, a bounded number of bytes at a time.

    Parameters
    ----------
    path : str
        The file, for messages.
    file : pyarrow.parquet.ParquetFile
        The file.
    as_dictionary : callable
        Name of a column -> the file, opened so that this column is read as a dictionary.
    room : int
        How many bytes the text of a column may have in a group of rows.
    """

    path: str
    file: pq.ParquetFile
    as_dictionary: Callable[[str], pq.ParquetFile]
    room: int

    def batches(
        self, groups: Sequence[int], names: list[str], rows: int, *, use_threads: bool
    ) -> Batches:
        """Yield the columns of these names, at most so many rows at a time.

        Raises
        ------
        InputError
            The text takes more room than it may.
        """

        def read(some: Sequence[int], columns: list[str], size: int) -> Batches:
            found: Batches = self.file.iter_batches(
                size, row_groups=list(some), columns=columns, use_threads=use_threads
            )
            return found

        texts = {name: self._places[name] for name in names if name in self._places}
        if not texts or all(self._is_small(group, rows) for group in groups):
            yield from read(groups, names, rows)
            return
        for group in groups:
            if self.file.metadata.row_group(group).total_byte_size <= self.room:
                # Asked of a damaged chunk, PyArrow ends the process; where it reads one, it raises.
                next(read([group], list(texts), 1), None)
            most = min([rows, *(self._rows(group, place) for place in texts.values())])
            longest = max(self._longest(group, name, place) for name, place in texts.items())
            step = max(1, PIECE // max(1, longest))
            if step >= most:
                yield from read([group], names, most)
                continue
            words = map(_encoded, read([group], list(texts), step))
            others = [name for name in names if name not in texts]
            if not others:
                yield from words
                continue
            queue = _Queue(self.path, words, self.room)
            for batch in read([group], others, most):
                beside = queue.take(len(batch))
                sides = [beside if name in texts else batch for name in names]
                columns = [side.column(name) for side, name in zip(sides, names, strict=True)]
                yield pa.RecordBatch.from_arrays(columns, names=names)

    @cached_property
    def _places(self) -> dict[str, int]:
        """Where the columns of text stand among the file's. Numbers may be bytes too: float16."""
        stored = self.file.metadata.schema
        schema = self.file.schema_arrow
        texts = {x.name for x in schema if not is_number(x.type) and not pa.types.is_nested(x.type)}
        columns = ((place, stored.column(place)) for place in range(len(stored)))
        return {
            column.path: place
            for place, column in columns
            if column.path in texts and column.physical_type.endswith("BYTE_ARRAY")
        }

    def _is_small(self, group: int, rows: int) -> bool:
        """Tell whether so many rows are small even if all cells are as long as all of a group."""
        return bool(self.file.metadata.row_group(group).total_byte_size * rows <= PIECE)

    def _size(self, group: int, place: int) -> int:
        size = int(self._chunk(group, place).total_uncompressed_size)
        if size > self.room:
            raise too_much(self.path, self.room)
        return size

    def _rows(self, group: int, place: int) -> int:
        """Return how many rows have cells of so many bytes, by their mean length."""
        rows = int(self._chunk(group, place).num_values)
        return max(1, PIECE * rows // max(1, self._size(group, place)))

    def _longest(self, group: int, name: str, place: int) -> int:
        """Return how many bytes a cell may have that is stored once for several rows."""
        chunk = self._chunk(group, place)
        if _SHARED in chunk.encodings:
            return self._size(group, place)
        if chunk.physical_type == "FIXED_LEN_BYTE_ARRAY":
            return int(self.file.metadata.schema.column(place).length)
        if _DICTIONARIES.isdisjoint(chunk.encodings):
            return 0
        file = self.as_dictionary(name)
        first = next(file.iter_batches(1, row_groups=[group], columns=[name]), None)
        if first is None or not pa.types.is_dictionary(first.schema.types[0]):
            return 0
        return _longest_of(first.column(0).dictionary)

    def _chunk(self, group: int, place: int) -> pq.ColumnChunkMetaData:
        return self.file.metadata.row_group(group).column(place)


def _longest_of(words: pa.Array) -> int:
    """Return how many bytes the longest word has, without PyArrow's functions, slow to load."""
    kind = words.type
    if is_view(kind):
        words = words.cast(pa.large_binary())
    is_short = pa.types.is_string(kind) or pa.types.is_binary(kind)
    ends = np.frombuffer(words.buffers()[1] or b"", np.int32 if is_short else np.int64)
    return int(np.diff(ends[words.offset :][: len(words) + 1]).max(initial=0))


class _Queue:
    """Batches of text that are taken so many rows at a time."""

    def __init__(self, path: str, batches: Batches, room: int) -> None:
        self._path, self._batches, self._room = path, batches, room
        self._rest: list[pa.RecordBatch] = []

    def take(self, rows: int) -> pa.RecordBatch:
        """Return the next rows."""
        taken, self._rest, size = self._rest, [], 0
        found = sum(map(len, taken))
        while found < rows:
            batch = next(self._batches, None)
            if batch is None:
                raise pa.ArrowInvalid("expected as many cells of text as of numbers")
            taken.append(batch)
            found += len(batch)
            size += sum(column.dictionary.nbytes for column in batch.columns)
            if size > self._room:
                raise too_much(self._path, self._room)
        over = found - rows
        if over:
            last = taken.pop()
            taken.append(last.slice(0, len(last) - over))
            self._rest = [last.slice(len(last) - over)]
        whole = pa.Table.from_batches(taken).unify_dictionaries().combine_chunks()
        return whole.to_batches()[0]


def _encoded(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return text as dictionaries."""
    columns = [x.cast(pa.large_string()) if is_view(x.type) else x for x in batch.columns]
    return pa.RecordBatch.from_arrays(
        [column.dictionary_encode() for column in columns], names=batch.schema.names
    )
