"""A cell under sigmoid is a distribution over two classes under softmax.

References
----------
.. [1] Su Jianlin, What should KL divergence look like under GlobalPointer?, 2022,
   spaces.ac.cn/archives/9039.
"""

from __future__ import annotations

import numpy as np

from kldiv_cli.measures.identities.base import Routes
from kldiv_cli.measures.identities.rows import Rows
from kldiv_cli.measures.types import Float64


def two_classes(rows: Rows) -> tuple[Routes, ...]:
    """Check softmax of [s, 0] and [t, 0], measured and by definition, and the cells as measured.

    A cell of +inf, which has no softmax, is left out.
    """
    finite = ~(np.isposinf(rows.s) | np.isposinf(rows.t))
    s, t = (np.where(finite, x, 0.0) for x in (rows.s, rows.t))
    cells = (rows if finite.all() else rows.holding(s, t)).under(mode="sigmoid")
    pairs = rows.holding(_beside_0(s), _beside_0(t)).under(mode="softmax")
    return tuple(
        Routes((truth, _outcomes(pairs.by_numpy(side), s.shape), cells.by_numpy(side)))
        for side, truth in (("p", cells.both.p), ("q", cells.both.q))
    )


def _beside_0(cells: Float64) -> Float64:
    """Return a row of two logits per cell."""
    return np.stack([cells.reshape(-1), np.zeros(cells.size)], axis=1)


def _outcomes(values: Float64, shape: tuple[int, ...]) -> Float64:
    """Return what there is for both outcomes of every cell, shape (rows, 2, cells)."""
    return np.moveaxis(values.reshape(*shape, 2), 2, 1)
