"""Sums of two float64 against 60 digits: every operation keeps the error that it promises."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from mpmath import mp, mpf

from kldiv_cli.measures.identities.double import Double, difference, where
from kldiv_cli.measures.identities.elementary import exp, expm1, log, log1p, sqrt
from kldiv_cli.measures.types import Float64

RANDOM = np.random.default_rng(11)
SIGNS = RANDOM.choice([-1.0, 1.0], 400)
TINY = SIGNS * 10.0 ** RANDOM.uniform(-25, 0, 400)
FAR = SIGNS * RANDOM.uniform(0, 650, 400)
NEAR_1 = 1 + 10.0 ** RANDOM.uniform(-16, -0.5, 400) * np.where(SIGNS > 0, 1, -0.9)
WIDE = 10.0 ** RANDOM.uniform(-290, 290, 400)
BELOW = -(10.0 ** RANDOM.uniform(-25, -0.01, 400))
WORST = 1e-28
"""No result of two float64 is worse than that, relative to itself."""


def double(high: Float64) -> Double:
    """The numbers with a lower part of their own."""
    return Double.of(high) + high * 1e-17 * RANDOM.uniform(-1, 1, high.shape)


def exact(x: Double) -> Iterator[mpf]:
    return (mpf(float(a)) + mpf(float(b)) for a, b in zip(x.high, x.low, strict=True))


def check(found: Double, true: list[mpf]) -> None:
    for value, off, expected in zip(exact(found), found.off, true, strict=True):
        assert abs(value - expected) <= mpf(float(off))
        assert abs(value - expected) <= WORST * abs(expected) + mpf(2) ** -1020


@pytest.mark.parametrize(
    ("function", "truth", "values"),
    [
        (exp, mp.exp, TINY),
        (exp, mp.exp, FAR),
        (expm1, mp.expm1, TINY),
        (expm1, mp.expm1, FAR),
        (log, mp.log, NEAR_1),
        (log, mp.log, WIDE),
        (log1p, mp.log1p, np.abs(TINY)),
        (log1p, mp.log1p, WIDE),
        (log1p, mp.log1p, BELOW),
        (sqrt, mp.sqrt, 10.0 ** RANDOM.uniform(-250, 250, 400)),
    ],
)
def test_functions(
    function: Callable[[Double], Double], truth: Callable[[mpf], mpf], values: Float64
) -> None:
    x = double(values)
    with mp.workdps(60):
        found = function(Double(x.high, x.low, np.zeros_like(x.high)))
        check(found, [truth(value) for value in exact(x)])


@pytest.mark.parametrize("shift", [0.0, 1e-9, 1.0])
def test_operations(shift: float) -> None:
    """Differences of numbers that are close keep their digits: both are what they are."""
    a = double(FAR)
    b = double(-FAR * (1 - shift))
    a, b = (Double(x.high, x.low, np.zeros_like(x.high)) for x in (a, b))
    with mp.workdps(60):
        pairs = list(zip(exact(a), exact(b), strict=True))
        check(a + b, [x + y for x, y in pairs])
        check(a - b, [x - y for x, y in pairs])
        check(a * b, [x * y for x, y in pairs])
        check(1.0 - a, [1 - x for x, _ in pairs])
        check(abs(a), [abs(x) for x, _ in pairs])
        if shift < 1:
            check(a / b, [x / y for x, y in pairs])


@pytest.mark.parametrize("terms", [0, 1, 2, 3, 40, 1001])
def test_sums(terms: int) -> None:
    values = RANDOM.normal(size=(3, terms)) * 10.0 ** RANDOM.uniform(-20, 20, (3, terms))
    with mp.workdps(90):
        found = Double.of(values).sum()
        for i, value in enumerate(exact(found)):
            true = mp.fsum(map(mpf, values[i].tolist()))
            assert abs(value - true) <= mpf(float(found.off[i]))


def test_differences_are_exact() -> None:
    found = difference(FAR, TINY)
    assert not found.off.any()
    with mp.workdps(90):
        true = [mpf(x) - mpf(y) for x, y in zip(FAR.tolist(), TINY.tolist(), strict=True)]
        assert list(exact(found)) == true


def test_errors_grow_with_what_is_computed() -> None:
    """A number wrong by 1e-20 is so after all that is done with it."""
    x = Double.of(np.array([3.0, 0.5]), 1e-20)
    moved = Double.of(np.array([3.0, 0.5])) + 1e-20
    for function in (exp, expm1, log, log1p, sqrt, lambda y: y * y, lambda y: 1.0 - y / 3.0):
        apart = np.abs((function(moved) - function(Double.of(x.high))).high)
        off = function(x).off
        assert (apart <= off * 1.01).all()
        assert (off <= 3 * apart).all()


@np.errstate(all="ignore")
def test_the_ends_of_the_range() -> None:
    x = Double.of(np.array([-math.inf, math.inf, math.nan, -1e308, 1e308]))
    assert np.array_equal(exp(x).high, [0, math.inf, math.nan, 0, math.inf], equal_nan=True)
    assert expm1(x).high[[0, 1]].tolist() == [-1, math.inf]
    assert log(Double.of(np.array([0, math.inf, 5e-324]))).high[:2].tolist() == [
        -math.inf,
        math.inf,
    ]
    assert log1p(Double.of(np.array([-1, math.inf, 0]))).high.tolist() == [-math.inf, math.inf, 0]
    assert sqrt(Double.of(np.array([0.0, math.inf, 4]))).high.tolist() == [0, math.inf, 2]
    large = Double.of(np.array([1e308])) / 3.0
    assert large.high == 1e308 / 3
    assert large.off > 1e290
    assert not np.isfinite((Double.of(np.array([1e308])) * 10.0).high).any()
    assert where(np.array([True]), np.inf, x[:1]).high == np.inf
