"""Two inputs of several files or arrays: which of these belong together, by name or by place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, Protocol

from kldiv_cli.errors import InputError, UnclearError, UsageError, a_few
from kldiv_cli.pairing.names import Matched, match
from kldiv_cli.sources.base import Composed, Source
from kldiv_cli.sources.views.runs import Runs

_SHOWN = 10
"""So many names of files are listed."""


class Side(Source, Composed, Protocol):
    """A source of members."""


@dataclass(frozen=True)
class Aligned:
    """How the members of two inputs find each other.

    Parameters
    ----------
    by : {"name", "place"}
        Those of one name are paired, or all rows in their order.
    runs : pair of Runs, or None
        The rows of each side that have partners, where some members are left out.
    only : pair of tuple of str
        The members of each side that are left out.
    skips : bool
        Whether members may be left out.
    is_checked : bool
        Whether members of one name are known to have as many rows. Where their lengths are not
        known, reading them tells.
    """

    by: Literal["name", "place"]
    runs: tuple[Runs, Runs] | None = None
    only: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    skips: bool = False
    is_checked: bool = True


@dataclass(frozen=True)
class Alignment:
    """Two sides, and how their members find each other.

    ``aligned`` is None where a side has no members, or where ids pair the rows.
    """

    reference: Source
    candidate: Source
    aligned: Aligned | None = None


def align(
    left: Source,
    right: Source,
    *,
    skip: bool,
    by_place: bool,
    wanted: int | None,
    beside: bool = False,
) -> Alignment:
    """Find out how the files, or arrays, of two inputs belong together.

    They are paired by name where names are on both sides and the members of each such name have as
    many rows. Elsewhere all rows are paired by place.

    Parameters
    ----------
    left, right : Source
        The reference and the candidate.
    skip : bool
        Whether members on one side only are left out.
    by_place : bool
        Whether names say nothing.
    wanted : int or None
        The place behind the last row that is wanted; None for all rows.
    beside : bool
        Whether ``by_place`` may be said of a mask, or of labels.

    Raises
    ------
    InputError
        Members are on one side only, or members of one name have other numbers of rows, so that
        not all rows have a partner.
    UsageError
        ``by_place`` is said of inputs without members or of rows with ids, or ``skip`` of rows that
        are paired by place.
    """
    by_ids = left.id_name is not None and right.id_name is not None
    if by_ids or not (isinstance(left, Composed) and isinstance(right, Composed)):
        if by_place and not beside:
            raise _nothing_to_place(by_ids=by_ids)
        return Alignment(left, right)
    matched = None if by_place else match(left.members, right.members)
    found = None
    if matched is not None and left.row_shape[1:] == right.row_shape[1:]:
        found = _by_name(left, right, matched, wanted, skip=skip)
    if found is None and skip:
        raise UsageError(
            "--on-missing skip is for rows with ids and for files of one name with as many rows, "
            f"and these {_word(left)} are paired by place",
            "Leave it out, or name the row-id column with --id.",
        )
    return found or Alignment(left, right, Aligned("place"))


def _nothing_to_place(*, by_ids: bool) -> UsageError:
    found = "these rows are paired by id" if by_ids else "one of these is a single one"
    return UsageError(
        f"--by-place is for two inputs of several files or arrays, and {found}", "Leave it out."
    )


def _by_name(
    left: Side, right: Side, matched: Matched, wanted: int | None, *, skip: bool
) -> Alignment | None:
    """Pair members by name; None where those of one name have other numbers of rows."""
    pairs = matched.pairs
    if len(pairs) == len(left.members) == len(right.members):
        return _of_the_same_names(left, right, matched, wanted, skip=skip)
    if not skip and wanted is not None and _same_until(left, right, pairs, wanted):
        return Alignment(left, right, Aligned("name"))
    for ours, theirs in pairs:
        if left.count_of(ours) != right.count_of(theirs):
            _check_totals(left, right, (ours, theirs), wanted)
            return None
    if not skip:
        raise _unclear(left, right, matched)
    return _without_the_rest(left, right, pairs)


def _of_the_same_names(
    left: Side, right: Side, matched: Matched, wanted: int | None, *, skip: bool
) -> Alignment | None:
    known = [(left.members[i].rows, right.members[j].rows) for i, j in matched.pairs]
    for pair, (ours, theirs) in zip(matched.pairs, known, strict=True):
        if None not in (ours, theirs) and ours != theirs:
            _check_totals(left, right, pair, wanted)
            return None
    ordered = _ordered(right, [theirs for _, theirs in matched.pairs], left)
    by_name = matched.alike or skip or ordered is not right
    is_checked = not any(None in rows for rows in known)
    aligned = Aligned("name" if by_name else "place", skips=skip, is_checked=is_checked)
    return Alignment(left, ordered, aligned)


def _without_the_rest(left: Side, right: Side, pairs: Sequence[tuple[int, int]]) -> Alignment:
    """Leave out the members without a partner."""
    ours, theirs = [list(side) for side in zip(*pairs, strict=True)]
    rest = [number for number in range(len(right.members)) if number not in set(theirs)]
    if theirs != sorted(theirs):
        right = _ordered(right, theirs + rest, left)
        theirs = list(range(len(theirs)))
    sides = _counted(left), _counted(right)
    kept = [{*ours}, {*theirs}]
    runs = tuple(_runs(side, some) for side, some in zip(sides, kept, strict=True))
    only = tuple(_others(side, some) for side, some in zip(sides, kept, strict=True))
    aligned = Aligned("name", (runs[0], runs[1]), (only[0], only[1]), skips=True)
    return Alignment(*sides, aligned)


def _same_until(left: Side, right: Side, pairs: Sequence[tuple[int, int]], wanted: int) -> bool:
    """Tell whether the first members, which have all rows that are wanted, have the same names."""
    rows = 0
    for place, pair in enumerate(pairs):
        if rows >= wanted:
            break
        if pair != (place, place) or left.count_of(place) != right.count_of(place):
            return False
        rows += left.count_of(place)
    return rows >= wanted


def _ordered(side: Side, order: Sequence[int], other: Source) -> Side:
    """Return a side whose members are in this order."""
    if list(order) == sorted(order):
        return side
    found = side.ordered(order)
    if found is None:
        raise InputError(
            f"{side.path}: expected arrays in the order of {other.path}, found another one",
            "Write both in one order, or say --by-place to pair all rows in their order.",
        )
    return found


def _counted(side: Side) -> Side:
    """Return a side that knows how many rows each member has."""
    if all(member.rows is not None for member in side.members):
        return side
    return side.counted([side.count_of(number) for number in range(len(side.members))])


def _runs(side: Side, kept: set[int]) -> Runs:
    starts = [0]
    for member in side.members:
        starts.append(starts[-1] + (member.rows or 0))
    return Runs.of(range(*ends) for place, ends in enumerate(pairwise(starts)) if place in kept)


def _others(side: Side, kept: Iterable[int]) -> tuple[str, ...]:
    """Return the names of the members that are left out."""
    return tuple(x.name for place, x in enumerate(side.members) if place not in kept)


def _check_totals(left: Side, right: Side, pair: tuple[int, int], wanted: int | None) -> None:
    """Raise where the sides have other numbers of rows, and name the members that differ."""
    totals = left.length, right.length
    if wanted is not None or None in totals or totals[0] == totals[1]:
        return
    member = left.members[pair[0]]
    raise InputError(
        f"{right.path}: expected as many rows as {left.path} has, found {totals[0]} there and "
        f"{totals[1]} here, of {member.name!r} {left.count_of(pair[0])} and "
        f"{right.count_of(pair[1])}",
        "Compare outputs of the same inputs, in the same shape.",
    )


def _unclear(left: Side, right: Side, matched: Matched) -> UnclearError:
    """Return the question which members belong together."""
    ours, theirs = ({pair[side] for pair in matched.pairs} for side in (0, 1))
    found = [
        f"{len(names)} only {where} ({a_few(list(names), 10)})"
        for names, where in ((_others(left, ours), "there"), (_others(right, theirs), "here"))
        if names
    ]
    both, word = len(ours), _word(left)
    advice = f"--on-missing skip compares the {both} {word} that both have, name by name"
    if None in (left.length, right.length) or left.length == right.length:
        advice += "; --by-place pairs all rows in the order of the files"
    return UnclearError(
        f"{right.path}: expected the {word} of {left.path}, found {' and '.join(found)} beside "
        f"{both} that both have",
        f"{advice}.",
    )


def _word(side: Side) -> str:
    return f"{side.what}s"
