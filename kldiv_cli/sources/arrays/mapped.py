"""Arrays that lie in a file as they are: mapped, never read whole."""

from __future__ import annotations

import mmap
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.errors import InputError
from kldiv_cli.memory import Mapping
from kldiv_cli.sources.arrays.array import ArraySource, check_shape
from kldiv_cli.sources.arrays.guard import guarded
from kldiv_cli.sources.base import BFLOAT16, Block, Layout, check_type
from kldiv_cli.sources.base.readable import readable

_STEP = 1 << 20


@dataclass(frozen=True)
class Place:
    """Where an array lies.

    Parameters
    ----------
    start, stop : int
        The bytes of the file that hold it, and whatever belongs to it.
    offset : int
        The byte at which its first value lies.
    crc : int or None
        The CRC-32 of the bytes from start to stop, where the file says one.
    """

    start: int
    stop: int
    offset: int
    crc: int | None = None


@dataclass(frozen=True)
class Memory:
    """A mapped file, and what guards it while it is mapped."""

    file: mmap.mmap
    guard: object = None

    def release(self, start: int, stop: int) -> None:
        """Let go of the pages that lie between two bytes."""
        if hasattr(mmap, "MADV_DONTNEED"):
            first, last = -(-start // mmap.PAGESIZE), stop // mmap.PAGESIZE
            self._advise(mmap.MADV_DONTNEED, first, last)

    def expect(self, start: int, stop: int) -> None:
        """Fetch the pages between two bytes, without waiting for them."""
        if hasattr(mmap, "MADV_WILLNEED"):
            first, last = start // mmap.PAGESIZE, -(-stop // mmap.PAGESIZE)
            self._advise(mmap.MADV_WILLNEED, first, last)

    def _advise(self, advice: int, first: int, last: int) -> None:
        if last <= first:
            return
        # A system that takes no advice is slower, no more.
        with suppress(OSError):
            self.file.madvise(advice, first * mmap.PAGESIZE, (last - first) * mmap.PAGESIZE)

    def crc(self, start: int, stop: int, found: int) -> int:
        """Return the CRC-32 of the bytes before ``stop``, given that of those before ``start``."""
        values = memoryview(self.file)
        for first in range(start, stop, _STEP):
            last = min(first + _STEP, stop)
            found = zlib.crc32(values[first:last], found)
            self.release(first, last)
        return found


class Stored(NamedTuple):
    """How an array lies in a file; strides, if any, are in bytes."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    order: Literal["C", "F"] = "C"
    strides: tuple[int, ...] | None = None


def map_array(
    path: str, kind: str, layout: Layout, stored: Stored, place: Place, *, has_keys: bool = True
) -> ArraySource:
    """Map an array whose place in the file was checked.

    ``kind`` is the format's name; ``has_keys`` says whether it stores arrays under names.

    Raises
    ------
    InputError
        It holds no real numbers, no rows or no classes, or ``layout`` contradicts its type.
    """
    dtype = told_type(stored.dtype, layout, path)
    check_shape(stored.shape, path, layout.expected)
    memory = map_file(path, place.stop)
    array: NDArray[Any] = np.ndarray(
        stored.shape, dtype, memory.file, place.offset, stored.strides, stored.order
    )

    def release(start: int, stop: int) -> None:
        memory.release(place.offset + start, place.offset + stop)

    def expect(start: int, stop: int) -> None:
        memory.expect(place.offset + start, place.offset + stop)

    if place.crc is None:
        return ArraySource(
            array, layout, path, kind, release=release, expect=expect, has_keys=has_keys
        )
    return _CheckedSource(
        array,
        layout,
        path,
        kind,
        release=release,
        expect=expect,
        has_keys=has_keys,
        place=place,
        crc=memory.crc,
    )


def map_file(path: str, least: int = 1) -> Memory:
    """Map a file of so many bytes at least.

    Raises
    ------
    InputError
        It has become shorter since it was looked at.
    """
    with readable(path), Path(path).open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size < least:
            raise InputError(
                f"{path}: expected {least} bytes as when it was opened, found {size}",
                "Wait until nobody writes to it, or compare a copy.",
            )
        mapped = Mapping(file.fileno(), size, access=mmap.ACCESS_READ)
    return Memory(mapped, guarded(mapped, path))


def told_type(dtype: np.dtype[Any], layout: Layout, path: str) -> np.dtype[Any]:
    """Return the type of the values: their own, or what the user says of raw bytes.

    Raises
    ------
    InputError
        The values are no real numbers.
    """
    raw = dtype.str == "|V2" and dtype.names is None
    # As ml_dtypes has it, which loses its name where NumPy saves it.
    named = dtype.name == "bfloat16" and dtype.itemsize == 2
    if named or (raw and layout.dtype == "bfloat16"):
        return BFLOAT16
    check_type(dtype, path, layout.expected)
    return dtype


@dataclass(frozen=True, kw_only=True)
class _CheckedSource(ArraySource):
    """An array with a checksum, which is compared before the last block is handed out.

    The checksum is taken from the blocks while they pass, which saves a second reading of the file.
    The blocks of an array that is not in C order jump about in the file: there it is taken first.
    """

    place: Place
    crc: Callable[[int, int, int], int]

    def blocks(self, rows: int, classes: Sequence[str] | None = None) -> Iterator[Block]:
        """Yield blocks, the last one only where the bytes are what was written."""
        if not self.by_rows.flags.c_contiguous:
            self._compare(self.crc(self.place.start, self.place.stop, 0))
            yield from super().blocks(rows, classes)
            return
        found = self.crc(self.place.start, self.place.offset, 0)
        left = self.array.nbytes
        end = self.place.offset + left
        for block in super().blocks(rows, classes):
            found = zlib.crc32(block.values.data, found)
            left -= block.values.nbytes
            if left == 0:
                self._compare(self.crc(end, self.place.stop, found))
            yield block

    def _compare(self, found: int) -> None:
        if self.place.crc is not None and found != self.place.crc:
            raise wrong_crc(self.path, self.place.crc, found)


def wrong_crc(where: str, expected: int, found: int) -> InputError:
    """Return the error of bytes that changed after they were written."""
    return InputError(
        f"{where}: expected bytes with the CRC-32 {expected:08x}, as the archive says, found "
        f"{found:08x}",
        "The file is damaged: copy it again, or check what wrote it.",
    )
