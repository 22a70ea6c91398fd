"""The columns of a table: their names, their types, their first values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kldiv_cli.sources.tables.kinds import is_number, lists_in

_INDEX_NAMES = frozenset({"id", "idx", "index", "row", "row_id", "__index_level_0__"})
"""Lower case; the last is what pandas calls an index without a name."""
_UNNAMED = frozenset({"", "Unnamed: 0"})
"""What pandas calls an index in CSV, and after reading it back as a column."""


_TRUTHS = frozenset({"true", "false"})


@dataclass(frozen=True)
class Table:
    """The names and types of a table's columns.

    Parameters
    ----------
    path : str
        For messages.
    names : list of str
        The columns; their positions where the file names none.
    kinds : list of pyarrow.DataType
        Their types.
    first : callable
        Name -> the first values of a column.
    named : bool
        Whether the names stand in the file.
    typed : bool
        Whether the types do; text has none, and its true and false are words.
    """

    path: str
    names: list[str]
    kinds: list[pa.DataType]
    first: Callable[[str], NDArray[Any]]
    named: bool
    typed: bool = True

    @cached_property
    def types(self) -> dict[str, pa.DataType]:
        """The type of each column."""
        return dict(zip(self.names, self.kinds, strict=True))

    def holds_logits(self, name: str) -> bool:
        """Tell whether a column has the type of a class, or of whole rows."""
        kind = self.types[name]
        return is_number(kind) or lists_in(kind) > 0

    def is_index(self, name: str) -> bool:
        """Tell whether a numeric column plainly numbers the rows.

        It is called so and holds integers that occur once, or it is the first, has no name and
        counts from 0, or from 1 as R does.
        """
        kind = self.types[name]
        if not is_number(kind):
            return False
        if name.lower() in _INDEX_NAMES:
            return not pa.types.is_floating(kind) and self.are_unique((name,))
        if name != self.names[0] or not self.is_first_unnamed:
            return False
        found = self.first(name)
        starts = (0, 1) if self.named else (0,)
        return any(np.array_equal(found, np.arange(start, start + len(found))) for start in starts)

    def are_unique(self, names: Sequence[str]) -> bool:
        """Tell whether the first values of columns, taken together, occur once; none are empty."""
        rows = zip(*(self.first(name).tolist() for name in names), strict=False)
        found = [row for row in rows if None not in row]
        return len(set(found)) == len(found)

    def may_identify(self, name: str) -> bool:
        """Tell whether each cell of a column may identify a row: lists, true and false do not."""
        kind = self.types[name]
        if pa.types.is_nested(kind) or pa.types.is_boolean(kind):
            return False
        if self.typed or is_number(kind):
            return True
        words = {str(word).lower() for word in self.first(name).tolist()}
        return not words or not words <= _TRUTHS

    @property
    def is_first_unnamed(self) -> bool:
        """Whether the first column has no name, be it the only such one or not."""
        return not self.named or self.names[0] in _UNNAMED

    @property
    def unclear(self) -> str | None:
        """The first column if it has no name and holds integers, which may be row ids.

        Where no column has a name and all of them hold integers, it is a class like the others.
        """
        if not self.names or not self.is_first_unnamed or not pa.types.is_integer(self.kinds[0]):
            return None
        if not self.named and all(map(pa.types.is_integer, self.kinds)):
            return None
        return None if self.is_index(self.names[0]) else self.names[0]
