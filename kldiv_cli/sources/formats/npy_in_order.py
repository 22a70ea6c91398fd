"""Arrays in what is read from beginning to end, block by block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import IO

import numpy as np

from kldiv_cli.errors import InputError
from kldiv_cli.sources.arrays.array import ArraySource, type_name
from kldiv_cli.sources.arrays.deflated import DeflatedSource, ShortError
from kldiv_cli.sources.arrays.mapped import told_type
from kldiv_cli.sources.base import Layout
from kldiv_cli.sources.formats.npy import Header, check_header, read_header, wrong_size
from kldiv_cli.sources.stores.elsewhere import open_elsewhere, size_elsewhere

_MOST_HELD = 1 << 30
_MOST = 1 << 60
_SAVE = "Save it to a file, which is mapped."


def open_npy(path: str, layout: Layout) -> DeflatedSource:
    """Open an .npy array that is not mapped but read.

    Raises
    ------
    InputError
        As `kldiv_cli.sources.formats.npy.open_npy`; or the array is in Fortran order, in which the
        first row ends where the file does.
    """
    with open_elsewhere(path) as file:
        header = read_header(file, path)
    size = size_elsewhere(path)
    check_header(header, layout, header.promised if size is None else size - header.size, path)
    if header.promised > _MOST:
        raise InputError(
            f"{path}: expected an array, found the header of one of {header.promised} bytes",
            "Check what wrote it.",
        )
    if header.order == "F" and sum(length > 1 for length in header.shape) > 1:
        raise InputError(f"{path}: expected an array in C order, found Fortran order", _SAVE)
    dtype = told_type(header.dtype, layout, path)
    outline = ArraySource(np.broadcast_to(np.empty((), dtype), header.shape), layout, path, "npy")
    source = DeflatedSource(outline, partial(_reading, path, header, type_name(dtype)), header.size)
    if source.held_bytes > _MOST_HELD:
        raise InputError(
            f"{path}: expected rows of at most {_MOST_HELD} bytes, found {source.held_bytes}", _SAVE
        )
    return source


@contextmanager
def _reading(path: str, header: Header, dtype: str) -> Iterator[IO[bytes]]:
    """Open an array to be read to its end, where nothing may follow."""
    with open_elsewhere(path) as file:
        try:
            yield file
        except ShortError as error:
            raise wrong_size(header, dtype, error.found, path) from error
        except OSError as error:
            raise InputError(
                f"{path}: expected to read on, found: {str(error).splitlines()[0]}",
                "Try again, or save it to a file.",
            ) from error
        if file.read(1):
            raise wrong_size(header, dtype, header.promised + 1, path, " or more")
