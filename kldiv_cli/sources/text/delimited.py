"""Delimited text as Python's csv module reads it: for its first lines, and to find a faulty one."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO, TextIOWrapper
from math import isinf

from kldiv_cli.sources.stores.elsewhere import is_readable_again
from kldiv_cli.sources.stores.streams import open_stream
from kldiv_cli.sources.text.lines import LONGEST_LINE

TRUE, FALSE = ("true", "True", "TRUE"), ("false", "False", "FALSE")
# Nothing is given back once it is taken: a cell of a megabyte of digits would take hours.
_NUMBER = r"\s*+[-+]?(\d++(\.\d*+)?|\.\d++)(e[-+]?\d++)?\s*+"
_CELL = re.compile(_NUMBER + r"|\s*[-+]?(nan|inf|infinity)\s*|", re.IGNORECASE | re.ASCII)
_FINITE = re.compile(_NUMBER, re.IGNORECASE | re.ASCII)
_INTEGER = re.compile(r"\s*[-+]?\d+\s*", re.ASCII)
_LARGEST = 2**53
_DIGITS = len(str(_LARGEST))
NOT_HELD_ADVICE = "If these are ids, name their column with --id; infinity is written inf."


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
    """

    path: str
    codec: str | None
    delimiter: str
    header: bool
    booleans: bool = False

    def parse(self, text: str) -> Iterator[tuple[int, list[str]]]:
        """Yield the last line and the cells of every record in a text that begins the file."""
        return self._records(StringIO(text, newline=""))

    def line_of(self, row: int) -> int | None:
        """Return the line on which a row ends; None where it cannot be looked for."""
        if not is_readable_again(self.path):
            return None
        for index, (line, _) in enumerate(self._all(), start=-1 if self.header else 0):
            if index == row:
                return line
        return None

    def first_fault(
        self, names: Sequence[str], classes: Iterable[str], truths: Collection[str] = ()
    ) -> str | None:
        """Return what is wrong with the first line that PyArrow cannot have read, if any is.

        ``truths`` are the classes that hold true and false.
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
                fault = self._fault(line, cells, len(names), wanted)
                if fault is not None:
                    return fault
        except csv.Error as error:
            return f"expected delimited text, found something else ({error})"
        except OSError:  # of a damaged compressed file, which PyArrow has met too
            return None
        return None

    def _fault(
        self, line: int, cells: list[str], width: int, wanted: list[tuple[int, str, bool]]
    ) -> str | None:
        if len(cells) != width:
            return f"line {line}: expected {width} cells, found {len(cells)}"
        if are_held([cells[i] for i, _, of_truth in wanted if not of_truth]):
            wanted = [column for column in wanted if column[2]]
        for i, name, of_truth in wanted:
            fault = _fault_of_truth(cells[i]) if of_truth else _fault_of_number(cells[i])
            if fault is not None:
                return f"line {line}, column {name!r}: {fault}"
        return None

    def _all(self) -> Iterator[tuple[int, list[str]]]:
        file = open_stream(self.path, self.codec)
        with TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline="") as text:
            yield from self._records(_lines(text))

    def _records(self, lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
        csv.field_size_limit(LONGEST_LINE)
        reader = csv.reader(lines, delimiter=self.delimiter)
        for record in reader:
            if record:
                yield reader.line_num, record


def are_numbers(cells: list[str]) -> bool:
    """Tell quickly; Python reads 1_000 and digits of any script as numbers and PyArrow does not."""
    try:
        list(map(float, cells))
    except ValueError:
        return False
    text = "".join(cells)
    return "_" not in text and text.isascii()


def are_held(cells: list[str]) -> bool:
    """Tell quickly whether float64 holds all of these; not if one is no number."""
    return are_numbers(cells) and not any(abs(float(cell)) >= _LARGEST for cell in cells)


def is_held(text: str) -> bool:
    """Tell whether float64 holds what a cell says: no integer beyond 2**53, and nothing so large.

    A number with a point or an exponent is rounded, as it always is.
    """
    if is_integer(text):
        digits = text.strip().lstrip("+-0")
        # Python makes no number of thousands of digits.
        return len(digits) <= _DIGITS and int(digits or 0) <= _LARGEST
    return not (is_finite_number(text) and isinf(float(text)))


def _fault_of_truth(cell: str) -> str | None:
    return None if not cell or is_truth(cell) else f"expected true or false, found {_short(cell)}"


def _fault_of_number(cell: str) -> str | None:
    if not is_cell(cell):
        return f"expected a number, found {_short(cell)}"
    return None if is_held(cell) else not_held(cell)


def not_held(text: str) -> str:
    """Say what is wrong with a number that float64 does not hold."""
    expected = "an integer up to 2**53" if is_integer(text) else "a number that float64 can hold"
    return f"expected {expected}, found {_short(text)}"


def is_integer(text: str) -> bool:
    """Tell whether a cell holds an integer without point and exponent."""
    return _INTEGER.fullmatch(text) is not None


def is_cell(text: str) -> bool:
    """Tell whether a cell holds a number or nothing."""
    return _CELL.fullmatch(text) is not None


def is_truth(text: str) -> bool:
    """Tell whether a cell says true or false."""
    return text in TRUE or text in FALSE


def is_finite_number(text: str) -> bool:
    """Tell whether a cell holds a number that is written in digits."""
    return _FINITE.fullmatch(text) is not None


def _lines(text: TextIOWrapper) -> Iterator[str]:
    """Yield lines, the last of them however long: one of gigabytes must not come to memory."""
    while line := text.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE:
            raise csv.Error(f"a line of more than {LONGEST_LINE} characters")
        yield line


def _short(cell: str) -> str:
    return repr(cell) if len(cell) <= 40 else f"{cell[:40]!r}..."
