"""What the first lines of delimited text say of its dialect: encoding, comments, delimiters."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from kldiv_cli.sources.text.delimited import UTF_8, Delimited
from kldiv_cli.sources.text.spelling import are_numbers, is_cell, is_finite_number

Records = list[tuple[int, list[str]]]

_MARKS = {
    b"\xff\xfe\0\0": "utf-32",
    b"\0\0\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
_SAYS_DELIMITER = re.compile(rb'(?:\xef\xbb\xbf)?"?sep=(.)"?\r?\n?', re.IGNORECASE)
_MARK = "# "
"""What `numpy.savetxt` writes before a header."""
SOME = 64
"""How many lines are looked at."""


def declared(text: Delimited, read: bytes) -> Delimited | None:
    """Return the text as its first bytes declare it to be; None where they say nothing new.

    A mark says that it is UTF-16 or UTF-32. Excel writes a first line ``sep=;``.
    """
    if text.encoding == UTF_8:
        mark = next((mark for mark in _MARKS if read.startswith(mark)), None)
        if mark is not None:
            name = _MARKS[mark]
            return text.but(f"text in {name.upper()}", encoding=name)
    if text.above:
        return None
    found = _SAYS_DELIMITER.fullmatch(next(iter(read.splitlines()), b""))
    if found is None or not found[1].isascii() or found[1] in b'"\r\n':
        return None
    if text.delimiter != text.own:  # the user says it
        return text.but(above=1)
    delimiter = found[1].decode()
    return text.but(f"cells between {delimiter!r}, as line 1 says", above=1, delimiter=delimiter)


def settled(text: Delimited, lines: Sequence[str]) -> Delimited:
    """Return the text with what its first lines show: lines of comments, and runs of spaces."""
    some = lines[text.above :][:SOME]
    if text.delimiter == " " and not text.runs and _has_runs(text, some):
        text = text.but("any number of spaces between two cells", runs=True)
    count = _comments(text, some)
    if not count:
        return text
    first, last = text.above + 1, text.above + count
    what = f"line {last}, a comment," if count == 1 else f"lines {first} to {last}, comments,"
    return text.but(f"{what} left out", above=last)


def _has_runs(text: Delimited, lines: Sequence[str]) -> bool:
    """Tell whether spaces between cells count once: each one for itself makes no table."""
    lines = [line for line in lines if not line.startswith("#")]
    singles, runs = (_cells(replace(text, above=0, runs=each), lines) for each in (False, True))
    if not runs or singles == runs or len(set(map(len, runs[1:] or runs))) > 1:
        return False
    if len(set(map(len, singles))) > 1:
        return True
    return any(not any(column) for column in zip(*singles, strict=True))


def _comments(text: Delimited, lines: Sequence[str]) -> int:
    """Return how many lines above the header, or the first row, are comments.

    Such a line begins with ``#``. One that has as many cells as the first other line, in which
    numbers stand, is the header: `numpy.savetxt` writes one so.
    """
    marked = next((i for i, x in enumerate(lines) if not x.startswith("#") and x.strip()), 0)
    if not marked or not lines[0].startswith("#"):
        return 0
    text = replace(text, above=0)
    (first,) = _cells(text, lines[marked : marked + 1]) or [[]]
    has_numbers = _have_numbers(text, first)
    for i, line in enumerate(lines[:marked]):
        (cells,) = _cells(text, [line.removeprefix(_MARK)]) or [[]]
        is_row = has_numbers if text.header else _have_numbers(text, cells)
        if is_row and len(cells) == len(first):
            return i
    return marked


def _have_numbers(text: Delimited, cells: Sequence[str]) -> bool:
    return any(cell and is_cell(text.plain(cell)) for cell in cells)


def _cells(text: Delimited, lines: Sequence[str]) -> list[list[str]]:
    try:
        return [cells for _, cells in text.parse("".join(lines))]
    except csv.Error:
        return []


@dataclass(frozen=True)
class Heading:
    """The names of the columns, and how many empty ones stand behind them."""

    names: list[str]
    empty: int
    notes: tuple[str, ...] = ()


def heading(text: Delimited, records: Records) -> Heading:
    """Return the names of the columns, which are their positions where the file has none.

    R writes no name above the names of rows. A delimiter at the end of every line makes an empty
    column, which is none.
    """
    rows = [cells for _, cells in (records[1:] if text.header else records)]
    width = len(rows[0])
    if not text.header:
        empty = _empty_at_the_end(rows)
        return _without_empty([str(i) for i in range(width)], empty)
    names = _without_mark(records[0][1])
    unnamed = next((i for i, name in enumerate(reversed(names)) if name), len(names))
    empty = _empty_at_the_end(rows)
    both = min(unnamed, empty)
    named, filled = names[: len(names) - both], width - both
    if len(named) == filled + 1 > 2 and not named[-1]:
        return Heading(named[:-1], both)
    if len(named) == filled - 1 and empty > both:
        return _without_empty([*names, ""], both + 1)
    if len(named) == filled - 1 and _are_row_names(text, [cells[:filled] for cells in rows]):
        return Heading(["", *named], both, ("row names: column 0, above which there is no name",))
    return _without_empty(names, both)


def _without_mark(names: list[str]) -> list[str]:
    if any(name.startswith("#") for name in names[1:]):
        return names
    if names[0] == _MARK.strip():  # spaces stand between the cells
        return names[1:]
    return [names[0].removeprefix(_MARK), *names[1:]]


def _empty_at_the_end(rows: list[list[str]]) -> int:
    """Return how many columns hold nothing behind the last one that does; 0 if none does."""
    if len(set(map(len, rows))) > 1:
        return 0
    columns = list(zip(*rows, strict=True))
    return next((i for i, column in enumerate(reversed(columns)) if any(column)), 0)


def _without_empty(names: list[str], empty: int) -> Heading:
    if not empty:
        return Heading(names, 0)
    what = "1 empty column" if empty == 1 else f"{empty} empty columns"
    return Heading(names[:-empty], empty, (f"{what} left out behind the last delimiter of a line",))


def _are_row_names(text: Delimited, rows: list[list[str]]) -> bool:
    """Tell names of rows: text, or integers beside numbers that are none, each of them once."""
    if len(set(map(len, rows))) > 1:
        return False
    first, *others = zip(*rows, strict=True)
    plain = [list(map(text.plain, column)) for column in (first, *others)]
    if len(set(first)) < len(first):
        return False
    if not any(map(is_finite_number, plain[0])):
        return True
    integers = [are_numbers(x) and not any("." in y or "e" in y.lower() for y in x) for x in plain]
    return integers[0] and not all(integers) and len(others) > 1
