"""Entropy and cross-entropy: sums of surprise, each term >= 0."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kldiv_cli.measures.base import Measure
from kldiv_cli.measures.distributions.beyond import mended
from kldiv_cli.measures.distributions.pair import Pair
from kldiv_cli.measures.forms import Form, InC
from kldiv_cli.measures.types import Float64

_SHANNON = "C. E. Shannon, A mathematical theory of communication, Bell Syst. Tech. J. 27 (1948)"


def cross(pair: Pair) -> Float64:
    """Return -sum p * log q per distribution; +inf where q = 0 and p > 0."""
    return _mean_surprise(pair.p, pair.prepared.candidate.surprise, pair)


def of_reference(pair: Pair) -> Float64:
    """Return -sum p * log p per distribution."""
    return _mean_surprise(pair.p, pair.prepared.reference.surprise, None)


def of_candidate(pair: Pair) -> Float64:
    """Return -sum q * log q per distribution."""
    return _mean_surprise(pair.q, pair.prepared.candidate.surprise, None)


def _mean_surprise(weights: Float64, surprise: Float64, pair: Pair | None) -> Float64:
    terms = weights * surprise
    terms[weights == 0] = 0.0
    if pair is not None:
        mended(terms, pair, "reference", lambda each: each.prepared.candidate.surprise)
        if pair.prepared.no_q is not None:
            terms[pair.prepared.no_q] = np.inf
    rows: Float64 = terms.sum(axis=1)
    return rows


CROSS_ENTROPY = Measure(
    name="cross-entropy",
    title="cross-entropy of the candidate under the reference",
    formula={
        "softmax": "H(p, q) = -sum p * log q",
        "sigmoid": "H(p, q) = -sum over cells of p*log(q) + (1-p)*log(1-q)",
    },
    range="[0, inf]",
    reference=_SHANNON,
    compute=InC(cross, Form("cross_entropy")),
    edges="inf where q = 0 and p > 0",
    hidden="logarithm",
)


def _entropy(name: str, title: str, p: str, compute: Callable[[Pair], Float64]) -> Measure:
    return Measure(
        name=name,
        title=title,
        formula={
            "softmax": f"H({p}) = -sum {p} * log {p}",
            "sigmoid": f"H({p}) = -sum over cells of {p}*log({p}) + (1-{p})*log(1-{p})",
        },
        range="[0, ln C], C classes; under sigmoid at most ln 2 per cell",
        reference=_SHANNON,
        compute=InC(compute, Form(name.replace("-", "_"))),
        edges="outcomes with probability 0 add nothing",
        hidden="logarithm",
    )


ENTROPY = _entropy("entropy", "entropy of the reference", "p", of_reference)
ENTROPY_CANDIDATE = _entropy("entropy-candidate", "entropy of the candidate", "q", of_candidate)
