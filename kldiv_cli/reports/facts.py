"""What people read of a comparison, in words: shared by the table and the page."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan

import numpy as np

from kldiv_cli.comparison import Comparison, Side
from kldiv_cli.errors import printable
from kldiv_cli.summary import Statistics, TopRow


@dataclass(frozen=True)
class Grid:
    """A titled grid of words; columns named in ``right`` are numbers."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: tuple[str, ...]


def head(comparison: Comparison) -> list[tuple[str, str]]:
    """Return what was compared and how, label by label."""
    name, definition = next(iter(comparison.definitions.items()))
    return [
        ("reference p", _side(comparison.reference)),
        ("candidate q", _side(comparison.candidate)),
        *_notes(comparison),
        (name, f"{definition} ({comparison.unit})"),
        ("mode", _mode(comparison)),
        *_rows(comparison),
        (f"same {comparison.agreement.kind}", _agreement(comparison)),
        *(
            (
                "limit",
                f"{limit.stat} <= {limit.above:g} {comparison.unit}: "
                + (
                    f"EXCEEDED: {number(limit.value)}"
                    if limit.exceeded
                    else f"holds: {number(limit.value)}"
                ),
            )
            for limit in comparison.limits
        ),
    ]


def statistics(comparison: Comparison) -> Grid:
    """Return the statistics, a column per measure."""
    names = tuple(comparison.measures)
    header = ("over rows", *(f"{name} ({comparison.unit})" for name in names))
    rows = []
    for label in ("total", "mean", "median", "p90", "p95", "p99", "max"):
        found = (comparison.measures[name] for name in names)
        rows.append((label, *(_statistic(label, each, comparison) for each in found)))
    return Grid("", header, tuple(rows), ())


def most_divergent(comparison: Comparison) -> Grid | None:
    """Return the most divergent rows, or all of them where there are few; None for none."""
    if not comparison.top:
        return None
    total = len(comparison.skipped_rows)
    every = len(comparison.top) == total
    title = (
        f"all {total} rows" if every else f"{len(comparison.top)} most divergent of {total} rows"
    )
    values = tuple(f"{name} ({comparison.unit})" for name in comparison.measures)
    header: tuple[str, ...] = ("row", *values, "argmax p", "argmax q")
    if comparison.agreement.kind == "sign":
        header += ("signs differ",)
    if comparison.ids is not None:
        header += ("id",)
    rows = tuple(_top_row(row, comparison) for row in comparison.top)
    return Grid(title, header, rows, ("row", *values, "signs differ"))


def number(value: float) -> str:
    """Round for people."""
    return f"{value:.6g}"


def _mode(comparison: Comparison) -> str:
    link, over = ("softmax", "classes") if comparison.mode == "softmax" else ("sigma", "cells")
    return (
        f"{comparison.mode} of {comparison.classes} {over}: p = {link}(s/T), q = {link}(t/T), "
        f"T = {comparison.temperature:g}"
    )


def _side(side: Side) -> str:
    shape = " x ".join(map(str, side.shape))
    return f"{printable(side.path)}  {side.format} {side.dtype} {shape}"


def _notes(comparison: Comparison) -> list[tuple[str, str]]:
    ours, theirs = comparison.reference.notes, comparison.candidate.notes
    if ours == theirs:
        return [("", printable(note)) for note in ours]
    return [
        ("", printable(f"{side}: {note}"))
        for side, notes in (("p", ours), ("q", theirs))
        for note in notes
    ]


def _rows(comparison: Comparison) -> list[tuple[str, str]]:
    first = next(iter(comparison.measures.values()))
    policy = {"raise": "", "omit": " (left out)", "propagate": " (counted as nan)"}
    invalid = policy[comparison.nan_policy] if comparison.invalid else ""
    kinds = f"{first.zero} zero, {first.infinite} infinite"
    return [
        ("rows", f"{comparison.rows} counted, paired by {comparison.paired_by}"),
        ("", f"{kinds}, {comparison.skipped} skipped, {comparison.invalid} invalid{invalid}"),
    ]


def _agreement(comparison: Comparison) -> str:
    agreement = comparison.agreement
    what = "rows" if agreement.kind == "argmax" else "cells"
    return f"{number(100 * agreement.share)} % of {what} ({agreement.same} of {agreement.of})"


def _statistic(label: str, found: Statistics, comparison: Comparison) -> str:
    text = number(found[label])
    if label == "mean":
        sem = found["sem"]
        return f"{text} +- {number(sem)} standard error" if not isnan(sem) else text
    if label == "max":
        return f"{text} in row {_row_name(found.max_row, comparison)}"
    return text


def _row_name(row: int, comparison: Comparison) -> str:
    if len(comparison.row_shape) == 1:
        return str(row)
    return f"{row} {tuple(int(i) for i in np.unravel_index(row, comparison.row_shape))}"


def _top_row(row: TopRow, comparison: Comparison) -> tuple[str, ...]:
    blank = "skipped" if row.skipped else "invalid"
    values = (number(v) if row.counted else blank for v in row.values.values())
    classes = (_class_name(i, comparison) if row.counted else "-" for i in row.argmax)
    cells: tuple[str, ...] = (_row_name(row.row, comparison), *values, *classes)
    if comparison.agreement.kind == "sign":
        cells += (f"{row.of - row.same} of {row.of}" if row.counted else "-",)
    if comparison.ids is not None:
        cells += (printable(str(row.id)),)
    return cells


def _class_name(index: int, comparison: Comparison) -> str:
    names, shape = comparison.class_names, comparison.class_shape
    if names is not None:
        return printable(names[index])
    if len(shape) == 1:
        return str(index)
    return ",".join(str(int(i)) for i in np.unravel_index(index, shape))
