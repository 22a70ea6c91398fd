"""The probability of the classes of which a format has only a bound."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.distributions.exact import widen
from kldiv_cli.measures.distributions.kinds import Kind, to_logits
from kldiv_cli.measures.types import Float64


def hidden(
    values: tuple[NDArray[Any], NDArray[Any]],
    floors: tuple[Float64 | None, Float64 | None],
    kinds: tuple[Kind, Kind],
    temperature: float,
) -> Float64:
    """Return the sum of max(p, q) over the classes that either side censors.

    Parameters
    ----------
    values : pair of array, shape (rows, classes)
        The numbers of both sides.
    floors : pair of float64, shape (rows,), or None
        The value at which the censored classes of a row stand; None for a side that holds every
        class.
    kinds : pair of {"logits", "probs", "log-probs"}
        What the numbers are.
    temperature : float
        Logits are divided by it first.

    Returns
    -------
    float64, shape (rows,)
        Censored classes count with their bounds. NaN where a row is no distribution.
    """
    censored = np.zeros(values[0].shape, dtype=bool)
    for side, floor in zip(values, floors, strict=True):
        if floor is not None:
            censored |= side <= floor[:, None]
    p, q = (_softmax(x, kind, temperature) for x, kind in zip(values, kinds, strict=True))
    np.maximum(p, q, out=p)
    p *= censored
    found: Float64 = p.sum(axis=1)
    return found


def _softmax(values: NDArray[Any], kind: Kind, temperature: float) -> Float64:
    logits = widen(to_logits(values, kind, "softmax"))
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        x: Float64 = logits - logits.max(axis=1, keepdims=True)
        if temperature != 1:
            x /= temperature
        np.exp(x, out=x)
        x /= x.sum(axis=1, keepdims=True)
    return x
