"""What is no local file: standard input, and what a URI names."""

from __future__ import annotations

import re
from typing import IO
from urllib.parse import unquote, urlsplit

from kldiv_cli.sources.piped import STDIN, standard_input

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


def is_uri(path: str) -> bool:
    """Tell whether a name is a URI."""
    return _URI.match(path) is not None


def is_elsewhere(path: str) -> bool:
    """Tell whether a name is not that of a local file."""
    return path == STDIN or is_uri(path)


def open_elsewhere(path: str) -> IO[bytes]:
    """Open it at its begin, to be read from there to its end."""
    if path == STDIN:
        return standard_input().open()
    # PyArrow's file systems take longer to load than a small file to compare.
    from kldiv_cli.sources import stores  # noqa: PLC0415

    stream: IO[bytes] = stores.open_in_order(path)
    return stream


def size_elsewhere(path: str) -> int | None:
    """Return how many bytes it has; None where only reading to the end tells."""
    if path == STDIN:
        return None
    from kldiv_cli.sources import stores  # noqa: PLC0415

    return stores.size_of(path)


def is_readable_again(path: str) -> bool:
    """Tell whether a file, or what is elsewhere, can be read from its begin."""
    return path != STDIN or standard_input().is_whole


def path_of(uri: str) -> str:
    """Return the path in a URI, of a file: URI that of the local file; any other name as it is."""
    return unquote(urlsplit(uri).path) if is_uri(uri) else uri
