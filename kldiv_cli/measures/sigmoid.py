"""Rows of logits as independent Bernoulli cells: what every sigmoid measure starts from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures import exact
from kldiv_cli.measures.base import Float64, Status


@dataclass(frozen=True)
class SigmoidPair:
    """Two blocks of logits under sigmoid, shape (rows, cells), float64, not yet divided by T."""

    s: Float64
    t: Float64
    temperature: float
    status: NDArray[np.uint8]
    mode: Literal["sigmoid"] = "sigmoid"

    @cached_property
    def argmax(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The cell with the largest logit in each row of either side; ties go to the first."""
        return self.s.argmax(axis=1), self.t.argmax(axis=1)

    @cached_property
    def infinite(self) -> NDArray[np.bool_] | None:
        """Where either side is infinite; None when no cell of the block is."""
        infinite = np.isinf(self.s) | np.isinf(self.t)
        return infinite if infinite.any() else None

    @cached_property
    def agreement(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Per row: how many cells have the same sign (logit > 0 or not), and of how many.

        A cell that is -inf on both sides is padding and counts in neither.
        """
        same = (self.s > 0) == (self.t > 0)
        if self.infinite is None:
            return same.sum(axis=1), np.full(len(same), same.shape[1])
        present = ~(np.isneginf(self.s) & np.isneginf(self.t))
        return (same & present).sum(axis=1), present.sum(axis=1)


def prepare(s: NDArray[Any], t: NDArray[Any], temperature: float = 1.0) -> SigmoidPair:
    """Prepare two blocks of logits, shape (rows, cells), any real dtype, widened to float64."""
    s, t = s.astype(np.float64, copy=False), t.astype(np.float64, copy=False)
    status = np.full(len(s), Status.COUNTED, dtype=np.uint8)
    s_max, t_max = s.max(axis=1), t.max(axis=1)
    status[np.isneginf(s_max) & np.isneginf(t_max)] = Status.SKIPPED
    status[np.isnan(s_max) | np.isnan(t_max)] = Status.INVALID
    return SigmoidPair(s, t, temperature, status)


def sigma(x: Float64, temperature: float) -> Float64:
    """Return 1 / (1 + exp(-x / T)), every digit right in both tails."""
    scaled, low = exact.divide(x, np.zeros(1), temperature)
    decay = exact.exp(-np.abs(scaled), np.copysign(low, -low * scaled))
    return np.where(scaled >= 0, 1.0, decay) / (1.0 + decay)
