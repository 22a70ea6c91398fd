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
from kldiv_cli.measures.distributions.beyond import mended
from kldiv_cli.measures.distributions.prepared import Prepared
from kldiv_cli.measures.distributions.smoothing import smoothed
from kldiv_cli.measures.types import Counts, Float64, Status

NO_LOWS = np.zeros(1), np.zeros(1)


@dataclass(frozen=True)
class Pair(ABC):
    """Two blocks under a link function.

    Attributes
    ----------
    s, t : float64, shape (rows, classes)
        The reference's and the candidate's numbers, not yet divided by T. Rows that do not count
        hold other numbers than the file.
    temperature : float
        T.
    status : uint8, shape (rows,)
        One of `Status` per row.
    argmax : two integer arrays, shape (rows,)
        The class with the largest entry on each side; ties go to the first.
    smooth : float
        The weight of the uniform distribution that the candidate is mixed with.
    kept : bool array, shape (rows, classes) or (rows, 1), or None
        The cells over which that distribution is uniform; None for all.
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
            return smoothed(self, found) if self.smooth else found

    @property
    def sharp(self) -> Pair:
        """The pair with logits over T, x + x_low of either side, that are right to 1e-32."""
        return self

    @property
    @abstractmethod
    def agreement(self) -> tuple[Counts, Counts]:
        """How many decisions agree per row, and of how many."""

    @cached_property
    def swapped(self) -> Self:
        """The pair with the two sides exchanged."""
        pair = self._exchanged()
        found = self.prepared
        vars(pair)["prepared"] = Prepared(
            found.candidate, found.reference, -found.e, found.no_p, found.no_q
        )
        return pair

    def softened(self, power: int) -> Self:
        """Return the pair at T * 2**power."""
        return replace(self, temperature=float(np.ldexp(self.temperature, power)))

    def _exchanged(self) -> Self:
        return replace(self, s=self.t, t=self.s, argmax=self.argmax[::-1])

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
        terms = kl_terms(self.p, self.q, self.e, self.prepared.no_q)
        return mended(terms, self, "reference", lambda pair: -pair.e)

    @cached_property
    def reverse_kl_terms(self) -> Float64:
        """The terms of KL(q||p), each >= 0."""
        terms = kl_terms(self.q, self.p, -self.e, self.prepared.no_p)
        return mended(terms, self, "candidate", lambda pair: pair.e)


def kl_terms(p: Float64, q: Float64, e: Float64, no_q: NDArray[np.bool_] | None) -> Float64:
    """Return q - p - p * e for e = log(q / p): the terms of KL(p||q), each of them >= 0.

    Their sum is the divergence because sum(q - p) = 0. They are p * phi(e), and q * psi(e) above
    e = 1, where phi would overflow.

    Parameters
    ----------
    p, q, e : float64, all of one shape
        Probabilities and the logarithm of their ratio.
    no_q : bool array or None
        The outcomes with q = 0 < p, whose terms are +inf, also where p underflowed to 0. None
        without such outcomes.
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
    """Return the status of rows, uint8, shape (rows,); a row that is skipped is not invalid.

    Parameters
    ----------
    invalid, skipped : bool array, shape (rows,)
        Which rows hold no distribution, and which have nothing to compare.
    """
    status = np.full(len(invalid), Status.COUNTED, dtype=np.uint8)
    status[invalid] = Status.INVALID
    status[skipped] = Status.SKIPPED
    return status


def without_uncounted(values: Float64, status: NDArray[np.uint8], instead: float = 0.0) -> Float64:
    """Replace the numbers of rows that do not count, so that these raise no warning.

    Parameters
    ----------
    values : float64, shape (rows, classes)
        The numbers of one side.
    status : uint8, shape (rows,)
        One of `Status` per row.
    instead : float
        What all cells of such a row become.
    """
    uncounted = status != Status.COUNTED
    return np.where(uncounted[:, None], instead, values) if uncounted.any() else values
