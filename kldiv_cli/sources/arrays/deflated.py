"""An array that can only be read from beginning to end, as in an archive or a pipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from math import prod
from typing import IO

import numpy as np

from kldiv_cli.sources.arrays.array import ArraySource
from kldiv_cli.sources.base import Block, check_exact_integers
from kldiv_cli.sources.views.derived import Derived

_STEP = 1 << 20


@dataclass(frozen=True)
class DeflatedSource(Derived):
    """An array in C order whose rows are read, and maybe inflated, when they are asked for.

    Parameters
    ----------
    outline : ArraySource
        Its shape, type and layout, around no values.
    open : callable
        Opens what holds it, at its beginning.
    header_size : int
        How many bytes precede the values.
    """

    outline: ArraySource
    open: Callable[[], AbstractContextManager[IO[bytes]]]
    header_size: int

    @property
    def origin(self) -> ArraySource:
        """The outline."""
        return self.outline

    @property
    def row_bytes(self) -> int:
        """How much memory a row takes."""
        return prod(self.class_shape) * self.outline.array.itemsize

    def blocks(self, rows: int, classes: Sequence[str] | None = None) -> Iterator[Block]:
        """Yield blocks; the last one only where the checksum is right."""
        if classes is not None:
            raise ValueError("an array has no class names")
        dtype = self.outline.array.dtype
        whole = self.outline.rows_expected
        with self.open() as member:
            member.read(self.header_size)
            for start in range(0, whole, rows):
                count = min(rows, whole - start)
                values = _inflated(member, start * self.row_bytes, count * self.row_bytes)
                flat = np.frombuffer(values, dtype)
                check_exact_integers(flat, self.path, self.outline.layout.expected)
                yield Block(flat.reshape(count, -1))


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
