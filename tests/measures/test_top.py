"""The top class of a row and its probability, against mpmath and at the edges of the bins."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from mpmath import mp, mpf

from kldiv_cli.measures.distributions.kinds import Kind
from kldiv_cli.measures.rows.top import top_class, top_probability
from kldiv_cli.measures.types import Mode
from kldiv_cli.sources.base import BFLOAT16
from tests.regimes import CASES, Case

INF, NAN = math.inf, math.nan


def exact(row: Any, temperature: float) -> mpf:
    with mp.workdps(60):
        x = [mpf(float(v)) / mpf(temperature) for v in row if v != -INF]
        return mp.exp(max(x)) / mp.fsum(map(mp.exp, x))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_probability_is_that_of_the_definition(case: Case) -> None:
    for temperature in case.temperatures:
        for values in (case.s, case.t):
            found = top_probability(values, "logits", temperature)
            for row, value in zip(values, found, strict=True):
                if np.isfinite(row.astype(np.float64).max()):
                    true = exact(row, temperature)
                    assert abs(mpf(float(value)) - true) <= 1e-14 * true


@pytest.mark.parametrize("temperature", [1.0, 0.5, 3.0])
def test_the_kinds_of_input_say_the_same(temperature: float) -> None:
    logits = np.random.default_rng(1).normal(size=(50, 7)) * 3
    p = np.exp(logits)
    p /= p.sum(axis=1, keepdims=True)
    p[0] = [0.5, 0.25, 0.25, 0, 0, 0, 0]
    with np.errstate(divide="ignore"):
        log_p = np.log(p)
    found = top_probability(log_p, "log-probs", temperature)
    assert np.allclose(top_probability(p, "probs", temperature), found, rtol=1e-14, atol=0)
    assert np.allclose(top_probability(5 * p, "probs", temperature), found, rtol=1e-14, atol=0)
    assert np.allclose(top_probability(logits[1:], "logits", temperature), found[1:], 1e-14, 0)


@pytest.mark.parametrize("edge", [0.25, 0.5, 0.75, 0.95, 1.0])
def test_a_probability_that_the_file_holds_is_kept(edge: float) -> None:
    rest = (1 - edge) / 3 if edge == 0.25 else 1 - edge
    row = np.array([[edge, *([rest] * (3 if edge == 0.25 else 1))]])
    assert top_probability(row, "probs").tolist() == [edge]


@pytest.mark.parametrize("classes", [1, 2, 4, 8])
def test_equal_classes_share_exactly(classes: int) -> None:
    for values in (np.zeros((1, classes)), np.full((1, classes), 1e300)):
        assert top_probability(values, "logits").tolist() == [1 / classes]
        assert top_probability(values, "logits", 0.3).tolist() == [1 / classes]


def test_bfloat16_is_read_as_it_is() -> None:
    values = np.array([[1.0, 3.0, -2.0]], dtype=np.float32)
    raw = (values.view(np.uint32) >> 16).astype("<u2").view(BFLOAT16)
    assert top_probability(raw, "logits") == top_probability(values, "logits")
    assert top_class(raw, "logits", "softmax").tolist() == [1]


BAD: list[tuple[Kind, list[float], bool, bool]] = [
    ("logits", [NAN, 0], False, False),
    ("logits", [-INF, -INF], False, False),
    ("logits", [INF, 0], False, True),
    ("logits", [-INF, 0], True, True),
    ("logits", [-1.7e308, 1.7e308], True, True),
    ("log-probs", [NAN, -1], False, False),
    ("log-probs", [-INF, -INF], False, False),
    ("probs", [NAN, 1], False, False),
    ("probs", [0, 0], False, False),
    ("probs", [-0.5, 1.5], False, False),
    ("probs", [0, 1], True, True),
]
"""Kind, row, and whether it has a top class under softmax and under sigmoid."""


@pytest.mark.parametrize(("kind", "row", "softmax", "sigmoid"), BAD)
def test_a_row_without_a_distribution_has_no_top_class(
    kind: Kind, row: list[float], softmax: bool, sigmoid: bool
) -> None:
    values = np.array([row])
    assert bool(np.isfinite(top_probability(values, kind)[0])) == softmax
    modes: tuple[tuple[Mode, bool], ...] = (("softmax", softmax), ("sigmoid", sigmoid))
    for mode, has in modes:
        assert (top_class(values, kind, mode)[0] >= 0) == has


def test_the_first_of_equal_classes_is_the_top() -> None:
    assert top_class(np.array([[0, 2, 2], [3, 3, 3]]), "logits", "softmax").tolist() == [1, 0]
