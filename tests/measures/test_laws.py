"""Laws that hold for every pair of distributions: signs, symmetries, bounds, sums, independence."""

import math
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from kldiv_cli.measures import load, prepare
from kldiv_cli.measures.distributions.pair import Pair
from tests.family import DIVERGENCES, FAMILY, MODES, SMALLEST, SYMMETRIC, Mode

Array = npt.NDArray[np.floating[Any]]
INF = math.inf
TOLERANCE = 2e-14
ROUNDING = 1 + 2 * TOLERANCE
"""By how much two values that are both right to `TOLERANCE` may be the wrong way round."""
COUNTED = 0

laws = settings(deadline=None, derandomize=True, database=None, max_examples=100)
modes = st.sampled_from(MODES)
temperatures = st.sampled_from([1.0, 0.5, 0.7, 3.0])
finite = st.floats(-60, 60)
masked = finite | st.sampled_from([-INF, -1e12, -3e38])


def pairs(
    elements: st.SearchStrategy[float], rows: int = 1, classes: int = 6
) -> st.SearchStrategy[Array]:
    """Both sides: an array of shape (2, rows, up to `classes`)."""
    shapes = st.integers(1, classes).map(lambda n: (2, rows, n))
    return hnp.arrays(np.float64, shapes, elements=elements) | near(elements, shapes)


@st.composite
def near(
    draw: st.DrawFn,
    elements: st.SearchStrategy[float],
    shapes: st.SearchStrategy[tuple[int, int, int]],
) -> Array:
    """Two sides that hardly differ."""
    shape = draw(shapes)
    s = draw(hnp.arrays(np.float64, shape[1:], elements=elements))
    noise = draw(hnp.arrays(np.float64, shape[1:], elements=st.floats(-1, 1)))
    return np.stack([s, s + draw(st.sampled_from([1e-15, 1e-9, 1e-3])) * noise])


def prepared(mode: Mode, pair: Array, temperature: float = 1.0) -> Pair:
    found = prepare(mode, pair[0], pair[1], temperature)
    assume((found.status == COUNTED).all())
    return found


def total(name: str, pair: Pair) -> float:
    return float(load(name).rows(pair)[0])


def close(left: float, right: float) -> bool:
    """Equal to the tolerance, or both where no digits are promised."""
    if math.isinf(left) or math.isinf(right):
        return left == right
    return abs(left - right) <= TOLERANCE * max(left, right) or max(left, right) <= SMALLEST


@laws
@given(modes, pairs(masked), temperatures)
def test_never_negative(mode: Mode, pair: Array, temperature: float) -> None:
    both = prepared(mode, pair, temperature)
    for name in FAMILY:
        assert total(name, both) >= 0, name


@laws
@given(modes, pairs(st.floats(-1e300, 1e300)), temperatures)
def test_never_negative_of_huge_logits(mode: Mode, pair: Array, temperature: float) -> None:
    both = prepared(mode, pair, temperature)
    for name in FAMILY:
        assert total(name, both) >= 0, name


@laws
@given(modes, pairs(masked), temperatures)
def test_zero_on_equal_input(mode: Mode, pair: Array, temperature: float) -> None:
    both = prepared(mode, pair[[0, 0]], temperature)
    assert [name for name in DIVERGENCES if total(name, both) != 0] == []
    entropies = {total(name, both) for name in ("entropy", "entropy-candidate", "cross-entropy")}
    assert len(entropies) == 1


EXCHANGED = [
    *((name, name) for name in SYMMETRIC),
    ("kl", "reverse-kl"),
    ("entropy", "entropy-candidate"),
    *((f"skew-kl:{lam}", f"skew-reverse-kl:{lam}") for lam in ("0", "0.1", "0.5", "0.9")),
    *((f"gjs:{b}", f"gjs:{1 - b}") for b in (0.5, 0.25, 0.125, 2**-20)),
]


@pytest.mark.parametrize(("forward", "backward"), EXCHANGED)
def test_exchanged_sides(forward: str, backward: str) -> None:
    @laws
    @given(modes, pairs(masked), temperatures)
    def law(mode: Mode, pair: Array, temperature: float) -> None:
        ours = total(forward, prepared(mode, pair, temperature))
        theirs = total(backward, prepared(mode, pair[::-1], temperature))
        assert close(ours, theirs), (ours, theirs)

    law()


def test_equal_parameters_are_equal_measures() -> None:
    rng = np.random.default_rng(5)
    for mode in MODES:
        both = prepare(mode, *(3 * rng.standard_normal((2, 8, 5))))
        for left, right in (
            *(("js", "gjs:0.5"), ("kl", "skew-kl:0"), ("reverse-kl", "skew-reverse-kl:0")),
            ("renyi:2", "renyi:2.0"),
        ):
            assert load(left).rows(both) == pytest.approx(load(right).rows(both), rel=TOLERANCE)


@laws
@given(modes, pairs(masked), temperatures)
def test_bounds_per_distribution(mode: Mode, pair: Array, temperature: float) -> None:
    cells = pair if mode == "softmax" else pair.transpose(0, 2, 1)
    both = prepare(mode, cells[0], cells[1], temperature)
    for name, bound in (
        *(("js", math.log(2)), ("gjs:0.5", math.log(2)), ("tv", 1.0), ("hellinger", 1.0)),
        *(("skew-kl:0.9", -math.log(0.9) * ROUNDING), ("gjs:0.1", 0.3250829733914482)),
    ):
        values = load(name).rows(both)
        assert (values[both.status == COUNTED] <= bound).all(), name
    entropy = load("entropy").rows(both)[both.status == COUNTED]
    outcomes = pair.shape[2] if mode == "softmax" else 2
    assert (entropy <= math.log(outcomes) * (1 + 1e-14)).all()


ORDERS = (
    *("renyi:0.1", "renyi:0.5", "renyi:0.999", "kl"),
    *("renyi:1.001", "renyi:2", "renyi:3", "renyi:inf"),
)


@laws
@given(modes, pairs(masked), temperatures)
def test_renyi_grows_with_its_order(mode: Mode, pair: Array, temperature: float) -> None:
    both = prepared(mode, pair, temperature)
    values = [total(name, both) for name in ORDERS]
    for smaller, larger in pairwise(values):
        assert smaller <= larger * ROUNDING or larger <= SMALLEST, values


@laws
@given(modes, pairs(masked), temperatures)
def test_what_adds_up(mode: Mode, pair: Array, temperature: float) -> None:
    both = prepared(mode, pair, temperature)
    value: Callable[[str], float] = partial(total, pair=both)
    assert close(value("jeffreys"), value("kl") + value("reverse-kl"))
    assert close(value("cross-entropy"), value("entropy") + value("kl"))
    assert close(value("js"), 0.5 * (value("skew-kl:0.5") + value("skew-reverse-kl:0.5"))) or value(
        "js"
    ) == math.log(2)


@laws
@given(pairs(masked), temperatures)
def test_inequalities_between_measures(pair: Array, temperature: float) -> None:
    """Pinsker's, and those of Le Cam, Lin and Gibbs."""
    both = prepared("softmax", pair, temperature)
    value: Callable[[str], float] = partial(total, pair=both)
    tv, hellinger = value("tv"), value("hellinger")
    for smaller, larger in (
        (2 * tv**2, value("kl")),
        (2 * tv**2, value("reverse-kl")),
        (hellinger, tv),
        (tv**2, hellinger * (2 - hellinger)),
        (value("js"), math.log(2) * tv),
        (value("js"), value("jeffreys") / 4),
        (value("skew-kl:0.1"), 0.9 * value("kl")),
        (value("entropy"), value("cross-entropy")),
    ):
        assert smaller <= larger * ROUNDING or smaller <= SMALLEST, (smaller, larger)


@laws
@given(modes, pairs(masked, rows=4), st.randoms(use_true_random=False))
def test_a_row_does_not_depend_on_the_others(mode: Mode, block: Array, random: Any) -> None:
    both = prepare(mode, *block)
    chosen = list(range(block.shape[1]))
    random.shuffle(chosen)
    for name in FAMILY:
        rows = load(name).rows(both)
        shuffled = load(name).rows(prepare(mode, *block[:, chosen]))
        alone = [load(name).rows(prepare(mode, *block[:, [i]]))[0] for i in chosen]
        for i, one, other in zip(chosen, shuffled, alone, strict=True):
            assert np.isnan([rows[i], one, other]).sum() in {0, 3}
            assert np.isnan(other) or (close(rows[i], one) and close(one, other)), name


@laws
@given(modes, pairs(masked, rows=3), temperatures, st.randoms(use_true_random=False))
def test_a_measure_does_not_depend_on_those_before_it(
    mode: Mode, block: Array, temperature: float, random: Any
) -> None:
    """What measures share is kept on the pair; none may change it for the next."""
    names = [*FAMILY, *FAMILY]
    random.shuffle(names)
    both = prepare(mode, block[0], block[1], temperature)
    for name in names:
        fresh = load(name).rows(prepare(mode, block[0], block[1], temperature))
        assert np.array_equal(load(name).rows(both), fresh, equal_nan=True), name


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_input_is_never_written_to(
    mode: Mode, dtype: type[np.floating[Any]], temperature: float
) -> None:
    s, t = np.random.default_rng(7).standard_normal((2, 6, 9)).astype(dtype)
    s[1, 4] = t[1, 4] = t[2, 5] = s[3, 1] = -INF
    s[4, 2], t[5, 0] = np.nan, 60000.0
    kept = s.copy(), t.copy()
    s.setflags(write=False)
    t.setflags(write=False)
    both = prepare(mode, s, t, temperature)
    for name in FAMILY:
        values = load(name).rows(both)
        assert values.dtype == np.float64
        assert values.shape == (6,)
        assert np.array_equal(s, kept[0], equal_nan=True), name
        assert np.array_equal(t, kept[1], equal_nan=True), name
        fortran = prepare(mode, np.asfortranarray(s), np.asfortranarray(t), temperature)
        assert load(name).rows(fortran) == pytest.approx(values, rel=TOLERANCE, abs=0, nan_ok=True)
