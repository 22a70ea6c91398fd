"""Object stores and file systems that a URI names, through PyArrow."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pyarrow as pa
from pyarrow import fs

from kldiv_cli.errors import InputError, redacted
from kldiv_cli.sources.stores.uris import Entry, root_of

_BUFFER = 1 << 22
"""How much is asked of a store at a time."""
_PATIENCE = "retry_limit_seconds=5"
"""How long to try to reach Google's store. PyArrow's own limit is a quarter of an hour. Its pauses
double, so that it may take twice as long as this."""
_LONGEST = 200
_MAGIC = re.compile(r"(?<=/)[^/*\[]*[*\[]")
"""The first part of a path that makes it a glob; what precedes the path does not."""


def _from_uri(uri: str) -> tuple[fs.FileSystem, str]:
    system, base = fs.FileSystem.from_uri(uri)
    return system, base


def _from_gs_uri(uri: str) -> tuple[fs.FileSystem, str]:
    if "retry_limit_seconds=" in uri:
        return _from_uri(uri)
    return _from_uri(f"{uri}{'&' if '?' in uri else '?'}{_PATIENCE}")


SYSTEMS: dict[str, Callable[[str], tuple[fs.FileSystem, str]]] = {
    "s3": _from_uri,
    "gs": _from_gs_uri,
    "hdfs": _from_uri,
    "file": _from_uri,
}
"""Scheme -> a function (URI without a path) -> its file system, and the path of the root there."""


def open_file(uri: str) -> pa.NativeFile:
    """Open an object, to be read at any place."""
    with _telling(uri):
        system, path = _place(uri)
        return system.open_input_file(path)


def open_in_order(uri: str) -> pa.NativeFile:
    """Open an object, to be read from beginning to end."""
    return pa.BufferedInputStream(open_file(uri), _BUFFER)


def size_of(uri: str) -> int:
    """Return how many bytes an object has.

    Raises
    ------
    InputError
        There is none.
    """
    info = _info(uri)
    if info.type != fs.FileType.File:
        raise InputError(f"{uri}: expected a file, found nothing there", "Check the URI.")
    return int(info.size)


def entries(uri: str) -> tuple[list[Entry], bool] | None:
    """Return what a folder holds or a glob matches, and whether it is a folder; None for a file.

    In a URI ``*`` and ``[`` make a glob; ``?`` begins the options of the store.
    """
    folder, pattern, query = _parts(uri)
    is_folder = pattern is None
    if _info(uri).type == fs.FileType.File:
        return None
    if pattern is None:
        pattern = "*"
        if _info(uri).type == fs.FileType.NotFound:
            raise InputError(f"{uri}: expected a file, found nothing there", "Check the URI.")
    with _telling(uri):
        system, base = _place(folder + query)
        selector = fs.FileSelector(base, allow_not_found=True, recursive="/" in pattern)
        found = system.get_file_info(selector)
    wanted = tuple(pattern.split("/"))
    listed = []
    for info in found:
        inside = info.path[len(base.rstrip("/")) :].lstrip("/")
        if _matches(tuple(inside.split("/")), wanted, hidden=is_folder):
            child = f"{folder.rstrip('/')}/{quote(inside)}{query}"
            listed.append(Entry(child, info.base_name, info.type == fs.FileType.Directory))
    return listed, is_folder


def _parts(uri: str) -> tuple[str, str | None, str]:
    """Return the folder of a URI, the glob behind it if there is one, and its options."""
    where, mark, query = uri.partition("?")
    host = where.find("/", where.index("://") + 3)
    magic = None if host < 0 else _MAGIC.search(where, host)
    if magic is None:
        return where, None, mark + query
    folder = where[: magic.start() - 1]
    return folder, unquote(where[len(folder) + 1 :]), mark + query


def _matches(names: tuple[str, ...], wanted: tuple[str, ...], *, hidden: bool) -> bool:
    """Tell whether a path matches a glob, in which ``**`` is any number of folders."""
    if not wanted or not names:
        return not names and all(want == "**" for want in wanted)
    if not hidden and names[0].startswith(".") and not wanted[0].startswith("."):
        return False
    if wanted[0] == "**":
        return _matches(names, wanted[1:], hidden=hidden) or _matches(
            names[1:], wanted, hidden=hidden
        )
    return fnmatchcase(names[0], wanted[0]) and _matches(names[1:], wanted[1:], hidden=hidden)


def _info(uri: str) -> Any:
    with _telling(uri):
        system, path = _place(uri)
        return system.get_file_info([path])[0]


def _place(uri: str) -> tuple[fs.FileSystem, str]:
    """Return the file system of a URI, and its path there."""
    parts = urlsplit(uri.partition("?")[0])
    if parts.scheme not in SYSTEMS:
        known = ", ".join(f"{scheme}://" for scheme in SYSTEMS)
        raise InputError(
            f"{uri}: expected a URI that begins with {known}, found {parts.scheme}://",
            "Copy the file here, and name the copy.",
        )
    system, base = system_of(parts.scheme, root_of(uri))
    return system, f"{base.rstrip('/')}/{unquote(parts.path).lstrip('/')}".rstrip("/") or "/"


@lru_cache(maxsize=8)
def system_of(scheme: str, root: str) -> tuple[fs.FileSystem, str]:
    """Return a file system, which takes a question over the network to set up."""
    return SYSTEMS[scheme](root)


@contextmanager
def _telling(uri: str) -> Iterator[None]:
    """Turn what a store says into an `InputError` of one line."""
    try:
        yield
    except (pa.ArrowException, OSError, ValueError) as error:
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        said = redacted(said)
        said = said if len(said) <= _LONGEST else f"{said[:_LONGEST]}..."
        raise InputError(
            f"{uri}: expected an object that can be read, found: {said}",
            "Check the URI, the credentials and the network; or copy the file here.",
        ) from error
