"""Record batches -> blocks: a batch after the other, or groups of rows a few columns at a time."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kldiv_cli.sources.base import Block
from kldiv_cli.sources.base.columns import Columns
from kldiv_cli.sources.tables.cells import (
    Batches,
    ids_of,
    no_rows,
    reading,
    rows_of_lists,
    text_of,
)
from kldiv_cli.sources.tables.row_groups import MANY, RowGroups
from kldiv_cli.sources.tables.rows import rows_of_columns
from kldiv_cli.sources.tables.words import Words, room_for

if TYPE_CHECKING:
    from kldiv_cli.sources.tables.texts import Texts

BATCH_BYTES = 1 << 22
"""How much is read at a time: what is read, read ahead and worked on is a few times this."""
_WIDE_BYTES = 1 << 23
"""How much of many columns: each costs something at every batch."""
_ADVICE = "Check what wrote the file, and that its copy was complete."

Beside = tuple[NDArray[Any] | None, NDArray[Any] | None]
"""The ids and the groups of rows."""


@dataclass(frozen=True)
class Reader:
    """What reads a table; its fields are those of `TableSource`."""

    path: str
    columns: Columns
    width: int
    dtype: str
    integers: tuple[str, ...]
    batches: Batches
    row_groups: RowGroups | None
    texts: Texts | None

    def blocks(
        self, order: Sequence[str], groups: Sequence[int] | None = None
    ) -> Generator[Block, None, None]:
        """Yield what is read at a time as one block, with class columns in an order.

        ``groups`` are the groups of rows to read; None is all.

        Raises
        ------
        InputError
            There are no rows, or the file is damaged.
        """
        read = self._by_strips if self.in_strips else self._by_batches
        found = False
        for block in read(list(order), groups, Words(self.path, room_for(self.path))):
            if len(block):
                found = True
                yield block
        if not found:
            raise no_rows(self.path)

    @cached_property
    def in_strips(self) -> bool:
        """Whether whole groups of rows are read, a few columns after the other."""
        are_floats = not self.columns.integers and self.dtype.startswith("float")
        if not self.is_wide or not are_floats or self.row_groups is None:
            return False
        return self.row_groups.come_in_strips(self.row_bytes)

    @property
    def is_wide(self) -> bool:
        """Whether there are many columns, so that much is read at a time."""
        return len(self.columns.classes) >= MANY

    @property
    def row_bytes(self) -> int:
        """How many bytes a row takes."""
        return max(1, self.width) * np.dtype(self.dtype).itemsize

    @cached_property
    def _rows_at_once(self) -> int:
        most = max(1, (_WIDE_BYTES if self.is_wide else BATCH_BYTES) // self.row_bytes)
        if self.texts is not None:
            return max(1, most // self.texts.rows)
        return most

    def _by_batches(
        self, order: list[str], groups: Sequence[int] | None, words: Words
    ) -> Iterator[Block]:
        """Yield every batch as one block."""
        if self.columns.row is not None:
            order = [self.columns.row]
        read = self.batches if groups is None else partial(self._groups.batches, groups)
        start = 0
        for batch in read([*self.columns.per_row, *order], self._rows_at_once):
            with reading(self.path, _ADVICE):
                block = self._block(batch, order, start, words)
            start += batch.num_rows
            yield block

    def _block(self, batch: pa.RecordBatch, order: list[str], start: int, words: Words) -> Block:
        """Return the rows of a batch, which begins so many rows, or texts, behind the first."""
        if self.texts is not None:
            rows = self.texts.unnest(batch, start)
            batch, ids = rows.batch, self.texts.ids(rows)
        else:
            ids = [batch.column(name) for name in self.columns.ids]
        if self.columns.row is not None:
            values = rows_of_lists(self.path, batch.column(self.columns.row), self.width)
        elif self.columns.classes:
            first = batch.num_columns - len(order)
            classes = batch.select([*range(first, batch.num_columns)]) if first else batch
            values = rows_of_columns(self.path, classes, self.integers)
        else:
            values = np.empty((len(batch), 0))
        named, groups = self._beside(batch, ids, words)
        return Block(values, named, groups=groups)

    def _by_strips(
        self, order: list[str], groups: Sequence[int] | None, words: Words
    ) -> Iterator[Block]:
        """Yield some groups of rows as one block."""
        found = self._groups
        groups = range(len(found.sizes())) if groups is None else groups
        for run, rows in found.together(groups, self._rows_at_once):
            with reading(self.path, _ADVICE):
                values = found.filled(run, order, rows, self.dtype)
                ids, names = self._beside_groups(run, words)
                yield Block(values, ids, groups=names)

    def _beside_groups(self, run: Sequence[int], words: Words) -> Beside:
        """Return the ids and the groups of all rows of some row groups."""
        names = list(self.columns.per_row)
        if not names:
            return None, None
        found = [
            self._beside(batch, [batch.column(name) for name in self.columns.ids], words)
            for batch in self._groups.batches(run, names, self._rows_at_once)
        ]
        ids = [each[0] for each in found if each[0] is not None]
        groups = [each[1] for each in found if each[1] is not None]
        return np.concatenate(ids) if ids else None, np.concatenate(groups) if groups else None

    def _beside(self, batch: pa.RecordBatch, ids: Sequence[pa.Array], words: Words) -> Beside:
        group = self.columns.group
        groups = None if group is None else text_of(self.path, batch.column(group), words)
        return ids_of(self.path, ids, words) if ids else None, groups

    @property
    def _groups(self) -> RowGroups:
        if self.row_groups is None:
            raise ValueError(f"{self.path} has no groups of rows")
        return self.row_groups
