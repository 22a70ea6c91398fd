"""Delimited text that is plainly of another dialect than the one it is read in."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from kldiv_cli.errors import LogitsError
from kldiv_cli.sources.text.delimited import Delimited
from kldiv_cli.sources.text.dialects import Records
from kldiv_cli.sources.text.spelling import are_numbers, is_cell, is_finite_number, short

_DELIMITERS = (",", ";", "\t", "|", " ")
_WORDS = {" ": "spaces", "\t": "tabs"}
_SOME = 32
"""How many lines are looked at."""
_ENOUGH = 0.5
"""How much of the cells are numbers where a dialect fits."""
_GROUP = re.compile(r"\s*[-+]?[1-9]\d{0,2}\.\d{3}\s*", re.ASCII)


class _Reading(NamedTuple):
    """A dialect, and how well the first lines fit it."""

    share: float
    """How much of the filled cells are numbers."""
    delimiter: str
    decimal: str
    header: bool
    place: str
    unclear: bool
    """Whether its decimal mark may separate thousands instead."""


def better(text: Delimited, lines: Sequence[bytes], records: Records) -> Delimited | None:
    """Return the text in a dialect that it is to be read in instead; None where it fits its own.

    Raises
    ------
    LogitsError
        It fits another one by far better, which the user can say.
    """
    now = _share(text, records)
    if now >= _ENOUGH or len(records) <= text.header:
        return None
    first = [line.decode("utf-8-sig", "replace") for line in lines[: text.above + _SOME]]
    found = max(_readings(text, first), default=None, key=lambda reading: reading.share)
    if found is None or found.share < max(now, _ENOUGH):
        return None
    if not _is_adopted(text, found):
        if (found.delimiter, found.header) == (text.delimiter, text.header):
            return None  # commas in cells may be decimal marks or not, which is told of a cell
        raise _refusal(text, found)
    return text.but(
        f"cells between {found.delimiter!r}, decimal mark {found.decimal!r}",
        delimiter=found.delimiter,
        decimal=found.decimal,
        adopts="nothing",
    )


def _is_adopted(text: Delimited, found: _Reading) -> bool:
    if found.unclear:
        return False
    if text.adopts == "own":
        return found.decimal == "." and found.delimiter in {text.own, text.delimiter}
    return text.adopts == "anything"


def guessed(path: str, first: bytes, *, header: bool) -> str | None:
    """Return the options with which text reads as a table of numbers; None where it is none.

    ``first`` are its first bytes, whatever it is called.
    """
    lines = first.decode("utf-8-sig", "replace").splitlines(keepends=True)[:_SOME]
    whole = lines[:-1] if lines and not lines[-1].endswith("\n") else lines
    text = Delimited(path, None, ",", header)
    found = max(_readings(text, whole), default=None, key=lambda reading: reading.share)
    return " ".join(_said(text, found)) if found is not None and found.share >= _ENOUGH else None


def _said(text: Delimited, found: _Reading) -> list[str]:
    """Return the options that say a dialect."""
    return [
        *([] if found.delimiter == text.own else [f"--delimiter {_typed(found.delimiter)}"]),
        *(["--decimal ,"] if found.decimal == "," and not found.unclear else []),
        *([] if found.header else ["--no-header"]),
    ]


def _refusal(text: Delimited, found: _Reading) -> LogitsError:
    expected, between = (_WORDS.get(x, repr(x)) for x in (text.delimiter, found.delimiter))
    said = " ".join(_said(text, found))
    is_comma = "--decimal" in said
    commas = " and decimal commas" if is_comma else ""
    both = " and --decimal" if text.decimal != "." and not is_comma else ""
    left = f"Leave --delimiter{both} out" + (f", and say {said}." if said else ".")
    return LogitsError(
        f"{text.path}: expected cells between {expected}, found {between} between them{commas} "
        f"({found.place})",
        left if found.delimiter == text.own else f"Say {said} to read it so.",
    ).with_options(
        delimiter=found.delimiter,
        decimal="." if found.unclear else found.decimal,
        header=found.header,
    )


def _typed(delimiter: str) -> str:
    """Write a delimiter as a shell takes it."""
    return "'\\t'" if delimiter == "\t" else f"'{delimiter}'"


def _readings(text: Delimited, lines: Sequence[str]) -> Iterator[_Reading]:
    for delimiter in dict.fromkeys((text.own, *_DELIMITERS)):
        for decimal in ".,":
            other = replace(text, delimiter=delimiter, decimal=decimal, runs=delimiter == " ")
            try:
                records = list(other.parse("".join(lines)))
            except csv.Error:
                continue
            if not records:
                continue
            header = text.header and not _is_row(other, records)
            share = _share(replace(other, header=header), records)
            if share and len(records[-1][1]) > 1:
                line, cells = records[header]
                place = f"line {line}: {short(cells[-1])}"
                unclear = decimal != text.decimal and _may_be_groups(other, records)
                yield _Reading(share, delimiter, decimal, header, place, unclear)


def _are_names_of(names: Sequence[str], width: int) -> bool:
    """Tell whether a header may be that of rows so wide; see `dialects.heading`."""
    return len(names) == width or (len(names) > 1 and abs(len(names) - width) == 1)


def _is_row(text: Delimited, records: Records) -> bool:
    numbers = [is_finite_number(text.plain(x)) and not x.isdecimal() for x in records[0][1]]
    return 2 * sum(numbers) >= len(numbers)


def _share(text: Delimited, records: Records) -> float:
    """Return how much of the filled cells are numbers; nothing where the lines make no table."""
    rows = [cells for _, cells in records[text.header :][:_SOME]]
    widths = set(map(len, rows))
    if len(widths) != 1:
        return 0
    width = widths.pop()
    if text.header and not _are_names_of(records[0][1], width):
        return 0
    filled = [text.plain(cell) for cells in rows for cell in cells if cell]
    if filled and are_numbers(filled):
        return 1
    return sum(map(is_cell, filled)) / len(filled) if filled else 0


def _may_be_groups(text: Delimited, records: Records) -> bool:
    """Tell whether every fraction may be a group of thousands."""
    cells = [text.plain(cell) for _, row in records[text.header :][:_SOME] for cell in row]
    fractions = [cell for cell in cells if "." in cell]
    return bool(fractions) and all(_GROUP.fullmatch(cell) for cell in fractions)
