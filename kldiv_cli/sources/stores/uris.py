"""Names that are no local file's: URIs, their credentials, and -."""

from __future__ import annotations

import re
from itertools import count
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

from kldiv_cli.errors import InputError, redacted
from kldiv_cli.sources.stores.stdin import STDIN

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


_ROOTS: dict[str, str] = {}
"""Roots of stores as they are shown -> as they are, with credentials."""


def is_uri(path: str) -> bool:
    """Tell whether a name is a URI."""
    return _URI.match(path) is not None


def is_elsewhere(path: str) -> bool:
    """Tell whether a name is not that of a local file."""
    return path == STDIN or is_uri(path)


def hidden(path: str) -> str:
    """Return a path as it may be shown: a URI without its credentials, which `root_of` finds.

    Raises
    ------
    InputError
        The credentials have a / in them, where the path would begin.
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
    """Return the path in a URI, of a file: URI that of the local file; any other name as it is."""
    return unquote(urlsplit(uri).path) if is_uri(uri) else uri


class Entry(NamedTuple):
    """What may be a file of an input: its path or URI, its name there, and whether it is none."""

    place: str
    name: str
    is_folder: bool
