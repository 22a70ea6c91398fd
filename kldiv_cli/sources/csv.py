"""CSV and TSV through PyArrow's streaming reader, every class column as float64."""

from __future__ import annotations

import csv
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
from kldiv_cli.sources.table import TableSource, check_layout, no_rows

_NUMBER = r"^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$"
_CELL = re.compile(_NUMBER + r"|^\s*[-+]?(nan|inf|infinity)\s*$|^$", re.IGNORECASE)
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
    text = _Text(path, delimiter, block_size=max(1 << 20, 2 * _longest_first_line(path)))
    with text.reading():
        reader = text.open()
        schema, first = reader.schema, next(reader, None)
        reader.close()
        names = schema.names
    if first is None or first.num_rows == 0:
        raise no_rows(path)
    _check_header(path, names)
    columns = roles.assign(path, _mend_types(schema, first, layout), first, layout)

    def batches(names: list[str], _: int) -> Iterator[pa.RecordBatch]:
        types = dict.fromkeys(columns.classes, pa.float64())
        if columns.id is not None:
            types[columns.id] = pa.string()
        with text.reading(columns.classes):
            yield from text.open(types, names)

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

    def open(
        self, types: dict[str, pa.DataType] | None = None, names: list[str] | None = None
    ) -> pa_csv.CSVStreamingReader:
        return pa_csv.open_csv(
            self.path,
            read_options=pa_csv.ReadOptions(block_size=self.block_size),
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
        with Path(self.path).open(newline="", encoding="utf-8-sig", errors="replace") as file:
            reader = csv.reader(file, delimiter=self.delimiter)
            for record in reader:
                if record:
                    yield reader.line_num, record

    def _first_fault(self, classes: tuple[str, ...]) -> str | None:
        records = self._records()
        try:
            _, header = next(records)
            wanted = [(i, name) for i, name in enumerate(header) if name in classes]
            for line, cells in records:
                if len(cells) != len(header):
                    return f"line {line}: expected {len(header)} cells, found {len(cells)}"
                for i, name in wanted:
                    if not _CELL.match(cells[i]):
                        return (
                            f"line {line}, column {name!r}: expected a number, found {cells[i]!r}"
                        )
        except csv.Error as error:
            return f"expected delimited text, found something else ({error})"
        return None


def _longest_first_line(path: str) -> int:
    """Return the length of the longer of the first two lines, once they look like text."""
    with Path(path).open("rb") as file:
        lines = [file.readline(_MAX_LINE), file.readline(_MAX_LINE)]
    if not lines[0].strip():
        raise InputError(f"{path}: expected a header line, found an empty file", _ADVICE)
    if b"\0" in lines[0] or b"\0" in lines[1]:
        raise InputError(
            f"{path}: expected text, found binary data that begins with {lines[0][:6]!r}", _ADVICE
        )
    longest = max(map(len, lines))
    if longest >= _MAX_LINE:
        raise InputError(
            f"{path}: expected lines shorter than {_MAX_LINE} bytes, found a longer one",
            "Rows as wide as this belong in .npy or .parquet.",
        )
    return longest


def _check_header(path: str, names: list[str]) -> None:
    """Refuse a first line of numbers: taken for class names, a row would vanish."""
    numbers = [name for name in names if re.match(_NUMBER, name) and not name.isdecimal()]
    if 2 * len(numbers) > len(names):
        raise InputError(
            f"{path}: line 1: expected column names, found numbers ({', '.join(numbers[:3])}, ...)",
            "Put a line of names above the first row.",
        )


def _mend_types(schema: pa.Schema, first: pa.RecordBatch, layout: Layout) -> pa.Schema:
    """Take a column of mostly numbers for numbers, so that its stray text is reported.

    PyArrow calls the whole column text, and the only text column is the row id: one bad cell would
    turn a class into ids.
    """
    for i, field in enumerate(schema):
        if not pa.types.is_string(field.type) or field.name == layout.id:
            continue
        numeric = pc.sum(pc.match_substring_regex(first.column(i), _NUMBER)).as_py() or 0
        if 2 * numeric > first.num_rows:
            schema = schema.set(i, field.with_type(pa.float64()))
    return schema
