"""A pairing and what was read of it -> what a result says of it."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from math import prod
from typing import Any

from kldiv_cli.errors import InputError
from kldiv_cli.measures.distributions.exact import real
from kldiv_cli.measures.distributions.kinds import Kind, looks_like
from kldiv_cli.measures.rows.faults import first_invalid
from kldiv_cli.measures.types import Mode
from kldiv_cli.pairing import BlockPair, Pairing
from kldiv_cli.pairing.masks.masked import MaskedPairing, _is_part
from kldiv_cli.results.head import Head, MaskUse, NanPolicy, Shape, Side
from kldiv_cli.results.inspection import Rows
from kldiv_cli.results.selection import Missing, Selection
from kldiv_cli.sources.base import Source
from kldiv_cli.sources.views.choice import Choice, shown
from kldiv_cli.sources.views.selected import Selected, whole
from kldiv_cli.tasks.warnings import Watch, class_selection, watched


@dataclass(frozen=True)
class Counts:
    """What became of the rows that were read.

    Attributes
    ----------
    read, counted, skipped, invalid, masked : int
        How many rows were read, and how many of them are what; see `kldiv_cli.results.head.Head`.
    masked_cells : int
        How many cells a mask leaves out in the rows that count.
    """

    read: int
    counted: int
    skipped: int
    invalid: int
    masked: int = 0
    masked_cells: int = 0


def head_of(
    watch: Watch,
    counts: Counts,
    nan_policy: NanPolicy,
    choice: Choice,
    ends: tuple[int, int] | None,
) -> Head:
    """Return the head of the result of a pairing, now that its blocks were read.

    Parameters
    ----------
    watch : Watch
        What it saw of the pairing.
    counts : Counts
        What became of the rows.
    nan_policy : {"raise", "omit", "propagate"}
        What was done with invalid rows.
    choice : Choice
        Which rows were asked for.
    ends : pair of int or None
        The places of the first and the last row in the reference; None where all rows were read.

    Raises
    ------
    InputError
        No row counts.
    """
    pairing = watch.pairing
    if not counts.counted and not (nan_policy == "propagate" and counts.invalid):
        raise nothing_left(pairing, counts.skipped, counts.invalid, counts.masked)
    missing = None if ends is None else _missing(pairing)
    selected = isinstance(pairing.reference, Selected)
    renumbered = selected or missing not in (None, Missing(0, 0))
    only = (0, 0) if missing is None else (missing.only_reference, missing.only_candidate)
    classes = prod(pairing.class_shape)
    return Head(
        sides=tuple(
            watched(describe(source, None if selected else counts.read + more), seen)
            for source, more, seen in zip(
                (pairing.reference, pairing.candidate), only, watch.sides, strict=True
            )
        ),
        mode=watch.mode,
        nan_policy=nan_policy,
        paired_by=pairing.by,
        rows=counts.counted,
        skipped=counts.skipped,
        invalid=counts.invalid,
        class_shape=pairing.class_shape,
        row_shape=(counts.read,)
        if renumbered
        else tuple(length or counts.read for length in pairing.row_shape),
        file_row_shape=whole(pairing.reference).row_shape if renumbered else None,
        class_names=pairing.class_names,
        warnings=watch.warnings(),
        mask=_mask(pairing, counts, counts.counted * classes),
        masked=counts.masked,
        class_selection=class_selection(watch),
        selection=None if ends is None else _selection(pairing, choice, *ends),
        missing=missing,
    )


def head_of_file(
    source: Source, rows: Rows, choice: Choice | None, ends: tuple[int, int] | None
) -> Head:
    """Return the head of the result of a single file; its rows are taken as under softmax."""
    selected = isinstance(source, Selected)
    return Head(
        sides=(describe(source, None if selected else rows.total),),
        mode="softmax",
        nan_policy="omit",
        paired_by="position",
        rows=rows.valid,
        skipped=0,
        invalid=rows.total - rows.valid,
        class_shape=source.class_shape,
        row_shape=tuple(rows.total if length is None else length for length in source.row_shape),
        file_row_shape=whole(source).row_shape if selected else None,
        class_names=source.class_names,
        selection=None
        if choice is None or ends is None
        else selection_from(source, None, choice, *ends),
    )


def _mask(pairing: Pairing, counts: Counts, of: int) -> MaskUse | None:
    if not isinstance(pairing, MaskedPairing):
        return None
    source = pairing.mask.source
    first, *rest = source.shape
    known = first is not None or _is_part(pairing)
    return MaskUse(
        **_file(source, (first if known else counts.read, *rest)),
        means=pairing.mask.means,
        cells=counts.masked_cells,
        of=of,
    )


def _file(source: Source, shape: Shape) -> dict[str, Any]:
    """Return what is said of any file that was read."""
    count, passed_over = (None, ()) if source.shards is None else astuple(source.shards)
    return {
        "path": source.path,
        "format": source.format,
        "dtype": source.dtype,
        "shape": shape,
        "notes": source.notes,
        "shards": count,
        "passed_over": passed_over,
    }


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
    """Return what the result says of a source; ``rows`` is their number where all were read."""
    shape = tuple(rows if length is None else length for length in source.shape)
    return Side(**_file(source, shape), id=source.id_name, censored=source.bounds is not None)


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


def _missing(pairing: Pairing) -> Missing | None:
    if pairing.on_missing == "error":
        return None
    return Missing(pairing.left_out.reference, pairing.left_out.candidate)


def _selection(pairing: Pairing, choice: Choice, first: int, last: int) -> Selection | None:
    theirs = pairing.candidate
    of = theirs.of if isinstance(theirs, Selected) else theirs.length
    return selection_from(pairing.reference, of, choice, first, last)


def selection_from(
    source: Source, of_candidate: int | None, choice: Choice, first: int, last: int
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
        The places of the first and the last row that was read. A sample is said to come from the
        rows among which it was drawn.
    """
    if not isinstance(source, Selected):
        return None
    if source.chosen.drawn is not None and source.chosen.stop is not None:
        first, last = source.chosen.start, source.chosen.stop - 1
    return Selection(
        first=first,
        last=last,
        of=source.of,
        of_candidate=of_candidate,
        rows=None if choice.rows is None else shown(choice.rows),
        limit=choice.limit,
        sample=choice.sample,
        seed=None if choice.sample is None else choice.seed or 0,
    )
