"""Text in pieces of whole lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

import pyarrow as pa

from kldiv_cli.errors import InputError
from kldiv_cli.sources.stores.elsewhere import size_elsewhere
from kldiv_cli.sources.stores.uris import is_elsewhere

LONGEST_LINE = 1 << 26
WHOLE_PIECE = 1 << 30
"""The block size at which PyArrow takes a piece as one block."""
TOO_WIDE = "Rows as wide as this belong in .npy or .parquet."
_LEAST, _MOST = 1 << 20, 1 << 24
_LINES = 1 << 8
"""The lines of a piece at least: every column costs something at every piece."""
_SIZES = (*(1 << i for i in range(18, 26, 2)), LONGEST_LINE)


class First(Protocol):
    """What the first lines of a file turned out to be."""

    @property
    def rows(self) -> int:
        """How many rows they hold."""

    @property
    def size(self) -> int:
        """How many bytes they take."""

    @property
    def whole(self) -> bool:
        """Whether these are all lines."""


class LongLineError(ValueError):
    """A line has more than `LONGEST_LINE` bytes."""


def whole_lines(
    file: pa.NativeFile, size: int, delimiter: str | None = None
) -> Iterator[memoryview]:
    """Yield a file piece by piece, in pieces of whole lines.

    A piece is gone when the next one is asked for: they share one place in memory.

    Parameters
    ----------
    file : pyarrow.NativeFile
        The file.
    size : int
        How many bytes to read at a time; more where a line is longer.
    delimiter : str, optional
        What separates cells, in a text in which quoted ones may go on over several lines.

    Raises
    ------
    LongLineError
        No line ends in `LONGEST_LINE` bytes.
    """
    held = bytearray(size)
    full = 0
    while True:
        count = _fill(file, held, full)
        full += count
        if full < len(held):
            if full:
                yield memoryview(held)[:full]
            return
        end = _end(held, delimiter)
        if end == 0:
            if len(held) >= LONGEST_LINE:
                raise LongLineError
            held = held + bytes(len(held))  # not in place: the last piece may still be in use
            continue
        yield memoryview(held)[:end]
        full = len(held) - end
        held[:full] = held[end:]


def skip(file: pa.NativeFile, count: int) -> None:
    """Read so many bytes and drop them."""
    while count and (read := file.read(min(count, _LEAST))):
        count -= len(read)


class Begin(NamedTuple):
    """The first bytes of a file, the end of the last whole line in them, and if they are all."""

    read: bytes
    end: int
    whole: bool


def growing(file: pa.NativeFile, delimiter: str | None = None) -> Iterator[Begin]:
    """Yield more and more of the beginning of a file, up to `LONGEST_LINE`; see `whole_lines`."""
    read = b""
    for size in _SIZES:
        more = bytearray(size - len(read))
        read += more[: _fill(file, more, 0)]
        whole = len(read) < size
        yield Begin(read, len(read) if whole else _end(read, delimiter), whole)


def piece_size(longest: int) -> int:
    """Return how many bytes to read at a time where the first lines are at most so long."""
    return max(_LEAST, 2 * longest, min(_LINES * longest, _MOST))


def too_long(path: str, or_else: str = "") -> InputError:
    """Return the error of a line that does not end, or seems not to."""
    return InputError(
        f"{path}: expected lines of at most {LONGEST_LINE} bytes, found a longer one{or_else}",
        TOO_WIDE,
    )


def rows_expected(path: str, codec: str | None, first: First) -> int | None:
    """Return the number of rows, or a guess; None where the size of the file tells nothing."""
    if first.whole:
        return first.rows
    size = size_elsewhere(path) if is_elsewhere(path) else Path(path).stat().st_size
    if codec is not None or size is None:
        return None
    return round(first.rows * max(1.0, size / first.size))


def _fill(file: pa.NativeFile, held: bytearray, full: int) -> int:
    """Read until there is no more room, or no more file; return how much there was."""
    start = full
    with memoryview(held) as view:
        while full < len(held) and (count := file.readinto(view[full:])):
            full += count
    return full - start


def _end(held: bytes | bytearray, delimiter: str | None) -> int:
    """Return where the last line ends that is no part of a cell; 0 if none does."""
    end = _after_newline(held, 0, len(held), delimiter)
    if delimiter is None or held.count(b'"', 0, end) % 2 == 0:
        return end
    # A quote is open at that end, or one stands in the middle of a cell, where it means nothing.
    # Both at once cancel out and cut a cell, which PyArrow then refuses.
    separator = re.escape(delimiter.encode())
    last = stop = 0
    for cell in re.finditer(rb'(?<![^\r\n%s])"[^"]*(?:""[^"]*)*(?:"|\Z)' % separator, held):
        last = _after_newline(held, stop, cell.start(), delimiter) or last
        stop = cell.end()
    return _after_newline(held, stop, len(held), delimiter) or last


def _after_newline(held: bytes | bytearray, start: int, stop: int, delimiter: str | None) -> int:
    """Return the place behind the last newline between two; 0 if there is none."""
    found = held.rfind(b"\n", start, stop) + 1
    return found or (0 if delimiter is None else held.rfind(b"\r", start, stop) + 1)
