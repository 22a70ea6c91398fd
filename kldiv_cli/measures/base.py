"""What a measure is, and what a prepared pair of blocks tells about its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from kldiv_cli.measures.sigmoid import SigmoidPair
    from kldiv_cli.measures.softmax import SoftmaxPair

Mode = Literal["softmax", "sigmoid"]
Float64 = NDArray[np.float64]


class Status(IntEnum):
    """What became of a row."""

    COUNTED = 0
    SKIPPED = 1
    """Every cell is -inf on both sides: there is nothing to compare."""
    INVALID = 2
    """A side holds no distribution: NaN; under softmax also +inf, or nothing but -inf."""


@dataclass(frozen=True)
class Measure:
    """A divergence of two rows.

    Parameters
    ----------
    name : str
        As typed at ``--measure`` and as it stands in the results.
    title : str
        The name in words.
    formula : mapping of mode to str
        What is computed from the logits under each link function.
    range : str
        The values it can take.
    reference : str
        The paper, article or standard that defines it.
    softmax, sigmoid : callable
        A prepared pair of blocks -> float64, shape (rows,), in nats. Rows that are not counted may
        hold anything.
    """

    name: str
    title: str
    formula: Mapping[Mode, str]
    range: str
    reference: str
    softmax: Callable[[SoftmaxPair], Float64]
    sigmoid: Callable[[SigmoidPair], Float64]

    def rows(self, pair: SoftmaxPair | SigmoidPair) -> Float64:
        """Return one value per row in nats, float64, NaN where the row is not counted."""
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            values = self.softmax(pair) if pair.mode == "softmax" else self.sigmoid(pair)
        return np.where(pair.status == Status.COUNTED, values, np.nan)
