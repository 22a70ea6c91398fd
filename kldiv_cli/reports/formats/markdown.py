"""The summary as GitHub-flavoured Markdown, for a pull request or a report."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import IO

from kldiv_cli.reports.words import layout
from kldiv_cli.reports.words.parts import Grid, Lines
from kldiv_cli.results.comparison import Comparison


def write(comparison: Comparison, stream: IO[str]) -> None:
    """Write a list of facts and the tables."""
    lines: list[str] = []
    for part in layout.parts(comparison):
        title = [_escape(part.title), ""] if part.title else []
        body = _list(part.lines) if isinstance(part, Lines) else _grid(part)
        lines += [*([""] if lines else []), *title, *body]
    stream.writelines(line + "\n" for line in lines)


def _list(lines: Sequence[tuple[str, str]]) -> list[str]:
    return [
        f"- {_escape(label)}: {_escape(text)}" if label else f"  {_escape(text)}"
        for label, text in lines
    ]


def _grid(grid: Grid) -> list[str]:
    rule = ("--:" if name in grid.right else ":--" for name in grid.header)
    return [_line(map(_escape, grid.header)), _line(rule)] + [
        _line(map(_escape, row)) for row in grid.rows
    ]


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _escape(text: str) -> str:
    return re.sub(r"([\\`*_~<>&|\[\]#])", r"\\\1", text)
