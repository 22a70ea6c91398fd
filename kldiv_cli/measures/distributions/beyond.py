"""Products of a probability and a logarithm of which one leaves float64 and their product does not.

exp(-720) has ten digits in float64, and 1e308 / 0.5 is none; exp(-720) * 1e308 is 2e-5.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.distributions import doubled, exact
from kldiv_cli.measures.types import Float64

if TYPE_CHECKING:
    from kldiv_cli.measures.distributions.pair import Pair
    from kldiv_cli.measures.distributions.prepared import Side

Name = Literal["reference", "candidate"]

LARGE = 1e17
"""Below it, a product with a probability that has lost digits is below 1e-290."""
_NORMAL = 1e-307
_OVERFLOWS = 709.782712893384
_HELD = 1000
"""The exponent of 2 that quotients of logits and T may have."""


def mended(
    terms: Float64, pair: Pair, side: Name, distance_of: Callable[[Pair], Float64]
) -> Float64:
    """Return terms p * x with those mended whose factors leave float64; they are changed in place.

    Parameters
    ----------
    terms : float64, of the shape of p
        What the products in float64 are.
    pair : Pair
        Any rows.
    side : {"reference", "candidate"}
        Whose probabilities p are.
    distance_of : callable
        A pair -> x, which is a difference of logits over T where it is large; inf is no number.
    """
    distance = distance_of(pair)
    large = distance > LARGE
    if not large.any():
        return terms
    large &= present(pair)
    infinite = np.isinf(distance) & large
    ours: Side = getattr(pair.prepared, side)
    _mend(terms, ours, large & ~infinite & (ours.p < _NORMAL), distance, 0)
    if infinite.any():
        other, power = softer(pair)
        _mend(terms, ours, infinite, distance_of(other), power)
    return terms


def present(pair: Pair) -> NDArray[np.bool_]:
    """Return which outcomes neither side excludes."""
    here = np.ones(pair.e.shape, dtype=bool)
    for side in (pair.prepared.reference, pair.prepared.candidate):
        if side.absent is not None:
            here &= ~side.absent
    return here


def softer(pair: Pair) -> tuple[Pair, int]:
    """Return the pair at T * 2**power, at which no logit over T leaves float64, and the power.

    What is large in proportion to the logits is smaller by 2**power there, and hardly else.
    """
    finite = [np.abs(x[np.isfinite(x)]).max(initial=0.0) for x in (pair.s, pair.t)]
    exponent = np.frexp(max(finite))[1] - np.frexp(pair.temperature)[1]
    power = max(0, int(exponent) + 2 - _HELD)
    return pair.softened(power), power


def _mend(
    terms: Float64, side: Side, which: NDArray[np.bool_], distance: Float64, power: int
) -> None:
    """Put p * distance * 2**power into some of the terms, as the exponential of a sum."""
    if not which.any():
        return

    def taken(values: Float64) -> Float64:
        return np.broadcast_to(values, terms.shape)[which]

    log_p = doubled.add(
        (taken(side.x), taken(side.x_low)), doubled.single(-taken(side.log_partition))
    )
    log_distance = doubled.log(doubled.single(distance[which]))
    log_power = doubled.multiply(doubled.log(doubled.single(2.0)), doubled.single(power))
    high, low = doubled.add(log_p, doubled.add(log_distance, log_power))
    terms[which] = np.where(high < _OVERFLOWS, exact.exp(high, low), np.inf)
