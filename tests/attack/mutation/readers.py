"""The numbers of a file as other readers find them: NumPy, csv, json, PyArrow, h5py, a few lines.

A reader yields arrays, of which one is what is to be read, or tables of rows; it raises where it
cannot read the file.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import json
import lzma
import struct
import zipfile
from collections.abc import Callable, Iterator, Sequence
from math import prod
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from kldiv_cli.sources.base import Source
from tests.attack.mutation.containers import fields, read_varint
from tests.attack.mutation.text_readers import (
    UnknownError,
    as_rows,
    floats,
    of_delimited,
    of_json,
    of_json_lines,
    of_lists,
)
from tests.attack.mutation.torch_files import arrays_of

Array = npt.NDArray[Any]
Reader = Callable[[bytes, Source], Iterator[Array]]


def others(path: Path, source: Source) -> Iterator[Array]:
    """Yield what else the rows of a file may be, float64, shape (rows, classes).

    Raises
    ------
    UnknownError
        There is no other reader for such a file.
    """
    return READERS[source.format](_unpacked(path.read_bytes()), source)


def _unpacked(content: bytes) -> bytes:
    if content.startswith(b"\x1f\x8b"):
        return gzip.decompress(content)
    if content.startswith(b"BZh"):
        return bz2.decompress(content)
    if content.startswith(b"\xfd7zXZ"):
        return lzma.decompress(content.rstrip(b"\0"))
    if content.startswith((b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18")):
        codec = "zstd" if content[0] == 0x28 else "lz4"
        with pa.CompressedInputStream(pa.BufferReader(content), codec) as stream:
            return bytes(stream.read())
    return content


def _several(arrays: Sequence[Array], source: Source) -> Iterator[Array]:
    """Yield each of some arrays, and all of one shape but for the rows joined."""
    yield from (as_rows(array, source) for array in arrays)
    if len(arrays) > 1:
        yield np.concatenate([as_rows(array, source) for array in arrays])


def _npy(content: bytes, source: Source) -> Iterator[Array]:
    yield as_rows(np.load(io.BytesIO(content), max_header_size=1 << 20), source)


def _npz(content: bytes, source: Source) -> Iterator[Array]:
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        taken = f"{source.beside.name}.npy" if source.beside is not None else None
        names = [name for name in dict.fromkeys(file.namelist()) if taken in (None, name)]
        yield from _several(list(_members(file, names)), source)


def _members(file: zipfile.ZipFile, names: Sequence[str]) -> Iterator[Array]:
    """Yield the members that are arrays."""
    for name in names:
        with contextlib.suppress(ValueError, zipfile.BadZipFile), file.open(name) as member:
            yield np.lib.format.read_array(member, max_header_size=1 << 20)


_SAFE = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "BOOL": "?"} | {
    f"{letter}{8 * size}": f"<{letter.lower()}{size}" for letter in "IU" for size in (1, 2, 4, 8)
}


def _safetensors(content: bytes, source: Source) -> Iterator[Array]:
    size = int.from_bytes(content[:8], "little")
    header, values = json.loads(content[8 : 8 + size]), content[8 + size :]
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] not in _SAFE:
            continue
        start, stop = entry["data_offsets"]
        array = np.frombuffer(values[start:stop], _SAFE[entry["dtype"]])
        if entry["dtype"] == "BF16":
            array = _bfloat16(array)
        if array.size == prod(entry["shape"]) and tuple(entry["shape"]) == source.shape:
            yield as_rows(array.reshape(entry["shape"]), source)


def _bfloat16(words: Array) -> Array:
    return (words.astype(np.uint32) << 16).view(np.float32)


def _torch(content: bytes, source: Source) -> Iterator[Array]:
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        for info in file.infolist():
            if not info.CRC:
                del info.CRC  # as PyTorch writes it where it is told not to compute it
        yield from _several(arrays_of(file), source)


def _llamacpp(content: bytes, _: Source) -> Iterator[Array]:
    n_ctx, classes, chunks = struct.unpack_from("<3i", content, 8)
    begin, width = 20 + 4 * chunks * n_ctx, 2 * ((classes + 1) // 2) + 4
    words = np.frombuffer(content[begin:], "<u2").reshape(-1, width)
    scale, least = np.ascontiguousarray(words[:, :4]).view("<f4").astype(np.float64).T
    yield scale[:, None] * words[:, 4 : 4 + classes] + least[:, None]


_ONNX = {1: "<f4", 2: "u1", 3: "i1", 4: "<u2", 5: "<i2", 6: "<i4", 7: "<i8", 9: "?", 10: "<f2"} | {
    11: "<f8",
    12: "<u4",
    13: "<u8",
    16: "<u2",
}


def _onnx(content: bytes, source: Source) -> Iterator[Array]:
    shape, kind, raw, listed = [], 0, None, []
    for number, wire, value in fields(content):
        if number == 1:
            shape += _varints(value)
        elif number == 2:
            kind = _varints(value)[-1]
        elif number == 9:
            raw = value
        elif number in (4, 10):
            listed += np.frombuffer(value, "<f4" if number == 4 else "<f8").tolist()
        elif number in (5, 7, 11):
            listed += _varints(value) if wire in (0, 2) else []
    if kind not in _ONNX:
        raise UnknownError
    found = _from_list(listed, kind) if raw is None else np.frombuffer(raw, _ONNX[kind])
    yield as_rows((_bfloat16(found) if kind == 16 else found).reshape(shape), source)


def _from_list(listed: list[Any], kind: int) -> Array:
    if kind in (1, 11):
        return np.array(listed, _ONNX[kind])
    whole = np.array(listed, np.uint64)
    signed = whole.astype(np.int64) if kind not in (4, 12, 13) else whole
    return signed.astype(np.uint16).view(np.float16) if kind == 10 else signed.astype(_ONNX[kind])


def _varints(content: bytes) -> list[int]:
    found, at = [], 0
    while at < len(content):
        number, at = read_varint(content, at)
        found.append(number % (1 << 64))
    return found


def _hdf5(content: bytes, source: Source) -> Iterator[Array]:
    found: list[Array] = []

    def visit(_: str, item: object) -> None:
        if isinstance(item, h5py.Dataset) and item.dtype.kind in "fiub":
            found.append(item[()])

    with h5py.File(io.BytesIO(content), "r") as file:
        file.visititems(visit)
    yield from _several([array for array in found if array.shape == source.shape], source)


def _arrow(content: bytes, source: Source) -> Iterator[Array]:
    opened = pa.ipc.open_file if content.startswith(b"ARROW1") else pa.ipc.open_stream
    yield _table(opened(pa.BufferReader(content)).read_all(), source)


def _parquet(content: bytes, source: Source) -> Iterator[Array]:
    yield _table(pq.ParquetFile(pa.BufferReader(content)).read(), source)


def _table(table: pa.Table, source: Source) -> Array:
    assert source.columns is not None
    if source.columns.row is not None:
        cells = table.column(source.columns.row).to_pylist()
        return of_lists(cells)
    names = source.columns.classes
    return np.array([floats(table.column(name).to_pylist()) for name in names], np.float64).T


READERS: dict[str, Reader] = {
    "npy": _npy,
    "npz": _npz,
    "safetensors": _safetensors,
    "torch": _torch,
    "llamacpp": _llamacpp,
    "onnx": _onnx,
    "hdf5": _hdf5,
    "arrow": _arrow,
    "parquet": _parquet,
    "json": of_json,
    "jsonl": of_json_lines,
    "csv": of_delimited,
    "tsv": of_delimited,
}
