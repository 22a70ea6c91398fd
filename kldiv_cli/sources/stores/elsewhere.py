"""Inputs that are no local files: standard input, and objects that a URI names."""

from __future__ import annotations

from typing import IO

from kldiv_cli.sources.stores.stdin import STDIN, standard_input


def open_elsewhere(path: str) -> IO[bytes]:
    """Open standard input or an object, to be read from beginning to end."""
    if path == STDIN:
        return standard_input().open()
    # PyArrow's file systems take longer to load than a small file to compare.
    from kldiv_cli.sources.stores import remote as stores  # noqa: PLC0415

    stream: IO[bytes] = stores.open_in_order(path)
    return stream


def size_elsewhere(path: str) -> int | None:
    """Return the size of an object; None for standard input, whose end tells."""
    if path == STDIN:
        return None
    from kldiv_cli.sources.stores import remote as stores  # noqa: PLC0415

    return stores.size_of(path)


def is_readable_again(path: str) -> bool:
    """Tell whether a file, or what is elsewhere, can be read from its beginning."""
    return path != STDIN or standard_input().is_whole
