"""Which columns may be no classes, and what the user can say of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kldiv_cli.errors import UnclearError, typed
from kldiv_cli.sources.base import Source
from kldiv_cli.sources.base.columns import Columns
from kldiv_cli.tasks.opening.questions.columns.families import Family, alike
from kldiv_cli.tasks.opening.questions.columns.matching import signs_of
from kldiv_cli.tasks.opening.questions.columns.names import say_kinds
from kldiv_cli.tasks.opening.questions.columns.relations import related
from kldiv_cli.tasks.opening.questions.columns.signs import Signs
from kldiv_cli.tasks.opening.questions.columns.words import first_values, pattern_of
from kldiv_cli.tasks.opening.questions.opened import Opened

_SHOWN = 3


class _Table(NamedTuple):
    """One side that is a table."""

    place: int
    source: Source
    columns: Columns


def of_tables(opened: Opened) -> UnclearError | None:
    """Return the first question about the columns of the sides that are tables."""
    tables = [
        _Table(place, source, source.columns)
        for place, source in enumerate(opened.sources)
        if source.columns is not None
    ]
    found = _without_name(tables)
    for table in tables:
        if found is None and table.columns.classes and table.columns.named is None:
            with np.errstate(all="ignore"):  # of infinities and numbers that overflow
                found = _of_table(opened, tables, table)
    return found


def _without_name(tables: Sequence[_Table]) -> UnclearError | None:
    """Ask what a first column of integers without a name is."""
    found = [table for table in tables if table.columns.unclear is not None]
    if not found:
        return None
    name = found[0].columns.unclear or ""
    return UnclearError(
        f"{_paths(found)}: expected row ids or a class in the first column, found integers that "
        "may be either",
        f"--id {typed(name)} if they are row ids, --drop {typed(name)} if they are neither, "
        "--columns '*' if they are a class.",
    )


def _of_table(opened: Opened, tables: Sequence[_Table], table: _Table) -> UnclearError | None:
    signs = signs_of(opened, table.place)
    if signs is None:
        return None
    for families in alike(signs.names):
        if _are_different(signs, families):
            return _families(_paths(tables, families[0].names[0]), signs, families)
    strays = [name for name, is_stray in zip(signs.names, signs.found, strict=True) if is_stray]
    if not strays or len(strays) == len(signs.names):
        return None
    return _strays(tables, signs, strays)


def _paths(tables: Sequence[_Table], name: str | None = None) -> str:
    """Name the tables, or those that have a column of that name."""
    paths = [x.source.path for x in tables if name is None or name in x.columns.classes]
    return " and ".join(dict.fromkeys(paths))


def _are_different(signs: Signs, families: Sequence[Family]) -> bool:
    """Tell whether families hold different kinds of numbers for the same classes."""
    if say_kinds([family.stem for family in families]):
        return True
    places = {name: i for i, name in enumerate(signs.names)}
    first, second, *_ = (
        [places[family.members[member]] for member in families[0].members] for family in families
    )
    if any(flags[first].all() != flags[second].all() for flags in (signs.equal, signs.whole_type)):
        return True
    return related(signs.rows[:, first], signs.rows[:, second])


def _families(where: str, signs: Signs, families: Sequence[Family]) -> UnclearError:
    patterns = [pattern_of(family.names, signs.names) for family in families]
    shown = " and ".join(f"{family.names[0]!r} ..." for family in families)
    ways = [f"--columns {pattern}" for pattern in patterns if pattern is not None]
    return UnclearError(
        f"{where}: expected one column per class, found {len(families)} for each of "
        f"{len(families[0].members)}: {shown}",
        f"Name those that are meant: {' or '.join(ways)}; --columns '*' takes all of them.",
    ).about(
        {name: f"beside {len(families)} families" for name in signs.names}
        | {
            name: f"of one family of {len(families)}{pattern and f': --columns {pattern}'}"
            for family, pattern in zip(families, [x or "" for x in patterns], strict=True)
            for name in family.names
        },
    )


def _strays(tables: Sequence[_Table], signs: Signs, strays: Sequence[str]) -> UnclearError:
    """Ask about columns that look like no class."""
    places = {name: i for i, name in enumerate(signs.names)}
    shown = [
        f"{name!r} = {first_values(signs.rows[:, places[name]])} ({signs.reasons(places[name])})"
        for name in strays[:_SHOWN]
    ]
    more = f" and {len(strays) - _SHOWN} more" if len(strays) > _SHOWN else ""
    rest = [name for name in signs.names if name not in set(strays)]
    pattern = pattern_of(rest, signs.names)
    ways = [f"--drop {typed(*strays)} leaves {'it' if len(strays) == 1 else 'them'} out"]
    ident = _id_among(tables, signs, strays)
    if ident is not None:
        ways.append(f"--id {typed(ident)} pairs the rows by it")
    classes = "" if pattern is None else f"--columns {pattern} names the classes, "
    found = "one that looks" if len(strays) == 1 else f"{len(strays)} that look"
    return UnclearError(
        f"{_paths(tables, strays[0])}: expected a class in every numeric column, found {found} "
        f"like something else: {'; '.join(shown)}{more}",
        f"{', '.join(ways)}; {classes}--columns '*' takes all as classes.",
    ).about({name: signs.reasons(places[name]) for name in strays})


def _id_among(tables: Sequence[_Table], signs: Signs, strays: Sequence[str]) -> str | None:
    """Return a column that tells the rows apart in all tables, where they have no ids."""
    if len(tables) < signs.sides or any(table.columns.ids for table in tables):
        return None
    for name in strays:
        place = signs.names.index(name)
        values = signs.rows[:, place]
        if (
            (signs.rising[place] or signs.meanings[place] == "row ids")
            and len(set(values.tolist())) == len(values)
            and (values == np.rint(values)).all()
            and all(name in table.columns.classes for table in tables)
        ):
            return name
    return None
