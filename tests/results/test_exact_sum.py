"""Exact sums against fractions, and as a monoid."""

from __future__ import annotations

import math
import pickle
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kldiv_cli.results.exact_sum import ExactSum

FINITE = st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=30)
laws = settings(deadline=None, derandomize=True, database=None)


def rounded(values: list[float]) -> float:
    """The sum of all as Python's fractions have it, rounded once."""
    whole = sum(map(Fraction, values), Fraction(0))
    try:
        return float(whole)
    except OverflowError:
        return math.inf if whole > 0 else -math.inf


@laws
@given(FINITE)
def test_a_sum_is_rounded_once(values: list[float]) -> None:
    assert float(ExactSum.of(np.array(values))) == rounded(values)


@laws
@given(FINITE, FINITE)
def test_any_split_in_any_order_is_the_whole(first: list[float], second: list[float]) -> None:
    a, b = (ExactSum.of(np.array(x)) for x in (first, second))
    assert ExactSum.join([a, b]) == ExactSum.join([b, a]) == ExactSum.of(np.array(first + second))
    assert ExactSum.join([a, ExactSum()]) == a
    assert pickle.loads(pickle.dumps(a)) == a  # noqa: S301 - its own


def test_more_values_than_are_added_at_a_time() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=(1 << 17) + 5) * 2.0 ** rng.integers(-60, 60, (1 << 17) + 5)
    assert float(ExactSum.of(values)) == math.fsum(values.tolist())


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], 0.0),
        ([1e308, 1e308, -1e308], 1e308),
        ([1e308, 1e308], math.inf),
        ([-1e308, -1e308], -math.inf),
        ([5e-324, 1e308, -1e308], 5e-324),
        ([1.0, 2.0**-53, 2.0**-106], 1 + 2.0**-52),
        ([math.inf, 1.0], math.inf),
        ([-math.inf, 1.0], -math.inf),
        ([math.inf, -math.inf], math.nan),
        ([math.nan, math.inf], math.nan),
    ],
)
def test_edges(values: list[float], expected: float) -> None:
    assert repr(float(ExactSum.of(np.array(values)))) == repr(expected)
    halves = ExactSum.join([ExactSum.of(np.array([x])) for x in values])
    assert repr(float(halves)) == repr(expected)
