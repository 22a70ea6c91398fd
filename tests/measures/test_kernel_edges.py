"""Edges, masks and zeros by the C kernels of every instruction set that runs here."""

import numpy as np
import pytest

from kldiv_cli.measures.evaluation import Evaluation
from kldiv_cli.measures.types import Status
from tests.family import MODES, Mode
from tests.kernels import ONE, THREE
from tests.measures.test_jeffreys import ALL_EDGES, COUNTED, EDGES, Edge
from tests.measures.test_kernels import (
    INF,
    SETS,
    TYPES,
    Array,
    Type,
    assert_like_numpy,
    close,
    each_plan,
    each_set,
    evaluate,
    in_type,
    wrong,
)
from tests.regimes import EXACT_SHIFTS, Case

pytestmark = pytest.mark.skipif(not SETS, reason="the C kernels are not built")

LEAST32 = float(np.finfo(np.float32).min)
LEAST64 = float(np.finfo(np.float64).min)


def assert_edges(
    instruction_set: str,
    plan: tuple[Mode, tuple[str, ...]],
    s: Array,
    t: Array,
    temperature: float = 1.0,
) -> Evaluation:
    found = evaluate(instruction_set, plan, s, t, temperature)
    assert wrong(found, plan[0], s, t, temperature) == []
    assert_like_numpy(found, evaluate(None, plan, s, t, temperature), s, t)
    return found


@each_set
@pytest.mark.parametrize(("mode", "edge"), ALL_EDGES)
def test_edges(mode: Mode, edge: Edge, instruction_set: str) -> None:
    """Alone, and between rows that are none; as narrow and as wide rows."""
    plain = (2.0, 1.0, 0.0), (2.0, 1.0 + 1e-9, 1e-9)
    s, t = np.array([plain[0], edge.s, plain[0]]), np.array([plain[1], edge.t, plain[1]])
    for repeated, temperature in ((1, 1.0), (1, 0.5), (1, 3.0), (22, 2.0)):
        wide = np.tile(s, repeated), np.tile(t, repeated)
        for names in (THREE, ONE):
            found = assert_edges(instruction_set, (mode, names), *wide, temperature)
            assert found.status.tolist() == [COUNTED, edge.status, COUNTED]
            alone = evaluate(
                instruction_set, (mode, names), wide[0][1:2], wide[1][1:2], temperature
            )
            assert all(close(alone.values[name], found.values[name][1:2]) for name in names)


@each_set
@each_plan
@pytest.mark.parametrize("mask", [-INF, -1e4, -1e9, -1e12, LEAST32])
def test_masks_of_both_sides_and_of_one(
    mode: Mode, names: tuple[str, ...], mask: float, instruction_set: str
) -> None:
    for classes, name in ((9, "float64"), (70, "float64"), (70, "float32")):
        s, t = np.random.default_rng(4).standard_normal((2, 4, classes)).astype(name)
        s[0, 2:4] = t[0, 2:4] = s[1, 5] = t[2, 5] = s[3, :-1] = t[3, :-1] = mask
        found = assert_edges(instruction_set, (mode, names), s, t)
        assert found.mismatches is not None
        assert found.mismatches.tolist() == ([0] * 4 if mask == -INF else [0, 1, 1, 0])


@each_set
@each_plan
@pytest.mark.parametrize(
    ("huge", "name"),
    [(65504.0, "float16"), (-LEAST32, "float32"), (1e300, "float64"), (-LEAST64, "float64")],
)
def test_huge_logits(
    mode: Mode, names: tuple[str, ...], huge: float, name: Type, instruction_set: str
) -> None:
    s = np.array([[huge, 0, 1], [huge, 0, 1], [huge, -huge, 1], [2, 1, 0], [huge, huge, huge]])
    t = np.array([[huge, 1, 0], [1, 0, 1], [huge, -huge, 3], [2, 1, huge], [0, 1, 2]])
    s, t = in_type(s, name), in_type(t, name)
    assert_edges(instruction_set, (mode, names), s, t)
    s, t = np.tile(s, 22), np.tile(t, 22)
    found, numpy = (evaluate(each, (mode, names), s, t, 4.0) for each in (instruction_set, None))
    assert all(close(found.values[each], numpy.values[each]) for each in names)
    assert_like_numpy(found, numpy, s, t)


@each_set
@each_plan
@pytest.mark.parametrize("name", TYPES)
def test_equal_rows_are_exactly_0(
    mode: Mode, names: tuple[str, ...], name: Type, instruction_set: str
) -> None:
    for classes in (1, 2, 8, 63, 64, 65, 300):
        s = in_type(5 * np.random.default_rng(classes).standard_normal((9, classes)), name)
        for temperature in (1.0, 0.5, 0.7):
            found = evaluate(instruction_set, (mode, names), s, s.copy(), temperature)
            for each in names:
                assert [repr(float(x)) for x in found.values[each]] == ["0.0"] * 9, classes


@each_set
@pytest.mark.parametrize("case", EXACT_SHIFTS, ids=[case.id for case in EXACT_SHIFTS])
def test_shifted_rows_are_exactly_equal(case: Case, instruction_set: str) -> None:
    for temperature in case.temperatures:
        found = evaluate(instruction_set, ("softmax", THREE), case.s, case.t, temperature)
        assert {name: found.values[name].tolist() for name in THREE} == dict.fromkeys(
            THREE, [0.0] * len(case.s)
        )


@each_set
@each_plan
@pytest.mark.parametrize("name", TYPES)
def test_counts_beside_the_values(
    mode: Mode, names: tuple[str, ...], name: Type, instruction_set: str
) -> None:
    """Ties, zeros of both signs, and either side of the limits of a mask."""
    logits = [-INF, -65504.0, -1e4, -9992.0, -1004.0, -1e3, -999.0, -0.0, 0.0, 1.0]
    rare = [*logits, np.nan, INF]
    rng = np.random.default_rng(5)
    for classes, choice in ((1, rare), (2, rare), (3, rare), (20, logits), (90, logits)):
        s, t = (in_type(x, name) for x in rng.choice(choice, (2, 100, classes)))
        found = evaluate(instruction_set, (mode, names), s, t)
        assert_like_numpy(found, evaluate(None, (mode, names), s, t), s, t)


@each_set
@pytest.mark.parametrize("mode", MODES)
def test_edges_of_one_block_do_not_touch_each_other(mode: Mode, instruction_set: str) -> None:
    edges = [EDGES[mode][i] for i in np.random.default_rng(6).permutation(len(EDGES[mode]))]
    s, t = np.array([edge.s for edge in edges]), np.array([edge.t for edge in edges])
    found = assert_edges(instruction_set, (mode, THREE), s, t)
    assert found.status.tolist() == [edge.status for edge in edges]


@each_set
@each_plan
@pytest.mark.parametrize("name", TYPES)
def test_rows_without_classes(
    mode: Mode, names: tuple[str, ...], name: Type, instruction_set: str
) -> None:
    empty = in_type(np.empty((70, 0)), name)
    found = evaluate(instruction_set, (mode, names), empty, empty)
    assert found.status.tolist() == [Status.SKIPPED] * 70
    assert all(np.isnan(values).all() for values in found.values.values())


@each_set
@each_plan
def test_a_block_without_rows(mode: Mode, names: tuple[str, ...], instruction_set: str) -> None:
    found = evaluate(instruction_set, (mode, names), np.empty((0, 5)), np.empty((0, 5)))
    assert [values.shape for values in found.values.values()] == [(0,)] * len(names)
    assert found.status.shape == (0,)


@each_set
@each_plan
@pytest.mark.parametrize("share", [0.26, 0.55, 1.0])
def test_logits_whose_differences_are_no_float64(
    mode: Mode, names: tuple[str, ...], share: float, instruction_set: str
) -> None:
    far = -share * LEAST64
    s = np.array([[far, -far, 0.0], [far, -far, far], [-far, far / 2, 0.0]])
    t = np.array([[-far, far, 1.0], [far, -far, -far], [-far, -far, -far]])
    for repeated, temperature in ((1, 32.0), (1, 1e100), (22, 1e4)):
        wide = np.tile(s, repeated), np.tile(t, repeated)
        assert_edges(instruction_set, (mode, names), *wide, temperature)


@each_set
@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_a_sigmoid_cell_of_any_logits_and_step(temperature: float, instruction_set: str) -> None:
    """Steps of each size, both ways, around 0 and up to where one side is as good as certain."""
    middles = [0.0, 0.02, 0.3, 1.7, 9.0, 31.0, 33.0, 260.0]
    steps = [1e-13, 1e-6, 0.06, 0.065, 0.33, 0.35, 0.77, 0.83, 1.1, 7.0, 61.0, 600.0]
    cells = [(sign * m, d) for m in middles for d in steps for sign in (-1, 1)]
    s = np.array([[m - d / 2] for m, d in cells])
    t = np.array([[m + d / 2] for m, d in cells])
    for names in (THREE, ONE):
        found = evaluate(instruction_set, ("sigmoid", names), s, t, temperature)
        assert wrong(found, "sigmoid", s, t, temperature) == []
