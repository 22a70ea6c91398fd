"""Each measure by its definition, and by what else it must be equal to."""

from __future__ import annotations

import numpy as np

from kldiv_cli.measures.identities.base import TOLERANCE, Routes
from kldiv_cli.measures.identities.distributions import Both, along, times
from kldiv_cli.measures.identities.double import Double, either, where
from kldiv_cli.measures.identities.elementary import exp, expm1, log, log1p, sqrt
from kldiv_cli.measures.identities.rows import Rows

SMOOTH = 0.1


def kls(rows: Rows) -> tuple[Routes, ...]:
    """Check KL in both directions."""
    both = rows.both
    return (
        _checked(rows, "kl", total(kl_terms(both))),
        _checked(rows, "reverse-kl", total(reverse_terms(both))),
    )


def inner_product(rows: Rows) -> tuple[Routes, ...]:
    """Check <p-q, s-t>, both KLs by definition, what is measured of both, and J as measured."""
    both = rows.both
    inner = times(both.p - both.q, both.d)
    inner = where(both.no_p | both.no_q, np.inf, inner)
    by_kls = total(kl_terms(both)) + total(reverse_terms(both))
    added = [a + b for a, b in zip(rows.measured("kl"), rows.measured("reverse-kl"), strict=True)]
    return (Routes((total(inner), by_kls, *added, *rows.measured("jeffreys"))),)


def sigmoid_form(rows: Rows) -> tuple[Routes, ...]:
    """Check the same of the rows as cells."""
    return inner_product(rows.under(mode="sigmoid"))


def js(rows: Rows) -> tuple[Routes, ...]:
    """Check JS as KLs of the mixture and by entropies."""
    both = rows.both
    half = Double.of(0.5)
    mixed = (both.p + both.q) * half
    ours, theirs = (total(_surprise(p, log_p)) for p, log_p in _sides(both))
    by_entropies = total(_surprise(mixed, _log(mixed))) - (ours + theirs) * half
    return (_checked(rows, "js", _generalized(both, 0.5), by_entropies),)


def gjs(rows: Rows) -> tuple[Routes, ...]:
    """Check the generalized JS as KLs of the mixture."""
    return tuple(
        _checked(rows, f"gjs:{b:g}", _generalized(rows.both, b)) for b in rows.parameters("gjs")
    )


def skew(rows: Rows) -> tuple[Routes, ...]:
    """Check the skew KLs as KLs of the mixture."""
    found = []
    for weight in rows.parameters("skew-kl"):
        both = rows.both
        terms = _from_mixture(both, weight) if weight else (kl_terms(both), reverse_terms(both))
        ours, theirs = map(total, terms)
        found.append(_checked(rows, f"skew-kl:{weight:g}", ours))
        found.append(_checked(rows, f"skew-reverse-kl:{weight:g}", theirs))
    return tuple(found)


def tv(rows: Rows) -> tuple[Routes, ...]:
    """Check the total variation distance."""
    return (_checked(rows, "tv", total(abs(rows.both.difference)) * 0.5),)


def hellinger(rows: Rows) -> tuple[Routes, ...]:
    """Check the squared Hellinger distance."""
    return (_checked(rows, "hellinger", total(_hellinger_terms(rows.both)) * 0.5),)


def renyi_half(rows: Rows) -> tuple[Routes, ...]:
    """Check D of order 1/2 by the Hellinger distance, by definition and as measured."""
    both = rows.both
    squared = _hellinger_terms(both).sum() * 0.5
    by_sum = where(squared.high < 0.5, log1p(-squared) * -2.0, _of_order(both, 0.5))
    routes = [_summed(by_sum)]
    if rows.mode == "softmax":
        measured = [Double.of(x, TOLERANCE * x) for x in rows.measured("hellinger")]
        routes += [_of_hellinger(x) for x in measured]
    return (_checked(rows, "renyi:0.5", *routes),)


def renyi(rows: Rows) -> tuple[Routes, ...]:
    """Check D of several orders."""
    both = rows.both
    return tuple(
        _checked(rows, f"renyi:{a:g}", _summed(_of_order(both, a)))
        for a in rows.parameters("renyi")
    )


def entropies(rows: Rows) -> tuple[Routes, ...]:
    """Check H(p), H(q) and H(p, q)."""
    both = rows.both
    cross = where(both.no_q, np.inf, _surprise(both.p, both.log_q))
    return (
        _checked(rows, "entropy", total(_surprise(both.p, both.log_p))),
        _checked(rows, "entropy-candidate", total(_surprise(both.q, both.log_q))),
        _checked(rows, "cross-entropy", total(cross)),
    )


def excess(rows: Rows) -> tuple[Routes, ...]:
    """Check H(p, q) - H(p) against KL, all as measured; few digits of it are left on close rows."""
    cross, entropy = (
        [Double.of(x, TOLERANCE * x) for x in rows.measured(name)]
        for name in ("cross-entropy", "entropy")
    )
    found = [a - b for a, b in zip(cross, entropy, strict=True)]
    return (Routes((*found, *rows.measured("kl"))),)


def smoothed(rows: Rows) -> tuple[Routes, ...]:
    """Check all of these with the candidate smoothed.

    The smoothed candidate has what the reference has next to nothing of: log p enters KL(q||p) with
    the weight of the uniform distribution, and where it is beyond float64, as that of the least
    logit over a T below 1, no definition can hold it.
    """
    some = (kls, inner_product_of_shares, js, gjs, skew, tv, hellinger, renyi, entropies)
    defined = ~rows.both.beyond
    found = (each for check in some for each in check(rows.under(smooth=SMOOTH)))
    return tuple(each._replace(defined=defined) for each in found)


def inner_product_of_shares(rows: Rows) -> tuple[Routes, ...]:
    """Check J where the candidate's logits are not those of the file."""
    both = rows.both
    terms = times(both.difference, both.ratio)
    return (_checked(rows, "jeffreys", total(where(both.no_p | both.no_q, np.inf, terms))),)


def kl_terms(both: Both) -> Double:
    """Return p * log(p / q)."""
    return where(both.no_q, np.inf, times(both.p, both.ratio))


def reverse_terms(both: Both) -> Double:
    """Return q * log(q / p)."""
    return where(both.no_p, np.inf, times(both.q, -both.ratio))


def total(terms: Double) -> Double:
    """Return the sum per row."""
    return _summed(terms.sum())


def _summed(values: Double) -> Double:
    """Return what there is per distribution as one number per row."""
    return values.sum() if values.high.ndim == 2 else values


def _checked(rows: Rows, name: str, *routes: Double) -> Routes:
    return Routes((*routes, *rows.measured(name)))


def _sides(both: Both) -> tuple[tuple[Double, Double], ...]:
    return (both.p, both.log_p), (both.q, both.log_q)


def _surprise(p: Double, log_p: Double) -> Double:
    return times(p, -log_p)


def _log(p: Double) -> Double:
    return log(where(p.high > 0, p, 1.0))


def _generalized(both: Both, beta: float) -> Double:
    ours, theirs = _from_mixture(both, beta, 1.0 - Double.of(beta))
    return total(ours * beta + theirs * (1.0 - Double.of(beta)))


def _from_mixture(both: Both, ours: float, theirs: Double | None = None) -> tuple[Double, Double]:
    """Return the terms of KL(p || ours*p + (1-ours)*q) and of KL(q || theirs*q + (1-theirs)*p)."""
    weights = Double.of(ours), Double.of(ours) if theirs is None else theirs
    return (
        _mixed(both.p, both.log_p, both.q, both.difference, weights[0]),
        _mixed(both.q, both.log_q, both.p, -both.difference, weights[1]),
    )


def _mixed(p: Double, log_p: Double, q: Double, apart: Double, weight: Double) -> Double:
    """Return the terms of KL(p || M), M = weight * p + (1 - weight) * q."""
    other = 1.0 - weight
    mixture = p * weight + q * other
    growth = other * apart / mixture
    near = np.abs(growth.high) < 0.5
    logarithm = either(near, lambda at: log1p(growth[at]), lambda at: log_p[at] - log(mixture[at]))
    return times(p, logarithm)


def _hellinger_terms(both: Both) -> Double:
    roots = sqrt(both.p) + sqrt(both.q)
    root = where(roots.high > 0, both.difference / roots, 0.0)
    return root * root


def _of_hellinger(squared: Double) -> Double:
    """Return -2*log(1 - H^2) of what is measured; nothing is known of it where H^2 is next to 1."""
    lost = squared.high + squared.off >= 1
    return where(lost, Double.of(0.0, np.inf), log1p(-squared) * -2.0)


def _of_order(both: Both, order: float) -> Double:
    """Return log(sum p**a * q**(1-a)) / (a-1) per distribution, less 1 in the sum where it can."""
    present = ~both.reference.absent
    if np.isinf(order):
        ratios = where(present, both.ratio, -np.inf)
        return _largest(ratios)[:, 0]
    c = Double.of(order) - 1.0
    power = both.log_p * order - both.log_q * c
    absent = ~present | (both.candidate.absent if order < 1 else False)
    power = where(absent, -np.inf, where(both.no_q & present, np.inf, power))
    grown = times(both.p, expm1(both.ratio * c))
    grown = where(both.no_q, np.inf if order > 1 else -both.p, grown).sum()
    hidden = where(both.p.high == 0, exp(power), 0.0).high.sum(axis=1)
    near = (np.abs(grown.high) < 0.5) & (hidden <= 1e-30 * np.abs(grown.high))
    if near.all():
        return log1p(grown) / c
    largest = _largest(power)
    finite = where(np.isfinite(largest.high), largest, 0.0)
    far = log(exp(power - finite).sum()) + finite[:, 0]
    far = where(np.isfinite(largest.high[:, 0]), far, largest[:, 0])
    return where(near, log1p(where(near, grown, 0.0)), far) / c


def _largest(x: Double) -> Double:
    """Return the largest along the second axis, a column; of large numbers the low parts decide."""
    rough = x.high.max(axis=1, keepdims=True)
    low = np.where(x.high == rough, x.low, -np.inf)
    return along(x, low.argmax(axis=1, keepdims=True))
