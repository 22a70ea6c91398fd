"""Text for reading: through the user's pager where it is longer than the terminal."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys

from kldiv_cli.cli import streams

_NOT_STARTED = (126, 127)
"""What a shell ends with where it finds no program of that name."""


def show(text: str) -> None:
    """Print a text; one that is longer than the terminal goes through a pager, if there is one."""
    command = _pager()
    if command is None or not _is_long(text) or not _paged(text, command):
        streams.put(lambda stream: stream.write(text))


def on_terminal() -> bool:
    """Return whether standard output is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def _is_long(text: str) -> bool:
    return on_terminal() and text.count("\n") >= shutil.get_terminal_size().lines


def _pager() -> str | None:
    """Return the command line of PAGER, or else ``less``; None where there is none to use."""
    if os.environ.get("TERM", "dumb") == "dumb":
        return None
    chosen = os.environ.get("PAGER", "less" if shutil.which("less") else "")
    return None if chosen.strip() in ("", "cat") else chosen


def _paged(text: str, command: str) -> bool:
    """Return whether the pager was there to show a text; git sets the same two variables."""
    environment = {"LESS": "FRX", "LV": "-c", **os.environ}
    before = signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C is meant for the pager
    try:
        done = subprocess.run(  # noqa: S602 - PAGER is the user's, and a line for the shell
            command,
            shell=True,
            input=text.encode(sys.stdout.encoding, "backslashreplace"),
            env=environment,
            check=False,
        )
    finally:
        signal.signal(signal.SIGINT, before)
    return done.returncode not in _NOT_STARTED
