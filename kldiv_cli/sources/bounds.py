"""What a reader knows of the classes that a format leaves out of a row."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Window:
    """The bounds of a format that keeps the classes near the top of each row.

    The classes below the window are censored: they all stand at the row's minimum.

    Parameters
    ----------
    width : float
        How far below the row's largest log-probability a class is kept, in nats.
    slack : float
        The rounding of the window's own edge.
    rounding : float
        How far a kept log-probability may be off, and the minimum with it.
    """

    width: float
    slack: float
    rounding: float

    def floors(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log-probability at which each row's censored cells stand, shape (rows,).

        -inf where the row keeps every class: its smallest value lies less than the window below its
        largest. A reader cannot know more: in a file with a wider window, the smallest class of a
        row that spans no more than that is called censored though it is not, and a class within
        half a step of the minimum is.
        """
        least = values.min(axis=1)
        with np.errstate(invalid="ignore"):  # NaN
            span = values.max(axis=1) - least
        return np.where(span >= self.width - self.slack, least, -np.inf)

    def sum_tolerance(self, classes: int) -> float:
        """Return how far from 1 the probabilities of a row may sum.

        The rounding moves the sum, and so do the censored classes: each stands at a minimum of at
        most ``-width``, and its true log-probability may lie far below.
        """
        return self.rounding + classes * exp(-self.width)


def held(cells: NDArray[np.intp], at: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much probability so many censored cells of a row hold at most, shape (rows,)."""
    return np.where(cells, cells * np.exp(at), 0.0)
