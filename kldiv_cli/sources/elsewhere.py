"""What is no local file: standard input, read from begin to end."""

from __future__ import annotations

from typing import IO

from kldiv_cli.sources.piped import STDIN, standard_input


def is_elsewhere(path: str) -> bool:
    """Tell whether a name is not that of a local file."""
    return path == STDIN


def open_elsewhere(path: str) -> IO[bytes]:
    """Open it at its begin."""
    if path != STDIN:
        raise ValueError(f"{path} is a local file")
    return standard_input().open()


def is_readable_again(path: str) -> bool:
    """Tell whether a file, or what is elsewhere, can be read from its begin."""
    return path != STDIN or standard_input().is_whole
