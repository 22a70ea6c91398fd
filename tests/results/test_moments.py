"""Totals, means and standard errors: rounded from exact sums, whatever the order of the rows."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kldiv_cli.results.exact_sum import SQUARE, ExactSum, Power, total
from kldiv_cli.results.moments import mean_of, moments
from kldiv_cli.results.perplexities import perplexities

LARGEST = math.ldexp(math.nextafter(1.0, 0.0), 1024)
FINITE = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30)
laws = settings(deadline=None, derandomize=True, database=None)


def wide(size: int, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    return rng.lognormal(-5, 3, size)


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 32_769, 200_003])
def test_shuffled_values_have_the_same_moments(size: int) -> None:
    x = wide(size, size)
    rng = np.random.default_rng(7)
    for _ in range(5):
        assert repr(moments(rng.permutation(x))) == repr(moments(x))


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 32_769, 200_003])
@pytest.mark.parametrize("change", [None, SQUARE, Power(0.25, 2.0, 1)])
def test_the_total_is_that_of_fsum(size: int, change: Any) -> None:
    x = wide(size, size)
    changed = x if change is None else change(x)
    assert total(x, change) == math.fsum(changed.tolist())


@laws
@given(FINITE)
def test_few_values_and_many_have_one_total(values: list[float]) -> None:
    x = np.array(values)
    assert total(x) == float(ExactSum.of(x))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1e308, 1e308, -1e308], 1e308),
        ([1e308, 1e308], math.inf),
        ([math.inf, 1.0], math.inf),
        ([math.inf, -math.inf], math.nan),
        ([math.nan, 1.0], math.nan),
        ([math.inf, math.nan], math.nan),
    ],
)
@pytest.mark.parametrize("zeros", [0, 1000], ids=["few", "many"])
def test_a_total_beyond_float64_and_of_no_numbers(
    values: list[float], expected: float, zeros: int
) -> None:
    assert repr(total(np.array(values + [0.0] * zeros))) == repr(expected)


@laws
@given(FINITE)
def test_the_mean_is_within_two_roundings_and_among_the_values(values: list[float]) -> None:
    found = mean_of(np.array(values))
    whole = sum(map(Fraction, values), Fraction(0)) / len(values)
    assert min(values) <= found <= max(values)
    assert abs(Fraction(found) - whole) <= Fraction(2.0**-52) * abs(whole) + Fraction(5e-324)


@pytest.mark.parametrize("count", [9, 2000])
def test_the_mean_of_the_largest_numbers_is_one_of_them(count: int) -> None:
    assert mean_of(np.full(count, LARGEST)) == LARGEST
    assert mean_of(np.array([LARGEST, -LARGEST, LARGEST])) == pytest.approx(LARGEST / 3, rel=1e-15)


def deviation(values: Any) -> Any:
    """The standard error as its definition has it, to 60 digits."""
    with mpmath.mp.workdps(60):
        x = [mpmath.mpf(value) for value in values]
        n = len(x)
        mean = mpmath.fsum(x) / n
        return mpmath.sqrt(mpmath.fsum((each - mean) ** 2 for each in x) / (n - 1) / n)


@pytest.mark.parametrize(
    "values",
    [
        [1.0, math.nextafter(1.0, 2.0)],
        [1.0] * 5 + [math.nextafter(1.0, 2.0)],
        [1e8 + step * 2.0**-23 for step in (0, 1, 2, 5)],
        [1e16, 1e16 + 2, 1e16 + 2],
        [LARGEST, -LARGEST],
        [LARGEST, 0.0, 1.0],
        [5e-324, 0.0],
        [5e-324, 0.0, 1e-310],
        [1e300, 1e-300],
    ],
    ids=repr,
)
def test_the_standard_error_of_extremes(values: list[float]) -> None:
    for repeated in (1, 300):
        many = values * repeated
        expected = deviation(many)
        off = abs(moments(np.array(many)).sem - expected)
        assert off <= 1e-15 * expected + mpmath.mpf(5e-324), repeated


def test_the_standard_error_keeps_its_digits() -> None:
    for offset in (0.0, 1.0, 1e6, 1e12):
        x = wide(3000, 5) + offset
        assert abs(moments(x).sem / deviation(x.tolist()) - 1) < 1e-15, offset


def test_perplexities_do_not_depend_on_the_order_of_tokens() -> None:
    log_p, log_q = -wide(5001, 1), -wide(5001, 2)
    log_ratio = log_q - log_p
    found = perplexities(log_p, log_q, log_ratio)
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(len(log_p))
        assert repr(perplexities(log_p[order], log_q[order], log_ratio[order])) == repr(found)
