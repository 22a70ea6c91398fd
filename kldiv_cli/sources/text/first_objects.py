"""What the first of JSON lines say: the fields' names and types."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kldiv_cli.errors import LogitsError
from kldiv_cli.sources.base import Expected, check_exact_integers
from kldiv_cli.sources.stores.streams import open_stream
from kldiv_cli.sources.tables.cells import no_rows, reading
from kldiv_cli.sources.text.json_text import NUMBERS, FaultError, JsonText, list_fault, named
from kldiv_cli.sources.text.lines import Begin, growing, too_long

ADVICE = "Expected on every line a list of numbers, or an object with a list or a number per class."
_MOST_LISTS = 3
LIST = "list"
"""The name of the one column of lines that hold lists."""


@dataclass(frozen=True)
class FirstObjects:
    """The first values of a file.

    Parameters
    ----------
    path : str
        For messages.
    fields : dict
        The cells of every field; of `LIST` where the lines hold lists.
    are_lists : bool
        Whether they do.
    rows : int
        How many values these are.
    size : int
        How many bytes they take.
    longest : int
        How many bytes the longest of them takes.
    whole : bool
        Whether these are all.
    """

    path: str
    fields: dict[str, list[Any]]
    are_lists: bool
    rows: int
    size: int
    longest: int
    whole: bool

    def width(self, name: str) -> int:
        """Return how many entries the first list of a field holds."""
        return self.first_row(name)[1]

    def first_row(self, name: str) -> tuple[int, int]:
        """Return the lengths of the first list of a field in which there is a list, and of that."""
        rows, cell = 0, next(filter(None, self.fields[name]), None)
        while isinstance(cell, list) and isinstance(next(iter(cell), None), list):
            rows, cell = max(rows, 1) * len(cell), next(filter(None, cell), None)
        return rows, 0 if cell is None else len(cell)

    @property
    def schema(self) -> pa.Schema:
        """Names and types."""
        return pa.schema([(name, _kind(cells)) for name, cells in self.fields.items()])

    def values_of(self, name: str) -> NDArray[Any]:
        """Return the values of a field."""
        return np.array(self.fields[name], object)

    def check_exact(self, names: Iterable[str], expected: Expected) -> None:
        """Raise where an integer is too large for float64: ids, most likely, taken for a class."""
        for name in names:
            cells = self.fields[name]
            while any(isinstance(x, list) for x in cells):
                cells = list(chain.from_iterable(x if isinstance(x, list) else [x] for x in cells))
            whole = [abs(x) for x in cells if type(x) is int]
            if whole:
                check_exact_integers(np.array([min(max(whole), 2**63 - 1)]), self.path, expected)


def read_first_objects(text: JsonText) -> FirstObjects:
    """Read as many lines as it takes to tell what they hold.

    Raises
    ------
    InputError
        They are no JSON lines, hold neither lists nor objects, or there is none.
    """
    with reading(text.path, ADVICE, LogitsError), open_stream(text.path, text.codec) as file:
        for begin in growing(file):
            if begin.whole or begin.read[: begin.end].strip():
                return _first_objects(text, begin)
    raise too_long(text.path)


def _first_objects(text: JsonText, begin: Begin) -> FirstObjects:
    read = begin.read[: begin.end]
    if b"\0" in read:
        raise LogitsError(
            f"{text.path}: expected text, found binary data that begins with {read[:6]!r}", ADVICE
        )
    lines = read.decode("utf-8-sig", errors="surrogateescape").split("\n")
    try:
        values = list(text.values(lines))
    except FaultError as error:
        raise LogitsError(f"{text.path}: {error}", ADVICE) from error
    if not values:
        raise no_rows(text.path)
    kind = type(values[0][1])
    for number, value in values:
        fault = _fault(kind, value)
        if fault is not None:
            raise LogitsError(f"{text.path}: line {number}: {fault}", ADVICE)
    if kind is list:
        fields = {LIST: [value for _, value in values]}
    else:
        names = dict.fromkeys(chain.from_iterable(value for _, value in values))
        fields = {name: [value.get(name) for _, value in values] for name in names}
    longest = max(map(len, lines)) + 1
    return FirstObjects(
        path=text.path,
        fields=fields,
        are_lists=kind is list,
        rows=len(values),
        size=begin.end,
        longest=longest,
        whole=begin.whole,
    )


def _fault(kind: type, value: Any) -> str | None:
    """Return what is wrong with a value in a file whose first value is of that kind."""
    if kind is list:
        is_text = isinstance(value, list) and all(isinstance(row, list) for row in value)
        return None if is_text else list_fault(value)
    if kind is dict:
        return None if isinstance(value, dict) else f"expected an object, found {named(value)}"
    return f"expected a list or an object, found {named(value)}"


def _kind(cells: list[Any]) -> pa.DataType:
    """Return the type of a field; one of mostly numbers is one of numbers, as in CSV."""
    types = set(map(type, cells)) - {type(None)}
    if not types:
        return pa.null()
    if types <= NUMBERS:
        return _integers(cells) if types == {int} else pa.float64()
    if types == {list}:
        return pa.list_(_entries(list(chain.from_iterable(filter(None, cells)))))
    if types & {list, dict}:
        return pa.struct([])
    numbers = sum(type(cell) in (int, float) for cell in cells)
    if 2 * numbers >= len(cells):
        return pa.float64()
    return pa.bool_() if types == {bool} else pa.string()


def _entries(cells: list[Any], deep: int = 1) -> pa.DataType:
    """Return the type of the entries of lists, which are numbers or lists again."""
    types = set(map(type, cells))
    if types <= NUMBERS:
        return pa.int64() if types == {int} else pa.float64()
    if types == {list} and deep < _MOST_LISTS:
        return pa.list_(_entries(list(chain.from_iterable(cells)), deep + 1))
    return pa.string()


def _integers(cells: list[Any]) -> pa.DataType:
    """Return the type of integers, which as ids have to be exact."""
    return pa.uint64() if max(filter(None, cells), default=0) >= 2**63 else pa.int64()
