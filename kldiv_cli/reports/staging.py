"""Files that are written out of sight and take their places whole."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from kldiv_cli.errors import OutputError

_UNNAMED = getattr(os, "O_TMPFILE", 0)
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Staged:
    """One output, beside its place until it is whole.

    Where the system has files without a name, it is such a file: a process that is killed leaves
    nothing. It has the mode of the file that it replaces before anything is written, and that
    file's owner and group as far as they may be given.

    Parameters
    ----------
    path : str
        The output as the user calls it.
    place : Path
        Where that leads, links followed.
    """

    def __init__(self, path: str, place: Path) -> None:
        self.path, self.place = path, place
        self.replaces = False
        self.in_place = False
        self._beside = place.parent / f".kldiv-{os.urandom(8).hex()}"
        self._named = False
        self._descriptor = -1

    def write(self, fill: Callable[[IO[Any]], object], kind: str) -> None:
        """Let a function write "text" or "bytes", and wait until the disk has them."""
        self._make()
        how: dict[str, Any] = {"mode": "wb"}
        if kind == "text":
            how = {"mode": "w", "encoding": "utf-8", "errors": "backslashreplace", "newline": ""}
        with open(self._descriptor, closefd=False, **how) as stream:
            fill(stream)
        os.fsync(self._descriptor)
        if self._named:
            self._close()  # some systems rename no file that is open

    def name(self) -> None:
        """Give a file without a name one: its place, or one beside a file that it replaces."""
        if self._named:
            return
        if not self.replaces:
            try:
                self._link(self.place)
            except FileExistsError:  # another process has made it meanwhile
                self.replaces = True
            else:
                self.in_place = True
                return
        self._named = True
        self._link(self._beside)

    def take(self) -> None:
        """Take the place, if that is not done."""
        if not self.in_place:
            self._beside.replace(self.place)
            self.in_place, self._named = True, False

    def withdraw(self) -> None:
        """Leave a place that was empty before."""
        if self.in_place:
            with suppress(OSError):
                self.place.unlink()
                self.in_place = False

    def close(self) -> None:
        """Forget what did not take its place; a name that cannot be removed is no failure."""
        with suppress(OSError):
            self._close()
        if self._named:
            with suppress(OSError):
                self._beside.unlink()

    def _close(self) -> None:
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)

    def _make(self) -> None:
        """Create the file: with the mode that the process gives, or that of the older one."""
        try:
            older = self.place.stat()
        except FileNotFoundError:
            self._descriptor = self._opened(0o666)
        else:
            self.replaces = True
            self._descriptor = self._opened(0o600)
            _resemble(self._descriptor, older)

    def _opened(self, mode: int) -> int:
        if _UNNAMED:
            with suppress(OSError):  # most file systems of networks have none
                found = os.open(self.place.parent, _UNNAMED | os.O_WRONLY, mode)
                if Path(_by_number(found)).exists():
                    return found
                os.close(found)
        self._named = True  # before it is: an interrupt may come in between
        return os.open(self._beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)

    def _link(self, name: Path) -> None:
        """Give the open file a name; Python follows the link to it only beside a descriptor."""
        os.link(_by_number(self._descriptor), name, src_dir_fd=self._descriptor)


def put(outputs: Sequence[Staged]) -> None:
    """Let files that are whole take their places in a row; signals wait until that is done.

    Raises
    ------
    OutputError
        A place cannot be taken; which outputs are in theirs is said.
    """
    with _undisturbed():
        for step in (Staged.name, Staged.take):
            for output in outputs:
                with told(output, outputs):
                    step(output)


def close(outputs: Sequence[Staged]) -> None:
    """Forget all that did not take its place."""
    with _undisturbed():
        for output in outputs:
            output.close()


@contextmanager
def told(output: Staged, outputs: Sequence[Staged]) -> Iterator[None]:
    """Say which output the system refuses, and what became of all of them."""
    try:
        yield
    except OSError as error:
        if not any(other.in_place and other.replaces for other in outputs):
            for other in outputs:
                other.withdraw()
        raise OutputError(
            f"{output.path}: expected to write it, found: {error.strerror or error}",
            _advice(outputs),
        ) from error


def _advice(outputs: Sequence[Staged]) -> str:
    done = [output.path for output in outputs if output.in_place]
    if done:
        left = [output.path for output in outputs if not output.in_place]
        return f"Name another file. Written: {', '.join(done)}. Not written: {', '.join(left)}."
    none = (
        "no half file was left behind" if len(outputs) == 1 else "none of the outputs was written"
    )
    return f"Make room or name another file; {none}."


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let the signals that end the process wait for the body."""
    came: list[int] = []
    before: dict[signal.Signals, Any] = {}
    try:
        with suppress(ValueError):  # in another thread than the main one, where none arrives
            for number in _ENDING:
                before[number] = signal.signal(number, lambda sent, _: came.append(sent))
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        signal.raise_signal(came[0])


def _by_number(descriptor: int) -> str:
    return f"/proc/self/fd/{descriptor}"


def _resemble(descriptor: int, older: os.stat_result) -> None:
    """Give a file the owner, group and mode of an older one, as far as the process may."""
    mode = older.st_mode & 0o777
    with suppress(OSError):
        os.fchown(descriptor, -1, older.st_gid)
    with suppress(OSError):
        os.fchown(descriptor, older.st_uid, -1)
    if os.fstat(descriptor).st_gid != older.st_gid:
        mode &= 0o707 | (mode & 0o007) << 3  # another group may not do more than all others
    os.fchmod(descriptor, mode)
