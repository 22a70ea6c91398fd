"""Which column of a table is the row id, which are classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kldiv_cli.errors import InputError, LogitsError, a_few
from kldiv_cli.sources.base import Layout
from kldiv_cli.sources.tables.kinds import is_number, is_number_list

_INDEX_NAMES = {"id", "idx", "index", "row", "row_id", "__index_level_0__"}
"""Lower case; the last is what pandas calls an index in Parquet."""
_UNNAMED = {"", "Unnamed: 0"}
"""What pandas calls an index in CSV, and after reading it back as a column."""
_TELL = "Name the row id with --id COLUMN and the class columns with --columns A,B,..."
_GROUP = "kldiv compare takes a column of groups with --group COLUMN"


@dataclass(frozen=True)
class Columns:
    """The roles of a table's columns.

    Parameters
    ----------
    id : str or None
        The column of row ids.
    classes : tuple of str
        The columns of the classes; empty where ``row`` is a column.
    row : str or None
        The list column whose cells are whole rows.
    notes : tuple of str
        What was decided, for the user.
    group : str or None
        The column of the rows' groups.
    lists : tuple of str
        The other columns of lists of numbers, where ``row`` is one.
    """

    id: str | None
    classes: tuple[str, ...]
    row: str | None
    notes: tuple[str, ...]
    group: str | None = None
    lists: tuple[str, ...] = ()


def assign(
    path: str,
    schema: pa.Schema,
    first: Callable[[], NDArray[Any]],
    layout: Layout,
    *,
    named: bool = True,
) -> Columns:
    """Decide what each column of a table is.

    Parameters
    ----------
    path : str
        For messages.
    schema : pyarrow.Schema
        Names and types.
    first : callable
        Returns the first values of the first column: without a name it is an index if it counts
        0, 1, 2, ...
    layout : Layout
        What the user said; it overrules every guess.
    named : bool
        Whether the names in the schema stand in the file; if not, they are the columns' positions.

    Raises
    ------
    InputError
        A named column is missing or of the wrong type, names occur twice, or the roles are unclear.
    """
    table = _Table(path, schema.names, schema.types, first, named)
    table.check_names(layout)
    group = layout.group if layout.group in table.types else None
    if group is not None:
        table.check_group(group, layout)
    if layout.alone and not layout.columns:
        return Columns(None, (), None, layout.notes, table.find_group(layout))
    names = [name for name in table.names if name != group]
    if layout.columns is not None:
        asked = set(layout.columns)
        left = [] if layout.alone else [name for name in names if name not in asked]
        id_name, notes = table.find_id(left, layout.id, must_tell=False)
        notes = layout.notes + notes
        if len(layout.columns) == 1 and is_number_list(table.types[layout.columns[0]]):
            lists = tuple(name for name in left if is_number_list(table.types[name]))
            return Columns(id_name, (), layout.columns[0], notes, group, lists)
        table.check_classes(layout.columns)
        return Columns(id_name, layout.columns, None, notes, group)

    id_name, notes = table.find_id(names, layout.id, must_tell=True)
    notes = layout.notes + notes
    indices = [name for name in names if name != id_name and table.is_index(name)]
    if indices:
        notes += (f"column {a_few(indices)} left out: it numbers the rows",)
    out = {id_name, *indices}
    rest = [name for name in names if name not in out]
    classes = tuple(name for name in rest if is_number(table.types[name]))
    row_lists = [name for name in rest if is_number_list(table.types[name])]
    if len(row_lists) == 1 and not classes:
        return Columns(id_name, (), row_lists[0], notes, group)
    if row_lists or not classes:
        found = (
            f"list column {a_few(row_lists)}{' beside ' if classes else ''}{a_few(list(classes))}"
            if row_lists
            else f"none (columns: {a_few(table.names)})"
        )
        raise LogitsError(
            f"{path}: expected one numeric column per class, found {found}",
            "Name what holds the logits with --columns A,B,... or --columns LIST.",
        )
    return Columns(id_name, classes, None, notes, group)


@dataclass(frozen=True)
class _Table:
    path: str
    names: list[str]
    kinds: list[pa.DataType]
    first: Callable[[], NDArray[Any]]
    named: bool

    @cached_property
    def types(self) -> dict[str, pa.DataType]:
        """The type of each column."""
        return dict(zip(self.names, self.kinds, strict=True))

    def check_names(self, layout: Layout) -> None:
        """Raise if names occur twice, or are asked for and missing."""
        names, asked = self.names, list(layout.columns or ())
        for where, found in ((f"{self.path}: ", names), (f"{self.path}: --columns: ", asked)):
            twice = [name for name, count in Counter(found).items() if count > 1]
            if twice:
                raise InputError(
                    f"{where}expected every column name once, found {a_few(twice)} again",
                    "Classes are matched by name: rename or drop the copies.",
                )
        missing = [x for x in (*asked, layout.id) if x is not None and x not in self.types]
        if missing:
            raise LogitsError(
                f"{self.path}: expected column {a_few(missing)}, found {a_few(names)}",
                "Check --id and --columns against the file's column names.",
            )
        if layout.id is not None and layout.id in asked:
            raise LogitsError(
                f"{self.path}: column {layout.id!r} cannot be the row id and a class",
                "Leave it out of --columns, or name another --id.",
            )

    def check_group(self, name: str, layout: Layout) -> None:
        """Raise if the column of groups has another role too, or holds no text and no numbers."""
        if name in (layout.columns or ()):
            raise LogitsError(
                f"{self.path}: column {name!r} cannot hold the groups and be a class",
                "Leave it out of --columns, or name another --group.",
            )
        if name == layout.id:
            raise LogitsError(
                f"{self.path}: column {name!r} cannot be the row id and hold the groups",
                "Leave --group out: every row would be a group of its own.",
            )
        if pa.types.is_nested(self.types[name]):
            raise LogitsError(
                f"{self.path}: expected a label per row in column {name!r}, found "
                f"{self.types[name]}",
                "Name another column with --group.",
            )

    def find_group(self, layout: Layout) -> str:
        """Return the column of groups; raise where the table lacks it."""
        if layout.group not in self.types:
            raise LogitsError(
                f"{self.path}: expected column {layout.group!r}, found {a_few(self.names)}",
                "Name one of the file's columns.",
            )
        return layout.group

    def check_classes(self, classes: tuple[str, ...]) -> None:
        """Raise if a column that was named as a class holds no numbers."""
        for name in classes:
            kind = self.types[name]
            if not is_number(kind):
                raise LogitsError(
                    f"{self.path}: expected numbers in class column {name!r}, found {kind}",
                    "Leave it out of --columns; a list column is named alone.",
                )

    def find_id(
        self, names: list[str], asked: str | None, *, must_tell: bool
    ) -> tuple[str | None, tuple[str, ...]]:
        """Return the row-id column and how it was found.

        ``must_tell`` says that every column needs a role.
        """
        other = [name for name in names if not self._is_for_logits(name)]
        if asked is not None:
            self._check_id(asked)
            stray = [name for name in other if name != asked]
            if stray and must_tell:
                raise LogitsError(
                    f"{self.path}: expected numbers beside the row id {asked!r}, found column "
                    f"{a_few(stray)} of type {self.types[stray[0]]}",
                    f"{_GROUP}, and --columns A,B,... names the class columns.",
                )
            return asked, (f"row id: column {asked!r} (--id)",)
        if len(other) > 1:
            if not must_tell:
                return None, ()
            raise LogitsError(
                f"{self.path}: expected at most one column that is not numeric, the row id, found "
                f"{a_few(other)}",
                f"--id COLUMN names the row id, --columns A,B,... the classes; {_GROUP}.",
            )
        if other:
            self._check_id(other[0])
            return other[0], (f"row id: column {other[0]!r}, the only one that is not numeric",)
        return self._find_index(names, must_tell=must_tell)

    def _find_index(
        self, names: list[str], *, must_tell: bool
    ) -> tuple[str | None, tuple[str, ...]]:
        indices = [name for name in names if self.is_index(name)]
        if len(indices) > 1:
            raise LogitsError(
                f"{self.path}: expected one row id, found {a_few(indices)}",
                _TELL,
            )
        if indices:
            return indices[0], (f"row id: column {indices[0]!r}, which numbers the rows",)
        if must_tell and names[:1] == self.names[:1] and self._is_unclear():
            raise self._unclear()
        return None, ()

    def is_index(self, name: str) -> bool:
        """Tell whether a numeric column plainly numbers the rows."""
        if not is_number(self.types[name]):
            return False
        if name.lower() in _INDEX_NAMES:
            return True
        if name != self.names[0] or not self._is_first_unnamed:
            return False
        column = self.first()
        return bool(np.array_equal(column, np.arange(len(column))))

    @property
    def _is_first_unnamed(self) -> bool:
        return not self.named or self.names[0] in _UNNAMED

    def _is_unclear(self) -> bool:
        """Tell an unnamed first column of integers that may be row ids.

        Where no column has a name and all of them hold integers, it is a class like the others.
        """
        if not self.names or not self._is_first_unnamed or not pa.types.is_integer(self.kinds[0]):
            return False
        return self.named or not all(map(pa.types.is_integer, self.kinds))

    def _unclear(self) -> InputError:
        name = self.names[0]
        if self.named:
            return LogitsError(
                f"{self.path}: expected a name for the first column, which holds integers that do "
                "not count 0, 1, 2, ...: row ids or a class?",
                f"Say --id {name!r} if it holds row ids, or name it if it is a class.",
            )
        return LogitsError(
            f"{self.path}: expected row ids or a class in the first column, found integers that "
            "may be either",
            f"Say --id {name} if it holds row ids; if it is a class, name all of them with "
            f"--columns {name},1,2,...",
        )

    def _is_for_logits(self, name: str) -> bool:
        kind = self.types[name]
        return is_number(kind) or is_number_list(kind)

    def _check_id(self, name: str) -> None:
        kind = self.types[name]
        if pa.types.is_nested(kind):
            raise LogitsError(
                f"{self.path}: expected row ids, or numbers, in column {name!r}, found {kind}",
                _TELL,
            )
