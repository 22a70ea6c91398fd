"""The divergence of distillation, decoupled into target and other classes.

References
----------
.. [1] B. Zhao et al., Decoupled knowledge distillation, arXiv 2203.08679 (2022).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.identities import USUAL_TEMPERATURE
from kldiv_cli.measures.identities.base import LOSS, Distribution, Long, Route, Routes, Rows, times
from kldiv_cli.measures.identities.divergences import direct_kl


def decoupled(rows: Rows) -> Routes:
    """Return KL(p||q), kernel's and by definition, and TCKD + (1 - p_t) * NCKD; no factor T**2.

    The target t is the reference's largest class. TCKD is the KL of (target, rest); NCKD that of
    the other classes, whose softmax is taken anew from their logits.
    """
    p, q = rows.reference, rows.candidate
    binary, rest = _target(rows)
    if rows.s.shape[1] == 1:
        return Routes((rows.kernel("softmax", ["kl"]), binary))
    others = _without(rows, p.argmax)
    nckd = direct_kl(others.reference, others.candidate, others.d, others.d_blur)
    alone = rest == 0
    weighted = np.where(alone, np.longdouble(0), rest * nckd.value)
    slack = binary.slack + np.where(alone, np.longdouble(0), rest * nckd.slack)
    return Routes(
        (
            rows.kernel("softmax", ["kl"]),
            direct_kl(p, q, rows.d, rows.d_blur),
            Route(binary.value + weighted, slack),
        )
    )


def decoupled_at_4(rows: Rows) -> Routes:
    """Return the same at the temperature of the paper."""
    return decoupled(rows.at(USUAL_TEMPERATURE))


def _target(rows: Rows) -> tuple[Route, Long]:
    """Return TCKD, the KL of (target, rest), and the reference's probability of the rest."""
    target = rows.reference.argmax
    ours, theirs = _binary(rows.reference, target), _binary(rows.candidate, target)
    value = np.zeros(len(target), np.longdouble)
    slack = np.zeros_like(value)
    for (log_a, blur_a), (log_b, blur_b) in zip(ours, theirs, strict=True):
        a = np.exp(log_a)
        size = blur_a + blur_b + (1 + blur_a) * (np.abs(log_a) + np.abs(log_b))
        value += times(a, log_a - log_b)
        slack += times(a, size)
    return Route(value, LOSS * slack), np.exp(ours[1][0])


def _binary(side: Distribution, target: NDArray[np.intp]) -> tuple[tuple[Long, Long], ...]:
    """Return log-probability and its error, in roundings, of the target and of the rest."""
    x = side.x.copy()
    np.put_along_axis(x, target, -np.inf, axis=1)
    top = x.max(axis=1)
    some = np.where(np.isneginf(top), np.longdouble(0), top)
    partition = side.log_partition[:, 0]
    log_rest = some + np.log(np.exp(x - some[:, None]).sum(axis=1)) - partition
    x_target = np.take_along_axis(side.x, target, axis=1)[:, 0]
    rest, blur = np.exp(log_rest), 1 + np.abs(some) + partition
    ahead = rest < 0.5
    log_target = np.where(ahead, np.log1p(-np.where(ahead, rest, 0.0)), x_target - partition)
    blur_target = np.where(ahead, 2 * rest * blur, 1 + np.abs(x_target) + partition)
    return (log_target, blur_target), (log_rest, blur)


def _without(rows: Rows, target: NDArray[np.intp]) -> Rows:
    """Return the rows without one class each; a side that has no other stands as all equal."""
    kept = np.ones(rows.s.shape, dtype=bool)
    np.put_along_axis(kept, target, False, axis=1)
    s, t = (x[kept].reshape(len(x), -1) for x in (rows.s, rows.t))
    for x in (s, t):
        x[np.isneginf(x).all(axis=1)] = 0
    return Rows(s, t, rows.temperature)
