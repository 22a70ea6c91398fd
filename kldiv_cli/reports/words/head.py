"""What was compared, in words: one block for all reports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kldiv_cli.errors import printable
from kldiv_cli.reports.words import left_out
from kldiv_cli.reports.words.members import paired
from kldiv_cli.reports.words.parts import once
from kldiv_cli.reports.words.sides import both_notes, file_lines, notes
from kldiv_cli.results.head import Head, MaskFile, Taken

Line = tuple[str, str]


@dataclass(frozen=True)
class Rows:
    """What a report adds to the rows.

    Attributes
    ----------
    invalid : str
        What became of the invalid rows.
    figures : str or None
        More figures of the rows that count. With these the rows take two lines, and the mask is
        told before the rows that were selected.
    masked : tuple of str
        Beside such figures: what became of the cells that the mask leaves out, line by line.
    """

    invalid: str = ""
    figures: str | None = None
    masked: tuple[str, ...] = ()


def lines(
    head: Head, room: int | None, how: Iterable[Line] = (), rows: Rows | None = None
) -> Iterator[Line]:
    """Say what was compared, label by label.

    Parameters
    ----------
    head : Head
        What was compared.
    room : int or None
        How wide the text may be on a terminal; None elsewhere.
    how : lines
        What the report computed and how; these lines stand between the files and the rows.
    rows : Rows or None
        What the report adds to the rows; None for a report that counts the rows itself.
    """
    yield from files(head, room)
    yield from how
    if rows is None:
        yield from left_out.lines(head)
    elif rows.figures is None:
        yield from left_out.lines(head)
        yield from _masked(head, room, rows)
        masked = "" if head.masked_cells is None else f", {head.masked} masked"
        yield "rows", f"{_counted(head)}, {_uncounted(head, rows)}{masked}"
    else:
        yield from _masked(head, room, rows)
        yield from left_out.lines(head)
        yield "rows", _counted(head)
        yield "", f"{rows.figures}, {_uncounted(head, rows)}"


def files(head: Taken, room: int | None) -> Iterator[Line]:
    """Name the files, and say what was decided about them."""
    if len(head.sides) == 1:
        yield from file_lines("file", head.sides[0], room)
        yield from once(notes(head.sides[0]))
        return
    for label, side in zip(("reference p", "candidate q"), head.sides, strict=True):
        yield from file_lines(label, side, room)
    reference, candidate = head.sides
    has_columns = any(side.class_columns is not None for side in head.sides)
    yield from both_notes(reference, candidate, head.class_names if has_columns else None)


def _masked(head: Head, room: int | None, rows: Rows) -> Iterator[Line]:
    mask, low, masked = head.mask, head.mask_below, head.masked_cells
    if masked is None:
        return
    if mask is not None:
        yield from mask_lines(mask, room)
    if low is not None:
        beside = "" if mask is None else f", {low.cells} cells"
        yield "mask below", f"{below(low.value)}{beside}"
    cells = f"{masked} of {head.rows * head.classes} cells"
    if rows.figures is not None:
        whole = f"{head.masked} {'row' if head.masked == 1 else 'rows'}"
        yield "masked", f"{whole}, and {cells} in those counted"
        yield from (("", line) for line in rows.masked)
    elif masked:
        yield "masked", f"{cells} in the rows counted"
        yield "", "rows are taken without them"


def mask_lines(mask: MaskFile, room: int | None) -> Iterator[Line]:
    """Name a mask, what it means, and what was decided about it."""
    yield from file_lines("mask", mask, room)
    yield from (("", printable(note)) for note in mask.notes)


def below(value: float) -> str:
    """Say which cells are masked as they lie low."""
    return f"{value:g} or less on both sides"


def _counted(head: Head) -> str:
    return f"{head.rows} counted, {how_paired(head)}"


def how_paired(head: Taken) -> str:
    """Say how rows find each other."""
    members = head.paired_members
    return f"paired by {head.paired_by}" if members is None else f"of {paired(members)}"


def _uncounted(head: Head, rows: Rows) -> str:
    return f"{head.skipped} skipped, {head.invalid} invalid{rows.invalid if head.invalid else ''}"
