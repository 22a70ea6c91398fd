"""Standard input: read once from beginning to end, and again as long as all of it is held."""

from __future__ import annotations

import sys
from functools import lru_cache
from io import BufferedReader, RawIOBase
from threading import Lock
from typing import IO, Any

from kldiv_cli.errors import InputError, UsageError

STDIN = "-"
"""What the user writes for it, and messages call it; a file of that name is ./-."""
HELD = 1 << 26
"""How much is held to be read again: as much as the longest line that text may have."""
_STEP = 1 << 20


def no_side(option: str) -> UsageError:
    """Return the error of standard input as something else than one of the two sides."""
    return UsageError(
        f"{option} {STDIN}: standard input can be REFERENCE or CANDIDATE only",
        "Save what it holds to a file.",
    )


class Replay:
    """A stream that several readers may read one after the other, each from its beginning.

    Parameters
    ----------
    stream : binary file
        What is read, by nobody else.
    held : int
        How many bytes are kept; with the first one more, only the reader that is there goes on.
    """

    def __init__(self, stream: IO[bytes], held: int = HELD) -> None:
        self._stream, self._most = stream, held
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
                f"{STDIN}: expected what can be read twice, found a stream of more than "
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
                raise OSError("standard input was read by another reader")
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


@lru_cache(maxsize=1)
def _replay(stream: IO[bytes]) -> Replay:
    return Replay(stream)
