"""The wire format of Protocol Buffers, as far as one flat message needs it.

References
----------
.. [1] https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

VARINT, LONG, BYTES, SHORT = 0, 1, 2, 5
"""The wire types; 3 and 4 are groups, which nobody writes any more."""
_FIXED = {LONG: 8, SHORT: 4}
_LONGEST = 10
_BITS = 7


class WireError(ValueError):
    """The bytes are no message."""


class Field(NamedTuple):
    """A field: its number, its wire type, where its value lies, and a varint's value."""

    number: int
    wire: int
    start: int
    stop: int
    value: int = 0


def fields(message: memoryview) -> Iterator[Field]:
    """Yield the fields of a message in their order, without looking into them.

    Raises
    ------
    WireError
        It ends within a field, or is none.
    """
    place, end = 0, len(message)
    while place < end:
        tag, start = varint(message, place)
        number, wire = tag >> 3, tag & 7
        value, stop = 0, start
        if wire == VARINT:
            value, stop = varint(message, start)
        elif wire in _FIXED:
            stop = start + _FIXED[wire]
        elif wire == BYTES:
            size, start = varint(message, start)
            stop = start + size
        else:
            raise WireError(f"field {number} is of wire type {wire}")
        if stop > end:
            raise WireError(f"field {number} ends {stop - end} bytes behind the end of the file")
        yield Field(number, wire, start, stop, value)
        place = stop


def varint(message: memoryview, place: int) -> tuple[int, int]:
    """Return a number, and the place behind it.

    Raises
    ------
    WireError
        It does not end, or has more than 64 bits.
    """
    value = 0
    for count, byte in enumerate(message[place : place + _LONGEST]):
        value |= (byte & 0x7F) << (_BITS * count)
        if byte < 0x80:
            return value & (2**64 - 1), place + count + 1
    raise WireError(f"the number at byte {place} does not end")


def varints(packed: memoryview) -> NDArray[np.uint64]:
    """Return the numbers that are packed in a field, as 64 bits each.

    Raises
    ------
    WireError
        The last one does not end, or one has more than 10 bytes.
    """
    found = np.frombuffer(packed, np.uint8)
    ends = np.flatnonzero(found < 0x80)
    if len(found) and (not len(ends) or ends[-1] != len(found) - 1):
        raise WireError("the last number of a packed field does not end")
    starts = np.concatenate([[0], ends[:-1] + 1]).astype(np.intp)[: len(ends)]
    lengths = ends - starts + 1
    if len(ends) and lengths.max() > _LONGEST:
        raise WireError(f"a number of a packed field has {lengths.max()} bytes")
    values = np.zeros(len(ends), np.uint64)
    for count in range(int(lengths.max(initial=0))):
        long = np.flatnonzero(lengths > count)
        piece = found[starts[long] + count].astype(np.uint64) & np.uint64(0x7F)
        values[long] |= piece << np.uint64(_BITS * count)
    return values


def signed(value: int) -> int:
    """Return what 64 bits are as a signed integer."""
    return value - 2**64 if value >= 2**63 else value
