"""Delimited text as Python's csv module reads it: for its first lines, and to find a faulty one."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from io import StringIO, TextIOWrapper
from typing import Any, Self

import pyarrow as pa

from kldiv_cli.sources.stores.commands import in_utf_8
from kldiv_cli.sources.stores.elsewhere import is_readable_again
from kldiv_cli.sources.stores.streams import open_stream
from kldiv_cli.sources.stores.uris import is_elsewhere
from kldiv_cli.sources.text.lines import LONGEST_LINE
from kldiv_cli.sources.text.spelling import (
    are_held,
    is_cell,
    is_held,
    is_truth,
    not_held,
    plain,
    short,
)

UTF_8 = "utf-8-sig"
_RUNS = re.compile(rb'("[^"]*")|(?m:^ +| +(?=\r?$))| +(?= )')


@dataclass(frozen=True)
class Delimited:
    """A file of delimited text.

    Parameters
    ----------
    path : str
        Where it lies.
    codec : str or None
        What it is compressed with.
    delimiter : str
        What separates the cells of a line.
    header : bool
        Whether the first line names the columns.
    booleans : bool
        Whether columns may hold true and false.
    decimal : str
        What stands before the fraction of a number: "." or ",".
    own : str
        What separates cells in its format, if nobody says otherwise.
    adopts : {"nothing", "own", "anything"}
        Which dialect is taken in place of one that plainly does not fit: its format's own, where
        the user may have meant the other side; or any, where the user has no option to say it.
    encoding : str
        Python's name of its encoding.
    above : int
        How many lines stand above the header and the rows.
    runs : bool
        Whether spaces between two cells count once.
    notes : tuple of str
        What was decided of it, for the user.
    """

    path: str
    codec: str | None
    delimiter: str
    header: bool
    booleans: bool = False
    decimal: str = "."
    own: str = ","
    adopts: str = "nothing"
    encoding: str = UTF_8
    above: int = 0
    runs: bool = False
    notes: tuple[str, ...] = ()

    def but(self, *notes: str, **found: Any) -> Self:
        """Return the text as it was found to be, with notes on that."""
        return replace(self, notes=self.notes + notes, **found)

    def open(self) -> pa.NativeFile:
        """Open the file as text in UTF-8."""
        file = open_stream(self.path, self.codec)
        if self.encoding == UTF_8:
            return file
        return pa.transcoding_input_stream(file, self.encoding, "utf-8")

    def parse(self, text: str) -> Iterator[tuple[int, list[str]]]:
        """Yield the last line and the cells of every record in a text that begins the file."""
        return self._records(StringIO(text, newline=""))

    def plain(self, cell: str) -> str:
        """Return a cell with a point where its decimal mark stands."""
        return plain(cell, self.decimal)

    def as_read(self, piece: memoryview) -> memoryview | bytes:
        """Return lines as PyArrow reads them, which counts every space."""
        return _RUNS.sub(_quoted, piece) if self.runs else piece

    def in_utf_8(self, encoding: str = "WINDOWS-1252") -> str:
        """Return what to do about text in another encoding."""
        if self.codec is not None or is_elsewhere(self.path):
            return "Write it again in UTF-8."
        return f"Write it again in UTF-8: {in_utf_8(self.path, encoding)}"

    def line_of(self, row: int) -> int | None:
        """Return the line on which a row ends; None where it cannot be looked for."""
        if not is_readable_again(self.path):
            return None
        for index, (line, _) in enumerate(self._all(), start=-1 if self.header else 0):
            if index == row:
                return line
        return None

    def first_fault(
        self,
        names: Sequence[str],
        classes: Iterable[str],
        truths: Collection[str] = (),
        empty: int = 0,
    ) -> str | None:
        """Return what is wrong with the first line that PyArrow cannot have read, if any is.

        ``truths`` are the classes that hold true and false; ``empty`` columns hold nothing, and
        stand behind those that have names.
        """
        if not is_readable_again(self.path):
            return None
        known = set(classes)
        wanted = [(i, x, x in truths) for i, x in enumerate(names) if x in known]
        try:
            records = self._all()
            if self.header:
                next(records)
            for line, cells in records:
                fault = self._fault(line, cells, len(names), empty, wanted)
                if fault is not None:
                    return fault
        except csv.Error as error:
            return f"expected delimited text, found something else ({error})"
        except OSError:  # of a damaged compressed file, which PyArrow has met too
            return None
        return None

    def _fault(
        self,
        line: int,
        cells: list[str],
        width: int,
        empty: int,
        wanted: list[tuple[int, str, bool]],
    ) -> str | None:
        if len(cells) != width + empty:
            return f"line {line}: expected {width + empty} cells, found {len(cells)}"
        if any(cells[width:]):
            found = next(filter(None, cells[width:]))
            return f"line {line}: expected nothing behind the last column, found {short(found)}"
        if are_held([self.plain(cells[i]) for i, _, of_truth in wanted if not of_truth]):
            wanted = [column for column in wanted if column[2]]
        for i, name, of_truth in wanted:
            fault = _fault_of_truth(cells[i]) if of_truth else self._fault_of_number(cells[i])
            if fault is not None:
                return f"line {line}, column {name!r}: {fault}"
        return None

    def _fault_of_number(self, cell: str) -> str | None:
        if not is_cell(self.plain(cell)):
            return f"expected a number, found {short(cell)}"
        return None if is_held(self.plain(cell)) else not_held(cell)

    def _all(self) -> Iterator[tuple[int, list[str]]]:
        file = open_stream(self.path, self.codec)
        with TextIOWrapper(file, encoding=self.encoding, errors="replace", newline="") as text:
            yield from self._records(_lines(text))

    def _records(self, lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
        csv.field_size_limit(LONGEST_LINE)
        left = iter(lines)
        for _ in range(self.above):
            next(left, None)
        if self.runs:
            left = (line.rstrip(" \r\n") + "\n" for line in left)
        reader = csv.reader(left, delimiter=self.delimiter, skipinitialspace=self.runs)
        for record in reader:
            if record:
                yield self.above + reader.line_num, record


def _quoted(found: re.Match[bytes]) -> bytes:
    return found[1] or b""


def _fault_of_truth(cell: str) -> str | None:
    return None if not cell or is_truth(cell) else f"expected true or false, found {short(cell)}"


def _lines(text: TextIOWrapper) -> Iterator[str]:
    """Yield lines, the last of them however long: one of gigabytes must not come to memory."""
    while line := text.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE:
            raise csv.Error(f"a line of more than {LONGEST_LINE} characters")
        yield line
