"""Two sides as distributions, and the logarithm of their ratio.

Arrays have one axis of rows and one of outcomes; under sigmoid a third axis has the cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.types import Float64


@dataclass(frozen=True)
class Side:
    """The distributions of one side.

    Attributes
    ----------
    x, x_low : float64
        x + x_low are the logits over T less their maximum.
    log_partition : float64
        log sum exp(x), so that log p = x - log_partition.
    p : float64
        The probabilities.
    absent : bool array or None
        The outcomes of probability 0; None without such outcomes.
    """

    x: Float64
    x_low: Float64
    log_partition: Float64
    p: Float64
    absent: NDArray[np.bool_] | None

    @cached_property
    def surprise(self) -> Float64:
        """-log p, >= 0 and right to the last digits also next to 0; +inf where absent."""
        return self.log_partition - self.x if self.absent is None else self._surprise(self.absent)

    def _surprise(self, absent: NDArray[np.bool_]) -> Float64:
        return np.where(absent, np.inf, self.log_partition - self.x)


@dataclass(frozen=True)
class Prepared:
    """Both sides, and the logarithm of their ratio.

    Attributes
    ----------
    reference, candidate : Side
        p and q.
    e : float64
        log(q / p) per outcome; 0 where p = q = 0.
    no_q, no_p : bool array or None
        The outcomes with q = 0 < p, where e is -inf, and with p = 0 < q, where it is +inf. None
        without such outcomes.
    """

    reference: Side
    candidate: Side
    e: Float64
    no_q: NDArray[np.bool_] | None
    no_p: NDArray[np.bool_] | None


def finish(reference: Side, candidate: Side, e: Float64, *, correct: bool) -> Prepared:
    """Set e where an outcome is absent, and subtract the error that all of a distribution share.

    Rounding leaves one constant per distribution in e. The constant shows in sum(q - p), which must
    be 0; the terms of this sum do not cancel.

    Parameters
    ----------
    reference, candidate : Side
        p and q.
    e : float64
        log(q / p) per outcome; anything where an outcome is absent.
    correct : bool
        Whether to subtract that constant.
    """
    nowhere = np.zeros((1,) * e.ndim, dtype=bool)
    no_p = nowhere if reference.absent is None else reference.absent
    no_q = nowhere if candidate.absent is None else candidate.absent
    e = np.where(no_p, np.inf, np.where(no_q, -np.inf, e)) if no_p.any() or no_q.any() else e
    if correct:
        excess = np.copysign(np.maximum(reference.p, candidate.p) * -np.expm1(-np.abs(e)), e)
        e = e - np.log1p(excess.sum(axis=1, keepdims=True))
    both, no_p, no_q = no_p & no_q, no_p & ~no_q, no_q & ~no_p
    e = np.where(both, 0.0, e) if both.any() else e
    return Prepared(
        reference, candidate, e, no_q if no_q.any() else None, no_p if no_p.any() else None
    )
