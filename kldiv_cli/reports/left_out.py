"""What of the files was not compared because the user said so, in words."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap
from typing import Any

from kldiv_cli.comparison import Comparison, Selection

_WIDTH = 67


def lines(comparison: Comparison) -> Iterator[tuple[str, str]]:
    """Say which rows were compared, label by label."""
    if comparison.selection is not None:
        yield from _wrapped("selected", _rows(comparison.selection, comparison))


def objects(comparison: Comparison) -> dict[str, Any]:
    """Return the same as what stands in JSON; empty where all was compared."""
    if comparison.selection is None:
        return {}
    return {"selection": vars(comparison.selection)}


def _rows(selection: Selection, comparison: Comparison) -> str:
    of = "an unknown number" if selection.of is None else str(selection.of)
    by_position = comparison.paired_by == "position"
    theirs = selection.of_candidate
    if by_position and selection.of is not None and theirs not in (None, selection.of):
        of += f" (of {theirs} in the candidate)"
    names = ("rows", "limit", "sample")
    options = ", ".join(f"--{name}" for name in names if getattr(selection, name) is not None)
    rows = f"rows {selection.first}..{selection.last} of {of}"
    if selection.sample is None:
        return f"{rows} ({options})"
    return f"{selection.sample} drawn from {rows}, seed {selection.seed} ({options})"


def _wrapped(label: str, text: str) -> Iterator[tuple[str, str]]:
    for i, line in enumerate(wrap(text, _WIDTH)):
        yield ("" if i else label, line)
