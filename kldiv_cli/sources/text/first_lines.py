"""What the first lines of delimited text say: the columns' names and types."""

from __future__ import annotations

import csv
from codecs import BOM_UTF8
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kldiv_cli.errors import InputError, LogitsError
from kldiv_cli.sources.base import Expected, check_exact_integers
from kldiv_cli.sources.tables.cells import no_rows, reading
from kldiv_cli.sources.text.delimited import Delimited
from kldiv_cli.sources.text.dialects import SOME, Records, declared, heading, settled
from kldiv_cli.sources.text.lines import TOO_WIDE, Begin, growing, too_long
from kldiv_cli.sources.text.misspelt import check_spelling
from kldiv_cli.sources.text.mistaken import better
from kldiv_cli.sources.text.spelling import (
    MISSING,
    are_numbers,
    is_cell,
    is_finite_number,
    is_held,
    is_integer,
    is_truth,
)

ADVICE = "Expected a header line of column names, then one line of numbers per row."
_MOST_COLUMNS = 1 << 20
_INT64 = pa.int64()


@dataclass(frozen=True)
class FirstLines:
    """The first lines of a file, as far as they are needed to tell what its columns are.

    Parameters
    ----------
    text : Delimited
        The file in the dialect that it turned out to be.
    names : tuple of str
        The columns' names; their positions where the file has none.
    cells : list of tuple of str
        The columns' cells, with points in numbers.
    empty : int
        How many columns without name and content stand behind these.
    begins : int
        How many bytes stand above the rows.
    size : int
        How many bytes these rows take.
    longest : int
        How many bytes the longest line takes.
    whole : bool
        Whether these are all lines.
    notes : tuple of str
        What was decided, for the user.
    """

    text: Delimited
    names: tuple[str, ...]
    cells: list[tuple[str, ...]]
    empty: int
    begins: int
    size: int
    longest: int
    whole: bool
    notes: tuple[str, ...]

    @property
    def rows(self) -> int:
        """How many rows these lines hold."""
        return len(self.cells[0])

    @cached_property
    def kinds(self) -> list[pa.DataType]:
        """The columns' types: of numbers, of integers, of nothing, of true and false, of text.

        A column of mostly numbers is one of numbers, so that its stray text is reported: else one
        bad cell would turn a class into ids. One of mostly true and false is one of these.
        """
        return [_kind(cells, booleans=self.text.booleans) for cells in self.cells]

    @cached_property
    def has_missing(self) -> bool:
        """Whether a missing number is spelled in letters."""
        return any(not MISSING.isdisjoint(cells) for cells in self.cells)

    @property
    def unnamed(self) -> tuple[str, ...]:
        """What the columns without name and content are called: as no other can be."""
        return tuple(f"\0{i}" for i in range(self.empty))

    def check_spelling(self, names: Collection[str]) -> None:
        """Raise where cells of these columns are numbers in another spelling."""
        columns = zip(self.names, self.kinds, self.cells, strict=True)
        texts = {x: cells for x, kind, cells in columns if kind == pa.string() and x in names}
        if texts:
            check_spelling(self.text, self.names, texts)

    @property
    def schema(self) -> pa.Schema:
        """Names and types."""
        return pa.schema(list(zip(self.names, self.kinds, strict=True)))

    def values_of(self, name: str) -> NDArray[Any]:
        """Return the values of a column: numbers if all are any, an empty cell NaN; else text."""
        cells = [cell.strip() for cell in self.cells[self.names.index(name)]]
        numbers = ["nan" if not cell or cell in MISSING else cell for cell in cells]
        return (
            np.array(numbers).astype(np.float64)
            if are_numbers(numbers)
            else np.array(cells, object)
        )

    def check_exact(self, names: Iterable[str], expected: Expected) -> None:
        """Raise where an integer is too large for float64: ids, most likely, taken for a class."""
        wanted = set(names)
        for name, kind, cells in zip(self.names, self.kinds, self.cells, strict=True):
            if name in wanted and kind.id == _INT64.id and not all(map(is_held, cells)):
                check_exact_integers(np.array([2**53 + 1]), self.text.path, expected)


def read_first_lines(text: Delimited) -> FirstLines:
    """Read as many lines as it takes to tell what the columns are.

    Raises
    ------
    InputError
        They are no text, have no header where there should be one, hold no row, or hold rows of
        several lengths; or they are plainly of another dialect.
    """
    other = None
    with reading(text.path, ADVICE), text.open() as file:
        for begin in growing(file, text.delimiter):
            other = declared(text, begin.read)
            if other is not None:
                break
            _check_text(text, begin.read)
            lines = begin.read[: begin.end].splitlines(keepends=True)
            text = settled(text, [x.decode("utf-8-sig", "replace") for x in lines[:SOME]])
            records = _parse(text, begin.read[: begin.end])
            if begin.whole or len(records) > text.header:
                other = better(text, lines, records)
                if other is None:
                    return _first_lines(text, begin, records)
                break
    if other is None:
        raise too_long(text.path)
    return read_first_lines(other)


def _first_lines(text: Delimited, begin: Begin, records: Records) -> FirstLines:
    rows = records[1:] if text.header else records
    if not rows:
        raise no_rows(text.path)
    lines = begin.read[: begin.end].splitlines(keepends=True)
    above = records[0][0] if text.header else text.above
    for number, names in enumerate(lines[:above], start=1):
        _check_utf_8(text, names, f"a line {number}")
    if text.header:
        _check_header(text, *records[0])
    head = heading(text, records)
    width = len(head.names) + head.empty
    for line, cells in rows:
        if len(cells) != width:
            raise InputError(
                f"{text.path}: line {line}: expected {width} cells, found {len(cells)}", ADVICE
            )
    plain = [list(map(text.plain, cells[: len(head.names)])) for _, cells in rows]
    return FirstLines(
        text=text,
        names=tuple(head.names),
        cells=list(zip(*plain, strict=True)),
        empty=head.empty,
        begins=sum(map(len, lines[:above])) or len(_mark_of(begin.read)),
        size=begin.end,
        longest=max(map(len, lines)),
        whole=begin.whole,
        notes=text.notes + head.notes,
    )


def _check_text(text: Delimited, read: bytes) -> None:
    """Raise where the first two lines are no lines of text."""
    first, second, *_ = (*read.split(b"\n", 2), b"")
    if text.header and not first.strip():
        raise InputError(f"{text.path}: expected a header line, found an empty one", ADVICE)
    if b"\0" in first or b"\0" in second:
        is_wide = _is_wide(first)
        what = "UTF-16 without the mark that says so" if is_wide else "binary data"
        raise InputError(
            f"{text.path}: expected text, found {what} that begins with {first[:6]!r}",
            text.in_utf_8("UTF-16LE") if is_wide else ADVICE,
        )
    _check_utf_8(text, first, "a first line")
    if first.count(text.delimiter.encode()) >= _MOST_COLUMNS:
        raise InputError(
            f"{text.path}: expected at most {_MOST_COLUMNS} columns, found more", TOO_WIDE
        )


def _check_utf_8(text: Delimited, line: bytes, name: str) -> None:
    try:
        line.decode()
    except UnicodeDecodeError as error:
        raise InputError(
            f"{text.path}: expected text in UTF-8, found {name} that begins with {line[:6]!r}",
            text.in_utf_8(),
        ) from error


def _mark_of(read: bytes) -> bytes:
    """Return the mark with which text in UTF-8 may begin."""
    return BOM_UTF8 if read.startswith(BOM_UTF8) else b""


def _is_wide(line: bytes) -> bool:
    """Tell a line of UTF-16, which ends after the first byte of its newline."""
    letters = line.decode("utf-16-le", "ignore").rstrip("\r")
    return letters.isprintable() and letters.isascii() and len(letters) > 1


def _parse(text: Delimited, read: bytes) -> Records:
    try:
        return list(text.parse(read.decode("utf-8-sig", errors="replace")))
    except csv.Error as error:
        raise InputError(
            f"{text.path}: expected delimited text, found something else ({error})", ADVICE
        ) from error


def _check_header(text: Delimited, line: int, names: list[str]) -> None:
    """Refuse a first line of values: taken for class names, a row would vanish."""
    if text.booleans and all(map(is_truth, names)):
        raise InputError(
            f"{text.path}: line {line}: expected column names, found {names[0]!r}",
            "Put a line of names above it.",
        )
    numbers = [x for x in names if is_finite_number(text.plain(x)) and not x.isdecimal()]
    if 2 * len(numbers) >= len(names):
        raise LogitsError(
            f"{text.path}: line {line}: expected column names, found numbers "
            f"({', '.join(numbers[:3])}, ...)",
            "Say --no-header if that is a row, or put a line of names above it.",
        ).with_options(header=False)


def _kind(cells: tuple[str, ...], *, booleans: bool) -> pa.DataType:
    filled = list(filter(None, cells))
    if not filled:
        return pa.null()
    if are_numbers(filled):
        return _INT64 if all(map(is_integer, filled)) else pa.float64()
    if booleans and 2 * sum(map(is_truth, filled)) > len(filled):
        return pa.bool_()
    spelled = sum(cell in MISSING for cell in filled)
    numbers = sum(map(is_cell, filled)) - spelled
    if not numbers:
        return pa.string() if spelled < len(filled) else pa.float64()
    return pa.float64() if 2 * numbers >= len(cells) - spelled else pa.string()
