"""The probability of the classes that are left out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures import _native
from kldiv_cli.measures.distributions import exact
from kldiv_cli.measures.distributions.kinds import Kind, to_logits
from kldiv_cli.measures.types import Float64

_CELLS = 1 << 16
"""How many cells are looked at together: the arrays of so many fit a core's cache."""


def discarded(
    values: NDArray[Any], out: NDArray[np.bool_], kind: Kind, temperature: float
) -> Float64:
    """Return the sum of softmax(row / T) over the classes that are left out.

    The sum is not taken as 1 less the rest, so that 1e-30 has all its digits.

    Parameters
    ----------
    values : array, shape (rows, classes), any real dtype
        Whole rows.
    out : bool, shape (classes,)
        Which classes are left out.
    kind : {"logits", "probs", "log-probs"}
        What the values are.
    temperature : float
        Logits are divided by it first.

    Returns
    -------
    float64, shape (rows,)
        From 0 to 1; NaN where the whole row is no distribution.
    """
    kernels = _native.load()
    if kernels is not None and kind != "probs" and _native.takes(temperature) and out.any():
        return kernels.shares(_native.as_taken(values), out, temperature)
    places = np.flatnonzero(out)
    found = np.zeros(len(values))
    step = max(1, _CELLS // values.shape[1])
    for start in range(0, len(values) if len(places) else 0, step):
        part = slice(start, start + step)
        found[part] = _share(values[part], places, kind, temperature)
    return found


def _share(
    values: NDArray[Any], places: NDArray[np.intp], kind: Kind, temperature: float
) -> Float64:
    with np.errstate(invalid="ignore", divide="ignore", over="ignore", under="ignore"):
        if kind == "probs" and temperature == 1:
            weights = exact.widen(values)
        else:
            logits = exact.widen(to_logits(values, kind, "softmax"))
            largest = logits.max(axis=1, keepdims=True)
            absent = np.isneginf(logits)
            x = exact.two_diff(np.where(absent, largest, logits), largest)
            weights = exact.exp(*exact.divide(*x, temperature))
            weights[absent] = 0.0
        # Taken by their places they lie row by row: the sum of a row is the same beside any others.
        share: Float64 = np.take(weights, places, axis=1).sum(axis=1) / weights.sum(axis=1)
    return share
