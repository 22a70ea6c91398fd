"""Logarithms of probabilities and of their ratios to 32 digits, for the rows that need them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.distributions import doubled
from kldiv_cli.measures.distributions.doubled import Doubled
from kldiv_cli.measures.distributions.pair import Pair
from kldiv_cli.measures.distributions.prepared import Side


class Logarithms(NamedTuple):
    """log p and e = log(q / p), shape (distributions, outcomes); -inf and inf where one is 0."""

    log_p: Doubled
    e: Doubled


def rounded(pair: Pair, chosen: NDArray[np.bool_]) -> Logarithms:
    """Return the logarithms of some distributions of a pair as they are in one float64.

    Parameters
    ----------
    pair : Pair
        Any rows.
    chosen : bool array, shape (rows,), or (rows, cells) under sigmoid
        Which distributions.
    """
    log_p = -np.moveaxis(pair.prepared.reference.surprise, 1, -1)[chosen]
    return Logarithms(doubled.single(log_p), doubled.single(np.moveaxis(pair.e, 1, -1)[chosen]))


def sharpened(pair: Pair, chosen: NDArray[np.bool_]) -> Logarithms:
    """Return the same to 32 digits; e of smoothed candidates as it is.

    log(q / p) is step - log(1 + growth / sum exp(x)), step being the difference of the logits x
    and growth that of their exponentials, in which nothing cancels where the logits are close.
    """
    ours, theirs = (
        _Chosen.of(side, pair, chosen)
        for side in (pair.prepared.reference, pair.prepared.candidate)
    )
    whole = doubled.total(ours.weights)
    log_p = doubled.subtract(ours.x, doubled.log1p(doubled.subtract(whole, doubled.ONE)))
    log_p = _where(ours.absent, doubled.single(-np.inf), log_p)
    if pair.smooth:
        return Logarithms(log_p, rounded(pair, chosen).e)
    step = doubled.subtract(theirs.x, ours.x)
    near = (np.abs(step[0]) < 1) & ~ours.absent & ~theirs.absent
    close = doubled.expm1(_where(near, step, doubled.single(0)))
    growth = _where(
        near,
        doubled.multiply(ours.weights, close),
        doubled.subtract(theirs.weights, ours.weights),
    )
    e = doubled.subtract(step, doubled.log1p(doubled.divide(doubled.total(growth), whole)))
    return Logarithms(log_p, _where(theirs.absent, doubled.single(-np.inf), e))


class _Chosen(NamedTuple):
    """Logits of some distributions less their maximum, and the exponentials."""

    x: Doubled
    weights: Doubled
    absent: NDArray[np.bool_]

    @classmethod
    def of(cls, side: Side, pair: Pair, chosen: NDArray[np.bool_]) -> _Chosen:
        def taken(values: NDArray[Any]) -> NDArray[Any]:
            return np.moveaxis(np.broadcast_to(values, pair.e.shape), 1, -1)[chosen]

        absent: NDArray[np.bool_] = taken(np.isneginf(-side.surprise))
        nothing = doubled.single(0)
        x = _where(absent, nothing, (taken(side.x), taken(side.x_low)))
        return cls(x, _where(absent, nothing, doubled.exp(x)), absent)


def _where(condition: NDArray[np.bool_], a: Doubled, b: Doubled) -> Doubled:
    return np.where(condition, a[0], b[0]), np.where(condition, a[1], b[1])
