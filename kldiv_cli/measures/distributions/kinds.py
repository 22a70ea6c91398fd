"""What the numbers of a file are: logits, probabilities or their logarithms."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.distributions import exact, logarithms
from kldiv_cli.measures.distributions.stretches import stretches
from kldiv_cli.measures.types import Float64, Mode

Kind = Literal["logits", "probs", "log-probs"]
KINDS: tuple[Kind, ...] = ("logits", "probs", "log-probs")

_ABOVE_ONE = 1e-5
"""How far above 1 rounding may lift a probability."""
_LOG_2, _LOG_2_LOW = 0.6931471805599453, 2.3190468138462996e-17
_TOGETHER = 1 << 16
"""So many cells are added up at a time: as float64 they fit a core's cache."""
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
    total: Float64 = np.zeros(len(values))
    for part in stretches(values):
        step = max(1, _TOGETHER // max(1, part.shape[1]))
        for start in range(0, len(part), step):
            some = slice(start, start + step)
            wide = exact.widen(part[some])
            total[some] += (np.exp(wide) if kind == "log-probs" else wide).sum(axis=1)
    return total


def is_rounded_as_logits(kind: Kind, mode: Mode) -> bool:
    """Tell whether logits are not the numbers themselves but computed from them."""
    return kind == "probs" or (kind == "log-probs" and mode == "sigmoid")


def absent_as(kind: Kind) -> float:
    """Return the number of a class, or of a cell, of probability 0."""
    return 0.0 if kind == "probs" else -np.inf


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
    if not is_rounded_as_logits(kind, mode):
        return values
    return logits_in_two(exact.widen(values), kind, mode)[0]


def logits_in_two(
    values: Float64, kind: Kind, mode: Mode, *, exactly: bool = False
) -> tuple[Float64, Float64]:
    """Return what `to_logits` does and its rounding error, together right to about 1e-16.

    Parameters
    ----------
    values : float64, shape (rows, classes)
        The numbers of one side.
    kind, mode : str
        As for `to_logits`.
    exactly : bool
        Whether they have to be right to 1e-32.
    """
    if not is_rounded_as_logits(kind, mode):
        return values, np.zeros(1)
    if exactly:
        return logits_in_three(values, kind, mode)[:2]
    with np.errstate(divide="ignore", invalid="ignore", under="ignore"):
        if mode == "softmax":
            return exact.log(values)
        if kind == "probs":
            p, log_p, difference = values, exact.log(values), 2 * values - 1
        else:
            p, log_p = np.exp(values), (values, np.zeros(1))
            difference = np.expm1((values + _LOG_2) + _LOG_2_LOW)
        other = -np.expm1(values) if kind == "log-probs" else 1 - values
        middle, below = np.abs(difference) < 0.5, difference < 0
        odds = np.log1p(np.where(middle, difference / other, 0.0))
        few, few_low = exact.two_diff(log_p[0], np.log1p(-p))
        most, most_low = exact.log(other)
        most, rest = exact.two_diff(np.log1p(-other), most)
        high = np.where(middle, odds, np.where(below, few, most))
        low = np.where(below, few_low + log_p[1], rest - most_low)
        return high, np.where(middle, 0.0, low)


def logits_in_three(values: Float64, kind: Kind, mode: Mode) -> logarithms.Parts:
    """Return what `to_logits` does, right to 2**-103, where that is not the numbers themselves."""
    if mode == "softmax":
        return logarithms.log(values)
    return (logarithms.logit if kind == "probs" else logarithms.logit_of_log)(values)


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
    low, high = np.inf, -np.inf
    for part in stretches(values):
        low, high = min(low, part.min()), max(high, part.max())
        if high > 1 + _ABOVE_ONE:
            return False
    if kind == "probs":
        fits = low >= 0 and 0 < high <= 1 + _ABOVE_ONE
    else:
        fits = high <= _ABOVE_ONE and low < 0
    return bool(fits and (np.abs(sums(values, kind) - 1) < _LOOKS_LIKE_ONE).all())
