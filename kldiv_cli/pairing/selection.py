"""Some rows of two sources, paired."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kldiv_cli.errors import InputError
from kldiv_cli.pairing.matching import different
from kldiv_cli.pairing.pairing import Pairing
from kldiv_cli.sources.base import Source
from kldiv_cli.sources.views.choice import Choice
from kldiv_cli.sources.views.selected import Selected, count_rows, missing_row, whole

if TYPE_CHECKING:
    from kldiv_cli.pairing.by_id import OnMissing
    from kldiv_cli.pairing.classes import Kept
    from kldiv_cli.pairing.members import Aligned
    from kldiv_cli.sources.views.runs import Runs


def select(
    left: Source,
    right: Source,
    choice: Choice | None,
    on_missing: OnMissing,
    classes: Kept | None,
    members: Aligned | None = None,
) -> Pairing:
    """Pair the rows that are wanted: by id where both sides have ids, by position elsewhere.

    Files that are paired by position may differ in length only where the choice says at which row
    it ends. Neither file is read further then. ``members`` says which files of several belong
    together; the choice is among all rows of the reference.

    Raises
    ------
    InputError
        A side lacks some of these rows, or the two sides do not correspond.
    """
    if members is not None:
        on_missing = "error"
        if members.runs is not None:
            return _with_partners(left, right, choice or Choice(), classes, members)
    if not choice:
        return Pairing(left, right, on_missing=on_missing, classes=classes, members=members)
    by_id = left.id_name is not None and right.id_name is not None
    ends = choice.says_where_it_ends
    if not by_id and (not ends or left.row_shape[1:] != right.row_shape[1:]):
        Pairing(left, right, classes=classes)  # which raises where the shapes are known to differ
    reference, theirs = selected(left, choice), right.length
    chosen, total = reference.chosen, reference.total
    if by_id:
        return Pairing(reference, right, part=True, on_missing=on_missing, classes=classes)
    if not ends:
        if theirs is None and choice.needs_count:
            theirs = count_rows(right)
        if total is not None and theirs is not None and total != theirs:
            raise different(left, right, "rows", total, theirs)
        if theirs is None:
            chosen = replace(chosen, stop=None)
    else:
        _check_reach(left.path, total, right.path, theirs, choice)
    candidate = Selected(right, chosen, theirs)
    return Pairing(reference, candidate, on_missing=on_missing, classes=classes, members=members)


def _check_reach(
    path: str, total: int | None, other: str, theirs: int | None, choice: Choice
) -> None:
    """Raise where the choice takes rows of the other file that this one lacks."""
    if total is None or theirs is None or theirs <= total:
        return
    wanted = choice.resolve(other, theirs).stop or 0
    if wanted > total:
        raise missing_row(path, wanted - 1, total)


def _with_partners(
    left: Source, right: Source, choice: Choice, classes: Kept | None, members: Aligned
) -> Pairing:
    """Pair the rows that are wanted and have partners, where some files have none."""
    wanted = selected(left, choice)
    if members.runs is None:
        raise ValueError("all files have partners")
    ours, theirs = members.runs
    chosen = wanted.chosen.with_partners(ours)
    if not chosen.count:
        raise InputError(
            f"{left.path}: expected rows in files that {right.path} has too, found none of "
            f"{wanted.chosen.count} there",
            "Choose among the rows of the others.",
        )
    reference = replace(wanted, chosen=chosen)
    candidate = partners(reference, right, theirs)
    return Pairing(reference, candidate, classes=classes, members=members)


def partners(reference: Selected, candidate: Source, runs: Runs) -> Selected:
    """Return the rows of the candidate, which stand in these runs, that belong to the reference's.

    The candidate may be some rows of the same file already.
    """
    source = whole(candidate)
    return Selected(source, reference.chosen.across(runs), source.length)


def selected(source: Source, choice: Choice) -> Selected:
    """Return the rows of one source that are wanted.

    Raises
    ------
    InputError
        The source lacks some of these rows.
    """
    total = source.length
    if total is None and choice.needs_count:
        total = count_rows(source)
    return Selected(source, choice.resolve(source.path, total), total)
