"""Two sides as distributions, and the logarithm of their ratio.

Arrays have one axis of rows and one of outcomes; under sigmoid a third axis has the cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.types import Counts, Float64


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


def smoothed(found: Prepared, weight: float, kept: NDArray[np.bool_] | None = None) -> Prepared:
    """Mix the candidate with the uniform distribution over the outcomes.

    Parameters
    ----------
    found : Prepared
        Both sides as they are.
    weight : float
        E in (1 - E) * q + E / outcomes, from 0 to 1.
    kept : bool array, shape (rows, classes) or (rows, 1), or None
        Which cells a mask keeps; None for all. The others are no outcomes: they are absent on both
        sides and stay absent.
    """
    reference, q = found.reference, found.candidate.p
    if kept is not None:
        kept = np.broadcast_to(kept, (q.shape[0], q.shape[-1]))
        kept = kept if q.ndim == 2 else kept[:, None, :]
    outcomes = q.shape[1] if kept is None or q.ndim == 3 else kept.sum(axis=1, keepdims=True)
    uniform = weight / outcomes
    mixed = (1 - weight) * q + uniform
    excess = (1 - weight) * np.expm1(found.e) + weight * _uniform_excess(reference, outcomes, kept)
    # Next to 1, where log(mixed) would lose its digits, what is missing to 1 has them.
    missing = (1 - weight) * -np.expm1(-found.candidate.surprise) + (weight - uniform)
    log_mixed = np.where(mixed > 0.5, np.log1p(-missing), np.log(mixed))
    near = np.abs(excess) < 0.5
    e = np.where(near, np.log1p(np.where(near, excess, 0.0)), log_mixed + reference.surprise)
    absent = None
    if kept is not None and found.candidate.absent is not None:
        absent = found.candidate.absent & ~kept
        mixed = np.where(kept, mixed, q)
        log_mixed, e = np.where(kept, log_mixed, 0.0), np.where(kept, e, 0.0)
    candidate = Side(log_mixed, np.zeros(1), np.zeros(1), mixed, absent)
    return finish(reference, candidate, e, correct=False)


def _uniform_excess(
    reference: Side, outcomes: int | Counts, kept: NDArray[np.bool_] | None
) -> Float64:
    """Return u / p - 1, u being uniform over so many outcomes, with all its digits also near 0.

    log(u / p) is log(mean exp(x)) - x. From u / p itself a row such as [0, 1e-9] would lose nine
    digits, and one whose classes are all alike would not be 0 from the uniform distribution.
    """
    growth = np.expm1(reference.x) + reference.x_low * np.exp(reference.x)
    if reference.absent is not None:
        growth = np.where(reference.absent, -1.0, growth)
    total = growth if kept is None else np.where(kept, growth, 0.0)
    excess = total.sum(axis=1, keepdims=True) / outcomes
    # Far below, as where one class of many has most, the logarithm of the sum keeps the digits.
    far = reference.log_partition - np.log(outcomes)
    log_mean = np.where(excess > -0.5, np.log1p(excess), far)
    log_ratio = (log_mean - reference.x) - reference.x_low
    near = np.abs(log_ratio) < 0.5
    if reference.absent is not None:
        near &= ~reference.absent
    ratio = 1 / (outcomes * reference.p)
    return np.where(near, np.expm1(np.where(near, log_ratio, 0.0)), ratio - 1)
