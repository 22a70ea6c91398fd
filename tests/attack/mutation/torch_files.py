"""Tensors of a PyTorch file by Python's own unpickler, which makes nothing but arrays."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_STORAGES = {
    "Double": "f8", "Float": "f4", "Half": "f2", "BFloat16": "u2", "Long": "i8", "Int": "i4",
    "Short": "i2", "Char": "i1", "Byte": "u1", "Bool": "?",
}  # fmt: skip


def arrays_of(file: zipfile.ZipFile) -> list[Array]:
    """Return the tensors and arrays of an archive in their order."""
    (name,) = [name for name in dict.fromkeys(file.namelist()) if name.endswith("/data.pkl")]
    return list(_arrays(_Unpickler(file, name.removesuffix("data.pkl")).load()))


def _arrays(value: object) -> Iterator[Array]:
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _arrays(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _arrays(item)


class _Storage:
    def __init__(self, name: str) -> None:
        self.kind = _STORAGES[name.removesuffix("Storage")]


class _Stub(dict[str, Any]):
    """An object of a class that is not known, by its state."""

    def __init__(self, *_: object) -> None:
        super().__init__()

    def __setstate__(self, state: object) -> None:
        if isinstance(state, dict):
            self.update(state)


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: zipfile.ZipFile, folder: str) -> None:
        super().__init__(io.BytesIO(file.read(f"{folder}data.pkl")))
        self._file, self._folder = file, folder
        order = f"{folder}byteorder"
        big = order in file.namelist() and file.read(order) == b"big"
        self._order = ">" if big else "<"

    def find_class(self, module: str, name: str) -> Any:
        """Return what stands for a class, and never the class."""
        if module == "torch" and name.endswith("Storage"):
            return _Storage(name)
        known = {
            "_rebuild_tensor_v2": _tensor,
            "_rebuild_parameter": lambda tensor, *_: tensor,
            "_reconstruct": np._core.multiarray._reconstruct,  # type: ignore[attr-defined]
            "ndarray": np.ndarray,
            "dtype": np.dtype,
            "encode": lambda text, _: text.encode("latin-1"),
            "OrderedDict": OrderedDict,
        }
        return known.get(name, _Stub)

    def persistent_load(self, key: Any) -> Array:
        """Return a storage."""
        _, storage, name, *_ = key
        content = self._file.read(f"{self._folder}data/{name}")
        values = np.frombuffer(content, self._order + storage.kind)
        return (values.astype(np.uint32) << 16).view("f4") if storage.kind == "u2" else values


def _tensor(storage: Array, offset: int, shape: Any, strides: Any, *_: object) -> Array:
    places = np.full(shape, offset)
    for axis, (length, stride) in enumerate(zip(shape, strides, strict=True)):
        steps = stride * np.arange(length)
        places = places + steps.reshape([-1 if i == axis else 1 for i in range(len(shape))])
    return storage[places]
