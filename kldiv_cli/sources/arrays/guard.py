"""Mapped files that are cut short while they are read: the system ends the process for it.

On the command line a handler in C ends it with a message and exit code 2 instead. A program that
uses the library keeps its own way with that signal, SIGBUS.
"""

from __future__ import annotations

import mmap
from importlib import import_module

from kldiv_cli.errors import printable, shortened


class _Process:
    """What this process wants; one for all threads."""

    ends_with_message = False


def end_with_message() -> None:
    """End this process with a message where a file that is mapped from now on is cut short."""
    _Process.ends_with_message = True


def guarded(mapped: mmap.mmap, path: str) -> object:
    """Return what keeps the message of a mapped file alive; None where there is none."""
    if not _Process.ends_with_message:
        return None
    try:
        guard = import_module("kldiv_cli.sources.arrays._guard").guard
    except ImportError:  # of a package that was installed without a compiler
        return None
    what = shortened(
        f"{path}: expected {len(mapped)} bytes, found that they end sooner than when it was opened"
    )
    message = (
        f"kldiv: error: {printable(what)}\nWait until nobody writes to it, or compare a copy.\n"
    )
    found: object = guard(mapped, message.encode())
    return found
