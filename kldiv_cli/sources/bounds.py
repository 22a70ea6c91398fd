"""What a reader can know of the classes that llama.cpp's 16 bits leave out."""

from __future__ import annotations

from math import exp

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.sources.base import Source

NAME = "llamacpp"
"""Of the format, in the registry."""
WINDOW = 16.0
"""How far below the largest log-probability of its row a class may lie before it is censored."""
SLACK = 1e-3
"""The window's own rounding: a float32 logit of 1e4 less 16 is off by 5e-4."""
_ROUNDING = 2e-4
"""Half a step of the 24-nat window, 1.83e-4, and the rounding of the minimum."""


def is_llamacpp(source: Source) -> bool:
    """Tell whether a source's rows are those of a logits file of llama.cpp."""
    return source.format == NAME


def floors(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the log-probability at which each row's censored cells stand, shape (rows,).

    -inf where the row keeps every class: its smallest logit lies less than 16 nats below its
    largest. A reader cannot know more: in a file with 24 nats per row, the smallest class of a row
    that spans 16 to 24 is called censored though it is not, and a class within half a step of the
    minimum is.
    """
    least = values.min(axis=1)
    with np.errstate(invalid="ignore"):  # NaN
        span = values.max(axis=1) - least
    return np.where(span >= WINDOW - SLACK, least, -np.inf)


def held(cells: NDArray[np.intp], at: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much probability so many censored cells of a row hold at most, shape (rows,)."""
    return np.where(cells, cells * np.exp(at), 0.0)


def sum_tolerance(classes: int) -> float:
    """Return how far from 1 the probabilities of a row may sum.

    By the rounding to 16 bits, and by the censored classes, each of which stands at a minimum of at
    most -16 that its true log-probability may lie far below.
    """
    return _ROUNDING + classes * exp(-WINDOW)
