"""The top class of every row of one side, and its probability."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.distributions import exact
from kldiv_cli.measures.distributions.kinds import Kind, to_logits
from kldiv_cli.measures.types import Float64, Mode


def top_class(values: NDArray[Any], kind: Kind, mode: Mode) -> NDArray[np.intp]:
    """Return the class with the largest entry per row, -1 where the row holds no distribution.

    Parameters
    ----------
    values : array, shape (rows, classes), of any real dtype
    kind : {"logits", "probs", "log-probs"}
    mode : {"softmax", "sigmoid"}

    Returns
    -------
    integer array, shape (rows,)
        The first of several that are equal. -1 for a row with NaN, or of nothing but -inf
        (probability 0); under softmax also with +inf.
    """
    logits = to_logits(exact.widen(values), kind, mode)
    top = logits.argmax(axis=1)
    largest = np.take_along_axis(logits, top[:, None], axis=1)[:, 0]
    none = np.isnan(largest) | np.isneginf(largest)
    if mode == "softmax":
        none |= np.isposinf(largest)
    return np.where(none, -1, top)


def top_probability(values: NDArray[Any], kind: Kind, temperature: float = 1.0) -> Float64:
    """Return max_i p_i per row, p = softmax(values / T), in float64.

    Probabilities are divided by their sum, and at another temperature than 1 raised to 1/T first.
    Equal classes have a probability that is exactly 1/n where float64 holds it.

    Parameters
    ----------
    values : array, shape (rows, classes), of any real dtype
    kind : {"logits", "probs", "log-probs"}
    temperature : float, above 0

    Returns
    -------
    float64, shape (rows,)
        Above 0 and at most 1. NaN for a row with NaN or +inf, or of nothing but -inf (probability
        0), or with a probability below 0.
    """
    x = exact.widen(values)
    largest = x.max(axis=1, keepdims=True)
    valid = np.isfinite(largest)
    with np.errstate(all="ignore"):
        if kind == "probs":
            valid &= (largest > 0) & (x.min(axis=1, keepdims=True) >= 0)
            # At T = 1 a row that sums to 1 keeps the number that the file holds.
            weights = x if temperature == 1 else (x / largest) ** (1 / temperature)
            top = largest if temperature == 1 else 1.0
        else:
            weights, top = np.exp((x - largest) / temperature), 1.0
        found = top / weights.sum(axis=1, keepdims=True)
    return np.where(valid, found, np.nan)[:, 0]
