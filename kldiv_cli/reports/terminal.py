"""The table on a terminal, through Rich."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from kldiv_cli.comparison import Comparison
from kldiv_cli.reports import facts


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
    head = Table.grid(padding=(0, 2, 0, 0))
    head.add_column(style="bold")
    head.add_column(overflow="fold")
    for label, text in facts.head(comparison):
        head.add_row(
            Text(label),
            Text(text, style="bold red" if label == "limit" and "EXCEEDED" in text else ""),
        )
    parts: list[RenderableType] = [head]
    for grid in facts.statistics(comparison):
        parts += [Text(), _grid(grid)]
    top = facts.most_divergent(comparison)
    if top is not None:
        parts += [Text(), Text(top.title, style="bold"), _grid(top)]
    return Group(*parts)


def _grid(grid: facts.Grid) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    for name in grid.header:
        right = name in grid.right
        table.add_column(
            Text(name), justify="right" if right else "left", no_wrap=right, overflow="fold"
        )
    for row in grid.rows:
        table.add_row(*map(Text, row))
    return table
