"""NumPy's .npy format, mapped and never read whole.

References
----------
.. [1] numpy.lib.format, https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from io import BytesIO
from math import prod
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.lib import format as npy_format

from kldiv_cli.errors import InputError, LogitsError
from kldiv_cli.sources.arrays.array import ArraySource, check_shape, type_name
from kldiv_cli.sources.arrays.mapped import Place, Stored, map_array, told_type
from kldiv_cli.sources.base import Layout
from kldiv_cli.sources.formats.float8 import check_no_float8, of_e5m2

_ADVICE = "Write it again with numpy.save(path, logits)."
_MAX_HEADER = 10_000
_MAX_AXES = 64


@dataclass(frozen=True)
class Header:
    """The header of an .npy file."""

    shape: tuple[int, ...]
    order: Literal["C", "F"]
    dtype: np.dtype[Any]
    size: int

    @property
    def promised(self) -> int:
        """How many bytes the values take."""
        return prod(self.shape) * self.dtype.itemsize


def open_npy(path: str, layout: Layout) -> ArraySource:
    """Map the array in an .npy file: version 1, 2 or 3, any byte order, C or Fortran order.

    Raises
    ------
    InputError
        The file is no .npy file, holds objects (no pickle is ever loaded), complex numbers or text,
        or is shorter or longer than its header says.
    """
    with Path(path).open("rb") as file:
        header = read_header(file, path)
        size = file.seek(0, 2)
    check_no_float8(header.dtype, path, path)
    if layout.listing is not None:
        from kldiv_cli.sources.arrays.contents import Kind, tell_unread  # noqa: PLC0415 - only inspections list

        tell_unread(Kind(type_name(header.dtype), header.shape), layout)
    check_header(header, layout, size - header.size, path)
    place = Place(header.size, size, header.size)
    return map_array(
        path,
        "npy",
        layout,
        Stored(header.dtype, header.shape, header.order),
        place,
        has_keys=False,
    )


def check_header(header: Header, layout: Layout, found: int, where: str) -> None:
    """Raise unless the array can be read and takes exactly the bytes that were found."""
    dtype = told_type(header.dtype, layout, where)
    check_shape(header.shape, where, layout.expected)
    if found != header.promised:
        raise wrong_size(header, type_name(dtype), found, where)


def wrong_size(header: Header, dtype: str, found: int, where: str, more: str = "") -> InputError:
    """Return the error of an array whose size is not what its header says."""
    return LogitsError(
        f"{where}: expected {header.promised} bytes of {dtype} for shape {header.shape}, found "
        f"{found}{more}",
        f"The file is {'cut off' if found < header.promised else 'not what it says'}. {_ADVICE}",
    )


def read_header(file: IO[bytes], where: str) -> Header:
    """Read the header with which an .npy file begins, and not a byte more.

    Raises
    ------
    InputError
        It is none, longer than NumPy writes it, or damaged.
    """
    magic = file.read(8)
    if magic[:6] != npy_format.MAGIC_PREFIX:
        raise LogitsError(
            f"{where}: expected an .npy file, which begins with {npy_format.MAGIC_PREFIX!r}, "
            f"found {magic[:6]!r}",
            _ADVICE,
        )
    if magic[6:] not in (b"\1\0", b"\2\0", b"\3\0"):
        raise LogitsError(f"{where}: expected .npy version 1, 2 or 3, found {magic[6:]!r}", _ADVICE)
    old = magic[6] == 1
    length = file.read(2 if old else 4)
    size = int.from_bytes(length, "little")
    if size > _MAX_HEADER:
        raise LogitsError(
            f"{where}: expected an .npy header of at most {_MAX_HEADER} bytes, found {size}",
            _ADVICE,
        )
    text = BytesIO(length + file.read(size))
    read = npy_format.read_array_header_1_0 if old else npy_format.read_array_header_2_0
    try:
        with warnings.catch_warnings():
            # A header that Python 2 wrote is read all the same.
            warnings.simplefilter("ignore")
            shape, fortran, dtype = read(text, max_header_size=_MAX_HEADER)
    except Exception as error:  # the parser lets through whatever the text makes it raise
        header = text.getvalue()
        float8 = of_e5m2(where, header, len(magic) + len(header))
        if float8 is not None:
            raise float8 from error
        raise LogitsError(
            f"{where}: expected an .npy header, found one that cannot be read "
            f"({(str(error) or type(error).__name__).splitlines()[0]})",
            _ADVICE,
        ) from error
    if any(type(length) is not int or length < 0 for length in shape) or len(shape) > _MAX_AXES:
        raise LogitsError(f"{where}: expected a shape, found {shape}", _ADVICE)
    return Header(shape, "F" if fortran else "C", dtype, len(magic) + len(text.getvalue()))
