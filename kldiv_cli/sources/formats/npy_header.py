"""The header of an .npy file: where its values begin, and how they lie.

References
----------
.. [1] numpy.lib.format, https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import prod
from typing import IO, Any, Literal

import numpy as np
from numpy.lib import format as npy_format

from kldiv_cli.errors import LogitsError
from kldiv_cli.sources.formats.float8 import of_e5m2
from kldiv_cli.sources.formats.literals import literal

ADVICE = "Write it again with numpy.save(path, logits)."
_MAX_HEADER = 10_000
_MAX_AXES = 64
_TYPE = re.compile(r"[<>=|]?\w+(\[\w+\])?")
"""A type in one word. NumPy reads a list of types in one text with `ast`, which see `literals`."""


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
            ADVICE,
        )
    if magic[6:] not in (b"\1\0", b"\2\0", b"\3\0"):
        raise LogitsError(f"{where}: expected .npy version 1, 2 or 3, found {magic[6:]!r}", ADVICE)
    length = file.read(2 if magic[6] == 1 else 4)
    size = int.from_bytes(length, "little")
    if size > _MAX_HEADER:
        raise LogitsError(
            f"{where}: expected an .npy header of at most {_MAX_HEADER} bytes, found {size}",
            ADVICE,
        )
    text = file.read(size)
    begins = len(magic) + len(length) + len(text)
    try:
        shape, order, dtype = _parsed(text, size, "utf-8" if magic[6] == 3 else "latin-1")
    except Exception as error:  # NumPy lets through whatever a type makes it raise
        float8 = of_e5m2(where, text, begins)
        if float8 is not None:
            raise float8 from error
        raise LogitsError(
            f"{where}: expected an .npy header, found one that cannot be read "
            f"({(str(error) or type(error).__name__).splitlines()[0]})",
            ADVICE,
        ) from error
    return Header(shape, order, dtype, begins)


def _parsed(
    text: bytes, size: int, encoding: str
) -> tuple[tuple[int, ...], Literal["C", "F"], np.dtype[Any]]:
    if len(text) < size:
        raise ValueError(f"it ends after {len(text)} of {size} bytes")
    match literal(text.decode(encoding)):
        case {"descr": descr, "fortran_order": bool(fortran), "shape": tuple(shape), **others}:
            pass
        case found:
            raise ValueError(f"expected descr, fortran_order and shape, found {found}")
    if others:
        raise ValueError(f"expected descr, fortran_order and shape, found {[*others]} too")
    if any(type(length) is not int or not 0 <= length < 1 << 63 for length in shape):
        raise ValueError(f"expected lengths, found {shape}")
    if len(shape) > _MAX_AXES:
        raise ValueError(f"expected at most {_MAX_AXES} axes, found {len(shape)}")
    _check_type(descr)
    return shape, "F" if fortran else "C", npy_format.descr_to_dtype(descr)


def _check_type(descr: object) -> None:
    """Raise for a type that is spelt otherwise than NumPy writes it."""
    match descr:
        case str() if _TYPE.fullmatch(descr):
            pass
        case list():
            for field in descr:
                _check_type(field[1])
        case (inner, tuple()):
            _check_type(inner)
        case _:
            raise ValueError(f"expected a type, found {descr}")
