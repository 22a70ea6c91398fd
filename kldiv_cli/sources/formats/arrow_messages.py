"""What the messages of Arrow IPC say of their size, before anything is decompressed.

References
----------
.. [1] Apache Arrow, format/Message.fbs,
   https://arrow.apache.org/docs/format/Columnar.html#encapsulated-message-format
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pyarrow as pa

FILE = b"ARROW1"
"""With what a file begins and ends."""
_HEADER, _DATA = 2, 1
"""The places of fields: of a message, of a dictionary batch."""
_LENGTH, _BUFFERS, _COMPRESSION = 0, 2, 3
"""The places of fields of a record batch."""
_DICTIONARIES, _BATCHES = 2, 3
"""The places of fields of a footer."""
_BLOCK = struct.Struct("<qi4xq")
_AFTER_FOOTER = 10
"""The length of the footer, and the magic with which the file ends."""
_MARK = b"\xff\xff\xff\xff"
"""What precedes the length of a message."""
_ROOT = b"\4\0\0\0"
"""How a schema begins that has no length before it. No schema is so short."""
_MOST_SCHEMA = 1 << 26
_STEP = 1 << 16


def messages_of_stream(stream: pa.Buffer) -> Iterator[pa.Message]:
    """Yield the messages of a stream, one after the other.

    Raises
    ------
    pyarrow.ArrowInvalid
        They are damaged.
    """
    yield from pa.ipc.MessageReader.open_stream(pa.BufferReader(stream))


def messages_of_file(file: pa.Buffer) -> Iterator[pa.Message]:
    """Yield the messages of a file that hold data, where its footer says that they lie.

    The messages of a file need be no stream: what Polars 2 writes begins with a schema without its
    length, and PyArrow takes the footer's.

    Raises
    ------
    pyarrow.ArrowInvalid
        The footer or a message is damaged.
    """
    listed = listed_in(file)
    end = file.size - _AFTER_FOOTER
    for start, _, _ in (*listed.dictionaries, *listed.batches):
        if not 0 <= start < end:
            raise pa.ArrowInvalid("damaged footer (a batch lies outside the file)")
        try:
            yield pa.ipc.read_message(file.slice(start))
        except EOFError as error:
            raise pa.ArrowInvalid(f"expected a message, found {error}") from error


class Block(NamedTuple):
    """Where a message begins, and how many bytes it has before its body and in it."""

    start: int
    before: int
    body: int


class Listed(NamedTuple):
    """The messages that a footer lists."""

    dictionaries: list[Block]
    batches: list[Block]


def listed_in(end: pa.Buffer) -> Listed:
    """Return what the footer lists with which a file ends.

    Raises
    ------
    pyarrow.ArrowInvalid
        It is damaged.
    """
    try:
        footer = memoryview(end)[_footer_start(end) : end.size - _AFTER_FOOTER]
        table = _number("<I", footer, 0)
        return Listed(*(list(_blocks(footer, table, x)) for x in (_DICTIONARIES, _BATCHES)))
    except (struct.error, IndexError) as error:
        raise pa.ArrowInvalid(f"damaged footer ({error})") from error


def schema_in(end: pa.Buffer) -> pa.Schema:
    """Return the schema of the footer with which a file ends.

    Raises
    ------
    pyarrow.ArrowInvalid
        It is damaged.
    """
    try:
        start = _footer_start(end)
    except (struct.error, IndexError) as error:
        raise pa.ArrowInvalid(f"damaged footer ({error})") from error
    empty = pa.py_buffer(FILE.ljust(8, b"\0") + memoryview(end)[start:])
    return pa.ipc.open_file(pa.BufferReader(empty)).schema


def _footer_start(end: pa.Buffer) -> int:
    last = int(end.size) - _AFTER_FOOTER
    length = int(_number("<i", memoryview(end), last))
    if not 0 < length <= last:
        raise IndexError("it is longer than the file")
    return last - length


def _blocks(footer: memoryview, table: int, field: int) -> Iterator[Block]:
    if _field(footer, table, field):
        blocks = _child(footer, table, field)
        for i in range(_number("<I", footer, blocks)):
            yield Block(*_BLOCK.unpack_from(footer, blocks + 4 + _BLOCK.size * i))


def with_length(read: Callable[[int], bytes]) -> tuple[int, bytes]:
    """Return the bytes that begin the messages of a file, the first of them with its length.

    Polars 2 writes the schema without. There it ends where the mark of the next message stands.

    Parameters
    ----------
    read : callable
        Returns at most so many of the next bytes, none at the end.

    Returns
    -------
    int
        How many bytes were read.
    bytes
        These, behind the length if it was missing.
    """
    first = read(len(_ROOT))
    if first != _ROOT:
        return len(first), first
    place = -1
    while place < 0 and len(first) < _MOST_SCHEMA and (more := read(_STEP)):
        first += more
        place = next((x for x in range(0, len(first) - 3, 8) if first[x : x + 4] == _MARK), -1)
    if place < 0:
        return len(first), first
    return len(first), _MARK + place.to_bytes(4, "little") + first


def inflated_size(message: pa.Message) -> int:
    """Return how many bytes a compressed batch takes once inflated; 0 for any other message.

    Raises
    ------
    pyarrow.ArrowInvalid
        It is damaged.
    """
    if message.type not in {"record batch", "dictionary"}:
        return 0
    try:
        return _inflated(message)
    except (struct.error, IndexError) as error:
        raise pa.ArrowInvalid(f"damaged message ({error})") from error


def row_count(message: pa.Message) -> int:
    """Return how many rows a batch says that it has; 0 for any other message.

    Raises
    ------
    pyarrow.ArrowInvalid
        It is damaged.
    """
    if message.type != "record batch":
        return 0
    try:
        table, batch = _header(message)
        place = _field(table, batch, _LENGTH)
        rows = _number("<q", table, place) if place else 0
    except (struct.error, IndexError) as error:
        raise pa.ArrowInvalid(f"damaged message ({error})") from error
    if rows < 0:
        raise pa.ArrowInvalid(f"damaged message (it has {rows} rows)")
    return int(rows)


def _header(message: pa.Message) -> tuple[memoryview, int]:
    """Return the bytes of a message, and the place of what it says of its kind."""
    table = memoryview(message.metadata)
    return table, _child(table, _number("<I", table, 0), _HEADER)


def _inflated(message: pa.Message) -> int:
    table, batch = _header(message)
    if message.type == "dictionary":
        batch = _child(table, batch, _DATA)
    if not _field(table, batch, _COMPRESSION):
        return 0
    body = memoryview(message.body)
    buffers = _child(table, batch, _BUFFERS)
    total = 0
    for i in range(_number("<I", table, buffers)):
        start, size = struct.unpack_from("<qq", table, buffers + 4 + 16 * i)
        if size:
            # -1 says that this one is not compressed.
            total += max(_number("<q", body, start), 0)
    return total


def _child(table: memoryview, place: int, field: int) -> int:
    """Return the place of the table or vector that a field refers to."""
    reference = _field(table, place, field)
    if not reference:
        raise IndexError("a field is missing")
    return reference + _number("<I", table, reference)


def _field(table: memoryview, place: int, field: int) -> int:
    """Return where a field of a table lies; 0 if it has none."""
    fields = place - _number("<i", table, place)
    entry = 4 + 2 * field
    if entry >= _number("<H", table, fields):
        return 0
    offset = _number("<H", table, fields + entry)
    return place + offset if offset else 0


def _number(kind: str, table: memoryview, place: int) -> int:
    if place < 0:
        raise IndexError("it refers to what lies before it")
    found: int = struct.unpack_from(kind, table, place)[0]
    return found
