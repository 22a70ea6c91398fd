"""Apache Parquet, one record per row; the value of a skipped or masked row is null."""

from __future__ import annotations

from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from kldiv_cli.reports.words.records import columns, may_be_blank
from kldiv_cli.results.comparison import Comparison
from kldiv_cli.results.members import MemberNames


def write(comparison: Comparison, stream: IO[bytes]) -> None:
    """Write int64 ``row`` and axes, the ids as they are, float64 measures."""
    blank = comparison.blank_rows
    arrays = {
        name: _names(field)
        if isinstance(field, MemberNames)
        else _array(field, blank if may_be_blank(name, comparison) else None)
        for name, field in columns(comparison).items()
    }
    pq.write_table(pa.table(arrays), stream)


def _names(field: MemberNames) -> pa.Array:
    """Return names as text that is stored once."""
    numbers = field.members.numbers(field.rows)
    names = np.array(field.members.names, object)
    return pa.DictionaryArray.from_arrays(pa.array(numbers), _array(names))


def _array(field: NDArray[Any], mask: NDArray[np.bool_] | None = None) -> pa.Array:
    """Return a field; what is no Unicode is escaped, as in text."""
    try:
        return pa.array(field, mask=mask)
    except UnicodeEncodeError:
        return pa.array([_unicode(value) for value in field.tolist()], mask=mask)


def _unicode(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return value.encode("utf-8", "backslashreplace").decode()
