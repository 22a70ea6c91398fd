"""Divergences from a mixture of the two distributions: Jensen-Shannon and skew KL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from math import inf, log, log1p

import numpy as np

from kldiv_cli.errors import UsageError
from kldiv_cli.measures.base import Measure, over_cells
from kldiv_cli.measures.definitions import kl
from kldiv_cli.measures.distributions.pair import Pair, kl_terms
from kldiv_cli.measures.forms import Form, InC
from kldiv_cli.measures.types import Float64

_LIN = "J. Lin, Divergence measures based on the Shannon entropy, IEEE Trans. Inf. Theory 37 (1991)"
_GKD = "R. Agarwal et al., On-policy distillation of language models, arXiv 2306.13649 (2023)"
_SKEW = "J. Ko et al., DistiLLM, arXiv 2402.03898 (2024); L. Lee, AISTATS (2001)"


def from_mixture(pair: Pair, weight: float, other: float) -> Float64:
    """Return KL(p || weight * p + other * q) per distribution; every term is >= 0.

    The weights are above 0 and add up to 1; a small one keeps its digits only if it is given and
    not computed.
    """
    mixture = weight * pair.p + other * pair.q
    log_ratio = _log_mixture(pair.e, weight, other)
    rows: Float64 = kl_terms(pair.p, mixture, log_ratio, None).sum(axis=1)
    return rows


def _log_mixture(e: Float64, weight: float, other: float) -> Float64:
    """Return log(weight + other * exp(e)) = log(M / p), with all its digits near 0.

    log1p keeps them but overflows far above 0, and loses them far below where the weight of p is
    small; there the logarithms are added.
    """
    far = e > 30 if weight >= 0.5 else (e > 30) | (e < -1)
    near = np.log1p(other * np.expm1(np.where(far, 0.0, e)))
    if not far.any():
        return near
    return np.where(far, np.logaddexp(log(weight), log(other) + e), near)


def _generalized(pair: Pair, beta: float) -> Float64:
    """Return beta * KL(p||M) + (1 - beta) * KL(q||M), not lifted above its bound by rounding."""
    ours = from_mixture(pair, beta, 1 - beta)
    theirs = from_mixture(pair.swapped, 1 - beta, beta)
    return np.minimum(beta * ours + (1 - beta) * theirs, _bound(beta))


def _bound(beta: float) -> float:
    """Return H(beta)."""
    return -beta * log(beta) - (1 - beta) * log1p(-beta)


def _skew(pair: Pair, weight: float) -> Float64:
    return from_mixture(pair, weight, 1 - weight) if weight else kl.forward(pair)


def _skew_reverse(pair: Pair, weight: float) -> Float64:
    return from_mixture(pair.swapped, weight, 1 - weight) if weight else kl.reverse(pair)


def _js() -> Measure:
    """Return the Jensen-Shannon divergence, the generalized one with beta = 1/2."""
    return replace(
        gjs("js", 0.5),
        title="Jensen-Shannon divergence",
        range="[0, ln 2]; under sigmoid [0, C ln 2], C cells",
        reference=_LIN,
        edges="always finite; ln 2 on disjoint supports; SciPy's jensenshannon is its square root",
    )


def gjs(name: str, beta: float) -> Measure:
    """Return the generalized Jensen-Shannon divergence; beta in (0, 1)."""
    if not 0 < beta < 1:
        raise UsageError(
            f"{name}: expected BETA between 0 and 1, found {beta:g}",
            "At both ends it is 0; for its scaled limits ask for kl and reverse-kl.",
        )
    formula = f"{beta:g}*KL(p||M) + {1 - beta:g}*KL(q||M), M = {beta:g}*p + {1 - beta:g}*q"
    return Measure(
        name=name,
        title="generalized Jensen-Shannon divergence",
        formula=over_cells(formula),
        range="[0, H(BETA)], at most ln 2; under sigmoid [0, C H(BETA)], C cells",
        reference=_GKD,
        compute=InC(
            partial(_generalized, beta=beta),
            Form("mixture", (beta, 1 - beta, beta, 1 - beta, _bound(beta))),
        ),
        additive=False,
        edges="always finite; H(BETA) = -BETA*ln(BETA) - (1-BETA)*ln(1-BETA) on disjoint supports",
        hidden="share",
    )


def skew_kl(name: str, weight: float) -> Measure:
    """Return KL of the reference from a mixture; lambda in [0, 1)."""
    compute = partial(_skew, weight=_checked(name, weight))
    form = Form("mixture", (1.0, 0.0, weight, 1 - weight, inf)) if weight else Form("kl")
    return _skewed(name, weight, f"KL(p || {weight:g}*p + {1 - weight:g}*q)", compute, form)


def skew_reverse_kl(name: str, weight: float) -> Measure:
    """Return KL of the candidate from a mixture; lambda in [0, 1)."""
    compute = partial(_skew_reverse, weight=_checked(name, weight))
    form = Form("mixture", (0.0, 1.0, 1 - weight, weight, inf)) if weight else Form("reverse_kl")
    return _skewed(name, weight, f"KL(q || {weight:g}*q + {1 - weight:g}*p)", compute, form)


def _checked(name: str, weight: float) -> float:
    if not 0 <= weight < 1:
        raise UsageError(
            f"{name}: expected LAMBDA of 0 or more and below 1, found {weight:g}",
            "0 is KL itself; at 1 every distribution is its own mixture.",
        )
    return weight


def _skewed(
    name: str, weight: float, formula: str, compute: Callable[[Pair], Float64], form: Form
) -> Measure:
    return Measure(
        name=name,
        title="skew Kullback-Leibler divergence",
        formula=over_cells(formula),
        range="[0, -ln LAMBDA]; under sigmoid [0, -C ln LAMBDA], C cells",
        reference=_SKEW,
        compute=InC(compute, form),
        additive=weight == 0,
        edges="finite for LAMBDA > 0, whatever the supports",
        hidden="logarithm",
    )


JS = _js()
