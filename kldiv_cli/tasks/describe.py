"""A pairing and what was read of it -> what a result says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, replace

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.errors import InputError
from kldiv_cli.measures.distributions.exact import real
from kldiv_cli.measures.distributions.kinds import Kind, looks_like
from kldiv_cli.measures.rows.faults import first_invalid
from kldiv_cli.measures.types import Mode
from kldiv_cli.pairing import BlockPair, Pairing
from kldiv_cli.pairing.masks.masked import MaskedPairing, _is_part
from kldiv_cli.results.comparison import Comparison, MaskUse, Side
from kldiv_cli.results.selection import Missing, Selection
from kldiv_cli.results.statistics import Statistics
from kldiv_cli.sources.base import Source
from kldiv_cli.sources.views.choice import Choice, shown
from kldiv_cli.sources.views.selected import Selected, whole


def described(pairing: Pairing, rows: int, cells: int, of: int) -> MaskUse | None:
    """Return what the result of so many rows says of the mask, which left out cells of so many."""
    if not isinstance(pairing, MaskedPairing):
        return None
    source = pairing.mask.source
    first, *rest = source.shape
    count, passed_over = (None, ()) if source.shards is None else astuple(source.shards)
    return MaskUse(
        path=source.path,
        format=source.format,
        dtype=source.dtype,
        shape=(rows if first is None and not _is_part(pairing) else first, *rest),
        means=pairing.mask.means,
        cells=cells,
        of=of,
        shards=count,
        passed_over=passed_over,
        notes=source.notes,
    )


def nothing_left(pairing: Pairing, skipped: int, invalid: int, left_out: int) -> InputError:
    """Return the error of rows none of which counts, so many of them because of a mask."""
    if not isinstance(pairing, MaskedPairing) or not left_out or skipped or invalid:
        return nothing_counts(pairing, skipped, invalid, left_out)
    of = " of these rows" if _is_part(pairing) else ""
    return InputError(
        f"{pairing.mask.source.path}: expected cells to compare, found none: the mask leaves out "
        f"every cell{of}",
        "--mask-means says whether true cells enter (keep) or are left out (drop).",
    )


def describe(source: Source, rows: int | None) -> Side:
    """Return what the result says of one side, now that its rows were counted, if all were read."""
    shape = tuple(rows if length is None else length for length in source.shape)
    count, passed_over = (None, ()) if source.shards is None else astuple(source.shards)
    return Side(
        path=source.path,
        format=source.format,
        dtype=source.dtype,
        shape=shape,
        id=source.id_name,
        notes=source.notes,
        shards=count,
        passed_over=passed_over,
        censored=source.bounds is not None,
    )


def invalid_row(
    mode: Mode,
    block: BlockPair,
    row: int,
    pairing: Pairing,
    kinds: tuple[Kind, Kind] = ("logits", "logits"),
) -> InputError:
    """Return the error that names an invalid row of a block, given what its numbers are."""
    values = real(block.reference), real(block.candidate)
    fault = first_invalid(mode, *values, row, kinds)
    advice = (
        "Leave such rows out with --nan-policy omit, or let them show with --nan-policy propagate."
    )
    here = 0 if fault.side == "reference" else 1
    other = values[1 - here]
    if kinds[0] != kinds[1] and kinds[here] != "logits" and looks_like(other, kinds[here]):
        advice = (
            f"The other side looks like {kinds[here]}: are --reference-input and "
            "--candidate-input swapped?"
        )
    elif kinds[here] != "logits":
        advice = f"Say --{fault.side}-input logits if these are logits."
    place = pairing.place(fault.side, block, fault.row, fault.cell)
    within = " in the cells that the mask keeps"
    part = within if fault.cell is None and block.kept is not None else ""
    return InputError(
        f"{getattr(pairing, fault.side).path}: {place}: expected {fault.expected}, found "
        f"{fault.found}{part}",
        advice,
    )


def nothing_counts(pairing: Pairing, skipped: int, invalid: int, masked: int = 0) -> InputError:
    """Return the error of two sides without a row that counts."""
    return InputError(
        f"{pairing.reference.path}: expected rows to compare, found none that counts "
        f"({skipped} skipped, nothing but -inf; {invalid} invalid"
        + (f"; {masked} masked)" if masked else ")"),
        "Check what wrote the files: no row is a distribution on both sides.",
    )


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
    theirs = right.of if isinstance(right, Selected) else right.length
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
