"""Cells of text as Python's strings, in bounded memory."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kldiv_cli.errors import InputError
from kldiv_cli.memory import available
from kldiv_cli.sources.stores.uris import is_elsewhere

LEAST_ROOM = 1 << 28
_INFLATION = 8
"""How many times the size of a file its text may have in memory, beyond `LEAST_ROOM`."""
PIECE = 1 << 26
"""How many bytes of text are expanded at a time, where a cell is stored once for many rows."""
_LONG = 256
"""Shorter cells are not looked up: they take little more than the row that they name."""


def room_for(path: str) -> int:
    """Return how many bytes the text of a file may take in memory."""
    if not is_elsewhere(path):
        with suppress(OSError):  # of a file that was removed since it was opened
            return LEAST_ROOM + _INFLATION * Path(path).stat().st_size
    return available() // 2


def too_much(path: str, room: int, what: str = "row ids and groups") -> InputError:
    """Return the error of text that takes more room than it may."""
    return InputError(
        f"{path}: expected {what} of at most {room >> 20} MB, found more",
        "Name another column with --id or --group, or leave this one out with --drop.",
    )


class Words:
    """The text of a file. A long cell is held once, in however many rows it stands.

    Parameters
    ----------
    path : str
        The file, for messages.
    room : int
        How many bytes long cells may take.
    """

    def __init__(self, path: str, room: int) -> None:
        self._path, self._room = path, room
        self._long: dict[str, str] = {}
        self._taken = 0

    def of(self, column: pa.Array) -> NDArray[Any]:
        """Return cells as text, None where one is missing.

        Raises
        ------
        InputError
            They take more room than they may.
        pyarrow.ArrowException
            They have no form as text.
        """
        if pa.types.is_dictionary(column.type):
            return self._of_dictionary(column)
        if is_view(column.type):
            return self._of_views(column)
        if not pa.types.is_string(column.type):
            column = column.cast(pa.string())
        found: NDArray[Any] = column.to_numpy(zero_copy_only=False)
        return found if column.nbytes < _LONG * len(column) else self.held(found)

    def held(self, cells: Iterable[str | None]) -> NDArray[Any]:
        """Return text that is already Python's, with each long cell once."""
        kept = [cell if cell is None else self._held(cell) for cell in cells]
        found = np.empty(len(kept), dtype=object)
        found[:] = kept
        return found

    def _held(self, cell: str) -> str:
        if len(cell) < _LONG:
            return cell
        known = self._long.setdefault(cell, cell)
        if known is cell:
            self._taken += sys.getsizeof(cell)
            if self._taken > self._room:
                raise too_much(self._path, self._room)
        return known

    def _of_dictionary(self, column: pa.Array) -> NDArray[Any]:
        codes = column.indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
        used, places = np.unique(codes, return_inverse=True)
        words = column.dictionary
        if is_view(words.type):  # of which PyArrow takes nothing
            words = pa.array(self.of(words), pa.large_string())
        first = int(np.searchsorted(used, 0))
        known = self.of(words.take(pa.array(used[first:])))
        return np.concatenate([np.full(first, None), known])[places]

    def _of_views(self, column: pa.Array) -> NDArray[Any]:
        """Return views as text. Many may be of one place in the file."""
        longest = int(_view_lengths(column).max(initial=1))
        step = max(1, PIECE // max(1, longest))
        pieces = [column.slice(start, step) for start in range(0, len(column), step)]
        parts = [self.of(piece.cast(pa.string())) for piece in pieces]
        return np.concatenate(parts) if parts else np.empty(0, object)


def _view_lengths(column: pa.Array) -> NDArray[np.int32]:
    """Return the length of every view, which comes first among its 16 bytes."""
    views = np.frombuffer(column.buffers()[1] or b"", np.int32).reshape(-1, 4)
    return views[column.offset : column.offset + len(column), 0]


def is_view(kind: pa.DataType) -> bool:
    """Tell whether cells of that type refer to text anywhere in the file."""
    return bool(pa.types.is_string_view(kind) or pa.types.is_binary_view(kind))


def repeated(column: pa.Array, places: pa.Array) -> pa.Array:
    """Return the cells at these places. Text that stands at several is held once."""
    if pa.types.is_dictionary(column.type):
        return pa.DictionaryArray.from_arrays(column.indices.take(places), column.dictionary)
    if pa.types.is_primitive(column.type):
        return column.take(places)
    return pa.DictionaryArray.from_arrays(places, column)
