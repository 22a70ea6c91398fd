"""Pipes, which are read once from beginning to end: standard input, named pipes, `<(...)`."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress
from io import BufferedReader, FileIO, RawIOBase
from pathlib import Path
from typing import Any

from kldiv_cli.sources.stores.stdin import STDIN, Replay, standard_input

_OPEN: dict[str, Replay] = {}
"""The named pipes of a task. One that is opened again waits for another writer, maybe forever."""


class _NamedPipe(RawIOBase):
    """A pipe that is closed at its end: while it is open, another writer would write to nobody."""

    def __init__(self, path: str) -> None:
        self._file = FileIO(path)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._file.closed:
            return 0
        count = self._file.readinto(buffer)
        if not count:
            self._file.close()
        return count


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
    """
    if path == STDIN:
        return standard_input()
    found = _OPEN.get(path)
    if found is None:
        found = _OPEN[path] = Replay(BufferedReader(_NamedPipe(path)), name=path)
    return found


def forget_pipes(*inputs: object) -> None:
    """Let go of named pipes that a task before this one read: their names may lead to others."""
    for path in inputs:
        if isinstance(path, (str, os.PathLike)):
            _OPEN.pop(os.fspath(path), None)


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
