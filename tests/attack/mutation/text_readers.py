"""What the other readers share, and those of text."""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from kldiv_cli.sources.base import Source

Array = npt.NDArray[Any]


class UnknownError(Exception):
    """What this reader does not do."""


def as_rows(array: Array, source: Source) -> Array:
    """Return an array as rows, its classes last."""
    axes = source.class_axes or ()
    values = np.asarray(array).astype(np.float64)
    if len(axes) == 1 and values.ndim == len(source.shape):
        values = np.moveaxis(values, axes[0], -1)
        return values.reshape(-1, values.shape[-1])
    width = int(np.prod(source.class_shape))
    return values.reshape(-1, width) if width else values


def of_lists(cells: Sequence[Any]) -> Array:
    """Return lists of numbers, or of lists of numbers, as rows."""
    rows = [floats(row) for cell in cells for row in _rows(cell)]
    return np.array(rows, np.float64).reshape(len(rows), -1) if rows else np.empty((0, 0))


def _rows(cell: Any) -> Iterator[Any]:
    """Yield the innermost lists."""
    if cell and isinstance(cell, list) and isinstance(cell[0], list | dict):
        for part in cell:
            yield from _rows(part)
    else:
        yield cell


def floats(cells: Sequence[Any]) -> list[float]:
    return [np.nan if cell is None else float(cell) for cell in cells]


def of_json(content: bytes, source: Source) -> Iterator[Array]:
    value = json.loads(content)
    if isinstance(value, dict) and "polygraphy_class" in value:
        raise UnknownError
    while isinstance(value, dict):
        lists = [item for item in value.values() if isinstance(item, list)]
        if len(lists) != 1:
            raise UnknownError
        (value,) = lists
    if value and isinstance(value[0], dict):
        yield _objects(value, source)
    else:
        yield as_rows(np.array(_deep(value), np.float64), source)


def _deep(value: Any) -> Any:
    if isinstance(value, list):
        return [_deep(item) for item in value]
    return np.nan if value is None else value


def of_json_lines(content: bytes, source: Source) -> Iterator[Array]:
    values = [json.loads(line) for line in content.split(b"\n") if line.strip()]
    if values and isinstance(values[0], dict):
        yield _objects(values, source)
    else:
        yield of_lists(values)


def _objects(values: Sequence[dict[str, Any]], source: Source) -> Array:
    assert source.columns is not None
    if source.columns.row is not None:
        return of_lists([value[source.columns.row] for value in values])
    names = source.columns.classes
    return np.array([floats([value.get(name) for name in names]) for value in values], np.float64)


def of_delimited(content: bytes, source: Source) -> Iterator[Array]:
    """Read the cells that Python takes for numbers; the others are not known and stay NaN."""
    assert source.columns is not None
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = content.decode("utf-16" if wide else "utf-8-sig")
    names = source.columns.classes
    for delimiter in ",\t; |":
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
        if lines and set(names) <= set(lines[0]):
            rows = [line for line in lines[1:] if any(cell.strip() for cell in line)]
            # R's write.table leaves the name of the first column out; others end lines with commas.
            more = bool(rows) and {len(line) for line in rows} == {len(lines[0]) + 1}
            more = more and any(line[-1] for line in rows)
            places = [lines[0].index(name) + more for name in names]
            yield np.array([[_cell(line, place) for place in places] for line in rows])
            return
    raise UnknownError


def _cell(line: Sequence[str], place: int) -> float:
    try:
        return float(line[place].replace("_", "x"))
    except (ValueError, IndexError):
        return float("nan")
