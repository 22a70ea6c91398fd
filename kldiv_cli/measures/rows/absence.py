"""Cells that a mask leaves out, written as what no measure sees: absent on both sides."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.distributions.kinds import Kind
from kldiv_cli.measures.types import Status

_BFLOAT16_MINUS_INF = 0xFF80


def without(values: NDArray[Any], kept: NDArray[np.bool_], kind: Kind = "logits") -> NDArray[Any]:
    """Return a block in which the cells that are not kept have probability 0.

    Parameters
    ----------
    values : array, shape (rows, classes)
        One side; any real dtype, which stays, but that integers become float64. Not changed.
    kept : bool array, shape (rows, classes) or (rows, 1)
        Which cells stay as they are.
    kind : {"logits", "probs", "log-probs"}
        What the numbers are: cells that are left out become -inf, or 0 where they are
        probabilities. The measures leave a cell out that is so on both sides.
    """
    if kept.all():
        return values
    if values.dtype.names is not None:
        found = np.empty_like(values)
        nothing = 0 if kind == "probs" else _BFLOAT16_MINUS_INF
        found["bfloat16"] = np.where(kept, values["bfloat16"], np.uint16(nothing))
        return found
    floats = values if values.dtype.kind == "f" else values.astype(np.float64)
    return np.where(kept, floats, floats.dtype.type(0 if kind == "probs" else -np.inf))


def with_masked(status: NDArray[Any], kept: NDArray[np.bool_] | None) -> NDArray[Any]:
    """Return the status of rows, `Status.MASKED` where no cell is kept; None is no mask."""
    return status if kept is None else np.where(kept.any(axis=1), status, np.uint8(Status.MASKED))
