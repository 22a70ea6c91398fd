"""Which column of a table is the row id, which are classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from kldiv_cli.errors import InputError, a_few
from kldiv_cli.sources.base import Layout

_INDEX_NAMES = {"id", "idx", "index", "row", "row_id"}
_UNNAMED = {"", "Unnamed: 0", "__index_level_0__"}
"""What an index column is called that pandas wrote: to_csv, read back by read_csv, to_parquet."""


@dataclass(frozen=True)
class Columns:
    """The roles of a table's columns.

    ``row`` is the list column that holds a whole row, for tables that are laid out so; then
    ``classes`` is empty.
    """

    id: str | None
    classes: tuple[str, ...]
    row: str | None
    notes: tuple[str, ...]

    @property
    def wanted(self) -> list[str]:
        """The columns to read."""
        rest = list(self.classes) if self.row is None else [self.row]
        return rest if self.id is None else [self.id, *rest]


def assign(path: str, schema: pa.Schema, first: pa.RecordBatch | None, layout: Layout) -> Columns:
    """Decide what each column of a table is.

    Parameters
    ----------
    path : str
        For messages.
    schema : pyarrow.Schema
        Names and types.
    first : pyarrow.RecordBatch or None
        The first rows: an unnamed column is an index if it counts 0, 1, 2, ...
    layout : Layout
        What the user said; it overrules every guess.

    Raises
    ------
    InputError
        A named column is missing or of the wrong type, names occur twice, or the roles are unclear.
    """
    names = schema.names
    _check_names(path, names, layout)
    numeric = {field.name for field in schema if is_number(field.type)}
    lists = [field.name for field in schema if is_number_list(field.type)]
    if layout.columns is not None:
        _check_class_types(path, schema, layout.columns)
        left = [name for name in names if name not in layout.columns]
        id_name, notes = _find_id(path, schema, first, left, layout.id, must_tell=False)
        return Columns(id_name, layout.columns, None, notes)
    id_name, notes = _find_id(path, schema, first, names, layout.id, must_tell=True)
    indices = [name for name in names if name != id_name and _is_index(schema, first, name)]
    if indices:
        notes += (f"column {a_few(indices)} left out: it numbers the rows",)
    classes = tuple(n for n in names if n in numeric and n != id_name and n not in indices)
    if len(lists) == 1 and not classes:
        return Columns(id_name, (), lists[0], notes)
    if not classes:
        raise InputError(
            f"{path}: expected one numeric column per class, found none (columns: {a_few(names)})",
            "Name the class columns with --columns A,B,...",
        )
    return Columns(id_name, classes, None, notes)


def _check_names(path: str, names: list[str], layout: Layout) -> None:
    seen: set[str] = set()
    twice = [name for name in names if name in seen or seen.add(name)]  # type: ignore[func-returns-value]
    if twice:
        raise InputError(
            f"{path}: expected every column name once, found {a_few(twice)} again",
            "Classes are matched by name: rename or drop the copies.",
        )
    asked = [*(layout.columns or ()), *([] if layout.id is None else [layout.id])]
    missing = [name for name in asked if name not in names]
    if missing:
        raise InputError(
            f"{path}: expected column {a_few(missing)}, found {a_few(names)}",
            "Check --id and --columns against the file's column names.",
        )
    if layout.id is not None and layout.id in (layout.columns or ()):
        raise InputError(
            f"{path}: column {layout.id!r} cannot be the row id and a class",
            "Leave it out of --columns, or name another --id.",
        )


def _check_class_types(path: str, schema: pa.Schema, classes: Sequence[str]) -> None:
    for name in classes:
        if not is_number(schema.field(name).type):
            raise InputError(
                f"{path}: expected numbers in class column {name!r}, found "
                f"{schema.field(name).type}",
                "Leave it out of --columns.",
            )


def _find_id(
    path: str,
    schema: pa.Schema,
    first: pa.RecordBatch | None,
    names: list[str],
    asked: str | None,
    *,
    must_tell: bool,
) -> tuple[str | None, tuple[str, ...]]:
    other = [
        name
        for name in names
        if not is_number(schema.field(name).type) and not is_number_list(schema.field(name).type)
    ]
    if asked is not None:
        stray = [name for name in other if name != asked]
        if stray and must_tell:
            raise InputError(
                f"{path}: expected numbers beside the row id {asked!r}, found column "
                f"{a_few(stray)} of type {schema.field(stray[0]).type}",
                "Name the class columns with --columns A,B,...",
            )
        return asked, (f"row id: column {asked!r} (--id)",)
    if len(other) > 1:
        if not must_tell:
            return None, ()
        raise InputError(
            f"{path}: expected at most one column that is not numeric, the row id, found "
            f"{a_few(other)}",
            "Name the row id with --id COLUMN and the class columns with --columns A,B,...",
        )
    if other:
        return other[0], (f"row id: column {other[0]!r}, the only one that is not numeric",)
    indices = [name for name in names if _is_index(schema, first, name)]
    if len(indices) > 1:
        raise InputError(
            f"{path}: expected one row id, found {a_few(indices)}",
            "Name the row id with --id COLUMN and the class columns with --columns A,B,...",
        )
    if indices:
        return indices[0], (f"row id: column {indices[0]!r}, which numbers the rows",)
    if must_tell and _is_unclear(schema, first):
        raise InputError(
            f"{path}: expected a name for the first column, which holds integers that do not "
            "count 0, 1, 2, ...: row ids or a class?",
            f"Say --id {schema.names[0]!r} if it holds row ids, or name it if it is a class.",
        )
    return None, ()


def _is_index(schema: pa.Schema, first: pa.RecordBatch | None, name: str) -> bool:
    if not is_number(schema.field(name).type):
        return False
    if name.lower() in _INDEX_NAMES:
        return True
    if name not in _UNNAMED or (name != schema.names[0] and name != "__index_level_0__"):
        return False
    if first is None:
        return False
    column = first.column(schema.get_field_index(name)).to_numpy(zero_copy_only=False)
    return bool(np.array_equal(column, np.arange(len(column))))


def _is_unclear(schema: pa.Schema, first: pa.RecordBatch | None) -> bool:
    """Tell an unnamed first column of integers beside columns that are not."""
    types = [field.type for field in schema]
    return (
        schema.names[0] in _UNNAMED
        and pa.types.is_integer(types[0])
        and not all(pa.types.is_integer(kind) for kind in types)
        and not _is_index(schema, first, schema.names[0])
    )


def is_number(kind: pa.DataType) -> bool:
    """Tell whether a column of that type can hold logits; a column of nothing but nulls can."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind))


def is_number_list(kind: pa.DataType) -> bool:
    """Tell whether a column of that type holds a whole row of logits in each cell."""
    lists = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    return any(test(kind) for test in lists) and is_number(kind.value_type)
