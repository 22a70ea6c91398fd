"""The divergence of distillation, decoupled into target and other classes.

References
----------
.. [1] B. Zhao et al., Decoupled knowledge distillation, arXiv 2203.08679 (2022).
"""

from __future__ import annotations

import numpy as np

from kldiv_cli.measures.identities import USUAL_TEMPERATURE
from kldiv_cli.measures.identities.base import Routes
from kldiv_cli.measures.identities.definitions import kl_terms, total
from kldiv_cli.measures.identities.distributions import Side, along, times
from kldiv_cli.measures.identities.double import Bools, Double, where
from kldiv_cli.measures.identities.elementary import log1p
from kldiv_cli.measures.identities.rows import Rows
from kldiv_cli.measures.types import Counts


def decoupled(rows: Rows) -> tuple[Routes, ...]:
    """Check KL(p||q), measured and by definition, and TCKD + (1 - p_t) * NCKD; no factor T**2.

    The target t is the reference's largest class. TCKD is the KL of (target, rest); NCKD that of
    the other classes, whose softmax is taken anew from their logits.
    """
    others = _without(rows, rows.both.reference.top)
    binary, rest = _target(rows, others)
    nckd = total(kl_terms(others.both))
    split = binary + where(rest.high == 0, 0.0, rest * nckd)
    return (Routes((total(kl_terms(rows.both)), split, *rows.measured("kl"))),)


def decoupled_at_4(rows: Rows) -> tuple[Routes, ...]:
    """Check the same at the temperature of the paper."""
    return decoupled(rows.at(USUAL_TEMPERATURE))


def _target(rows: Rows, others: Rows) -> tuple[Double, Double]:
    """Return TCKD, the KL of (target, rest), and the reference's probability of the rest."""
    both, target = rows.both, rows.both.reference.top
    rest, of_q = (where(_at(p.shape, target), 0.0, p).sum() for p in (both.p, both.q))
    apart = along(both.difference, target)[:, 0]
    near = np.abs(apart.high) < 0.5 * of_q.high
    far = _log_rest(both.reference, others.both.reference)
    far = far - _log_rest(both.candidate, others.both.candidate)
    ratio = where(near, log1p(where(near, -apart / of_q, 0.0)), far)
    of_target = times(along(both.p, target), along(both.ratio, target))[:, 0]
    alone = _at(both.p.shape, target) | both.candidate.absent
    nothing: Bools = np.logical_and.reduce(alone, axis=1)
    ratio = where(nothing, np.inf, ratio)
    return of_target + where(rest.high == 0, 0.0, rest * ratio), rest


def _log_rest(side: Side, others: Side) -> Double:
    """Return the logarithm of what all but the target have, whose softmax is known anew."""
    return along(side.log_p, others.top)[:, 0] + others.log_partition[:, 0]


def _without(rows: Rows, target: Counts) -> Rows:
    """Return the rows without one class each; a side that has no other stands as all equal."""
    sides = []
    for x in (rows.s, rows.t):
        others = np.where(_at(x.shape, target), -np.inf, x)
        sides.append(np.where(np.isneginf(others).all(axis=1, keepdims=True), 0.0, others))
    return rows.holding(*sides)


def _at(shape: tuple[int, ...], target: Counts) -> Bools:
    found: Bools = np.arange(shape[1]) == target
    return found
