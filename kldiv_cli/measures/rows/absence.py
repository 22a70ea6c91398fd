"""Masked cells, written as cells of probability 0 on both sides: the measures pass over these."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.distributions.kinds import Kind, absent_as
from kldiv_cli.measures.types import Status

_BFLOAT16_MINUS_INF = 0xFF80


def without(values: NDArray[Any], kept: NDArray[np.bool_], kind: Kind = "logits") -> NDArray[Any]:
    """Return a block in which the cells that are not kept have probability 0.

    Parameters
    ----------
    values : array, shape (rows, classes)
        One side, of any real dtype.
    kept : bool array, shape (rows, classes) or (rows, 1)
        Which cells keep their value.
    kind : {"logits", "probs", "log-probs"}
        What the numbers are. The other cells become 0 in probabilities, and -inf in logits and
        log-probabilities.

    Returns
    -------
    array, shape (rows, classes)
        ``values`` itself where every cell is kept; else a new array. Its dtype is that of
        ``values``, or float64 for integers.
    """
    if kept.all():
        return values
    if values.dtype.names is not None:
        found = np.empty_like(values)
        nothing = 0 if kind == "probs" else _BFLOAT16_MINUS_INF
        found["bfloat16"] = np.where(kept, values["bfloat16"], np.uint16(nothing))
        return found
    floats = values if values.dtype.kind == "f" else values.astype(np.float64)
    return np.where(kept, floats, floats.dtype.type(absent_as(kind)))


def with_masked(status: NDArray[Any], kept: NDArray[np.bool_] | None) -> NDArray[Any]:
    """Return the status of rows under a mask, if any: `Status.MASKED` where it keeps no cell."""
    return status if kept is None else np.where(kept.any(axis=1), status, np.uint8(Status.MASKED))
