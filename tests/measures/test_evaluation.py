"""Which of C and NumPy computes what, and that it makes no difference."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from kldiv_cli.errors import UsageError
from kldiv_cli.measures import _native, load
from kldiv_cli.measures.distributions.exact import real
from kldiv_cli.measures.distributions.kinds import Kind
from kldiv_cli.measures.evaluation import Evaluation, Evaluator
from kldiv_cli.measures.rows.constant import constant_cells
from kldiv_cli.measures.rows.discarded import discarded
from kldiv_cli.measures.types import Mode
from kldiv_cli.sources.base import BFLOAT16
from tests.kernels import spoiled
from tests.oracle import oracle, relative_error

Array = npt.NDArray[Any]

TOLERANCE = 2e-14
MIXED = ("tv", "kl", "js", "jeffreys", "renyi:2", "reverse-kl", "cross-entropy")
LOGITS: tuple[Kind, Kind] = ("logits", "logits")
needs_kernels = pytest.mark.skipif(
    not _native.instruction_sets(), reason="the C kernels are not built"
)


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    """Kernels are loaded once per process."""
    _native.load.cache_clear()
    yield
    _native.load.cache_clear()


@pytest.fixture
def without_extension(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(_native.VARIABLE, raising=False)
    monkeypatch.setattr(_native, "find_spec", lambda _: None)


def evaluator(
    names: tuple[str, ...],
    mode: Mode = "softmax",
    temperature: float = 1.0,
    kinds: tuple[Kind, Kind] = LOGITS,
    smooth: float = 0.0,
) -> Evaluator:
    return Evaluator([load(name) for name in names], mode, temperature, kinds, smooth)


def by_numpy(asked: Evaluator, s: Array, t: Array) -> Evaluation:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_native, "load", lambda: None)
        assert not asked.by_kernel
        return asked.evaluate(s, t)


def assert_same(found: Evaluation, expected: Evaluation) -> None:
    assert found.values.keys() == expected.values.keys()
    for name, values in expected.values.items():
        assert found.values[name] == pytest.approx(values, rel=TOLERANCE, abs=0, nan_ok=True), name
    assert found.status.tolist() == expected.status.tolist()
    assert [at.tolist() for at in found.argmax] == [at.tolist() for at in expected.argmax]
    counted = expected.status == 0
    assert found.same[counted].tolist() == expected.same[counted].tolist()
    assert found.of[counted].tolist() == expected.of[counted].tolist()


def block(seed: int = 0) -> tuple[Array, Array]:
    """Rows of every status, masks and infinities among them."""
    s, t = 2 * np.random.default_rng(seed).standard_normal((2, 12, 21))
    s[1, 3] = t[1, 3] = s[2] = t[2] = t[5, 7] = -np.inf
    s[3, 2] = np.nan
    s[4, 0] = np.inf
    s[6, 5] = t[6, 5] = s[7, 1] = -1e12
    t[8] = s[8]
    return s, t


@needs_kernels
@pytest.mark.parametrize("mode", ["softmax", "sigmoid"])
@pytest.mark.parametrize(
    "names", [("jeffreys",), ("kl", "reverse-kl"), MIXED, ("jeffreys", "js"), ("js", "tv"), ()]
)
def test_what_c_computes(names: tuple[str, ...], mode: Mode) -> None:
    asked, kernels = evaluator(names, mode), _native.load()
    assert kernels is not None
    covered = [name for name in names if kernels.cover(mode, load(name).form)]
    assert {"jeffreys", "kl", "reverse-kl"} & set(names) <= set(covered)
    assert [each.name for each in asked.by_kernel] == covered
    assert asked.by_kernel_alone == (covered == list(names) != [])


THREE = ("jeffreys", "kl", "reverse-kl")


@needs_kernels
@pytest.mark.parametrize("name", _native.instruction_sets())
@pytest.mark.parametrize("smooth", [0.0, 1e-9, 0.01, 0.9])
def test_ways_with_rows_of_every_status(name: str, smooth: float) -> None:
    kernels = _native.load(name)
    s, t = (np.tile(x, 30)[:, :600] for x in block())
    s[9:], t[9:] = 0.5, 0.5 + 1e-9 * t[9:]
    s[11] = t[11] = 3.0
    kinds = LOGITS
    if not smooth:
        kinds, s, t = ("probs", "probs"), np.exp(s), np.exp(t)
        s[5, 3], t[6], s[7] = -1.0, 0.0, 0.0
        t[7] *= 0.0
        s[8, 2] = t[8, 2] = 0.0
    asked = evaluator(THREE, kinds=kinds, smooth=smooth)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_native, "load", lambda: kernels)
        found = asked.evaluate(s, t)
    assert_same(found, by_numpy(asked, s, t))
    assert found.constant is not None
    assert found.constant[found.status == 0].tolist() == (
        constant_cells(s, t, kinds[0])[found.status == 0].tolist()
    )


@needs_kernels
@pytest.mark.parametrize(
    ("kinds", "mode", "by_c"),
    [
        (("log-probs", "log-probs"), "softmax", True),
        (("logits", "log-probs"), "softmax", True),
        (("probs", "probs"), "softmax", True),
        (("probs", "probs"), "sigmoid", False),
        (("logits", "probs"), "softmax", False),
        (("probs", "log-probs"), "softmax", False),
        (("log-probs", "logits"), "sigmoid", False),
        (("logits", "probs"), "sigmoid", False),
    ],
)
def test_the_kernel_of_kinds(kinds: tuple[Kind, Kind], mode: Mode, by_c: bool) -> None:
    assert evaluator(("kl",), mode, kinds=kinds).by_kernel_alone == by_c


@needs_kernels
def test_what_has_no_kernel() -> None:
    assert evaluator(("kl",), "sigmoid", smooth=0.1).way is None
    assert evaluator(("kl",), kinds=("probs", "probs"), temperature=2.0).way is None
    assert evaluator(("kl",), kinds=("probs", "probs"), smooth=0.1).way is None
    assert evaluator(("kl",), smooth=0.1).by_kernel_alone


@pytest.mark.parametrize("mode", ["softmax", "sigmoid"])
@pytest.mark.parametrize("names", [("jeffreys",), ("jeffreys", "js"), ("kl",), MIXED])
@pytest.mark.parametrize("temperature", [1.0, 0.7, 2.0])
def test_values_are_those_of_numpy(mode: Mode, names: tuple[str, ...], temperature: float) -> None:
    asked = evaluator(names, mode, temperature)
    s, t = block()
    assert_same(asked.evaluate(s, t), by_numpy(asked, s, t))


def test_log_probabilities() -> None:
    rows = np.random.default_rng(1).standard_normal((2, 4, 6))
    s, t = rows - np.log(np.exp(rows).sum(axis=2, keepdims=True))
    asked = evaluator(MIXED, kinds=("log-probs", "log-probs"))
    assert_same(asked.evaluate(s, t), by_numpy(asked, s, t))


INTEGERS = np.random.default_rng(2).integers(-5, 5, (2, 6, 9))
HALVES = INTEGERS / 2


@pytest.mark.parametrize("mode", ["softmax", "sigmoid"])
@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("int64", "int64"),
        ("int8", "float16"),
        ("uint8", "uint8"),
        ("float16", "float32"),
        ("float32", "float64"),
        ("longdouble", "longdouble"),
        ("float16", "longdouble"),
        (">f4", "<f8"),
        ("bool", "float32"),
    ],
)
def test_any_two_real_types(mode: Mode, left: str, right: str) -> None:
    """The numbers are exact in every one of them but for the sign and the halves."""
    s, t = (
        np.abs(INTEGERS[i]).astype(name) if name in {"uint8", "bool"} else HALVES[i].astype(name)
        for i, name in enumerate((left, right))
    )
    asked = evaluator(MIXED, mode)
    found = asked.evaluate(s, t)
    assert_same(found, by_numpy(asked, s, t))
    assert_same(found, by_numpy(asked, s.astype(np.float64), t.astype(np.float64)))


@pytest.mark.parametrize("mode", ["softmax", "sigmoid"])
@pytest.mark.parametrize("other", ["bfloat16", "float16", "float64"])
def test_bfloat16_on_one_side_or_on_both(mode: Mode, other: str) -> None:
    bits = (HALVES.astype(np.float32).view(np.uint32) >> 16).astype("<u2").view(BFLOAT16)
    s, t = bits[0], bits[1] if other == "bfloat16" else HALVES[1].astype(other)
    assert np.array_equal(real(s), HALVES[0])
    asked = evaluator(MIXED, mode)
    for one, two in ((s, t), (t, s)):
        expected = by_numpy(asked, real(one).astype(np.float64), real(two).astype(np.float64))
        assert_same(asked.evaluate(one, two), expected)


def test_input_is_left_alone() -> None:
    s, t = block()
    kept = s.copy(), t.copy()
    s.setflags(write=False)
    t.setflags(write=False)
    evaluator(MIXED).evaluate(s, t)
    assert np.array_equal(s, kept[0], equal_nan=True)
    assert np.array_equal(t, kept[1], equal_nan=True)


def test_numpy_alone_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = evaluator(MIXED)
    s, t = block()
    expected = by_numpy(asked, s, t)
    monkeypatch.setenv("KLDIV_KERNELS", "numpy")
    assert _native.describe() == "NumPy kernels, KLDIV_KERNELS=numpy"
    assert _native.instruction_sets() == ()
    assert _native.load() is None
    assert asked.way is None
    assert asked.evaluate(s, t).mismatches is None
    assert_same(asked.evaluate(s, t), expected)


@needs_kernels
@pytest.mark.parametrize("value", [None, ""])
def test_the_best_c_kernels_otherwise(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KLDIV_KERNELS", raising=False)
    if value is not None:
        monkeypatch.setenv("KLDIV_KERNELS", value)
    assert _native.describe() == f"C kernels, {_native.instruction_sets()[-1]}"
    found = _native.load()
    assert found is not None
    assert found.instruction_set == _native.instruction_sets()[-1]


@needs_kernels
@pytest.mark.parametrize("mode", ["softmax", "sigmoid"])
def test_counts_are_told_apart_by_name(mode: Mode, monkeypatch: pytest.MonkeyPatch) -> None:
    """An extension that gives them backwards is no other one."""
    monkeypatch.delenv("KLDIV_KERNELS", raising=False)
    asked = evaluator(("jeffreys", "kl", "reverse-kl"), mode)
    expected = asked.evaluate(*block())
    module = _native._module()
    assert module is not None

    def plan(*told: Any) -> Any:
        right = module.Plan(*told)
        return lambda s, t, values, counts: right(s, t, values, counts[::-1])

    backwards = SimpleNamespace(
        instruction_sets=module.instruction_sets,
        counts=module.counts[::-1],
        forms=module.forms,
        Plan=plan,
    )
    monkeypatch.setattr(_native, "_module", lambda: backwards)
    _native.load.cache_clear()
    found = asked.evaluate(*block())
    assert_same(found, expected)
    assert found.mismatches is not None
    assert expected.mismatches is not None
    assert found.mismatches.tolist() == expected.mismatches.tolist()
    assert expected.mismatches.any()


@pytest.mark.parametrize("value", ["numba", "NumPy", "c", "1"])
def test_a_wrong_value_in_the_environment(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLDIV_KERNELS", value)
    for ask in (_native.describe, _native.load, _native.instruction_sets):
        with pytest.raises(UsageError) as caught:
            ask()
        assert caught.value.what == f"KLDIV_KERNELS: expected numpy, found {value!r}"
        assert caught.value.advice == (
            "Unset it, or say KLDIV_KERNELS=numpy to compute with NumPy alone."
        )


@pytest.mark.parametrize("mode", ["softmax", "sigmoid"])
def test_without_the_extension(mode: Mode, without_extension: None) -> None:
    del without_extension
    assert _native.describe() == "NumPy kernels, no C extension"
    assert _native.instruction_sets() == ()
    s, t = block()
    asked = evaluator(MIXED, mode)
    assert asked.way is None
    found = asked.evaluate(s, t)
    assert found.mismatches is None
    assert_same(found, by_numpy(asked, s, t))


@pytest.mark.parametrize("value", ["", "numpy"])
def test_describing_needs_no_numpy(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLDIV_KERNELS", value)
    code = (
        "import sys; from kldiv_cli.measures import _native; "
        "print(_native.describe(), 'numpy' in sys.modules, sep=' | ')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "KLDIV_KERNELS": value},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    sets = _native.instruction_sets()
    best = f"C kernels, {sets[-1]}" if sets else "NumPy kernels, no C extension"
    expected = best if not value else "NumPy kernels, KLDIV_KERNELS=numpy"
    assert done.stdout == f"{expected} | False\n"


@pytest.mark.parametrize("mode", ["softmax", "sigmoid"])
@pytest.mark.parametrize("temperature", [1e-310, 1e-101, 1e-99, 1e99, 1e101, 1e307])
def test_every_digit_at_every_temperature(mode: Mode, temperature: float) -> None:
    s, t = temperature * np.array([[1.0, 0.3, -2.0]]), temperature * np.array([[0.8, 0.5, -1.0]])
    found = evaluator(("jeffreys", "kl", "reverse-kl"), mode, temperature).evaluate(s, t).values
    for name, values in found.items():
        true = oracle(name, mode, s[0], t[0], temperature)
        assert relative_error(float(values[0]), true) <= TOLERANCE


@needs_kernels
@pytest.mark.parametrize(
    ("temperature", "by_c"), [(0.99e-100, False), (1e-100, True), (1e100, True), (1.01e100, False)]
)
def test_kernels_are_for_temperatures_whose_quotients_have_all_digits(
    temperature: float, by_c: bool
) -> None:
    assert evaluator(("kl",), temperature=temperature).by_kernel_alone == by_c


def test_a_counted_row_without_a_value_is_a_bug() -> None:
    measure = replace(load("tv"), compute=lambda _: np.array([0.0, np.nan]))
    blocks = np.zeros((2, 2, 3))
    with pytest.raises(AssertionError, match="tv of a counted row is nan: row 1"):
        Evaluator((measure,), "softmax").evaluate(*blocks)
    blocks[0, 1] = np.nan
    assert np.isnan(Evaluator((measure,), "softmax").evaluate(*blocks).values["tv"][1])


@needs_kernels
def test_a_counted_row_without_a_value_is_a_bug_of_a_kernel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    blocks = np.zeros((2, 2, 3))
    wrong = spoiled("kl", "softmax", lambda _: np.array([np.nan, 0.0]))
    monkeypatch.setattr(_native, "load", wrong)
    with pytest.raises(AssertionError, match="kl of a counted row is nan: row 0"):
        Evaluator((load("kl"),), "softmax").evaluate(*blocks)


@needs_kernels
@pytest.mark.parametrize("name", _native.instruction_sets())
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
@pytest.mark.parametrize("temperature", [1.0, 0.3])
def test_shares_of_classes(name: str, dtype: str, temperature: float) -> None:
    kernels = _native.load(name)
    with np.errstate(over="ignore"):
        values = np.tile(block()[0], 30).astype(dtype)
    values[9:] *= 30
    some = np.arange(values.shape[1]) % 3 == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_native, "load", lambda: None)
        expected = discarded(values, some, "logits", temperature)
        patch.setattr(_native, "load", lambda: kernels)
        found = discarded(values, some, "logits", temperature)
        apart = discarded(np.asfortranarray(values)[::-1], some, "logits", temperature)
    assert found == pytest.approx(expected, rel=TOLERANCE, abs=0, nan_ok=True)
    assert apart[::-1].tobytes() == found.tobytes()
