"""Rows whose divergence is a float64, though not every number on the way to it is one."""

import numpy as np
import pytest
from mpmath import mp, mpf

from kldiv_cli.measures import load, prepare
from tests.family import FAMILY, MODES, SMALLEST, Mode, truths, value
from tests.kernels import THREE, plans
from tests.measures.test_kernels import SETS, evaluate

INF = float("inf")
LARGEST = 1.797e308
UNIT = mpf("5e-324")
"""The smallest float64: a result below 2e-308 has no 2e-14 of itself."""

Row = list[float]
OVERFLOWS: dict[str, tuple[Row, Row, float]] = {
    "step-over-temperature": ([1, 2, -LARGEST], [1, 2, -3], 0.9),
    "half": ([1, 2, -LARGEST], [1, 2, -3], 0.5),
    "truly-infinite": ([1e308, -1e308, 0], [-1e308, 1e308, 0], 1.0),
    "truly-finite": ([1e308, -1e308, 0], [-1e308, 1e308, 0], 4.0),
    "both-ways": ([3, -LARGEST], [-4, 2], 0.5),
    "rare-class": ([0, -720], [0, -1e308], 1.0),
    "rare-class-over-temperature": ([0, -1e-97], [0, -1e308], 1e-100),
    "small-step-beside-a-large-one": ([-1.8e3, 8.5e298, -7.6e2], [6.4e307, 7.2e11, 5.4e249], 1e-3),
    "step-of-the-low-parts": ([-8.8e198, 4e-189, 4.37e307], [-1.1e199, -2.4, -1.2e249], 3.4e-69),
    "absent-beside": ([1, -INF, -LARGEST], [2, -INF, -3], 0.9),
}
UNDERFLOWS: dict[str, tuple[Row, Row, float]] = {
    "rare-class": ([0, -709], [0, -708.5], 1.0),
    "rarer-class": ([0, -720], [0, -715], 1.0),
    "many-rare-classes": ([0, *[-740.0] * 40], [0, *[-741.0] * 40], 1.0),
    "tiny-logits": ([0, -1e-150], [0, -2e-150], 1.0),
    "tinier-logits": ([0, -1e-160], [0, -2e-160], 1.0),
    "tiny-beside-large": ([0.5, -2e-155, 3e-160], [0.5, 1e-155, 0], 1.0),
    "nothing": ([0, -800], [0, -790], 1.0),
    "cold": ([0, -7.2], [0, -7.1], 0.01),
    "absent-on-one-side": ([0, -700], [0, -INF], 1.0),
    "equal-classes": ([300, 0], [0, 0], 0.7),
}
CORNERS = OVERFLOWS | UNDERFLOWS
SUMMED: tuple[Row, Row] = (
    [
        *(0.081, 0.079, 0.002, -0.144, 0.037, -0.04, 0.034, -0.026, 0.02, -0.023),
        *(0.11, -0.085, 0.14, 0.029, -0.034, 0.119, 0.247, -0.102, -0.055, 0.022),
        *(0.065, 0.036, 0.078, -0.032, 0.133, 0.023, 0.246, -0.052, 0.007, 0.031),
        *(-0.027, 0.105, -0.113, -0.055, 0.208, -0.009, 0.001, 0.148, -0.061, -0.159),
    ],
    [
        *(0.096, 0.084, 0.019, -0.135, 0.037, -0.043, 0.036, -0.037, 0.018, -0.017),
        *(0.085, -0.075, 0.129, 0.024, -0.032, 0.124, 0.269, -0.087, -0.074, 0.014),
        *(0.068, 0.023, 0.076, -0.023, 0.143, 0.022, 0.252, -0.042, 0.003, 0.009),
        *(-0.031, 0.104, -0.099, -0.051, 0.203, -0.013, 0.004, 0.144, -0.04, -0.161),
    ],
)
"""Found by a search for what a sum over 40 classes, one by one, lacks of KL(q||p)."""


def wrong(name: str, value: float, true: mpf) -> str | None:
    """What is wrong with a value: more than 2e-14 of it, and than the smallest float64."""
    if mp.isnan(true) or np.isnan(value) or np.isinf(value) or abs(true) > mpf("1.8e308"):
        return None if float(true) == value else f"{name}: {value!r}, true {mp.nstr(true, 17)}"
    off = abs(mpf(value) - true)
    return None if off <= max(UNIT, 2e-14 * true) else f"{name}: {value!r}, true {true}"


@pytest.mark.skipif(not SETS, reason="the C kernels are not built")
@pytest.mark.parametrize("instruction_set", SETS)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("corner", CORNERS)
def test_every_digit_of_the_kernels(corner: str, mode: Mode, instruction_set: str) -> None:
    """As narrow and as wide rows, either way round, and J alone as well."""
    s, t, temperature = CORNERS[corner]
    for left, right in ((s, t), (t, s)):
        for wide in (0, 70):
            pair = [list(row) + [-INF] * wide for row in (left, right)]
            true = truths(THREE, mode, pair[0], pair[1], temperature)
            for names in (THREE, THREE[:1]):
                block = np.array([pair[0]]), np.array([pair[1]])
                found = evaluate(instruction_set, (mode, names), *block, temperature).values
                said = [wrong(name, float(found[name][0]), true[name]) for name in names]
                assert not any(said), said


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("corner", CORNERS)
def test_every_digit_of_numpy(corner: str, mode: Mode) -> None:
    """Of every measure whose terms are products with logarithms, either way round."""
    s, t, temperature = CORNERS[corner]
    for left, right in ((s, t), (t, s)):
        true = truths(FAMILY, mode, left, right, temperature)
        pair = prepare(mode, np.array([left], float), np.array([right], float), temperature)
        for name in FAMILY:
            if not 0 < abs(true[name]) < SMALLEST:
                value = float(load(name).rows(pair)[0])
                assert wrong(name, value, true[name]) is None


@pytest.mark.parametrize("name", ["renyi:1.0000001", "renyi:1.5", "renyi:2", "renyi:inf"])
def test_renyi_is_infinite_where_it_overflows(name: str) -> None:
    for s, t, temperature in (
        ([3.7e299, 6e12, 1.0], [3.7e299, 6e12, 4.8e306], 1.9e-6),
        ([7.0e299, 1.2e299, 0.0], [7.0e299, 1.7e308, -1.0], 0.5),
    ):
        assert truths((name,), "softmax", s, t, temperature)[name] > LARGEST
        assert value(name, "softmax", s, t, temperature) == INF


@pytest.mark.skipif(not SETS, reason="the C kernels are not built")
@pytest.mark.parametrize("instruction_set", SETS)
def test_sums_of_narrow_rows_keep_their_digits(instruction_set: str) -> None:
    s, t = SUMMED
    found = evaluate(instruction_set, ("softmax", THREE), np.array([s]), np.array([t])).values
    true = truths(THREE, "softmax", s, t)
    for name in THREE:
        assert abs(mpf(float(found[name][0])) - true[name]) <= 1.5e-14 * true[name]


@pytest.mark.skipif(not SETS, reason="the C kernels are not built")
@pytest.mark.parametrize("instruction_set", SETS)
@pytest.mark.parametrize("kind", ["float16", "float32", "float64", "uint16"])
def test_arrays_without_cells(kind: str, instruction_set: str) -> None:
    for plan in plans(instruction_set):
        for shape in ((0, 0), (1, 0), (70, 0), (2000, 0), (0, 5)):
            values, counts = plan(np.empty(shape, kind), np.empty(shape, kind))
            assert (counts.status == 1).all()
            assert {each.shape for each in (*values, *counts)} == {shape[:-1]}
