"""Sums, percentiles and top rows by C and by NumPy: the same bits, and what definitions say."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from kldiv_cli.results import _native
from kldiv_cli.results.divergent import most_divergent
from kldiv_cli.results.exact_sum import SQUARE, ExactSum, Power
from kldiv_cli.results.statistics import SHARES, percentiles, statistics_of

pytestmark = pytest.mark.skipif(_native.load() is None, reason="no C extension")
RNG = np.random.default_rng(5)
COUNT = 40_000
LARGEST = float(np.finfo(float).max)


def special(where: int, *values: float) -> Any:
    found = RNG.lognormal(-5, 3, COUNT)
    found[where : where + len(values)] = values
    return found


ARRAYS = {
    "few": RNG.normal(size=300),
    "measured": RNG.lognormal(-5, 3, COUNT),
    "signed": RNG.normal(size=COUNT) * 10.0 ** RNG.integers(-300, 290, COUNT),
    "bits": np.ldexp(RNG.uniform(-1, 1, COUNT), RNG.integers(-1080, 1000, COUNT)),
    "tiny": RNG.integers(-9, 9, COUNT) * 5e-324,
    "huge": RNG.choice([LARGEST, -LARGEST, 2.0**960, 2.0**959, 1.0, 5e-324], COUNT),
    "narrow": RNG.uniform(10.0, 10.4, COUNT),
    "one": np.full(COUNT, 0.25),
    "mostly-one": special(0, *[0.5] * (COUNT - 9)),
    "zeros": np.where(RNG.random(COUNT) < 0.5, 0.0, RNG.lognormal(size=COUNT)),
    "signed-zeros": np.where(np.arange(COUNT) % 2 == 0, -0.0, 0.0),
    "inf": special(3000, math.inf, 1.0, math.inf),
    "both-inf": special(3000, math.inf, -math.inf),
    "nan": special(7, math.nan, math.inf, -math.nan),
    "strided": RNG.lognormal(size=2 * COUNT)[::2],
}

arrays = pytest.mark.parametrize("name", ARRAYS)
Both = Callable[[Callable[[], Any]], tuple[Any, Any]]


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch) -> Both:
    """What a function returns by C, and what by NumPy."""

    def call(function: Callable[[], Any]) -> tuple[Any, Any]:
        by_c = function()
        with monkeypatch.context() as patch:
            patch.setenv("KLDIV_KERNELS", "numpy")
            assert _native.load() is None
            return by_c, function()

    return call


@arrays
@pytest.mark.parametrize("change", [None, SQUARE, Power(0.3, 4.0, 1), Power(0.3, 4.0, 2)], ids=str)
def test_sums(name: str, change: Power | None, both: Both) -> None:
    x = ARRAYS[name]
    with np.errstate(over="ignore", invalid="ignore"):
        by_c, by_numpy = both(
            lambda: ExactSum.of(x) if change is None else ExactSum.of_powers(x, change)
        )
        assert by_c == by_numpy
        changed = x if change is None else change(x)
    try:
        expected = math.fsum(changed.tolist())
    except (OverflowError, ValueError):
        return
    assert repr(float(by_c)) == repr(expected)


@arrays
def test_statistics(name: str, both: Both) -> None:
    with np.errstate(over="ignore", invalid="ignore"):
        by_c, by_numpy = both(lambda: statistics_of(ARRAYS[name].copy(), spend=True))
    assert repr(by_c) == repr(by_numpy)
    ordered = (by_c[stat] for stat in ("min", "max", *SHARES))
    assert "-0.0" not in map(repr, ordered)


@arrays
def test_percentiles(name: str) -> None:
    x = ARRAYS[name]
    found = percentiles(x, SHARES)
    ordered = np.sort(x) + 0.0
    if np.isnan(x).any():
        assert set(map(repr, found.values())) == {"nan"}
        return
    for share, (part, whole) in SHARES.items():
        place, rest = divmod((len(x) - 1) * part, whole)
        assert ordered[place] <= found[share] <= ordered[min(place + 1, len(x) - 1)]
        assert rest or found[share] == ordered[place]


@pytest.mark.parametrize("keep", [0, 1, 20, 256])
@pytest.mark.parametrize("counted", [0.0, 0.001, 0.9, 1.0])
@pytest.mark.parametrize("name", ["measured", "zeros", "one", "inf", "nan", "tiny"])
def test_top_rows(name: str, counted: float, keep: int, both: Both) -> None:
    x = ARRAYS[name][:3000]
    kept = RNG.random(len(x)) < counted
    by_c, by_numpy = both(lambda: sorted(most_divergent(x, kept, keep).tolist()))
    assert by_c == by_numpy


@pytest.mark.parametrize(
    "call",
    [
        lambda native: native.exact_sum(np.zeros(3, np.float32)),
        lambda native: native.exact_sum(np.zeros(6)[::2]),
        lambda native: native.around(np.zeros(3), 0.0, 0.0, (1, 0)),
        lambda native: native.around(np.zeros(3), 0.0, 0.0, (3,)),
        lambda native: native.around(np.zeros(3), 0.0, 0.0, ("a",)),
        lambda native: native.top(np.zeros(3), np.zeros(2, bool), 1),
    ],
)
def test_what_does_not_fit_is_refused(call: Callable[[Any], Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        call(_native.load())
