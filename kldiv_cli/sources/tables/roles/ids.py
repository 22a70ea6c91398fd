"""Which columns identify rows: as the user says, or the file, or names, types and values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa

from kldiv_cli.errors import LogitsError, a_few, typed
from kldiv_cli.sources.tables.roles.columns import Table

_GROUP = "kldiv compare takes a column of groups with --group COLUMN"
_NO_NAME = "__index_level_"
"""So pandas calls a level of an index that has no name."""


class Found(NamedTuple):
    """The row ids, and what else is no class.

    Parameters
    ----------
    ids : tuple of str
        The columns that together identify a row; empty where nothing does.
    notes : tuple of str
        How they were found, and what was left out beside them.
    out : tuple of str
        The columns that are left out.
    """

    ids: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    out: tuple[str, ...] = ()

    @classmethod
    def of(cls, ids: Sequence[str], how: str) -> Found:
        """Return ids that were found like this."""
        column = "column" if len(ids) == 1 else "columns"
        return cls(tuple(ids), (f"row id: {column} {a_few(list(ids))}{how}",))

    def leaving(self, names: Sequence[str], why: str) -> Found:
        """Return the same with these columns left out, if there are any."""
        if not names:
            return self
        note = f"column {a_few(list(names))} left out: {why}"
        return Found(self.ids, (*self.notes, note), (*self.out, *names))


def find_ids(
    table: Table, said: Found, stated: Sequence[str], rest: Sequence[str], *, tell: bool
) -> Found:
    """Return the row ids of a table: what the user says, or the file, or names, types and values.

    Parameters
    ----------
    table : Table
        The table.
    said : Found
        The row ids that the user names, if any.
    stated : sequence of str
        The columns that are the index by the file's metadata.
    rest : sequence of str
        The columns that have no role yet.
    tell : bool
        Whether each of them needs one.

    Raises
    ------
    LogitsError
        Several columns may be the row id.
    """
    other = [name for name in rest if not table.holds_logits(name)]
    indices = [name for name in rest if table.is_index(name)]
    repeats = bool(stated) and not table.are_unique(stated)
    nameless = len(other) == 1 and all(name.startswith(_NO_NAME) for name in stated)
    if said.ids:
        check_ids(table, said.ids, "Name another column with --id, or leave --id out.")
        if other and tell:
            raise _stray(table, said.ids, other)
        found = said
    elif stated and not repeats and not nameless:
        found = Found.of(stated, ", the index that the file names")
        found = found.leaving(other if tell else (), "it is not numeric")
    else:
        found = _by_type(table, other, indices, tell=tell)
    of_file = [name for name in stated if name not in found.ids]
    found = found.leaving(of_file, "an index with repeated values" if repeats else "an index")
    return found.leaving([x for x in indices if x not in found.ids], "it numbers the rows")


def check_ids(table: Table, names: Sequence[str], advice: str | None = None) -> None:
    """Raise if a column holds something that identifies no row.

    Without ``advice`` the user has not named the columns.
    """
    for name in names:
        kind = table.types[name]
        if pa.types.is_nested(kind) or (advice is None and not table.may_identify(name)):
            raise LogitsError(
                f"{table.path}: expected row ids, or numbers, in column {name!r}, found "
                f"{kind if pa.types.is_nested(kind) else 'true and false'}",
                advice
                or f"Leave it out with --drop {typed(name)}, or name the classes with --columns.",
            )


def _by_type(table: Table, other: list[str], indices: list[str], *, tell: bool) -> Found:
    """Return the only column that is not numeric, or else the one that numbers the rows."""
    if len(other) == 1 and not tell and not table.may_identify(other[0]):
        return Found()
    if len(other) == 1:
        check_ids(table, other)
        return Found.of(other, ", the only one that is not numeric")
    if other:
        if tell:
            raise _several(table, other)
        return Found()
    if len(indices) > 1:
        raise LogitsError(
            f"{table.path}: expected one row id, found {a_few(indices)}",
            f"--id {typed(indices[0])} names the row id; others that number the rows are left out.",
        )
    return Found.of(indices, ", which numbers the rows") if indices else Found()


def _stray(table: Table, ids: Sequence[str], other: list[str]) -> LogitsError:
    return LogitsError(
        f"{table.path}: expected numbers beside the row id {','.join(ids)!r}, found column "
        f"{a_few(other)} of type {table.types[other[0]]}",
        f"--drop {typed(*other)} leaves out what is no class; {_GROUP}.",
    )


def _several(table: Table, other: list[str]) -> LogitsError:
    if not any(map(table.holds_logits, table.names)):
        advice = "Give every row a number per class, or a list of numbers"
        if any(pa.types.is_struct(kind) for kind in table.kinds):
            advice += ": pandas does with df.to_json(path, orient='records')"
        return LogitsError(
            f"{table.path}: expected one numeric column per class, found none (columns: "
            f"{a_few(table.names)})",
            f"{advice}.",
        )
    flat = [name for name in other if table.may_identify(name)]
    named = next((name for name in flat if table.are_unique((name,))), None)
    rest = [name for name in other if name != named]
    drop = f"--drop {typed(*rest)} leaves out what is neither that nor a class"
    return LogitsError(
        f"{table.path}: expected at most one column that is not numeric, the row id, found "
        f"{a_few(other)}",
        f"{drop if named is None else f'--id {typed(named)} names the row id, and {drop}'}; "
        f"{_GROUP}.",
    )
