import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from mpmath import mpf
from scipy.special import rel_entr
from scipy.special import softmax as scipy_softmax

from kldiv_cli.measures import load, prepare
from tests.oracle import oracle, relative_error
from tests.regimes import CASES, EXACT_SHIFTS, Case

Mode = Literal["softmax", "sigmoid"]
Array = npt.NDArray[np.floating[Any]]

MODES: tuple[Mode, ...] = ("softmax", "sigmoid")
COUNTED, SKIPPED, INVALID = 0, 1, 2
INF, NAN = math.inf, math.nan

TOLERANCE = 2e-14
SMALLEST = mpf("1e-290")
"""Digits are promised above this; below, float64 itself runs out of exponents."""

laws = settings(deadline=None, derandomize=True, database=None, max_examples=200)


def jeffreys(mode: Mode, s: Array, t: Array, temperature: float = 1.0) -> npt.NDArray[np.float64]:
    return load("jeffreys").rows(prepare(mode, s, t, temperature))


def one(mode: Mode, s: Sequence[float], t: Sequence[float], temperature: float = 1.0) -> float:
    return float(jeffreys(mode, np.array([s]), np.array([t]), temperature)[0])


def complaints(
    mode: Mode, s: Array, t: Array, values: npt.NDArray[np.float64], temperature: float = 1.0
) -> list[str]:
    """What is wrong with the values of counted rows, in words."""
    found = []
    for row, value in enumerate(values):
        true = oracle("jeffreys", mode, s[row], t[row], temperature)
        error = relative_error(float(value), true)
        if not value >= 0 or (true > SMALLEST and not error <= TOLERANCE):
            found.append(
                f"T={temperature} row {row}: {float(value)!r}, true {float(true)!r}, "
                f"relative error {error:.2e}"
            )
    return found


@pytest.mark.parametrize(
    ("mode", "s", "t", "published"),
    [
        ("softmax", (2, 1, 0, -1), (1.5, 1.2, -0.3, 0.4), 0.284691230256762),
        ("sigmoid", (2, 1, 0, -1), (1.5, 1.2, -0.3, 0.4), 0.523082031148859),
        (
            "softmax",
            np.log((0.2, 0.5, 0.2, 0.1)),
            np.log((0.3, 0.4, 0.1, 0.2)),
            0.10169682996276 + 0.0997934720914665,
        ),
        ("softmax", np.log((0.2, 0.5, 0.2, 0.1)), (-INF, math.log(0.9), -INF, math.log(0.1)), INF),
    ],
    ids=["softmax", "sigmoid", "distributions", "zero-in-one-distribution"],
)
def test_published_numbers(
    mode: Mode, s: Sequence[float], t: Sequence[float], published: float
) -> None:
    assert one(mode, s, t) == pytest.approx(published, rel=TOLERANCE, abs=5e-15)
    assert one(mode, t, s) == pytest.approx(published, rel=TOLERANCE, abs=5e-15)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_every_digit_in_every_regime(case: Case, mode: Mode) -> None:
    assert not [
        complaint
        for temperature in case.temperatures
        for complaint in complaints(
            mode, case.s, case.t, jeffreys(mode, case.s, case.t, temperature), temperature
        )
    ]


def test_case_ids_are_unique() -> None:
    assert len({case.id for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", EXACT_SHIFTS, ids=[case.id for case in EXACT_SHIFTS])
def test_shifted_rows_are_exactly_equal(case: Case) -> None:
    for temperature in case.temperatures:
        assert jeffreys("softmax", case.s, case.t, temperature).tolist() == [0.0] * len(case.s)


@dataclass(frozen=True)
class Edge:
    """A row and what must come of it; `value` None: above 0 and finite, as the oracle has it."""

    id: str
    s: tuple[float, float, float]
    t: tuple[float, float, float]
    status: int = COUNTED
    value: float | None = None


LEAST32 = float(np.finfo(np.float32).min)

SHARED_EDGES = (
    Edge("plain", (2, 1, 0), (1.5, 1.25, -0.25)),
    Edge("identical", (2, 1, -0.3), (2, 1, -0.3), value=0),
    Edge("all-zero", (0, 0, 0), (0, 0, 0), value=0),
    Edge("minus-inf-on-both-sides", (2, -INF, 0), (1, -INF, 1)),
    Edge("identical-with-minus-inf", (2, -INF, 0.1), (2, -INF, 0.1), value=0),
    Edge("candidate-minus-inf-only", (2, 1, 0), (1, -INF, 1), value=INF),
    Edge("reference-minus-inf-only", (2, -INF, 0), (1, 2, 1), value=INF),
    Edge("candidate-minus-inf-at-the-largest", (2, 1, 0), (-INF, 1, 0), value=INF),
    Edge("reference-minus-inf-at-the-largest", (-INF, 1, 0), (2, 1, 0), value=INF),
    Edge(
        "candidate-minus-inf-where-the-reference-underflows", (0, -800, 0), (0, -INF, 0), value=INF
    ),
    Edge("minus-inf-crosswise", (2, -INF, 0), (-INF, 1, 0), value=INF),
    Edge("disjoint-supports", (2, -INF, -INF), (-INF, 1, 0), value=INF),
    Edge("minus-inf-both-and-one-sided", (-INF, -INF, 0), (-INF, 1, 0), value=INF),
    Edge("only-minus-inf", (-INF,) * 3, (-INF,) * 3, SKIPPED, NAN),
    Edge("nan-in-the-reference", (2, NAN, 0), (2, 1, 0), INVALID, NAN),
    Edge("nan-in-the-candidate", (2, 1, 0), (2, NAN, 0), INVALID, NAN),
    Edge("nan-on-both-sides", (2, NAN, 0), (2, NAN, 0), INVALID, NAN),
    Edge("nan-against-minus-inf", (2, NAN, 0), (2, -INF, 0), INVALID, NAN),
    Edge("minus-inf-against-nan", (2, -INF, 0), (2, NAN, 0), INVALID, NAN),
    Edge("nan-in-only-minus-inf", (-INF, NAN, -INF), (-INF,) * 3, INVALID, NAN),
    Edge("nan-in-only-minus-inf-of-the-candidate", (-INF,) * 3, (NAN, -INF, -INF), INVALID, NAN),
    Edge("only-nan", (NAN,) * 3, (NAN,) * 3, INVALID, NAN),
    Edge("nan-and-plus-inf", (NAN, INF, 0), (1, 2, 3), INVALID, NAN),
    Edge("mask-1e12-on-both-sides", (2, -1e12, 0), (1, -1e12, 1)),
    Edge("mask-least-on-both-sides", (2, LEAST32, 0), (1, LEAST32, 1)),
    Edge("mask-1e12-and-least", (2, -1e12, 0), (1, LEAST32, 1)),
    Edge("mask-1e12-and-equal-rest", (2, -1e12, 0), (2, -1e12, 0), value=0),
    Edge("mask-1e12-in-the-candidate-only", (2, 1, 0), (2, -1e12, 0)),
    Edge("mask-1e12-in-the-reference-only", (2, -1e12, 0), (2, 1, 0)),
    Edge("mask-least-in-the-candidate-only", (2, 1, 0), (2, LEAST32, 0)),
    Edge("mask-least-in-the-reference-only", (2, LEAST32, 0), (2, 1, 0)),
    Edge("mask-least-against-minus-inf", (2, LEAST32, 0), (2, -INF, 0), value=INF),
    Edge("minus-inf-against-mask-least", (2, -INF, 0), (2, LEAST32, 0), value=INF),
)

EDGES: dict[Mode, tuple[Edge, ...]] = {
    "softmax": (
        *SHARED_EDGES,
        Edge("shifted", (2, 1, 0), (-5, -6, -7), value=0),
        Edge("shifted-with-minus-inf", (2, -INF, 0), (5, -INF, 3), value=0),
        Edge("one-class-left-on-both-sides", (-INF, 1, -INF), (-INF, 7, -INF), value=0),
        Edge("only-minus-inf-in-the-reference", (-INF,) * 3, (2, 1, 0), INVALID, NAN),
        Edge("only-minus-inf-in-the-candidate", (2, 1, 0), (-INF,) * 3, INVALID, NAN),
        Edge("plus-inf-in-the-reference", (INF, 1, 0), (2, 1, 0), INVALID, NAN),
        Edge("plus-inf-in-the-candidate", (2, 1, 0), (2, 1, INF), INVALID, NAN),
        Edge("plus-inf-on-both-sides", (2, INF, 0), (2, INF, 0), INVALID, NAN),
        Edge("plus-inf-against-minus-inf", (2, INF, 0), (2, -INF, 0), INVALID, NAN),
        Edge("plus-inf-among-minus-inf", (INF, -INF, -INF), (INF, -INF, -INF), INVALID, NAN),
        Edge("plus-inf-against-only-minus-inf", (INF, 0, 0), (-INF,) * 3, INVALID, NAN),
        Edge("only-plus-inf", (INF,) * 3, (INF,) * 3, INVALID, NAN),
    ),
    "sigmoid": (
        *SHARED_EDGES,
        Edge("shifted", (2, 1, 0), (-5, -6, -7)),
        Edge("only-minus-inf-in-the-reference", (-INF,) * 3, (2, 1, 0), value=INF),
        Edge("only-minus-inf-in-the-candidate", (2, 1, 0), (-INF,) * 3, value=INF),
        Edge("plus-inf-in-the-reference", (INF, 1, 0), (2, 1, 0), value=INF),
        Edge("plus-inf-in-the-candidate", (2, 1, 0), (2, 1, INF), value=INF),
        Edge("plus-inf-on-both-sides", (2, INF, 0), (1, INF, 1)),
        Edge("plus-inf-on-both-sides-of-equal-rows", (2, INF, 0), (2, INF, 0), value=0),
        Edge("plus-inf-against-minus-inf", (2, INF, 0), (2, -INF, 0), value=INF),
        Edge("plus-inf-among-minus-inf", (INF, -INF, -INF), (INF, -INF, -INF), value=0),
        Edge("plus-inf-against-only-minus-inf", (INF, 0, 0), (-INF,) * 3, value=INF),
        Edge("only-plus-inf", (INF,) * 3, (INF,) * 3, value=0),
        Edge("both-infinities-on-both-sides", (INF, -INF, 1), (INF, -INF, -1)),
    ),
}
ALL_EDGES = [
    pytest.param(mode, edge, id=f"{mode}-{edge.id}") for mode in MODES for edge in EDGES[mode]
]


def assert_edge(mode: Mode, edge: Edge, value: float, status: int, temperature: float) -> None:
    true = oracle("jeffreys", mode, edge.s, edge.t, temperature)
    if edge.value is None:
        assert 0 < true < INF
    else:
        assert relative_error(edge.value, true) == 0
    assert (edge.id, status) == (edge.id, edge.status)
    assert relative_error(value, true) <= TOLERANCE, (edge.id, value, float(true))


@pytest.mark.parametrize("temperature", [1.0, 0.5, 3.0])
@pytest.mark.parametrize(("mode", "edge"), ALL_EDGES)
def test_edges(mode: Mode, edge: Edge, temperature: float) -> None:
    pair = prepare(mode, np.array([edge.s]), np.array([edge.t]), temperature)
    values = load("jeffreys").rows(pair)
    assert values.shape == pair.status.shape == (1,)
    assert values.dtype == np.float64
    assert pair.status.dtype == np.uint8
    assert_edge(mode, edge, float(values[0]), int(pair.status[0]), temperature)


@pytest.mark.parametrize("mode", MODES)
def test_edges_of_narrow_floats(mode: Mode) -> None:
    """-1e12 saved as float16 is -inf, and float32's least value is a mask like any other."""
    s, t = [2.0, -1e12, 0.0], [1.0, -1e12, 1.0]
    with np.errstate(over="ignore"):
        half_s, half_t = np.array([s]).astype(np.float16), np.array([t]).astype(np.float16)
    assert np.isneginf(half_s[0, 1])
    without = jeffreys(mode, np.array([[2.0, 0.0]]), np.array([[1.0, 1.0]]))
    assert jeffreys(mode, half_s, half_t) == pytest.approx(without, rel=TOLERANCE)
    single_s, single_t = np.array([s], np.float32), np.array([t], np.float32)
    assert jeffreys(mode, single_s, single_t) == pytest.approx(without, rel=TOLERANCE)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("turn", range(4))
def test_rows_of_a_block_do_not_touch_each_other(mode: Mode, turn: int) -> None:
    edges = [EDGES[mode][i] for i in np.random.default_rng(turn).permutation(len(EDGES[mode]))]
    pair = prepare(mode, np.array([edge.s for edge in edges]), np.array([edge.t for edge in edges]))
    for edge, value, status in zip(edges, load("jeffreys").rows(pair), pair.status, strict=True):
        assert_edge(mode, edge, float(value), int(status), 1.0)


@pytest.mark.parametrize(("mode", "edge"), ALL_EDGES)
def test_a_row_is_the_same_beside_any_other(mode: Mode, edge: Edge) -> None:
    plain_s, plain_t = (2.0, 1.0, 0.0), (2.0, 1.0 + 1e-9, 1e-9)
    pair = prepare(mode, np.array([plain_s, edge.s, plain_s]), np.array([plain_t, edge.t, plain_t]))
    first, middle, last = load("jeffreys").rows(pair)
    true = oracle("jeffreys", mode, plain_s, plain_t)
    assert pair.status.tolist() == [COUNTED, edge.status, COUNTED]
    assert max(relative_error(float(first), true), relative_error(float(last), true)) <= TOLERANCE
    assert_edge(mode, edge, float(middle), edge.status, 1.0)


@pytest.mark.parametrize("mode", MODES)
def test_regimes_mixed_in_one_block(mode: Mode) -> None:
    """A row's digits do not depend on which path its neighbours need."""
    cases = [case for case in CASES if case.s.shape[1] == 10 and case.s.dtype == np.float64]
    s, t = np.concatenate([c.s[:1] for c in cases]), np.concatenate([c.t[:1] for c in cases])
    order = np.random.default_rng(3).permutation(len(s))
    assert len(s) > 100
    assert not complaints(mode, s[order], t[order], jeffreys(mode, s[order], t[order]))


@pytest.mark.parametrize("mode", MODES)
def test_blocks_without_a_counted_row(mode: Mode) -> None:
    s = np.array([[-INF, -INF], [NAN, 1.0]])
    pair = prepare(mode, s, s)
    assert pair.status.tolist() == [SKIPPED, INVALID]
    assert np.isnan(load("jeffreys").rows(pair)).all()


@pytest.mark.parametrize("mode", MODES)
def test_a_block_without_rows(mode: Mode) -> None:
    pair = prepare(mode, np.empty((0, 5)), np.empty((0, 5)))
    assert pair.status.shape == load("jeffreys").rows(pair).shape == (0,)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_layout_does_not_matter_and_input_is_left_alone(
    mode: Mode, dtype: type[np.floating[Any]]
) -> None:
    rng = np.random.default_rng(7)
    s, t = rng.standard_normal((2, 6, 22)).astype(dtype)
    s[1, 4] = t[1, 4] = t[2, 5] = -INF
    s[3, 2] = NAN
    s[4], t[4] = -INF, -INF
    kept_s, kept_t = s.copy(), t.copy()
    s.setflags(write=False)
    t.setflags(write=False)
    expected = jeffreys(mode, s, t)
    assert jeffreys(mode, np.asfortranarray(s), t) == pytest.approx(
        expected, rel=TOLERANCE, nan_ok=True
    )
    assert jeffreys(mode, s[::-2, ::-2], t[::-2, ::-2]) == pytest.approx(
        jeffreys(mode, s[::-2, ::-2].copy(), t[::-2, ::-2].copy()), rel=TOLERANCE, nan_ok=True
    )
    assert np.array_equal(s, kept_s, equal_nan=True)
    assert np.array_equal(t, kept_t, equal_nan=True)


def test_softmax_agrees_with_scipy_where_scipy_is_right() -> None:
    s, t = 2 * np.random.default_rng(11).standard_normal((2, 50, 30))
    p, q = scipy_softmax(s, axis=1), scipy_softmax(t, axis=1)
    expected = (rel_entr(p, q) + rel_entr(q, p)).sum(axis=1)
    assert jeffreys("softmax", s, t) == pytest.approx(expected, rel=TOLERANCE)


def test_sigmoid_is_a_softmax_against_zero_per_cell() -> None:
    s, t = 5 * np.random.default_rng(13).standard_normal((2, 200, 1))
    zero = np.zeros_like(s)
    assert jeffreys("sigmoid", s, t) == pytest.approx(
        jeffreys("softmax", np.hstack([s, zero]), np.hstack([t, zero])), rel=TOLERANCE
    )


modes = st.sampled_from(MODES)
temperatures = st.sampled_from([1.0, 0.5, 0.7, 3.0])


def pairs(
    elements: st.SearchStrategy[float],
    dtype: type[np.floating[Any]] = np.float64,
    classes: int = 8,
) -> st.SearchStrategy[Array]:
    """Both sides of one row: an array of shape (2, 1, up to `classes`)."""
    shapes = st.integers(1, classes).map(lambda n: (2, 1, n))
    return hnp.arrays(dtype, shapes, elements=elements)


def close(left: float, right: float) -> bool:
    """Equal to the tolerance, or both where no digits are promised."""
    return abs(left - right) <= TOLERANCE * max(left, right) or max(left, right) <= SMALLEST


logits = st.floats(-60, 60)
masked_logits = logits | st.sampled_from([-INF, -1e12, -3e38])


@laws
@given(modes, pairs(st.floats(-1e300, 1e300)), temperatures)
def test_law_never_negative(mode: Mode, pair: Array, temperature: float) -> None:
    s, t = pair
    assert jeffreys(mode, s, t, temperature)[0] >= 0


@laws
@given(modes, pairs(masked_logits), temperatures)
def test_law_never_negative_with_masks(mode: Mode, pair: Array, temperature: float) -> None:
    s, t = pair
    prepared = prepare(mode, s, t, temperature)
    value = load("jeffreys").rows(prepared)[0]
    assert value >= 0 if prepared.status[0] == COUNTED else np.isnan(value)


@laws
@given(modes, pairs(masked_logits), temperatures)
def test_law_zero_on_equal_input(mode: Mode, pair: Array, temperature: float) -> None:
    assume(np.isfinite(pair[0]).any())
    assert jeffreys(mode, pair[0], pair[0].copy(), temperature)[0] == 0


@laws
@given(modes, pairs(masked_logits), temperatures)
def test_law_symmetric(mode: Mode, pair: Array, temperature: float) -> None:
    s, t = pair
    assume(prepare(mode, s, t).status[0] == COUNTED)
    forward, backward = jeffreys(mode, s, t, temperature)[0], jeffreys(mode, t, s, temperature)[0]
    assert forward == backward or close(forward, backward)


eighths = st.integers(-(2**19), 2**19).map(lambda i: i / 8)


@laws
@given(pairs(eighths, np.float32), eighths, eighths, temperatures)
def test_law_softmax_ignores_exact_shifts(
    pair: Array, left: float, right: float, temperature: float
) -> None:
    s, t = pair
    shifted_s, shifted_t = s + np.float32(left), t + np.float32(right)
    assert np.array_equal(shifted_s - np.float32(left), s)
    assert jeffreys("softmax", s, shifted_s, temperature)[0] == 0
    assert close(
        jeffreys("softmax", shifted_s, shifted_t, temperature)[0],
        jeffreys("softmax", s, t, temperature)[0],
    )


@laws
@given(modes, pairs(masked_logits, classes=40), st.randoms(use_true_random=False))
def test_law_order_of_classes_does_not_matter(mode: Mode, pair: Array, random: Any) -> None:
    s, t = pair
    assume(prepare(mode, s, t).status[0] == COUNTED)
    order = list(range(s.shape[1]))
    random.shuffle(order)
    value, permuted = jeffreys(mode, s, t)[0], jeffreys(mode, s[:, order], t[:, order])[0]
    assert value == permuted or close(value, permuted)


@laws
@given(pairs(logits), temperatures)
def test_law_sigmoid_is_even_and_adds_over_cells(pair: Array, temperature: float) -> None:
    s, t = pair
    value = jeffreys("sigmoid", s, t, temperature)[0]
    cells = jeffreys("sigmoid", s.T, t.T, temperature)
    assert close(value, jeffreys("sigmoid", -s, -t, temperature)[0])
    assert close(value, math.fsum(cells))


@laws
@given(modes, pairs(st.floats(-80, 80, width=32), np.float32, 5), temperatures)
def test_law_agrees_with_the_oracle_in_float32(mode: Mode, pair: Array, temperature: float) -> None:
    s, t = pair
    assert not complaints(mode, s, t, jeffreys(mode, s, t, temperature), temperature)


@laws
@given(modes, pairs(st.floats(-700, 700), classes=5), temperatures)
def test_law_agrees_with_the_oracle_in_float64(mode: Mode, pair: Array, temperature: float) -> None:
    s, t = pair
    assert not complaints(mode, s, t, jeffreys(mode, s, t, temperature), temperature)


@laws
@given(
    modes,
    pairs(st.floats(-5, 5), classes=5),
    st.floats(1e-15, 1.0),
    st.floats(-1e6, 1e6),
    temperatures,
)
def test_law_agrees_with_the_oracle_near_equality(
    mode: Mode, pair: Array, delta: float, shift: float, temperature: float
) -> None:
    s, noise = pair
    t = s + delta * noise + shift
    assert not complaints(mode, s, t, jeffreys(mode, s, t, temperature), temperature)
