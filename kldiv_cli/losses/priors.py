"""The mean distribution of every class, computed from the rows themselves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.distributions import exact
from kldiv_cli.measures.types import Counts, Float64


class ClassPriors:
    """Adds up distributions by class, block by block, with the rounding errors kept beside."""

    def __init__(self, classes: int) -> None:
        self._high = np.zeros((classes, classes))
        self._low = np.zeros((classes, classes))
        self._rows = np.zeros(classes, dtype=np.intp)

    def add(self, p: Float64, labels: Counts) -> None:
        """Take in the distributions of some rows."""
        found, inverse, rows = np.unique(labels, return_inverse=True, return_counts=True)
        sums = np.zeros((len(found), p.shape[1]))
        np.add.at(sums, inverse, p)
        self._high[found], error = exact.two_sum(self._high[found], sums)
        self._low[found] += error
        self._rows[found] += rows

    @property
    def missing(self) -> NDArray[np.intp]:
        """The classes that no row has."""
        return np.flatnonzero(self._rows == 0)

    def of(self, labels: Counts) -> Float64:
        """Return the mean distribution of the class of every row."""
        sums: Float64 = self._high[labels] + self._low[labels]
        return sums / self._rows[labels][:, None]
