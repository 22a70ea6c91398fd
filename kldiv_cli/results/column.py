"""A number of every row, in memory that grows in place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LEAST = 1 << 25
"""So many bytes are reserved at first: the system hands them out as they are written, and moves
larger ones without copying where it can."""


class _Memory:
    """An array whose first ``used`` entries are taken; once ``shown`` it is not moved any more."""

    def __init__(self, array: NDArray[Any], used: int, *, shown: bool) -> None:
        self.array, self.used, self.shown = array, used, shown

    def reserve(self, length: int) -> None:
        """Make room for so many entries, and a sixteenth more."""
        if length > len(self.array):
            self.array.resize(length + length // 16, refcheck=False)


class Column:
    """The numbers of consecutive rows: a value, and a monoid.

    Joining writes behind the numbers of the first column, where nothing stands there yet: the first
    of many joins copies, and the others take no more memory than what they add.
    """

    def __init__(self, values: NDArray[Any]) -> None:
        self._memory = _Memory(values, len(values), shown=True)
        self._length = len(values)

    @classmethod
    def join(cls, parts: Sequence[Column]) -> Column:
        """Return the numbers of all rows; at least one part."""
        some = [part for part in parts if len(part)] or [parts[0]]
        first, *rest = some
        if not rest:
            return first
        joined = cls.__new__(cls)
        joined._length = sum(map(len, some))
        memory = first._memory
        if memory.used > first._length or (memory.shown and joined._length > len(memory.array)):
            dtype = memory.array.dtype
            room = max(joined._length, _LEAST // dtype.itemsize)
            memory = _Memory(np.empty(room, dtype), 0, shown=False)
            rest = some
        joined._memory = memory
        memory.reserve(joined._length)
        for part in rest:
            stop = memory.used + len(part)
            memory.array[memory.used : stop] = part._memory.array[: len(part)]
            memory.used = stop
        return joined

    def __len__(self) -> int:
        return self._length

    def array(self) -> NDArray[Any]:
        """Return the numbers, shape (rows,); of few ones a copy, which holds no room for more."""
        memory = self._memory
        if not memory.shown and self._length < len(memory.array) // 2:
            return memory.array[: self._length].copy()
        memory.shown = True
        return memory.array[: self._length]

    def __reduce__(self) -> tuple[type[Column], tuple[NDArray[Any]]]:
        return Column, (self.array(),)
