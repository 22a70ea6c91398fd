"""The summary as GitHub-flavoured Markdown, for a pull request or a report."""

from __future__ import annotations

import re
from typing import IO

from kldiv_cli.comparison import Comparison
from kldiv_cli.reports import facts


def write(comparison: Comparison, stream: IO[str]) -> None:
    """Write a list of facts and two tables."""
    lines: list[str] = []
    for label, text in facts.head(comparison):
        if label:
            lines.append(f"- {_escape(label)}: {_escape(text)}")
        else:
            lines.append(f"  {_escape(text)}")
    for grid in (*facts.statistics(comparison), facts.most_divergent(comparison)):
        if grid is not None:
            lines += ["", *_grid(grid)]
    stream.writelines(line + "\n" for line in lines)


def _grid(grid: facts.Grid) -> list[str]:
    rule = ("--:" if name in grid.right else ":--" for name in grid.header)
    title = [_escape(grid.title), ""] if grid.title else []
    return [*title, _line(map(_escape, grid.header)), _line(rule)] + [
        _line(map(_escape, row)) for row in grid.rows
    ]


def _line(cells: object) -> str:
    return "| " + " | ".join(cells) + " |"  # type: ignore[arg-type]


def _escape(text: str) -> str:
    return re.sub(r"([\\`*_~<>&|\[\]#])", r"\\\1", text)
