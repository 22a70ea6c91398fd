"""The values of top-K lists, or their ids, that would be taken for one number per class."""

from __future__ import annotations

from dataclasses import replace
from shlex import quote
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.errors import KldivError, UnclearError
from kldiv_cli.measures.distributions.evidence import all_sum_to, are_ids
from kldiv_cli.sources.base import Layout, Source
from kldiv_cli.tasks.opening.first_rows import first_rows
from kldiv_cli.tasks.opening.kinds import NOT_SAID
from kldiv_cli.tasks.opening.questions.opened import Opened
from kldiv_cli.tasks.opening.rounding import sum_tolerance
from kldiv_cli.tasks.opening.sides import Input, layout_of, of_each, open_side
from kldiv_cli.tasks.options import Inspect, Verify


def taken_for_classes(opened: Opened) -> UnclearError | None:
    """Ask where the ids of a top-K list lie beside what is taken, or are what is taken.

    Such a list has a number for each of a row's likeliest classes, and rows have other classes. A
    verification holds for any numbers.
    """
    if isinstance(opened.asked, Verify):
        return None
    for side, source in enumerate(opened.sources):
        beside = None if source.arrays is not None else source.beside
        if beside is None or not beside.others or _is_insisted(opened, side):
            continue
        file, layout = _input(opened, side)
        for name in beside.others:
            taken, other = first_rows(source).values, _rows_of(file, layout, source, name)
            if are_ids(other, taken) or are_ids(taken, other):
                return _question(source, beside.name, name, layout)
    return None


def _input(opened: Opened, side: int) -> tuple[Input, Layout]:
    """Return what is opened for a side, and how."""
    asked = opened.asked
    if isinstance(asked, Inspect):
        return asked.file, layout_of(asked)
    return (asked.reference, asked.candidate)[side], of_each(asked, layout_of(asked))[side]


def _is_insisted(opened: Opened, side: int) -> bool:
    """Tell whether the user says that all classes are there, or the rows show it."""
    if isinstance(opened.asked, Inspect | Verify):
        return False
    kind = (opened.asked.kind or NOT_SAID)[side]
    if kind is None or kind == "logits" or opened.asked.normalize:
        return kind is not None
    rows, tolerance = first_rows(opened.sources[side]).values, sum_tolerance(opened.sources[side])
    with np.errstate(over="ignore"):
        return all_sum_to(np.exp(rows) if kind == "log-probs" else rows, 1, tolerance)


def _rows_of(file: Input, layout: Layout, source: Source, name: str) -> NDArray[Any]:
    """Return the first rows of another array, or column of lists, of the same file."""
    layout = replace(layout, key=name) if source.has_keys else replace(layout, columns=(name,))
    try:
        return first_rows(open_side(file, layout)).values
    except KldivError:  # it is none of numbers, and nobody asked for it
        return np.empty((0, 0))


def _question(source: Source, taken: str, other: str, layout: Layout) -> UnclearError:
    option = layout.key_option.replace("NAME", quote(taken))
    if source.is_table:
        option = f"--columns {quote(taken)}"
    kind = "--input" if layout.side is None else f"--{layout.side}-input"
    return UnclearError(
        f"{source.path}: expected a number per class in {taken!r}, found a top-K list: with "
        f"{other!r} it holds values and ids of other classes in every row",
        f"Such lists are not read: save whole rows, or say {option} {kind} logits if it has a "
        "number per class all the same.",
    )
