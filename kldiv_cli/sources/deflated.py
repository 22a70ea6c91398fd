"""An array that can only be read from begin to end, as in an archive or a pipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from math import prod
from typing import IO

import numpy as np

from kldiv_cli.sources.array import ArraySource
from kldiv_cli.sources.base import Block, check_exact_integers

_STEP = 1 << 20


@dataclass(frozen=True)
class DeflatedSource:
    """An array in C order, whose rows are read, and inflated if need be, as they are asked for.

    Parameters
    ----------
    outline : ArraySource
        Its shape, type and layout, around no values.
    open : callable
        Opens what holds it, at its begin.
    header_size : int
        How many bytes precede the values.
    """

    outline: ArraySource
    open: Callable[[], AbstractContextManager[IO[bytes]]]
    header_size: int

    class_names = None
    id_name = None
    shards = None
    group_name = None

    @property
    def path(self) -> str:
        """The file."""
        return self.outline.path

    @property
    def format(self) -> str:
        """Its name in the registry."""
        return self.outline.format

    @property
    def notes(self) -> tuple[str, ...]:
        """What was decided about the format."""
        return self.outline.notes

    @property
    def dtype(self) -> str:
        """NumPy's name of the type, without the byte order."""
        return self.outline.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape as stored."""
        return self.outline.shape

    @property
    def row_shape(self) -> tuple[int, ...]:
        """The axes that index rows."""
        return self.outline.row_shape

    @property
    def class_shape(self) -> tuple[int, ...]:
        """The axes that are left."""
        return self.outline.class_shape

    @property
    def rows_expected(self) -> int:
        """The number of rows."""
        return self.outline.rows_expected

    @property
    def row_bytes(self) -> int:
        """How much memory a row takes."""
        return prod(self.class_shape) * self.outline.array.itemsize

    def blocks(self, rows: int, classes: Sequence[str] | None = None) -> Iterator[Block]:
        """Yield blocks; the last one only where the checksum is right."""
        if classes is not None:
            raise ValueError("an array has no class names")
        dtype = self.outline.array.dtype
        with self.open() as member:
            member.read(self.header_size)
            for start in range(0, self.rows_expected, rows):
                count = min(rows, self.rows_expected - start)
                values = _inflated(member, start * self.row_bytes, count * self.row_bytes)
                flat = np.frombuffer(values, dtype)
                check_exact_integers(flat, self.path)
                yield Block(flat.reshape(count, -1))

    def place_of(self, row: int) -> None:
        """Arrays have no lines."""


class ShortError(EOFError):
    """The bytes end before the last row does."""

    def __init__(self, found: int) -> None:
        super().__init__("it is shorter than its directory says")
        self.found = found


def _inflated(member: IO[bytes], before: int, size: int) -> bytearray:
    """Return the bytes after the first ``before``, read piece by piece: one call would copy."""
    found = bytearray(size)
    done = 0
    while done < size:
        piece = member.read(min(_STEP, size - done))
        if not piece:
            raise ShortError(before + done)
        found[done : done + len(piece)] = piece
        done += len(piece)
    return found
