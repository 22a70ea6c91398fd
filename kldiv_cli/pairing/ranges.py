"""A range of what is compared: the same pairing, of those of its rows that lie in it."""

from __future__ import annotations

from dataclasses import replace

from kldiv_cli.errors import InputError
from kldiv_cli.pairing.pairing import Pairing
from kldiv_cli.pairing.selection import partners
from kldiv_cli.sources.base import Source
from kldiv_cli.sources.views.choice import Chosen
from kldiv_cli.sources.views.selected import Selected, whole


def within(pairing: Pairing, rows: range) -> Pairing | None:
    """Return a pairing of the rows whose places in the reference lie in a range; None of none.

    By position the candidate's rows are those of the same places; by id the candidate is read as
    far as its rows with these ids lie.

    Raises
    ------
    InputError
        A file does not say how many rows it has.
    """
    sides = [pairing.reference] if pairing.by == "id" else [pairing.reference, pairing.candidate]
    for side in sides:
        check_length(whole(side))
    if pairing.mask is not None and pairing.mask.has_rows_to_count:
        check_length(pairing.mask.source)
    reference = part_of(pairing.reference, rows)
    if reference is None:
        return None
    if pairing.by == "id":
        return replace(pairing, reference=reference, part=True, ranged=True)
    candidate: Selected | None
    if pairing.members is not None and pairing.members.runs is not None:
        candidate = partners(reference, pairing.candidate, pairing.members.runs[1])
    else:
        candidate = part_of(pairing.candidate, rows)
    if candidate is None:
        return None
    return replace(pairing, reference=reference, candidate=candidate, ranged=True)


def part_of(source: Source, rows: range) -> Selected | None:
    """Return the rows of a source that lie in a range of its file; None where none does."""
    chosen = source.chosen if isinstance(source, Selected) else Chosen(0, source.length)
    some = chosen.within(rows)
    return None if some is None else Selected(whole(source), some, whole(source).length)


def check_length(source: Source) -> None:
    """Raise where only reading to the end tells how many rows there are.

    Raises
    ------
    InputError
        That is so.
    """
    if source.length is None:
        raise InputError(
            f"{source.path}: expected a file that says how many rows it has, to read a range of "
            f"them, found {source.format}",
            "Convert it to .npy or Parquet, or read all of its rows in one process.",
        )
