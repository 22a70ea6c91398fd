"""The rows of a mask, read beside the rows of the inputs."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.errors import InputError
from kldiv_cli.pairing.masks.mask import Booleans, Mask
from kldiv_cli.pairing.matching import as_text
from kldiv_cli.sources.base import Block, Indexed


class Strips:
    """A mask that is read block by block, beside the blocks of the inputs.

    Parameters
    ----------
    mask : Mask
        The mask.
    rows : int
        How many rows are read at a time.
    part : bool
        Whether only some rows of the inputs are asked for.
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
        """Return which cells of some rows enter; None where the mask has too few rows.

        Parameters
        ----------
        rows : array of int
            The rows' places, ascending, behind those of the last call.
        ids : array or None
            The rows' ids.

        Returns
        -------
        bool array, shape (rows, classes), or (rows, 1) for a mask of whole rows, or None

        Raises
        ------
        InputError
            The mask has other row ids.
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
        """Return rows of the mask, and forget the rows before these."""
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
        wrong = as_text(block.ids) != as_text(ids)
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
