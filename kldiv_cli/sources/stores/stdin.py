"""Standard input: read once from beginning to end, and again as long as all of it is held."""

from __future__ import annotations

import sys
from functools import lru_cache
from io import BufferedReader, RawIOBase
from threading import Lock
from typing import IO, Any

from kldiv_cli.errors import InputError, UsageError

STDIN = "-"
"""The name of standard input, for the user and in messages; a file of that name is ./-."""
HELD = 1 << 26
"""How many bytes are kept for another reader: the length of the longest line of text."""
_STEP = 1 << 20


def no_side(option: str) -> UsageError:
    """Return the error of an option that names standard input."""
    return UsageError(
        f"{option} {STDIN}: standard input can be REFERENCE or CANDIDATE only",
        "Save what it holds to a file.",
    )


class Replay:
    """A stream that can be read again from its beginning, while it is short.

    The first bytes are kept. Each reader begins with them. Once the stream turns out to be longer,
    they are dropped: the current reader goes on, and no other reader can begin.

    Parameters
    ----------
    stream : binary file
        The stream; nobody else reads it.
    held : int
        How many bytes are kept at most.
    name : str
        What messages call it.
    """

    def __init__(self, stream: IO[bytes], held: int = HELD, name: str = STDIN) -> None:
        self._stream, self._most, self._name = stream, held, name
        self._head = bytearray()
        self._passed = 0
        self._lock = Lock()

    @property
    def is_whole(self) -> bool:
        """Whether it can be read from its beginning."""
        return self._passed == len(self._head)

    def open(self) -> BufferedReader:
        """Return a reader at the beginning.

        Raises
        ------
        InputError
            More was read before than is held.
        """
        if not self.is_whole:
            raise InputError(
                f"{self._name}: expected what can be read twice, found a stream of more than "
                f"{self._most} bytes",
                "Save it to a file, and name that.",
            )
        return BufferedReader(_Reader(self), _STEP)

    def read(self, start: int, size: int) -> bytes:
        """Return at most so many bytes that follow the first ``start`` ones, none at the end."""
        with self._lock:
            if start < len(self._head):
                return bytes(self._head[start : start + size])
            if start != self._passed:
                raise OSError("it was read by another reader")
            found = self._stream.read(size)
            if self.is_whole and self._passed + len(found) <= self._most:
                self._head += found
            else:
                self._head.clear()
            self._passed += len(found)
            return found


class _Reader(RawIOBase):
    """A place in a stream."""

    def __init__(self, replay: Replay) -> None:
        self._replay, self._place = replay, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        found = self._replay.read(self._place, len(buffer))
        buffer[: len(found)] = found
        self._place += len(found)
        return len(found)


def standard_input() -> Replay:
    """Return standard input.

    Raises
    ------
    UsageError
        It is a terminal, or closed.
    """
    stream = getattr(sys.stdin, "buffer", None)
    if stream is None or stream.closed:
        raise UsageError(
            f"{STDIN} stands for standard input, and that is closed", "Pipe a file into it."
        )
    if stream.isatty():
        raise UsageError(
            f"{STDIN} stands for standard input, and that is a terminal",
            "Pipe a file into it: ... | kldiv compare - CANDIDATE.",
        )
    return _replay(stream)


@lru_cache(maxsize=1)  # a process has one standard input, and its bytes come once
def _replay(stream: IO[bytes]) -> Replay:
    return Replay(stream)
