"""A tensor as ONNX's test data and tools save it: one TensorProto, mapped where it lies as it is.

References
----------
.. [1] ONNX, onnx/onnx.proto, message TensorProto.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.errors import LogitsError
from kldiv_cli.sources.arrays.array import ArraySource, check_shape, type_name
from kldiv_cli.sources.arrays.mapped import Place, Stored, map_array, map_file
from kldiv_cli.sources.base import BFLOAT16, Layout
from kldiv_cli.sources.formats.protobuf import (
    BYTES,
    VARINT,
    Field,
    WireError,
    fields,
    signed,
    varints,
)
from kldiv_cli.sources.stores.commands import rewriting

_DIMS, _TYPE, _SEGMENT, _RAW, _EXTERNAL, _LOCATION = 1, 2, 3, 9, 13, 14
_FLOATS, _INT32, _INT64, _DOUBLES, _UINT64 = 4, 5, 7, 10, 11
_FIXED, _VARIED = (_FLOATS, _DOUBLES), (_INT32, _INT64, _UINT64)
_LAST = 16
"""The fields of a TensorProto are numbered up to here."""
_TYPES: dict[int, tuple[np.dtype[Any], int]] = {
    1: (np.dtype("<f4"), _FLOATS),
    2: (np.dtype("u1"), _INT32),
    3: (np.dtype("i1"), _INT32),
    4: (np.dtype("<u2"), _INT32),
    5: (np.dtype("<i2"), _INT32),
    6: (np.dtype("<i4"), _INT32),
    7: (np.dtype("<i8"), _INT64),
    9: (np.dtype("?"), _INT32),
    10: (np.dtype("<f2"), _INT32),
    11: (np.dtype("<f8"), _DOUBLES),
    12: (np.dtype("<u4"), _UINT64),
    13: (np.dtype("<u8"), _UINT64),
    16: (BFLOAT16, _INT32),
}
"""The number of a type -> the type, and the field that holds its values unless `_RAW` does."""
_BITS = (np.dtype("<f2"), BFLOAT16)
"""What an integer holds the bits of."""
_UNREAD = {
    8: "text",
    14: "complex64",
    15: "complex128",
    17: "float8e4m3fn",
    18: "float8e4m3fnuz",
    19: "float8e5m2",
    20: "float8e5m2fnuz",
    21: "uint4",
    22: "int4",
    23: "float4e2m1",
}
_NO_NUMBERS = {8, 14, 15}
"""Of these, those that are no real numbers."""
_MOST_AXES = 64
_ADVICE = "Check what wrote it: this is what onnx.TensorProto.SerializeToString() returns."
_CODE = (
    "import numpy, onnx, os, sys; t = onnx.load_tensor(sys.argv[1]); "
    "numpy.save(sys.argv[2], onnx.numpy_helper.to_array(t, os.path.dirname(sys.argv[1]))%s)"
)


@dataclass
class _Tensor:
    """The fields of a message."""

    shape: list[int] = field(default_factory=list)
    kind: int = 0
    places: dict[int, list[Field]] = field(default_factory=dict)

    def take(self, found: Field, message: memoryview) -> None:
        """Take in one field."""
        if found.number == _DIMS:
            packed = found.wire == BYTES
            sizes = varints(message[found.start : found.stop]).tolist() if packed else [found.value]
            self.shape += map(signed, sizes)
        elif found.number == _TYPE and found.wire == VARINT:
            self.kind = found.value
        elif not 0 < found.number <= _LAST or found.number == _TYPE:
            raise WireError(f"field {found.number} of wire type {found.wire}")
        else:
            self.places.setdefault(found.number, []).append(found)
        if len(self.shape) > _MOST_AXES:
            raise WireError(f"more than {_MOST_AXES} axes")


def open_onnx(path: str, layout: Layout) -> ArraySource:
    """Open the tensor in a file.

    Raises
    ------
    InputError
        The file is cut off or another message; its values lie in another file; they are of a type
        that is not read; or there are more or fewer of them than its dims say.
    """
    memory = map_file(path)
    message, tensor = memoryview(memory.file), _Tensor()
    try:
        for found in fields(message):
            tensor.take(found, message)
        return _open(path, layout, message, tensor)
    except WireError as error:
        raise LogitsError(
            f"{path}: expected one tensor, as a TensorProto of ONNX, found something else or a "
            f"part of it ({error})",
            _ADVICE,
        ) from error


def _open(path: str, layout: Layout, message: memoryview, tensor: _Tensor) -> ArraySource:
    dtype, own = _type_of(path, tensor)
    shape = tuple(tensor.shape)
    if any(length < 0 for length in shape):
        raise WireError(f"a shape of {shape}")
    check_shape(shape, path, layout.expected)
    values = _values_of(path, tensor, own)
    stored = Stored(dtype, shape)
    if len(values) == 1 and values[0].wire == BYTES and values[0].number not in _VARIED:
        place = Place(values[0].start, values[0].stop, values[0].start)
        _check_count(path, stored, place.stop - place.start)
        return map_array(path, "onnx", layout, stored, place, has_keys=False)
    flat = _joined(message, values, stored)
    _check_count(path, stored, flat.nbytes)
    return ArraySource(flat.reshape(shape), layout, path, "onnx")


def _type_of(path: str, tensor: _Tensor) -> tuple[np.dtype[Any], int]:
    if _EXTERNAL in tensor.places or any(x.value for x in tensor.places.get(_LOCATION, ())):
        raise LogitsError(
            f"{path}: expected a tensor with its values, found one whose values lie in another "
            "file (external data)",
            f"Write it as .npy with onnx: {rewriting(_CODE % '', path, '.npy')}",
        )
    if _SEGMENT in tensor.places:
        raise LogitsError(f"{path}: expected a whole tensor, found a segment of one", _ADVICE)
    if tensor.kind in _UNREAD:
        raise LogitsError(
            f"{path}: expected floats of 16 bits or more or integers, found {_UNREAD[tensor.kind]}",
            _remedy(path, tensor.kind),
        )
    if tensor.kind not in _TYPES:
        raise WireError(f"no type that is known: {tensor.kind}")
    return _TYPES[tensor.kind]


def _remedy(path: str, kind: int) -> str:
    """Return what to do about a type that is not read."""
    if kind in _NO_NUMBERS:
        return "Save the logits as float32, float16 or bfloat16."
    code = _CODE % ".astype('float32')"
    return f"Write it as float32 with onnx: {rewriting(code, path, '.npy', '-float32')}"


def _values_of(path: str, tensor: _Tensor, own: int) -> list[Field]:
    """Return the fields that hold the values: raw bytes, or those of the type."""
    filled = [n for n in (_RAW, *_FIXED, *_VARIED) if n in tensor.places]
    if len(filled) > 1 or not set(filled) <= {_RAW, own}:
        raise WireError(f"values in {' and '.join(f'field {n}' for n in filled)}")
    if not filled:
        raise LogitsError(f"{path}: expected values, found a tensor without", _ADVICE)
    found = tensor.places[filled[0]]
    return found[-1:] if filled == [_RAW] else found  # the last of a field that may be there once


def _joined(message: memoryview, values: list[Field], stored: Stored) -> NDArray[Any]:
    """Return values that are stored one by one, or as integers of any length."""
    if values[0].number not in _VARIED:
        whole = b"".join(message[x.start : x.stop] for x in values)
        if len(whole) % stored.dtype.itemsize:
            raise WireError(f"{len(whole)} bytes of {type_name(stored.dtype)}")
        return np.frombuffer(whole, stored.dtype)
    parts = [part for part in _integers(message, values) if len(part)]
    numbers = np.concatenate(parts) if parts else np.empty(0, np.uint64)
    if stored.dtype in _BITS:
        bits = numbers.astype("<u2")
        if (bits != numbers).any():
            raise WireError("integers of more than 16 bits")
        return bits.view(stored.dtype)
    whole_numbers = numbers if stored.dtype == np.uint64 else numbers.view(np.int64)
    narrow = whole_numbers.astype(stored.dtype)
    if (narrow != whole_numbers).any():
        raise WireError(f"integers beyond {type_name(stored.dtype)}")
    return narrow


def _integers(message: memoryview, values: list[Field]) -> Iterator[NDArray[np.uint64]]:
    single: list[int] = []
    for found in values:
        if found.wire == VARINT:
            single.append(found.value)
            continue
        if found.wire != BYTES:
            raise WireError(f"field {found.number} of wire type {found.wire}")
        yield np.array(single, np.uint64)
        single = []
        yield varints(message[found.start : found.stop])
    yield np.array(single, np.uint64)


def _check_count(path: str, stored: Stored, found: int) -> None:
    promised = prod(stored.shape) * stored.dtype.itemsize
    if found != promised:
        raise LogitsError(
            f"{path}: expected {promised} bytes of {type_name(stored.dtype)} for shape "
            f"{stored.shape}, found {found}",
            f"The file is not what it says. {_ADVICE}",
        )
