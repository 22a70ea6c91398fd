"""Datasets of HDF5 files, read through h5py piece by piece; mapped where they lie in one piece.

References
----------
.. [1] The HDF Group, HDF5 File Format Specification; h5py, https://docs.h5py.org/
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from io import BufferedReader, RawIOBase
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.errors import InputError, LogitsError, shortage
from kldiv_cli.sources.arrays.array import ArraySource, type_name
from kldiv_cli.sources.arrays.contents import Kind
from kldiv_cli.sources.arrays.deflated import DeflatedSource
from kldiv_cli.sources.arrays.keys import choose, narrower, quoted
from kldiv_cli.sources.arrays.mapped import Place, Stored, map_array, told_type
from kldiv_cli.sources.base import Layout, Source
from kldiv_cli.sources.stores.commands import rewriting
from kldiv_cli.sources.views.joined import open_joined

_INSTALL = "pip install 'kldiv-cli[hdf5]'"
_ADVICE = "Write it again with h5py, or check that its copy was complete."
_CODE = "import h5py, numpy, sys; numpy.save(sys.argv[2], h5py.File(sys.argv[1])[%r][()])"
_STEP = 1 << 22
"""About how many bytes are read at a time."""
_MOST_HELD = 1 << 30
"""The size of a chunk at most, which HDF5 inflates as a whole, and of rows that end together."""
_CACHE = 1 << 25
_DAMAGE = (
    *(OSError, RuntimeError, ValueError, TypeError, LookupError, AttributeError),
    *(NotImplementedError, OverflowError, MemoryError),
)
"""What h5py raises for a file that HDF5 cannot make sense of."""


def open_hdf5(path: str, layout: Layout) -> Source:
    """Open a dataset of an HDF5 file: the only one, or those which the layout's key names.

    Those in groups are called by their paths, ``run/logits``.

    Raises
    ------
    InputError
        h5py is not installed; the file is damaged; there is no such dataset, or several and no key;
        or it holds no real numbers, or lies in other files.
    """
    _check_installed(path)
    with _reading(path), _file(path) as file:
        found = _datasets(file)
        names = choose(path, layout, found, lambda name: found[name])

    def open_one(name: str) -> Source:
        return _open(path, layout, name)

    return open_joined(path, names, open_one, narrower(layout))


def _check_installed(path: str) -> None:
    try:
        import h5py  # noqa: F401, PLC0415 - an extra
    except ImportError as error:
        raise InputError(
            f"{path}: expected h5py, which reads HDF5, found none ({error})",
            f"Install it: {_INSTALL}",
        ) from error


def _file(path: str) -> Any:
    import h5py  # noqa: PLC0415 - an extra, and not quickly loaded

    return h5py.File(path, "r", rdcc_nbytes=_CACHE)


@contextmanager
def _reading(path: str) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        short = shortage(error, path)
        if short is not None:
            raise short from error
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise LogitsError(
            f"{path}: expected an HDF5 file that can be read, found: {said[:200]}", _ADVICE
        ) from error


def _datasets(file: Any) -> dict[str, Kind]:
    """Return all datasets, links to which are not followed."""
    found: dict[str, Kind] = {}

    def visit(name: str, entry: Any) -> None:
        shape = getattr(entry, "shape", None)
        if shape is not None:
            found[name] = Kind(type_name(entry.dtype), shape)

    file.visititems(visit)
    return found


def _open(path: str, layout: Layout, name: str) -> Source:
    where = f"{path}: {quoted(name)}"
    with _reading(path), _file(path) as file:
        data = file[name]
        if data.dtype.kind == "O":
            raise LogitsError(
                f"{where}: expected {layout.expected.values}, found text",
                "Save the logits as numbers, float32 or float64.",
            )
        if data.external or data.is_virtual:
            raise LogitsError(
                f"{where}: expected a dataset with its values, found one whose values lie in other "
                "files",
                f"Write it as .npy with h5py: {rewriting(_CODE % name, path, '.npy')}",
            )
        stored = Stored(told_type(data.dtype, layout, where), data.shape)
        size, place = Path(path).stat().st_size, _place(data, file.userblock_size)
        if place is not None and 0 < place.start < place.stop <= size:
            return map_array(path, "hdf5", layout, stored, place)
        if data.chunks:
            _check_chunks(data, where, size - file.userblock_size)
        source = _in_pieces(path, layout, name, stored)
        held = max(source.held_bytes, prod(data.chunks or ()) * stored.dtype.itemsize)
        if held > _MOST_HELD:
            raise LogitsError(
                f"{where}: expected chunks and rows of at most {_MOST_HELD} bytes, found {held}",
                "Write it without compression and chunks: then it is mapped.",
            )
        return source


def _place(data: Any, userblock: int) -> Place | None:
    """Return where a dataset lies in one piece; None where it does not, or it is not known."""
    offset = data.id.get_offset() if data.chunks is None and not userblock else None
    return None if offset is None else Place(offset, offset + data.nbytes, offset)


def _check_chunks(data: Any, where: str, size: int) -> None:
    """Raise for a chunk that is empty or does not lie in the file: HDF5 would crash reading it."""

    def outside(chunk: Any) -> Any:
        end = chunk.byte_offset + chunk.size
        return None if chunk.size and end <= size else chunk

    found = data.id.chunk_iter(outside)
    if found is not None:
        raise LogitsError(
            f"{where}: expected chunks inside the file's {size} bytes, found one of {found.size} "
            f"bytes at {found.byte_offset}",
            _ADVICE,
        )


def _in_pieces(path: str, layout: Layout, name: str, stored: Stored) -> DeflatedSource:
    values = np.broadcast_to(np.empty((), stored.dtype), stored.shape)
    outline = ArraySource(values, layout, path, "hdf5", has_keys=True)
    return DeflatedSource(outline, partial(_reader, path, name), 0)


@contextmanager
def _reader(path: str, name: str) -> Iterator[BufferedReader]:
    """Open a dataset as the bytes of its values."""
    with _reading(path), _file(path) as file:
        yield BufferedReader(_Values(_pieces(file[name])), _STEP)


class _Values(RawIOBase):
    """The bytes of pieces of an array, one after the other."""

    def __init__(self, pieces: Iterator[NDArray[Any]]) -> None:
        self._pieces, self._left = pieces, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._left = memoryview(piece.tobytes())
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count


def _pieces(data: Any) -> Iterator[NDArray[Any]]:
    """Yield a dataset in C order; chunks are read once where they have few rows."""
    axes = max(1, len(data.shape) - 1)
    row_bytes = max(1, prod(data.shape[axes:]) * data.dtype.itemsize)
    step = max(1, _STEP // row_bytes)
    if data.chunks and axes == 1:
        step = -(-step // data.chunks[0]) * data.chunks[0]
    for start in range(0, prod(data.shape[:axes]), step):
        yield from _parts(data, (), axes, start, min(start + step, prod(data.shape[:axes])))


def _parts(
    data: Any, within: tuple[int, ...], axes: int, start: int, stop: int
) -> Iterator[NDArray[Any]]:
    """Yield consecutive rows along so many axes, inside of a place on the axes before."""
    each = prod(data.shape[len(within) + 1 : len(within) + axes])
    if axes == 1:
        yield data[(*within, slice(start, stop))]
        return
    if start % each:
        first, skipped = divmod(start, each)
        end = min(stop, (first + 1) * each)
        yield from _parts(data, (*within, first), axes - 1, skipped, end - first * each)
        start = end
    first, last = start // each, stop // each
    if first < last:
        yield data[(*within, slice(first, last))]
        start = last * each
    if start < stop:
        yield from _parts(data, (*within, last), axes - 1, 0, stop - start)
