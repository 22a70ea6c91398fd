"""Standard output and standard error, closed pipes and full disks included."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from collections.abc import Callable
from typing import IO

from kldiv_cli.errors import OutputError, printable, shortened

OUTPUT_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF}
"""What writing to a full or closed standard output gives."""


def prepare() -> None:
    """Let a name that the terminal's encoding lacks be escaped instead of failing.

    Raises
    ------
    OutputError
        There is no standard output: a file would be opened in its place.
    """
    if sys.stdout is None:
        raise unwritable("it is closed")
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
        discard(sys.stdout)
    except OSError as error:
        discard(sys.stdout)
        raise unwritable(error.strerror or str(error)) from error


def unwritable(why: str) -> OutputError:
    """Return the error of a standard output that cannot be written."""
    return OutputError(
        f"standard output: expected to write it, found: {why}",
        "Make room, or send the output elsewhere.",
    )


def tell(*lines: str) -> None:
    """Write lines to standard error, the first one marked as ours."""
    if sys.stderr is None:
        return
    try:
        text = (printable(f"kldiv: {shortened(lines[0])}"), *map(printable, lines[1:]))
        sys.stderr.write("".join(line + "\n" for line in text))
        sys.stderr.flush()
    except OSError:
        discard(sys.stderr)


def discard(stream: IO[str]) -> None:
    """Send what is still buffered nowhere, so that the interpreter does not fail at exit."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
