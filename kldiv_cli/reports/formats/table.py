"""The summary for people.

On a terminal it is coloured and folds to the terminal's width. Elsewhere it is plain text of fixed
width, and no line is cut or wrapped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import IO

from kldiv_cli.reports.words import layout
from kldiv_cli.reports.words.parts import Lines, cells
from kldiv_cli.results.comparison import Comparison


def write(comparison: Comparison, stream: IO[str]) -> None:
    """Write the table for the stream it goes to."""
    lines = _lines(comparison)
    if stream.isatty():
        from kldiv_cli.reports.formats import terminal  # noqa: PLC0415 - to load Rich takes a while

        lines = terminal.lines(comparison, stream)
    stream.writelines(line.rstrip() + "\n" for line in lines)


def _lines(comparison: Comparison) -> Iterator[str]:
    for i, part in enumerate(layout.parts(comparison)):
        if i > 0:
            yield ""
        if part.title:
            yield part.title
        if isinstance(part, Lines):
            yield from _aligned(part.lines, (False, False))
        else:
            right = [name in part.right for name in part.header]
            yield from _aligned([part.header, *part.rows], right)


def _aligned(rows: Sequence[Sequence[str]], right: Sequence[bool]) -> Iterator[str]:
    """Put two spaces between columns; those marked as right are numbers."""
    widths = [max(map(cells, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        blanks = [" " * (width - cells(text)) for width, text in zip(widths, row, strict=True)]
        parts = zip(row, blanks, right, strict=True)
        yield "  ".join(blank + text if ends else text + blank for text, blank, ends in parts)
