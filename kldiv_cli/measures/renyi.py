"""The Renyi divergence of any order above 0, infinity included."""

from __future__ import annotations

from functools import partial
from math import inf, isinf

import numpy as np

from kldiv_cli.errors import UsageError
from kldiv_cli.measures import exact
from kldiv_cli.measures.base import Float64, Measure, over_cells
from kldiv_cli.measures.pair import Pair

_REFERENCE = (
    "A. Renyi, On measures of entropy and information, Berkeley Symp. 4 (1961); T. van Erven and "
    "P. Harremoes, Renyi divergence and Kullback-Leibler divergence, "
    "IEEE Trans. Inf. Theory 60 (2014)"
)


def renyi(name: str, alpha: float) -> Measure:
    """Return the divergence of order alpha; alpha > 0 and not 1, or inf."""
    if not alpha > 0 or alpha == 1:
        raise UsageError(
            f"{name}: expected ALPHA above 0 and not 1, found {alpha:g}",
            "At 1 it is KL: ask for kl.",
        )
    if isinf(alpha):
        formula = "log max p/q"
    else:
        formula = f"log(sum p^{alpha:g} * q^{1 - alpha:g}) / {alpha - 1:g}"
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

    Where the sum is near 1 it is taken less 1, with terms of one sign; elsewhere its logarithm is
    that of the summed terms. Below 1/2 the order is reflected: (1 - a) * D_a(p||q) =
    a * D_(1-a)(q||p).
    """
    if alpha < 0.5:
        return alpha / (1 - alpha) * of_order(pair.swapped, 1 - alpha)
    excess = _excess(pair, 1 - alpha)
    near = (excess > -0.5) & (excess < 1)
    rows = np.log1p(np.where(near, excess, 0.0)) / (alpha - 1)
    return rows if near.all() else np.where(near, rows, _of_far(pair, alpha))


def _excess(pair: Pair, c: float) -> Float64:
    """Return sum p * (expm1(c * e) - c * expm1(e)) = sum p**(1-c) * q**c - 1.

    sum p * expm1(e) is sum(q - p) = 0; with it every term is <= 0 for c in (0, 1) and >= 0 for
    c < 0, and nothing cancels where p and q are close.
    """
    near = np.abs(pair.e) <= 1
    e = np.where(near, pair.e, 0.0)
    terms = pair.p * (exact.phi(c * e) - c * exact.phi(e))
    if not near.all():
        below = pair.p * (np.expm1(c * pair.e) - c * np.expm1(pair.e))
        zero = pair.p == 0
        below[zero] = 0.0 if c > 0 else np.exp(c * pair.e - pair.prepared.reference.surprise)[zero]
        e = np.maximum(pair.e, 0.0)
        grown = np.where(c * e < 1, np.exp(-e) * np.expm1(c * e), np.exp((c - 1) * e) - np.exp(-e))
        above = pair.q * (grown + c * np.expm1(-e))
        terms = np.where(near, terms, np.where(pair.e < 0, below, above))
    if c < 0 and pair.prepared.no_q is not None:
        terms[pair.prepared.no_q] = inf
    rows: Float64 = terms.sum(axis=1)
    return rows


def _of_far(pair: Pair, alpha: float) -> Float64:
    """Return the divergence from the logarithms of the terms, each carried in two float64.

    p = exp(-300), q = exp(-600) makes a term of 1 at order 2 whose exponent, rounded, would be off
    by 1e-13.
    """
    ours, theirs = pair.prepared.reference, pair.prepared.candidate
    high, low = exact.weighted_sum(alpha, (ours.x, ours.x_low), 1 - alpha, (theirs.x, theirs.x_low))
    for side in (ours, theirs):
        if side.absent is not None:
            high = np.where(side.absent, -inf, high)
    index = high.argmax(axis=1)[:, None]
    largest, largest_low = (np.take_along_axis(x, index, axis=1) for x in (high, low))
    high, difference_low = exact.two_diff(high, largest)
    high, low = exact.two_sum(high, low - largest_low + difference_low)
    total = exact.exp(high, low).sum(axis=1)
    partition = alpha * ours.log_partition + (1 - alpha) * theirs.log_partition
    rows: Float64 = ((largest + (largest_low - partition))[:, 0] + np.log(total)) / (alpha - 1)
    rows = np.where(np.isinf(largest[:, 0]), inf, rows)
    if alpha > 1 and pair.prepared.no_q is not None:
        rows = np.where(pair.prepared.no_q.any(axis=1), inf, rows)
    return rows
