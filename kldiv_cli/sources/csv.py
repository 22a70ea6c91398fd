"""CSV and TSV through PyArrow's streaming reader, every class column as float64."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from kldiv_cli.errors import InputError
from kldiv_cli.sources import columns as roles
from kldiv_cli.sources.base import Layout
from kldiv_cli.sources.table import TableSource, check_exact, check_layout, no_rows, wide_integers

_NUMBER = r"^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$"
_CELL = _NUMBER + r"|^\s*[-+]?(nan|inf|infinity)\s*$|^$"
_ADVICE = "Expected a header line of column names, then one line of numbers per row."
_MAX_LINE = 1 << 28


def open_csv(path: str, layout: Layout, delimiter: str = ",", name: str = "csv") -> TableSource:
    """Open delimited text whose first line names the columns; an empty cell is NaN.

    Raises
    ------
    InputError
        Empty, no text, ragged or without a header; a class cell that is no number is reported with
        its line and column as soon as it is read.
    """
    check_layout(path, layout)
    longest = _longest_first_line(path)
    block_size = max(1 << 20, 2 * longest, min(64 * longest, 1 << 24))
    text = _Text(path, delimiter, block_size)
    with text.reading():
        first = next(text.batches(), None)
    if first is None or first.num_rows == 0:
        raise no_rows(path)
    _check_header(path, first.schema.names)
    columns = roles.assign(path, _mend_types(first, layout), first, layout)
    check_exact(path, first, wide_integers(first.schema, columns.classes))

    def batches(names: list[str], _: int) -> Iterator[pa.RecordBatch]:
        types = dict.fromkeys(columns.classes, pa.float64())
        if columns.id is not None:
            types[columns.id] = pa.string()
        with text.reading(columns.classes):
            yield from text.batches(types, names)

    expected = round(first.num_rows * max(1.0, Path(path).stat().st_size / text.block_size))
    return TableSource(
        path,
        name,
        "float64",
        columns,
        len(columns.classes),
        None,
        expected,
        batches,
        text.line_of,
    )


open_tsv = partial(open_csv, delimiter="\t", name="tsv")


@dataclass(frozen=True)
class _Text:
    """How one file is read, and where in it a fault lies."""

    path: str
    delimiter: str
    block_size: int

    def batches(
        self, types: dict[str, pa.DataType] | None = None, names: list[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows; where one is longer than a block, go on from it with larger blocks."""
        done, size = 0, self.block_size
        while True:
            skip = done
            try:
                for batch in self._open(types, names, size):
                    fresh = batch.slice(min(skip, batch.num_rows))
                    skip -= batch.num_rows - fresh.num_rows
                    done += fresh.num_rows
                    yield fresh
            except pa.ArrowInvalid as error:
                if "straddling" not in str(error) or size > _MAX_LINE:
                    raise
                size *= 4
            else:
                return

    def _open(
        self, types: dict[str, pa.DataType] | None, names: list[str] | None, block_size: int
    ) -> pa_csv.CSVStreamingReader:
        return pa_csv.open_csv(
            # As bytes and not as a path, in which PyArrow would look for ~ and s3://.
            pa.OSFile(os.fsencode(self.path)),
            read_options=pa_csv.ReadOptions(block_size=block_size),
            parse_options=pa_csv.ParseOptions(delimiter=self.delimiter),
            convert_options=pa_csv.ConvertOptions(
                column_types=types,
                include_columns=names,
                null_values=[""],
                strings_can_be_null=True,
            ),
        )

    @contextmanager
    def reading(self, classes: tuple[str, ...] = ()) -> Iterator[None]:
        """Turn PyArrow's complaint into one that names line and column."""
        try:
            yield
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            fault = self._first_fault(classes) or str(error).splitlines()[0]
            raise InputError(f"{self.path}: {fault}", _ADVICE) from error

    def line_of(self, row: int) -> int | None:
        """Return the line of a row; the header stands on line 1."""
        for index, (line, _) in enumerate(self._records(), start=-1):
            if index == row:
                return line
        return None

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        csv.field_size_limit(_MAX_LINE)
        with Path(self.path).open(newline="", encoding="utf-8-sig", errors="replace") as file:
            reader = csv.reader(file, delimiter=self.delimiter)
            for record in reader:
                if record:
                    yield reader.line_num, record

    def _first_fault(self, classes: tuple[str, ...]) -> str | None:
        records = self._records()
        try:
            _, header = next(records)
            known = set(classes)
            wanted = [(i, name) for i, name in enumerate(header) if name in known]
            for line, cells in records:
                if len(cells) != len(header):
                    return f"line {line}: expected {len(header)} cells, found {len(cells)}"
                if _are_numbers([cells[i] for i, _ in wanted]):
                    continue
                for i, name in wanted:
                    if not re.match(_CELL, cells[i], re.IGNORECASE):
                        place = f"line {line}, column {name!r}"
                        return f"{place}: expected a number, found {_short(cells[i])}"
        except csv.Error as error:
            return f"expected delimited text, found something else ({error})"
        return None


def _are_numbers(cells: list[str]) -> bool:
    """Tell quickly; Python reads 1_000 as a number and PyArrow does not."""
    try:
        list(map(float, cells))
    except ValueError:
        return False
    return "_" not in "".join(cells)


def _short(cell: str) -> str:
    return repr(cell) if len(cell) <= 40 else f"{cell[:40]!r}..."


def _longest_first_line(path: str) -> int:
    """Return the length of the longer of the first two lines, once they look like text."""
    with Path(path).open("rb") as file:
        lines = [file.readline(_MAX_LINE), file.readline(_MAX_LINE)]
    if not lines[0].strip():
        raise InputError(f"{path}: expected a header line, found an empty one", _ADVICE)
    if any(b"\0" in line for line in lines):
        raise InputError(
            f"{path}: expected text, found binary data that begins with {lines[0][:6]!r}", _ADVICE
        )
    if not _is_utf8(lines[0]):
        raise InputError(
            f"{path}: expected text in UTF-8, found a header that begins with {lines[0][:6]!r}",
            "Write it again in UTF-8.",
        )
    if not lines[1] and b"\r" not in lines[0].strip():
        raise no_rows(path)
    longest = max(map(len, lines))
    if longest >= _MAX_LINE:
        raise InputError(
            f"{path}: expected lines shorter than {_MAX_LINE} bytes, found a longer one",
            "Rows as wide as this belong in .npy or .parquet.",
        )
    return longest


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _check_header(path: str, names: list[str]) -> None:
    """Refuse a first line of numbers: taken for class names, a row would vanish."""
    numbers = [name for name in names if re.match(_NUMBER, name) and not name.isdecimal()]
    if 2 * len(numbers) >= len(names):
        raise InputError(
            f"{path}: line 1: expected column names, found numbers ({', '.join(numbers[:3])}, ...)",
            "Put a line of names above the first row.",
        )


def _mend_types(first: pa.RecordBatch, layout: Layout) -> pa.Schema:
    """Take a column of mostly numbers for numbers, so that its stray text is reported.

    PyArrow calls the whole column text, and the only text column is the row id: one bad cell would
    turn a class into ids.
    """
    schema = first.schema
    for i, field in enumerate(schema):
        if not pa.types.is_string(field.type) or field.name == layout.id:
            continue
        matches = pc.match_substring_regex(first.column(i), _CELL, ignore_case=True)
        numeric = pc.sum(matches).as_py() or 0
        if 2 * numeric >= first.num_rows:
            schema = schema.set(i, field.with_type(pa.float64()))
    return schema
