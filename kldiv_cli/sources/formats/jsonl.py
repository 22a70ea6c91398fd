"""JSON lines through PyArrow's reader: a list per line, or an object with a list or numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.json as pa_json
from numpy.typing import NDArray

from kldiv_cli.errors import InputError, shortage
from kldiv_cli.sources.base import Layout
from kldiv_cli.sources.base.columns import Columns
from kldiv_cli.sources.stores.streams import codec_of, open_stream
from kldiv_cli.sources.tables.cells import flattened
from kldiv_cli.sources.tables.kinds import float_lists, holds_texts, lists_in
from kldiv_cli.sources.tables.roles import assign
from kldiv_cli.sources.tables.rows import EXACT, as_rows, may_be_inexact
from kldiv_cli.sources.tables.table import MORE_THREADS, TableSource, check_layout
from kldiv_cli.sources.text.first_objects import ADVICE, LIST, FirstObjects, read_first_objects
from kldiv_cli.sources.text.json_text import (
    JsonText,
    is_held,
    is_number,
    list_fault,
    named,
    not_held,
)
from kldiv_cli.sources.text.lines import (
    WHOLE_PIECE,
    LongLineError,
    piece_size,
    rows_expected,
    too_long,
    whole_lines,
)
from kldiv_cli.sources.text.spelling import NOT_HELD_ADVICE

if TYPE_CHECKING:
    from kldiv_cli.sources.tables.texts import Texts


def open_jsonl(path: str, layout: Layout) -> TableSource:
    """Open JSON lines, compressed or not; null and NaN, which JSON does not know, are NaN.

    Raises
    ------
    InputError
        Empty, no JSON lines, or their roles are unclear; what is no number is reported with its
        line as soon as it is read.
    """
    check_layout(path, layout)
    text = JsonText(path, codec_of(path))
    first = read_first_objects(text)
    table = ObjectTable.of(text, first, layout)
    return TableSource(
        path=path,
        format="jsonl",
        dtype="float64",
        columns=table.columns,
        width=table.width,
        rows=None,
        rows_expected=None if table.texts else rows_expected(path, text.codec, first),
        batches=table.batches,
        line=text.line_of if table.texts is None else lambda _: None,
        is_text=True,
        texts=table.texts,
    )


@dataclass(frozen=True)
class ObjectTable:
    """How PyArrow reads a file; ``is_closed`` if a name that is new in a later line is an error."""

    text: JsonText
    first: FirstObjects
    columns: Columns
    width: int
    is_closed: bool

    @classmethod
    def of(cls, text: JsonText, first: FirstObjects, layout: Layout) -> ObjectTable:
        """Decide the roles of the fields.

        Raises
        ------
        InputError
            They are unclear, or hold integers that float64 cannot.
        """
        columns = assign(text.path, first.schema, first.values_of, layout)
        numbers = columns.classes if columns.row is None else [columns.row]
        first.check_exact(numbers, layout.expected)
        width = len(columns.classes) if columns.row is None else first.width(columns.row)
        leaves_out = layout.columns is not None or bool(layout.drop or layout.taken)
        table = cls(text, first, columns, width, is_closed=not leaves_out)
        return table if table.texts is None else replace(table, is_closed=False)

    @cached_property
    def texts(self) -> Texts | None:
        """How the texts of the lines become rows; None where a line is a row."""
        name = self.columns.row
        if name is None or not holds_texts(self.first.schema.field(name).type):
            return None
        from kldiv_cli.sources.tables.texts import Texts  # noqa: PLC0415 - few tables hold texts

        rows, width = self.first.first_row(name)
        return Texts(self.text.path, self.columns, max(1, rows), width, "float64")

    def batches(self, names: list[str], _: int) -> Iterator[pa.RecordBatch]:
        """Yield the rows, a piece of the file at a time."""
        parse = pa_json.ParseOptions(
            explicit_schema=self.types,
            unexpected_field_behavior="error" if self.is_closed else "ignore",
        )
        read = pa_json.ReadOptions(block_size=WHOLE_PIECE, use_threads=MORE_THREADS)
        size = piece_size(self.first.longest)
        with self._reading(), open_stream(self.text.path, self.text.codec) as file:
            for piece in whole_lines(file, size):
                text = self._objects(piece)
                if text:
                    table = pa_json.read_json(pa.BufferReader(text), read, parse)
                    start = 0
                    for batch in table.select(names).to_batches():
                        self._check_lists(batch)
                        self._check_held(batch, start, text, table.num_rows)
                        for name in self.columns.per_row:
                            batch.column(name).validate(full=True)  # as UTF-8
                        yield batch
                        start += len(batch)

    def _check_lists(self, batch: pa.RecordBatch) -> None:
        if self.columns.row is None or self.texts is not None:
            return
        lists = batch.column(self.columns.row)
        if lists.null_count or (np.diff(lists.offsets.to_numpy()) != self.width).any():
            raise pa.ArrowInvalid("expected a list of the same length on every line")

    def _check_held(self, batch: pa.RecordBatch, start: int, text: bytes, rows: int) -> None:
        """Raise where an integer is one that float64 cannot hold, which PyArrow rounds.

        Of ``text``, which holds so many rows, the batch's from ``start`` on, lines are looked at
        only where the number that PyArrow made reaches so far.
        """
        values = self._numbers(batch)
        if values is None or not may_be_inexact(values):
            return
        lines = [line for line in text.split(b"\n") if line.strip()]
        if len(lines) != rows:
            raise pa.ArrowInvalid("expected one object on every line")
        for row in np.flatnonzero((np.abs(values) >= EXACT).any(axis=1)):
            fault = self._fault_of(lines[start + row])
            if fault is not None:
                fault = self.text.first_fault(self.fault) or fault
                raise InputError(f"{self.text.path}: {fault}", NOT_HELD_ADVICE)

    def _fault_of(self, line: bytes) -> str | None:
        try:
            value = json.loads(line)
        except ValueError as error:  # of an integer of thousands of digits
            return str(error)
        return self.fault(value[LIST] if self.first.are_lists else value)

    def _numbers(self, batch: pa.RecordBatch) -> NDArray[Any] | None:
        """Return the numbers of a batch as (rows, classes); None where it has none."""
        if self.texts is not None:
            return self.texts.largest(batch.column(self.columns.row))
        if self.columns.row is not None:
            flat = flattened(batch.column(self.columns.row))
            numbers: NDArray[Any] = flat.to_numpy(zero_copy_only=False)
            return numbers.reshape(len(batch), self.width)
        names = [name for name in self.columns.classes if name in batch.schema.names]
        return as_rows(batch.select(names)) if names else None

    @cached_property
    def types(self) -> pa.Schema:
        """The type of every known name; names that --columns leaves out are not known."""
        types = dict.fromkeys(self.columns.classes, pa.float64())
        if self.columns.row is not None:
            types[self.columns.row] = pa.list_(pa.float64())
        schema = self.first.schema
        if self.texts is not None:
            types[self.columns.row] = float_lists(lists_in(schema.field(self.columns.row).type))
        for name, kind in zip(schema.names, schema.types, strict=True):
            if name in self.columns.per_row:
                types[name] = pa.string() if pa.types.is_null(kind) else kind
            elif self.is_closed:
                types.setdefault(name, pa.float64())  # an index beside the id
        return pa.schema(list(types.items()))

    def _objects(self, piece: memoryview) -> bytes:
        """Return lines as lines of objects: PyArrow makes rows of nothing else."""
        text = bytes(piece).removeprefix(b"\xef\xbb\xbf")
        if not self.first.are_lists:
            return text.strip()
        lines = re.sub(rb"\n\s+", b"\n", text.strip())
        before, after = b'{"%s":' % LIST.encode(), b"}"
        return before + lines.replace(b"\n", after + b"\n" + before) + after if lines else b""

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Turn PyArrow's complaint into one that names the line."""
        try:
            yield
        except LongLineError as error:
            raise too_long(self.text.path) from error
        except (pa.ArrowException, OSError, UnicodeDecodeError, MemoryError) as error:
            short = shortage(error, self.text.path)
            if short is not None:
                raise short from error
            # PyArrow counts the rows of a piece.
            said = re.sub(r"\.? in row \d+.*", "", str(error), flags=re.DOTALL)
            fault = self.text.first_fault(self.fault)
            raise InputError(f"{self.text.path}: {fault or said}", ADVICE) from error

    def fault(self, value: Any) -> str | None:
        """Return what is wrong with what a line holds."""
        if self.first.are_lists:
            return self._list_fault(value)
        if not isinstance(value, dict):
            return f"expected an object, found {named(value)}"
        if self.columns.row is not None:
            fault = self._list_fault(value.get(self.columns.row))
            if fault is not None:
                return f"{self.columns.row!r}: {fault}"
        for name, cell in value.items():
            fault = self._cell_fault(name, cell)
            if fault is not None:
                return fault
        return None

    def _cell_fault(self, name: str, cell: Any) -> str | None:
        types = self.types
        if name not in types.names:
            found = f"expected the names of the first lines, found {name!r}"
            return found if self.is_closed else None
        if name != self.columns.row and not _holds(types.field(name).type, cell):
            kind = "a number"
            if name in self.columns.per_row:
                kind = f"{'an id' if name in self.columns.ids else 'a label'} like the first"
                if type(cell) is int and pa.types.is_integer(types.field(name).type):
                    kind = f"an integer like the first, of type {types.field(name).type}"
            return f"{name!r}: expected {kind}, found {named(cell)}"
        if name in self.columns.classes and not is_held(cell):
            return f"{name!r}: {not_held(cell)}"
        return None

    def _list_fault(self, value: Any) -> str | None:
        if self.texts is None or not isinstance(value, list):
            return self._row_fault(value)
        faults = enumerate(map(self._row_fault, _rows_in(value)))
        return next((f"row {place}: {fault}" for place, fault in faults if fault), None)

    def _row_fault(self, value: Any) -> str | None:
        fault = list_fault(value)
        if fault is None and len(value) != self.width:
            return f"expected a list of {self.width} entries like the first, found {len(value)}"
        lost = None if fault is not None else next((x for x in value if not is_held(x)), None)
        return fault if lost is None else f"entry {value.index(lost)}: {not_held(lost)}"


def _rows_in(value: list[Any]) -> Iterator[Any]:
    """Yield the rows of a text, which may lie in lists of one."""
    for entry in value:
        within = isinstance(entry, list) and entry and isinstance(entry[0], list)
        yield from entry if within else [entry]


def _holds(kind: pa.DataType, cell: Any) -> bool:
    """Tell whether a column of that type can hold a value."""
    if cell is None:
        return True
    if pa.types.is_integer(kind):
        least = 0 if pa.types.is_unsigned_integer(kind) else -(2**63)
        return type(cell) is int and least <= cell < least + 2**64
    if pa.types.is_floating(kind):
        return is_number(cell)
    return type(cell) is (bool if pa.types.is_boolean(kind) else str)
