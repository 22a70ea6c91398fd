"""Theorem 1: the gradients of KL are those of its decoupled form, DKL.

Derivatives along fixed directions: all classes of a row move at once, O(classes) per direction.

References
----------
.. [1] J. Cui et al., Decoupled Kullback-Leibler divergence loss, arXiv 2305.13948 (2023).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from kldiv_cli.measures.identities import dual
from kldiv_cli.measures.identities.base import TOLERANCE, Routes
from kldiv_cli.measures.identities.distributions import Side
from kldiv_cli.measures.identities.double import Double, where
from kldiv_cli.measures.identities.dual import Dual
from kldiv_cli.measures.identities.rows import Rows
from kldiv_cli.measures.types import Float64

_Loss = Callable[[Rows, Float64], Dual]


def by_reference(rows: Rows) -> tuple[Routes, ...]:
    """Check derivatives by s: p*(log(p/q) - KL) as measured, of KL as it is, of DKL's wMSE.

    DKL = wMSE + CE, wMSE = 1/4 sum_jk p_j p_k ((s_j-s_k) - (t_j-t_k))**2, CE = -sum p*log q; the
    weights p, and t in wMSE, are constants. KL lets every p move.
    """
    e, kl = rows.by_numpy("e"), rows.by_numpy("kl_terms").sum(axis=1, keepdims=True)
    ratio = Double.of(-e, TOLERANCE * (np.abs(e) + _spread(rows)))
    closed = _promised(rows.by_numpy("p")) * (ratio - _promised(kl))
    return _routes(rows, closed, (_kl_by_reference, _wmse))


def by_candidate(rows: Rows) -> tuple[Routes, ...]:
    """Check derivatives by t: q - p as measured, of KL as it is, of DKL's CE."""
    apart = rows.by_numpy("difference")
    off = TOLERANCE * (apart + rows.by_numpy("p") * _spread(rows))
    closed = Double.of(np.copysign(apart, rows.by_numpy("e")), off)
    return _routes(rows, closed, (_kl_by_candidate, _cross_entropy))


def _kl_by_reference(rows: Rows, direction: Float64) -> Dual:
    p, log_p = _moved(rows.both.reference, direction)
    return (p * Dual(rows.both.ratio, log_p.slope)).sum()


def _kl_by_candidate(rows: Rows, direction: Float64) -> Dual:
    _, log_q = _moved(rows.both.candidate, direction)
    return (Dual(rows.both.ratio, -log_q.slope) * rows.both.p).sum()


def _wmse(rows: Rows, direction: Float64) -> Dual:
    """Return 1/2 sum p * (d - mean)**2, which is the double sum, p adding up to 1."""
    p = rows.both.p
    moved = Dual(where(p.high == 0, 0.0, rows.both.d), Double.of(direction))
    apart = moved - (moved * p).sum()
    return (apart * apart * p * 0.5).sum()


def _cross_entropy(rows: Rows, direction: Float64) -> Dual:
    """Return log sum exp(t) - sum p * t."""
    q = rows.both.candidate
    x = Dual(q.x, Double.of(direction))
    return dual.log(_grown(q, direction).sum()) - (x * rows.both.p).sum()


def _moved(side: Side, direction: Float64) -> tuple[Dual, Dual]:
    """Return probabilities and log-probabilities of logits that move."""
    weights = _grown(side, direction)
    total = weights.sum()
    x = Dual(side.x, Double.of(direction))
    return weights / total, dual.where(~side.absent, x - dual.log(total))


def _grown(side: Side, direction: Float64) -> Dual:
    """Return exp(x), whose derivative is itself; 0 where absent."""
    return Dual(side.grown, side.grown * direction)


def _routes(rows: Rows, closed: Double, losses: tuple[_Loss, ...]) -> tuple[Routes, ...]:
    """Apply a closed gradient and some losses to each direction.

    Rows with a class on one side only have infinite KL and no gradient.
    """
    defined = ~rows.both.one_sided
    return tuple(
        Routes(((closed * v).sum(), *(loss(rows, v).slope[:, 0] for loss in losses)), defined)
        for v in _directions(rows)
    )


def _promised(values: Float64) -> Double:
    return Double.of(values, TOLERANCE * np.abs(values))


def _spread(rows: Rows) -> Float64:
    """Return sum |p - q|: what is measured rights log(q/p) until p and q add up to the same."""
    spread: Float64 = rows.by_numpy("difference").sum(axis=1, keepdims=True)
    return spread


def _directions(rows: Rows) -> Iterator[Float64]:
    """Yield directions with entries in [-1, 1]: the reference's largest class, and two others.

    These have no pattern, and depend on the number of classes alone: blocks do not matter.
    """
    classes = np.arange(1.0, rows.s.shape[1] + 1)
    largest = np.zeros(rows.s.shape)
    np.put_along_axis(largest, rows.both.reference.top, 1.0, axis=1)
    yield largest
    for irrational in (5**0.5, 2**0.5):
        yield np.tile(2 * np.modf(classes * irrational)[0] - 1, (len(rows.s), 1))
