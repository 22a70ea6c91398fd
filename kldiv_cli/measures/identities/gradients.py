"""Theorem 1: the gradients of KL are those of its decoupled form, DKL.

Derivatives along fixed directions, by complex steps: f(x + ihv) = f(x) + ih f'(x)v - ..., so that
the imaginary part over h is the derivative, with nothing subtracted and nothing lost. All classes
of a row move at once: O(classes) per direction.

References
----------
.. [1] J. Cui et al., Decoupled Kullback-Leibler divergence loss, arXiv 2305.13948 (2023).
.. [2] W. Squire and G. Trapp, Using complex variables to estimate derivatives of real functions,
   SIAM Review 40 (1998).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.identities.base import LOSS, Distribution, Long, Route, Routes, Rows, times
from kldiv_cli.measures.types import Float64

Complex = NDArray[np.clongdouble]
_STEP = np.longdouble(1e-100)


def by_reference(rows: Rows) -> Routes:
    """Return derivatives by s: p*(log(p/q) - KL) of the kernel, of KL as it is, of DKL's wMSE.

    DKL = wMSE + CE, wMSE = 1/4 sum_jk p_j p_k ((s_j-s_k) - (t_j-t_k))**2, CE = -sum p*log q; the
    weights p, and t in wMSE, are constants. KL lets every p move.
    """
    p, q, pair = rows.reference, rows.candidate, rows.softmax
    kl = pair.kl_terms.sum(axis=1, keepdims=True)
    size = pair.p * (np.abs(pair.e) + kl + _spread(rows))
    shift = np.abs(p.log_partition - q.log_partition)
    mean = np.abs(_mean(p, _finite(p, rows.d)))
    blur_kl = times(p.blur, 1 + np.abs(rows.d) + shift)
    blur_wmse = times(p.blur, np.abs(rows.d) + mean) + times(p.p, rows.d_blur)
    return _routes(
        rows,
        (pair.p * (-pair.e - kl), size),
        [(_kl_by_reference, blur_kl.sum(axis=1)), (_wmse, blur_wmse.sum(axis=1))],
    )


def by_candidate(rows: Rows) -> Routes:
    """Return derivatives by t: q - p of the kernel, of KL as it is, of DKL's CE."""
    pair = rows.softmax
    size = pair.difference + pair.p * _spread(rows)
    blur = (rows.reference.blur + rows.candidate.blur).sum(axis=1)
    return _routes(
        rows,
        (np.copysign(pair.difference, pair.e), size),
        [(_kl_by_candidate, blur), (_cross_entropy, blur)],
    )


def _kl_by_reference(rows: Rows, step: Complex) -> Complex:
    p, log_p = _moved(rows.reference, step)
    kl: Complex = (p * (log_p - _log(rows.candidate))).sum(axis=1)
    return kl


def _kl_by_candidate(rows: Rows, step: Complex) -> Complex:
    _, log_q = _moved(rows.candidate, step)
    kl: Complex = (rows.reference.p * (_log(rows.reference) - log_q)).sum(axis=1)
    return kl


def _wmse(rows: Rows, step: Complex) -> Complex:
    """Return 1/2 sum p * (d - mean)**2, which is the double sum, p adding up to 1."""
    p = rows.reference
    moved = _finite(p, rows.d) + step
    wmse: Complex = 0.5 * (p.p * (moved - _mean(p, moved)) ** 2).sum(axis=1)
    return wmse


def _cross_entropy(rows: Rows, step: Complex) -> Complex:
    """Return log sum exp(t) - sum p * t."""
    q = rows.candidate
    x = _finite(q, q.x) + step
    partition = np.log((np.exp(x) * ~q.absent).sum(axis=1))
    cross: Complex = partition - (rows.reference.p * x).sum(axis=1)
    return cross


def _routes(
    rows: Rows,
    closed: tuple[Float64, Float64],
    losses: list[tuple[Callable[[Rows, Complex], Complex], Long]],
) -> Routes:
    """Apply a closed gradient and some losses to each direction.

    A closed gradient comes with the magnitude of its terms, each of which is right to the
    tolerance. Rows with a class on one side only have infinite KL and no gradient.
    """
    values: list[list[Long]] = [[] for _ in range(1 + len(losses))]
    slack = []
    for v in _directions(rows):
        values[0].append((closed[0] * v).sum(axis=1))
        slack.append((closed[1] * np.abs(v)).sum(axis=1))
        for found, (loss, _) in zip(values[1:], losses, strict=True):
            found.append(loss(rows, 1j * _STEP * v).imag / _STEP)
    routes = [Route(np.stack(values[0], axis=1), np.stack(slack, axis=1))]
    for found, (_, blur) in zip(values[1:], losses, strict=True):
        routes.append(Route(np.stack(found, axis=1), LOSS * blur[:, None]))
    return Routes(tuple(routes), ~rows.one_sided)


def _spread(rows: Rows) -> Float64:
    """Return sum |p - q|: the kernel rights log(q/p) until p and q add up to the same."""
    spread: Float64 = rows.softmax.difference.sum(axis=1, keepdims=True)
    return spread


def _directions(rows: Rows) -> Iterator[Long]:
    """Yield directions with entries in [-1, 1]: the reference's largest class, and two others.

    These have no pattern, and depend on the number of classes alone: blocks do not matter.
    """
    classes = np.arange(1, rows.s.shape[1] + 1, dtype=np.longdouble)
    largest = np.zeros(rows.s.shape, np.longdouble)
    np.put_along_axis(largest, rows.reference.argmax, 1.0, axis=1)
    yield largest
    for irrational in (5**0.5, 2**0.5):
        yield (2 * np.modf(classes * irrational)[0] - 1)[None, :]


def _moved(side: Distribution, step: Complex) -> tuple[Complex, Complex]:
    """Return probabilities and log-probabilities of logits moved by a step; 0 where absent."""
    x = _finite(side, side.x) + step
    weights = np.exp(x) * ~side.absent
    total = weights.sum(axis=1, keepdims=True)
    log_p = x - side.log_partition - 1j * (total.imag / total.real)
    return weights / total, log_p * ~side.absent


def _log(side: Distribution) -> Long:
    """Return log-probabilities; 0 where absent."""
    return _finite(side, side.x - side.log_partition)


def _mean(side: Distribution, values: NDArray[Any]) -> NDArray[Any]:
    """Return the mean of values under a side's probabilities, a column."""
    mean: NDArray[Any] = (side.p * values).sum(axis=1, keepdims=True)
    return mean


def _finite(side: Distribution, values: Long) -> Long:
    """Return 0 in place of the classes that a side does not have."""
    return np.where(side.absent, np.longdouble(0), values)
