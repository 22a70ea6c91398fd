"""Numbers in two float64 against mpmath."""

from collections.abc import Callable

import numpy as np
import pytest
from mpmath import mp, mpf

from kldiv_cli.measures.distributions import doubled
from kldiv_cli.measures.distributions.doubled import Doubled

RANDOM = np.random.default_rng(1)


def numbers(smallest: float, largest: float) -> Doubled:
    """Numbers of either sign, of every size, whose low parts are not 0."""
    high = np.exp(RANDOM.uniform(np.log(smallest), np.log(largest), 500))
    high *= RANDOM.choice([-1.0, 1.0], 500)
    return high, high * RANDOM.uniform(-1, 1, 500) * 2.0**-54


def worst(found: Doubled, true: list[mpf]) -> float:
    with mp.workdps(80):
        values = [mpf(float(a)) + mpf(float(b)) for a, b in zip(*found, strict=True)]
        return max(float(abs(v / t - 1)) for v, t in zip(values, true, strict=True))


def exactly(a: Doubled) -> list[mpf]:
    with mp.workdps(80):
        return [mpf(float(x)) + mpf(float(y)) for x, y in zip(*a, strict=True)]


@pytest.mark.parametrize(
    ("function", "true", "of"),
    [
        (doubled.exp, mp.exp, numbers(1e-30, 600)),
        (doubled.expm1, mp.expm1, numbers(1e-30, 690)),
        (doubled.log, mp.log, tuple(map(np.abs, numbers(1e-280, 1e280)))),
        (doubled.log1p, mp.log1p, numbers(1e-30, 0.99)),
        (doubled.log1p, mp.log1p, tuple(map(np.abs, numbers(1e-3, 1e300)))),
    ],
    ids=["exp", "expm1", "log", "log1p", "log1p-of-large"],
)
def test_functions(
    function: Callable[[Doubled], Doubled], true: Callable[[mpf], mpf], of: Doubled
) -> None:
    with mp.workdps(80):
        assert worst(function(of), [true(x) for x in exactly(of)]) < 1e-30


def test_arithmetic() -> None:
    a, b = numbers(1e-30, 1e30), numbers(1e-30, 1e30)
    pairs = list(zip(exactly(a), exactly(b), strict=True))
    with mp.workdps(80):
        assert worst(doubled.multiply(a, b), [x * y for x, y in pairs]) < 1e-31
        assert worst(doubled.divide(a, b), [x / y for x, y in pairs]) < 1e-31
        assert worst(doubled.add(a, b), [x + y for x, y in pairs]) < 1e-31
        assert worst(doubled.subtract(a, b), [x - y for x, y in pairs]) < 1e-31


@pytest.mark.parametrize("count", [1, 2, 3, 7, 64, 65])
def test_totals_keep_what_one_float64_would_lose(count: int) -> None:
    """All but the first would be rounded away, one after the other."""
    high = np.full((1, count), 1e-17)
    high[0, 0] = 1.0
    found = doubled.total((high, np.zeros_like(high)))
    with mp.workdps(80):
        assert worst((found[0][0], found[1][0]), [1 + (count - 1) * mpf(1e-17)]) < 1e-31
