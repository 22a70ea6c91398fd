"""URIs: which names are URIs, what of them may be shown, and what they name."""

from __future__ import annotations

import re
from itertools import count
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

from kldiv_cli.errors import InputError, redacted
from kldiv_cli.sources.stores.pipes import is_pipe

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")

_ROOTS: dict[str, str] = {}
"""The root of a store as it is shown -> the root with its credentials.

One table for the process: a path is shown and opened, and no object that holds a path may hold the
credentials too.
"""


def is_uri(path: str) -> bool:
    """Tell whether a name is a URI."""
    return _URI.match(path) is not None


def is_elsewhere(path: str) -> bool:
    """Tell whether a name is not that of a local file."""
    return is_uri(path) or is_pipe(path)


def hidden(path: str) -> str:
    """Return a path that may be shown. A URI loses its credentials, which `root_of` finds again.

    Raises
    ------
    InputError
        The credentials hold a /, where the path would begin.
    """
    if not is_uri(path) or _root(path) in _ROOTS:
        return path
    whole = re.sub(r"\s", lambda space: quote(space[0]), path)
    shown = redacted(whole)
    if shown == whole:
        return path
    if "@" in _root(shown) and "@" not in _root(whole):
        raise InputError(
            f"{shown}: expected credentials without /, found one",
            "Write it as %2F; or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead.",
        )
    for number in count(2):
        if _ROOTS.setdefault(_root(shown), _root(whole)) == _root(whole):
            break
        shown = redacted(whole).replace("***", f"***{number}")
    return shown


def root_of(uri: str) -> str:
    """Return a URI without its path: scheme, host and options, with the credentials."""
    return _ROOTS.get(_root(uri), _root(uri))


def _root(uri: str) -> str:
    where, mark, query = uri.partition("?")
    scheme, _, rest = where.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}/{mark}{query}"


def path_of(uri: str) -> str:
    """Return the path that a URI names: that of the local file for file:. Other names stay."""
    return unquote(urlsplit(uri).path) if is_uri(uri) else uri


class Entry(NamedTuple):
    """An entry of a folder: its path or URI, its name in the folder, and whether it is a folder."""

    place: str
    name: str
    is_folder: bool
