"""Every measure of sigmoid cells by the C kernels of every instruction set that runs here."""

from functools import cache

import numpy as np
import pytest
from mpmath import mpf

from kldiv_cli.measures import load
from kldiv_cli.measures.evaluation import Evaluation
from kldiv_cli.measures.forms import Form
from tests.family import SMALLEST
from tests.measures.test_kernels import INF, SETS, Array, close, each_set, evaluate
from tests.oracle import oracle, relative_error

pytestmark = pytest.mark.skipif(not SETS, reason="the C kernels are not built")

NAMES = (
    *("jeffreys", "kl", "reverse-kl", "js", "gjs:0.1", "skew-kl:0.001", "skew-reverse-kl:0.999"),
    *("gjs:1e-30", "skew-kl:1e-30", "tv", "hellinger"),
    *("renyi:2", "renyi:0.3", "renyi:7.5", "renyi:1e-30", "renyi:1e9", "renyi:inf"),
    *("cross-entropy", "entropy", "entropy-candidate"),
)
MIDDLES = (0.0, 0.3, 9.0, 33.0, 260.0)
STEPS = (1e-9, 0.06, 0.34, 0.36, 1.1, 61.0)
CELLS = [(sign * m, d) for m in MIDDLES for d in STEPS for sign in (-1, 1)]
S = np.array([[m - d / 2] for m, d in CELLS])
T = np.array([[m + d / 2] for m, d in CELLS])


@cache
def _true(name: str, temperature: float) -> list[mpf]:
    return [oracle(name, "sigmoid", s, t, temperature) for s, t in zip(S, T, strict=True)]


def _found(instruction_set: str | None, s: Array, t: Array, *names: str) -> Evaluation:
    return evaluate(instruction_set, ("sigmoid", names), s, t)


@each_set
@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_every_digit_of_a_cell(temperature: float, instruction_set: str) -> None:
    found = evaluate(instruction_set, ("sigmoid", NAMES), S, T, temperature).values
    wrong = [
        (name, cell, value)
        for name in NAMES
        for cell, value, true in zip(CELLS, found[name], _true(name, temperature), strict=True)
        if value < 0 or (true > SMALLEST and relative_error(value, true) > 2e-14)
    ]
    assert wrong == []


@each_set
@pytest.mark.parametrize("cells", [1, 5, 64, 65, 700])
def test_rows_are_as_by_numpy_wherever_they_stand(cells: int, instruction_set: str) -> None:
    """Close and far rows, cells that are infinite on both sides or on one, rows without any."""
    rng = np.random.default_rng(cells)
    s = rng.normal(size=(31, cells)) * rng.choice([0.1, 3.0, 40.0], size=(31, 1))
    t = s + rng.normal(size=s.shape) * rng.choice([1e-9, 0.01, 0.1, 3.0, 300.0], size=(31, 1))
    s[3:6, 0] = t[3:5, 0] = -INF
    s[7], t[7] = -INF, -INF
    t[9, -1], s[11, 0], t[11, 0] = np.nan, INF, INF
    s[13, 0], t[13, 0] = -1e12, -1e12
    whole = _found(instruction_set, s, t, *NAMES)
    numpy = _found(None, s, t, *NAMES)
    assert whole.status.tolist() == numpy.status.tolist()
    part = _found(instruction_set, s[2:], t[2:], *NAMES)
    for name in NAMES:
        assert close(whole.values[name], numpy.values[name]), name
        assert whole.values[name][2:].tobytes() == part.values[name].tobytes(), name


@each_set
@pytest.mark.parametrize("name", [name for name in NAMES if name not in NAMES[:3]])
def test_a_measure_alone_is_as_beside_the_others(name: str, instruction_set: str) -> None:
    alone, beside = (_found(instruction_set, S, T, *names) for names in ((name,), NAMES))
    assert close(alone.values[name], beside.values[name])


@each_set
def test_disjoint_supports_are_at_the_bounds(instruction_set: str) -> None:
    s, t = np.full((1, 3), -550.0), np.full((1, 3), 40.0)
    found = _found(instruction_set, s, t, "tv", "hellinger", "js").values
    bounds = {"tv": 3.0, "hellinger": 3.0, "js": 3 * np.log(2.0)}
    assert all(found[name][0] <= bound for name, bound in bounds.items())


def test_close_cells_take_polynomials_where_some_are_good_enough() -> None:
    counts = {
        name: [len(each) for each in form_of(name).near] for name in ("js", "renyi:100", "tv")
    }
    assert counts == {"js": [8, 12], "renyi:100": [0, 0], "tv": [0, 0]}


def form_of(name: str) -> Form:
    form = load(name).form
    assert form is not None
    return form
