"""Apache Parquet, one record per row; the value of a skipped or masked row is null."""

from __future__ import annotations

from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from kldiv_cli.reports.words.records import columns, may_be_blank
from kldiv_cli.results.comparison import Comparison
from kldiv_cli.results.members import MemberNames


def write(comparison: Comparison, stream: IO[bytes]) -> None:
    """Write int64 ``row`` and axes, the ids as they are, float64 measures."""
    blank = comparison.blank_rows
    arrays = {
        name: _names(field)
        if isinstance(field, MemberNames)
        else pa.array(field, mask=blank if may_be_blank(name, comparison) else None)
        for name, field in columns(comparison).items()
    }
    pq.write_table(pa.table(arrays), stream)


def _names(field: MemberNames) -> pa.Array:
    """Return names as text that is stored once."""
    numbers = field.members.numbers(field.rows)
    return pa.DictionaryArray.from_arrays(pa.array(numbers), pa.array(field.members.names))
