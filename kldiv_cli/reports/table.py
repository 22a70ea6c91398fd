"""The summary for people.

On a terminal it is coloured and folds to the terminal's width. Elsewhere it is plain text of fixed
width, in which no line is cut or wrapped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import IO

from kldiv_cli.comparison import Comparison
from kldiv_cli.reports import facts, groups, language, statistics


def write(comparison: Comparison, stream: IO[str]) -> None:
    """Write the table for the stream it goes to."""
    lines = _lines(comparison)
    if stream.isatty():
        from kldiv_cli.reports import terminal  # noqa: PLC0415 - to load Rich takes a while

        lines = terminal.lines(comparison, stream)
    stream.writelines(line.rstrip() + "\n" for line in lines)


def _lines(comparison: Comparison) -> Iterator[str]:
    yield from _aligned(facts.head(comparison), (False, False))
    for grid in (*statistics.grids(comparison), *groups.grids(comparison)):
        yield ""
        if grid.title:
            yield grid.title
        yield from _grid(grid)
    if comparison.language is not None:
        yield from ("", language.title(comparison))
        yield from _aligned(language.lines(comparison.language), (False, False))
        yield ""
        yield from _grid(language.grid(comparison.language))
    top = statistics.most_divergent(comparison)
    if top is not None:
        yield from ("", top.title)
        yield from _grid(top)


def _grid(grid: statistics.Grid) -> Iterator[str]:
    return _aligned([grid.header, *grid.rows], [name in grid.right for name in grid.header])


def _aligned(rows: Sequence[Sequence[str]], right: Sequence[bool]) -> Iterator[str]:
    """Put two spaces between columns; those marked as right are numbers."""
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        blanks = [" " * (width - _width(text)) for width, text in zip(widths, row, strict=True)]
        cells = zip(row, blanks, right, strict=True)
        yield "  ".join(blank + text if ends else text + blank for text, blank, ends in cells)


def _width(text: str) -> int:
    """Count the cells of a terminal: two for a Chinese character, none for a combining accent."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415 - few names need its tables

    return cell_len(text)
