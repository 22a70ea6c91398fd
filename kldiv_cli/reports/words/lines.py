"""Records as lines of text: what the per-row reports that are text have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.reports.words.records import columns, may_be_blank
from kldiv_cli.results import _native
from kldiv_cli.results.comparison import Comparison

CHUNK = 1 << 14

_Column = NDArray[np.float64] | NDArray[np.int64] | list[str]


class Words(NamedTuple):
    """What a format calls a value of a blank row, and the values that are no finite number."""

    blank: str
    nan: str
    inf: str
    minus_inf: str


class Form(NamedTuple):
    """How a format writes records.

    Parameters
    ----------
    pieces : tuple of str
        What stands before the first cell of a line, between the cells and behind the last one.
    cells : callable
        Some values that are no floats -> the texts of their cells. None is that of a blank row.
    words : Words
        What stands in the cells of floats that are no numbers. The others hold the shortest
        decimals that read back, as `repr` has them; integers are written as they are.
    """

    pieces: tuple[str, ...]
    cells: Callable[[list[Any]], list[str]]
    words: Words


def lines(comparison: Comparison, form: Form) -> Iterator[str]:
    """Yield the lines of all rows, many at a time."""
    fields, blank = columns(comparison), comparison.blank_rows
    blanks = {name for name in fields if may_be_blank(name, comparison)}
    for start in range(0, len(blank), CHUNK):
        part = slice(start, start + CHUNK)
        found = [
            _column(field[part], blank[part] if name in blanks else None, form)
            for name, field in fields.items()
        ]
        yield _joined(form, found, blank[part])


def _column(values: NDArray[Any], blank: NDArray[np.bool_] | None, form: Form) -> _Column:
    """Return the values of a field as numbers, or as the texts of their cells."""
    if values.dtype == np.float64 and blank is not None:
        return np.ascontiguousarray(values)
    if np.can_cast(values.dtype, np.int64) and values.dtype != np.bool_:
        return np.ascontiguousarray(values, np.int64)
    if blank is not None:
        values = values.astype(object)
        values[blank] = None
    return form.cells(values.tolist())


def _joined(form: Form, found: Sequence[_Column], blank: NDArray[np.bool_]) -> str:
    native = _native.load()
    if native is not None:
        pieces = tuple(map(str.encode, form.pieces))
        words = tuple(map(str.encode, form.words))
        with suppress(UnicodeEncodeError):  # of names of files, whose bytes may be any
            return native.lines(pieces, tuple(found), blank, words, _native.powers())
    cells = [_texts(column, blank, form.words) for column in found]
    template = "{}".join(piece.replace("{", "{{").replace("}", "}}") for piece in form.pieces)
    return "".join(map(template.format, *cells))


def _texts(column: _Column, blank: NDArray[np.bool_], words: Words) -> list[str]:
    if isinstance(column, list):
        return column
    found = list(map(repr, column.tolist()))
    if column.dtype == np.float64:
        for word, rows in (
            (words.nan, np.isnan(column)),
            (words.inf, np.isposinf(column)),
            (words.minus_inf, np.isneginf(column)),
            (words.blank, blank),
        ):
            for row in np.flatnonzero(rows).tolist():
                found[row] = word
    return found
