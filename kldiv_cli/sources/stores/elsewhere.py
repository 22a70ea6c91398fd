"""Inputs that are no local files: pipes, and objects that a URI names."""

from __future__ import annotations

from io import BufferedReader

from kldiv_cli.sources.stores.pipes import is_pipe, open_pipe


def open_elsewhere(path: str) -> BufferedReader:
    """Open a pipe or an object, to be read from beginning to end."""
    if is_pipe(path):
        return open_pipe(path).open()
    # PyArrow's file systems take longer to load than a small file to compare.
    from kldiv_cli.sources.stores import remote as stores  # noqa: PLC0415

    stream: BufferedReader = stores.open_in_order(path)
    return stream


def size_elsewhere(path: str) -> int | None:
    """Return the size of an object; None for a pipe, whose end tells."""
    if is_pipe(path):
        return None
    from kldiv_cli.sources.stores import remote as stores  # noqa: PLC0415

    return stores.size_of(path)


def is_readable_again(path: str) -> bool:
    """Tell whether a file, or what is elsewhere, can be read from its beginning."""
    return not is_pipe(path) or open_pipe(path).is_whole
