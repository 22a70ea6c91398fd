"""The statistics and the most divergent rows as grids of words."""

from __future__ import annotations

from itertools import pairwise
from math import isnan, prod

import numpy as np

from kldiv_cli.errors import printable
from kldiv_cli.reports.words.parts import Grid, Lines, number, once, packed
from kldiv_cli.results.comparison import Comparison
from kldiv_cli.results.head import class_name
from kldiv_cli.results.statistics import Statistics
from kldiv_cli.results.summary import TopRow

_SHOWN = ("total", "mean", "median", "p90", "p95", "p99", "max")
_SHOWN_BESIDE = ("total", "mean", "+- s.e.", *_SHOWN[2:], "in row")


def grids(comparison: Comparison) -> list[Grid]:
    """Return the statistics, a column per measure; what 80 columns do not hold is a new grid."""
    names = list(comparison.measures)
    if len(names) == 1:
        only = comparison.measures[names[0]]
        rows = tuple((label, _alone(label, only, comparison)) for label in _SHOWN)
        return [Grid("", ("over rows", with_unit(names[0], comparison)), rows, ())]
    found = []
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
        found.append(Grid("", ("over rows", *header), tuple(cells), ()))
    return found


def beside_tokens(comparison: Comparison) -> Lines:
    """Return the statistics as lines, to stand below the figures of language models."""
    labels = {name: with_unit(name, comparison) for name in comparison.measures}
    room = 78 - max(map(len, labels.values()))
    found = []
    for name, statistics in comparison.measures.items():
        figures = [f"{x} {_alone(x, statistics, comparison)}" for x in _SHOWN]
        found += [(labels[name], line) for line in packed(figures, room)]
    return Lines("", tuple(once(found)))


def most_divergent(comparison: Comparison) -> Grid | None:
    """Return the rows that diverge most by the first measure; None where no row is to be shown."""
    if not comparison.top:
        return None
    total = prod(comparison.row_shape)
    some = "" if comparison.selection is None else " selected"
    title = f"{len(comparison.top)} most divergent of {total}{some} rows"
    if len(comparison.top) == total:
        in_order = all(a.row < b.row for a, b in pairwise(comparison.top))
        title = f"all {total}{some} rows{'' if in_order else ', most divergent first'}"
    title += ", counted from 0"
    if total == 1:
        title = f"the only{some} row"
    first = with_unit(next(iter(comparison.measures)), comparison)
    header: tuple[str, ...] = ("row", first, "argmax p", "argmax q")
    if comparison.agreement.kind == "sign":
        header += ("signs differ",)
    if comparison.ids is not None:
        header += ("id",)
    right: tuple[str, ...] = ("row", first, "signs differ")
    if comparison.members is not None:
        header += (inside := f"row in {comparison.members.what}", comparison.members.what)
        right += (inside,)
    rows = tuple(_top_row(row, comparison) for row in comparison.top)
    return Grid(title, header, rows, right)


def with_unit(name: str, comparison: Comparison) -> str:
    """Name a measure and its unit."""
    return f"{name}{unit(name, comparison)}"


def unit(name: str, comparison: Comparison) -> str:
    """Return a measure's unit to stand after its name or formula; empty without a unit."""
    found = comparison.units[name]
    return "" if found is None else f" ({found})"


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
    if comparison.members is not None:
        name, inside = comparison.members.place(row.row)
        cells += (str(inside), printable(name))
    return cells


def _class_name(index: int, comparison: Comparison) -> str:
    return printable(class_name(index, comparison.class_names, comparison.class_shape))
