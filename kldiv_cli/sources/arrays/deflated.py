"""An array that can only be read from beginning to end, as in an archive or a pipe."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from math import prod
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.sources.arrays.array import ArraySource
from kldiv_cli.sources.arrays.strided import copy_range
from kldiv_cli.sources.base import Block, check_exact_integers
from kldiv_cli.sources.views.derived import Derived
from kldiv_cli.sources.views.read_ahead import ahead

_STEP = 1 << 20
_PIECE = 1 << 22
"""How many bytes are read at a time: a few times this is in memory."""
_MOST_SKIPPED = 1 << 25
"""How many bytes are read for the first rows where rows lie side by side: a pipe holds as many."""


class Stream(Protocol):
    """What is read from beginning to end."""

    def read(self, size: int, /) -> bytes:
        """Return so many bytes, fewer at the end alone."""

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Fill a buffer, or the beginning of it, and return how many bytes that is."""


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
    reads_ahead : bool
        Whether a thread may read ahead: it cannot be interrupted while it waits for a pipe.
    """

    outline: ArraySource
    open: Callable[[], AbstractContextManager[Stream]]
    header_size: int
    reads_ahead: bool = True

    @property
    def origin(self) -> ArraySource:
        """The outline."""
        return self.outline

    def turned(self, axis: int) -> DeflatedSource | None:
        """Return the array with its classes along another axis; None where the layout says it."""
        outline = self.outline.turned(axis)
        return None if outline is None else replace(self, outline=outline)

    @property
    def held_bytes(self) -> int:
        """How much memory the rows take that have to be read together; see `_rows_together`."""
        return self._rows_together * self._row_bytes

    @property
    def _row_bytes(self) -> int:
        return prod(self.class_shape) * self.outline.array.itemsize

    @property
    def _rows_together(self) -> int:
        """How many rows end at the same byte: those along the axes behind that of the classes."""
        axes = self.outline.class_axes
        return prod(self.outline.shape[axes[-1] + 1 :]) if axes else 1

    def blocks(self, rows: int, classes: Sequence[str] | None = None) -> Iterator[Block]:
        """Yield blocks; the last one only where the checksum is right."""
        if classes is not None:
            raise ValueError("an array has no class names")
        rows = min(rows, max(1, _PIECE // self._row_bytes))
        read = self._read(rows)
        whole = self.outline.rows_expected * self._row_bytes
        return ahead(read, whole) if self.reads_ahead else read

    def _read(self, rows: int) -> Generator[Block, None, None]:
        dtype, each = self.outline.array.dtype, self._rows_together
        whole, step = self.outline.rows_expected, each * max(1, rows // each)
        with self.open() as member:
            member.read(self.header_size)
            for start in range(0, whole, step):
                count = min(step, whole - start)
                flat = np.empty(count * prod(self.class_shape), dtype)
                _fill(flat, member, start * self._row_bytes)
                check_exact_integers(flat, self.path, self.outline.layout.expected)
                yield from _blocks(flat, count, each, rows)

    def beginning(self, rows: int) -> Generator[Block, None, None]:
        """Yield the first rows, and no others of an array whose rows do not lie one by one.

        Where these end far from the beginning, none is yielded.
        """
        each = self._rows_together
        if each == 1:
            yield from self._read(rows)
        elif self.held_bytes <= _MOST_SKIPPED:
            dtype = self.outline.array.dtype
            run, first = each * dtype.itemsize, min(rows, each) * dtype.itemsize
            with self.open() as member:
                member.read(self.header_size)
                starts = range(0, self.held_bytes, run)
                runs = [_inflated(member, start, run)[:first] for start in starts]
                classes = np.frombuffer(b"".join(runs), dtype).reshape(len(runs), -1)
                # Whoever wants no more closes this here: nothing has to end behind these bytes.
                yield Block(np.ascontiguousarray(classes.T))


def _blocks(flat: NDArray[Any], count: int, each: int, rows: int) -> Iterator[Block]:
    """Yield so many rows, of which ``each`` lie side by side, at most ``rows`` at a time."""
    if each == 1:
        yield Block(flat.reshape(count, -1))
        return
    beside = np.moveaxis(flat.reshape(count // each, -1, each), 1, 2)
    for start in range(0, count, rows):
        yield Block(copy_range(beside, 2, range(start, min(start + rows, count)), _keep))


def _keep(_: NDArray[Any]) -> None:
    """Let nothing go: these values are no file's."""


class ShortError(EOFError):
    """The bytes end before the last row does."""

    def __init__(self, found: int) -> None:
        super().__init__("it is shorter than its directory says")
        self.found = found


def _inflated(member: Stream, before: int, size: int) -> bytes:
    """Return the bytes after the first ``before``."""
    found = np.empty(size, np.uint8)
    _fill(found, member, before)
    return found.tobytes()


def _fill(values: NDArray[Any], member: Stream, before: int) -> None:
    """Read into values what follows the first ``before`` bytes, piece by piece."""
    found = values.view(np.uint8).data
    done = 0
    while done < len(found):
        count = member.readinto(found[done : done + _STEP])
        if not count:
            raise ShortError(before + done)
        done += count
