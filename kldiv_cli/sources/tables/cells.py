"""Record batches -> arrays: classes as rows, ids as they are compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kldiv_cli.errors import InputError, LogitsError, shortage
from kldiv_cli.sources.base import check_exact_integers
from kldiv_cli.sources.base.columns import Columns
from kldiv_cli.sources.tables.kinds import dtype_of
from kldiv_cli.sources.tables.rows import EXACT
from kldiv_cli.sources.tables.words import Words

Batches = Callable[[list[str], int], Iterator[pa.RecordBatch]]
"""(Column names, rows at a time) -> record batches that hold these columns in this order."""

_FIRST_CELLS = 1 << 17
"""How much of a list column is looked at before the width of all its rows is believed."""


@contextmanager
def reading(path: str, advice: str, kind: type[InputError] = InputError) -> Iterator[None]:
    """Turn what PyArrow says of a damaged file into an error of this kind."""
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError, MemoryError) as error:
        short = shortage(error, path)
        if short is not None:
            raise short from error
        said = str(error).strip() or type(error).__name__
        raise kind(f"{path}: {said.splitlines()[0]}", advice) from error


def rows_of_lists(path: str, column: pa.Array, width: int) -> NDArray[Any]:
    """Return lists of that length as rows: a view of the column unless it holds nulls."""
    found = list_width(path, column)
    if found != width:
        raise LogitsError(
            f"{path}: expected lists of {width} entries as in the first row, found {found}",
            "Every row needs one logit per class.",
        )
    flat = flattened(column)
    if flat.type in (pa.int64(), pa.uint64()):
        whole = flat.drop_null() if flat.null_count else flat
        check_exact_integers(whole.to_numpy(zero_copy_only=False), path)
    return np.asarray(flat.to_numpy(zero_copy_only=False)).reshape(len(column), width)


def flattened(column: pa.Array) -> pa.Array:
    """Return the entries of lists, none of which is missing, as a view.

    PyArrow's own `flatten` loads its functions, which takes longer than a small file to compare.
    """
    if pa.types.is_fixed_size_list(column.type):
        size = column.type.list_size
        return column.values.slice(column.offset * size, len(column) * size)
    if not len(column):
        return column.values.slice(0, 0)
    first, last = column.offsets[0].as_py(), column.offsets[-1].as_py()
    return column.values.slice(first, last - first)


def list_width(path: str, column: pa.Array) -> int:
    """Return the length that every list of a column has."""
    if column.null_count:
        raise InputError(
            f"{path}: expected a list in every row, found none in {column.null_count}",
            "Drop these rows on both sides, or fill them.",
        )
    if pa.types.is_fixed_size_list(column.type):
        return int(column.type.list_size)
    if not len(column):
        return 0
    lengths = np.diff(column.offsets.to_numpy())
    shortest, longest = lengths.min(), lengths.max()
    if shortest != longest:
        raise LogitsError(
            f"{path}: expected lists of one length, found {shortest} to {longest}",
            "Every row needs one logit per class.",
        )
    return int(longest)


def ids_of(path: str, columns: Sequence[pa.Array], words: Words) -> NDArray[Any]:
    """Return row ids: integers as they are, anything else as text.

    Those of several columns are joined by commas; one that holds a comma or a quote is quoted, as
    in CSV.
    """
    if len(columns) == 1:
        return _ids_of(path, columns[0], words)
    parts = [map(_quoted, map(str, _ids_of(path, column, words).tolist())) for column in columns]
    return words.held(map(",".join, zip(*parts, strict=True)))


def _quoted(cell: str) -> str:
    return '"{}"'.format(cell.replace('"', '""')) if "," in cell or '"' in cell else cell


def _ids_of(path: str, column: pa.Array, words: Words) -> NDArray[Any]:
    if pa.types.is_floating(column.type):
        _check_exact_ids(path, column)
    _check_all_named(path, column.null_count)
    if pa.types.is_integer(column.type):
        numbers: NDArray[Any] = column.to_numpy(zero_copy_only=False)
        return numbers
    with reading(path, "Row ids are text or integers: name another column with --id."):
        ids = words.of(column)
    if pa.types.is_dictionary(column.type):  # which may hold an empty word
        _check_all_named(path, sum(cell is None for cell in ids.tolist()))
    return ids


def _check_all_named(path: str, missing: int) -> None:
    if missing:
        empty = "1 empty one" if missing == 1 else f"{missing} empty ones"
        raise LogitsError(
            f"{path}: expected an id in every row, found {empty}",
            "Fill them, name another column with --id, or leave this one out with --drop.",
        )


def _check_exact_ids(path: str, column: pa.Array) -> None:
    """Raise for float ids that are no numbers, or so large that they may have been rounded."""
    values = column.drop_null().to_numpy(zero_copy_only=False).astype(np.float64)
    wrong = ~(np.abs(values) < EXACT)
    if wrong.any():
        raise LogitsError(
            f"{path}: expected row ids that are text or integers, found {values[wrong][0]} of "
            f"type {column.type}",
            "Write them as text or integers, or name another column with --id.",
        )


def text_of(path: str, column: pa.Array, words: Words) -> NDArray[Any]:
    """Return cells as text, None where one is empty."""
    with reading(path, "A column of groups holds text, integers or another type with a text form."):
        text = words.of(column)
    text[text == ""] = None
    return text


def wide_integers(schema: pa.Schema, names: Sequence[str]) -> tuple[str, ...]:
    """Return the columns among these whose integers float64 may not hold."""
    wide = {pa.int64().id, pa.uint64().id}
    wanted = set(names)
    return tuple(
        name
        for name, kind in zip(schema.names, schema.types, strict=True)
        if kind.id in wide and name in wanted
    )


def with_numbers(schema: pa.Schema) -> pa.Schema:
    """Return a schema with numbers in place of booleans, alone or in lists."""
    return pa.schema([column.with_type(_number_for(column.type)) for column in schema])


def booleans_as_numbers(schema: pa.Schema, batches: Batches) -> tuple[pa.Schema, Batches]:
    """Return a table in which columns of true and false hold 1 and 0."""
    numbers = with_numbers(schema)

    def cast(names: list[str], rows: int) -> Iterator[pa.RecordBatch]:
        kinds = [schema.field(name).type for name in names]
        wanted = [_number_for(kind) for kind in kinds]
        for batch in batches(names, rows):
            cells = [
                column if kind == number else column.cast(number)
                for column, kind, number in zip(batch.columns, kinds, wanted, strict=True)
            ]
            yield pa.RecordBatch.from_arrays(cells, names=names)

    return numbers, cast


def _number_for(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_boolean(kind):
        return pa.uint8()
    if not pa.types.is_nested(kind) or kind.num_fields != 1:
        return kind
    value = kind.field(0)
    if not pa.types.is_boolean(value.type):
        return kind
    value = value.with_type(pa.uint8())
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(value, kind.list_size)
    if pa.types.is_large_list(kind):
        return pa.large_list(value)
    return pa.list_(value) if pa.types.is_list(kind) else kind


def shape_of_classes(
    path: str, schema: pa.Schema, columns: Columns, batches: Batches
) -> tuple[int, str]:
    """Return how many classes there are, and the type that holds the values of all of them."""
    if columns.row is None:
        classes = set(columns.classes)
        pairs = zip(schema.names, schema.types, strict=True)
        return len(classes), _common_dtype([kind for name, kind in pairs if name in classes])
    kind = schema.field(columns.row).type
    if pa.types.is_fixed_size_list(kind):
        return kind.list_size, _common_dtype([kind.value_type])
    width = 0
    for _ in range(2):  # at first as many rows as are sure to be small
        batch = next(batches([columns.row], max(1, _FIRST_CELLS // width) if width else 1), None)
        width = 0 if batch is None else list_width(path, batch.column(columns.row))
    return width, _common_dtype([kind.value_type])


def _common_dtype(types: Sequence[pa.DataType]) -> str:
    known = {kind.id: kind for kind in types if not pa.types.is_null(kind)}
    return str(np.result_type(*map(dtype_of, known.values()))) if known else "float64"


def no_rows(path: str) -> InputError:
    """Return the error of a table that has a header and no rows."""
    return LogitsError(
        f"{path}: expected rows, found none",
        "Check what wrote the file: there is nothing in it to compare.",
    )
