"""The summary as GitHub-flavoured Markdown, for a pull request or a report."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import IO

from kldiv_cli.comparison import Comparison
from kldiv_cli.reports import facts, groups, language, statistics


def write(comparison: Comparison, stream: IO[str]) -> None:
    """Write a list of facts and the tables."""
    lines = _list(facts.head(comparison))
    for grid in (*statistics.grids(comparison), *groups.grids(comparison)):
        lines += ["", *_grid(grid)]
    if comparison.language is not None:
        lines += ["", _escape(language.title(comparison)), ""]
        lines += _list(language.lines(comparison.language))
        lines += ["", *_grid(language.grid(comparison.language))]
    top = statistics.most_divergent(comparison)
    if top is not None:
        lines += ["", *_grid(top)]
    stream.writelines(line + "\n" for line in lines)


def _list(lines: Sequence[tuple[str, str]]) -> list[str]:
    return [
        f"- {_escape(label)}: {_escape(text)}" if label else f"  {_escape(text)}"
        for label, text in lines
    ]


def _grid(grid: statistics.Grid) -> list[str]:
    rule = ("--:" if name in grid.right else ":--" for name in grid.header)
    title = [_escape(grid.title), ""] if grid.title else []
    return [*title, _line(map(_escape, grid.header)), _line(rule)] + [
        _line(map(_escape, row)) for row in grid.rows
    ]


def _line(cells: object) -> str:
    return "| " + " | ".join(cells) + " |"  # type: ignore[arg-type]


def _escape(text: str) -> str:
    return re.sub(r"([\\`*_~<>&|\[\]#])", r"\\\1", text)
