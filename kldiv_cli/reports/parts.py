"""What a summary for people is made of: lines with labels, and grids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Lines:
    """Titled lines of words, each with a label; an empty label continues the line above."""

    title: str
    lines: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Grid:
    """A titled grid of words; columns named in ``right`` are numbers."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: tuple[str, ...]


def number(value: float) -> str:
    """Round for people."""
    return f"{value:.6g}"


def once(lines: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the lines with a label only where it changes."""
    labels = [label for label, _ in lines]
    return [
        ("" if label == before else label, text)
        for (label, text), before in zip(lines, [None, *labels], strict=False)
    ]


def packed(figures: Sequence[str], width: int) -> Iterator[str]:
    """Put figures side by side, by commas, on as few lines as there is width for."""
    line = ""
    for figure, comma in zip(figures, [*[","] * (len(figures) - 1), ""], strict=True):
        if line and len(line) + len(figure) + len(comma) + 1 > width:
            yield line
            line = ""
        line += f"{' ' if line else ''}{figure}{comma}"
    yield line
