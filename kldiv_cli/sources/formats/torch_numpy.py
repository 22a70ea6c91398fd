"""NumPy arrays inside the pickle of a PyTorch file: the few names that rebuild one, as records.

References
----------
.. [1] NumPy, numpy/_core/src/multiarray/methods.c (array_reduce, array_setstate) and descriptor.c.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MODULES = ("numpy._core.multiarray", "numpy.core.multiarray")
_NEW = {f"{module}._reconstruct" for module in _MODULES}
_SCALAR = {f"{module}.scalar" for module in _MODULES}
ARRAY, DTYPE, ENCODE = "numpy.ndarray", "numpy.dtype", "_codecs.encode"
NAMES = {*_NEW, *_SCALAR, ARRAY, DTYPE, ENCODE}
_CODE = re.compile(r"[a-zA-Z]\d{1,9}")
_MOST_AXES = 64


class RefusedError(Exception):
    """A pickle that holds something else than tensors, arrays and plain values."""


@dataclass(frozen=True)
class Encoded:
    """Bytes that the pickle holds as the text of their codes; they are made when they are read."""

    text: str


@dataclass
class DType:
    """A type of values and its byte order."""

    code: str
    order: str = "|"

    def set_state(self, state: Any) -> None:
        """Take the byte order; fields and shapes of a value are refused."""
        match state:
            case (0 | 1 | 2 | 3 | 4, "<" | ">" | "|" as order, None, None, None, *_):
                self.order = order
            case _:
                raise RefusedError("a NumPy type that is no plain one")


@dataclass(eq=False)
class PickledArray:
    """An array, whose values are None before the pickle says them."""

    dtype: str = ""
    shape: tuple[int, ...] = ()
    fortran: bool = False
    content: bytes | Encoded | None = None

    def set_state(self, state: Any) -> None:
        """Take type, shape and values."""
        match state:
            case (1, tuple(shape), DType() as dtype, bool(fortran), content):
                if not isinstance(content, (bytes, Encoded)):
                    raise RefusedError("a NumPy array of objects")
                if len(shape) > _MOST_AXES or not all(map(is_size, shape)):
                    raise RefusedError("a NumPy array whose shape is none")
                self.dtype, self.shape = dtype.order + dtype.code, shape
                self.fortran, self.content = fortran, content
            case _:
                raise RefusedError("a NumPy array in another layout than NumPy writes")

    def values(self, dtype: np.dtype[Any]) -> NDArray[Any]:
        """Return the array; a ValueError where the pickle has more or fewer bytes than it takes."""
        content = self.content
        stored = content.text.encode("latin1") if isinstance(content, Encoded) else content or b""
        if len(stored) != prod(self.shape) * dtype.itemsize:
            raise ValueError(f"{len(stored)} bytes of {dtype} for shape {self.shape}")
        values: NDArray[Any] = np.frombuffer(stored, dtype)
        return values.reshape(self.shape, order="F" if self.fortran else "C")


def is_size(value: object) -> bool:
    """Tell whether this is a length that a file can have."""
    return type(value) is int and 0 <= value < 1 << 63


def made(name: str, arguments: tuple[Any, ...]) -> object | None:
    """Return the record that a call of one of `NAMES` describes, None for other arguments."""
    match arguments:
        case (str(text), "latin1" | "latin-1") if name == ENCODE:
            return Encoded(text)
        case (str(code), bool(), bool()) if name == DTYPE and _CODE.fullmatch(code):
            return DType(code)
        case (DType(), bytes() | Encoded() as content) if name in _SCALAR:
            return content
        case (_, (0,), bytes() | Encoded()) if name in _NEW:
            return PickledArray()
    return None
