"""The table on a terminal, through Rich."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import IO

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from kldiv_cli.reports.words import layout
from kldiv_cli.reports.words.parts import Grid, Lines
from kldiv_cli.results.comparison import Comparison

_FAILS = (": EXCEEDED: ", ": NOT REACHED: ", ": NOT PROVED: ")


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
        console.print(_layout(comparison, console.width))
    yield from captured.get().removesuffix("\n").split("\n")


def _layout(comparison: Comparison, columns: int) -> Group:
    found: list[RenderableType] = []
    for part in layout.parts(comparison, columns):
        found += [Text()] if found else []
        found += [Text(part.title, style="bold")] if part.title else []
        found.append(_lines(part.lines) if isinstance(part, Lines) else _grid(part))
    return Group(*found)


def _lines(lines: Sequence[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for label, text in lines:
        fails = label == "limit" and any(words in text for words in _FAILS)
        table.add_row(Text(label), Text(text, style="bold red" if fails else ""))
    return table


def _grid(grid: Grid) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    for name in grid.header:
        right = name in grid.right
        table.add_column(
            Text(name), justify="right" if right else "left", no_wrap=right, overflow="fold"
        )
    for row in grid.rows:
        table.add_row(*map(Text, row))
    return table
