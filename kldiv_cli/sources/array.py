"""Arrays, in memory or mapped, as rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.errors import InputError
from kldiv_cli.sources.base import BFLOAT16, Block, Layout, check_exact_integers, check_numeric


@dataclass(frozen=True)
class ArraySource:
    """An array whose leading axes index rows; the rest of it is one row's classes.

    Parameters
    ----------
    array : array of any shape with at least one axis
        Real numbers; never copied as a whole.
    layout : Layout
        Where the rows end; ``id`` and ``columns`` are for tables and not looked at.
    path, format : str
        What messages and results call it.
    release, expect : callable or None
        Told from which element to which the array was read, so that a mapped file lets the pages
        go, and is going to be read, so that it fetches them.
    """

    array: NDArray[Any]
    layout: Layout
    path: str = "array"
    format: str = "array"
    release: Callable[[int, int], None] | None = None
    expect: Callable[[int, int], None] | None = None

    class_names = None
    id_name = None
    shards = None
    group_name = None

    def __post_init__(self) -> None:
        check_numeric(self.array.dtype, self.path, booleans=self.layout.booleans)
        shape, row_axes = self.array.shape, self.layout.row_axes
        check_shape(shape, self.path)
        if row_axes is not None and not 0 <= row_axes < len(shape):
            raise InputError(
                f"{self.path}: expected --row-axes from 0 to {len(shape) - 1} for shape "
                f"{shape}, found {row_axes}",
                "--row-axes N takes N leading axes as rows and leaves at least one for classes.",
            )

    @property
    def dtype(self) -> str:
        """NumPy's name of the type, without the byte order."""
        return type_name(self.array.dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape as stored."""
        return self.array.shape

    @property
    def notes(self) -> tuple[str, ...]:
        """What was decided about the format."""
        return self.layout.notes

    @cached_property
    def _row_axes(self) -> int:
        axes = self.layout.row_axes
        return self.array.ndim - 1 if axes is None else axes

    @property
    def row_shape(self) -> tuple[int, ...]:
        """The axes that index rows; (1,) where the whole array is one row."""
        return self.shape[: self._row_axes] or (1,)

    @property
    def class_shape(self) -> tuple[int, ...]:
        """The axes that are left."""
        return self.shape[self._row_axes :]

    @property
    def rows_expected(self) -> int:
        """The number of rows."""
        return prod(self.row_shape)

    def blocks(self, rows: int, classes: Sequence[str] | None = None) -> Iterator[Block]:
        """Yield blocks; of an array that is not in C order, each is a copy of its own rows."""
        if classes is not None:
            raise ValueError("an array has no class names")
        count = self.rows_expected
        for start in range(0, count, rows):
            yield self.at(slice(start, min(start + rows, count)))

    def at(self, places: slice | NDArray[np.intp]) -> Block:
        """Return the rows from one place to another, or those at single places, as a copy."""
        width = prod(self.class_shape)
        in_order = self.array.flags.c_contiguous
        if isinstance(places, slice):
            read = (places.start * width, places.stop * width)
        else:
            read = (int(places[0]) * width, (int(places[-1]) + 1) * width)
        if not in_order:
            read = (0, self.rows_expected * width)
        if self.expect is not None and isinstance(places, slice):
            self.expect(*read)
        if in_order:
            values = self.array.reshape(self.rows_expected, width)[places]
        else:
            if isinstance(places, slice):
                places = np.arange(places.start, places.stop)
            index = np.unravel_index(places, self.row_shape)
            whole = self.array.reshape(self.row_shape + self.class_shape)
            values = whole[index].reshape(-1, width)
        check_exact_integers(values, self.path)
        return Block(values, release=self.release and partial(self.release, *read))

    def place_of(self, row: int) -> None:
        """Arrays have no lines."""


def type_name(dtype: np.dtype[Any]) -> str:
    """Return what a type is called, without its byte order."""
    return "bfloat16" if dtype == BFLOAT16 else dtype.name


def check_shape(shape: tuple[int, ...], path: str) -> None:
    """Raise unless there are rows and classes."""
    if not shape:
        raise InputError(
            f"{path}: expected an array of logits, found a single number (shape ())",
            "Save an array whose last axis holds the classes.",
        )
    if 0 in shape:
        raise InputError(
            f"{path}: expected rows and classes, found none (shape {shape})",
            "Check what wrote the file: there is nothing in it to compare.",
        )
