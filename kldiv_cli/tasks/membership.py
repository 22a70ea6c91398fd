"""A pairing -> what a result says of the files, or arrays, that its sides consist of."""

from __future__ import annotations

from typing import cast

from kldiv_cli.pairing import Pairing
from kldiv_cli.results.members import Members, PairedMembers
from kldiv_cli.results.selection import Missing
from kldiv_cli.sources.base import Composed, Source
from kldiv_cli.sources.views.choice import Choice
from kldiv_cli.sources.views.selected import Selected, whole


def members_of(source: Source) -> Members | None:
    """Return the files, or arrays, of a source; None of one that consists of a single one."""
    found = whole(source)
    if not isinstance(found, Composed):
        return None
    names, starts = found.member_names, found.starts
    return Members("array" if found.shards is None else "file", names, tuple(starts[: len(names)]))


def paired(pairing: Pairing) -> PairedMembers | None:
    """Return how the members of both sides were paired, now that they were read."""
    aligned = pairing.members
    if aligned is None:
        return None
    sides = [cast(Composed, whole(side)) for side in (pairing.reference, pairing.candidate)]
    by = aligned.by
    if not aligned.is_checked and any(
        a != b for a, b in zip(*(x.starts for x in sides), strict=False)
    ):
        by = "place"
    ours, theirs = sides
    return PairedMembers(
        by, (ours.what, theirs.what), (len(ours.members), len(theirs.members)), *aligned.only
    )


def without_partners(pairing: Pairing, rows: int, choice: Choice) -> Missing:
    """Return how many rows stand in members that only one side has, given how many were read."""
    ours, theirs = pairing.reference, pairing.candidate
    if not (isinstance(ours, Selected) and isinstance(theirs, Selected)):
        return Missing(0, 0)
    if not choice:
        return Missing((ours.total or 0) - rows, (theirs.total or 0) - rows)
    wanted = choice.sample
    if wanted is None:
        wanted = (ours.chosen.stop or 0) - ours.chosen.start
    return Missing(wanted - rows, 0)
