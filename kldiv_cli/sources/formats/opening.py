"""Files -> sources: the one way to open an input, be it one file or many."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO

from kldiv_cli.errors import InputError, LogitsError
from kldiv_cli.sources.base import Layout, Source
from kldiv_cli.sources.base.readable import readable
from kldiv_cli.sources.formats import FORMATS
from kldiv_cli.sources.formats.recognition import check_told, recognise
from kldiv_cli.sources.stores.codecs import ENOUGH, codec_of
from kldiv_cli.sources.stores.elsewhere import open_elsewhere
from kldiv_cli.sources.stores.folders import Files, find_files
from kldiv_cli.sources.stores.pipes import is_pipe
from kldiv_cli.sources.stores.reads import begun
from kldiv_cli.sources.stores.uris import hidden, is_elsewhere, path_of


def open_source(path: str | os.PathLike[str], layout: Layout) -> Source:
    """Open a file of logits in the format that its content names, or else its suffix.

    The layout's format overrules both. A directory stands for its files, and a glob for the files
    that it matches: these files are one input. A glob that is itself a file's name is that file.

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
        FORMATS.get(layout.format)  # which raises for an unknown one
    files = files_in(path)
    if files is None:
        return _open_file(path, layout)
    if layout.format is None and files.is_directory:
        _check_known(files, layout)
    from kldiv_cli.sources.views.shards import open_shards  # noqa: PLC0415 - few inputs are many files

    return open_shards(files, partial(_open_file, layout=layout))


def files_of(path: str) -> tuple[str, ...]:
    """Return the files that an input is made of.

    Raises
    ------
    InputError
        A directory or a glob stands for none.
    """
    path = hidden(path)
    files = files_in(path)
    names = (path,) if files is None else files.names
    return tuple(path_of(name) if name.startswith("file:") else name for name in names)


def files_in(path: str) -> Files | None:
    """Return the files of a folder or a glob; None for the name of one file.

    Raises
    ------
    InputError
        There are none, or a folder cannot be read.
    """
    with readable(path):
        if not is_elsewhere(path) and Path(path).is_dir():
            _check_no_zarr(path)
            found = _saved(path)
            if found is not None:
                return found
        return find_files(path)


def _saved(folder: str) -> Files | None:
    if not any((Path(folder) / name).is_file() for name in ("state.json", "dataset_dict.json")):
        return None
    from kldiv_cli.sources.stores.saved import saved_files  # noqa: PLC0415 - few folders are datasets

    return saved_files(folder)


def _check_no_zarr(folder: str) -> None:
    from kldiv_cli.sources.formats.foreign import ZARR, is_zarr  # noqa: PLC0415 - of folders alone

    if is_zarr(folder):
        what = f"{folder}: expected files of logits, found {ZARR.what}"
        raise LogitsError(what, ZARR.remedy(folder))


def _open_file(path: str, layout: Layout) -> Source:
    with readable(path):
        if not is_elsewhere(path):
            begun(path)
        first = _first_bytes(path, layout.expected.what)
        codec = codec_of(first)
        plain = _decompressed(path, first, codec)
        if layout.format is None:
            name, notes = recognise(path, plain, codec, layout)
            layout = replace(layout, notes=layout.notes + notes)
        else:
            name = layout.format
            check_told(path, plain, codec, name, layout.format_option)
        if layout.listing is not None:
            layout.listing.format = name
        home = _opener(name, path, codec)
        open_format: Callable[[str, Layout], Source] = FORMATS.load(name, home)
        return open_format(path, layout)


def _opener(name: str, path: str, codec: str | None) -> str:
    """Return which field of a format's row names what opens a file of it."""
    entry = FORMATS[name]
    if codec is not None and entry.unpacks:
        return "streamed"
    if not is_elsewhere(path) or (entry.remote and not is_pipe(path)):
        return "home"
    if entry.streamed is not None:
        return "streamed"
    if is_pipe(path):
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
            with readable(name):
                first = _first_bytes(name, layout.expected.what)
                codec = codec_of(first)
                recognise(name, _decompressed(name, first, codec), codec, layout)
        except InputError as error:
            raise InputError(error.what, files.advice) from error


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
            f"{path}: expected a file, found something that is neither a regular file nor a pipe",
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
    """Return the first bytes of a file after decompression."""
    if codec is None:
        return first
    # PyArrow, which few files need, takes longer to load than a small file to compare.
    from kldiv_cli.sources.stores.streams import open_stream  # noqa: PLC0415

    try:
        with open_stream(path, codec) as file:
            return bytes(file.read(ENOUGH))
    except OSError:  # of a damaged file: the format's reader will say more
        return b""
