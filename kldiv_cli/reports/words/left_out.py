"""What of the files was not compared because the user said so, in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from textwrap import wrap
from typing import Any

from kldiv_cli.results.comparison import Comparison
from kldiv_cli.results.selection import ClassSelection, Missing, Selection

_WIDTH = 67


def lines(comparison: Comparison) -> Iterator[tuple[str, str]]:
    """Say which rows were compared, label by label."""
    if comparison.class_selection is not None:
        yield from _classes(comparison.class_selection, comparison)
    yield from selected(comparison.selection, comparison.paired_by)
    if comparison.missing is not None:
        yield from _wrapped("left out", _missing(comparison.missing, comparison))


def selected(selection: Selection | None, paired_by: str) -> Iterator[tuple[str, str]]:
    """Say which rows were selected, label by label; nothing where all were."""
    if selection is not None:
        yield from _wrapped("selected", _rows(selection, paired_by))


def objects(comparison: Comparison) -> dict[str, Any]:
    """Return the same as what stands in JSON; empty where all was compared."""
    asked = {
        "class_selection": comparison.class_selection,
        "selection": comparison.selection,
        "missing": comparison.missing,
    }
    return {name: asdict(found) for name, found in asked.items() if found is not None}


def _classes(selection: ClassSelection, comparison: Comparison) -> Iterator[tuple[str, str]]:
    p, q = selection.reference, selection.candidate
    of = str(p.of) if p.of == q.of else f"{p.of} in p, of {q.of} in q"
    yield from _wrapped("classes", f"{selection.classes} of {of} ({', '.join(selection.options)})")
    if comparison.mode == "sigmoid":
        return
    yield from _wrapped("", "p and q are distributions over these; of a row's probability")
    for name, side in (("p", p), ("q", q)):
        if side.of == comparison.classes:
            yield from _wrapped("", f"{name} leaves out nothing")
        elif side.mean is not None and side.max is not None:
            most = f"mean {side.mean:.6g}, max {side.max:.6g}"
            yield from _wrapped("", f"{name} leaves out {most}")
    if comparison.reference.censored or comparison.candidate.censored:
        yield "", "tokens are scored among all classes, so here they are not"


def _missing(missing: Missing, comparison: Comparison) -> str:
    rows = f"{missing.only_reference} row{'' if missing.only_reference == 1 else 's'}"
    if comparison.selection is not None:
        return f"{rows} of these not in q"
    return f"{rows} only in p, {missing.only_candidate} only in q"


def _rows(selection: Selection, paired_by: str) -> str:
    of = "an unknown number" if selection.of is None else str(selection.of)
    by_position = paired_by == "position"
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
    for i, line in enumerate(wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False)):
        yield ("" if i else label, line)
