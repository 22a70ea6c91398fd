"""NumPy's .npy format, mapped and never read whole.

References
----------
.. [1] numpy.lib.format, https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import mmap
import warnings
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy_format

from kldiv_cli.errors import InputError
from kldiv_cli.sources.array import ArraySource, check_shape
from kldiv_cli.sources.base import Layout, check_numeric

_ADVICE = "Write it again with numpy.save(path, logits)."
_MAX_HEADER = 10_000
_MAX_AXES = 64


def open_npy(path: str, layout: Layout) -> ArraySource:
    """Map the array in an .npy file: version 1, 2 or 3, any byte order, C or Fortran order.

    Raises
    ------
    InputError
        The file is no .npy file, holds objects (no pickle is ever loaded), complex numbers or text,
        or is shorter or longer than its header says.
    """
    with Path(path).open("rb") as file:
        shape, fortran_order, dtype = _read_header(file, path)
        check_numeric(dtype, path)
        check_shape(shape, path)
        offset, size = file.tell(), file.seek(0, 2)
        promised = prod(shape) * dtype.itemsize
        if size - offset != promised:
            raise InputError(
                f"{path}: expected {promised} bytes of {dtype.name} for shape {shape}, "
                f"found {size - offset}",
                f"The file is {'cut off' if size - offset < promised else 'not what it says'}. "
                + _ADVICE,
            )
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    flat = np.frombuffer(mapped, dtype, offset=offset)
    array = flat.reshape(shape, order="F" if fortran_order else "C")

    def release(start: int, stop: int) -> None:
        first = -(-(offset + start * dtype.itemsize) // mmap.PAGESIZE) * mmap.PAGESIZE
        last = (offset + stop * dtype.itemsize) // mmap.PAGESIZE * mmap.PAGESIZE
        if last > first:
            mapped.madvise(mmap.MADV_DONTNEED, first, last - first)

    return ArraySource(
        array, layout, path, "npy", release if hasattr(mmap, "MADV_DONTNEED") else None
    )


def _read_header(file: IO[bytes], path: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    magic = file.read(8)
    if magic[:6] != npy_format.MAGIC_PREFIX:
        raise InputError(
            f"{path}: expected an .npy file, which begins with {npy_format.MAGIC_PREFIX!r}, "
            f"found {magic[:6]!r}",
            _ADVICE,
        )
    if len(magic) < 8 or magic[6] not in (1, 2, 3):
        raise InputError(f"{path}: expected .npy version 1, 2 or 3, found {magic[6:]!r}", _ADVICE)
    old = magic[6] == 1
    length = int.from_bytes(file.read(2 if old else 4), "little")
    if length > _MAX_HEADER:
        raise InputError(
            f"{path}: expected an .npy header of at most {_MAX_HEADER} bytes, found {length}",
            _ADVICE,
        )
    file.seek(8)
    read = npy_format.read_array_header_1_0 if old else npy_format.read_array_header_2_0
    try:
        with warnings.catch_warnings():
            # A header that Python 2 wrote is read all the same.
            warnings.simplefilter("ignore")
            shape, fortran_order, dtype = read(file, max_header_size=_MAX_HEADER)
    except Exception as error:  # the parser lets through whatever the text makes it raise
        raise InputError(
            f"{path}: expected an .npy header, found one that cannot be read "
            f"({(str(error) or type(error).__name__).splitlines()[0]})",
            _ADVICE,
        ) from error
    if any(type(length) is not int or length < 0 for length in shape) or len(shape) > _MAX_AXES:
        raise InputError(f"{path}: expected a shape, found {shape}", _ADVICE)
    return shape, fortran_order, dtype
