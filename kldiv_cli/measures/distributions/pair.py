"""A prepared pair of blocks: what the measures share is computed once per block.

Arrays have one axis of rows, one of outcomes, and under sigmoid a third of cells: softmax has one
distribution over all classes per row, sigmoid one over two outcomes per cell.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.distributions import exact
from kldiv_cli.measures.types import Float64, Status

Counts = NDArray[np.intp]


@dataclass(frozen=True)
class Side:
    """The distributions of one side.

    ``x + x_low`` are the logits over T less their maximum, as an unevaluated sum, and
    ``log_partition`` = log sum exp(x), so that log p = x - log_partition. Outcomes marked in
    ``absent`` (None when there are none) have probability 0.
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
    """Both sides, and what tells them apart.

    ``e`` is log(q / p) per outcome, 0 where both are absent, -inf where only the candidate's is,
    +inf where only the reference's is; these last two are marked in ``no_q`` and ``no_p`` (None
    when there are none).
    """

    reference: Side
    candidate: Side
    e: Float64
    no_q: NDArray[np.bool_] | None
    no_p: NDArray[np.bool_] | None


@dataclass(frozen=True)
class Pair(ABC):
    """Two blocks under a link function, (rows, classes), as they are: not yet divided by T.

    ``status`` says per row whether it counts; what rows that do not held was replaced. ``argmax``
    is the class with the largest entry per row of either side; ties go to the first. The candidate
    is mixed with the uniform distribution, which has the weight ``smooth`` and is one over the
    cells that are ``kept``, (rows, classes) or (rows, 1); all of them where that is None.
    """

    s: Float64
    t: Float64
    temperature: float
    status: NDArray[np.uint8]
    argmax: tuple[Counts, Counts]
    smooth: float = 0.0
    kept: NDArray[np.bool_] | None = None

    @abstractmethod
    def prepare(self) -> Prepared:
        """Return both sides as distributions."""

    @cached_property
    def prepared(self) -> Prepared:
        """Both sides as distributions, the candidate mixed with the uniform one if asked for."""
        with np.errstate(over="ignore", invalid="ignore", under="ignore", divide="ignore"):
            found = self.prepare()
            return smoothed(found, self.smooth, self.kept) if self.smooth else found

    @property
    @abstractmethod
    def agreement(self) -> tuple[Counts, Counts]:
        """How many decisions agree per row, and of how many."""

    @cached_property
    def swapped(self) -> Self:
        """The pair with the two sides exchanged."""
        pair = replace(self, s=self.t, t=self.s, argmax=self.argmax[::-1])
        found = self.prepared
        vars(pair)["prepared"] = Prepared(
            found.candidate, found.reference, -found.e, found.no_p, found.no_q
        )
        return pair

    @property
    def p(self) -> Float64:
        """The reference's probabilities."""
        return self.prepared.reference.p

    @property
    def q(self) -> Float64:
        """The candidate's probabilities."""
        return self.prepared.candidate.p

    @property
    def e(self) -> Float64:
        """log(q / p)."""
        return self.prepared.e

    @cached_property
    def larger(self) -> Float64:
        """max(p, q)."""
        return np.maximum(self.p, self.q)

    @cached_property
    def distance(self) -> Float64:
        """abs(e)."""
        return np.abs(self.e)

    @cached_property
    def difference(self) -> Float64:
        """abs(p - q), without cancellation."""
        return self.larger * -np.expm1(-self.distance)

    @cached_property
    def kl_terms(self) -> Float64:
        """The terms of KL(p||q), each >= 0."""
        return kl_terms(self.p, self.q, self.e, self.prepared.no_q)

    @cached_property
    def reverse_kl_terms(self) -> Float64:
        """The terms of KL(q||p), each >= 0."""
        return kl_terms(self.q, self.p, -self.e, self.prepared.no_p)


def finish(reference: Side, candidate: Side, e: Float64, *, correct: bool) -> Prepared:
    """Decide e where an outcome is absent, and take out the error it has in common.

    Rounding leaves one constant per distribution in e. It shows as sum(q - p), which must be 0 and
    is summed from terms that do not cancel.
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

    A cell that is not kept, and is absent on both sides, stays so, and is no outcome.
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
    log_mean = np.log1p(total.sum(axis=1, keepdims=True) / outcomes)
    log_ratio = (log_mean - reference.x) - reference.x_low
    near = np.abs(log_ratio) < 0.5
    if reference.absent is not None:
        near &= ~reference.absent
    ratio = 1 / (outcomes * reference.p)
    return np.where(near, np.expm1(np.where(near, log_ratio, 0.0)), ratio - 1)


def kl_terms(p: Float64, q: Float64, e: Float64, no_q: NDArray[np.bool_] | None) -> Float64:
    """Return q - p - p * e for e = log(q / p): the terms of KL(p||q), each of them >= 0.

    Their sum is the divergence because sum(q - p) = 0. They are p * phi(e), and q * psi(e) above
    e = 1, where phi would overflow. +inf where q is absent, also where p underflowed to 0.
    """
    far = e > 1
    terms = p * exact.phi(np.where(far, 1.0, e))
    terms[p == 0] = 0.0
    if far.any():
        terms = np.where(far, q * exact.psi(np.where(far, e, 1.0)), terms)
    if no_q is not None:
        terms[no_q] = np.inf
    return terms


def status_of(invalid: NDArray[Any], skipped: NDArray[Any]) -> NDArray[np.uint8]:
    """Return the status of rows of which some are invalid and some have nothing to compare."""
    status = np.full(len(invalid), Status.COUNTED, dtype=np.uint8)
    status[invalid] = Status.INVALID
    status[skipped] = Status.SKIPPED
    return status


def without_uncounted(values: Float64, status: NDArray[np.uint8], instead: float = 0.0) -> Float64:
    """Replace rows that do not count, so that what they hold raises no warning."""
    uncounted = status != Status.COUNTED
    return np.where(uncounted[:, None], instead, values) if uncounted.any() else values
