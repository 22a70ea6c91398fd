"""A pair of blocks -> one value per row. The registry of measures.

A measure is one row of :data:`MEASURES`: name -> import path of its definition, one-line
description. Listings read the registry and import nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from numpy.typing import NDArray

from kldiv_cli.errors import UsageError
from kldiv_cli.measures import sigmoid, softmax
from kldiv_cli.measures.base import Measure, Mode

MEASURES = {
    "jeffreys": (
        "kldiv_cli.measures.jeffreys:MEASURE",
        "KL(reference||candidate) + KL(candidate||reference), symmetric, no factor 1/2",
    ),
}


def load(name: str) -> Measure:
    """Return the measure of that name; an unknown one raises `UsageError`."""
    if name not in MEASURES:
        raise UsageError(f"no measure is called {name!r}", f"Known: {', '.join(MEASURES)}.")
    module, attribute = MEASURES[name][0].split(":")
    measure: Measure = getattr(import_module(module), attribute)
    return measure


def prepare(
    mode: Mode, s: NDArray[Any], t: NDArray[Any], temperature: float = 1.0
) -> softmax.SoftmaxPair | sigmoid.SigmoidPair:
    """Compute once what the measures of a mode share.

    Parameters
    ----------
    mode : {"softmax", "sigmoid"}
        The link function.
    s, t : array, shape (rows, classes)
        Logits of the reference and of the candidate; any real dtype, widened to float64.
    temperature : float
        Both are divided by it first.
    """
    if mode == "softmax":
        return softmax.prepare(s, t, temperature)
    return sigmoid.prepare(s, t, temperature)
