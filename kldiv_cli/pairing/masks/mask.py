"""Which cells enter: a mask, laid along the axes of the inputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.errors import InputError
from kldiv_cli.measures.distributions.exact import real
from kldiv_cli.pairing.masks.axes import Lengths
from kldiv_cli.sources.base import Block, Indexed, Source

Means = Literal["keep", "drop"]
Booleans = NDArray[np.bool_]
_ADVICE = (
    "Save it as booleans, true where a cell enters; with --mask-means drop, where it does not."
)
_HELD_ROWS = 1 << 12


@dataclass(frozen=True)
class Mask:
    """A mask. Each of its axes is as long as the inputs' axis, or it has one cell that is repeated.

    Parameters
    ----------
    source : Source
        The file or array. Its rows are the axes that do not lie along classes.
    means : {"keep", "drop"}
        Whether a true cell enters or is left out.
    rows, classes : tuple of int
        The mask's length along each of the inputs' axes of rows and of classes; None where only
        reading to the end tells.
    row_shape, class_shape : tuple of int
        The inputs' lengths.
    names : sequence of str or None
        The classes of a table, in the order of the inputs.
    """

    source: Source
    means: Means
    rows: Lengths
    classes: tuple[int, ...]
    row_shape: Lengths
    class_shape: tuple[int, ...]
    names: Sequence[str] | None = None

    def places(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the rows of the mask that belong to these rows of the inputs."""
        if not self.is_repeated:
            return rows
        repeated = [mine == 1 != whole for mine, whole in self._axes]
        stop = int(rows[-1]) + 1
        index = np.unravel_index(rows, [n or stop for n in self.row_shape])
        mine = [i * 0 if once else i for i, once in zip(index, repeated, strict=True)]
        place: NDArray[np.intp] = np.ravel_multi_index(mine, [n or stop for n in self.rows])
        return place

    def blocks(self, rows: int) -> Iterator[Block]:
        """Yield the mask's rows, so many at a time, true where a cell enters.

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
        """Return the rows of the source at ascending places, true where a cell enters.

        Raises
        ------
        InputError
            A cell is neither 0 nor 1.
        """
        own, back = np.unique(places, return_inverse=True)
        return self._kept(source.at(own), own)[back]

    @cached_property
    def held(self) -> Booleans | None:
        """The whole mask, a byte per cell; None where its rows come in the order of the inputs.

        They do not where an axis is repeated in front of one that is not, such as (1, L) along rows
        (N, L). The mask is far smaller than the inputs then.
        """
        repeated = [mine == 1 for mine, whole in self._axes if whole != 1]
        in_rows = prod(self.source.class_shape) == prod(self.classes)
        if in_rows and repeated == sorted(repeated):
            return None
        kept = np.concatenate([block.values.ravel() for block in self.blocks(_HELD_ROWS)])
        return kept.reshape(-1, prod(self.classes))

    def along_classes(self, kept: Booleans) -> Booleans:
        """Repeat rows of the mask along the classes; a cell for a whole row is not repeated."""
        if self.of_rows or self.classes == self.class_shape:
            return kept
        folded = kept.reshape(len(kept), *self.classes)
        return np.broadcast_to(folded, (len(kept), *self.class_shape)).reshape(len(kept), -1)

    @property
    def is_repeated(self) -> bool:
        """Whether one row of the mask belongs to several rows of the inputs."""
        return any(mine == 1 != whole for mine, whole in self._axes)

    @property
    def of_rows(self) -> bool:
        """Whether the mask has one cell per row."""
        return prod(self.classes) == 1

    @property
    def has_rows_to_count(self) -> bool:
        """Whether only reading to the end tells that there are as many rows as in the inputs."""
        return self.rows[0] != 1 and None in (self.rows[0], self.row_shape[0])

    @property
    def _axes(self) -> Iterator[tuple[int | None, int | None]]:
        return zip(self.rows, self.row_shape, strict=True)

    def _kept(self, block: Block, places: Sequence[int] | NDArray[np.intp]) -> Booleans:
        """Return which cells of a block enter, and release the block."""
        values = real(block.values)
        if values.dtype == bool:  # a damaged file may hold a third value
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
        names, place = self.names or self.source.class_names, self.source.place_of(row)
        where = "" if place is None else f", {place}"
        if names is None:
            flat = row * prod(self.source.class_shape) + column
            shape = [n or row + 1 for n in self.source.shape]
            cell = ", ".join(str(int(i)) for i in np.unravel_index(flat, shape))
            return f"cell [{cell}]{where}"
        return f"row {row}{where}, column {names[column]!r}"
