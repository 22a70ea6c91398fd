"""Arrays, in memory or mapped, as rows."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from math import prod
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds
from numpy.typing import ArrayLike, NDArray

from kldiv_cli.errors import InputError, LogitsError
from kldiv_cli.sources.arrays.strided import copy_range, copy_single
from kldiv_cli.sources.base import (
    BFLOAT16,
    LOGITS,
    Beside,
    Block,
    Expected,
    Layout,
    check_exact_integers,
    check_type,
    sum_tolerance,
)

_AHEAD = 1 << 26
"""How many bytes are fetched before they are read: of a long row the system fetches the rest."""
_TOGETHER = 1 << 25
"""How many bytes of an array that is not in C order are copied at a time. Fewer bytes would mean
more visits to each of its pages."""


@dataclass(frozen=True)
class ArraySource:
    """An array whose leading axes index rows; the other axes index the classes of a row.

    Parameters
    ----------
    array : array of any shape with at least one axis
        Real numbers; never copied as a whole.
    layout : Layout
        Where the rows end; ``id`` and ``columns`` are for tables and not looked at.
    path, format : str
        What messages and results call it.
    release : callable or None
        Told from which byte to which the array was read, so that a mapped file lets the pages go.
        Bytes are counted from the first value.
    expect : callable or None
        Told from which byte to which it is going to be read, so that a mapped file fetches them.
    has_keys : bool
        Whether the file stores arrays under names.
    """

    array: NDArray[Any]
    layout: Layout
    path: str = "array"
    format: str = "array"
    release: Callable[[int, int], None] | None = None
    expect: Callable[[int, int], None] | None = None
    has_keys: bool = False

    is_table = is_delimited = False
    kind = bounds = tokens = None
    class_names = columns = id_name = shards = arrays = group_name = None

    def __post_init__(self) -> None:
        check_type(self.array.dtype, self.path, self.layout.expected)
        shape, row_axes = self.array.shape, self.layout.row_axes
        check_shape(shape, self.path, self.layout.expected)
        if row_axes is not None and not 0 <= row_axes < max(2, len(shape)):
            raise LogitsError(
                f"{self.path}: expected --row-axes from 0 to {max(2, len(shape)) - 1} for shape "
                f"{shape}, found {row_axes}",
                "--row-axes N takes N leading axes as rows and leaves at least one for classes.",
            )
        axis = self.layout.class_axis
        if axis is not None and not -len(shape) <= axis < len(shape):
            raise LogitsError(
                f"{self.path}: expected --class-axis from {-len(shape)} to {len(shape) - 1} for "
                f"shape {shape}, found {axis}",
                "Axes are counted from 0; -1 is the last.",
            )

    @property
    def dtype(self) -> str:
        """NumPy's name of the type, without the byte order."""
        return type_name(self.array.dtype)

    @property
    def sum_tolerance(self) -> float:
        """How far from 1 the probabilities of a row may sum."""
        return sum_tolerance(self.dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape as stored."""
        return self.array.shape

    @property
    def notes(self) -> tuple[str, ...]:
        """What was decided about the format."""
        return self.layout.notes

    @property
    def beside(self) -> Beside | None:
        """What else the file holds of the same shape."""
        return self.layout.beside

    @cached_property
    def class_axes(self) -> tuple[int, ...]:
        """The axes that index classes; none where every number is a row of one cell."""
        axis, count = self.layout.class_axis, self.array.ndim
        if axis is not None:
            return (axis % count,)
        first = self.layout.row_axes
        return tuple(range(count - 1 if first is None else first, count))

    @cached_property
    def by_rows(self) -> NDArray[Any]:
        """The array with its axes of classes last, as a view."""
        if self.layout.class_axis is None:
            return self.array
        return np.moveaxis(self.array, self.layout.class_axis, -1)

    def turned(self, axis: int) -> ArraySource | None:
        """Return the array with its classes along another axis; None where the layout says it."""
        if self.layout.row_axes is not None or self.layout.class_axis is not None:
            return None
        return replace(self, layout=replace(self.layout, class_axis=axis))

    @property
    def row_shape(self) -> tuple[int, ...]:
        """The axes that index rows; (1,) where the whole array is one row."""
        return self.by_rows.shape[: self.array.ndim - len(self.class_axes)] or (1,)

    @property
    def class_shape(self) -> tuple[int, ...]:
        """The axes that are left; (1,) where none is."""
        return self.by_rows.shape[self.array.ndim - len(self.class_axes) :] or (1,)

    @property
    def length(self) -> int:
        """The number of rows."""
        return prod(self.row_shape)

    @property
    def rows_expected(self) -> int:
        """The number of rows."""
        return self.length

    def blocks(self, rows: int, classes: Sequence[str] | None = None) -> Iterator[Block]:
        """Yield blocks; those of an array that is not in C order are parts of copies."""
        if classes is not None:
            raise ValueError("an array has no class names")
        return self.blocks_at(range(self.rows_expected), rows)

    def beginning(self, rows: int) -> Generator[Block, None, None]:
        """Yield the rows in order, and copy or check no others before they are asked for."""
        for start in range(0, self.length, rows):
            yield self.at(range(start, min(start + rows, self.length)))

    def blocks_at(self, places: range | NDArray[np.intp], rows: int) -> Iterator[Block]:
        """Yield the rows at these places, at most so many at a time."""
        together = rows
        if not self.by_rows.flags.c_contiguous:
            together *= max(1, _TOGETHER // (rows * self._row_bytes))
        for start in range(0, len(places), together):
            block = self.at(places[start : start + together])
            for first in range(0, len(block), rows):
                yield block[first : first + rows]

    def at(self, places: range | NDArray[np.intp]) -> Block:
        """Return the rows from one place to another, or those at single places, as a copy."""
        rows, axes = self.by_rows.reshape(self.row_shape + self.class_shape), len(self.row_shape)
        release = None
        if not isinstance(places, range):
            values = copy_single(rows, axes, places, self._let_go)
        elif not self.by_rows.flags.c_contiguous:
            values = copy_range(rows, axes, places, self._let_go)
        else:
            read = (places.start * self._row_bytes, places.stop * self._row_bytes)
            if self.expect is not None:
                self.expect(read[0], min(read[1], read[0] + _AHEAD))
            values = rows.reshape(self.rows_expected, -1)[places.start : places.stop]
            release = self.release and partial(self.release, *read)
        check_exact_integers(values, self.path, self.layout.expected)
        return Block(values, release=release)

    @property
    def _row_bytes(self) -> int:
        return prod(self.class_shape) * self.array.itemsize

    def _let_go(self, part: NDArray[Any]) -> None:
        """Release the pages of a part of the array, which was copied."""
        if self.release is not None:
            first = byte_bounds(self.array)[0]
            low, high = byte_bounds(part)
            self.release(low - first, high - first)

    def place_of(self, row: int) -> None:
        """Arrays have no lines."""


def as_array(values: ArrayLike, name: str) -> NDArray[Any]:
    """Return a caller's value as an array.

    Raises
    ------
    InputError
        NumPy makes no array of it: rows differ in length, or a tensor is not in this memory.
    """
    try:
        return np.asarray(values) if not _is_bfloat16(values) else _bits(values).view(BFLOAT16)
    except ValueError as error:
        raise InputError(
            f"{name}: expected rows of one length, found what NumPy makes no array of ({error})",
            "Give every row as many numbers as the others.",
        ) from error
    except (TypeError, RuntimeError) as error:
        raise InputError(
            f"{name}: expected an array, found what NumPy makes none of ({error})",
            "Of a PyTorch tensor, give tensor.detach().cpu().float().numpy().",
        ) from error


def _is_bfloat16(values: Any) -> bool:
    """Tell whether this is a bfloat16 tensor of PyTorch, which has to be loaded for that."""
    torch = sys.modules.get("torch")
    return torch is not None and getattr(values, "dtype", None) is torch.bfloat16


def _bits(values: Any) -> NDArray[Any]:
    """Return the bits of a bfloat16 tensor, without a copy."""
    return np.asarray(values.view(sys.modules["torch"].int16))


def type_name(dtype: np.dtype[Any]) -> str:
    """Return what a type is called, without its byte order."""
    return "bfloat16" if dtype == BFLOAT16 else dtype.name


def check_shape(shape: tuple[int, ...], path: str, expected: Expected = LOGITS) -> None:
    """Raise unless there are rows and classes."""
    if not shape:
        raise LogitsError(
            f"{path}: expected {expected.array}, found a single number (shape ())",
            "Save an array whose last axis holds the classes.",
        )
    if 0 in shape:
        raise LogitsError(
            f"{path}: expected rows and classes, found none (shape {shape})",
            "Check what wrote the file: there is nothing in it to compare.",
        )
