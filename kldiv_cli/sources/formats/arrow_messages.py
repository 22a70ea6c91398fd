"""What the messages of Arrow IPC say of their size, before anything is decompressed.

References
----------
.. [1] Apache Arrow, format/Message.fbs,
   https://arrow.apache.org/docs/format/Columnar.html#encapsulated-message-format
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pyarrow as pa

_HEADER, _DATA, _BUFFERS, _COMPRESSION = 2, 1, 2, 3
"""The places of fields: of a message, of a dictionary batch, of a record batch."""


def inflated_sizes(source: pa.NativeFile) -> Iterator[int]:
    """Yield how many bytes every compressed batch of a stream takes once it is decompressed.

    Raises
    ------
    pyarrow.ArrowInvalid
        The messages are damaged.
    """
    return map(inflated_size, pa.ipc.MessageReader.open_stream(source))


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


def _inflated(message: pa.Message) -> int:
    table = memoryview(message.metadata)
    batch = _child(table, _number("<I", table, 0), _HEADER)
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
