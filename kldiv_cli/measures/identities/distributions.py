"""Two rows as distributions by definition: p = exp(x) / sum exp(x), log p = x - log sum exp(x).

Arrays have one axis of rows, one of outcomes, and under sigmoid a third of cells.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kldiv_cli.measures.identities.double import (
    Bools,
    Double,
    difference,
    either,
    stack,
    where,
)
from kldiv_cli.measures.identities.elementary import exp, expm1, log, log1p
from kldiv_cli.measures.types import Counts, Float64

if TYPE_CHECKING:
    from kldiv_cli.measures.distributions.kinds import Kind
    from kldiv_cli.measures.types import Mode

_SAFE = np.finfo(np.float64).max / 4


class Weights(NamedTuple):
    """Logarithms of unnormalised probabilities, the largest being 0, and which outcomes are absent.

    Those of absent ones are 0, too. ``shares`` are the numbers themselves where a file has
    probabilities, and the logarithm of the largest one.
    """

    x: Double
    absent: Bools
    top: Counts
    shares: tuple[Double, Double] | None = None


class Side:
    """One distribution per row, or per cell.

    Logarithms of absent outcomes are those of the largest one: their weight is 0.
    """

    def __init__(self, weights: Weights) -> None:
        self.x, self.absent, self.top = weights.x, weights.absent, weights.top
        self.grown = where(self.absent, 0.0, exp(self.x))
        outcomes = np.arange(self.x.shape[1]).reshape(-1, *[1] * (self.x.high.ndim - 2))
        rest = where(outcomes == self.top, 0.0, self.grown).sum()[:, None]
        self.log_partition = log1p(rest)
        self.p = self.grown / (rest + 1.0)
        self.log_p = self.x - self.log_partition


class Both:
    """Both sides of some rows, and the logarithm of their ratio."""

    def __init__(self, reference: Weights, candidate: Weights, temperature: Float64) -> None:
        ours, theirs = (_over(x, temperature) for x in (reference, candidate))
        self.reference, self.candidate = Side(ours), Side(theirs)
        beyond = (ours.absent != reference.absent).reshape(len(ours.absent), -1)
        self.beyond: Bools = beyond.any(axis=1)
        """The rows with an outcome of the reference whose logarithm is too low for float64."""
        d, constant = _apart(reference, candidate)
        self.d = d / temperature
        """log p - log q less a constant per distribution; 0 where either is absent."""
        self._constant = constant / temperature

    @property
    def p(self) -> Double:
        """The reference's probabilities."""
        return self.reference.p

    @property
    def q(self) -> Double:
        """The candidate's probabilities."""
        return self.candidate.p

    @property
    def log_p(self) -> Double:
        """Their logarithms, as `Side` has them."""
        return self.reference.log_p

    @property
    def log_q(self) -> Double:
        """The candidate's."""
        return self.candidate.log_p

    @property
    def no_p(self) -> Bools:
        """Where the reference alone is absent."""
        return self.reference.absent & ~self.candidate.absent

    @property
    def no_q(self) -> Bools:
        """Where the candidate alone is absent."""
        return self.candidate.absent & ~self.reference.absent

    @cached_property
    def ratio(self) -> Double:
        """log(p / q); 0 where both are absent, infinite where one is.

        The constant that d lacks is log sum q*exp(d), from terms as small as the rows are close.
        """
        found = self.d - self._shift()
        found = where(self.no_q, np.inf, where(self.no_p, -np.inf, found))
        return where(self.reference.absent & self.candidate.absent, 0.0, found)

    def _shift(self) -> Double:
        grown = times(self.q, where(self.no_p, -1.0, expm1(self.d))).sum()[:, None]
        hidden = self.no_q | ((self.q.high == 0) & (self.d.high > 0))
        near = (np.abs(grown.high) < 0.5) & ~hidden.any(axis=1, keepdims=True)
        far = self.reference.log_partition - self.candidate.log_partition + self._constant
        return where(near, log1p(where(near, grown, 0.0)), far)

    @cached_property
    def difference(self) -> Double:
        """The difference p - q."""
        near = np.abs(self.ratio.high) < 1
        return either(
            near,
            lambda at: times(self.q[at], expm1(self.ratio[at])),
            lambda at: self.p[at] - self.q[at],
        )

    @property
    def one_sided(self) -> Bools:
        """The rows in which a class is absent on one side only."""
        found: Bools = (self.reference.absent != self.candidate.absent).any(axis=1)
        return found


class Smoothed(Both):
    """The same, the candidate mixed with the uniform distribution over the outcomes that exist."""

    def __init__(self, both: Both, weight: float, kept: Bools) -> None:
        self.reference = both.reference
        exists = np.broadcast_to(kept if both.p.high.ndim == 2 else kept[:, None], both.p.shape)
        uniform = Double.of(weight) / exists.sum(axis=1, keepdims=True).astype(np.float64)
        mixed = both.q * (Double.of(1.0) - weight) + where(exists, uniform, 0.0)
        self.candidate = object.__new__(Side)
        self.candidate.p = where(exists, mixed, both.q)
        self.candidate.absent = both.candidate.absent & ~exists
        present = where(self.candidate.absent, 1.0, self.candidate.p)
        self.candidate.log_p = where(self.candidate.absent, 0.0, log(present))
        self.d = self.log_p - self.log_q

    def _shift(self) -> Double:
        return Double.of(0.0)


def weights_of(values: Float64, kind: Kind, mode: Mode) -> Weights:
    """Return what the numbers of one side weigh.

    Parameters
    ----------
    values : float64, shape (rows, classes)
        Numbers of rows that count.
    kind : {"logits", "probs", "log-probs"}
        What they are.
    mode : {"softmax", "sigmoid"}
        Whether the outcomes are the classes, or 1 and 0 of every cell.
    """
    if kind == "probs" or (kind == "log-probs" and mode == "sigmoid"):
        return _of_shares(_shares(values, kind, mode))
    if mode == "sigmoid":
        values = np.stack([np.minimum(values, 0.0), -np.maximum(values, 0.0)], axis=1)
    absent = np.isneginf(values)
    top = values.argmax(axis=1, keepdims=True)
    largest = np.take_along_axis(values, top, axis=1)
    return Weights(difference(np.where(absent, largest, values), largest), absent, top)


def _shares(values: Float64, kind: Kind, mode: Mode) -> Double:
    """Return probabilities, not divided by their sum."""
    if mode == "softmax":
        return Double.of(values)
    if kind == "probs":
        return stack([Double.of(values), difference(np.ones_like(values), values)])
    logarithms = Double.of(values)
    return stack([exp(logarithms), -expm1(logarithms)])


def _of_shares(shares: Double) -> Weights:
    absent = shares.high == 0
    top = shares.high.argmax(axis=1, keepdims=True)
    logarithms = log(shares)
    largest = along(logarithms, top)
    return Weights(where(absent, 0.0, logarithms - largest), absent, top, (shares, largest))


def _over(weights: Weights, temperature: Float64) -> Weights:
    """Return what they weigh at a temperature; what is too far below the largest is absent."""
    x = weights.x / temperature
    beyond = np.isneginf(x.high)
    return weights._replace(x=where(beyond, 0.0, x), absent=weights.absent | beyond)


def _apart(reference: Weights, candidate: Weights) -> tuple[Double, Double]:
    """Return the difference of two sides' logarithms, and of what these are taken less.

    Of probabilities that are close it comes from their difference.
    """
    found, constant = reference.x - candidate.x, Double.of(0.0)
    if reference.shares is not None and candidate.shares is not None:
        (ours, largest), (theirs, of_theirs) = reference.shares, candidate.shares
        constant = largest - of_theirs
        apart = ours - theirs
        found = either(
            np.abs(apart.high) < 0.5 * theirs.high,
            lambda at: log1p(apart[at] / theirs[at]),
            lambda at: log(ours[at]) - log(theirs[at]),
        )
    return where(reference.absent | candidate.absent, 0.0, found), constant


def scaled(s: Float64, t: Float64, temperature: Float64) -> tuple[Float64, Float64, Float64]:
    """Return logits and T over 4 where a difference of logits could overflow."""
    largest = max(np.abs(x[np.isfinite(x)]).max(initial=0.0) for x in (s, t))
    return (s, t, temperature) if largest <= _SAFE else (s * 0.25, t * 0.25, temperature * 0.25)


def along(values: Double, index: Counts) -> Double:
    """Return the numbers at one index per row, or per cell."""
    parts = (values.high, values.low, values.off)
    return Double(*(np.take_along_axis(part, index, axis=1) for part in parts))


def times(weights: Double, values: Double) -> Double:
    """Return the product; 0 times infinity is 0."""
    return where((weights.high == 0) & np.isinf(values.high), 0.0, weights * values)
