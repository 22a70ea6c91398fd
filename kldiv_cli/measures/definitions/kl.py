"""The Kullback-Leibler divergence, in either direction."""

from __future__ import annotations

from kldiv_cli.measures.base import Measure
from kldiv_cli.measures.distributions.pair import Pair
from kldiv_cli.measures.forms import Form, InC
from kldiv_cli.measures.types import Float64

_REFERENCE = (
    "S. Kullback and R. A. Leibler, On information and sufficiency, Ann. Math. Stat. 22 (1951)"
)


def forward(pair: Pair) -> Float64:
    """Return KL(p||q) = sum (q - p - p * log(q / p)) per distribution; every term is >= 0."""
    rows: Float64 = pair.kl_terms.sum(axis=1)
    return rows


def reverse(pair: Pair) -> Float64:
    """Return KL(q||p) in the same way."""
    rows: Float64 = pair.reverse_kl_terms.sum(axis=1)
    return rows


KL = Measure(
    name="kl",
    title="Kullback-Leibler divergence of the reference from the candidate",
    formula={
        "softmax": "KL(p||q) = sum p * log(p / q)",
        "sigmoid": "KL(p||q) = sum over cells of KL([p, 1-p] || [q, 1-q])",
    },
    range="[0, inf]",
    reference=_REFERENCE,
    compute=InC(forward, Form("kl")),
    edges="inf where q = 0 and p > 0; outcomes with p = 0 add nothing",
    hidden="logarithm",
)

REVERSE_KL = Measure(
    name="reverse-kl",
    title="Kullback-Leibler divergence of the candidate from the reference",
    formula={
        "softmax": "KL(q||p) = sum q * log(q / p)",
        "sigmoid": "KL(q||p) = sum over cells of KL([q, 1-q] || [p, 1-p])",
    },
    range="[0, inf]",
    reference=_REFERENCE,
    compute=InC(reverse, Form("reverse_kl")),
    edges="inf where p = 0 and q > 0; outcomes with q = 0 add nothing",
    hidden="logarithm",
)
