"""Every number that NUMERICS.md and LOSSES.md print for a loss, to its last digit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kldiv_cli import loss
from kldiv_cli.losses.keras import clipped_kl

M, N = [[2.0, 1.0, 0.0, -1.0]], [[1.5, 1.2, -0.3, 0.4]]
D1, D2, D3, D4 = (0.2, 0.5, 0.2, 0.1), (0.3, 0.4, 0.1, 0.2), (0.1, 0.1, 0.1, 0.7), (0, 0.9, 0, 0.1)
SHIFTED = [[0.39056206, 1.3068528, 0.39056206, -0.30258512]]


def logits(distribution: tuple[float, ...]) -> Any:
    with np.errstate(divide="ignore"):
        return np.log([distribution])


def printed(text: str) -> Any:
    """What rounds to these digits, give or take the last bit of a float64."""
    _, _, decimals = text.partition(".")
    return pytest.approx(float(text), rel=0, abs=0.5 * 10.0 ** -len(decimals) + 1e-16)


FIXTURE = [
    ("vat", {}, "0.121676182883668"),
    ("torch", {"reduction": "batchmean"}, "0.121676182883668"),
    ("r-drop", {"alpha": 1.0}, "0.142345615128381"),
    ("r-drop", {"alpha": 1.0, "convention": "vit"}, "0.284691230256762"),
    ("gjsd", {"beta": 0.5}, "0.0335543062268412"),
    ("gjsd", {"beta": 0.1}, "0.0111216821948085"),
    ("gjsd", {"beta": 0.9}, "0.013899647559553"),
    ("gjsd", {"beta": 0.0}, "0.121676182883668"),
    ("gjsd", {"beta": 1.0}, "0.163015047373093"),
    ("distillm", {"reverse": True}, "0.119052790518642"),
    ("kd", {"temperature": 4.0}, "0.233858656334564"),
    ("dkd", {"labels": [0]}, "1.86697606956881"),
    ("globalpointer", {}, "0.523082031148859"),
    ("dkl", {"beta": 0.0}, "1.06921314685909"),
    ("dkl", {"alpha": 0.0}, "0.0878383466515324"),
    ("ikl", {"alpha": 0.0}, "0.2705520102938"),
    ("dkl", {"alpha": 0.0, "weight_temperature": 100.0}, "0.2705520102938"),
    ("gkl", {"alpha": 0.0, "gamma": 0.5, "weight_temperature": 4.0}, "0.2468922096816"),
    ("gkl", {"alpha": 0.0, "gamma": 0.0}, "0.2725"),
    ("dkl", {"beta": 0.0, "temperature": 4.0}, "1.3628587792575"),
]


@pytest.mark.parametrize(("name", "options", "value"), FIXTURE)
def test_fixture(name: str, options: dict[str, Any], value: str) -> None:
    assert loss(name, M, N, **options).value == printed(value)


@pytest.mark.parametrize(
    ("name", "options", "component", "value"),
    [
        ("dkd", {"labels": [0]}, "tckd", "0.0894168635374165"),
        ("dkd", {"labels": [0]}, "nckd", "0.222194900753924"),
        ("distillm", {}, "skew_kl", "0.101730918198746"),
        ("distillm", {"reverse": True}, "skew_kl", "0.119052790518642"),
        ("r-drop", {}, "kl", "0.121676182883668"),
        ("r-drop", {}, "reverse_kl", "0.163015047373093"),
        ("dkl", {}, "wmse", "0.0878383466515324"),
        ("dkl", {}, "cross_entropy", "1.06921314685909"),
    ],
)
def test_components(name: str, options: dict[str, Any], component: str, value: str) -> None:
    assert loss(name, M, N, **options).components[component] == printed(value)


@pytest.mark.parametrize(
    ("prediction", "label", "kl", "mean"),
    [
        (D1, D2, "0.10169682996276", "0.02542420749069"),
        (D1, D3, "1.06256387698332", "0.26564096924583"),
        (D2, D1, "0.0997934720914665", "0.0249483680228666"),
        (D1, D4, "0.5290079984119", "0.13225199960"),
    ],
)
class TestMXNet:
    def test_pairs(
        self, prediction: tuple[float, ...], label: tuple[float, ...], kl: str, mean: str
    ) -> None:
        sides = logits(label), logits(prediction)
        for from_logits in (False, True):
            options: dict[str, Any] = {"from_logits": from_logits}
            assert loss("mxnet", *sides, release="1.9", **options).value == within_epsilon(kl)
            assert loss("mxnet", *sides, release="1.8", **options).value == within_epsilon(mean)
        assert loss("vat", *sides).value == printed(kl)
        assert loss("torch", *sides).value == printed(mean)

    def test_true_kl_is_beside_it(
        self, prediction: tuple[float, ...], label: tuple[float, ...], kl: str, mean: str
    ) -> None:
        result = loss("mxnet", logits(label), logits(prediction))
        assert result.reference_value == printed(kl)
        assert result.factor == 0.25
        assert result.value == within_epsilon(mean)


def within_epsilon(text: str) -> Any:
    """The digits printed, and what MXNet's 1e-12 adds per class with a positive label."""
    _, _, decimals = text.partition(".")
    return pytest.approx(float(text), rel=0, abs=4e-12 + 0.5000001 * 10.0 ** -len(decimals))


def test_mxnet_zero_prediction_under_a_positive_label() -> None:
    for release in ("1.8", "1.9"):
        assert loss("mxnet", logits(D1), logits(D4), release=release).value == np.inf


def test_mxnet_normalises_shifted_logits() -> None:
    assert loss("mxnet", logits(D2), SHIFTED).value == printed("0.02542420768")
    assert loss("mxnet", logits(D2), SHIFTED, from_logits=True).value == pytest.approx(
        0.0254242 - 2 / 4, abs=1e-6
    )


class TestTorchPitfalls:
    SAME = logits((0.95, 0.05))
    OTHER = logits((0.6, 0.4))

    def test_an_input_that_was_not_logged(self) -> None:
        result = loss("torch", self.SAME, self.SAME, reduction="sum", raw_input=True)
        assert result.value == printed("-1.10351524334587")
        assert result.reference_value == 0

    def test_log_target_is_no_way_out(self) -> None:
        options: dict[str, Any] = {"reduction": "sum", "raw_input": True, "log_target": True}
        assert loss("torch", self.SAME, self.SAME, **options).value == 0
        result = loss("torch", self.SAME, self.OTHER, **options)
        assert result.value == printed("0.537053497")
        assert result.reference_value == printed("0.332583635826")

    def test_the_right_call(self) -> None:
        result = loss("torch", self.SAME, self.OTHER, reduction="batchmean")
        assert result.value == printed("0.332583635826")

    def test_equal_logits_give_zero_not_minus_3e_8(self) -> None:
        logits32 = np.array([[0.95, 0.05, 0]], np.float32)
        for reduction in ("mean", "batchmean", "sum"):
            assert loss("torch", logits32, logits32, reduction=reduction).value == 0


def test_keras_is_negative_where_rows_are_not_normalised() -> None:
    assert clipped_kl(np.array([[0.2, 0.3]]), np.array([[0.8, 0.9]]))[0] < 0


@pytest.mark.parametrize(
    ("convention", "alpha", "times"),
    [("paper", 5.0, 2.5), ("bert", 0.5, 0.25), ("vit", 0.3, 0.3), ("keras", 4.0, 1.0)],
)
def test_r_drop_conventions(convention: Any, alpha: float, times: float) -> None:
    result = loss("r-drop", M * 3, N * 3, convention=convention)
    over = 3 if convention == "keras" else 1
    j = 0.284691230256762
    assert result.options == {"alpha": alpha, "convention": convention}
    assert result.value == pytest.approx(times * 3 * j / over, rel=1e-14)
    assert result.factor == pytest.approx(times * 3 / over, rel=1e-15)


def test_r_drop_of_roberta() -> None:
    result = loss("r-drop", M, N, convention="bert", alpha=0.7)
    assert result.value == pytest.approx(0.7 / 2 * 0.284691230256762, rel=1e-14)


def test_kd_identity() -> None:
    for target in range(4):
        result = loss("dkd", M, N, labels=[target], alpha=1.0, beta=0.0)
        p = np.exp(np.array(M[0]) / 4)
        rest = 1 - (p / p.sum())[target]
        kd = loss("kd", M, N, temperature=4.0).value
        found = result.components["tckd"] + rest * result.components["nckd"]
        assert found == pytest.approx(kd, rel=1e-14)


def test_defaults() -> None:
    decoupled = {"alpha": 1.0, "beta": 1.0, "temperature": 1.0, "class_prior": False}
    expected: dict[str, dict[str, Any]] = {
        "torch": {"reduction": "mean", "log_target": False, "raw_input": False},
        "mxnet": {"release": "1.8", "from_logits": False},
        "keras": {},
        "r-drop": {"alpha": 5.0, "convention": "paper"},
        "vat": {},
        "globalpointer": {"reduction": "sample"},
        "kd": {"temperature": 1.0},
        "dkd": {"alpha": 1.0, "beta": 8.0, "temperature": 4.0},
        "gjsd": {"beta": 0.5, "temperature": 1.0},
        "distillm": {"lambda": 0.1, "reverse": False},
        "dkl": {**decoupled, "weight_temperature": 1.0},
        "ikl": {**decoupled, "weight_temperature": 100.0},
        "gkl": {**decoupled, "weight_temperature": 1.0, "gamma": 1.0},
    }
    for name, options in expected.items():
        labels = [0] if name == "dkd" else None
        assert loss(name, M, N, labels=labels).options == options
