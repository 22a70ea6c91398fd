"""What a summary for people is made of: lines with labels, and grids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from shutil import get_terminal_size
from textwrap import wrap
from typing import IO

LABEL = 13
"""The width of the column of labels where there is no grid."""
_WIDTH = 80


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


def wrapped(label: str, text: str) -> Iterator[tuple[str, str]]:
    """Break a text into lines that fit beside the label in 80 columns."""
    lines = wrap(text, _WIDTH - LABEL, break_long_words=False, break_on_hyphens=False)
    yield from (("" if i else label, line) for i, line in enumerate(lines))


def cells(text: str) -> int:
    """Count the cells of a terminal: two for a Chinese character, none for a combining accent."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415 - few names need its tables

    return cell_len(text)


def columns(stream: IO[str]) -> int | None:
    """Return the width of the stream's terminal; None for a stream that is no terminal."""
    return get_terminal_size().columns if stream.isatty() else None


def written(lines: Iterable[tuple[str, str]], width: int | None) -> Iterator[str]:
    """Yield lines with their labels in a column; a terminal's lines are folded to its width."""
    for label, text in lines:
        if width is None or cells(text) <= width - LABEL:
            yield f"{label:<{LABEL}}{text}".rstrip() + "\n"
        else:
            first, *rest = _by_words(text, width - LABEL)
            yield f"{label:<{LABEL}}{first}\n"
            yield from (f"{'':<{LABEL}}{part}\n" for part in rest)


def _by_words(text: str, room: int) -> Iterator[str]:
    line, *words = text.split(" ")
    for word in words:
        *whole, line = folded(line, room)
        yield from whole
        if line.strip() and cells(f"{line} {word}") > room:
            yield line
            line = word
        else:
            line += f" {word}"
    yield from folded(line, room)


def folded(name: str, room: int) -> Iterator[str]:
    """Break a path or a word that is wider than the room, if possible behind a slash."""
    while len(name) > 1 and cells(name) > room:
        part = name[0]
        for character in name[1:]:
            if cells(part + character) > room:
                break
            part += character
        after = part.rfind("/") + 1
        part = part[:after] if after > len(part) // 2 else part
        yield part
        name = name[len(part) :]
    yield name
