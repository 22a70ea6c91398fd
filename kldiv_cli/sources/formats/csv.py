"""CSV and TSV through PyArrow's streaming reader, every class column as float64."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from kldiv_cli.errors import InputError, LogitsError, UsageError, shortage
from kldiv_cli.sources.base import Layout
from kldiv_cli.sources.stores.streams import codec_of, open_stream
from kldiv_cli.sources.tables import columns as roles
from kldiv_cli.sources.tables.cells import EXACT, as_rows, may_be_inexact, with_numbers
from kldiv_cli.sources.tables.kinds import is_number
from kldiv_cli.sources.tables.table import MORE_THREADS, TableSource, check_layout
from kldiv_cli.sources.text.delimited import (
    FALSE,
    NOT_HELD_ADVICE,
    TRUE,
    Delimited,
    is_held,
    not_held,
)
from kldiv_cli.sources.text.first_lines import ADVICE, FirstLines, read_first_lines
from kldiv_cli.sources.text.lines import (
    WHOLE_PIECE,
    LongLineError,
    piece_size,
    rows_expected,
    too_long,
    whole_lines,
)

_OF_MASKS = "A column of a mask holds true and false, or 1 and 0, from its first line to its last."


def open_csv(path: str, layout: Layout, delimiter: str = ",", name: str = "csv") -> TableSource:
    """Open delimited text, compressed or not; an empty cell is NaN.

    The first line names the columns unless ``layout`` says otherwise; then they are known by their
    positions, and the classes have no names.

    Raises
    ------
    InputError
        Empty, no text, ragged or without a header; a class cell that is no number is reported with
        its line and column as soon as it is read.
    UsageError
        The delimiter is not one character.
    """
    check_layout(path, layout)
    separator = _one_character(delimiter if layout.delimiter is None else layout.delimiter)
    text = Delimited(path, codec_of(path), separator, layout.header, layout.booleans)
    first = read_first_lines(text)
    schema = first.schema(layout.id)
    begin = first.names[0] if layout.header else first.cells[0][0]
    _check_separated(path, schema.types, begin, separator)
    truths = frozenset(column.name for column in schema if pa.types.is_boolean(column.type))
    schema = with_numbers(schema)
    columns = roles.assign(path, schema, first.first_column, layout, named=layout.header)
    first.check_exact(columns.classes, layout.expected)
    table = _Table(text, first, columns, truths)
    return TableSource(
        path=path,
        format=name,
        dtype="float64",
        columns=columns,
        width=len(columns.classes),
        rows=None,
        rows_expected=rows_expected(path, text.codec, first),
        batches=table.batches,
        line=text.line_of,
        named=layout.header,
        is_delimited=True,
        is_text=True,
    )


open_tsv = partial(open_csv, delimiter="\t", name="tsv")


@dataclass(frozen=True)
class _Table:
    """How PyArrow reads a file; ``truths`` are the columns of true and false."""

    text: Delimited
    first: FirstLines
    columns: roles.Columns
    truths: frozenset[str]

    def batches(self, names: list[str], _: int) -> Iterator[pa.RecordBatch]:
        """Yield the rows, a piece of the file at a time.

        PyArrow could cut the file by itself, but reads 32 pieces ahead.
        """
        types = dict.fromkeys(self.columns.classes, pa.float64())
        for name in (self.columns.id, self.columns.group):
            if name is not None:
                types[name] = pa.string()
        begins = self.text.header
        size = piece_size(self.first.longest)
        with self._reading(), open_stream(self.text.path, self.text.codec) as file:
            for piece in whole_lines(file, size, self.text.delimiter):
                if _is_blank(piece):
                    continue
                read = self._read(piece, {name: types[name] for name in names}, begins)
                self._check_held(read, piece, begins)
                yield from read
                begins = False

    def _read(
        self, piece: memoryview, types: dict[str, pa.DataType], begins: bool
    ) -> list[pa.RecordBatch]:
        """Read these columns of a piece, which may begin with the header."""
        read = pa_csv.ReadOptions(
            block_size=WHOLE_PIECE,
            use_threads=MORE_THREADS,
            column_names=None if begins else self.first.names,
        )
        parse = pa_csv.ParseOptions(delimiter=self.text.delimiter)
        convert = pa_csv.ConvertOptions(
            column_types=types | dict.fromkeys(self.truths, pa.bool_()),
            include_columns=list(types),
            null_values=[""],
            strings_can_be_null=True,
            true_values=TRUE,
            false_values=FALSE,
        )
        batches = list(pa_csv.open_csv(pa.BufferReader(piece), read, parse, convert))
        as_said = pa.schema(list(types.items()))
        return [batch.cast(as_said) for batch in batches] if self.truths else batches

    def _check_held(self, read: list[pa.RecordBatch], piece: memoryview, begins: bool) -> None:
        """Raise where the text of a cell is a number that float64 cannot hold.

        The text is looked at only where the number that PyArrow made of it reaches so far.
        """
        classes = set(self.columns.classes)
        names = [name for name in read[0].schema.names if name in classes] if read else []
        values = [as_rows(batch.select(names)) for batch in read] if names else []
        if not any(map(may_be_inexact, values)):
            return
        far = [np.abs(each) >= EXACT for each in values]
        columns = np.flatnonzero(np.any([each.any(axis=0) for each in far], axis=0))
        types = dict.fromkeys([names[i] for i in columns], pa.string())
        for text, cells in zip(self._read(piece, types, begins), far, strict=True):
            for column, i in zip(text.columns, columns, strict=True):
                found = column.filter(pa.array(cells[:, i])).unique().to_pylist()
                lost = [cell for cell in found if not is_held(cell)]
                if lost:
                    raise self._not_held(f"column {names[i]!r}", lost[0])

    def _not_held(self, place: str, cell: str) -> InputError:
        fault = self.text.first_fault(self.first.names, self.columns.classes, self.truths)
        fault = fault or f"{place}: {not_held(cell)}"
        return InputError(f"{self.text.path}: {fault}", NOT_HELD_ADVICE)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Turn PyArrow's complaint into one that names line and column."""
        try:
            yield
        except LongLineError as error:
            raise too_long(self.text.path, ", or a quote that nothing closes") from error
        except (pa.ArrowException, OSError, UnicodeDecodeError, MemoryError) as error:
            short = shortage(error, self.text.path)
            if short is not None:
                raise short from error
            fault = self.text.first_fault(self.first.names, self.columns.classes, self.truths)
            said = str(error).splitlines()[0]
            advice = _OF_MASKS if self.text.booleans else ADVICE
            if not self.text.header and f"{fault}".startswith("line 1,"):
                advice = "Leave --no-header out if this line names the columns."
            raise InputError(f"{self.text.path}: {fault or said}", advice) from error


def _one_character(delimiter: str) -> str:
    named = {"\\t": "\t"}.get(delimiter, delimiter)
    if len(named) != 1 or not named.isascii() or named in '"\r\n':
        raise UsageError(
            f"--delimiter: expected one ASCII character, found {delimiter!r}",
            "Name what stands between the cells: ';', '|', '\\t', ...",
        )
    return named


def _check_separated(path: str, types: list[pa.DataType], cell: str, delimiter: str) -> None:
    """Raise for a file of one column whose cells plainly hold another delimiter."""
    if len(types) != 1 or is_number(types[0]):
        return
    found = next((c for c in ";\t|," if c in cell), None)
    if found is not None:
        raise LogitsError(
            f"{path}: expected cells between {delimiter!r}, found one column and {found!r} in it",
            f"Say --delimiter {found!r} if that stands between them.",
        )


def _is_blank(piece: memoryview) -> bool:
    """Tell whether there are only empty lines, which PyArrow refuses."""
    return piece[0] in b"\r\n" and not bytes(piece).strip()
