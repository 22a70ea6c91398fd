"""CSV and TSV through PyArrow's streaming reader, every class column as float64."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from kldiv_cli.errors import InputError, LogitsError, UsageError, shortage
from kldiv_cli.sources.base import LOGITS, Layout
from kldiv_cli.sources.base.columns import Columns
from kldiv_cli.sources.stores.streams import codec_of
from kldiv_cli.sources.tables.cells import with_numbers
from kldiv_cli.sources.tables.kinds import is_number
from kldiv_cli.sources.tables.roles import assign, may_be_classes, tell
from kldiv_cli.sources.tables.rows import EXACT, as_rows, may_be_inexact
from kldiv_cli.sources.tables.table import MORE_THREADS, TableSource, check_layout
from kldiv_cli.sources.text.delimited import Delimited
from kldiv_cli.sources.text.first_lines import ADVICE, FirstLines, read_first_lines
from kldiv_cli.sources.text.lines import (
    WHOLE_PIECE,
    LongLineError,
    piece_size,
    rows_expected,
    skip,
    too_long,
    whole_lines,
)
from kldiv_cli.sources.text.spelling import (
    FALSE,
    MISSING,
    NOT_HELD_ADVICE,
    TRUE,
    has_missing,
    is_held,
    not_held,
)

_OF_MASKS = "A column of a mask holds true and false, or 1 and 0, from its first line to its last."


def open_csv(path: str, layout: Layout, delimiter: str = ",", name: str = "csv") -> TableSource:
    """Open delimited text, compressed or not; an empty cell is NaN.

    The first line names the columns unless ``layout`` says otherwise; then they are known by their
    positions, and the classes have no names.

    Raises
    ------
    InputError
        Empty, no text, ragged or without a header; of another dialect than the layout says; a class
        cell that is no number is reported with its line and column as soon as it is read.
    UsageError
        The delimiter is not one character.
    """
    check_layout(path, layout)
    first = read_first_lines(_as_told(path, layout, delimiter))
    text = first.text
    schema = first.schema
    begin = first.names[0] if layout.header else first.cells[0][0]
    _check_separated(path, schema.types, begin, text.delimiter)
    tell(path, with_numbers(schema), first.values_of, layout, named=layout.header, typed=False)
    first.check_spelling(may_be_classes(first.names, layout))
    truths = frozenset(column.name for column in schema if pa.types.is_boolean(column.type))
    schema = with_numbers(schema)
    layout = replace(layout, notes=layout.notes + first.notes)
    columns = assign(path, schema, first.values_of, layout, named=layout.header, typed=False)
    first.check_exact(columns.classes, layout.expected)
    table = _Table(first, columns, truths)
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


def _as_told(path: str, layout: Layout, own: str) -> Delimited:
    """Return the text in the dialect that the user says, or else in that of its format."""
    told = (layout.delimiter, layout.decimal) != (None, None)
    adopts = "own" if told and layout.side is not None else "nothing"
    return Delimited(
        path=path,
        codec=codec_of(path),
        delimiter=_one_character(own if layout.delimiter is None else layout.delimiter),
        header=layout.header,
        booleans=layout.booleans,
        decimal=layout.decimal or ".",
        own=own,
        adopts=adopts if layout.expected is LOGITS else "anything",
    )


@dataclass(frozen=True)
class _Table:
    """How PyArrow reads a file; ``truths`` are the columns of true and false."""

    first: FirstLines
    columns: Columns
    truths: frozenset[str]

    @property
    def text(self) -> Delimited:
        """The file."""
        return self.first.text

    def batches(self, names: list[str], _: int) -> Iterator[pa.RecordBatch]:
        """Yield the rows, a piece of the file at a time.

        PyArrow could cut the file by itself, but reads 32 pieces ahead.
        """
        types = dict.fromkeys(self.columns.classes, pa.float64())
        types |= dict.fromkeys(self.columns.per_row, pa.string())
        size = piece_size(self.first.longest)
        with self._reading(), self.text.open() as file:
            skip(file, self.first.begins)
            for piece in whole_lines(file, size, self.text.delimiter):
                if _is_blank(piece):
                    continue
                lines = self.text.as_read(piece)
                read = self._read(lines, {name: types[name] for name in names})
                self._check_held(read, lines)
                yield from read

    def _read(
        self, lines: memoryview | bytes, types: dict[str, pa.DataType]
    ) -> list[pa.RecordBatch]:
        """Read these columns of some lines."""
        if not self.first.has_missing:
            try:
                return self._convert(lines, types)
            except pa.ArrowInvalid:
                if not has_missing(lines):
                    raise
        # A missing number may be spelled NA, which is as good an id or a group as any.
        texts = {name: kind for name, kind in types.items() if kind == pa.string()}
        numbers = {name: kind for name, kind in types.items() if name not in texts}
        beside = self._convert(lines, texts) if texts else []
        if not numbers:
            return beside
        spelled = self._convert(lines, numbers, ("", *MISSING))
        if not texts:
            return spelled
        return [_joined(types, *each) for each in zip(spelled, beside, strict=True)]

    def _convert(
        self,
        lines: memoryview | bytes,
        types: dict[str, pa.DataType],
        missing: tuple[str, ...] = ("",),
    ) -> list[pa.RecordBatch]:
        empty = self.first.unnamed
        read = pa_csv.ReadOptions(
            block_size=WHOLE_PIECE,
            use_threads=MORE_THREADS,
            column_names=[*self.first.names, *empty],
        )
        parse = pa_csv.ParseOptions(delimiter=self.text.delimiter)
        kinds = types | dict.fromkeys(self.truths, pa.bool_()) | dict.fromkeys(empty, pa.null())
        convert = pa_csv.ConvertOptions(
            column_types=kinds,
            include_columns=[*types, *empty],
            null_values=missing,
            strings_can_be_null=True,
            true_values=TRUE,
            false_values=FALSE,
            decimal_point=self.text.decimal,
        )
        batches = list(pa_csv.open_csv(pa.BufferReader(lines), read, parse, convert))
        if empty:
            batches = [batch.select(list(types)) for batch in batches]
        as_said = pa.schema(list(types.items()))
        return [batch.cast(as_said) for batch in batches] if self.truths else batches

    def _check_held(self, read: list[pa.RecordBatch], lines: memoryview | bytes) -> None:
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
        for text, cells in zip(self._convert(lines, types), far, strict=True):
            for column, i in zip(text.columns, columns, strict=True):
                found = column.filter(pa.array(cells[:, i])).unique().to_pylist()
                lost = [cell for cell in found if not is_held(self.text.plain(cell))]
                if lost:
                    raise self._not_held(f"column {names[i]!r}", lost[0])

    def _fault(self) -> str | None:
        first = self.first
        return self.text.first_fault(first.names, self.columns.classes, self.truths, first.empty)

    def _not_held(self, place: str, cell: str) -> InputError:
        fault = self._fault() or f"{place}: {not_held(cell)}"
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
            fault = self._fault()
            said = str(error).splitlines()[0]
            raise InputError(
                f"{self.text.path}: {fault or said}", self._advice(fault, said)
            ) from error

    def _advice(self, fault: str | None, said: str) -> str:
        """Return what to do about a line that PyArrow does not read."""
        if "UTF8" in said:
            return self.text.in_utf_8()
        if fault is None:
            return ADVICE
        if not self.text.header and fault.startswith("line 1,"):
            return "Leave --no-header out if this line names the columns."
        if "expected nothing behind" in fault:
            return "Name the column in the header, or say with --columns which are classes."
        return _OF_MASKS if self.text.booleans else ADVICE


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


def _joined(
    types: dict[str, pa.DataType], numbers: pa.RecordBatch, texts: pa.RecordBatch
) -> pa.RecordBatch:
    """Return columns of two batches in the order of ``types``."""
    sides = [texts if name in texts.schema.names else numbers for name in types]
    columns = [side.column(name) for side, name in zip(sides, types, strict=True)]
    return pa.RecordBatch.from_arrays(columns, list(types))


def _is_blank(piece: memoryview) -> bool:
    """Tell whether there are only empty lines, which PyArrow refuses."""
    return piece[0] in b"\r\n" and not bytes(piece).strip()
