"""The most divergent of some rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.results import _native
from kldiv_cli.results.exact_sum import Float64

_FEW = 256
"""Up to so many are found sooner one by one."""


def most_divergent(values: Float64, counted: NDArray[np.bool_], keep: int) -> NDArray[np.intp]:
    """Return the rows that the rank of `TopRow` puts first, in any order."""
    native = None if keep > _FEW else _native.load()
    if native is not None:
        return np.array(native.top(np.ascontiguousarray(values), counted, keep), np.intp)
    undefined = np.isnan(values)
    rows = np.flatnonzero(counted & ~undefined)
    found = [np.flatnonzero(counted & undefined), rows, np.flatnonzero(~counted)]
    room = max(0, keep - len(found[0]))
    if room < len(rows):
        falling = -values[rows]
        last = np.partition(falling, room)[room]
        ties = rows[falling == last]
        above = rows[falling < last]
        found[1] = np.concatenate([above, ties[: room - len(above)]])
    return np.concatenate(found)[:keep]
