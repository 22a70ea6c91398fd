"""The Renyi divergence of any order above 0, infinity included."""

from __future__ import annotations

from functools import partial
from math import inf, isinf

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.errors import UsageError
from kldiv_cli.measures.base import Measure, over_cells
from kldiv_cli.measures.distributions import doubled, exact
from kldiv_cli.measures.distributions.beyond import LARGE, present, softer
from kldiv_cli.measures.distributions.doubled import Doubled
from kldiv_cli.measures.distributions.pair import Pair
from kldiv_cli.measures.distributions.sharp import Logarithms, rounded, sharpened
from kldiv_cli.measures.forms import Form, InC
from kldiv_cli.measures.types import Float64

_LARGE = 16.0
"""As many times its own rounding error may an exponent cost the divergence."""
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
    formula = "log max p/q"
    if not isinf(alpha):
        formula = f"log(sum p^a * q^(1-a)) / (a-1), a = {alpha:g}"
    return Measure(
        name=name,
        title=f"Renyi divergence of order {alpha:g}",
        formula=over_cells(formula),
        range="[0, inf]",
        reference=_REFERENCE,
        compute=InC(
            largest_ratio if isinf(alpha) else partial(of_order, alpha=alpha), _form(alpha)
        ),
        edges="inf on disjoint supports, and for ALPHA > 1 where q = 0 and p > 0",
    )


def _form(alpha: float) -> Form:
    if isinf(alpha):
        return Form("largest_ratio")
    c, swapped = _power(alpha)
    return Form("renyi", (c, 1 - alpha, float(swapped)))


def _power(alpha: float) -> tuple[float, bool]:
    """Return c of `_of_power`, and whether it is that of the swapped pair."""
    return (alpha, True) if alpha < 0.5 else (1 - alpha, False)


def largest_ratio(pair: Pair) -> Float64:
    """Return max log(p / q) over the outcomes with p > 0."""
    absent = pair.prepared.reference.absent
    ratios = -pair.e if absent is None else np.where(absent, -inf, -pair.e)
    rows: Float64 = ratios.max(axis=1)
    return rows


def of_order(pair: Pair, alpha: float) -> Float64:
    """Return log(sum p**alpha * q**(1 - alpha)) / (alpha - 1).

    Below 1/2 the order is reflected, where 1 - alpha would lose the digits of alpha:
    sum p**a * q**(1-a) is that of the swapped pair and the order 1 - a.
    """
    rows = _of_order(pair, alpha)
    if not np.isinf(pair.e).any():
        return rows
    beyond = (np.isinf(pair.e) & present(pair)).any(axis=1)
    if beyond.any():
        other, power = softer(pair)
        scaled = _of_order(other, alpha)
        rows = np.where(beyond & (scaled > LARGE), np.ldexp(scaled, power), rows)
    return rows


def _of_order(pair: Pair, alpha: float) -> Float64:
    c, swapped = _power(alpha)
    return _of_power(pair.swapped if swapped else pair, c, 1 - alpha)


def _of_power(pair: Pair, c: float, divisor: float) -> Float64:
    """Return -log(sum p**(1 - c) * q**c) / divisor, whose sign is that of c.

    The sum is taken less 1, from terms of one sign. Only where it is near 0 or too large for
    float64 its logarithm is that of the summed terms: these cancel where p and q are close.
    """
    excess = _excess(pair.p, pair.q, pair.e, c).sum(axis=1)
    rows = _either(excess, excess, divisor)
    unusual = ~_suffices(excess) | (c * pair.e > _LARGE).any(axis=1)
    if c < 0:
        endless = _endless(pair)
        rows[endless], unusual = inf, unusual & ~endless
    if unusual.any():
        rows[unusual] = _of_unusual(pair, unusual, excess[unusual], c, divisor)
    return rows


def _endless(pair: Pair) -> NDArray[np.bool_]:
    """Tell where an order above 1 is infinite: q is 0, or log(p / q) overflows beside p > 0."""
    outcomes = np.isneginf(pair.e) & (pair.p > 0)
    if pair.prepared.no_q is not None:  # also where p underflows to 0
        outcomes = outcomes | pair.prepared.no_q
    found: NDArray[np.bool_] = np.logical_or.reduce(outcomes, axis=1)
    return found


def _of_unusual(
    pair: Pair, chosen: NDArray[np.bool_], excess: Float64, c: float, divisor: float
) -> Float64:
    """Return the same for distributions that are far apart, or whose terms have large exponents.

    Such an exponent costs digits where it is far larger than the divergence.
    """
    found = rounded(pair, chosen)
    far, shares = _of_exponents(_exponents(found, c, divisor), divisor)
    rows = np.where(np.isinf(far), inf, _either(excess, far, divisor))
    e = found.e[0]
    cost = np.where(c * e > _LARGE, shares * np.abs(e), 0.0).sum(axis=1)
    dear = (cost > _LARGE * rows) & (rows < inf)
    if dear.any():
        chosen = chosen.copy()
        chosen[chosen] = dear
        rows[dear] = _sharp(sharpened(pair, chosen), c, divisor)
    wrong = np.isnan(rows)
    if wrong.any():  # where two float64 overflow, and one of them has all digits
        rows = np.where(wrong, _of_largest(found, c, divisor), rows)
    return rows


def _of_largest(found: Logarithms, c: float, divisor: float) -> Float64:
    """Return the same from the largest term alone, beside whose exponent the others are nothing."""
    log_p = found.log_p[0]
    exponents = np.where(np.isneginf(log_p), -inf, log_p + c * found.e[0])
    rows: Float64 = -exponents.max(axis=1) / divisor
    return rows


def _sharp(found: Logarithms, c: float, divisor: float) -> Float64:
    """Return the same from logarithms of 32 digits.

    p = exp(-300), q = exp(-600) makes 1 at order 2, from an exponent that one float64 would have
    wrong by 1e-13; and p may be 0 in float64 where its power over q is not.
    """
    e = found.e[0]
    p, q = exact.exp(*found.log_p), exact.exp(*doubled.add(found.log_p, found.e))
    exponents = _exponents(found, c, divisor)
    far, _ = _of_exponents(exponents, divisor)
    power = exact.exp(*doubled.multiply(exponents, doubled.single(abs(divisor))))
    large = power + p * (-1 - c * np.expm1(e))
    terms = np.where(c * e > _LARGE, large, _excess(p, q, e, c))
    return _either(terms.sum(axis=1), far, divisor)


def _suffices(excess: Float64) -> NDArray[np.bool_]:
    """Tell where the sum less 1 has the digits of the sum's logarithm."""
    return (excess > -0.5) & (excess < inf)


def _either(excess: Float64, far: Float64, divisor: float) -> Float64:
    """Return the divergence from the sum less 1 where that suffices."""
    near = _suffices(excess)
    return np.where(near, -np.log1p(np.where(near, excess, 0.0)) / divisor, far)


def _excess(p: Float64, q: Float64, e: Float64, c: float) -> Float64:
    """Return terms of sum p * (expm1(c * e) - c * expm1(e)) = sum p**(1-c) * q**c - 1.

    sum p * expm1(e) is sum(q - p) = 0; with it every term is <= 0 for c in (0, 1) and >= 0 for
    c < 0, and nothing cancels where p and q are close.
    """
    near = np.abs(e) <= 1
    small = np.where(near, e, 0.0)
    terms = p * (exact.phi(c * small) - c * exact.phi(small))
    if near.all():
        return terms
    below = p * (np.expm1(c * e) - c * np.expm1(e))
    below[p == 0] = 0.0
    large = np.maximum(e, 0.0)
    grown = np.where(
        c * large < 1,
        np.exp(-large) * np.expm1(c * large),
        np.exp((c - 1) * large) - np.exp(-large),
    )
    above = q * (grown + c * np.expm1(-large))
    return np.where(near, terms, np.where(e < 0, below, above))


def _exponents(found: Logarithms, c: float, divisor: float) -> Doubled:
    """Return log(p**(1 - c) * q**c) over abs(divisor), which no order makes too large."""
    scale = abs(divisor)
    ours = doubled.divide(found.log_p, doubled.single(scale))
    theirs = doubled.multiply(found.e, doubled.single(c / scale))
    high, low = doubled.add(ours, theirs)
    nothing = np.isneginf(found.log_p[0])
    return np.where(nothing, -inf, high), np.where(nothing, 0.0, low)


def _of_exponents(exponents: Doubled, divisor: float) -> tuple[Float64, Float64]:
    """Return the divergence from the logarithms of the terms, and each term's share of the sum."""
    high, low = exponents
    scale = abs(divisor)
    largest = high.max(axis=1, keepdims=True)
    largest_low = np.where(high == largest, low, -inf).max(axis=1, keepdims=True)
    less = doubled.subtract(exponents, (largest, largest_low))
    terms = exact.exp(*doubled.multiply(less, doubled.single(scale)))
    total = terms.sum(axis=1, keepdims=True)
    rows = (largest + (largest_low + np.log(total) / scale))[:, 0]
    return np.where(np.isinf(largest[:, 0]), inf, -np.sign(divisor) * rows), terms / total
