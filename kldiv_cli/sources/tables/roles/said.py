"""The columns that options name, checked against a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from kldiv_cli.errors import InputError, LogitsError, a_few
from kldiv_cli.sources.base import Layout
from kldiv_cli.sources.tables.roles.columns import Table
from kldiv_cli.sources.tables.roles.named import Named, columns_named, words_in


@dataclass(frozen=True)
class Said:
    """What options say of the columns of one table.

    Parameters
    ----------
    ids : tuple of str
        The row ids: of ``--id``, or as on the other side.
    group : str or None
        The groups (``--group``).
    dropped : tuple of str
        What is no class (``--drop``).
    unmatched : tuple of str
        What ``--drop`` names and the table lacks.
    elsewhere : frozenset of str
        What other options take, such as labels.
    classes : frozenset of str or None
        The classes that ``--columns`` names by their names; None without that option.
    """

    ids: tuple[str, ...]
    group: str | None
    dropped: tuple[str, ...]
    unmatched: tuple[str, ...]
    elsewhere: frozenset[str]
    classes: frozenset[str] | None

    @property
    def taken(self) -> frozenset[str]:
        """All columns that can be no class unless they are named as such."""
        group = () if self.group is None else (self.group,)
        return frozenset((*self.ids, *group, *self.dropped)) | self.elsewhere


def said(table: Table, layout: Layout) -> Said:
    """Return what a layout says of a table.

    Raises
    ------
    InputError
        Names occur twice, or are missing.
    LogitsError
        A column has two roles that exclude each other, or cannot have one.
    """
    _check_once(f"{table.path}: ", table.names, "rename or drop the copies.")
    words = list(words_in(layout.columns or (), table.types))
    _check_once(f"{table.path}: --columns: ", words, "name it once.")
    ids = columns_named(layout.id or layout.id_there, table.names, ())
    classes = columns_named(layout.columns or (), table.names, ())
    group = layout.group if layout.group in table.types else None
    named = ids.exact | classes.exact | ({group} if group is not None else set())
    dropped = columns_named(layout.drop, table.names, set(table.names) - named)
    found = Said(
        ids.columns,
        group,
        dropped.columns,
        dropped.unmatched,
        frozenset(name for name in layout.taken if name in table.types) - set(ids.columns),
        None if layout.columns is None else classes.exact,
    )
    _check_known(table, ids)
    _check_single(table, found)
    _check_group(table, found)
    return found


def may_be_classes(names: Sequence[str], layout: Layout) -> frozenset[str]:
    """Return which of a table's columns may be classes, as far as options tell."""
    named = layout.alone or layout.columns is not None
    classes = columns_named(layout.columns or (), names).columns if named else names
    ids, dropped = (columns_named(texts, names).columns for texts in (layout.id, layout.drop))
    return frozenset(classes).difference(ids, dropped, layout.taken, [layout.group])


def classes_said(table: Table, layout: Layout, rest: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that ``--columns`` names; globs and ranges match those of the rest.

    Raises
    ------
    LogitsError
        A word matches no column, or a column holds no numbers.
    """
    words = layout.columns or ()
    classes = columns_named(words, table.names, [x for x in rest if table.holds_logits(x)])
    _check_known(table, classes)
    lists = [x for x in classes.columns if pa.types.is_nested(table.types[x])]
    wrong = lists or [x for x in classes.columns if not table.holds_logits(x)]
    if wrong and not (len(classes.columns) == 1 and table.holds_logits(wrong[0])):
        raise LogitsError(
            f"{table.path}: expected numbers in class column {wrong[0]!r}, found "
            f"{table.types[wrong[0]]}",
            "Leave it out of --columns; a list column is named alone.",
        )
    return classes.columns


def _check_once(where: str, names: Sequence[str], what: str) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise InputError(
            f"{where}expected every column name once, found {a_few(twice)} again",
            f"Classes are matched by name: {what}",
        )


def _check_known(table: Table, named: Named) -> None:
    if named.unmatched:
        raise LogitsError(
            f"{table.path}: expected column {a_few(list(named.unmatched))}, found "
            f"{a_few(table.names)}",
            "Check --id and --columns against the file's column names.",
        )


def _check_single(table: Table, found: Said) -> None:
    """Raise where a column is named for two things that exclude each other."""
    classes = found.classes or frozenset()
    group = frozenset() if found.group is None else frozenset({found.group})
    ids, dropped = frozenset(found.ids), frozenset(found.dropped)
    pairs = (
        (
            ids & classes,
            "be the row id and a class",
            "Leave it out of --columns, or name another --id.",
        ),
        (
            group & classes,
            "hold the groups and be a class",
            "Leave it out of --columns, or name another --group.",
        ),
        (
            group & ids,
            "be the row id and hold the groups",
            "Leave --group out: every row would be a group of its own.",
        ),
        (found.elsewhere & classes, "hold the labels and be a class", "Leave it out of --columns."),
        (dropped & ids, "be the row id and be left out", "Leave it out of --drop."),
        (
            dropped & classes,
            "be a class and be left out",
            "Leave it out of --drop, or of --columns.",
        ),
        (dropped & group, "hold the groups and be left out", "Leave it out of --drop."),
    )
    for both, roles, advice in pairs:
        if both:
            raise LogitsError(f"{table.path}: column {min(both)!r} cannot {roles}", advice)


def _check_group(table: Table, found: Said) -> None:
    """Raise where the column of groups holds neither text nor numbers."""
    if found.group is not None and pa.types.is_nested(table.types[found.group]):
        raise LogitsError(
            f"{table.path}: expected a label per row in column {found.group!r}, found "
            f"{table.types[found.group]}",
            "Name another column with --group.",
        )
