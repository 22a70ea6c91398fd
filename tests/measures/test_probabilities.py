"""Probabilities, log-probabilities and smoothing, against their definitions."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from mpmath import mp

from kldiv_cli.measures import load, prepare
from kldiv_cli.measures.distributions.kinds import KINDS, Kind, to_logits
from kldiv_cli.measures.rows.absence import without
from kldiv_cli.measures.types import Mode, Status
from kldiv_cli.sources.base import sum_tolerance
from tests.oracle import of_probabilities, relative_error

Array = npt.NDArray[np.float64]
MEASURES = (
    *("jeffreys", "kl", "reverse-kl", "js", "gjs:0.1", "skew-kl:0.1", "skew-reverse-kl:0.1"),
    *("tv", "hellinger", "renyi:0.5", "renyi:2", "renyi:inf"),
    *("cross-entropy", "entropy", "entropy-candidate"),
)
PROBS: tuple[Kind, Kind] = ("probs", "probs")
D1, D2, D3, D4 = (0.2, 0.5, 0.2, 0.1), (0.3, 0.4, 0.1, 0.2), (0.1, 0.1, 0.1, 0.7), (0, 0.9, 0, 0.1)


def close(delta: float, classes: int = 12) -> tuple[Array, Array]:
    """Two rows of probabilities whose logits differ by about delta."""
    random = np.random.default_rng(round(-math.log10(delta)) + classes)
    s = 3 * random.normal(size=classes)
    t = s + delta * random.normal(size=classes)
    p, q = np.exp(s), np.exp(t)
    return p / p.sum(), q / q.sum()


def value(name: str, p: npt.ArrayLike, q: npt.ArrayLike, smooth: float = 0.0) -> float:
    pair = prepare("softmax", np.array([p], float), np.array([q], float), 1.0, PROBS, smooth)
    return float(load(name).rows(pair)[0])


@pytest.mark.parametrize("smooth", [0.0, 1e-6, 0.1])
@pytest.mark.parametrize("delta", [1e-12, 1e-8, 1e-4, 0.01, 1.0, 10.0])
@pytest.mark.parametrize("name", MEASURES)
def test_every_digit_of_probabilities(name: str, delta: float, smooth: float) -> None:
    p, q = close(delta)
    true = of_probabilities(name, p, q, smooth)
    assert relative_error(value(name, p, q, smooth), true) <= 2e-14


@pytest.mark.parametrize(
    ("prediction", "label", "true"),
    [
        pytest.param(D1, D2, 0.10169682996276, id="d1-d2"),
        pytest.param(D1, D3, 1.06256387698332, id="d1-d3"),
        pytest.param(D2, D1, 0.0997934720914665, id="d2-d1"),
        pytest.param(D4, D1, math.inf, id="d4-d1"),
        pytest.param(D1, D4, 0.5290079984119, id="d1-d4"),
    ],
)
def test_published_numbers(
    prediction: tuple[float, ...], label: tuple[float, ...], true: float
) -> None:
    assert value("kl", label, prediction) == pytest.approx(true, rel=2e-13)


@pytest.mark.parametrize("smooth", [0.0, 0.25])
@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize(
    ("p", "q"),
    [
        pytest.param(D1, D4, id="candidate-zeros"),
        pytest.param(D4, D1, id="reference-zeros"),
        pytest.param(D4, D4, id="the-same-zeros"),
        pytest.param((1, 0, 0), (0, 0.5, 0.5), id="disjoint"),
        pytest.param((0.5, 0.5, 0), (0, 0.5, 0.5), id="overlapping"),
    ],
)
def test_zeros_follow_the_definition(
    name: str, p: tuple[float, ...], q: tuple[float, ...], smooth: float
) -> None:
    true = of_probabilities(name, p, q, smooth)
    found = value(name, p, q, smooth)
    if abs(true) < 1e-100:
        assert found == 0
        assert not math.copysign(1, found) < 0
    else:
        assert relative_error(found, true) <= 2e-14


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize("delta", [1e-8, 0.01, 3.0])
def test_cells_are_bernoulli_distributions(name: str, delta: float) -> None:
    p, q = close(delta)
    pair = prepare("sigmoid", p[None], q[None], 1.0, PROBS)
    with mp.workdps(60):
        cells = [
            of_probabilities(name, (a, 1 - mp.mpf(float(a))), (b, 1 - mp.mpf(float(b))))
            for a, b in zip(p, q, strict=True)
        ]
        true = mp.fsum(cells)
    assert relative_error(float(load(name).rows(pair)[0]), true) <= 2e-14


@pytest.mark.parametrize("mode", ["softmax", "sigmoid"])
@pytest.mark.parametrize("temperature", [1.0, 2.5])
@pytest.mark.parametrize("kinds", [(a, b) for a in KINDS for b in KINDS], ids="-".join)
def test_kinds_of_input_agree(kinds: tuple[Kind, Kind], temperature: float, mode: Mode) -> None:
    p, q = close(0.3)

    def written(x: Array, kind: Kind) -> Array:
        if kind == "probs":
            return x[None]
        shift = np.full_like(x, 2.0) if mode == "softmax" else -np.log1p(-x)
        return np.log(x)[None] + (shift if kind == "logits" else 0.0)

    logits: tuple[Kind, Kind] = ("logits", "logits")
    found = [
        load("kl").rows(
            prepare(mode, written(p, left), written(q, right), temperature, (left, right))
        )[0]
        for left, right in (kinds, logits)
    ]
    assert found[0] == pytest.approx(found[1], rel=1e-12)


@pytest.mark.parametrize(
    ("mode", "p", "q", "status"),
    [
        pytest.param("softmax", (0.5, -0.5), (0.5, 0.5), Status.INVALID, id="negative"),
        pytest.param("softmax", (0.5, math.nan), (0.5, 0.5), Status.INVALID, id="nan"),
        pytest.param("softmax", (0.5, math.inf), (0.5, 0.5), Status.INVALID, id="inf"),
        pytest.param("softmax", (0, 0), (0.5, 0.5), Status.INVALID, id="one-side-all-zero"),
        pytest.param("softmax", (0, 0), (0, 0), Status.SKIPPED, id="both-all-zero"),
        pytest.param("sigmoid", (0.5, 1.1), (0.5, 0.5), Status.INVALID, id="cell-above-1"),
        pytest.param("sigmoid", (0, 0), (0.5, 1), Status.COUNTED, id="cells-all-zero"),
        pytest.param("sigmoid", (0, 0), (0, 0), Status.COUNTED, id="cells-all-zero-on-both-sides"),
    ],
)
def test_status(mode: Mode, p: tuple[float, ...], q: tuple[float, ...], status: int) -> None:
    rows = np.array([[0.25, 0.75], p, [1, 0]]), np.array([[0.5, 0.5], q, [0.5, 0.5]])
    pair = prepare(mode, *rows, 1.0, PROBS)
    assert pair.status.tolist() == [Status.COUNTED, status, Status.COUNTED]
    values = load("tv").rows(pair)
    assert math.isnan(values[1]) == (status != Status.COUNTED)
    assert values[[0, 2]] == pytest.approx([0.25, 0.5] if mode == "softmax" else [0.5, 1.0])


def test_smoothing_makes_a_support_mismatch_finite() -> None:
    assert value("kl", D1, D4) == math.inf
    smoothed = value("kl", D1, D4, 0.01)
    assert smoothed == pytest.approx(float(of_probabilities("kl", D1, D4, 0.01)), rel=1e-14)


def test_smoothing_works_on_logits_and_cells_too() -> None:
    s, t = np.array([[2.0, 1.0, 0.0, -1.0]]), np.array([[1.5, -np.inf, -0.3, 0.4]])
    p, q = np.exp(s[0]), np.exp(t[0])
    softmax = load("kl").rows(prepare("softmax", s, t, smooth=0.1))[0]
    assert relative_error(float(softmax), of_probabilities("kl", p, q, 0.1)) <= 1e-14
    sigmoid = load("jeffreys").rows(prepare("sigmoid", s, t, smooth=0.1))[0]
    cells = [
        of_probabilities("jeffreys", (np.exp(a), 1.0), (np.exp(b), 1.0), 0.1)
        for a, b in zip(s[0], t[0], strict=True)
    ]
    assert relative_error(float(sigmoid), mp.fsum(cells)) <= 1e-14


@pytest.mark.parametrize("far", [-4.0, -9.0])
def test_smoothing_of_logits_at_a_temperature(far: float) -> None:
    """A class that is next to nothing leaves the others what they are."""
    s, t, temperature = np.array([[0.0, far, -30.0]]), np.array([[0.0, -1.0, -2.0]]), 0.9
    found = load("kl").rows(prepare("softmax", s, t, temperature, smooth=0.1))[0]
    with mp.workdps(60):
        p, q = ([mp.exp(mp.mpf(x) / mp.mpf(0.9)) for x in row[0].tolist()] for row in (s, t))
        assert relative_error(float(found), of_probabilities("kl", p, q, 0.1)) <= 1e-14


@pytest.mark.parametrize("name", ["kl", "renyi:2", "renyi:inf"])
def test_smoothing_where_one_class_of_many_has_most(name: str) -> None:
    """A class next to 1/214 beside one of 98 % lost 2.5e-14 of the largest ratio."""
    s, t = (np.load(f"samples/magika-{x}.npy")[[367]].astype(float) for x in ("fp32", "int8"))
    found = load(name).rows(prepare("softmax", s, t, smooth=0.1))[0]
    with mp.workdps(60):
        p, q = ([mp.exp(mp.mpf(x)) for x in row[0].tolist()] for row in (s, t))
        assert relative_error(float(found), of_probabilities(name, p, q, 0.1)) <= 2e-15


@pytest.mark.parametrize("mode", ["softmax", "sigmoid"])
def test_a_row_that_does_not_count_leaves_the_others_as_they_are(mode: Mode) -> None:
    """At a T of two subnormal numbers nothing is left of a quarter of it."""
    tiny = 5e-324
    s, t = tiny * np.array([[0.0, 4.0, 8.0]]), tiny * np.array([[0.0, 0.0, 8.0]])
    s_beside, t_beside = (np.vstack([x, np.full((1, 3), np.nan)]) for x in (s, t))
    alone = load("kl").rows(prepare(mode, s, t, 2 * tiny))[0]
    assert alone > 0.1
    assert load("kl").rows(prepare(mode, s_beside, t_beside, 2 * tiny))[0] == alone


def test_sigmoid_logits_of_probabilities_keep_their_digits_near_a_half() -> None:
    logit = to_logits(np.array([[0.5 + 1e-10]]), "probs", "sigmoid")[0, 0]
    with mp.workdps(60):
        exact = mp.mpf(0.5 + 1e-10)
        assert relative_error(float(logit), mp.log(exact / (1 - exact))) <= 1e-14


@pytest.mark.parametrize("p", [1e-300, 1e-10, 0.01, 0.2, 0.25, 0.7, 0.75, 0.8, 0.99, 1 - 1e-12])
def test_sigmoid_logits_of_probabilities_keep_their_digits_in_both_tails(p: float) -> None:
    logit = to_logits(np.array([[p]]), "probs", "sigmoid")[0, 0]
    with mp.workdps(400):
        assert relative_error(float(logit), mp.log(mp.mpf(p) / (1 - mp.mpf(p)))) <= 1e-15


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("mode", ["softmax", "sigmoid"])
def test_smoothing_takes_every_row_by_itself(mode: Mode, masked: bool) -> None:
    """Rows that hardly differ from the uniform one are beside others, in one block."""
    source = np.random.default_rng(5)
    s, t = source.normal(size=(2, 5, 4)) * np.array([1e-9, 1e-3, 1.0, 3.0, 0.1])[:, None]
    kept = np.ones((5, 4), bool)
    if masked:
        kept[[0, 2, 3], [1, 0, 3]] = False
        s, t = without(s, kept), without(t, kept)
    for name in MEASURES:
        rows = load(name).rows(prepare(mode, s, t, 0.7, smooth=0.1, kept=kept))
        alone = [
            load(name).rows(prepare(mode, s[i : i + 1], t[i : i + 1], 0.7, smooth=0.1, kept=k))[0]
            for i, k in enumerate(kept[:, None])
        ]
        assert rows.tolist() == alone, name


@pytest.mark.parametrize(
    ("dtype", "text", "least", "most"),
    [
        ("float16", False, 1e-3, 2e-2),
        ("float32", False, 1e-6, 1e-4),
        ("float64", False, 1e-14, 1e-9),
        ("float64", True, 1e-6, 1e-4),
    ],
)
def test_tolerance_fits_the_type(dtype: str, text: bool, least: float, most: float) -> None:
    assert least < sum_tolerance(dtype, text=text) < most


@pytest.mark.parametrize("smooth", [1e-6, 0.01, 0.3])
@pytest.mark.parametrize("gap", [3.0, 8.0, 20.0, 40.0])
def test_smoothed_certainty_keeps_its_digits(gap: float, smooth: float) -> None:
    p, q = np.exp([0.0, -gap, -gap]), np.exp([0.0, -gap - 1, -gap])
    for name in ("cross-entropy", "kl", "entropy-candidate", "renyi:2"):
        true = of_probabilities(name, p / p.sum(), q / q.sum(), smooth)
        found = value(name, p / p.sum(), q / q.sum(), smooth)
        assert relative_error(found, true) <= 1e-14, name


@pytest.mark.parametrize("temperature", [0.5, 2.5])
@pytest.mark.parametrize("delta", [1e-12, 1e-8, 1e-4, 0.01, 1.0, 10.0])
def test_every_digit_at_a_temperature(delta: float, temperature: float) -> None:
    p, q = close(delta)
    pair = prepare("softmax", p[None], q[None], temperature, PROBS)
    for name in MEASURES:
        true = of_probabilities(name, p, q, temperature=temperature)
        assert relative_error(float(load(name).rows(pair)[0]), true) <= 2e-14, name


@pytest.mark.parametrize("delta", [1e-10, 1e-4, 1.0])
def test_every_digit_of_cells_at_a_temperature(delta: float) -> None:
    p, q = close(delta)
    pair = prepare("sigmoid", p[None], q[None], 3.0, PROBS)
    for name in MEASURES:
        with mp.workdps(60):
            cells = [
                of_probabilities(
                    name,
                    (a, 1 - mp.mpf(float(a))),
                    (b, 1 - mp.mpf(float(b))),
                    temperature=3.0,
                )
                for a, b in zip(p, q, strict=True)
            ]
            true = mp.fsum(cells)
        assert relative_error(float(load(name).rows(pair)[0]), true) <= 2e-14, name


@pytest.mark.parametrize("gap", [1e-12, 1e-6, 0.01])
@pytest.mark.parametrize("name", MEASURES)
def test_smoothing_keeps_the_digits_of_rows_that_are_nearly_uniform(name: str, gap: float) -> None:
    p, q = np.array([0.25, 0.25 + gap, 0.25 - gap, 0.25]), np.array([0.25 - gap, 0.25, 0.25, 0.25])
    true = of_probabilities(name, p, q, 0.1)
    assert relative_error(value(name, p, q, 0.1), true) <= 2e-14
    s, t = gap * np.array([[0.0, 1.0, -1.0, 0.5]]), gap * np.array([[1e-3, 1.0, -1.0, 0.5]])
    with mp.workdps(60):
        rows = [[mp.exp(mp.mpf(x)) for x in row[0].tolist()] for row in (s, t)]
        true = of_probabilities(name, rows[0], rows[1], 0.1)
    found = load(name).rows(prepare("softmax", s, t, smooth=0.1))[0]
    assert relative_error(found, true) <= 2e-14


@pytest.mark.parametrize("mode", ["softmax", "sigmoid"])
@pytest.mark.parametrize("name", MEASURES[:12])
def test_smoothing_leaves_uniform_rows_alone(name: str, mode: Mode) -> None:
    s = np.zeros((1, 7)) if mode == "sigmoid" else np.full((1, 7), 0.3)
    assert load(name).rows(prepare(mode, s, s, smooth=0.1)).tolist() == [0.0]


@pytest.mark.parametrize("delta", [0.0, 1e-12, 1e-6])
@pytest.mark.parametrize("name", MEASURES[:12])
def test_rows_that_differ_by_a_factor_keep_their_digits(name: str, delta: float) -> None:
    p = np.array([0.3, 0.1, 0.7, 0.2])
    q = 3 * p + delta * np.array([1.0, -1.0, 0.5, 0.0])
    assert relative_error(value(name, p, q), of_probabilities(name, p, q)) <= 2e-14


@pytest.mark.parametrize(
    ("p", "q", "agreeing"),
    [
        ((0.5, 0.5, 0.5), (0.5, 0.4, 0.6), 2),
        ((0.4, 0.6, np.nextafter(0.5, 1)), (0.5, 0.5, 0.5), 1),
        ((0.0, 0.5, 0.0), (0.0, 0.0, 0.5), 2),
    ],
)
def test_one_half_is_the_decision_of_a_logit_of_0(
    p: tuple[float, ...], q: tuple[float, ...], agreeing: int
) -> None:
    """Which is no: a cell is positive where its logit is above 0."""
    sides = np.array([p]), np.array([q])
    with np.errstate(divide="ignore"):
        logits = [np.log(x) - np.log1p(-x) for x in sides]
    for pair in (prepare("sigmoid", *sides, kinds=PROBS), prepare("sigmoid", *logits)):
        same, of = pair.agreement
        assert (same.tolist(), of.tolist()) == ([agreeing], [3 - p.count(0.0) // 2])
