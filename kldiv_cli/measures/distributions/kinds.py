"""What the numbers of a file are: logits, probabilities or their logarithms."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.distributions import exact
from kldiv_cli.measures.types import Float64, Mode

Kind = Literal["logits", "probs", "log-probs"]
KINDS: tuple[Kind, ...] = ("logits", "probs", "log-probs")

_ABOVE_ONE = 1e-5
"""How far above 1 rounding may lift a probability."""
_LOOKS_LIKE_ONE = 1e-3
"""Logits do not sum to 1 this closely in every row by chance."""


def sums(values: NDArray[Any], kind: Kind) -> Float64:
    """Return the sum of each row's probabilities.

    Parameters
    ----------
    values : array, shape (rows, classes), of any real dtype
        The numbers of one side.
    kind : {"probs", "log-probs"}
        What they are.

    Returns
    -------
    float64, shape (rows,)
        NaN for a row with NaN.
    """
    wide = exact.widen(values)
    total: Float64 = (np.exp(wide) if kind == "log-probs" else wide).sum(axis=1)
    return total


def to_logits(values: NDArray[Any], kind: Kind, mode: Mode) -> NDArray[Any]:
    """Return logits that stand for the same distributions, shape (rows, classes).

    Under softmax these are log-probabilities; under sigmoid log(p / (1 - p)) of each cell. 0 gives
    -inf, 1 under sigmoid +inf, and what is no probability NaN. They are as exact as the rounding of
    the logarithm allows, about 1e-16 of their size.

    Parameters
    ----------
    values : array, shape (rows, classes), of any real dtype
        The numbers of one side.
    kind : {"logits", "probs", "log-probs"}
        What they are; logits, and under softmax log-probabilities, are returned as they are.
    mode : {"softmax", "sigmoid"}
        The link function.
    """
    if kind == "logits" or (kind == "log-probs" and mode == "softmax"):
        return values
    wide = exact.widen(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        if mode == "softmax":
            return np.log(wide)
        if kind == "log-probs":
            return wide - np.log(-np.expm1(wide))
        middle = np.abs(wide - 0.5) < 0.25
        odds = np.log1p(np.where(middle, 2 * wide - 1, 0.0) / np.where(middle, 1 - wide, 1.0))
        return np.where(middle, odds, np.log(wide) - np.log1p(-wide))


def looks_like(values: NDArray[Any], kind: Kind) -> bool:
    """Tell whether every row could be probabilities, or log-probabilities, of several classes.

    Probabilities lie in [0, 1] but for rounding (1e-5) and sum to 1 within 1e-3 in every row. The
    exponentials of log-probabilities do, and some log-probability is below 0.

    Parameters
    ----------
    values : array, shape (rows, classes), of any real dtype
        The numbers of one side; without rows they could be either.
    kind : {"probs", "log-probs"}
        What they could be.
    """
    if values.size == 0:
        return True
    # One row rules most blocks out; NumPy takes 46 ms for the range of 16 MB of float16.
    if len(values) > 1 and not looks_like(values[:1], kind):
        return False
    low, high = values.min(), values.max()
    if kind == "probs":
        fits = low >= 0 and 0 < high <= 1 + _ABOVE_ONE
    else:
        fits = high <= _ABOVE_ONE and low < 0
    return bool(fits and (np.abs(sums(values, kind) - 1) < _LOOKS_LIKE_ONE).all())
