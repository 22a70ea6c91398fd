"""The Renyi divergence of any order above 0, infinity included."""

from __future__ import annotations

from functools import partial
from math import inf, isinf

import numpy as np

from kldiv_cli.errors import UsageError
from kldiv_cli.measures.base import Measure, over_cells
from kldiv_cli.measures.distributions import exact
from kldiv_cli.measures.distributions.pair import Pair
from kldiv_cli.measures.types import Float64

_SMALLEST = 1e-9
"""The smallest order; below, 1 - ALPHA would keep too few of its digits."""
_LARGE = 30.0
"""Above it, rounding an exponent costs more than float64 has to spare."""
_REFERENCE = (
    "A. Renyi, On measures of entropy and information, Berkeley Symp. 4 (1961); T. van Erven and "
    "P. Harremoes, Renyi divergence and Kullback-Leibler divergence, "
    "IEEE Trans. Inf. Theory 60 (2014)"
)


def renyi(name: str, alpha: float) -> Measure:
    """Return the divergence of order alpha; alpha > 0 and not 1, or inf."""
    if not alpha >= _SMALLEST or alpha == 1:
        raise UsageError(
            f"{name}: expected ALPHA of {_SMALLEST:g} or more and not 1, found {alpha:g}",
            "At 1 it is KL: ask for kl.",
        )
    formula = "log max p/q"
    if not isinf(alpha):
        formula = f"log(sum p^a * q^(1-a)) / (a-1), a = {alpha:g}"
    return Measure(
        name=name,
        title=f"Renyi divergence of order {alpha:g}",
        formula=over_cells(formula),
        range="[0, inf]",
        reference=_REFERENCE,
        compute=largest_ratio if isinf(alpha) else partial(of_order, alpha=alpha),
        edges="inf on disjoint supports, and for ALPHA > 1 where q = 0 and p > 0",
    )


def largest_ratio(pair: Pair) -> Float64:
    """Return max log(p / q) over the outcomes with p > 0."""
    absent = pair.prepared.reference.absent
    ratios = -pair.e if absent is None else np.where(absent, -inf, -pair.e)
    rows: Float64 = ratios.max(axis=1)
    return rows


def of_order(pair: Pair, alpha: float) -> Float64:
    """Return log(sum p**alpha * q**(1 - alpha)) / (alpha - 1).

    The sum is taken less 1, from terms of one sign. Where it is near 0 or too large for float64,
    its logarithm is that of the summed terms. Below 1/2 the order is reflected:
    (1 - a) * D_a(p||q) = a * D_(1-a)(q||p).
    """
    if alpha < 0.5:
        return alpha / (1 - alpha) * of_order(pair.swapped, 1 - alpha)
    excess = _excess(pair, alpha)
    near = (excess > -0.5) & (excess < inf)
    rows = np.log1p(np.where(near, excess, 0.0)) / (alpha - 1)
    return rows if near.all() else np.where(near, rows, _of_far(pair, alpha))


def _excess(pair: Pair, alpha: float) -> Float64:
    """Return sum p * (expm1(c * e) - c * expm1(e)) = sum p**(1-c) * q**c - 1, c = 1 - alpha.

    sum p * expm1(e) is sum(q - p) = 0; with it every term is <= 0 for c in (0, 1) and >= 0 for
    c < 0, and nothing cancels where p and q are close.
    """
    c = 1 - alpha
    near = np.abs(pair.e) <= 1
    e = np.where(near, pair.e, 0.0)
    terms = pair.p * (exact.phi(c * e) - c * exact.phi(e))
    if not near.all():
        below = pair.p * (np.expm1(c * pair.e) - c * np.expm1(pair.e))
        below[pair.p == 0] = 0.0
        e = np.maximum(pair.e, 0.0)
        grown = np.where(c * e < 1, np.exp(-e) * np.expm1(c * e), np.exp((c - 1) * e) - np.exp(-e))
        above = pair.q * (grown + c * np.expm1(-e))
        terms = np.where(near, terms, np.where(pair.e < 0, below, above))
    large = c * pair.e > _LARGE
    if c < 0 and large.any():
        power = exact.exp(*_logarithms(pair, alpha))
        terms = np.where(large, power + pair.p * (-1 - c * np.expm1(pair.e)), terms)
    if c < 0 and pair.prepared.no_q is not None:
        terms[pair.prepared.no_q] = inf
    rows: Float64 = terms.sum(axis=1)
    return rows


def _logarithms(pair: Pair, alpha: float) -> tuple[Float64, Float64]:
    """Return the logarithms of p**alpha * q**(1 - alpha), each carried in two float64.

    p = exp(-300), q = exp(-600) makes 1 at order 2, from an exponent that one float64 would have
    wrong by 1e-13; and p may be 0 in float64 where its power over q is not.
    """
    ours, theirs = pair.prepared.reference, pair.prepared.candidate
    high, low = exact.weighted_sum(alpha, (ours.x, ours.x_low), 1 - alpha, (theirs.x, theirs.x_low))
    partition, partition_low = exact.weighted_sum(
        alpha,
        (ours.log_partition, np.zeros(1)),
        1 - alpha,
        (theirs.log_partition, np.zeros(1)),
    )
    high, rest = exact.two_diff(high, partition)
    high, low = exact.two_sum(high, rest + (low - partition_low))
    for side in (ours, theirs):
        if side.absent is not None:
            high = np.where(side.absent, -inf, high)
    return high, low


def _of_far(pair: Pair, alpha: float) -> Float64:
    """Return the divergence from the logarithms of the terms."""
    high, low = _logarithms(pair, alpha)
    largest = high.max(axis=1, keepdims=True)
    largest_low = np.where(high == largest, low, -inf).max(axis=1, keepdims=True)
    high, rest = exact.two_diff(high, largest)
    high, low = exact.two_sum(high, rest + (low - largest_low))
    total = exact.exp(high, low).sum(axis=1)
    rows: Float64 = ((largest + largest_low)[:, 0] + np.log(total)) / (alpha - 1)
    rows = np.where(np.isinf(largest[:, 0]), inf, rows)
    if alpha > 1 and pair.prepared.no_q is not None:
        rows = np.where(pair.prepared.no_q.any(axis=1), inf, rows)
    return rows
