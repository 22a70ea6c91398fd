"""The oracle against the published numbers of NUMERICS, and against values known in closed form."""

import math

import numpy as np
import pytest
from mpmath import mp, mpf

from tests.oracle import oracle, relative_error

S = (2.0, 1.0, 0.0, -1.0)
T = (1.5, 1.2, -0.3, 0.4)
INF = math.inf


@pytest.mark.parametrize(
    ("name", "mode", "published"),
    [
        ("kl", "softmax", 0.121676182883668),
        ("reverse-kl", "softmax", 0.163015047373093),
        ("jeffreys", "softmax", 0.284691230256762),
        ("js", "softmax", 0.0335543062268412),
        ("gjs:0.5", "softmax", 0.0335543062268412),
        ("gjs:0.1", "softmax", 0.0111216821948085),
        ("gjs:0.9", "softmax", 0.013899647559553),
        ("skew-kl:0.1", "softmax", 0.101730918198746),
        ("skew-reverse-kl:0.1", "softmax", 0.119052790518642),
        ("tv", "softmax", 0.210600770021521),
        ("cross-entropy", "softmax", 1.06921314685909),
        ("jeffreys", "sigmoid", 0.523082031148859),
        ("kl", "sigmoid", 0.253136508894847),
        ("reverse-kl", "sigmoid", 0.269945522254012),
    ],
)
def test_parity(name: str, mode: str, published: float) -> None:
    assert float(oracle(name, mode, S, T)) == pytest.approx(published, rel=2e-14)


def test_parity_at_a_temperature() -> None:
    assert float(16 * oracle("kl", "softmax", S, T, 4.0)) == pytest.approx(
        0.233858656334564, rel=2e-14
    )
    assert float(oracle("cross-entropy", "softmax", S, T, 4.0)) == pytest.approx(
        1.3628587792575, rel=2e-13
    )


@pytest.mark.parametrize(
    ("prediction", "label", "published"),
    [
        ((0.2, 0.5, 0.2, 0.1), (0.3, 0.4, 0.1, 0.2), 0.10169682996276),
        ((0.2, 0.5, 0.2, 0.1), (0.1, 0.1, 0.1, 0.7), 1.06256387698332),
        ((0.3, 0.4, 0.1, 0.2), (0.2, 0.5, 0.2, 0.1), 0.0997934720914665),
        ((0.0, 0.9, 0.0, 0.1), (0.2, 0.5, 0.2, 0.1), INF),
        ((0.2, 0.5, 0.2, 0.1), (0.0, 0.9, 0.0, 0.1), 0.5290079984119),
    ],
)
def test_parity_of_distributions(
    prediction: tuple[float, ...], label: tuple[float, ...], published: float
) -> None:
    with np.errstate(divide="ignore"):
        log_prediction, log_label = np.log(prediction), np.log(label)
    assert float(oracle("kl", "softmax", log_label, log_prediction)) == pytest.approx(
        published, rel=2e-13
    )


@pytest.mark.parametrize(
    ("name", "mode", "s", "t", "exact"),
    [
        # p = (3/4, 1/4), q = (1/4, 3/4): everything is a logarithm of 3, a root of 3 or a rational.
        ("jeffreys", "softmax", (math.log(3), 0), (0, math.log(3)), math.log(3)),
        ("kl", "softmax", (math.log(3), 0), (0, math.log(3)), math.log(3) / 2),
        ("tv", "softmax", (math.log(3), 0), (0, math.log(3)), 0.5),
        ("hellinger", "softmax", (math.log(3), 0), (0, math.log(3)), 1 - math.sqrt(3) / 2),
        ("renyi:0.5", "softmax", (math.log(3), 0), (0, math.log(3)), -math.log(3 / 4)),
        ("renyi:2", "softmax", (math.log(3), 0), (0, math.log(3)), math.log(7 / 3)),
        ("renyi:inf", "softmax", (math.log(3), 0), (0, math.log(3)), math.log(3)),
        ("entropy", "softmax", (5, 5, 5), (1, 2, 3), math.log(3)),
        ("entropy-candidate", "softmax", (1, 2, 3), (5, 5, 5), math.log(3)),
        ("jeffreys", "sigmoid", (math.log(3),), (-math.log(3),), math.log(3)),
        ("entropy", "sigmoid", (0, 0), (1, 2), 2 * math.log(2)),
        # Supports.
        ("kl", "softmax", (0, 0, 0), (0, 0, -INF), INF),
        ("reverse-kl", "softmax", (0, 0, 0), (0, 0, -INF), math.log(1.5)),
        ("jeffreys", "softmax", (0, 0, -INF), (0, 0, 0), INF),
        ("jeffreys", "softmax", (0, 0, -INF), (2, 2, -INF), 0),
        ("js", "softmax", (0, -INF), (-INF, 0), math.log(2)),
        ("tv", "softmax", (0, -INF), (-INF, 0), 1),
        ("hellinger", "softmax", (0, -INF), (-INF, 0), 1),
        ("renyi:0.5", "softmax", (0, -INF), (-INF, 0), INF),
        ("renyi:2", "softmax", (0, 0), (0, -INF), INF),
        ("renyi:2", "softmax", (0, -INF), (0, 0), math.log(2)),
        ("renyi:inf", "softmax", (0, -INF), (0, 0), math.log(2)),
        ("cross-entropy", "softmax", (0, 0), (0, -INF), INF),
        ("entropy", "softmax", (0, -INF), (0, 0), 0),
        ("kl", "sigmoid", (-INF,), (0,), math.log(2)),
        ("kl", "sigmoid", (INF,), (0,), math.log(2)),
        ("reverse-kl", "sigmoid", (-INF,), (0,), INF),
        ("jeffreys", "sigmoid", (INF, -INF, 1), (INF, -INF, 1), 0),
        # Magnitudes.
        ("jeffreys", "softmax", (0, -1e12), (0, -1e12), 0),
        ("jeffreys", "softmax", (0, -1.7e308), (0, -1.7e308), 0),
        ("reverse-kl", "softmax", (0, -1e12), (0, 0), 5e11 - math.log(2)),
        ("jeffreys", "softmax", (0, -1.7e308), (0, 0), 0.85e308),
        ("jeffreys", "softmax", (0, 0), (0, 1e-140), 0.25e-280),
        ("kl", "softmax", (0, -700), (0, -697), math.exp(-700) * (math.exp(3) - 4)),
        ("jeffreys", "sigmoid", (700,), (-700,), 1400),
        ("jeffreys", "sigmoid", (-700,), (-697,), math.exp(-700) * 3 * math.expm1(3)),
        # Rows without a value.
        ("jeffreys", "softmax", (0, math.nan), (0, 0), math.nan),
        ("jeffreys", "softmax", (0, INF), (0, 0), math.nan),
        ("jeffreys", "softmax", (-INF, -INF), (0, 0), math.nan),
        ("jeffreys", "softmax", (-INF, -INF), (-INF, -INF), math.nan),
        ("jeffreys", "sigmoid", (-INF, -INF), (0, 0), INF),
        ("jeffreys", "sigmoid", (-INF, -INF), (-INF, -INF), math.nan),
    ],
)
def test_closed_forms(
    name: str, mode: str, s: tuple[float, ...], t: tuple[float, ...], exact: float
) -> None:
    assert float(oracle(name, mode, s, t)) == pytest.approx(exact, rel=2e-14, abs=0, nan_ok=True)


@pytest.mark.parametrize("mode", ["softmax", "sigmoid"])
def test_symmetries_hold_beyond_float64(mode: str) -> None:
    s, t = (0.3, -80.0, 1e-6), (0.3, -79.0, 2e-6)
    with mp.workdps(60):
        forward, backward = oracle("kl", mode, s, t, 0.7), oracle("reverse-kl", mode, s, t, 0.7)
        both = oracle("jeffreys", mode, s, t, 0.7)
        assert abs(forward + backward - both) < mpf("1e-40") * both
        assert abs(oracle("jeffreys", mode, t, s, 0.7) - both) < mpf("1e-40") * both


@pytest.mark.parametrize(
    ("value", "true", "error"),
    [
        (0.0, mpf(0), 0.0),
        (INF, mp.inf, 0.0),
        (INF, mpf("1e400"), 0.0),
        (math.nan, mp.nan, 0.0),
        (1e-320, mpf(0), INF),
        (1.0, mp.inf, INF),
        (INF, mpf(1), INF),
        (-INF, mp.inf, INF),
        (math.nan, mpf(1), INF),
        (1.0, mp.nan, INF),
        (1.5, mpf(2), 0.25),
        (-2.0, mpf(2), 2.0),
        (0.0, mpf("1e-300"), 1.0),
    ],
)
def test_relative_error(value: float, true: mpf, error: float) -> None:
    assert relative_error(value, true) == error
