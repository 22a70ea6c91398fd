"""Rows of one number on both sides: what the kernels find, NumPy finds, and a look at each cell."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from kldiv_cli.measures import _native, load
from kldiv_cli.measures.distributions.exact import real
from kldiv_cli.measures.evaluation import Evaluator
from kldiv_cli.measures.rows.constant import constant_cells
from tests.family import MODES, Mode
from tests.kernels import plans
from tests.measures.test_kernels import SETS, TYPES, Type, in_type

Array = npt.NDArray[Any]
INF = np.inf


def looked(s: Array, t: Array, absent: float = -INF) -> list[int]:
    """How many cells hold the one number of a row, cell by cell."""
    found = []
    for ours, theirs in zip(s.tolist(), t.tolist(), strict=True):
        values = {x for x in (*ours, *theirs) if x != absent}
        same = ours == theirs and len(values) == 1 and values.pop() < INF
        found.append(sum(x != absent for x in ours) if same else 0)
    return found


def pairs(width: int) -> tuple[Array, Array]:
    """Rows of all kinds: constant, nearly constant, absent, NaN, infinite."""
    rng = np.random.default_rng(width)
    s = rng.normal(size=(40, width)).astype(np.float32)
    t = s + np.float32(0.1)
    for row, value in enumerate((0.0, -100.0, -1e4, -12000.0, 65504.0, 1e-3, -0.0, -INF, INF)):
        s[row] = t[row] = value
    s[10] = t[10] = np.nan
    s[11], t[11] = -100, 0
    s[12], t[12] = -100, rng.normal(size=width)
    for row, cell in enumerate((0, width // 2, width - 1)):
        s[13 + row] = t[13 + row] = -100.0
        s[13 + row, cell] = t[13 + row, cell] = -99.0
        s[16 + row] = t[16 + row] = 5.0
        t[16 + row, cell] = 5.5
        s[19 + row] = t[19 + row] = 5.0
        s[19 + row, cell] = t[19 + row, cell] = -INF
        s[22 + row] = t[22 + row] = 5.0
        t[22 + row, cell] = -INF
        s[25 + row] = t[25 + row] = 5.0
        t[25 + row, cell] = np.nan
        s[28 + row] = t[28 + row] = 5.0
        s[28 + row, cell] = t[28 + row, cell] = INF
    s[31:33] = t[31:33] = -INF
    s[31, -1] = t[31, -1] = -2e4
    s[33], t[33] = 0.0, -0.0
    return s, t


@pytest.mark.parametrize("width", [1, 2, 3, 10, 64, 65, 300, 1000])
@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_kernels_and_numpy_find_the_same(width: int, name: Type, temperature: float) -> None:
    s, t = (in_type(x, name) for x in pairs(width))
    expected = looked(real(s), real(t))
    assert sum(map(bool, expected)) >= 7
    assert constant_cells(real(s), real(t)).tolist() == expected
    for instruction_set in SETS:
        bits = [x["bfloat16"] if x.dtype.names else x for x in (s, t)]
        for plan in plans(instruction_set, temperature):
            assert plan(*bits)[1].constant.tolist() == expected


@given(
    st.integers(1, 5).flatmap(
        lambda width: nps.arrays(
            np.float64,
            (2, 6, width),
            elements=st.sampled_from([0.0, 0.0, 0.0, 0.25, -100.0, -INF, INF, np.nan]),
        )
    )
)
def test_of_cells_that_repeat(both: Array) -> None:
    for s, t in (both, (both[0], both[0])):
        assert constant_cells(s, t).tolist() == looked(s, t)
        p, q = np.abs(s), np.abs(t)
        assert constant_cells(p, q, "probs").tolist() == looked(p, q, 0.0)


def test_many_rows_are_looked_at_in_pieces() -> None:
    s = np.zeros((5000, 300))
    s[1234, 7] = 1
    found = constant_cells(s, s)
    assert found[1234] == 0
    assert np.delete(found, 1234).tolist() == [300] * 4999


def test_no_cells() -> None:
    assert constant_cells(np.empty((3, 0)), np.empty((3, 0))).tolist() == [0, 0, 0]


@pytest.mark.parametrize("numpy_alone", [False, True], ids=["kernels", "numpy"])
@pytest.mark.parametrize("names", [("jeffreys",), ("jeffreys", "kl")], ids=["one", "all"])
@pytest.mark.parametrize("width", [6, 70])
def test_padding_has_no_sign(
    names: tuple[str, ...], width: int, numpy_alone: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """-inf, or one number of at most -1e4, on both sides; two such numbers are logits."""
    s = np.ones((1, width))
    t = np.ones((1, width))
    s[0, :6] = [-INF, -1e4, -1e12, np.finfo(float).min, -12000, -9999]
    t[0, :6] = [-INF, -1e4, -1e12, np.finfo(float).min, -12001, -9999]
    if numpy_alone:
        monkeypatch.setattr(_native, "load", lambda: None)
    for scale in (1.0, 0.5):
        found = Evaluator([load(name) for name in names], "sigmoid", scale).evaluate(s, t)
        assert (found.same.tolist(), found.of.tolist()) == ([width - 4], [width - 4])
    few = Evaluator([load(name) for name in names], "sigmoid").evaluate(s[:, 4:6], t[:, 4:6])
    assert (few.same.tolist(), few.of.tolist()) == ([2], [2])


@pytest.mark.parametrize("mode", MODES)
def test_measures_of_constant_rows_are_zero(mode: Mode) -> None:
    s = np.full((2, 5), [[-100.0], [-1e9]])
    found = Evaluator([load(name) for name in ("jeffreys", "kl", "js")], mode).evaluate(s, s)
    assert all((values == 0).all() for values in found.values.values())
