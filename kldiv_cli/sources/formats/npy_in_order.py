"""Arrays in what is read from beginning to end, block by block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from io import BufferedReader
from pathlib import Path

import numpy as np

from kldiv_cli.errors import InputError
from kldiv_cli.sources.arrays.array import ArraySource, type_name
from kldiv_cli.sources.arrays.deflated import DeflatedSource, ShortError, Stream
from kldiv_cli.sources.arrays.mapped import told_type
from kldiv_cli.sources.base import Layout
from kldiv_cli.sources.formats.npy import check_header, wrong_size
from kldiv_cli.sources.formats.npy_header import Header, read_header
from kldiv_cli.sources.stores.codecs import ENOUGH, codec_of
from kldiv_cli.sources.stores.elsewhere import open_elsewhere, size_elsewhere
from kldiv_cli.sources.stores.pipes import is_pipe
from kldiv_cli.sources.stores.uris import is_elsewhere

_MOST_HELD = 1 << 30
_MOST = 1 << 60
_ADVICE = "Write it again, or check that its copy was complete."
_SAVE = "Save it to a file, which is mapped."
_DECOMPRESS = "Decompress it: then it is mapped."


def open_npy(path: str, layout: Layout) -> DeflatedSource:
    """Open an .npy array that is not mapped but read, and maybe decompressed.

    Raises
    ------
    InputError
        As `kldiv_cli.sources.formats.npy.open_npy`; or the array is in Fortran order, in which the
        first row ends where the file does.
    """
    with _opened(path, None) as file:
        codec = codec_of(file.read(ENOUGH))
    with _read_on(path, codec), _opened(path, codec) as file:
        header = read_header(file, path)
    size = None if codec else size_elsewhere(path)
    check_header(header, layout, header.promised if size is None else size - header.size, path)
    if header.promised > _MOST:
        raise InputError(
            f"{path}: expected an array, found the header of one of {header.promised} bytes",
            "Check what wrote it.",
        )
    advice = _DECOMPRESS if codec else _SAVE
    if header.order == "F" and sum(length > 1 for length in header.shape) > 1:
        raise InputError(f"{path}: expected an array in C order, found Fortran order", advice)
    dtype = told_type(header.dtype, layout, path)
    outline = ArraySource(np.broadcast_to(np.empty((), dtype), header.shape), layout, path, "npy")
    opened = partial(_reading, path, codec, header, type_name(dtype))
    source = DeflatedSource(outline, opened, header.size, reads_ahead=not is_pipe(path))
    if source.held_bytes > _MOST_HELD:
        raise InputError(
            f"{path}: expected rows of at most {_MOST_HELD} bytes, found {source.held_bytes}",
            advice,
        )
    return source


def _opened(path: str, codec: str | None) -> BufferedReader:
    if codec is None:
        return open_elsewhere(path) if is_elsewhere(path) else Path(path).open("rb")
    # PyArrow takes longer to load than a small file to compare.
    from kldiv_cli.sources.stores.streams import open_stream  # noqa: PLC0415

    stream: BufferedReader = open_stream(path, codec)
    return stream


@contextmanager
def _reading(path: str, codec: str | None, header: Header, dtype: str) -> Iterator[Stream]:
    """Open an array to be read to its end, where nothing may follow."""
    with _read_on(path, codec), _opened(path, codec) as file:
        try:
            yield file
            if file.read(1):
                raise wrong_size(header, dtype, header.promised + 1, path, " or more")
        except ShortError as error:
            raise wrong_size(header, dtype, error.found, path) from error


@contextmanager
def _read_on(path: str, codec: str | None) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{path}: expected to read on, found: {str(error).splitlines()[0]}",
            _ADVICE if codec else "Try again, or save it to a file.",
        ) from error
