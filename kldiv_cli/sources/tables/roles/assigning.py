"""Columns -> roles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa
from numpy.typing import NDArray

from kldiv_cli.errors import LogitsError, a_few, typed
from kldiv_cli.sources.base import Layout
from kldiv_cli.sources.base.columns import Columns
from kldiv_cli.sources.tables.kinds import holds_texts, is_number, is_number_list, lists_in
from kldiv_cli.sources.tables.roles.columns import Table
from kldiv_cli.sources.tables.roles.contents import held
from kldiv_cli.sources.tables.roles.ids import Found, find_ids
from kldiv_cli.sources.tables.roles.said import Said, classes_said, said
from kldiv_cli.sources.tables.roles.stated import Stated, stated


def assign(
    path: str,
    schema: pa.Schema,
    first: Callable[[str], NDArray[Any]],
    layout: Layout,
    *,
    named: bool = True,
    typed: bool = True,
) -> Columns:
    """Decide what each column of a table is.

    What options name leaves first, then what the file says. Of the rest, the only column that is
    not numeric is the row id, or else a numeric one that plainly numbers the rows. The classes are
    those that ``layout.columns`` names, or else all that is numeric.

    Parameters
    ----------
    path : str
        For messages.
    schema : pyarrow.Schema
        Names and types, and what the file says of them.
    first : callable
        Name -> the first values of a column.
    layout : Layout
        What the user said; it overrules every guess.
    named : bool
        Whether the names in the schema stand in the file; if not, they are the columns' positions.
    typed : bool
        Whether the types in the schema do.

    Raises
    ------
    InputError
        A named column is missing or of the wrong type, names occur twice, or the roles are unclear.
    """
    table = Table(path, schema.names, schema.types, first, named, typed)
    options = said(table, layout)
    if layout.alone:
        return _alone(table, layout, options)
    file = _of_file(schema, options)
    _tell(table, layout, options, file)
    columns = _decided(table, layout, options, file)
    _tell(table, layout, options, file, columns)
    return columns


def tell(
    path: str,
    schema: pa.Schema,
    first: Callable[[str], NDArray[Any]],
    layout: Layout,
    *,
    named: bool = True,
    typed: bool = True,
) -> None:
    """Note what the columns of a table would be taken for, where somebody wants to know.

    The parameters and the errors that options cause are those of `assign`.
    """
    if layout.listing is not None:
        table = Table(path, schema.names, schema.types, first, named, typed)
        options = said(table, layout)
        _tell(table, layout, options, _of_file(schema, options))


def _of_file(schema: pa.Schema, options: Said) -> Stated:
    return stated(schema).without(options.taken | (options.classes or frozenset()))


def _tell(
    table: Table, layout: Layout, options: Said, file: Stated, columns: Columns | None = None
) -> None:
    if layout.listing is not None:
        is_open = columns is None and layout.columns is None
        found = held(table, options, file, layout, columns)
        layout.listing.tell(found, is_open_question=is_open)


def _decided(table: Table, layout: Layout, options: Said, file: Stated) -> Columns:
    insisted = options.classes or frozenset()
    out = options.taken | {*file.ids, *file.labels}
    rest = [name for name in table.names if name not in out]
    free = [name for name in rest if name not in insisted]
    how = " (--id)" if layout.id else ", as in the other file"
    ids = Found.of(options.ids, how) if options.ids else Found()
    found = find_ids(table, ids, file.ids, free, tell=layout.columns is None)
    rest = [name for name in rest if name not in {*found.ids, *found.out}]
    unclear = table.unclear if table.unclear in rest else None
    if layout.columns is None:
        classes = _all_classes(table, [name for name in rest if name != unclear])
    else:
        classes = classes_said(table, layout, rest)
    is_list = len(classes) == 1 and lists_in(table.types[classes[0]]) > 0
    texts = is_list and holds_texts(table.types[classes[0]])
    lists = tuple(x for x in rest if is_list and _is_list(table, x) and x not in classes)
    return Columns(
        ids=found.ids,
        classes=() if is_list else classes,
        row=classes[0] if is_list else None,
        notes=(*layout.notes, *found.notes, *_left_out(options, file, lists if texts else ())),
        group=options.group,
        integers=tuple(name for name in classes if pa.types.is_integer(table.types[name])),
        lists=() if texts else lists,
        left_out=(*found.out, *options.dropped, *file.labels),
        named=None if layout.columns is None else tuple(insisted),
        unclear=unclear if unclear not in classes else None,
        unmatched=options.unmatched,
    )


def _alone(table: Table, layout: Layout, options: Said) -> Columns:
    """Return the roles where a column of text or of numbers is all that is wanted."""
    if layout.columns:
        classes = classes_said(table, layout, ())
        if lists_in(table.types[classes[0]]):
            return Columns((), (), classes[0], layout.notes, options.group)
        return Columns((), classes, None, layout.notes, options.group)
    if layout.group not in table.types:
        raise LogitsError(
            f"{table.path}: expected column {layout.group!r}, found {a_few(table.names)}",
            "Name one of the file's columns.",
        )
    return Columns((), (), None, layout.notes, layout.group)


def _all_classes(table: Table, names: Sequence[str]) -> tuple[str, ...]:
    """Return all columns of numbers, or the one of lists; that of lists of rows comes first."""
    classes = tuple(name for name in names if is_number(table.types[name]))
    texts = tuple(name for name in names if holds_texts(table.types[name]))
    lists = tuple(name for name in names if _is_list(table, name))
    floats = [x for x in lists if not pa.types.is_integer(table.types[x].value_type)]
    if len(texts) == 1 and not classes and not floats:
        return texts
    if len(lists) == 1 and not classes and not texts:
        return lists
    if not (lists or texts) and classes:
        return classes
    expected = f"{table.path}: expected one numeric column per class, found"
    if not (lists or texts):
        raise LogitsError(
            f"{expected} none (columns: {a_few(table.names)})",
            "Check what wrote the file: beside row ids, labels and text there is no column.",
        )
    found = [*texts, *(floats if texts else lists)]
    beside = f" beside {a_few(list(classes))}" if classes else ""
    other = f" or --columns {typed(floats[0])}" if texts and floats else ""
    raise LogitsError(
        f"{expected} list column {a_few(found)}{beside}",
        f"Name the column that holds the logits: --columns {typed(found[0])}{other}",
    )


def _is_list(table: Table, name: str) -> bool:
    return is_number_list(table.types[name])


def _left_out(options: Said, file: Stated, lists: Sequence[str]) -> Iterator[str]:
    """Say what the user and the file leave out, beside ids, and lists beside the rows of texts."""
    for names, why in (
        (lists, "(lists beside the rows of each text)"),
        (options.dropped, "(--drop)"),
        (file.labels, "(the file says that it holds labels)"),
    ):
        if names:
            yield f"left out: {a_few(list(names))} {why}"
