"""An array that is compressed in an archive, as rows."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import IO

import numpy as np

from kldiv_cli.sources.archive import open_member
from kldiv_cli.sources.array import ArraySource
from kldiv_cli.sources.base import Block, check_exact_integers

_STEP = 1 << 20


@dataclass(frozen=True)
class DeflatedSource:
    """A compressed array in C order, whose rows are inflated as they are asked for.

    Parameters
    ----------
    outline : ArraySource
        Its shape, type and layout, around no values.
    entry : zipfile.ZipInfo
        The zip member that holds it.
    header_size : int
        How many bytes of the member precede the values.
    where, advice : str
        What messages call it, and what they say is to be done.
    """

    outline: ArraySource
    entry: zipfile.ZipInfo
    header_size: int
    where: str
    advice: str

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
        with open_member(self.path, self.entry, self.where, self.advice) as member:
            member.read(self.header_size)
            for start in range(0, self.rows_expected, rows):
                count = min(rows, self.rows_expected - start)
                flat = np.frombuffer(_inflated(member, count * self.row_bytes), dtype)
                check_exact_integers(flat, self.path)
                yield Block(flat.reshape(count, -1))

    def place_of(self, row: int) -> None:
        """Arrays have no lines."""


def _inflated(member: IO[bytes], size: int) -> bytearray:
    """Return the next so many bytes of a member, read piece by piece: one call would copy them."""
    found = bytearray(size)
    done = 0
    while done < size:
        piece = member.read(min(_STEP, size - done))
        if not piece:
            raise EOFError("it is shorter than its directory says")
        found[done : done + len(piece)] = piece
        done += len(piece)
    return found
