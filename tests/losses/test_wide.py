"""Losses of rows of many classes, which kernels compute, against their definitions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from kldiv_cli import loss
from kldiv_cli.losses import targets
from tests.losses.definitions import value_of
from tests.oracle import relative_error

Array = np.ndarray[Any, Any]
RNG = np.random.default_rng(12)
M = RNG.normal(0, 2, (4, 150))
NOISE = RNG.normal(0, 1, M.shape)
LABELS = np.array([0, 149, 7, int(M[3].argmax())])
TARGET = np.arange(150) == LABELS[:, None]
CASES: dict[str, tuple[Array, Array]] = {
    "close": (M, M + 1e-9 * NOISE),
    "float32": (M.astype(np.float32), (M + 0.1 * NOISE).astype(np.float32)),
    "float16": (M.astype(np.float16), (M + NOISE).astype(np.float16)),
    "far": (M, M + 20 * NOISE),
    "target-ahead": (M + 40 * TARGET, M + 41 * TARGET + 1e-3 * NOISE),
    "target-behind": (M - 60 * TARGET, M - 61 * TARGET + NOISE),
    "target-alone-moves": (M, M + 1e-6 * TARGET),
    "others-move": (M, M + NOISE * ~TARGET),
    "others-far-down": (M, M - 50 * ~TARGET + NOISE),
    "offset": (M + 1000, M + 1e-6 * NOISE - 500),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_both_parts_of_dkd(case: str, temperature: float) -> None:
    m, n = CASES[case]
    for alpha, beta in ((1.0, 0.0), (0.0, 1.0)):
        options = {"alpha": alpha, "beta": beta, "temperature": temperature}
        found = loss("dkd", m, n, labels=LABELS, **options)  # type: ignore[arg-type]
        true = value_of("dkd", m, n, options, LABELS.tolist())
        assert relative_error(found.value, true) < 2e-14


@pytest.mark.parametrize("case", ["close", "float32", "far", "offset"])
@pytest.mark.parametrize("options", [{}, {"gamma": 0.5, "weight_temperature": 4.0}])
def test_gkl(case: str, options: dict[str, Any]) -> None:
    found = loss("gkl", *CASES[case], **options)
    true = value_of("gkl", *CASES[case], options, LABELS.tolist())
    assert relative_error(found.value, true) < 2e-14


@pytest.mark.parametrize("name", ["kd", "dkd", "gkl"])
def test_threads_do_not_matter(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from kldiv_cli.tasks import walk

    monkeypatch.setattr(walk, "BLOCK_BYTES", 4000)
    monkeypatch.setattr(walk, "STREAM_BYTES", 4000)
    m, n = np.tile(M, (20, 1)), np.tile(M + NOISE, (20, 1))
    labels = np.tile(LABELS, 20) if name == "dkd" else None
    one, two = (loss(name, m, n, threads=threads, labels=labels) for threads in (1, 2))
    assert (one.value, one.components) == (two.value, two.components)


def test_numpy_sees_few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def counted(*args: Any) -> Any:
        found = right(*args)
        seen.append(int(found.unsettled.sum()))
        return found

    right: Callable[..., Any] = targets._split
    monkeypatch.setattr(targets, "_split", counted)
    m = RNG.normal(0, 2, (2000, 100)).astype(np.float32)
    n = (m + RNG.normal(0, 0.1, m.shape)).astype(np.float32)
    loss("dkd", m, n, labels=RNG.integers(0, 100, 2000))
    assert sum(seen) < (2 if np.finfo(np.longdouble).nmant >= 63 else 60)
