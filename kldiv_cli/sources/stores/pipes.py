"""Pipes, which are read once from beginning to end: standard input, named pipes, `<(...)`."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress
from io import BufferedReader, FileIO, RawIOBase
from pathlib import Path
from select import select
from time import monotonic, sleep
from typing import Any

from kldiv_cli.errors import InputError
from kldiv_cli.sources.stores.stdin import STDIN, Replay, standard_input

_OPEN: dict[str, Replay] = {}
"""The named pipes of a task. One that is opened again waits for another writer, maybe forever."""


PATIENCE = 60.0
"""How many seconds a named pipe is waited for that nobody writes into."""
_LOOK = 0.05
"""How many seconds pass between two looks whether somebody has opened it."""


class _NamedPipe(RawIOBase):
    """A pipe that is closed at its end: while it is open, another writer would write to nobody.

    Raises
    ------
    InputError
        Nobody opens it to write into it.
    """

    def __init__(self, path: str) -> None:
        self._first = b""
        self._file = FileIO(path, opener=lambda name, how: os.open(name, how | os.O_NONBLOCK))
        try:
            self._wait(path)
            os.set_blocking(self._file.fileno(), True)
        except BaseException:
            self._file.close()
            raise

    def _wait(self, path: str) -> None:
        """Wait until somebody has opened it. To look for that may fetch the first byte."""
        give_up = monotonic() + PATIENCE
        # A pipe that nobody has opened is at its end; one whose writer is idle has nothing to read.
        while not _was_opened(self._file) and (first := self._file.read(1)) is not None:
            if first:
                self._first = first
                return
            if monotonic() > give_up:
                raise InputError(
                    f"{path}: expected somebody to write into the pipe, found nobody for "
                    f"{PATIENCE:g} seconds",
                    "Start what writes into it, or save it to a file and name that.",
                )
            sleep(_LOOK)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._file.closed:
            return 0
        if self._first and len(buffer):
            buffer[:1], self._first = self._first, b""
            return 1
        count = self._file.readinto(buffer)
        if not count:
            self._file.close()
        return count


def _was_opened(file: FileIO) -> bool:
    """Tell whether a pipe holds something, or is at its end since a writer has gone.

    Linux alone tells that end from that of a pipe which nobody has opened yet.
    """
    return sys.platform == "linux" and bool(select([file], [], [], 0)[0])


def is_pipe(path: str) -> bool:
    """Tell standard input and named pipes, among them those of the shell's `<(...)`."""
    return path == STDIN or is_named_pipe(path)


def is_named_pipe(path: object) -> bool:
    """Tell whether this is the name of a pipe."""
    if not isinstance(path, (str, os.PathLike)):
        return False
    try:
        return stat.S_ISFIFO(Path(path).stat().st_mode)
    except (OSError, ValueError):  # of a name that no file has, or can have
        return False


def open_pipe(path: str) -> Replay:
    """Return what a pipe holds. A named pipe is opened once in a task, which waits for its writer.

    Raises
    ------
    UsageError
        It is standard input, and that is a terminal or closed.
    InputError
        Nobody writes into it.
    """
    if path == STDIN:
        return standard_input()
    found = _OPEN.get(path)
    if found is None:
        found = _OPEN[path] = Replay(BufferedReader(_NamedPipe(path)), name=path)
    return found


def forget_pipes(given: object) -> None:
    """Let go of a named pipe that a task before this one read: its name may lead to another.

    It may be that of ``PIPE:KEY``.
    """
    if isinstance(given, (str, os.PathLike)):
        name = os.fspath(given)
        for path in [path for path in _OPEN if f"{name}:".startswith(f"{path}:")]:
            del _OPEN[path]


def are_one_pipe(*paths: str) -> bool:
    """Tell whether all of these are the same pipe."""
    found = {_identity(path) for path in paths}
    return len(found) == 1 and None not in found


def _identity(path: str) -> object:
    if not is_pipe(path):
        return None
    if path != STDIN:
        return _place(Path(path).stat())
    with suppress(OSError, ValueError, AttributeError):  # there need be no file behind it
        return _place(os.fstat(sys.stdin.fileno()))
    return STDIN


def _place(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino
