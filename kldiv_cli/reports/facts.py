"""What people read of a comparison, in words: shared by the table and the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isnan
from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np

from kldiv_cli.comparison import Comparison, Limit, MaskUse, Side, class_name
from kldiv_cli.errors import a_few, printable
from kldiv_cli.reports import left_out
from kldiv_cli.summary import Statistics, TopRow

_FORMAT = "format: "
"""With what a note on a file's format begins."""
if TYPE_CHECKING:
    from kldiv_cli.groups import Group

_SHOWN = ("total", "mean", "median", "p90", "p95", "p99", "max")
_ALL_GROUPS = 20
"""So many groups are all shown."""
_SHOWN_BESIDE = ("total", "mean", "+- s.e.", *_SHOWN[2:], "in row")


@dataclass(frozen=True)
class Grid:
    """A titled grid of words; columns named in ``right`` are numbers."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: tuple[str, ...]


def head(comparison: Comparison) -> list[tuple[str, str]]:
    """Return what was compared and how, label by label."""
    return [
        ("reference p", file_line(comparison.reference)),
        ("candidate q", file_line(comparison.candidate)),
        *_notes(comparison),
        *_definitions(comparison),
        (comparison.mode, _mode(comparison)),
        *_inputs(comparison),
        *_mask(comparison),
        *left_out.lines(comparison),
        *_rows(comparison),
        (f"same {comparison.agreement.kind}", _agreement(comparison)),
        *_groups(comparison),
        *(("limit", _limit(limit)) for limit in comparison.limits),
    ]


def statistics(comparison: Comparison) -> list[Grid]:
    """Return the statistics, a column per measure, as many grids as 80 columns ask for."""
    names = list(comparison.measures)
    if len(names) == 1:
        found = comparison.measures[names[0]]
        rows = tuple((label, _alone(label, found, comparison)) for label in _SHOWN)
        return [Grid("", ("over rows", with_unit(names[0], comparison)), rows, ())]
    grids = []
    while names:
        width, taken = 9, 0
        while taken < len(names) and width + (need := _width(names[taken], comparison)) <= 80:
            width, taken = width + need, taken + 1
        part, names = names[: max(taken, 1)], names[max(taken, 1) :]
        header = tuple(with_unit(name, comparison) for name in part)
        cells = (
            (label, *(_beside(label, comparison.measures[name]) for name in part))
            for label in _SHOWN_BESIDE
        )
        grids.append(Grid("", ("over rows", *header), tuple(cells), ()))
    return grids


def most_divergent(comparison: Comparison) -> Grid | None:
    """Return the rows that diverge most by the first measure, all where there are few, or None."""
    if not comparison.top:
        return None
    total = len(comparison.skipped_rows)
    some = "" if comparison.selection is None else " selected"
    title = f"{len(comparison.top)} most divergent of {total}{some} rows"
    if len(comparison.top) == total:
        in_order = all(a.row < b.row for a, b in pairwise(comparison.top))
        title = f"all {total}{some} rows{'' if in_order else ', most divergent first'}"
    if total == 1:
        title = f"the only{some} row"
    first = with_unit(next(iter(comparison.measures)), comparison)
    header: tuple[str, ...] = ("row", first, "argmax p", "argmax q")
    if comparison.agreement.kind == "sign":
        header += ("signs differ",)
    if comparison.ids is not None:
        header += ("id",)
    rows = tuple(_top_row(row, comparison) for row in comparison.top)
    return Grid(title, header, rows, ("row", first, "signs differ"))


def number(value: float) -> str:
    """Round for people."""
    return f"{value:.6g}"


def with_unit(name: str, comparison: Comparison) -> str:
    """Name a measure and its unit."""
    return f"{name}{_unit(name, comparison)}"


def _definitions(comparison: Comparison) -> list[tuple[str, str]]:
    """Say what was computed, over as many lines as it takes."""
    names = comparison.definitions
    room = 78 - max(len("reference p"), *map(len, names))
    return [
        (name if i == 0 else "", line)
        for name, definition in names.items()
        for i, line in enumerate(wrap(f"{definition}{_unit(name, comparison)}", room))
    ]


def _mode(comparison: Comparison) -> str:
    link, over = ("softmax", "classes") if comparison.mode == "softmax" else ("sigma", "cells")
    as_given = comparison.temperature == 1
    p, q = (
        "as given" if side.kind == "probs" and as_given else f"{link}({logits}/T)"
        for side, logits in ((comparison.reference, "s"), (comparison.candidate, "t"))
    )
    return f"p = {p}, q = {q}, {comparison.classes} {over}, T = {comparison.temperature:g}"


def _inputs(comparison: Comparison) -> list[tuple[str, str]]:
    """Say what was done to probabilities before they were compared."""
    found = []
    for side in (comparison.reference, comparison.candidate):
        if side.kind != "logits":
            name = "p" if side is comparison.reference else "q"
            line = f"{name}: {side.kind}"
            if side.sum_error is not None:
                line += f", rows sum to 1 within {side.sum_error:.3g}"
                line += ", divided by their sums" if comparison.mask is None else ""
            found.append(("input", line))
            if side.sum_error is not None and comparison.mask is not None:
                found.append(("", "divided by their sums within the kept classes"))
    if comparison.smooth:
        outcomes = f"{comparison.classes if comparison.mode == 'softmax' else 2}"
        if comparison.mode == "softmax" and comparison.mask is not None:
            outcomes = "(classes kept)"
        found.append(("smooth", f"q is (1 - E)*q + E/{outcomes}, E = {comparison.smooth!r}"))
    return found


def _mask(comparison: Comparison) -> list[tuple[str, str]]:
    """Say what the mask is, what it left out, and what became of the rest."""
    mask = comparison.mask
    if mask is None:
        return []
    rows = f"{comparison.masked} {'row' if comparison.masked == 1 else 'rows'}"
    rest = {
        "softmax": "p and q are distributions over the classes that are kept",
        "sigmoid": "masked cells add nothing",
    }
    sides = comparison.reference, comparison.candidate
    unscored = comparison.language is None and any(side.format == "llamacpp" for side in sides)
    return [
        ("mask", mask_line(mask)),
        *(("", printable(note)) for note in mask.notes),
        ("masked", f"{rows}, and {mask.cells} of {mask.of} cells in those counted"),
        *([("", rest[comparison.mode])] if mask.cells else []),
        *([("", "tokens are scored among all classes, so here they are not")] if unscored else []),
    ]


def mask_line(mask: MaskUse) -> str:
    """Name a mask and what it means."""
    return f"{file_line(mask)}, true {mask.means}s"


def file_line(side: Side | MaskUse) -> str:
    """Name a file and what it holds."""
    shape = " x ".join("?" if length is None else str(length) for length in side.shape)
    return f"{printable(side.path)}  {side.format} {side.dtype} {shape}{_files(side)}"


def _files(side: Side | MaskUse) -> str:
    """Say of how many files an input is made, and what of its directory is no part of it."""
    if side.shards is None:
        return ""
    without = f" without {printable(a_few(list(side.passed_over)))}" if side.passed_over else ""
    return f" in {side.shards} {'file' if side.shards == 1 else 'files'}{without}"


def notes(side: Side) -> list[tuple[str, str]]:
    """Return what was decided about a file, label by label."""
    label = "censored" if side.format == "llamacpp" else "columns"
    return [
        ("format", printable(note.removeprefix(_FORMAT)))
        if note.startswith(_FORMAT)
        else (label, printable(note))
        for note in side.notes
    ]


def once(lines: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the lines with a label only where it changes."""
    labels = [label for label, _ in lines]
    return [
        ("" if label == before else label, text)
        for (label, text), before in zip(lines, [None, *labels], strict=False)
    ]


def _notes(comparison: Comparison) -> list[tuple[str, str]]:
    ours, theirs = notes(comparison.reference), notes(comparison.candidate)
    if ours == theirs:
        return once(ours)
    named = {"p": ours, "q": theirs}
    return once(
        [(label, f"{name}: {note}") for name, found in named.items() for label, note in found]
    )


def _rows(comparison: Comparison) -> list[tuple[str, str]]:
    first = next(iter(comparison.measures.values()))
    policy = {"raise": "", "omit": " (left out)", "propagate": " (counted as nan)"}
    invalid = policy[comparison.nan_policy] if comparison.invalid else ""
    by = f" by {next(iter(comparison.measures))}" if len(comparison.measures) > 1 else ""
    kinds = f"{first.zero} zero, {first.infinite} infinite{by}"
    return [
        ("rows", f"{comparison.rows} counted, paired by {comparison.paired_by}"),
        ("", f"{kinds}, {comparison.skipped} skipped, {comparison.invalid} invalid{invalid}"),
    ]


def _agreement(comparison: Comparison) -> str:
    agreement = comparison.agreement
    what = "rows" if agreement.kind == "argmax" else "cells"
    return f"{number(100 * agreement.share)} % of {what} ({agreement.same} of {agreement.of})"


def shown_groups(comparison: Comparison) -> tuple[Group, ...]:
    """Return the groups that people are shown: all, or of many as many as there are rows shown."""
    if comparison.groups is None:
        return ()
    each = comparison.groups.each
    return each if len(each) <= _ALL_GROUPS else each[: len(comparison.top)]


def _groups(comparison: Comparison) -> list[tuple[str, str]]:
    groups = comparison.groups
    if groups is None:
        return []
    named = sum(group.name is not None for group in groups.each)
    lines = [f"{named} by {printable(groups.by.what)}"]
    if named < len(groups.each):
        left = np.count_nonzero(groups.codes == named)
        lines.append(f"{left} {'row is' if left == 1 else 'rows are'} in none of them")
    shown = len(shown_groups(comparison))
    if shown < len(groups.each):
        lines.append(f"{shown} shown; -o FILE.json or --format json has all")
    return [("groups" if i == 0 else "", line) for i, line in enumerate(lines)]


def _limit(limit: Limit) -> str:
    verdict = "EXCEEDED" if limit.exceeded else "holds"
    unit = "" if limit.unit is None else f" {limit.unit}"
    return f"{limit.stat} <= {limit.above!r}{unit}: {verdict}: {limit.value!r}"


def _alone(label: str, found: Statistics, comparison: Comparison) -> str:
    text = number(found[label])
    if label == "mean":
        sem = found["sem"]
        return f"{text} +- {number(sem)} standard error" if not isnan(sem) else text
    if label == "max":
        return f"{text} in row {_row_name(found.max_row, comparison)}"
    return text


def _beside(label: str, found: Statistics) -> str:
    if label == "in row":
        return str(found.max_row)
    return number(found["sem" if label == "+- s.e." else label])


def _width(name: str, comparison: Comparison) -> int:
    return 2 + max(len(with_unit(name, comparison)), len("-1.23457e-308"))


def _unit(name: str, comparison: Comparison) -> str:
    unit = comparison.units[name]
    return "" if unit is None else f" ({unit})"


def _row_name(row: int, comparison: Comparison) -> str:
    if len(comparison.numbered_shape) == 1:
        return str(row)
    return f"{row} {tuple(int(i) for i in np.unravel_index(row, comparison.numbered_shape))}"


def _top_row(row: TopRow, comparison: Comparison) -> tuple[str, ...]:
    blank = "masked" if row.masked else "skipped" if row.skipped else "invalid"
    value = number(next(iter(row.values.values()))) if row.counted else blank
    known = row.counted and not isnan(next(iter(row.values.values())))
    classes = (_class_name(i, comparison) if known else "-" for i in row.argmax)
    cells: tuple[str, ...] = (_row_name(row.row, comparison), value, *classes)
    if comparison.agreement.kind == "sign":
        cells += (f"{row.of - row.same} of {row.of}" if known else "-",)
    if comparison.ids is not None:
        cells += (printable(str(row.id)),)
    return cells


def _class_name(index: int, comparison: Comparison) -> str:
    return printable(class_name(index, comparison.class_names, comparison.class_shape))
