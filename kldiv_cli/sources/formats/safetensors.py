"""The safetensors format: a JSON header, then the bytes of every tensor; mapped.

References
----------
.. [1] Hugging Face, safetensors, https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from kldiv_cli.errors import LogitsError
from kldiv_cli.sources.arrays.array import ArraySource, type_name
from kldiv_cli.sources.arrays.contents import Kind
from kldiv_cli.sources.arrays.keys import beside, choose, narrower, quoted
from kldiv_cli.sources.arrays.mapped import Place, Stored, map_array
from kldiv_cli.sources.base import BFLOAT16, Layout, Source
from kldiv_cli.sources.stores.commands import rewriting
from kldiv_cli.sources.views.joined import open_joined

_ADVICE = "Write it again with safetensors.numpy.save_file({'logits': logits}, path)."
_MOST_HEADER = 100_000_000
_MOST_AXES = 64
_AS_FLOAT32 = (
    "import sys, safetensors.torch as s; "
    "s.save_file({k: v.float() for k, v in s.load_file(sys.argv[1]).items()}, sys.argv[2])"
)
_TYPES: dict[str, np.dtype[Any]] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": BFLOAT16,
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("i1"),
    "U64": np.dtype("<u8"),
    "U32": np.dtype("<u4"),
    "U16": np.dtype("<u2"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("?"),
    "C64": np.dtype("<c8"),
}


@dataclass(frozen=True)
class _Tensor:
    """What the header says of a tensor; its bytes count from the end of the header."""

    kind: str
    shape: tuple[int, ...]
    start: int
    stop: int

    @property
    def listed(self) -> Kind:
        """What errors say of it."""
        name = type_name(_TYPES[self.kind]) if self.kind in _TYPES else self.kind
        return Kind(name, self.shape)


def open_safetensors(path: str, layout: Layout) -> Source:
    """Map a tensor of a safetensors file: the only one, or those which the layout's key names.

    Raises
    ------
    InputError
        The file is damaged, there is no such tensor, or several and no key, or it holds no real
        numbers or those of a type that NumPy lacks (8-bit floats).
    """
    with Path(path).open("rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(size - 8, _MOST_HEADER):
            raise LogitsError(
                f"{path}: expected the length of a header, at most {_MOST_HEADER} and within the "
                f"file's {size} bytes, found {length}",
                _ADVICE,
            )
        tensors = _read_header(file.read(length), path)
    _check_offsets(tensors, size - 8 - length, path)
    names = choose(path, layout, tensors, lambda name: tensors[name].listed)
    layout = beside(layout, names, tensors, lambda name: tensors[name].listed)

    def open_one(name: str) -> ArraySource:
        return _map(path, layout, name, tensors[name], 8 + length)

    return open_joined(path, names, open_one, narrower(layout))


def _map(path: str, layout: Layout, name: str, tensor: _Tensor, begin: int) -> ArraySource:
    """Map a tensor, given the byte at which the data of all tensors begin."""
    if tensor.kind not in _TYPES:
        raise LogitsError(
            f"{path}: expected floats of 16 bits or more or integers in {quoted(name)}, found "
            f"{tensor.kind}",
            f"Write it again: {rewriting(_AS_FLOAT32, path, '.safetensors', '-float32')}",
        )
    start, stop = (begin + offset for offset in (tensor.start, tensor.stop))
    place = Place(start, stop, start)
    return map_array(path, "safetensors", layout, Stored(_TYPES[tensor.kind], tensor.shape), place)


def _read_header(text: bytes, path: str) -> dict[str, _Tensor]:
    try:
        entries = json.loads(text.decode(), object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise LogitsError(
            f"{path}: expected a header in JSON, found one that cannot be read "
            f"({str(error).splitlines()[0]})",
            _ADVICE,
        ) from error
    if not isinstance(entries, dict):
        raise LogitsError(
            f"{path}: expected a header that is a JSON object, found {type(entries).__name__}",
            _ADVICE,
        )
    entries.pop("__metadata__", None)
    return {name: _read_tensor(name, entry, path) for name, entry in entries.items()}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name occurs twice")
    for name in found:
        name.encode()  # half of a character, which JSON can escape, is no name
    return found


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _read_tensor(name: str, entry: Any, path: str) -> _Tensor:
    match entry:
        case {"dtype": str(kind), "shape": list(shape), "data_offsets": [start, stop]} if (
            len(entry) == 3
            and len(shape) <= _MOST_AXES
            and all(map(_is_size, [*shape, start, stop]))
            and start <= stop
        ):
            tensor = _Tensor(kind, tuple(shape), start, stop)
        case _:
            raise LogitsError(
                f"{path}: expected dtype, shape and data_offsets of {quoted(name)}, found what is "
                "none of these, or not their numbers",
                _ADVICE,
            )
    size = prod(shape) * _TYPES[kind].itemsize if kind in _TYPES else stop - start
    if stop - start != size:
        raise LogitsError(
            f"{path}: expected {size} bytes of {kind} for shape {tensor.shape} of {quoted(name)}, "
            f"found {stop - start}",
            _ADVICE,
        )
    return tensor


def _is_size(value: object) -> bool:
    return type(value) is int and 0 <= value < 1 << 63


def _check_offsets(tensors: dict[str, _Tensor], size: int, path: str) -> None:
    """Raise unless the tensors lie one after the other and fill the file."""
    end = 0
    for name, tensor in sorted(tensors.items(), key=lambda item: (item[1].start, item[1].stop)):
        if tensor.start != end:
            raise LogitsError(
                f"{path}: expected the next tensor at byte {end} of the data, found {quoted(name)} "
                f"at {tensor.start}",
                _ADVICE,
            )
        end = tensor.stop
    if end != size:
        raise LogitsError(
            f"{path}: expected {end} bytes of data, as the header says, found {size}",
            f"The file is {'cut off' if size < end else 'not what it says'}. {_ADVICE}",
        )
