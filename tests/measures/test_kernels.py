"""The C kernels of every instruction set that runs here, against the oracle and against NumPy."""

from functools import cache
from threading import Thread
from time import perf_counter
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mpf

from kldiv_cli.measures import _native, load
from kldiv_cli.measures.distributions.exact import real
from kldiv_cli.measures.evaluation import Evaluation, Evaluator
from kldiv_cli.measures.rows.faults import mask_mismatches
from kldiv_cli.sources.base import BFLOAT16
from tests.family import MODES, SMALLEST, Mode, complaints, kind, subset, truths
from tests.kernels import ONE, PLANS, THREE, all_of, plans
from tests.measures.test_jeffreys import COUNTED
from tests.regimes import CASES, Case

Array = npt.NDArray[Any]
Type = Literal["float16", "bfloat16", "float32", "float64"]

SETS = _native.instruction_sets()
pytestmark = pytest.mark.skipif(not SETS, reason="the C kernels are not built")
each_set = pytest.mark.parametrize("instruction_set", SETS)

each_plan = pytest.mark.parametrize(("mode", "names"), PLANS, ids=("softmax", "alone", "sigmoid"))

TYPES: tuple[Type, ...] = ("float16", "bfloat16", "float32", "float64")
TOLERANCE = 2e-14
INF = np.inf


def evaluate(
    instruction_set: str | None,
    plan: tuple[Mode, tuple[str, ...]],
    s: Array,
    t: Array,
    temperature: float = 1.0,
) -> Evaluation:
    """What the kernels of an instruction set say, or, without one, NumPy."""
    kernels = None if instruction_set is None else _native.load(instruction_set)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_native, "load", lambda: kernels)
        evaluator = Evaluator([load(name) for name in plan[1]], plan[0], temperature)
        assert evaluator.by_kernel_alone == (instruction_set is not None)
        return evaluator.evaluate(s, t)


def in_type(values: Array, name: Type) -> Array:
    """The values in a type; bfloat16 as sources give it."""
    with np.errstate(over="ignore"):
        if name == "bfloat16":
            return (values.astype(np.float32).view(np.uint32) >> 16).astype("<u2").view(BFLOAT16)
        return values.astype(name)


def wrong(
    found: Evaluation,
    mode: Mode,
    s: Array,
    t: Array,
    temperature: float = 1.0,
    rows: range | None = None,
) -> list[tuple[int, list[str]]]:
    """What the oracle says against the rows."""
    s, t = real(s), real(t)
    said = []
    for row in range(len(s)) if rows is None else rows:
        values = {name: float(of_rows[row]) for name, of_rows in found.values.items()}
        true = _true(mode, tuple(s[row].tolist()), tuple(t[row].tolist()), temperature)
        said.append((row, complaints(values, true)))
    return [(row, words) for row, words in said if words]


@cache
def _true(
    mode: Mode, s: tuple[float, ...], t: tuple[float, ...], temperature: float
) -> dict[str, mpf]:
    """The same for every instruction set."""
    return truths(THREE, mode, s, t, temperature)


def assert_like_numpy(found: Evaluation, numpy: Evaluation, s: Array, t: Array) -> None:
    """Everything beside the values, exactly."""
    assert found.status.tolist() == numpy.status.tolist()
    assert [at.tolist() for at in found.argmax] == [at.tolist() for at in numpy.argmax]
    counted = numpy.status == COUNTED
    assert found.same[counted].tolist() == numpy.same[counted].tolist()
    assert found.of[counted].tolist() == numpy.of[counted].tolist()
    assert found.mismatches is not None
    expected = [mask_mismatches(*pair)[0] for pair in zip(rows_of(s), rows_of(t), strict=True)]
    assert found.mismatches.tolist() == expected


def rows_of(block: Array) -> list[Array]:
    return [real(block)[i : i + 1] for i in range(len(block))]


def close(left: Array, right: Array) -> bool:
    """Equal to the tolerance, or both where no digits are promised."""
    with np.errstate(invalid="ignore"):
        near = np.abs(left - right) <= TOLERANCE * np.maximum(left, right)
    same = (left == right) | (np.isnan(left) & np.isnan(right))
    return bool(np.all(same | near | (np.maximum(left, right) <= float(SMALLEST))))


def _regimes() -> list[Case]:
    """Some of every kind, and those that ask most of a sum over wide rows."""
    wide = {
        *("delta-1-classes-214-float16", "delta-3-classes-214-float16", "delta-3-classes-214"),
        *("independent-scale-0.1-classes-214", "independent-scale-3-classes-214-float16"),
        "even-classes-5000-float32",
    }
    return [*subset(), *(case for case in CASES if case.id in wide)]


REGIMES = _regimes()


@each_set
@each_plan
def test_every_digit_in_every_kind_of_regime(
    mode: Mode, names: tuple[str, ...], instruction_set: str
) -> None:
    said = {}
    for i, case in enumerate(REGIMES):
        one = case.temperatures[i % len(case.temperatures)]
        for temperature in case.temperatures if "two-kinds" in case.id else (one,):
            found = evaluate(instruction_set, (mode, names), case.s, case.t, temperature)
            row = i % len(case.s)
            words = wrong(found, mode, case.s, case.t, temperature, range(row, row + 1))
            if words:
                said[case.id, temperature] = words
    assert said == {}


def test_the_regimes_are_of_every_kind() -> None:
    assert {kind(case) for case in REGIMES} == {kind(case) for case in CASES}
    assert {case.s.dtype.name for case in REGIMES} == {"float16", "float32", "float64"}


@each_set
@each_plan
@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("temperature", [1.0, 0.5, 2.0])
def test_every_type(
    mode: Mode, names: tuple[str, ...], name: Type, temperature: float, instruction_set: str
) -> None:
    s, t = (in_type(3 * x, name) for x in np.random.default_rng(1).standard_normal((2, 9, 70)))
    found = evaluate(instruction_set, (mode, names), s, t, temperature)
    assert wrong(found, mode, s, t, temperature, range(0, 9, 8)) == []
    numpy = evaluate(None, (mode, names), s, t, temperature)
    assert all(close(found.values[each], numpy.values[each]) for each in names)
    assert_like_numpy(found, numpy, s, t)


@each_set
@each_plan
def test_every_number_of_classes_and_rows(
    mode: Mode, names: tuple[str, ...], instruction_set: str
) -> None:
    """All the ends that a loop over lanes or tiles can have."""
    rng = np.random.default_rng(2)
    widths = (*range(1, 71), *(n + i for n in (128, 256, 512, 768) for i in (-1, 0, 1)))
    for classes in widths:
        rows = (1, 7, 8, 9, 15, 16, 17, 64, 65)[classes % 9]
        s = 2 * rng.standard_normal((rows, classes)).astype(np.float32)
        t = s + rng.standard_normal(s.shape).astype(np.float32)
        found = evaluate(instruction_set, (mode, names), s, t)
        numpy = evaluate(None, (mode, names), s, t)
        for name in names:
            assert close(found.values[name], numpy.values[name]), (classes, rows, name)
        assert_like_numpy(found, numpy, s, t)


def layouts(block: Array) -> dict[str, Array]:
    """The same numbers, laid out otherwise."""
    rows, classes = block.shape
    spread = np.zeros((2 * rows, 3 * classes), block.dtype)
    spread[::2, ::3] = block
    backward = block[::-1, ::-1].copy()
    shifted = np.empty(block.nbytes + 1, np.uint8)[1:].view(block.dtype).reshape(block.shape)
    shifted[...] = block
    locked = block.copy()
    locked.setflags(write=False)
    found = {
        "fortran": np.asfortranarray(block),
        "strided": spread[::2, ::3],
        "backward": backward[::-1, ::-1],
        "unaligned": shifted,
        "read-only": locked,
    }
    if block.dtype.names is None:
        found["foreign-bytes"] = block.astype(block.dtype.newbyteorder("S"))
    return found


@each_set
@each_plan
@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("classes", [5, 67, 300])
def test_layout_does_not_matter(
    mode: Mode, names: tuple[str, ...], name: Type, classes: int, instruction_set: str
) -> None:
    values = np.random.default_rng(3).standard_normal((2, 11, classes))
    values[:, 2, 1] = values[:, 5] = values[1, 6, 4] = -INF
    values[0, 7, 3], values[1, 8, 0] = np.nan, INF
    s, t = (in_type(x, name) for x in values)
    expected = evaluate(instruction_set, (mode, names), s, t)
    for label, (one, other) in {key: (x, layouts(t)[key]) for key, x in layouts(s).items()}.items():
        for pair in ((one, other), (one, t), (s, other)):
            found = evaluate(instruction_set, (mode, names), *pair)
            for each in names:
                assert found.values[each].tolist() == pytest.approx(
                    expected.values[each].tolist(), rel=0, abs=0, nan_ok=True
                ), label
            assert_like_numpy(found, expected, s, t)


@each_set
@settings(deadline=None, derandomize=True, database=None, max_examples=60)
@given(
    st.sampled_from(MODES),
    st.integers(0, 2**32 - 1),
    st.integers(1, 80),
    st.sampled_from([1e-15, 1e-12, 1e-8, 1e-4, 1e-2, 1.0, 30.0]),
    st.sampled_from([0.1, 3.0, 40.0]),
    st.sampled_from([0.5, 1.0, 2.0, 0.7]),
)
def test_jeffreys_is_the_sum_of_both_and_none_is_negative(
    instruction_set: str,
    mode: Mode,
    seed: int,
    classes: int,
    delta: float,
    scale: float,
    temperature: float,
) -> None:
    s, noise = np.random.default_rng(seed).standard_normal((2, 9, classes))
    s, t = scale * s, scale * s + delta * noise
    three = evaluate(instruction_set, (mode, THREE), s, t, temperature).values
    assert all((three[name] >= 0).all() for name in THREE)
    assert close(three["jeffreys"], three["kl"] + three["reverse-kl"])
    alone = evaluate(instruction_set, (mode, ONE), s, t, temperature).values
    assert close(alone["jeffreys"], three["jeffreys"])


def test_an_instruction_set_that_is_none() -> None:
    kernels = _native.load("MMX")
    assert kernels is not None
    with pytest.raises(ValueError, match=r"^no instruction set 'MMX'$"):
        kernels.plan("softmax", 1.0, [])


def test_a_row_does_not_depend_on_its_neighbours() -> None:
    rng = np.random.default_rng(7)
    for classes in (5, 10, 64):
        shape = (999, classes)
        s = rng.normal(size=shape) * rng.choice([0.01, 1.0, 30.0], size=(999, 1))
        t = s + rng.normal(size=shape) * rng.choice([1e-4, 1.0, 40.0], size=(999, 1))
        for at, plan in enumerate(plans()):
            whole = all_of(plan(s.astype(np.float32), t.astype(np.float32)))
            for start in (1, 3, 63):
                part = all_of(plan(s[start:].astype(np.float32), t[start:].astype(np.float32)))
                for a, b in zip(whole, part, strict=True):
                    assert a[start:].tobytes() == b.tobytes(), (at, classes, start)


@pytest.mark.parametrize("plan", plans())
def test_other_threads_run_meanwhile(plan: _native.Plan) -> None:
    """However few rows there are."""
    s = np.random.default_rng(0).normal(size=(4, 2_000_000)).astype(np.float32)

    def longest_pause_and_time() -> tuple[float, float]:
        spent: list[float] = []

        def work() -> None:
            start = perf_counter()
            plan(s, s + np.float32(0.01))
            spent.append(perf_counter() - start)

        thread = Thread(target=work)
        thread.start()
        pause, last = 0.0, perf_counter()
        while not spent:
            now = perf_counter()
            pause, last = max(pause, now - last), now
        thread.join()
        return pause, spent[0]

    found = [longest_pause_and_time() for _ in range(3)]
    assert any(pause < time / 2 for pause, time in found), found


@each_set
@pytest.mark.parametrize(
    ("s", "t", "temperature"),
    [
        ([0.0, -709.0, -1.0], [0.0, -12.0, -1.1], 1.0),
        ([0.0, -725.0], [0.0, -371.0], 1.0),
        ([0.0, -15.0], [0.0, -1.0], 0.02),
        ([0.0] * 99 + [-1000.0], [0.0] * 99 + [-3.0], 1.0),
        ([0.1] * 999 + [-750.0], [0.2] * 999 + [-20.0], 1.0),
    ],
    ids=["gains", "gains-all", "by-temperature", "wide", "wide-and-rare"],
)
def test_a_class_whose_weight_underflows_on_one_side(
    instruction_set: str, s: list[float], t: list[float], temperature: float
) -> None:
    for left, right in ((s, t), (t, s)):
        block = np.array([left]), np.array([right])
        found = evaluate(instruction_set, ("softmax", THREE), *block, temperature)
        assert wrong(found, "softmax", *block, temperature) == []


@each_set
@each_plan
@pytest.mark.parametrize(
    "t",
    [
        [5.1, -2.0, -1.3, 9.9],
        [0.11, -3.32, 1.73, 0.22],
        [0.6, -3.0, 1.2, 0.3],
        [-INF, -3.3, -INF, 0.2],
    ],
    ids=["far", "near", "between", "infinite"],
)
def test_a_row_of_four_million_classes(
    instruction_set: str, mode: Mode, names: tuple[str, ...], t: list[float]
) -> None:
    """Of classes that repeat, whose distributions differ as those of one of each do."""
    s, times = [0.1, -3.3, 1.7, 0.2], 1 << 20
    long = [np.tile(np.array([row]), times) for row in (s, t)]
    found = evaluate(instruction_set, (mode, names), long[0], long[1])
    true = _true(mode, tuple(s), tuple(t), 1.0)
    values = {name: float(found.values[name][0]) for name in names}
    cells = times if mode == "sigmoid" else 1
    assert complaints(values, {name: cells * true[name] for name in names}) == []
