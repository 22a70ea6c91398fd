"""One record per row: what the per-row reports write."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.results.comparison import Comparison
from kldiv_cli.results.members import MemberNames

_OF_TOKENS = {"log_p", "log_q", "censored_p", "censored_q"}


def columns(comparison: Comparison) -> dict[str, NDArray[Any] | MemberNames]:
    """Return the record's fields by name, one entry per row.

    ``row`` is the flat index in the file. ``file`` and ``row_in_file``, ``id``, ``axis0``,
    ``axis1``, ... and ``group`` follow where there are several files, ids, several axes of rows,
    and groups; a row without a group has None. Arrays of one file are ``array``,
    ``row_in_array``. Then come
    the measures: NaN in invalid rows, and anything in those of ``Comparison.blank_rows``. The last
    are ``label``, ``log_p`` and ``log_q`` where tokens were scored, and ``censored_p`` and
    ``censored_q`` where a file censors some.
    """
    row = comparison.row_numbers
    if row is None:
        row = np.arange(len(comparison.skipped_rows))
    found: dict[str, NDArray[Any] | MemberNames] = {"row": row}
    if comparison.members is not None:
        what = comparison.members.what
        found[what] = MemberNames(comparison.members, row)
        found[f"row_in_{what}"] = comparison.members.inside(row)
    if comparison.ids is not None:
        found["id"] = comparison.ids
    if len(comparison.numbered_shape) > 1:
        axes = np.unravel_index(row, comparison.numbered_shape)
        found |= {f"axis{i}": index for i, index in enumerate(axes)}
    if comparison.groups is not None:
        found["group"] = comparison.groups.of_rows
    return found | dict(comparison.values) | dict(comparison.tokens)


def may_be_blank(name: str, comparison: Comparison) -> bool:
    """Tell whether a field of that name holds nothing where a row was skipped."""
    return name in comparison.values or name in _OF_TOKENS
