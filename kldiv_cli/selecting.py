"""Some rows of two sources: paired, and named in the result by their places in the files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.comparison import Comparison
from kldiv_cli.pairing import Pairing
from kldiv_cli.pairing.by_id import OnMissing
from kldiv_cli.pairing.kept import Kept
from kldiv_cli.pairing.matching import different
from kldiv_cli.selection import Missing, Selection
from kldiv_cli.sources.base import Source
from kldiv_cli.sources.rows import Choice, shown
from kldiv_cli.sources.selected import Selected, count_rows, rows_of, whole
from kldiv_cli.statistics import Statistics


def select(
    left: Source,
    right: Source,
    choice: Choice | None,
    on_missing: OnMissing,
    classes: Kept | None,
) -> Pairing:
    """Pair the rows that are wanted: by id where both sides have ids, by position otherwise.

    By position, the files may be of different length only where the choice says at which row it
    ends; then neither is read further.

    Raises
    ------
    InputError
        A side has not these rows, or the two sides do not correspond.
    """
    if not choice:
        return Pairing(left, right, on_missing=on_missing, classes=classes)
    by_id = left.id_name is not None and right.id_name is not None
    ends = choice.says_where_it_ends
    if not by_id and (not ends or left.row_shape[1:] != right.row_shape[1:]):
        Pairing(left, right, classes=classes)  # which raises where the shapes are known to differ
    reference, theirs = selected(left, choice), rows_of(right)
    chosen, total = reference.chosen, reference.of
    if by_id:
        return Pairing(reference, right, part=True, on_missing=on_missing, classes=classes)
    if not ends:
        if theirs is None and choice.needs_count:
            theirs = count_rows(right)
        if total is not None and theirs is not None and total != theirs:
            raise different(left, right, "rows", total, theirs)
        if theirs is None:
            chosen = replace(chosen, stop=None)
    return Pairing(
        reference, Selected(right, chosen, theirs), on_missing=on_missing, classes=classes
    )


def selected(source: Source, choice: Choice) -> Selected:
    """Take the rows of one source that are wanted.

    Raises
    ------
    InputError
        It has not these rows.
    """
    total = rows_of(source)
    if total is None and choice.needs_count:
        total = count_rows(source)
    return Selected(source, choice.resolve(source.path, total), total)


def numbered(
    found: Comparison, pairing: Pairing, choice: Choice, numbers: NDArray[np.intp]
) -> Comparison:
    """Return a result with its rows called by their places in the reference.

    Parameters
    ----------
    found : Comparison
        The result, in which rows are counted from 0.
    pairing : Pairing
        What was compared.
    choice : Choice
        Which rows were wanted.
    numbers : array of int, shape (rows,)
        The rows' places.
    """

    def moved(measures: Mapping[str, Statistics]) -> dict[str, Statistics]:
        return {
            name: replace(each, max_row=int(numbers[each.max_row]))
            for name, each in measures.items()
        }

    left, right, missing = pairing.reference, pairing.candidate, _missing(pairing)
    selected = isinstance(left, Selected)
    if not selected and missing == Missing(0, 0):
        return replace(found, missing=missing)
    shapes = left.shape, right.shape
    if not selected and missing is not None:
        shapes = (
            _filled(left.shape, len(numbers) + missing.only_reference),
            _filled(right.shape, len(numbers) + missing.only_candidate),
        )
    return replace(
        found,
        reference=replace(found.reference, shape=shapes[0]),
        candidate=replace(found.candidate, shape=shapes[1]),
        row_shape=numbers.shape,
        measures=moved(found.measures),
        groups=None
        if found.groups is None
        else replace(
            found.groups,
            each=tuple(
                replace(group, measures=moved(group.measures)) for group in found.groups.each
            ),
        ),
        top=tuple(replace(row, row=int(numbers[row.row])) for row in found.top),
        row_numbers=numbers,
        file_row_shape=whole(left).row_shape,
        missing=missing,
        selection=selection_of(pairing, choice, int(numbers[0]), int(numbers[-1])),
    )


def _missing(pairing: Pairing) -> Missing | None:
    if pairing.on_missing == "error":
        return None
    return Missing(pairing.left_out.reference, pairing.left_out.candidate)


def _filled(shape: tuple[int | None, ...], rows: int) -> tuple[int, ...]:
    """Return a shape with its number of rows, where only reading to the end told."""
    return tuple(rows if length is None else length for length in shape)


def selection_of(pairing: Pairing, choice: Choice, first: int, last: int) -> Selection | None:
    """Return what the result says of the rows that were selected; None where all were compared.

    ``first`` and ``last`` are the places of the first row that was read and of the last one.
    """
    left, right = pairing.reference, pairing.candidate
    if not isinstance(left, Selected):
        return None
    theirs = right.of if isinstance(right, Selected) else rows_of(right)
    return selection_from(left, theirs, choice, first, last)


def selection_from(
    source: Selected, candidates: int | None, choice: Choice, first: int, last: int
) -> Selection:
    """Return the same of rows that were selected from a source, given the candidate's number."""
    if source.chosen.drawn is not None and source.chosen.stop is not None:
        first, last = source.chosen.start, source.chosen.stop - 1
    return Selection(
        first,
        last,
        source.of,
        candidates,
        None if choice.rows is None else shown(choice.rows),
        choice.limit,
        choice.sample,
        None if choice.sample is None else choice.seed or 0,
    )
