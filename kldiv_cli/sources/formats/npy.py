"""NumPy's .npy format, mapped and never read whole.

References
----------
.. [1] numpy.lib.format, https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

from pathlib import Path

from kldiv_cli.errors import InputError, LogitsError
from kldiv_cli.sources.arrays.array import ArraySource, check_shape, type_name
from kldiv_cli.sources.arrays.mapped import Place, Stored, map_array, told_type
from kldiv_cli.sources.base import Layout
from kldiv_cli.sources.formats.float8 import check_no_float8
from kldiv_cli.sources.formats.npy_header import ADVICE, Header, read_header


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
        f"The file is {'cut off' if found < header.promised else 'not what it says'}. {ADVICE}",
    )
