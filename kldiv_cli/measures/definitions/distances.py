"""Distances that are no logarithms: total variation and squared Hellinger. Neither has a unit."""

from __future__ import annotations

import numpy as np

from kldiv_cli.measures.base import Measure, over_cells
from kldiv_cli.measures.distributions.pair import Pair
from kldiv_cli.measures.forms import Form, InC
from kldiv_cli.measures.types import Float64


def total_variation(pair: Pair) -> Float64:
    """Return 1/2 sum abs(p - q) per distribution, which rounding must not lift above 1."""
    rows: Float64 = np.minimum(0.5 * pair.difference.sum(axis=1), 1.0)
    return rows


def squared_hellinger(pair: Pair) -> Float64:
    """Return 1/2 sum (sqrt p - sqrt q)**2 = 1/2 sum max(p, q) * (1 - exp(-abs(e)/2))**2."""
    terms = pair.larger * np.expm1(-0.5 * pair.distance) ** 2
    rows: Float64 = np.minimum(0.5 * terms.sum(axis=1), 1.0)
    return rows


TV = Measure(
    name="tv",
    title="total variation distance",
    formula=over_cells("1/2 * sum |p - q|"),
    range="[0, 1]; under sigmoid [0, C], C cells",
    reference="D. A. Levin and Y. Peres, Markov Chains and Mixing Times, section 4.1",
    compute=InC(total_variation, Form("tv")),
    has_unit=False,
    additive=False,
    edges="1 on disjoint supports",
    hidden="share",
)

HELLINGER = Measure(
    name="hellinger",
    title="squared Hellinger distance, not the distance itself",
    formula=over_cells("1/2 * sum (sqrt p - sqrt q)^2"),
    range="[0, 1]; under sigmoid [0, C], C cells",
    reference="E. Hellinger, J. reine angew. Math. 136 (1909)",
    compute=InC(squared_hellinger, Form("hellinger")),
    has_unit=False,
    additive=False,
    edges="1 on disjoint supports",
    hidden="share",
)
