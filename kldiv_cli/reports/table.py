"""The summary for people, through Rich.

On a terminal it is coloured and folds to the terminal's width. Elsewhere it is plain text of fixed
width, in which no line is cut or wrapped.
"""

from __future__ import annotations

from io import StringIO
from typing import IO

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from kldiv_cli.comparison import Comparison
from kldiv_cli.reports import facts

_UNCUT = 1 << 16


def write(comparison: Comparison, stream: IO[str]) -> None:
    """Write the table for the stream it goes to."""
    on_terminal = stream.isatty()
    console = Console(
        file=stream if on_terminal else StringIO(),
        width=None if on_terminal else _UNCUT,
        force_terminal=on_terminal,
        color_system="auto" if on_terminal else None,
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
    )
    with console.capture() as captured:
        console.print(_layout(comparison))
    stream.writelines(line.rstrip() + "\n" for line in captured.get().splitlines())


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
