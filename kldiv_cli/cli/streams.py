"""Standard output and standard error, closed pipes and full disks included."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable
from typing import IO

from kldiv_cli.errors import OutputError, printable


def prepare() -> None:
    """Let a name that the terminal's encoding lacks be escaped instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def put(write: Callable[[IO[str]], object]) -> None:
    """Let a report write to standard output; whoever closed the pipe has read enough.

    Raises
    ------
    OutputError
        The output cannot be written, for example on a full disk.
    """
    try:
        write(sys.stdout)
        sys.stdout.flush()
    except BrokenPipeError:
        _discard(sys.stdout)
    except OSError as error:
        _discard(sys.stdout)
        raise OutputError(
            f"standard output: expected to write it, found: {error.strerror}",
            "Make room, or send the output elsewhere.",
        ) from error


def tell(*lines: str) -> None:
    """Write lines to standard error, the first one marked as ours."""
    try:
        text = (printable(f"kldiv: {lines[0]}"), *map(printable, lines[1:]))
        sys.stderr.write("".join(line + "\n" for line in text))
        sys.stderr.flush()
    except OSError:
        _discard(sys.stderr)


def _discard(stream: IO[str]) -> None:
    """Send what is still buffered nowhere, so that the interpreter does not fail at exit."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
