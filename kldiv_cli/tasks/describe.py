"""A pairing and what was read of it -> what a result says of it."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from kldiv_cli.errors import a_few
from kldiv_cli.pairing import Pairing
from kldiv_cli.results.head import ClassColumns, Head, MaskFile, MaskUse, NanPolicy, Side, Taken
from kldiv_cli.sources.base import Composed, Source
from kldiv_cli.sources.views.choice import Choice, shown
from kldiv_cli.sources.views.selected import Selected, whole
from kldiv_cli.tasks.faults import nothing_left
from kldiv_cli.tasks.kept.part import Part
from kldiv_cli.tasks.kept.seen import Seen
from kldiv_cli.tasks.lone import nothing_else
from kldiv_cli.tasks.padding import constant_rows
from kldiv_cli.tasks.warnings import Watch, class_selection

if TYPE_CHECKING:
    from kldiv_cli.results.padding import MaskBelow
    from kldiv_cli.results.selection import Missing, Selection
    from kldiv_cli.sources.base.columns import Columns


def head_of(watch: Watch, part: Part[Any], nan_policy: NanPolicy, choice: Choice) -> Head:
    """Return the head of the result of a pairing, now that its blocks were read.

    Parameters
    ----------
    watch : Watch
        What looked at the pairing.
    part : Part
        What was kept of all rows.
    nan_policy : {"raise", "omit", "propagate"}
        What was done with invalid rows.
    choice : Choice
        Which rows were asked for.

    Raises
    ------
    InputError
        No row counts.
    """
    pairing, counts = watch.pairing, part.counts
    if not counts.counted and not (nan_policy == "propagate" and counts.invalid):
        ignored = watch.ignore_constant_rows
        raise nothing_left(pairing, counts, part.seen.constants, ignored=ignored)
    if part.seen.lone and part.seen.lone == counts.counted:
        raise nothing_else(pairing)
    missing = _missing(pairing, part.rows, choice)
    selected = isinstance(pairing.reference, Selected)
    only = (0, 0) if missing is None else (missing.only_reference, missing.only_candidate)
    renumbered = selected or only != (0, 0)
    return Head(
        sides=watch.watched(
            part.seen,
            describe(pairing.reference, None if selected else part.rows + only[0]),
            describe(pairing.candidate, None if selected else part.rows + only[1]),
        ),
        mode=watch.mode,
        nan_policy=nan_policy,
        paired_by=pairing.by,
        rows=part.counted,
        skipped=counts.skipped,
        invalid=counts.invalid,
        class_shape=pairing.class_shape,
        row_shape=(part.rows,)
        if renumbered
        else tuple(length or part.rows for length in pairing.row_shape),
        file_row_shape=whole(pairing.reference).row_shape if renumbered else None,
        class_names=pairing.class_names,
        warnings=(*unseen(*_sources(pairing)), *watch.warnings(part.seen)),
        mask=_mask(pairing, part),
        mask_below=_mask_below(pairing, part),
        masked=counts.masked,
        class_selection=class_selection(pairing, part.seen),
        selection=_selection(pairing, choice, part.places.first, part.places.last),
        missing=missing,
        **_members(pairing),
        constant_rows=constant_rows(part.seen.constants, ignored=watch.ignore_constant_rows),
    )


def taken(watch: Watch, nan_policy: NanPolicy, choice: Choice, rows: int | None) -> Taken:
    """Return the head of a comparison before its rows are read.

    Parameters
    ----------
    watch : Watch
        What would look at the pairing.
    nan_policy : {"raise", "omit", "propagate"}
        What would be done with invalid rows.
    choice : Choice
        Which rows are asked for.
    rows : int or None
        How many rows would be read, where that is known.
    """
    pairing, seen = watch.pairing, Seen()
    without = pairing.members is not None and pairing.members.skips
    return Taken(
        sides=watch.watched(
            seen, describe(pairing.reference, None), describe(pairing.candidate, None)
        ),
        mode=watch.mode,
        nan_policy=nan_policy,
        paired_by=pairing.by,
        class_shape=pairing.class_shape,
        class_names=pairing.class_names,
        class_selection=class_selection(pairing, seen),
        selection=_selection(pairing, choice, *_ends(pairing.reference)),
        missing=_missing(pairing, rows, choice) if without and rows is not None else None,
        paired_members=_members(pairing).get("paired_members"),
    )


def _ends(source: Source) -> tuple[int, int | None]:
    """Return the first and the last place that is wanted; None where only reading tells."""
    if not isinstance(source, Selected):
        return 0, None
    chosen = source.chosen
    end = None if chosen.at_most else chosen.end
    return chosen.start, None if end is None else end - 1


def _mask(pairing: Pairing, part: Part[Any]) -> MaskUse | None:
    mask = pairing.mask
    if mask is None:
        return None
    known = pairing.leaves_rows_out
    return MaskUse(
        **_file(mask.source, None if known else part.rows),
        means=mask.means,
        cells=part.masked_cells - part.low_cells,
        of=part.counted * prod(pairing.class_shape),
    )


def _mask_below(pairing: Pairing, part: Part[Any]) -> MaskBelow | None:
    if pairing.mask_below is None:
        return None
    from kldiv_cli.results.padding import MaskBelow  # noqa: PLC0415 - few comparisons mask so

    of = part.counted * prod(pairing.class_shape)
    return MaskBelow(pairing.mask_below, part.low_cells, of)


def unseen(*sources: Source) -> tuple[str, ...]:
    """Return warnings of what globs could not look into."""
    return tuple(
        f"{source.path}: {a_few(list(source.shards.unread))} cannot be looked into, and what lies "
        "there is left out"
        for source in sources
        if source.shards is not None and source.shards.unread
    )


def _sources(pairing: Pairing) -> list[Source]:
    masks = [] if pairing.mask is None else [pairing.mask.source]
    return [pairing.reference, pairing.candidate, *masks]


def mask_file(pairing: Pairing) -> MaskFile | None:
    """Return what is said of a mask before its rows are read."""
    mask = pairing.mask
    return None if mask is None else MaskFile(**_file(mask.source, None), means=mask.means)


def _file(source: Source, rows: int | None) -> dict[str, Any]:
    """Return what is said of any file; ``rows`` is their number where all were read."""
    shards = source.shards
    return {
        "path": source.path,
        "format": source.format,
        "dtype": source.dtype,
        "shape": tuple(rows if length is None else length for length in source.shape),
        "notes": source.notes,
        "shards": None if shards is None else shards.count,
        "passed_over": () if shards is None else shards.passed_over + shards.unread,
        "arrays": source.arrays,
    }


def describe(source: Source, rows: int | None) -> Side:
    """Return what the result says of a source; ``rows`` is their number where all were read."""
    return Side(
        **_file(source, rows),
        id=source.id_name,
        **_columns(source.columns),
        censored=source.bounds is not None,
        class_axes=source.class_axes,
    )


def _columns(columns: Columns | None) -> dict[str, Any]:
    if columns is None:
        return {}
    names = columns.classes
    classes = ClassColumns(len(names), names[0], names[-1]) if names else None
    return {"class_columns": classes, "left_out": columns.left_out}


def _missing(pairing: Pairing, rows: int, choice: Choice) -> Missing | None:
    if pairing.members is not None and pairing.members.skips:
        from kldiv_cli.tasks.membership import without_partners  # noqa: PLC0415 - few inputs are many files

        return without_partners(pairing, rows, choice)
    if pairing.on_missing == "error":
        return None
    from kldiv_cli.results.selection import Missing  # noqa: PLC0415 - most files have the same rows

    ours, theirs = pairing.reference.length, pairing.candidate.length
    if ours is not None and (pairing.part or theirs is not None):
        return Missing(ours - rows, 0 if pairing.part or theirs is None else theirs - rows)
    return Missing(pairing.missing.reference, pairing.missing.candidate)


def _members(pairing: Pairing) -> dict[str, Any]:
    """Return what is said of the files, or arrays, that the sides consist of."""
    if not isinstance(whole(pairing.reference), Composed):
        return {}
    from kldiv_cli.tasks.membership import members_of, paired  # noqa: PLC0415 - few inputs are many files

    return {"members": members_of(pairing.reference), "paired_members": paired(pairing)}


def _selection(pairing: Pairing, choice: Choice, first: int, last: int | None) -> Selection | None:
    theirs = pairing.candidate
    of = theirs.total if isinstance(theirs, Selected) else theirs.length
    return selection_from(pairing.reference, of, choice, first, last)


def selection_from(
    source: Source, of_candidate: int | None, choice: Choice, first: int, last: int | None
) -> Selection | None:
    """Return which rows of a source were read; None where all were.

    Parameters
    ----------
    source : Source
        The reference, or the only file.
    of_candidate : int or None
        How many rows the candidate has, if that is known.
    choice : Choice
        Which rows were asked for.
    first, last : int
        The places of the first and the last row that are read. For a sample, the result names the
        rows that it was drawn from.
    """
    if not (choice and isinstance(source, Selected)):
        return None
    if source.chosen.drawn is not None and source.chosen.stop is not None:
        first, last = source.chosen.start, source.chosen.stop - 1
    from kldiv_cli.results.selection import Selection  # noqa: PLC0415 - most comparisons are of all rows

    return Selection(
        first=first,
        last=last,
        of=source.total,
        of_candidate=of_candidate,
        rows=None if choice.rows is None else shown(choice.rows),
        limit=choice.limit,
        sample=choice.sample,
        seed=None if choice.sample is None else choice.seed or 0,
    )
