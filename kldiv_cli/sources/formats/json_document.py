"""JSON documents: a list of lists, a list of records, an object with lists of lists, Polygraphy."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kldiv_cli.errors import LogitsError
from kldiv_cli.sources.arrays.array import ArraySource
from kldiv_cli.sources.arrays.contents import Kind
from kldiv_cli.sources.arrays.keys import beside, choose, narrower
from kldiv_cli.sources.base import Layout, Source, sum_tolerance
from kldiv_cli.sources.formats.jsonl import ObjectTable, open_jsonl
from kldiv_cli.sources.formats.polygraphy import arrays_of, is_polygraphy
from kldiv_cli.sources.stores.streams import codec_of, open_stream
from kldiv_cli.sources.tables.cells import reading
from kldiv_cli.sources.tables.table import TableSource, check_layout
from kldiv_cli.sources.text.first_objects import FirstObjects
from kldiv_cli.sources.text.json_text import (
    NUMBERS,
    FaultError,
    JsonText,
    first_value,
    is_held,
    named,
    not_held,
)
from kldiv_cli.sources.text.lines import LONGEST_LINE
from kldiv_cli.sources.views.joined import open_joined

_ADVICE = "Expected a list of lists of numbers, or a list of objects with a number per class."
_MOST_AXES = 64


class JsonArray(ArraySource):
    """Numbers that were written in digits."""

    @property
    def sum_tolerance(self) -> float:
        """How far from 1 the probabilities of a row may sum."""
        return sum_tolerance(self.dtype, text=True)


def open_json(path: str, layout: Layout) -> Source:
    """Open a JSON document; a file of JSON lines is opened as such.

    A list of lists is an array of any number of axes, whose leading axes may be ragged. A list of
    objects is a table. Of an object with several lists of lists, and of several outputs that
    Polygraphy saved, the layout's key names one; its iterations are further rows.

    Raises
    ------
    InputError
        It is none of these, has more than `LONGEST_LINE` bytes, or holds other than numbers.
    """
    with reading(path, _ADVICE, LogitsError), open_stream(path, codec_of(path)) as file:
        read = file.read(LONGEST_LINE + 1)
    try:
        document, is_whole = first_value(read[:LONGEST_LINE])
    except FaultError as error:
        if len(read) <= LONGEST_LINE:
            raise LogitsError(f"{path}: {error}", _ADVICE) from error
        raise LogitsError(
            f"{path}: expected a JSON document of at most {LONGEST_LINE} bytes, found a longer one",
            "Write a row on every line (.jsonl), or save the array as .npy.",
        ) from error
    if is_whole and len(read) <= LONGEST_LINE:
        match document:
            case [list(), *_]:
                return _array(path, layout, document, "")
            case [dict(), *_]:
                return _table(path, layout, document)
            case dict() if is_polygraphy(document):
                return _outputs(path, layout, document)
            case dict() if lists := {k: x for k, x in document.items() if _is_nested(x)}:
                return _lists(path, layout, lists)
    return open_jsonl(path, layout)


def _is_nested(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], list)


def _lists(path: str, layout: Layout, lists: dict[str, Any]) -> Source:
    def describe(name: str) -> Kind:
        return Kind("numbers", _shape(lists[name]))

    names = choose(path, layout, lists, describe)
    layout = beside(layout, names, lists, describe)
    return open_joined(
        path, names, lambda name: _array(path, layout, lists[name], name), narrower(layout)
    )


def _outputs(path: str, layout: Layout, document: dict[str, Any]) -> Source:
    outputs = arrays_of(path, document, layout)
    names = choose(
        path,
        layout,
        outputs,
        lambda name: Kind(outputs[name][0].dtype.name, outputs[name][0].shape, len(outputs[name])),
    )
    found = {
        f"{name}[{place}]": array for name in names for place, array in enumerate(outputs[name])
    }
    return open_joined(
        path,
        list(found),
        lambda name: ArraySource(found[name], layout, path, "json", has_keys=True),
        narrower(layout),
    )


def _shape(value: Any) -> tuple[int, ...]:
    """Return the lengths of the first lists."""
    shape: list[int] = []
    while isinstance(value, list) and len(shape) < _MOST_AXES:
        shape.append(len(value))
        value = value[0] if value else None
    return tuple(shape)


def _array(path: str, layout: Layout, value: list[Any], name: str) -> ArraySource:
    """Return lists in lists as an array; ragged leading axes become one."""
    where = f"{path}: {name!r}" if name else path
    shape, level = _shape(value), [value]
    is_ragged = False
    for depth, length in enumerate(shape):
        wrong = next((x for x in level if not isinstance(x, list)), level)
        if wrong is not level:
            raise LogitsError(f"{where}: expected lists of numbers, found {named(wrong)}", _ADVICE)
        uneven = next((x for x in level if len(x) != length), None)
        if uneven is not None and depth == len(shape) - 1:
            raise LogitsError(
                f"{where}: expected rows of {length} numbers as the first, found one of "
                f"{len(uneven)}",
                "Give every row a number per class.",
            )
        is_ragged = is_ragged or uneven is not None
        level = list(chain.from_iterable(level))
    numbers = _numbers(where, layout, level)
    rows = numbers.reshape(-1, shape[-1]) if is_ragged and shape[-1] else numbers
    whole = rows if is_ragged else numbers.reshape(shape)
    return JsonArray(whole, layout, path, "json", has_keys=bool(name))


def _numbers(where: str, layout: Layout, cells: list[Any]) -> NDArray[Any]:
    kinds = set(map(type, cells))
    if layout.booleans and kinds == {bool}:
        return np.array(cells, bool)
    if not kinds <= NUMBERS:
        stray = next(x for x in cells if type(x) not in NUMBERS)
        raise LogitsError(f"{where}: expected numbers, found {named(stray)}", _ADVICE)
    lost = next((x for x in cells if not is_held(x)), None)
    if lost is not None:
        raise LogitsError(f"{where}: {not_held(lost)}", "Is this a list of ids?")
    return np.array(cells, np.int64 if kinds == {int} else np.float64)


def _table(path: str, layout: Layout, records: list[Any]) -> TableSource:
    """Return a list of records as a table."""
    check_layout(path, layout)
    stray = next((x for x in records if not isinstance(x, dict)), None)
    if stray is not None or not all(records):
        raise LogitsError(
            f"{path}: expected objects with a number per class, found "
            + ("an empty one" if stray is None else named(stray)),
            _ADVICE,
        )
    names = dict.fromkeys(chain.from_iterable(records))
    fields = {name: [record.get(name) for record in records] for name in names}
    count = len(records)
    first = FirstObjects(path, fields, are_lists=False, rows=count, size=0, longest=0, whole=True)
    rows = ObjectTable.of(JsonText(path, None), first, layout)
    for place, record in enumerate(records):
        fault = rows.fault(record)
        if fault is not None:
            raise LogitsError(f"{path}: record {place}: {fault}", _ADVICE)
    with reading(path, _ADVICE, LogitsError):
        table = pa.Table.from_pylist(records, schema=rows.types)
    return TableSource(
        path=path,
        format="json",
        dtype="float64",
        columns=rows.columns,
        width=rows.width,
        rows=None if rows.texts else count,
        rows_expected=None if rows.texts else count,
        batches=lambda names, size: iter(table.select(names).to_batches(max_chunksize=size)),
        line=lambda _: None,
        is_text=True,
        texts=rows.texts,
    )
