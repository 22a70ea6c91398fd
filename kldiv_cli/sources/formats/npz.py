"""NumPy's .npz format: .npy files in a zip archive, mapped where they lie or inflated in passing.

References
----------
.. [1] numpy.savez, https://numpy.org/doc/stable/reference/generated/numpy.savez.html
.. [2] PKWARE, .ZIP file format specification, APPNOTE 6.3.
"""

from __future__ import annotations

import zipfile
from dataclasses import replace
from functools import partial

import numpy as np

from kldiv_cli.errors import LogitsError
from kldiv_cli.sources.arrays.array import ArraySource, type_name
from kldiv_cli.sources.arrays.contents import Kind
from kldiv_cli.sources.arrays.deflated import DeflatedSource
from kldiv_cli.sources.arrays.keys import beside, choose, narrower
from kldiv_cli.sources.arrays.mapped import Place, Stored, map_array, told_type
from kldiv_cli.sources.arrays.zip import find_bytes, list_members, open_member
from kldiv_cli.sources.base import Layout, Source
from kldiv_cli.sources.formats.float8 import check_no_float8
from kldiv_cli.sources.formats.npy import check_header
from kldiv_cli.sources.formats.npy_header import Header, read_header
from kldiv_cli.sources.views.joined import open_joined

_ADVICE = "Write it again with numpy.savez(path, logits=logits)."
_MOST_INFLATED = 1 << 30
"""How much of a compressed array is held at a time: a row, or all of it in Fortran order."""
_MOST_RATIO = 1032
"""Deflate makes nothing smaller than by this factor: an archive that says more is lying."""


def open_npz(path: str, layout: Layout) -> Source:
    """Open an array in an .npz file: the only one, or those which the layout's key names.

    An array as `numpy.savez` stores it is mapped. One that `numpy.savez_compressed` wrote is
    inflated row by row while it is read. Either way its CRC-32 is compared when all was read.

    Raises
    ------
    InputError
        The archive is damaged or encrypted, or compressed by other means than NumPy's; there is no
        such array, or several and no key; or the array is none that `open_npy` takes.
    """
    members = list_members(path, _ADVICE)
    arrays = {name[:-4]: entry for name, entry in members.items() if name.endswith(".npy")}

    def describe(name: str) -> Kind:
        return _describe(path, name, arrays[name])

    names = choose(path, layout, arrays, describe)
    layout = beside(layout, names, arrays, describe)

    def open_one(name: str) -> Source:
        return _open_member(path, layout, name, arrays[name])

    return open_joined(path, names, open_one, narrower(layout))


def _open_member(path: str, layout: Layout, name: str, entry: zipfile.ZipInfo) -> Source:
    where = f"{path}: {name!r}"
    header = _read_header(path, entry, where)
    start = find_bytes(path, entry, where, _ADVICE)
    check_no_float8(header.dtype, path, where)
    check_header(header, layout, entry.file_size - header.size, where)
    if entry.compress_type == zipfile.ZIP_STORED:
        place = Place(start, start + entry.file_size, start + header.size, entry.CRC)
        return map_array(
            path, "npz", layout, Stored(header.dtype, header.shape, header.order), place
        )
    return _inflate(path, layout, entry, header, where)


def _read_header(path: str, entry: zipfile.ZipInfo, where: str) -> Header:
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise LogitsError(
            f"{where}: expected a zip member stored or deflated, as NumPy writes them, found "
            f"compression method {entry.compress_type}",
            _ADVICE,
        )
    with open_member(path, entry, where, _ADVICE) as member:
        return read_header(member, where)


def _describe(path: str, name: str, entry: zipfile.ZipInfo) -> Kind:
    header = _read_header(path, entry, f"{path}: {name!r}")
    return Kind(type_name(header.dtype), header.shape)


def _inflate(
    path: str, layout: Layout, entry: zipfile.ZipInfo, header: Header, where: str
) -> Source:
    if entry.file_size > _MOST_RATIO * entry.compress_size:
        raise LogitsError(
            f"{where}: expected what inflates by {_MOST_RATIO} at most, found {entry.file_size} "
            f"bytes said to be in {entry.compress_size}",
            _ADVICE,
        )
    dtype = told_type(header.dtype, layout, where)
    # It has the shape and none of the values, so it tells where rows end before there are any.
    values = np.broadcast_to(np.empty((), dtype), header.shape)
    outline = ArraySource(values, layout, path, "npz", has_keys=True)
    source = DeflatedSource(outline, partial(open_member, path, entry, where, _ADVICE), header.size)
    held = header.promised if header.order == "F" else source.held_bytes
    if held > _MOST_INFLATED:
        what = "an array in C order" if header.order == "F" else "rows of less than 1 GiB"
        raise LogitsError(
            f"{where}: expected {what} in a compressed archive, found {held} bytes to be held at "
            "once",
            "Write it uncompressed, with numpy.savez(path, logits=logits): then it is mapped.",
        )
    if header.order == "C":
        return source
    in_order = replace(outline, layout=replace(layout, row_axes=None, class_axis=None))
    (whole,) = replace(source, outline=in_order).blocks(in_order.rows_expected)
    values = whole.values.ravel().reshape(header.shape, order="F")
    return ArraySource(values, layout, path, "npz", has_keys=True)
