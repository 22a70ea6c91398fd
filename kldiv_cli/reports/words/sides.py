"""What is said of the inputs: files, what was decided about them, probabilities, the mask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kldiv_cli.errors import a_few, printable
from kldiv_cli.reports.words.parts import cells, folded, once
from kldiv_cli.results.head import MaskFile, Side

if TYPE_CHECKING:
    from kldiv_cli.results.comparison import Comparison

_CLASSES = 4
"""So many classes are all named."""
_LONGEST = 30
_FORMAT = "format: "
"""A note on a file's format begins so."""


def file_lines(label: str, side: Side | MaskFile, room: int | None) -> list[tuple[str, str]]:
    """Name a file, what it holds, and what a mask means.

    On a terminal without room for all this on one line, the name has lines of its own. ``room`` is
    None elsewhere, and there is one line.
    """
    shape = " x ".join("?" if length is None else str(length) for length in side.shape)
    means = f", true {side.means}s" if isinstance(side, MaskFile) else ""
    name, holds = printable(side.path), f"{side.format} {side.dtype} {shape}{_files(side)}{means}"
    line = f"{name}  {holds}"
    if room is None or cells(line) <= room:
        return [(label, line)]
    return once([*((label, part) for part in folded(name, room)), ("", holds)])


def notes(side: Side) -> list[tuple[str, str]]:
    """Return what was decided about a file, label by label."""
    label = "censored" if side.censored else "columns"
    axes = _axes(side)
    return [
        *([] if axes is None else [("axes", axes)]),
        *(
            ("format", printable(note.removeprefix(_FORMAT)))
            if note.startswith(_FORMAT)
            else (label, printable(note))
            for note in side.notes
        ),
    ]


def classes(names: Sequence[str]) -> str:
    """Name the first classes and the last.

    A name that holds a comma or begins or ends with a space is quoted, and a long one is cut.
    """
    few = names if len(names) <= _CLASSES else (*names[:2], names[-1])
    shown = [_class(name) for name in few]
    if len(few) < len(names):
        shown[-1] = f"... {shown[-1]}"
    return ", ".join(shown)


def _class(name: str) -> str:
    cut = name if len(name) <= _LONGEST else f"{name[:_LONGEST]}..."
    return printable(cut) if cut.strip() == cut != "" and "," not in cut else printable(repr(cut))


def _axes(side: Side) -> str | None:
    """Say which axes of an array index classes; None of a matrix whose columns do."""
    axes, count = side.class_axes, len(side.shape)
    if axes is None or (count == 2 and axes == (1,)):
        return None
    if not axes:
        return "every number is a row of one cell"
    if count == 1:
        return "one row, as the array has one axis"
    if len(axes) == 1:
        return f"classes on axis {axes[0]}"
    return f"classes on axes {axes[0]} {'and' if len(axes) == 2 else 'to'} {axes[-1]}"


def both_notes(
    reference: Side, candidate: Side, names: Sequence[str] | None
) -> list[tuple[str, str]]:
    """Return the notes of both files, and the classes where they have names.

    Where notes differ, each names its side.
    """
    found = notes(reference)
    if found != notes(candidate):
        sides = {"p": found, "q": notes(candidate)}
        found = [(label, f"{side}: {note}") for side, each in sides.items() for label, note in each]
    if names is not None:
        count = "1 class" if len(names) == 1 else f"{len(names)} classes"
        found.append(("columns", f"{count}: {classes(names)}"))
    return once(found)


def inputs(reference: Side, candidate: Side, *, masked: bool) -> list[tuple[str, str]]:
    """Say which inputs are probabilities, and by what they were divided with or without a mask."""
    found = []
    for name, side in (("p", reference), ("q", candidate)):
        if side.kind != "logits":
            line = f"{name}: {side.kind}"
            if side.sum_error is not None:
                line += f", rows sum to 1 within {side.sum_error:.3g}"
                line += "" if masked else ", divided by their sums"
            found.append(("input", line))
            if side.sum_error is not None and masked:
                found.append(("", "divided by their sums within the kept classes"))
    return found


def probabilities(comparison: Comparison) -> list[tuple[str, str]]:
    """Say what was done to probabilities before they were compared."""
    sides = comparison.reference, comparison.candidate
    found = inputs(*sides, masked=comparison.head.masked_cells is not None)
    if comparison.smooth:
        outcomes = f"{comparison.classes if comparison.mode == 'softmax' else 2}"
        if comparison.mode == "softmax" and comparison.head.masked_cells is not None:
            outcomes = "(classes kept)"
        found.append(("smooth", f"q is (1 - E)*q + E/{outcomes}, E = {comparison.smooth!r}"))
    return found


def masked(comparison: Comparison) -> tuple[str, ...]:
    """Say what became of the cells that a mask leaves out, line by line."""
    cells = comparison.head.masked_cells
    if cells is None:
        return ()
    rest = {
        "softmax": "p and q are distributions over the classes that are kept",
        "sigmoid": "masked cells add nothing",
    }
    found = [rest[comparison.mode]] if cells else []
    if comparison.language is not None:
        found += ["tokens are scored among these"] if cells else []
    elif any(side.censored for side in comparison.head.sides):
        found.append("tokens are scored among all classes, so here they are not")
    return tuple(found)


def _files(side: Side | MaskFile) -> str:
    """Say of how many files and arrays the input consists, and which files do not belong to it."""
    arrays = "" if side.arrays is None else f"{side.arrays} arrays"
    if side.shards is None:
        return f" in {arrays}" if arrays else ""
    without = f" without {printable(a_few(list(side.passed_over)))}" if side.passed_over else ""
    files = f" in {side.shards} {'file' if side.shards == 1 else 'files'}"
    return f"{files}{f' of {arrays}' if arrays else ''}{without}"
