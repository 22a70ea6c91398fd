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
KINDS = [("probs", "probs"), ("probs", "logits"), ("log-probs", "log-probs")]
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


def written(kinds: tuple[str, str], distance: float, cells: bool) -> tuple[Array, Array]:
    """Rows of two kinds so far apart, of classes or of cells."""
    source = np.random.default_rng(11)
    m = source.normal(0, 2, (8, 5))
    sides = m, m + distance * source.normal(0, 1, (8, 5))
    p, q = ((1 / (1 + np.exp(-x)) if cells else softmax(x)) for x in sides)
    ours, theirs = (
        {"probs": a, "log-probs": np.log(a), "logits": x}[kind]
        for kind, a, x in zip(kinds, (p, q), sides, strict=True)
    )
    return ours, theirs


def softmax(x: Array) -> Array:
    found: Array = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    return found


@pytest.mark.parametrize("kinds", KINDS, ids="-".join)
@pytest.mark.parametrize(
    ("name", "options"), CASES, ids=lambda x: x if isinstance(x, str) else str(x)
)
def test_other_kinds_keep_the_digits_too(
    name: str, options: dict[str, Any], kinds: tuple[Any, Any]
) -> None:
    m, n = written(kinds, 1e-8, name == "globalpointer")
    labels = LABELS if name == "dkd" or "class_prior" in options else None
    result = loss(name, m, n, labels=labels, kind=kinds, **options)
    true = value_of(name, m, n, options, LABELS.tolist(), kinds)
    assert relative_error(result.value, true) < 2e-14
    parts = result.components or {}
    if "wmse" in parts:
        alone = value_of(name, m, n, {**options, "alpha": 0.0, "beta": 1.0}, LABELS.tolist(), kinds)
        assert relative_error(parts["wmse"], alone) < 2e-14


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


CANCELLING: list[tuple[str, dict[str, Any], list[float], list[float]]] = [
    # log-probabilities taken for what they are: the KL is 1e-17, each term of the sum about 1.
    *(
        ("mxnet", {"from_logits": True, "release": "1.9"}, s, (np.array(s) + move).tolist())
        for s in ([-0.4076059644443803, -1.4076059644443803, -2.4076059644443803],)
        for move in ([0, 3e-9, -8e-9], [1e-3, 2e-3, -1e-3], [0, 0, 0])
    ),
    ("mxnet", {"from_logits": True}, [300.0, 0.0, 1.0], [0.0, 5.0, 1.0]),
    # Nearly uniform: what all share is larger by 1e8 than what is left.
    ("torch", {"raw_input": True, "log_target": True}, [1e-8, 0.0, -2e-8], [0.0, 0.5, 1.0]),
    ("torch", {"raw_input": True, "log_target": True}, [0.3, 0.0, 2.0], [2.0, 0.3, 0.005]),
    # Where clipping takes as much as it leaves.
    ("keras", {}, [0.0, -20.0, -15.9], [0.0, -20.0, -16.38]),
    ("keras", {}, [0.0, -15.0, -17.0], [0.0, -15.0, -16.0000001]),
    # The target hardly moves, or the two other classes move against each other far below it.
    *(
        ("dkd", {"temperature": 1.0, "alpha": 1.0, "beta": 0.0}, [40.0, *s], [40.0, *t])
        for s, t in (
            ([1.0, 2.0], [2.0, 1.2857]),
            ([0.0, 0.0], [1e-4, -1e-4]),
            ([-60.0, -61.0], [-59.0, -58.0]),
        )
    ),
    ("dkd", {"temperature": 1.0}, [0.0, 1.0, 2.0], [0.619915, 1.0, 2.9]),
]


@pytest.mark.parametrize(
    ("name", "options", "m", "n"), CANCELLING, ids=lambda x: x if isinstance(x, str) else None
)
def test_what_cancels_keeps_the_digits(
    name: str, options: dict[str, Any], m: list[float], n: list[float]
) -> None:
    labels = [0] if name == "dkd" else None
    true = value_of(name, [m], [n], options, [0])
    assert relative_error(loss(name, [m], [n], labels=labels, **options).value, true) < 2e-14


def test_a_uniform_target_makes_exactly_nothing_of_an_unlogged_input() -> None:
    options: dict[str, Any] = {"raw_input": True, "log_target": True}
    for classes in (3, 7, 10, 1000):
        n = np.random.default_rng(classes).normal(size=(2, classes))
        assert loss("torch", np.full_like(n, 0.3), n, **options).value == 0
