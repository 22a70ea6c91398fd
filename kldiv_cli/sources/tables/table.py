"""Tables as sources: record batches become blocks."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa

from kldiv_cli.errors import InputError, LogitsError
from kldiv_cli.sources.base import Beside, Block, Layout, sum_tolerance
from kldiv_cli.sources.base.columns import Columns
from kldiv_cli.sources.tables.begun import Begun
from kldiv_cli.sources.tables.cells import Batches, no_rows
from kldiv_cli.sources.tables.reader import BATCH_BYTES, Reader
from kldiv_cli.sources.tables.row_groups import RowGroups
from kldiv_cli.sources.views.read_ahead import ahead

if TYPE_CHECKING:
    from kldiv_cli.sources.tables.texts import Texts

MORE_THREADS = pa.cpu_count() > 2
"""Whether PyArrow decodes columns in parallel: the two sides keep two processors busy anyway."""


@dataclass(frozen=True)
class TableSource:
    """A table with one numeric column per class, or one list column that holds the row.

    Parameters
    ----------
    path, format, dtype : str
        What messages and results call it.
    columns : Columns
        The roles of its columns.
    width : int
        How many classes there are.
    rows : int or None
        How many rows there are, where the file says.
    rows_expected : int or None
        The same or a guess.
    batches : callable
        (column names, rows at a time) -> record batches that hold these columns in this order.
    line : callable
        Row -> line of a text file, or None.
    integers : tuple of str
        The class columns of 64-bit integers, which float64 may not hold.
    named : bool
        Whether the columns' names are the file's; if not, the classes have none.
    row_groups : RowGroups or None
        The groups of rows that can be read one without the other, where the file has any.
    is_delimited : bool
        Whether it is text with delimiters between cells.
    is_text : bool
        Whether its numbers are written in digits, which may be few.
    texts : Texts or None
        How the texts that it holds become rows; None where it holds rows.
    """

    path: str
    format: str
    dtype: str
    columns: Columns
    width: int
    rows: int | None
    rows_expected: int | None
    batches: Batches
    line: Callable[[int], int | None]
    integers: tuple[str, ...] = ()
    named: bool = True
    row_groups: RowGroups | None = None
    is_delimited: bool = False
    is_text: bool = False
    texts: Texts | None = None
    _begun: list[Begun] = field(default_factory=list, init=False, repr=False, compare=False)

    is_table, has_keys = True, False
    kind = bounds = tokens = class_axes = shards = arrays = None

    def __post_init__(self) -> None:
        if self.rows == 0:
            raise no_rows(self.path)
        if self.width == 0 and not self._has_groups_only:
            raise LogitsError(
                f"{self.path}: expected classes, found lists without entries",
                "Check what wrote the file: there is nothing in it to compare.",
            )

    @property
    def sum_tolerance(self) -> float:
        """How far from 1 the probabilities of a row may sum."""
        return sum_tolerance(self.dtype, text=self.is_text)

    @property
    def length(self) -> int | None:
        """The number of rows, where the file says."""
        return self.rows

    @property
    def shape(self) -> tuple[int | None, int]:
        """Rows and classes."""
        return self.rows, self.width

    @property
    def row_shape(self) -> tuple[int | None]:
        """The one axis of rows."""
        return (self.rows,)

    @property
    def class_shape(self) -> tuple[int]:
        """The one axis of classes."""
        return (self.width,)

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """The names of the class columns."""
        return (self.columns.classes or None) if self.named else None

    @property
    def id_name(self) -> str | None:
        """The column that identifies rows."""
        return self.columns.id if self.texts is None else self.texts.id_name

    @property
    def group_name(self) -> str | None:
        """The column that says what group a row is in."""
        return self.columns.group

    @property
    def notes(self) -> tuple[str, ...]:
        """What was decided about format and columns."""
        return self.columns.notes if self.texts is None else self.texts.notes

    @property
    def beside(self) -> Beside | None:
        """Other columns of lists, where one holds the rows."""
        row, lists = self.columns.row, self.columns.lists
        return None if row is None or not lists else Beside(row, lists)

    @property
    def _has_groups_only(self) -> bool:
        return self.columns.group is not None and not self.columns.classes and not self.columns.row

    @property
    def groups(self) -> tuple[int, ...]:
        """How many rows each group has; empty where there are no groups."""
        return () if self.row_groups is None else self.row_groups.sizes()

    def blocks(self, rows: int, classes: Sequence[str] | None = None) -> Iterator[Block]:
        """Yield blocks; nulls are NaN.

        A thread begins to read at once. A small table is read without it: it would cost more than
        it saves.
        """
        order = self.columns.classes if classes is None else tuple(classes)
        if self._begun and order == self.columns.classes:
            return self._ahead(self._begun.pop().take(), rows)
        return self._ahead(self._reader.blocks(order), rows)

    def beginning(self, rows: int) -> Generator[Block, None, None]:
        """Yield blocks that no thread reads ahead; `blocks` goes on where this ends."""
        begun = Begun(self._reader.blocks(self.columns.classes))
        self._begun[:] = [begun]
        for block in _cut(begun.look(), rows):
            yield replace(block, values=block.values.copy())

    def blocks_of(
        self, groups: Sequence[int], rows: int, classes: Sequence[str] | None = None
    ) -> Iterator[Block]:
        """Yield the rows of these groups."""
        order = self.columns.classes if classes is None else classes
        return self._ahead(self._reader.blocks(order, groups), rows)

    def _ahead(self, whole: Generator[Block, None, None], rows: int) -> Iterator[Block]:
        expected, each = self.rows_expected, self._reader.row_bytes
        found = ahead(
            whole, None if expected is None else expected * each, 1 if self._reader.is_wide else 2
        )
        return _cut(found, min(rows, max(1, BATCH_BYTES // each)))

    @cached_property
    def _reader(self) -> Reader:
        return Reader(
            self.path,
            self.columns,
            self.width,
            self.dtype,
            self.integers,
            self.batches,
            self.row_groups,
            self.texts,
        )

    def place_of(self, row: int) -> str | None:
        """Name the line on which a row of a text file stands."""
        line = self.line(row)
        return None if line is None else f"line {line}"


def _cut(whole: Iterator[Block], rows: int) -> Iterator[Block]:
    for block in whole:
        for start in range(0, len(block), rows):
            yield block[start : start + rows]


def check_layout(path: str, layout: Layout) -> None:
    """Raise if the user gives a table more or fewer than its one axis of rows."""
    if layout.row_axes not in (None, 1):
        raise InputError(
            f"{path}: expected --row-axes 1 for a table, found {layout.row_axes}",
            "A table has one axis of rows; save arrays with more as .npy.",
        )
