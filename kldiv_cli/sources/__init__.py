"""Files -> blocks of rows: what format a file is of, and the source that reads it."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import IO

from kldiv_cli.errors import InputError, LogitsError, UsageError, shortage
from kldiv_cli.sources.base import Layout, Source
from kldiv_cli.sources.formats import FORMATS as FORMATS
from kldiv_cli.sources.formats.signatures import begins_as_json, foreign
from kldiv_cli.sources.stores.codecs import ENOUGH, codec_of
from kldiv_cli.sources.stores.elsewhere import open_elsewhere
from kldiv_cli.sources.stores.folders import Files, find_files
from kldiv_cli.sources.stores.stdin import STDIN
from kldiv_cli.sources.stores.uris import hidden, is_elsewhere, path_of
from kldiv_cli.sources.views.shards import open_shards

COMPRESSED = (".gz", ".bz2", ".zst", ".lz4", ".xz")
"""What may follow the suffix of text."""
_ZIPS = {"npz", "torch"}
_UNSAID = Layout()


def open_source(path: str | os.PathLike[str], layout: Layout) -> Source:
    """Open a file of logits in the format that its content names, or else its suffix.

    The layout's format overrules both. A directory stands for the files in it, a glob that is no
    file's name for those that it matches: they are one input.

    Raises
    ------
    InputError
        A file is missing, empty, not readable, of no known format, or damaged; or those of a
        directory or a glob are none, or not of one kind.
    UsageError
        There is no such format as the layout's.
    """
    path = hidden(os.fspath(path))
    if not path:
        raise InputError("expected the name of a file, found an empty one", "Name a file.")
    if layout.format is not None:
        check_format(layout.format)
    files = _files(path)
    if files is None:
        return _open_file(path, layout)
    if layout.format is None and files.is_directory:
        _check_known(files, layout)
    return open_shards(files, partial(_open_file, layout=layout))


def files_of(path: str) -> tuple[str, ...]:
    """Return the files that an input is made of.

    Raises
    ------
    InputError
        A directory or a glob stands for none.
    """
    path = hidden(path)
    files = _files(path)
    names = (path,) if files is None else files.names
    return tuple(path_of(name) if name.startswith("file:") else name for name in names)


def recognise(
    path: str, first: bytes, codec: str | None = None, layout: Layout = _UNSAID
) -> tuple[str, tuple[str, ...]]:
    """Return the format of a file, and what there is to say of how that was found.

    Content comes first: a name may be wrong. Text has no content that tells, so there the suffix
    decides.

    Parameters
    ----------
    path : str
        Its name, for its suffix and for messages.
    first : bytes
        With what it begins, decompressed; `signatures.ENOUGH` bytes if there are as many.
    codec : str or None
        With what it is compressed.
    layout : Layout
        What the user says of it.

    Raises
    ------
    InputError
        It is of no known format, or compressed and no text.
    """
    suffix = _suffix(path)
    named = next((name for name, entry in FORMATS.items() if suffix in entry.suffixes), None)
    found = next(
        (x for x, entry in FORMATS.items() if entry.content and entry.content(first)), None
    )
    name = found or named or ("jsonl" if begins_as_json(first) else None)
    if name is None and path == STDIN and b"\0" not in first:
        name = "tsv" if b"\t" in first.split(b"\n")[0] else "csv"
    other = None if found else foreign(first, may_be_zip=named in {"npz", "torch"})
    if other is not None:
        kind = InputError if other.is_table else LogitsError
        raise kind(f"{path}: expected {layout.expected.what}, found {other.what}", other.advice)
    if name is None:
        raise _unknown(path, suffix, first, layout)
    if codec is not None and FORMATS[name].content is not None:
        raise InputError(
            f"{path}: expected {name} as it is, found it compressed with {codec}",
            "Only text is read compressed: decompress it first.",
        )
    if found is not None and named not in {None, found}:
        return name, (f"format: {found}, as its content says, though its name ends in {suffix}",)
    return name, ()


def check_format(name: str) -> None:
    """Raise a `UsageError` for an unknown format."""
    if name not in FORMATS:
        raise UsageError(f"no format is called {name!r}", f"Known: {', '.join(FORMATS)}.")


def _files(path: str) -> Files | None:
    with _readable(path):
        return find_files(path)


def _open_file(path: str, layout: Layout) -> Source:
    with _readable(path):
        if layout.format is None:
            name, notes = _recognised(path, layout)
            layout = replace(layout, notes=layout.notes + notes)
        else:
            name = layout.format
            _check_told(path, _first_bytes(path, layout.expected.what), name, layout.format_option)
        module, opener = _opener(name, path).split(":")
        open_format: Callable[[str, Layout], Source] = getattr(import_module(module), opener)
        return open_format(path, layout)


def _opener(name: str, path: str) -> str:
    """Return the import path of what opens a file of a format."""
    entry = FORMATS[name]
    if not is_elsewhere(path) or (entry.remote and path != STDIN):
        return entry.opener
    if entry.streamed is not None:
        return entry.streamed
    if path == STDIN:
        raise InputError(
            f"{path}: expected a format that can be read from beginning to end, found {name}",
            "Save it to a file, and name that.",
        )
    raise InputError(
        f"{path}: expected a format that can be read where it lies, found {name}, which is mapped",
        "Copy it here, and name the copy.",
    )


def _check_known(files: Files, layout: Layout) -> None:
    """Raise where a directory holds anything else than logits."""
    for name in files.names:
        try:
            with _readable(name):
                _recognised(name, layout)
        except InputError as error:
            raise InputError(error.what, files.advice) from error


def _recognised(path: str, layout: Layout) -> tuple[str, tuple[str, ...]]:
    first = _first_bytes(path, layout.expected.what)
    codec = codec_of(first)
    return recognise(path, _decompressed(path, first, codec), codec, layout)


def _check_told(path: str, first: bytes, told: str, option: str) -> None:
    """Raise where a file plainly is something else than the user says; its reader tells the rest.

    Of archives the first member need not be what tells their format.
    """
    signature, codec = FORMATS[told].content, codec_of(first)
    is_text = b"\0" not in first
    if (is_text and signature is None) or (signature is not None and signature(first)):
        return
    content = (x for x, entry in FORMATS.items() if entry.content and entry.content(first))
    found = next(content, None)
    if told in _ZIPS and (found in _ZIPS or first.startswith(b"PK")):
        return
    other = foreign(first, may_be_zip=True)
    if codec is not None:
        found = None if signature is None else f"a file compressed with {codec}"
    elif found is None and other is not None:
        found = other.what
    elif found is None and is_text:
        found = "text"
    if found is not None:
        raise LogitsError(
            f"{path}: expected {told}, as {option} says, found {found}",
            f"Leave {option} out: most files say themselves what they are.",
        )


@contextmanager
def _readable(path: str) -> Iterator[None]:
    try:
        yield
    except (OSError, MemoryError) as error:
        short = shortage(error, path)
        if short is not None:
            raise short from error
        if getattr(error, "errno", None) == errno.EMFILE:
            raise InputError(
                f"{path}: expected to open one more file, found: {os.strerror(errno.EMFILE)}",
                "Raise their limit (ulimit -n); fewer --threads of kldiv compare need fewer.",
            ) from error
        raise InputError(
            f"{path}: expected a readable file, found: {getattr(error, 'strerror', None) or error}",
            "Check the path and its permissions.",
        ) from error


def _first_bytes(path: str, expected: str) -> bytes:
    if is_elsewhere(path):
        with open_elsewhere(path) as stream:
            return _begin(stream, path, expected)
    if not Path(path).exists():
        if Path(path).is_symlink():
            raise InputError(
                f"{path}: expected a file, found a link to {Path(path).readlink()}, where nothing "
                "is",
                "Mend the link, or remove it.",
            )
        raise InputError(f"{path}: expected a file, found nothing there", "Check the path.")
    if not Path(path).is_file():
        raise LogitsError(
            f"{path}: expected a file, found something that is no regular file",
            "Name a file of logits; - reads standard input.",
        )
    with Path(path).open("rb") as file:
        return _begin(file, path, expected)


def _begin(file: IO[bytes], path: str, expected: str) -> bytes:
    first = file.read(ENOUGH)
    if not first:
        raise InputError(
            f"{path}: expected {expected}, found an empty file",
            "Check what should have written it.",
        )
    return first


def _decompressed(path: str, first: bytes, codec: str | None) -> bytes:
    """Return with what a file begins once it is decompressed."""
    if codec is None:
        return first
    # PyArrow, which few files need, takes longer to load than a small file to compare.
    from kldiv_cli.sources.stores.streams import open_stream  # noqa: PLC0415

    try:
        with open_stream(path, codec) as file:
            return bytes(file.read(ENOUGH))
    except OSError:  # of a damaged file, of which the format's reader will say more
        return b""


def _suffix(path: str) -> str:
    """Return the last suffix of a name that is not that of a compressed file."""
    whole = Path(path_of(path))
    if whole.suffix.lower() in COMPRESSED:
        whole = whole.with_suffix("")
    return whole.suffix.lower()


def _unknown(path: str, suffix: str, first: bytes, layout: Layout) -> LogitsError:
    known = " ".join(suffix for entry in FORMATS.values() for suffix in entry.suffixes)
    kind = "binary data" if b"\0" in first else "text"
    return LogitsError(
        f"{path}: expected {layout.expected.what} that content or suffix tells ({known}), found "
        f"{kind} with " + (f"suffix {suffix!r}" if suffix else "no suffix"),
        f"Say what it is with {layout.format_option}: {', '.join(FORMATS)}.",
    )
