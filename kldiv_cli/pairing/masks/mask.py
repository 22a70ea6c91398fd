"""Which cells enter: a mask, laid along the axes of the inputs and read as their rows go by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.errors import InputError
from kldiv_cli.sources.base import Block, Indexed, Source

Means = Literal["keep", "drop"]
Lengths = tuple[int | None, ...]
Booleans = NDArray[np.bool_]
_ADVICE = (
    "Save it as booleans, true where a cell enters; with --mask-means drop, where it does not."
)
_HELD_ROWS = 1 << 12


@dataclass(frozen=True)
class Mask:
    """A mask, every axis of which is as long as that of the inputs, or 1 and repeated along it.

    Parameters
    ----------
    source : Source
        The file or array. Where its last axes lie along the classes, its rows are the others.
    means : {"keep", "drop"}
        Whether a true cell enters or is left out.
    rows, classes : tuple of int
        Its lengths, one for each of the inputs' axes of rows and of classes; None where only
        reading to the end tells.
    row_shape, class_shape : tuple of int
        The inputs' lengths.
    names : sequence of str or None
        The classes of a table in the order of the inputs.
    """

    source: Source
    means: Means
    rows: Lengths
    classes: tuple[int, ...]
    row_shape: Lengths
    class_shape: tuple[int, ...]
    names: Sequence[str] | None = None

    def places(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return which rows of the mask belong to rows of the inputs, whose places are given."""
        if not self.is_repeated:
            return rows
        repeated = [mine == 1 != whole for mine, whole in self._axes]
        stop = int(rows[-1]) + 1
        index = np.unravel_index(rows, [n or stop for n in self.row_shape])
        mine = [i * 0 if once else i for i, once in zip(index, repeated, strict=True)]
        place: NDArray[np.intp] = np.ravel_multi_index(mine, [n or stop for n in self.rows])
        return place

    def blocks(self, rows: int) -> Iterator[Block]:
        """Yield its own rows, so many at a time, true where a cell enters.

        Raises
        ------
        InputError
            A cell is neither 0 nor 1.
        """
        start = 0
        for block in self.source.blocks(rows, self.names):
            yield Block(self._kept(block, range(start, start + len(block))), block.ids)
            start += len(block)

    def at(self, source: Indexed, places: NDArray[np.intp]) -> Booleans:
        """Return single rows of its source, ascending.

        Raises
        ------
        InputError
            A cell is neither 0 nor 1.
        """
        own, back = np.unique(places, return_inverse=True)
        return self._kept(source.at(own), own)[back]

    @cached_property
    def held(self) -> Booleans | None:
        """The whole of it, a byte per cell, where it cannot be read in the order of the inputs.

        It can be unless an axis is repeated in front of one that is not, as (1, L) along rows
        (N, L) is; then, or with one cell per row, it is far smaller than the inputs.
        """
        repeated = [mine == 1 for mine, whole in self._axes if whole != 1]
        in_rows = prod(self.source.class_shape) == prod(self.classes)
        if in_rows and repeated == sorted(repeated):
            return None
        kept = np.concatenate([block.values.ravel() for block in self.blocks(_HELD_ROWS)])
        return kept.reshape(-1, prod(self.classes))

    def along_classes(self, kept: Booleans) -> Booleans:
        """Repeat rows of the mask along the classes; one cell stands for a whole row as it is."""
        if self.of_rows or self.classes == self.class_shape:
            return kept
        folded = kept.reshape(len(kept), *self.classes)
        return np.broadcast_to(folded, (len(kept), *self.class_shape)).reshape(len(kept), -1)

    @property
    def is_repeated(self) -> bool:
        """Whether one of its rows belongs to several of the inputs."""
        return any(mine == 1 != whole for mine, whole in self._axes)

    @property
    def of_rows(self) -> bool:
        """Whether it keeps and leaves out whole rows."""
        return prod(self.classes) == 1

    @property
    def has_rows_to_count(self) -> bool:
        """Whether only reading to the end tells if it has as many rows as the inputs."""
        return self.rows[0] != 1 and None in (self.rows[0], self.row_shape[0])

    @property
    def _axes(self) -> Iterator[tuple[int | None, int | None]]:
        return zip(self.rows, self.row_shape, strict=True)

    def _kept(self, block: Block, places: Sequence[int] | NDArray[np.intp]) -> Booleans:
        """Return which cells of some of its rows enter, and let their pages go."""
        values = block.values
        if values.dtype == bool:  # of which a damaged file may hold others than these two
            values = values.view(np.uint8)
        true: Booleans = values == 1
        known = true | (values == 0)
        if not known.all():
            row, column = (int(i) for i in np.argwhere(~known)[0])
            raise InputError(
                f"{self.source.path}: {self._place(int(places[row]), column)}: expected 0 or 1, "
                + f"found {values[row, column]:g}".replace("nan", "NaN"),
                _ADVICE,
            )
        if block.release is not None:
            block.release()
        return ~true if self.means == "drop" else true

    def _place(self, row: int, column: int) -> str:
        names = self.names or self.source.class_names
        if names is None:
            flat = row * prod(self.source.class_shape) + column
            shape = [n or row + 1 for n in self.source.shape]
            return f"cell [{', '.join(str(int(i)) for i in np.unravel_index(flat, shape))}]"
        place = self.source.place_of(row)
        return f"row {row}{'' if place is None else f', {place}'}, column {names[column]!r}"


class Strips:
    """The rows of a mask as those of the inputs go by.

    Parameters
    ----------
    mask : Mask
        What is read.
    rows : int
        How many rows are likely to be asked for at a time.
    part : bool
        Whether these are only some rows of the inputs.
    """

    def __init__(self, mask: Mask, rows: int, *, part: bool = False) -> None:
        self._mask = mask
        self._indexed = mask.source if part and isinstance(mask.source, Indexed) else None
        self._known = None if mask.held is None else len(mask.held)
        if self._indexed is not None and mask.held is None:
            self._known = prod(length or 0 for length in mask.source.row_shape)
        self._blocks = iter(()) if self._known is not None else mask.blocks(rows)
        self._block = Block(np.empty((0, prod(mask.classes)), bool))
        self._first = 0

    def take(self, rows: NDArray[np.intp], ids: NDArray[Any] | None) -> Booleans | None:
        """Return what is kept of rows behind those taken before; None past the mask's end.

        The shape is (rows, classes), or (rows, 1) for whole rows.

        Raises
        ------
        InputError
            The mask has row ids, and they are not these.
        """
        mask, places = self._mask, self._mask.places(rows)
        values: Booleans | None
        if self._known is not None and places.max() >= self._known:
            values = None
        elif mask.held is not None:
            values = mask.held[places]
        elif self._indexed is not None:
            values = mask.at(self._indexed, places)
        else:
            values = self._read(places, ids)
        return None if values is None else mask.along_classes(values)

    def count(self) -> int:
        """Return how many rows the mask has, reading to its end."""
        if self._known is not None:
            return self._known
        return self._first + len(self._block) + sum(len(block) for block in self._blocks)

    def _read(self, places: NDArray[np.intp], ids: NDArray[Any] | None) -> Booleans | None:
        """Return rows of the mask, ascending; those before them are let go."""
        first, last = int(places[0]), int(places[-1]) + 1
        kept = self._block[max(0, first - self._first) :]
        parts = [kept] if len(kept) else []
        end = self._first + len(self._block)
        while end < last and (more := next(self._blocks, None)) is not None:
            if end + len(more) > first:
                parts.append(more[max(0, first - end) :])
            end += len(more)
        self._block = parts[0] if len(parts) == 1 else _joined(parts or [kept])
        self._first = end - len(self._block)
        if end < last:
            return None
        block = self._block[: last - first]
        if len(block) > len(places) or self._mask.is_repeated:
            block = block[places - first]
        self._check_ids(block, ids, places)
        return block.values

    def _check_ids(self, block: Block, ids: NDArray[Any] | None, places: NDArray[np.intp]) -> None:
        if block.ids is None or ids is None or self._mask.is_repeated:
            return
        wrong = block.ids.astype(str) != ids.astype(str)
        if wrong.any():
            row = int(wrong.argmax())
            raise InputError(
                f"{self._mask.source.path}: expected the reference's rows in its order, found "
                f"{str(block.ids[row])!r} in row {places[row]}, which is {str(ids[row])!r} there",
                "A mask goes with the reference's rows by position: write it in their order.",
            )


def _joined(parts: Sequence[Block]) -> Block:
    ids = [block.ids for block in parts if block.ids is not None]
    values = np.concatenate([block.values for block in parts])
    return Block(values, np.concatenate(ids) if ids else None)


def align(path: str, shape: Lengths, row_shape: Lengths, class_shape: tuple[int, ...]) -> Lengths:
    """Return the mask's lengths along all axes of the inputs, 1 where it is repeated.

    Its axes are the first ones of the inputs or their last ones, each as long as theirs or 1.

    Raises
    ------
    InputError
        They are neither, or may be either.
    """
    whole: Lengths = row_shape + class_shape
    ones = (1,) * (len(whole) - len(shape))
    laid: dict[Lengths, None] = dict.fromkeys([shape + ones, ones + shape])
    fits = [
        lengths
        for lengths in laid
        if _fit(lengths, whole) and (None not in lengths or len(row_shape) == 1)
    ]
    if len(fits) == 1:
        return fits[0]
    if fits:
        first, last = map(_shown, fits)
        raise InputError(
            f"{path}: expected a mask that fits {_shown(whole)} in one way, found {_shown(shape)}, "
            "which fits the first axes and the last ones",
            f"Save it with the shape {first} for the first axes, or {last} for the last ones.",
        )
    raise InputError(
        f"{path}: expected a mask that fits the first or the last axes of {_shown(whole)}, found "
        f"{_shown(shape)}",
        "Each of its axes is as long as that of the inputs, or 1.",
    )


def _fit(lengths: Lengths, whole: Lengths) -> bool:
    return len(lengths) == len(whole) and all(
        mine == 1 or mine is None or other is None or mine == other
        for mine, other in zip(lengths, whole, strict=True)
    )


def _shown(shape: Lengths) -> str:
    return str(tuple("?" if n is None else n for n in shape)).replace("'", "")
