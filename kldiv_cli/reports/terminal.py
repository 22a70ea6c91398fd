"""The table on a terminal, through Rich."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import IO

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from kldiv_cli.comparison import Comparison
from kldiv_cli.reports import facts, groups, language, statistics


def lines(comparison: Comparison, stream: IO[str]) -> Iterator[str]:
    """Return the lines of the table, coloured and folded to the width of the stream's terminal."""
    console = Console(
        file=stream,
        force_terminal=True,
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
    )
    with console.capture() as captured:
        console.print(_layout(comparison))
    yield from captured.get().removesuffix("\n").split("\n")


def _layout(comparison: Comparison) -> Group:
    parts: list[RenderableType] = [_lines(facts.head(comparison))]
    for grid in (*statistics.grids(comparison), *groups.grids(comparison)):
        title = [Text(grid.title, style="bold")] if grid.title else []
        parts += [Text(), *title, _grid(grid)]
    if comparison.language is not None:
        parts += [Text(), Text(language.title(comparison), style="bold")]
        parts += [_lines(language.lines(comparison.language))]
        parts += [Text(), _grid(language.grid(comparison.language))]
    top = statistics.most_divergent(comparison)
    if top is not None:
        parts += [Text(), Text(top.title, style="bold"), _grid(top)]
    return Group(*parts)


def _lines(lines: Sequence[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for label, text in lines:
        exceeded = label == "limit" and "EXCEEDED" in text
        table.add_row(Text(label), Text(text, style="bold red" if exceeded else ""))
    return table


def _grid(grid: statistics.Grid) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    for name in grid.header:
        right = name in grid.right
        table.add_column(
            Text(name), justify="right" if right else "left", no_wrap=right, overflow="fold"
        )
    for row in grid.rows:
        table.add_row(*map(Text, row))
    return table
