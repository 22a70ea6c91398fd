"""Every loss against its definition in 120 digits, to 1e-13."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kldiv_cli import loss
from kldiv_cli.losses import LOSSES
from tests.losses.definitions import value_of
from tests.oracle import relative_error

Array = np.ndarray[Any, Any]
CASES: list[tuple[str, dict[str, Any]]] = [
    *(("torch", {"reduction": r}) for r in ("mean", "batchmean", "sum")),
    ("torch", {"log_target": True}),
    ("torch", {"raw_input": True}),
    ("torch", {"raw_input": True, "log_target": True}),
    *(("mxnet", {"release": r, "from_logits": f}) for r in ("1.8", "1.9") for f in (True, False)),
    ("keras", {}),
    *(("r-drop", {"convention": c}) for c in ("paper", "bert", "vit", "keras")),
    ("vat", {}),
    *(("globalpointer", {"reduction": r}) for r in ("sample", "cell")),
    *(("kd", {"temperature": t}) for t in (1.0, 4.0, 0.7)),
    ("dkd", {}),
    ("dkd", {"alpha": 2.0, "beta": 0.5, "temperature": 1.0}),
    ("dkd", {"alpha": 1.0, "beta": 0.0}),
    *(("gjsd", {"beta": b}) for b in (0.0, 0.1, 0.5, 0.9, 1.0)),
    ("gjsd", {"beta": 0.3, "temperature": 0.9}),
    ("distillm", {}),
    ("distillm", {"lam": 0.7}),
    ("distillm", {"lam": 0.3, "reverse": True}),
    ("dkl", {}),
    ("dkl", {"alpha": 4.0, "beta": 20.0, "temperature": 4.0, "weight_temperature": 2.0}),
    ("dkl", {"class_prior": True, "temperature": 2.0}),
    ("ikl", {}),
    ("ikl", {"class_prior": True, "weight_temperature": 3.0}),
    ("gkl", {}),
    ("gkl", {"gamma": 0.5, "weight_temperature": 4.0}),
    ("gkl", {"gamma": 0.0}),
    ("gkl", {"gamma": 0.25, "class_prior": True}),
]
LABELS = np.array([0, 1, 2, 3, 4, 4, 2, 0])


def inputs() -> dict[str, tuple[Array, Array]]:
    source = np.random.default_rng(7)
    m, noise = source.normal(0, 2, (8, 5)), source.normal(0, 1, (8, 5))
    ahead = m.copy()
    ahead[np.arange(8), [0, 1, 2, 3, 0, 1, 2, 3]] += 30
    return {
        "independent": (m, source.normal(0, 2, (8, 5))),
        "close": (m, m + 1e-3 * noise),
        "closer": (m, m + 1e-8 * noise),
        "far": (m, m + 20 * noise),
        "one-ahead": (ahead, ahead + 0.1 * noise),
        "offset": (m + 1000, m + 0.1 * noise - 500),
        "float32": (m.astype(np.float32), (m + noise).astype(np.float32)),
    }


INPUTS = inputs()


@pytest.mark.parametrize("kind", INPUTS)
@pytest.mark.parametrize(
    ("name", "options"), CASES, ids=lambda x: x if isinstance(x, str) else str(x)
)
def test_is_the_definition(name: str, options: dict[str, Any], kind: str) -> None:
    m, n = INPUTS[kind]
    labeled = name == "dkd" or "class_prior" in options
    result = loss(name, m, n, labels=LABELS if labeled else None, **options)
    true = value_of(name, m, n, options, LABELS.tolist())
    assert relative_error(result.value, true) < 2e-14


@pytest.mark.parametrize("name", LOSSES)
def test_every_option_of_every_loss_is_here(name: str) -> None:
    seen = {option for other, options in CASES if other == name for option in options}
    own = {"r-drop": {"alpha"}, "ikl": {"alpha", "beta", "temperature"}}
    own["gkl"] = own["ikl"]
    assert seen | own.get(name, set()) == {option.name for option in LOSSES[name].options}


@pytest.mark.parametrize("name", ["r-drop", "ikl", "gkl"])
def test_alpha_and_beta_weigh(name: str) -> None:
    m, n = INPUTS["independent"]
    one = loss(name, m, n, alpha=1.0)
    two = loss(name, m, n, alpha=2.0)
    if name == "r-drop":
        assert two.value == 2 * one.value
        return
    assert loss(name, m, n, beta=0.0).value == one.components["cross_entropy"]
    assert loss(name, m, n, alpha=0.0, beta=3.0).value == 3 * one.components["wmse"]


def test_far_probabilities_are_not_rounded_to_one_as_in_torch() -> None:
    m, n = [[30.0, 0.0, -5.0], [0.0, 40.0, 1.0]], [[-3.0, 20.0, 0.0], [9.0, -9.0, 0.5]]
    options: dict[str, Any] = {"raw_input": True, "reduction": "sum"}
    true = value_of("torch", m, n, options)
    assert relative_error(loss("torch", m, n, **options).value, true) < 2e-14


@pytest.mark.parametrize("delta", [1e-12, 1e-6, 0.1])
@pytest.mark.parametrize(
    ("name", "options"),
    [("keras", {}), ("torch", {"raw_input": True, "log_target": True})],
    ids=["keras", "torch"],
)
def test_rare_classes_that_move_keep_the_digits(
    name: str, options: dict[str, Any], delta: float
) -> None:
    m = [[0.0, -20.0, -18.0, -25.0, -19.0]]
    n = [[0.0, -20.0 + delta, -18.0 + delta, -25.0 - delta, -19.0]]
    true = value_of(name, m, n, options)
    assert relative_error(loss(name, m, n, **options).value, true) < 2e-14
