"""What each column of a table would be taken for."""

from __future__ import annotations

import pyarrow as pa

from kldiv_cli.sources.base import Layout
from kldiv_cli.sources.base.columns import Columns
from kldiv_cli.sources.base.contents import Held, Role
from kldiv_cli.sources.tables.kinds import dtype_of, is_number, lists_in
from kldiv_cli.sources.tables.roles.columns import Table
from kldiv_cli.sources.tables.roles.said import Said
from kldiv_cli.sources.tables.roles.stated import Stated

Judged = tuple[Role, str]

_LISTS = "lists beside the rows"
_ROWS = "lists: --columns NAME takes them for rows"
_TEXT = "no number: a row id, or neither that nor a class"


def held(
    table: Table, options: Said, file: Stated, layout: Layout, columns: Columns | None
) -> list[Held]:
    """Return what each column would be taken for.

    Parameters
    ----------
    table : Table
        The table.
    options : Said
        What options say.
    file : Stated
        What the file says.
    layout : Layout
        What the user says of the input.
    columns : Columns or None
        The roles; None where it takes options to tell them.
    """
    decided = _of_options(options, file) | ({} if columns is None else _of_columns(columns))
    types = {kind: _type(kind) for kind in set(table.kinds)}
    others = _Others(table, layout, is_decided=columns is not None)
    return [
        Held(name, types[kind], None, *(decided.get(name) or others.judged(name, kind)))
        for name, kind in zip(table.names, table.kinds, strict=True)
    ]


def _of_options(options: Said, file: Stated) -> dict[str, Judged]:
    found: dict[str, Judged] = dict.fromkeys(file.labels, ("left out", "labels, as the file says"))
    found |= dict.fromkeys(file.ids, ("left out", "an index"))
    found |= dict.fromkeys(options.dropped, ("left out", "--drop"))
    found |= dict.fromkeys(options.ids, ("id", ""))
    return found if options.group is None else {**found, options.group: ("group", "")}


def _of_columns(columns: Columns) -> dict[str, Judged]:
    found: dict[str, Judged] = dict.fromkeys(columns.lists, ("left out", _LISTS))
    found |= dict.fromkeys(columns.classes, ("class", ""))
    found |= dict.fromkeys(columns.ids, ("id", ""))
    if columns.row is not None:
        found[columns.row] = ("rows", "")
    if columns.unclear is not None:
        found[columns.unclear] = ("unclear", "row ids, or a class")
    return found


class _Others:
    """Columns that neither options nor the file speak of."""

    def __init__(self, table: Table, layout: Layout, is_decided: bool) -> None:
        self.table, self.is_decided = table, is_decided
        self.is_named = layout.columns is not None

    def judged(self, name: str, kind: pa.DataType) -> Judged:
        """Return what a column would be taken for."""
        if self.is_decided and self.is_named:
            return "left out", "not among --columns"
        if self.table.is_index(name):
            return "left out" if self.is_decided else "unclear", "numbers the rows"
        if is_number(kind):
            return ("left out", "") if self.is_decided else ("class", "")
        if lists_in(kind):
            return ("left out", _LISTS) if self.is_decided else ("unclear", _ROWS)
        return ("left out", "no number") if self.is_decided else ("unclear", _TEXT)


def _type(kind: pa.DataType) -> str:
    """Name a type as NumPy does, where it is one of numbers."""
    is_known = is_number(kind) and not pa.types.is_null(kind)
    return dtype_of(kind).name if is_known else str(kind)
