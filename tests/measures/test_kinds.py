"""Numbers of every kind on either side, against their definitions."""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt
import pytest
from mpmath import mp

from kldiv_cli.measures import load, prepare
from kldiv_cli.measures.distributions import logarithms
from kldiv_cli.measures.distributions.kinds import KINDS, Kind
from kldiv_cli.measures.types import Mode, Status
from tests.oracle import oracle, relative_error

Array = npt.NDArray[np.float64]
MEASURES = (
    *("jeffreys", "kl", "reverse-kl", "js", "gjs:0.1", "skew-kl:0.1", "skew-reverse-kl:0.1"),
    *("tv", "hellinger", "renyi:0.5", "renyi:2", "renyi:1e9", "renyi:inf"),
    *("cross-entropy", "entropy", "entropy-candidate"),
)
PROBS: tuple[Kind, Kind] = ("probs", "probs")
PAIRS: list[tuple[Kind, Kind]] = [pair for pair in product(KINDS, KINDS) if pair[0] != pair[1]]


def worst(
    mode: Mode,
    kinds: tuple[Kind, Kind],
    p: npt.ArrayLike,
    q: npt.ArrayLike,
    temperature: float = 1.0,
    smooth: float = 0.0,
) -> tuple[float, str]:
    """Return the largest relative error of all measures of one row, and which has it."""
    s, t = np.array([p]), np.array([q])
    pair = prepare(mode, s, t, temperature, kinds, smooth)
    assert pair.status.tolist() == [Status.COUNTED]
    errors = []
    for name in MEASURES:
        true = oracle(name, mode, s[0], t[0], temperature, kind=kinds, smooth=smooth)
        found = float(load(name).rows(pair)[0])
        lost = abs(true) < 1e-290 and abs(found) < 2e-290
        errors.append((0.0 if lost else relative_error(found, true), name))
    return max(errors)


def written(x: Array, kind: Kind, mode: Mode) -> Array:
    """Return rows of the kind for logits, each number rounded to float64."""
    if kind == "logits":
        return x
    p: Array
    if mode == "sigmoid":
        p = 1 / (1 + np.exp(-x)) if kind == "probs" else -np.logaddexp(0, -x)
        return p
    p = np.exp(x - x.max())
    p = p / p.sum() if kind == "probs" else (x - x.max()) - np.log(p.sum())
    return p


@pytest.mark.parametrize("temperature", [0.01, 0.5, 1.0, 4.0, 100.0])
@pytest.mark.parametrize("mode", ["softmax", "sigmoid"])
@pytest.mark.parametrize("kinds", [*PAIRS, ("log-probs", "log-probs")], ids="-".join)
def test_rows_that_are_written_in_two_ways(
    kinds: tuple[Kind, Kind], mode: Mode, temperature: float
) -> None:
    """At 0 they differ by what rounding takes from either of them, and by nothing else."""
    random = np.random.default_rng(7)
    for delta in (0.0, 1e-12, 1e-8, 1e-4, 0.05, 1.0):
        s = 2 * random.normal(size=4)
        t = s + delta * random.normal(size=4)
        sides = written(s, kinds[0], mode), written(t, kinds[1], mode)
        assert worst(mode, kinds, *sides, temperature) <= (1e-14, ""), delta


@pytest.mark.parametrize("smooth", [1e-6, 0.1, 1.0])
@pytest.mark.parametrize("mode", ["softmax", "sigmoid"])
@pytest.mark.parametrize("kinds", [*PAIRS, PROBS], ids="-".join)
def test_smoothing_of_rows_that_are_nearly_uniform(
    kinds: tuple[Kind, Kind], mode: Mode, smooth: float
) -> None:
    random = np.random.default_rng(8)
    for delta in (1e-12, 1e-9, 1e-4, 0.1):
        s, t = delta * random.normal(size=(2, 3))
        sides = written(s, kinds[0], mode), written(t, kinds[1], mode)
        assert worst(mode, kinds, *sides, smooth=smooth) <= (1e-14, ""), delta


@pytest.mark.parametrize("temperature", [0.001, 0.01, 0.5, 1.0, 4.0, 100.0])
@pytest.mark.parametrize("tiny", [5e-324, 1e-323, 1e-320, 1e-310, 1e-300])
def test_the_least_probabilities(tiny: float, temperature: float) -> None:
    """They are not scaled to nothing: [1, 5e-324] against itself is 0."""
    for p, q in (
        ([1.0, tiny], [1.0, tiny]),
        ([1.0, tiny], [0.5, 0.5]),
        ([1.0, tiny], [1.0, 3 * tiny]),
        ([3.0, 1.0, tiny], [1.0, 3.0, tiny]),
        ([1e300, tiny], [1.0, 2 * tiny]),
        ([tiny, 2 * tiny], [2 * tiny, tiny]),
    ):
        assert worst("softmax", PROBS, p, q, temperature) <= (1e-14, "")
        if max(p) <= 1:
            assert worst("sigmoid", PROBS, p, q, temperature) <= (1e-14, "")


def test_a_class_745_nats_down() -> None:
    z = np.array([0.0, -745.0, -3.0])
    p = np.exp(z) / np.exp(z).sum()
    assert 0 < p[1] < 1e-322
    assert load("kl").rows(prepare("softmax", p[None], p[None], kinds=PROBS)).tolist() == [0.0]
    assert worst("softmax", PROBS, p, p) <= (1e-14, "")
    assert worst("softmax", PROBS, p, p[::-1]) <= (1e-14, "")


@pytest.mark.parametrize("temperature", [0.5, 1.0])
@pytest.mark.parametrize("factor", [0.01, 0.3, 0.6, 1.6, 2.5, 100.0])
def test_tails_of_probabilities(factor: float, temperature: float) -> None:
    """The difference of two logarithms near -690 has 13 digits."""
    p = np.array([1.0, 3e-299, 1e-250, 7e-300])
    q = p * [1.0, factor, 1.0, 1.5]
    modes: tuple[Mode, ...] = ("softmax", "sigmoid")
    for mode in modes:
        assert worst(mode, PROBS, p, q, temperature) <= (1e-14, "")


@pytest.mark.parametrize("kinds", PAIRS, ids="-".join)
def test_digits_that_three_numbers_have_not(kinds: tuple[Kind, Kind]) -> None:
    """Two classes may agree to 20 digits or more by chance."""
    rows: dict[Mode, list[float]] = {
        "softmax": [0.0, -np.log(2.0)],
        "sigmoid": [1e-13, -2e-12],
    }
    for mode, x in rows.items():
        base = written(np.array(x), kinds[0], mode)
        beside = written(np.array(x), kinds[1], mode)
        for step in (-1e-26, 1e-24, 1e-22, 1e-19):
            other = beside.copy()
            other[0] += step
            assert worst(mode, kinds, base, other) <= (1e-14, "")


@pytest.mark.parametrize("number", [np.nan, np.inf, 1e308])
def test_what_is_no_logarithm_makes_a_cold_row_invalid(number: float) -> None:
    s, t = np.log([[0.5, 0.4], [0.3, 0.2]]), np.array([[number, -0.5], [-1.0, -2.0]])
    pair = prepare("sigmoid", s, t, 0.01, ("log-probs", "log-probs"))
    assert (pair.status == Status.COUNTED).tolist() == [False, True]


def test_masks_leave_classes_out() -> None:
    p, t = np.array([0.5, 0.0, 0.3, 0.2]), np.array([0.1, -np.inf, -0.4, -0.8])
    with np.errstate(divide="ignore"):
        assert worst("softmax", ("probs", "logits"), p, np.log(p)) <= (1e-14, "")
    assert worst("softmax", ("probs", "logits"), p, t) <= (1e-14, "")
    some = np.array([0.25, 0.25, 0.3, 0.2])
    assert worst("softmax", ("probs", "logits"), some, t) <= (1e-14, "")
    assert worst("softmax", ("logits", "probs"), t, some) <= (1e-14, "")


def test_ties_are_those_of_the_numbers() -> None:
    """Two probabilities may have one logarithm."""
    p = np.array([[np.nextafter(0.3, 0), 0.3, 0.4 - 0.3]])
    assert prepare("softmax", p, np.log(p), kinds=("probs", "logits")).argmax[0].tolist() == [1]


def test_the_sign_of_a_logit_is_that_of_its_logarithm() -> None:
    near = -0.6931471805599453
    log_p = np.array([[near, np.nextafter(near, -1), np.nextafter(near, 0), -np.inf]])
    p = np.array([[0.6, 0.4, 0.6, 0.0]])
    same, of = prepare("sigmoid", log_p, p, kinds=("log-probs", "probs")).agreement
    assert (same.tolist(), of.tolist()) == ([3], [3])


@pytest.mark.parametrize("name", ["log", "logit", "logit_of_log"])
def test_logarithms_in_three_numbers(name: str) -> None:
    random = np.random.default_rng(9)
    p = np.concatenate([random.random(100), 1 - 10.0 ** -random.uniform(0, 15, 100)])
    few = 10.0 ** -random.uniform(0, 300, 50)
    values = {"log": [*p, *few, 5e-324, 1.0, 0.0], "logit": [*p, *few, 0.5, 1.0, 0.0]}.get(
        name, [*np.log(p), *-few, -np.log(2), -1e300, 0.0, -np.inf]
    )
    high, middle, low = getattr(logarithms, name)(np.array(values))
    with mp.workdps(400):
        for place, value in enumerate(map(mp.mpf, map(float, values))):
            true = {
                "log": mp.log,
                "logit": lambda x: mp.log(x) - mp.log(1 - x),
                "logit_of_log": lambda x: x - mp.log(-mp.expm1(x)) if mp.isfinite(x) else x,
            }[name](value)
            if mp.isinf(true):
                assert high[place] == float(true)
            else:
                found = mp.fsum(mp.mpf(float(part[place])) for part in (high, middle, low))
                assert abs(found - true) <= mp.mpf(2) ** -103
