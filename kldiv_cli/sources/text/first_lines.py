"""What the first lines of delimited text say: the columns' names and types."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kldiv_cli.errors import InputError, LogitsError
from kldiv_cli.sources.base import Expected, check_exact_integers
from kldiv_cli.sources.stores.streams import open_stream
from kldiv_cli.sources.tables.cells import reading
from kldiv_cli.sources.tables.table import no_rows
from kldiv_cli.sources.text.delimited import (
    Delimited,
    are_numbers,
    is_cell,
    is_finite_number,
    is_held,
    is_integer,
    is_truth,
)
from kldiv_cli.sources.text.lines import TOO_WIDE, Begin, growing, too_long

ADVICE = "Expected a header line of column names, then one line of numbers per row."
_MOST_COLUMNS = 1 << 20
_INT64 = pa.int64()


@dataclass(frozen=True)
class FirstLines:
    """The first lines of a file, as far as they are needed to tell what its columns are.

    Parameters
    ----------
    path : str
        For messages.
    names : tuple of str
        The columns' names; their positions where the file has none.
    cells : list of tuple of str
        The columns' cells.
    size : int
        How many bytes these rows take.
    longest : int
        How many bytes the longest line takes.
    whole : bool
        Whether these are all lines.
    booleans : bool
        Whether columns may hold true and false.
    """

    path: str
    names: tuple[str, ...]
    cells: list[tuple[str, ...]]
    size: int
    longest: int
    whole: bool
    booleans: bool = False

    @property
    def rows(self) -> int:
        """How many rows these lines hold."""
        return len(self.cells[0])

    @cached_property
    def _kinds(self) -> list[pa.DataType]:
        return [_kind(cells, booleans=self.booleans) for cells in self.cells]

    def schema(self, id_name: str | None) -> pa.Schema:
        """Return names and types: of numbers, of integers, of nothing, of true and false, of text.

        A column of mostly numbers is one of numbers, so that its stray text is reported: else one
        bad cell would turn a class into ids. One of mostly true and false is one of these.
        """
        pairs = zip(self.names, self._kinds, strict=True)
        return pa.schema([(x, pa.string() if x == id_name else kind) for x, kind in pairs])

    def first_column(self) -> NDArray[Any]:
        """Return the values of the first column; NaN where they are no numbers."""
        cells = [cell.strip() or "nan" for cell in self.cells[0]]
        return np.array(cells if are_numbers(cells) else ["nan"]).astype(np.float64)

    def check_exact(self, names: Iterable[str], expected: Expected) -> None:
        """Raise where an integer is too large for float64: ids, most likely, taken for a class."""
        wanted = set(names)
        for name, kind, cells in zip(self.names, self._kinds, self.cells, strict=True):
            if name in wanted and kind.id == _INT64.id and not all(map(is_held, cells)):
                check_exact_integers(np.array([2**53 + 1]), self.path, expected)


def read_first_lines(text: Delimited) -> FirstLines:
    """Read as many lines as it takes to tell what the columns are.

    Raises
    ------
    InputError
        They are no text, have no header where there should be one, hold no row, or hold rows of
        several lengths.
    """
    with reading(text.path, ADVICE), open_stream(text.path, text.codec) as file:
        for begin in growing(file, text.delimiter):
            _check_text(text, begin.read)
            records = _parse(text, begin.read[: begin.end])
            if begin.whole or len(records) > text.header:
                return _first_lines(text, begin, records)
    raise too_long(text.path)


def _first_lines(text: Delimited, begin: Begin, records: list[tuple[int, list[str]]]) -> FirstLines:
    rows = records[1:] if text.header else records
    if not rows:
        raise no_rows(text.path)
    if text.header:
        names = records[0][1]
        _check_header(text, names)
    else:
        names = [str(i) for i in range(len(rows[0][1]))]
    for line, cells in rows:
        if len(cells) != len(names):
            raise InputError(
                f"{text.path}: line {line}: expected {len(names)} cells, found {len(cells)}",
                ADVICE,
            )
    columns = list(zip(*(cells for _, cells in rows), strict=True))
    longest = max(map(len, begin.read[: begin.end].splitlines())) + 1
    return FirstLines(
        path=text.path,
        names=tuple(names),
        cells=columns,
        size=begin.end,
        longest=longest,
        whole=begin.whole,
        booleans=text.booleans,
    )


def _check_text(text: Delimited, read: bytes) -> None:
    """Raise where the first two lines are no lines of text."""
    first, second, *_ = (*read.split(b"\n", 2), b"")
    if text.header and not first.strip():
        raise InputError(f"{text.path}: expected a header line, found an empty one", ADVICE)
    if first.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(
            f"{text.path}: expected text in UTF-8, found UTF-16", "Write it again in UTF-8."
        )
    if b"\0" in first or b"\0" in second:
        raise InputError(
            f"{text.path}: expected text, found binary data that begins with {first[:6]!r}", ADVICE
        )
    try:
        first.decode()
    except UnicodeDecodeError as error:
        raise InputError(
            f"{text.path}: expected text in UTF-8, found a first line that begins with "
            f"{first[:6]!r}",
            "Write it again in UTF-8.",
        ) from error
    if first.count(text.delimiter.encode()) >= _MOST_COLUMNS:
        raise InputError(
            f"{text.path}: expected at most {_MOST_COLUMNS} columns, found more", TOO_WIDE
        )


def _parse(text: Delimited, read: bytes) -> list[tuple[int, list[str]]]:
    try:
        return list(text.parse(read.decode("utf-8-sig", errors="replace")))
    except csv.Error as error:
        raise InputError(
            f"{text.path}: expected delimited text, found something else ({error})", ADVICE
        ) from error


def _check_header(text: Delimited, names: list[str]) -> None:
    """Refuse a first line of values: taken for class names, a row would vanish."""
    if text.booleans and all(map(is_truth, names)):
        raise InputError(
            f"{text.path}: line 1: expected column names, found {names[0]!r}",
            "Put a line of names above it.",
        )
    numbers = [name for name in names if is_finite_number(name) and not name.isdecimal()]
    if 2 * len(numbers) >= len(names):
        raise LogitsError(
            f"{text.path}: line 1: expected column names, found numbers "
            f"({', '.join(numbers[:3])}, ...)",
            "Say --no-header if that is a row, or put a line of names above it.",
        )


def _kind(cells: tuple[str, ...], *, booleans: bool) -> pa.DataType:
    filled = list(filter(None, cells))
    if not filled:
        return pa.null()
    if are_numbers(filled):
        return _INT64 if all(map(is_integer, filled)) else pa.float64()
    if booleans and 2 * sum(map(is_truth, filled)) > len(filled):
        return pa.bool_()
    numbers = sum(map(is_cell, filled))
    return pa.float64() if 2 * numbers >= len(cells) else pa.string()
