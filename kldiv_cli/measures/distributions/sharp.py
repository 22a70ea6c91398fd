"""Logarithms of probabilities and of their ratios to 32 digits, for the rows that need them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.distributions import doubled
from kldiv_cli.measures.distributions.doubled import Doubled
from kldiv_cli.measures.distributions.prepared import Side
from kldiv_cli.measures.types import Float64

if TYPE_CHECKING:
    from kldiv_cli.measures.distributions.pair import Pair

DEAR = 16.0
"""So many times larger than a result may be what it is left of, before digits are missed."""


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
    found = pair.sharp.prepared
    ours, theirs = (_Chosen.of(side, pair, chosen) for side in (found.reference, found.candidate))
    whole = doubled.total(ours.weights)
    log_p = doubled.subtract(ours.x, doubled.log1p(doubled.subtract(whole, doubled.ONE)))
    log_p = doubled.where(ours.absent, doubled.single(-np.inf), log_p)
    if pair.smooth:
        return Logarithms(log_p, rounded(pair, chosen).e)
    step = doubled.subtract(theirs.x, ours.x)
    near = (np.abs(step[0]) < 1) & ~ours.absent & ~theirs.absent
    close = doubled.expm1(doubled.where(near, step, doubled.single(0)))
    growth = doubled.where(
        near,
        doubled.multiply(ours.weights, close),
        doubled.subtract(theirs.weights, ours.weights),
    )
    e = doubled.subtract(step, doubled.log1p(doubled.divide(doubled.total(growth), whole)))
    e = doubled.where(ours.absent & theirs.absent, doubled.single(0), e)
    e = doubled.where(ours.absent & ~theirs.absent, doubled.single(np.inf), e)
    e = doubled.where(theirs.absent & ~ours.absent, doubled.single(-np.inf), e)
    return Logarithms(log_p, e)


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
        x = doubled.where(absent, nothing, (taken(side.x), taken(side.x_low)))
        return cls(x, doubled.where(absent, nothing, doubled.exp(x)), absent)


def without_cancellation(
    terms: Float64,
    pair: Pair,
    sharply: Callable[[Logarithms, NDArray[np.bool_]], Doubled],
    size: Float64 | None = None,
) -> Float64:
    """Return the sums of terms of either sign, to 32 digits where these cancel.

    Parameters
    ----------
    terms : float64, shape (rows, any number)
        What is summed over the second axis.
    pair : Pair
        The rows that the terms are of.
    sharply : callable
        The logarithms of some rows, and which rows these are -> terms of the same sums.
    size : float64, shape (rows,), optional
        How large the terms are together, or what they were computed from.
    """
    rows: Float64 = terms.sum(axis=1)
    size = np.abs(terms).sum(axis=1) if size is None else size
    lost = np.isfinite(rows) & (np.abs(rows) * DEAR < size)
    if lost.any():
        high, low = doubled.total(sharply(sharpened(pair, lost), lost))
        rows[lost] = (high + low)[:, 0]
    return rows
