"""Files that are written to, or replaced, while they are read.

A task looks at every file when it is opened, and again at its end. A file is what it was unless its
size differs, or its time of change and what stands in some of its pages.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import NamedTuple

from kldiv_cli.errors import InputError

_PAGE = 1 << 12
_SAMPLES = 16
_MOST_OPEN = 64
"""How many files are kept open for the second look: a process may open some hundred."""
_CURRENT: ContextVar[Reads | None] = ContextVar("reads", default=None)


@contextmanager
def reading() -> Iterator[Reads]:
    """Watch all files that are opened, by `begun`, while the body runs in this thread.

    Raises
    ------
    InputError
        A file was written to; also where that made the body raise another `InputError`.
    """
    reads = Reads()
    before = _CURRENT.set(reads)
    try:
        yield reads
        reads.check()
    except InputError:
        reads.check()
        raise
    finally:
        _CURRENT.reset(before)
        reads.close()


def begun(path: str) -> None:
    """Note what a file is before it is read."""
    reads = _CURRENT.get()
    if reads is not None:
        reads.begin(path)


class _Look(NamedTuple):
    """What a file is: which, how long, when it was changed, and what stands in some pages."""

    place: tuple[int, int]
    size: int
    changed: int
    sample: int

    @classmethod
    def at(cls, descriptor: int) -> _Look:
        found = os.fstat(descriptor)
        return cls(
            (found.st_dev, found.st_ino),
            found.st_size,
            found.st_mtime_ns,
            _sample(descriptor, found.st_size),
        )


def _sample(descriptor: int, size: int) -> int:
    """Return a checksum of some pages, the first and the last among them; of a short file of all.

    Windows reads at no place of a file without moving another reader's, so that none are read.
    """
    if not hasattr(os, "pread"):
        return 0
    if size <= _SAMPLES * _PAGE:
        return zlib.crc32(_read(descriptor, size, 0))
    found = 0
    for number in range(_SAMPLES):
        start = (size - _PAGE) * number // (_SAMPLES - 1)
        found = zlib.crc32(_read(descriptor, _PAGE, start), found)
    return found


def _read(descriptor: int, size: int, start: int) -> bytes:
    """Return bytes of a file, fewer at its end alone."""
    found = piece = os.pread(descriptor, size, start)
    while piece and len(found) < size:
        piece = os.pread(descriptor, size - len(found), start + len(found))
        found += piece
    return found


class Reads:
    """The files of a task: what they were when they were opened."""

    def __init__(self) -> None:
        self._looks: dict[str, _Look] = {}
        self._open: dict[str, int] = {}

    def begin(self, path: str) -> None:
        """Look at a file for the first time. Where that fails, its reader will say why."""
        if path in self._looks:
            return
        with suppress(OSError, ValueError):
            descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
            self._open[path] = descriptor
            self._looks[path] = _Look.at(descriptor)
        if len(self._open) > _MOST_OPEN or path not in self._looks:
            self._close(path)

    def check(self) -> None:
        """Look at all files again.

        Raises
        ------
        InputError
            One holds something else than when it was opened.
        """
        for path, look in self._looks.items():
            with suppress(OSError):  # of a file that is gone, which `gone` tells
                if path in self._open:
                    self._compare(path, look, self._open[path])
                elif _place(path) == look.place:
                    descriptor = os.open(path, os.O_RDONLY)
                    try:
                        self._compare(path, look, descriptor)
                    finally:
                        os.close(descriptor)

    def gone(self) -> Iterator[tuple[str, str]]:
        """Yield the files whose names lead elsewhere by now, and what was done to them."""
        for path, look in self._looks.items():
            with suppress(OSError):  # where nothing can be said of it
                found = _place(path)
                if found != look.place:
                    yield path, "removed" if found is None else "replaced by another file"

    def close(self) -> None:
        """Close what is still open."""
        for path in [*self._open]:
            self._close(path)

    def _close(self, path: str) -> None:
        descriptor = self._open.pop(path, None)
        if descriptor is not None:
            os.close(descriptor)

    @staticmethod
    def _compare(path: str, look: _Look, descriptor: int) -> None:
        found = os.fstat(descriptor)
        same_size = found.st_size == look.size
        if same_size and found.st_mtime_ns == look.changed:
            return
        if same_size and _sample(descriptor, look.size) == look.sample:
            return
        what = "other ones" if same_size else f"{found.st_size} bytes"
        expected = "the bytes" if same_size else f"{look.size} bytes"
        raise InputError(
            f"{path}: expected {expected} that were there when it was opened, found {what}",
            "Wait until nobody writes to it, or compare a copy.",
        )


def _place(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - of thousands of files
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino
