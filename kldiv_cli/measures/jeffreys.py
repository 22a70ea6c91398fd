"""The Jeffreys divergence: KL in both directions, added, with no factor 1/2."""

from __future__ import annotations

import numpy as np

from kldiv_cli.measures.base import Float64, Measure
from kldiv_cli.measures.sigmoid import SigmoidPair, sigma
from kldiv_cli.measures.softmax import SoftmaxPair


def softmax(pair: SoftmaxPair) -> Float64:
    """Return sum max(p, q) * abs(e) * (1 - exp(-abs(e))) per row; every term is >= 0.

    +inf where a class is -inf on one side only; 0 exactly where the rows differ by a constant.
    """
    larger, distance = np.maximum(pair.p, pair.q), np.abs(pair.e)
    terms = larger * distance * -np.expm1(-distance)
    terms[larger == 0] = 0.0
    if pair.one_sided is not None:
        terms[pair.one_sided] = np.inf
    rows: Float64 = terms.sum(axis=1)
    return rows


def sigmoid(pair: SigmoidPair) -> Float64:
    """Return sum sigma(hi) * sigma(-lo) * (1 - exp(-x)) * x per row, x = hi - lo; terms are >= 0.

    hi and lo are the larger and the smaller logit of a cell. +inf where one is infinite and the
    other is not the same; equal infinities add 0.
    """
    hi, lo = np.maximum(pair.s, pair.t), np.minimum(pair.s, pair.t)
    x = (hi - lo) / pair.temperature
    terms = sigma(hi, pair.temperature) * sigma(-lo, pair.temperature) * -np.expm1(-x) * x
    if pair.infinite is not None:
        terms[pair.infinite] = np.where(hi == lo, 0.0, np.inf)[pair.infinite]
    rows: Float64 = terms.sum(axis=1)
    return rows


MEASURE = Measure(
    name="jeffreys",
    title="Jeffreys divergence",
    formula={
        "softmax": "J = KL(p||q) + KL(q||p) = sum (p - q) * (s - t) / T",
        "sigmoid": "J = sum over cells of (p - q) * (s - t) / T",
    },
    range="[0, inf]",
    reference="H. Jeffreys, An invariant form for the prior probability in estimation problems, "
    "Proc. R. Soc. Lond. A 186 (1946); sigmoid form: Su Jianlin, spaces.ac.cn/archives/9039 (2022)",
    softmax=softmax,
    sigmoid=sigmoid,
)
