"""The statistics per group, in words: shared by the table and the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kldiv_cli.errors import printable
from kldiv_cli.reports.words.facts import shown_groups
from kldiv_cli.reports.words.parts import Grid, number
from kldiv_cli.reports.words.statistics import with_unit
from kldiv_cli.results.comparison import Comparison

if TYPE_CHECKING:
    from kldiv_cli.results.groups import Group

_SHOWN = ("mean", "median", "max")
_NUMBER = len("-1.23457e-308")


def grids(comparison: Comparison) -> list[Grid]:
    """Return a line per group: statistics of a single measure, or the means of several.

    Where 80 columns do not hold all means, there are several grids.
    """
    shown = shown_groups(comparison)
    if not shown:
        return []
    title = _title(comparison, shown)
    names = list(comparison.measures)
    sizes = [
        "rows",
        *(x for x in ("skipped", "invalid", "masked") if any(vars(g)[x] for g in shown)),
    ]
    same = f"same {comparison.agreement.kind}"
    if len(names) == 1:
        parts = [[(statistic, names[0], statistic) for statistic in _SHOWN]]
    else:
        taken = max(len(_name(group)) for group in shown) + sum(len(x) + 2 for x in (*sizes, same))
        parts = _means(comparison, 80 - taken)
    found = []
    for part in parts:
        lines = [
            (
                _name(group),
                *(str(vars(group)[size]) for size in sizes),
                *(_cell(group, measure, statistic) for _, measure, statistic in part),
                f"{number(100 * group.share)} %" if group.of else "-",
            )
            for group in shown
        ]
        columns = (*sizes, *(label for label, _, _ in part), same)
        found.append(Grid(title, ("group", *columns), tuple(lines), columns))
        title = ""
    return found


def _title(comparison: Comparison, shown: tuple[Group, ...]) -> str:
    groups = comparison.groups
    if groups is None:
        return ""
    here, there = (sum(group.name is not None for group in x) for x in (shown, groups.each))
    of = f"{here} of {there} groups" if here < there else f"{there} groups"
    if here < there and groups.by.in_order:
        of = f"the first {of}"
    if there == 1:
        of = "the only group"
    first, *others = comparison.measures
    what = "means" if others else with_unit(first, comparison)
    if groups.by.in_order or there < 2:
        return f"{what}, {of}"
    return f"{what}, {of}, largest {first if others else 'mean'} first"


def _means(comparison: Comparison, room: int) -> list[list[tuple[str, str, str]]]:
    """Return the columns of each grid that there is room for: label, measure, statistic."""
    parts: list[list[tuple[str, str, str]]] = []
    left = 0
    for name in comparison.measures:
        label = with_unit(name, comparison)
        need = 2 + max(len(label), _NUMBER)
        if not parts or left < need:
            parts.append([])
            left = room
        parts[-1].append((label, name, "mean"))
        left -= need
    return parts


def _name(group: Group) -> str:
    return "(none)" if group.name is None else printable(group.name)


def _cell(group: Group, measure: str, statistic: str) -> str:
    return number(group.measures[measure][statistic]) if group.measures else "-"
