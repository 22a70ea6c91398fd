"""Arrow IPC files and streams, and Feather, which is such a file: mapped, read batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from kldiv_cli.errors import InputError
from kldiv_cli.sources.arrays.mapped import Memory, map_file
from kldiv_cli.sources.base import Layout
from kldiv_cli.sources.formats.arrow_messages import (
    FILE,
    Block,
    Listed,
    inflated_size,
    listed_in,
    messages_of_file,
    messages_of_stream,
    row_count,
    schema_in,
    with_length,
)
from kldiv_cli.sources.stores.streams import codec_of, open_in_order, open_stream
from kldiv_cli.sources.stores.uris import is_elsewhere
from kldiv_cli.sources.tables.cells import reading
from kldiv_cli.sources.tables.row_groups import MANY
from kldiv_cli.sources.tables.table import TableSource, check_layout
from kldiv_cli.sources.tables.typed import typed_table

_ADVICE = "Expected a whole Arrow IPC or Feather file: write it again, or check its copy."
_FEATHER_1 = b"FEA1"
_STEP = 1 << 20
_ROWS = 1 << 13
"""So many rows of many columns are let go together: Linux maps the pages around a value too, which
hold the next rows."""
_MOST_FOOTER = 1 << 28
_END = b"\xff\xff\xff\xff\0\0\0\0"
"""What the writer of a stream puts behind the last batch."""
_MOST_INFLATED = 1 << 30
"""The size of a compressed batch at most: PyArrow inflates a batch as a whole."""


def open_arrow(path: str, layout: Layout) -> TableSource:
    """Open an Arrow IPC file or stream: a numeric column per class, or one list column.

    Raises
    ------
    InputError
        The file is damaged or no Arrow IPC, or the roles of its columns are unclear.
    """
    check_layout(path, layout)
    codec = codec_of(path)
    file = _Passing(path, codec) if codec or is_elsewhere(path) else _File.map(path)
    with reading(path, _ADVICE):
        schema = file.open().schema
        _ = schema.names  # which need not be UTF-8
        if isinstance(file, _File):
            file.check_sizes()
    return typed_table(path, "arrow", layout, schema, file.batches, file.rows)


@dataclass(frozen=True)
class _File:
    """A mapped file. Its batches are not copied, and their pages are let go after use."""

    path: str
    memory: Memory

    @classmethod
    def map(cls, path: str) -> _File:
        with Path(path).open("rb") as file:
            first = file.read(len(FILE))
            if first.startswith(_FEATHER_1):
                raise InputError(
                    f"{path}: expected Arrow IPC or Feather version 2, found Feather version 1",
                    "Write it again: pyarrow.feather.write_feather(table, path).",
                )
        return cls(path, map_file(path))

    @property
    def is_stream(self) -> bool:
        """Whether the batches can only be read one after the other."""
        return self.memory.file[: len(FILE)] != FILE

    def open(self) -> Any:
        """Open it with PyArrow.

        All columns, even where few are wanted: PyArrow copies those that it is told to choose.
        """
        source = pa.BufferReader(pa.py_buffer(self.memory.file))
        return pa.ipc.open_stream(source) if self.is_stream else pa.ipc.open_file(source)

    def check_sizes(self) -> None:
        """Raise where a batch is compressed and too large to be held."""
        messages = messages_of_stream if self.is_stream else messages_of_file
        largest = max(map(inflated_size, messages(pa.py_buffer(self.memory.file))), default=0)
        self._release()
        _check_inflated(self.path, largest)

    def rows(self) -> int | None:
        """Return the number of rows, which a stream does not know before its end."""
        if self.is_stream:
            return None
        with reading(self.path, _ADVICE):
            return sum(map(row_count, messages_of_file(pa.py_buffer(self.memory.file))))

    def batches(self, names: list[str], rows: int) -> Iterator[pa.RecordBatch]:
        """Yield these columns, at most so many rows at a time."""
        with reading(self.path, _ADVICE):
            file = self.open()
            is_all = names == file.schema.names
            most = _ROWS if len(names) >= MANY else 0
            for whole in self._whole_batches(file):
                done = 0
                for batch in _slices(whole if is_all else whole.select(names), rows):
                    yield batch
                    done += len(batch)
                    if done >= most:
                        self._release()
                        done = 0
                self._release()

    def _release(self) -> None:
        """Let go of the pages of all that was read."""
        self.memory.release(0, len(self.memory.file))

    def _whole_batches(self, file: Any) -> Iterator[pa.RecordBatch]:
        if self.is_stream:
            yield from file
            _check_end(self.memory.file[-len(_END) :])
        else:
            for i in range(file.num_record_batches):
                yield file.get_batch(i)


@dataclass(frozen=True)
class _Passing:
    """A stream, or a file that is read like one: it is a stream between a magic and a footer."""

    path: str
    codec: str | None

    def open(self) -> Any:
        """Open it with PyArrow."""
        return pa.ipc.open_stream(pa.PythonFile(self._after_magic(), mode="r"))

    def rows(self) -> None:
        """Return None: only its end tells."""

    def batches(self, names: list[str], rows: int) -> Iterator[pa.RecordBatch]:
        """Yield these columns, at most so many rows at a time."""
        with reading(self.path, _ADVICE):
            passing = self._after_magic()
            before: list[pa.Buffer] = []
            found = Listed([], [])
            for block, message in _messages(passing):
                _check_inflated(self.path, inflated_size(message))
                if message.type == "dictionary":
                    found.dictionaries.append(block)
                if message.type == "record batch":
                    found.batches.append(block)
                    self._check_dictionaries(before)
                    # PyArrow decompresses a batch as it reads it, so it gets them one by one.
                    alone = pa.BufferReader(b"".join([*before, message.serialize()]))
                    yield from _slices(
                        pa.ipc.open_stream(alone).read_next_batch().select(names), rows
                    )
                else:
                    before.append(message.serialize())
            rest = passing.to_end()
            if not self._is_file:
                _check_end(passing.last)
            else:
                self._check_footer(rest, pa.ipc.read_schema(before[0]), found)

    def _check_footer(self, footer: bytes, schema: pa.Schema, found: Listed) -> None:
        """Raise where the footer of a file says otherwise than what stood before it."""
        if not footer.endswith(FILE):
            raise pa.ArrowInvalid("expected an Arrow file, found one without its end")
        end = pa.py_buffer(footer)
        if listed_in(end) != found or not schema_in(end).equals(schema, check_metadata=True):
            raise InputError(
                f"{self.path}: expected a footer that lists the columns and batches before it, "
                "found one that says otherwise",
                "Save it to a file, and name that: what its footer lists is what counts.",
            )

    def _check_dictionaries(self, before: list[pa.Buffer]) -> None:
        """Raise where words that are stored once follow the rows, as Polars writes them."""
        schema, *dictionaries = before
        if not dictionaries and any(map(pa.types.is_dictionary, pa.ipc.read_schema(schema).types)):
            raise InputError(
                f"{self.path}: expected dictionaries before the rows that refer to them, found "
                "these behind",
                "Save it to a file, and name that: its footer tells where they are.",
            )

    @cached_property
    def _is_file(self) -> bool:
        with open_stream(self.path, self.codec) as file:
            return bool(file.read(len(FILE)) == FILE)

    def _after_magic(self) -> _Tail:
        stream = open_in_order(self.path, self.codec)
        if not self._is_file:
            return _Tail(stream)
        magic = stream.read(len(FILE) + 2)
        stored, first = with_length(stream.read)
        return _Tail(stream, first, len(magic) + stored - len(first))


def _check_inflated(path: str, size: int) -> None:
    if size > _MOST_INFLATED:
        raise InputError(
            f"{path}: expected compressed batches of at most {_MOST_INFLATED} bytes, found one of "
            f"{size}",
            "Write fewer rows to a batch, or no compression: then it is mapped.",
        )


class _Tail:
    """A stream that knows its place in the file, and its last bytes."""

    closed = False

    def __init__(self, stream: pa.NativeFile, first: bytes = b"", place: int = 0) -> None:
        self._stream, self._first = stream, first
        self.place, self.last = place, b""

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True
        self._stream.close()

    def read(self, size: int) -> bytes:
        """Return so many bytes, fewer at the end. It reads in pieces, for a size may be a lie."""
        pieces = [self._first[:size]]
        self._first = self._first[size:]
        size -= len(pieces[0])
        while size and (piece := self._stream.read(min(size, _STEP))):
            pieces.append(piece)
            size -= len(piece)
        found = b"".join(pieces)
        self.last = (self.last + found[-len(_END) :])[-len(_END) :]
        self.place += len(found)
        return found

    def to_end(self) -> bytes:
        """Return the rest.

        Raises
        ------
        pyarrow.ArrowInvalid
            It is too long for a footer, or for what may stand behind a stream.
        """
        rest = self.read(_MOST_FOOTER)
        if len(rest) == _MOST_FOOTER:
            raise pa.ArrowInvalid(f"expected an end of less than {_MOST_FOOTER} bytes")
        return rest


def _messages(stream: _Tail) -> Iterator[tuple[Block, pa.Message]]:
    """Yield messages, each with where it was."""
    messages = iter(pa.ipc.MessageReader.open_stream(pa.PythonFile(stream, mode="r")))
    while True:
        place = stream.place
        message = next(messages, None)
        if message is None:
            return
        body = message.body.size if message.body else 0
        yield Block(place, stream.place - place - body, body), message


def _check_end(last: bytes) -> None:
    """Raise where a stream lacks the mark of its end: batches may be missing without a sign."""
    if last != _END:
        raise pa.ArrowInvalid("expected a whole stream, found one without the mark of its end")


def _slices(batch: pa.RecordBatch, rows: int) -> Iterator[pa.RecordBatch]:
    # A file may say that a list lies anywhere, and PyArrow would look there.
    batch.validate(full=True)
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)
