"""The Jeffreys divergence: KL in both directions, added, with no factor 1/2."""

from __future__ import annotations

import numpy as np

from kldiv_cli.measures.base import Measure
from kldiv_cli.measures.distributions.beyond import LARGE, mended
from kldiv_cli.measures.distributions.pair import Pair
from kldiv_cli.measures.distributions.sigmoid import SigmoidPair, sigma
from kldiv_cli.measures.forms import Form, InC
from kldiv_cli.measures.types import Float64


def compute(pair: Pair) -> Float64:
    """Return sum abs(p - q) * abs(e), e = log(q / p): every term is >= 0.

    +inf where an outcome is absent on one side only; 0 exactly where the rows differ by a constant.
    """
    if type(pair) is SigmoidPair and not pair.smooth:
        return _of_cells(pair)
    rows: Float64 = _terms(pair).sum(axis=1)
    return rows


def _terms(pair: Pair) -> Float64:
    terms = pair.difference * pair.distance
    terms[pair.larger == 0] = 0.0
    mended(terms, pair, "reference", lambda each: -each.e)
    mended(terms, pair, "candidate", lambda each: each.e)
    for one_sided in (pair.prepared.no_p, pair.prepared.no_q):
        if one_sided is not None:
            terms[one_sided] = np.inf
    return terms


def _of_cells(pair: SigmoidPair) -> Float64:
    """Return sigma(hi) * sigma(-lo) * (1 - exp(-x)) * x per cell, x = hi - lo; every one is >= 0.

    hi and lo are the larger and the smaller logit of a cell. +inf where one is infinite and the
    other is not the same; equal infinities give 0.
    """
    hi, lo = np.maximum(pair.s, pair.t), np.minimum(pair.s, pair.t)
    x = (hi - lo) / pair.temperature
    weight = sigma(hi, pair.temperature) * sigma(-lo, pair.temperature)
    cells = weight * -np.expm1(-x) * x
    cells[weight == 0] = 0.0
    large = x > LARGE
    if large.any():
        cells = np.where(large, _terms(pair).sum(axis=1), cells)
    if pair.infinite is not None:
        cells[pair.infinite] = np.where(hi == lo, 0.0, np.inf)[pair.infinite]
    return cells


MEASURE = Measure(
    name="jeffreys",
    title="Jeffreys divergence",
    formula={
        "softmax": "J = KL(p||q) + KL(q||p) = sum (p - q) * log(p / q)",
        "sigmoid": "J = sum over cells of (p - q) * (logit p - logit q)",
    },
    range="[0, inf]",
    reference="H. Jeffreys, An invariant form for the prior probability in estimation problems, "
    "Proc. R. Soc. Lond. A 186 (1946); sigmoid form: Su Jianlin, spaces.ac.cn/archives/9039 (2022)",
    compute=InC(compute, Form("jeffreys")),
    edges="inf where an outcome has probability 0 on one side only",
    hidden="logarithm",
)
