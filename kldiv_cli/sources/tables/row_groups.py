"""Tables in groups of rows, any of which can be read without the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kldiv_cli.sources.tables.rows import as_rows, fill

MOST_BYTES = 1 << 27
"""How many bytes the rows of a group may take to be read together."""
MANY = 1 << 6
"""So many columns cost something at every batch: each has a reader of its own."""


@dataclass(frozen=True)
class RowGroups:
    """Groups of rows.

    Parameters
    ----------
    sizes : callable
        () -> how many rows each has, in order.
    batches : callable
        (groups, column names, rows at a time) -> record batches of these groups.
    strips : callable or None
        (groups, column names) -> tables of all rows of these groups, of a few columns after the
        other; None where that takes too much memory.
    """

    sizes: Callable[[], tuple[int, ...]]
    batches: Callable[[Sequence[int], list[str], int], Iterator[pa.RecordBatch]]
    strips: Callable[[Sequence[int], list[str]], Iterator[pa.Table]] | None = None

    @cached_property
    def largest(self) -> int:
        """How many rows the largest group has."""
        return max(self.sizes(), default=0)

    def come_in_strips(self, row_bytes: int) -> bool:
        """Tell whether rows of so many bytes can be read `filled`."""
        return self.strips is not None and self.largest * row_bytes <= MOST_BYTES

    def together(self, groups: Sequence[int], rows: int) -> Iterator[tuple[list[int], int]]:
        """Yield runs of groups that have so many rows together, or one group, and their rows."""
        sizes = self.sizes()
        run: list[int] = []
        count = 0
        for group in groups:
            if run and count + sizes[group] > rows:
                yield run, count
                run, count = [], 0
            run.append(group)
            count += sizes[group]
        if count:
            yield run, count

    def filled(
        self, groups: Sequence[int], names: list[str], rows: int, dtype: str
    ) -> NDArray[Any]:
        """Return these columns, all of floats, as rows: so many, as the groups have.

        Raises
        ------
        pyarrow.ArrowInvalid
            A column has another number.
        """
        if self.strips is None:
            raise ValueError("these groups cannot be read in strips")
        found = np.empty((rows, len(names)), dtype)
        column = 0
        for strip in self.strips(groups, names):
            if len(strip) != rows:
                raise pa.ArrowInvalid(f"expected {rows} rows in a column, found {len(strip)}")
            row, right = 0, column + strip.num_columns
            for batch in strip.to_batches():
                part = found[row : row + len(batch), column:right]
                if not fill(part, batch):
                    part[:] = as_rows(batch)
                row += len(batch)
            column = right
        return found
