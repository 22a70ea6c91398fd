"""Every measure by the C kernels of every instruction set, where these take rows in vectors."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from kldiv_cli.measures import _native, load
from kldiv_cli.measures.distributions.exact import real
from kldiv_cli.measures.evaluation import Evaluator
from tests.kernels import plan_of
from tests.measures.test_kernels import SETS, Type, in_type
from tests.oracle import oracle, relative_error

Array = npt.NDArray[Any]
INF = np.inf
NAMES = (
    *("kl", "js", "gjs:0.1", "gjs:0.999", "skew-kl:0.1", "skew-reverse-kl:0.1", "skew-kl:0.999"),
    *("tv", "hellinger", "renyi:2", "renyi:0.3", "renyi:4.5"),
    *("cross-entropy", "entropy", "entropy-candidate"),
)


def pairs(width: int) -> tuple[Array, Array]:
    """Close rows, far ones, ones with few far cells, ones that one class rules, and an offset."""
    s, noise = np.random.default_rng(width).standard_normal((2, 8, width))
    s *= np.array([3, 3, 3, 3, 1, 10, 3, 3])[:, None]
    s[4, 1] = 30
    t = s + noise * np.array([1e-2, 0.1, 2, 1e-4, 0.3, 1e-3, 1e-5, 4])[:, None]
    t[3, :3] += 5
    t[6] += 12
    s[7, 2:5] = t[7, 2:5] = -INF
    return s, t


@pytest.mark.skipif(not SETS, reason="the C kernels are not built")
@pytest.mark.parametrize("temperature", [1.0, 0.7])
@pytest.mark.parametrize("name", ["float16", "float32", "float64"])
@pytest.mark.parametrize("width", [70, 150])
def test_all_measures_hold(width: int, name: Type, temperature: float) -> None:
    s, t = (in_type(x, name) for x in pairs(width))
    true = {
        each: [
            oracle(each, "softmax", *row, temperature) for row in zip(real(s), real(t), strict=True)
        ]
        for each in NAMES
    }
    for instruction_set in SETS:
        for asked in (NAMES, *((each,) for each in NAMES)):
            values, counts = plan_of("softmax", asked, instruction_set, temperature)(s, t)
            assert counts.unsettled.sum() <= (5 if name == "float64" else 3)
            for each, found in zip(asked, values, strict=True):
                for row in np.flatnonzero(counts.unsettled == 0):
                    error = relative_error(float(found[row]), true[each][row])
                    assert error <= 2e-14, (instruction_set, asked, each, row)


@pytest.mark.skipif(not SETS, reason="the C kernels are not built")
@pytest.mark.parametrize("instruction_set", SETS)
def test_what_c_cannot_tell_numpy_does(
    instruction_set: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A class that one side lacks, a step of 100, and steps that float64 rounds."""
    s, t = pairs(300)
    s[0, 5] = -INF
    t[1, 5] += 100
    t[2] = s[2] + 1e3 + 1e-9 * t[3]
    _, counts = plan_of("softmax", NAMES, instruction_set)(s, t)
    assert counts.unsettled[:3].tolist() == [1, 1, 1]
    asked = Evaluator([load(name) for name in NAMES], "softmax")
    kernels = _native.load(instruction_set)
    monkeypatch.setattr(_native, "load", lambda: kernels)
    found = asked.evaluate(s, t).values
    monkeypatch.setattr(_native, "load", lambda: None)
    for name, values in asked.evaluate(s, t).values.items():
        assert found[name] == pytest.approx(values, rel=2e-14, abs=0), name


@pytest.mark.skipif(not SETS, reason="the C kernels are not built")
@pytest.mark.parametrize("instruction_set", SETS)
@pytest.mark.parametrize("width", [70, 700, 2100])
def test_the_largest_class_is_one_that_is_there(width: int, instruction_set: str) -> None:
    """What a hole holds in a vector is no class of the row's."""
    rng = np.random.default_rng(width)
    s, noise = rng.standard_normal((2, 200, width)).astype(np.float32)
    t = s + np.float32(0.01) * noise
    s[:, ::3] = t[:, ::3] = -INF
    s[np.arange(200), 3 * rng.integers(0, width // 3, 200) + 1] = 8
    _, counts = plan_of("softmax", ("jeffreys", "tv"), instruction_set)(s, t)
    assert (counts.unsettled == 0).any()
    assert counts.reference_argmax.tolist() == s.argmax(axis=1).tolist()
    assert counts.candidate_argmax.tolist() == t.argmax(axis=1).tolist()


@pytest.mark.skipif(not SETS, reason="the C kernels are not built")
@pytest.mark.parametrize("instruction_set", SETS)
@pytest.mark.parametrize("width", [5, 64, 70, 1000])
def test_a_measure_is_the_same_alone_and_together(width: int, instruction_set: str) -> None:
    rng = np.random.default_rng(width)
    s, noise = rng.standard_normal((2, 60, width))
    t = s + noise * 10 ** rng.uniform(-9, 1, (60, 1))
    s[3:6, 1] = t[3:6, 1] = -INF
    names = "jeffreys", "kl", "reverse-kl", *NAMES
    together, all_counts = plan_of("softmax", names, instruction_set)(s, t)
    for name, expected in zip(names, together, strict=True):
        (alone,), counts = plan_of("softmax", (name,), instruction_set)(s, t)
        told = counts.unsettled == 0
        assert alone[told].tobytes() == expected[told].tobytes(), name
        assert not np.isnan(expected[told]).any()
        assert (all_counts.unsettled[~told] == 1).all()
