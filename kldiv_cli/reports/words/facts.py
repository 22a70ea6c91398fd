"""What people read of a comparison, in words: shared by the table and the page."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np

from kldiv_cli.errors import printable
from kldiv_cli.reports.words import head as words
from kldiv_cli.reports.words import sides
from kldiv_cli.reports.words.parts import number, once, wrapped
from kldiv_cli.reports.words.statistics import unit
from kldiv_cli.results.comparison import Comparison

if TYPE_CHECKING:
    from kldiv_cli.results.groups import Group
    from kldiv_cli.results.limits import Limit

_LEAST = 40
"""How long lines of a definition may be at least, however long its name is."""
_ALL_GROUPS = 20
"""So many groups are all shown."""


def head(comparison: Comparison, columns: int | None = None) -> list[tuple[str, str]]:
    """Return what was compared and how, label by label; ``columns`` is the terminal's width."""
    room = None if columns is None else columns - _labels(comparison) - 2
    how = [
        *_definitions(comparison),
        (comparison.mode, _mode(comparison)),
        *sides.probabilities(comparison),
    ]
    return [
        *words.lines(comparison.head, room, how, _rows(comparison)),
        *_hidden(comparison),
        *_agreement(comparison),
        *_groups(comparison),
        *(line for limit in comparison.limits for line in _limit(limit)),
    ]


def _labels(comparison: Comparison) -> int:
    return max(len("reference p"), *map(len, comparison.definitions))


def _definitions(comparison: Comparison) -> list[tuple[str, str]]:
    """Say what was computed, over as many lines as it takes."""
    names = comparison.definitions
    room = max(_LEAST, 78 - _labels(comparison))
    return [
        (name if i == 0 else "", line)
        for name, definition in names.items()
        for i, line in enumerate(wrap(f"{definition}{unit(name, comparison)}", room))
    ]


def _mode(comparison: Comparison) -> str:
    link, over = ("softmax", "classes") if comparison.mode == "softmax" else ("sigma", "cells")
    as_given = comparison.temperature == 1
    p, q = (
        "as given" if side.kind == "probs" and as_given else f"{link}({logits}/T)"
        for side, logits in ((comparison.reference, "s"), (comparison.candidate, "t"))
    )
    return f"p = {p}, q = {q}, {comparison.classes} {over}, T = {comparison.temperature:g}"


def _rows(comparison: Comparison) -> words.Rows:
    first = next(iter(comparison.measures.values()))
    by = f" by {next(iter(comparison.measures))}" if len(comparison.measures) > 1 else ""
    policy = {"raise": "", "omit": " (left out)", "propagate": " (counted as nan)"}
    return words.Rows(
        invalid=policy[comparison.nan_policy],
        figures=f"{first.zero} zero, {first.infinite} infinite{by}",
        masked=sides.masked(comparison),
    )


def _hidden(comparison: Comparison) -> list[tuple[str, str]]:
    """Say how much of the rows files censor, and what the means may be."""
    hidden = comparison.hidden
    if hidden is None:
        return []
    lines = [f"up to {number(hidden.most)} of a row, {number(hidden.mean)} on average"]
    for name, found in comparison.measures.items():
        if "mean" in found.ranges:
            least, most = map(number, found.ranges["mean"])
            lines.append(f"mean {name} may be from {least} to {most}{unit(name, comparison)}")
    return once([("hidden", line) for line in lines])


def _agreement(comparison: Comparison) -> list[tuple[str, str]]:
    """Say how many decisions agree, unless the figures of language models say so already."""
    if comparison.language is not None:
        return []
    agreement = comparison.agreement
    what = "rows" if agreement.kind == "argmax" else "cells"
    line = f"{number(100 * agreement.share)} % of {what} ({agreement.same} of {agreement.of})"
    if agreement.undecided:
        least, most = (number(100 * end) for end in agreement.range)
        line += f", {least} to {most} % with invalid rows"
    found = [(f"same {agreement.kind}", line)]
    if agreement.padding:
        what = "one cell" if agreement.padding == 1 else f"{agreement.padding} cells"
        found.append(("", f"without {what} of padding, the same on both sides"))
    return found


def shown_groups(comparison: Comparison) -> tuple[Group, ...]:
    """Return the groups to show: all of a few, and as many of many as there are rows shown."""
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


def _limit(limit: Limit) -> list[tuple[str, str]]:
    """Say what becomes of a limit; below it, what is not known of its figure."""
    bound = f">= {limit.below!r}" if limit.above is None else f"<= {limit.above!r}"
    unit = "" if limit.unit is None else f" {limit.unit}"
    found = limit.verdict.upper() if limit.exceeded else limit.verdict
    line = f"{limit.stat} {bound}{unit}: {found}: {limit.value!r}"
    return [("limit", line), *(wrapped("", limit.reservation) if limit.reservation else ())]
