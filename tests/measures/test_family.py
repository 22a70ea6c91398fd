"""Every measure against published numbers, and against 120 digits in every kind of regime."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from mpmath import mpf

from kldiv_cli.measures import MEASURES, load, prepare
from tests.family import FAMILY, MODES, SMALLEST, Mode, complaints, kind, subset, truths, value
from tests.oracle import oracle, relative_error
from tests.regimes import CASES, Case

S, T = (2.0, 1.0, 0.0, -1.0), (1.5, 1.2, -0.3, 0.4)
INF = math.inf
SUBSET = list(subset())


@pytest.mark.parametrize(
    ("name", "mode", "published"),
    [
        ("jeffreys", "softmax", 0.284691230256762),
        ("kl", "softmax", 0.121676182883668),
        ("reverse-kl", "softmax", 0.163015047373093),
        ("js", "softmax", 0.0335543062268412),
        ("gjs:0.5", "softmax", 0.0335543062268412),
        ("gjs:0.1", "softmax", 0.0111216821948085),
        ("gjs:0.9", "softmax", 0.013899647559553),
        ("skew-kl:0", "softmax", 0.121676182883668),
        ("skew-kl:0.1", "softmax", 0.101730918198746),
        ("skew-reverse-kl:0", "softmax", 0.163015047373093),
        ("skew-reverse-kl:0.1", "softmax", 0.119052790518642),
        ("tv", "softmax", 0.210600770021521),
        ("cross-entropy", "softmax", 1.06921314685909),
        ("jeffreys", "sigmoid", 0.523082031148859),
        ("kl", "sigmoid", 0.253136508894847),
        ("reverse-kl", "sigmoid", 0.269945522254012),
    ],
)
def test_published_numbers(name: str, mode: Mode, published: float) -> None:
    assert value(name, mode, S, T) == pytest.approx(published, rel=2e-14, abs=0)


def test_published_numbers_at_a_temperature() -> None:
    assert 16 * value("kl", "softmax", S, T, 4.0) == pytest.approx(
        0.233858656334564, rel=2e-14, abs=0
    )
    assert value("cross-entropy", "softmax", S, T, 4.0) == pytest.approx(
        1.3628587792575, rel=0, abs=5e-14
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
    ids=["d1-d2", "d1-d3", "d2-d1", "d4-d1", "d1-d4"],
)
def test_published_numbers_of_distributions(
    prediction: Sequence[float], label: Sequence[float], published: float
) -> None:
    """The published numbers end at the 14th decimal, that of zeros at the 13th."""
    with np.errstate(divide="ignore"):
        log_prediction, log_label = np.log(prediction), np.log(label)
    found = value("kl", "softmax", log_label, log_prediction)
    assert found == pytest.approx(published, rel=0, abs=6e-14 if 0 in label else 6e-15)
    assert found == value("reverse-kl", "softmax", log_prediction, log_label)


@pytest.mark.parametrize(
    ("name", "exact"),
    [
        ("jeffreys", math.log(3)),
        ("kl", math.log(3) / 2),
        ("reverse-kl", math.log(3) / 2),
        ("js", math.log(27 / 16) / 4),
        ("tv", 0.5),
        ("hellinger", 1 - math.sqrt(3) / 2),
        ("renyi:0.5", math.log(4 / 3)),
        ("renyi:2", math.log(7 / 3)),
        ("renyi:3", math.log(61 / 9) / 2),
        ("renyi:inf", math.log(3)),
        ("cross-entropy", 2 * math.log(2) - math.log(3) / 4),
        ("entropy", 2 * math.log(2) - 0.75 * math.log(3)),
        ("entropy-candidate", 2 * math.log(2) - 0.75 * math.log(3)),
    ],
)
@pytest.mark.parametrize("mode", MODES)
def test_three_quarters_against_one_quarter(name: str, mode: Mode, exact: float) -> None:
    """p = (3/4, 1/4), q = (1/4, 3/4): all are logarithms of 3, roots of 3 or rationals."""
    gap = math.log(3)
    s, t = ((gap, 0.0), (0.0, gap)) if mode == "softmax" else ((gap,), (-gap,))
    assert value(name, mode, s, t) == pytest.approx(exact, rel=2e-14, abs=0)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", SUBSET, ids=[case.id for case in SUBSET])
def test_every_digit_in_every_kind_of_regime(case: Case, mode: Mode) -> None:
    few = case.temperatures[:: 2 if case.s.shape[1] <= 10 else 5]
    for i, temperature in enumerate(few):
        row = i % len(case.s)
        pair = prepare(mode, case.s, case.t, temperature)
        found = {name: float(load(name).rows(pair)[row]) for name in FAMILY}
        true = truths(FAMILY, mode, case.s[row], case.t[row], temperature)
        assert not complaints(found, true), (temperature, row)


def test_the_subset_covers_every_kind() -> None:
    assert {kind(case) for case in SUBSET} == {kind(case) for case in CASES}
    assert {case.s.dtype.name for case in SUBSET} == {"float16", "float32", "float64"}
    assert sum(max(case.temperatures[::2]) != 1 for case in SUBSET) > 100


def test_the_family_is_the_registry() -> None:
    assert {name.partition(":")[0] for name in FAMILY} == set(MEASURES)


def test_shared_distributions_give_what_the_oracle_gives() -> None:
    for mode in MODES:
        for s, t in ((S, T), ((0.0, 1.0), (0.0, 1.0 + 1e-15)), ((0.0, -INF), (-INF, 0.0))):
            shared = truths(FAMILY, mode, s, t, 0.7)
            for name in FAMILY:
                assert relative_error(shared[name], oracle(name, mode, s, t, 0.7)) < 1e-40
    nothing = truths(["kl"], "softmax", (math.nan, 0), (0, 0))["kl"]
    assert nothing != nothing  # noqa: PLR0124 - it is NaN


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("name", "s", "t", "temperature"),
    [
        ("gjs:1e-6", (0.0, 0.0, 0.0), (0.0, 17.0, 0.0), 0.7),
        ("gjs:1e-12", S, T, 1.0),
        ("gjs:0.999999", S, T, 1.0),
        ("skew-kl:1e-8", S, T, 1.0),
        ("skew-kl:0.999999", S, T, 1.0),
        ("skew-reverse-kl:1e-8", (0.0, -300.0), (0.0, 300.0), 1.0),
        ("renyi:1e-3", S, T, 1.0),
        ("renyi:0.999999", S, T, 1.0),
        ("renyi:1.000001", S, T, 1.0),
        ("renyi:100", S, T, 1.0),
        ("renyi:100", (-0.011, 0.015, 0.0, -0.002), (0.015, 0.005, -0.013, -0.001), 1.0),
        # Masks so large that only the error term of a difference tells two classes apart.
        ("renyi:2", (-1e4, 0.0, 0.0), (-3.4e38, -3.4e38, 0.0), 1.0),
        # exp(-744) has two bits, and yet p**2 / q is 1e-123.
        ("renyi:2", (-744.2, 0.0), (-1205.7, 0.0), 1.0),
        ("renyi:1.5", (0.0, -741.9), (0.0, -1524.3), 1.0),
        # An exponent in the thousands, rounded, is off by 1e-13.
        ("renyi:3", (33.1, -347.2, -86.2), (399.0, -168.1, 378.8), 1.0),
        ("renyi:3", (642.6, 1727.0, 791.3), (-1960.6, -340.3, -885.7), 1.0),
        ("renyi:2", (-797.6, 785.7, -237.3), (279.7, 831.8, -727.5), 1.0),
        # Close rows whose powers are large, or leave float64.
        *(
            (f"renyi:{order}", (0.5, 0.1, -1.0), (0.50000003, 0.1, -1.00000002), 1.0)
            for order in ("1e4", "1e9", "1e15", "1e300", "1e308", "1.7976931348623157e308", "inf")
        ),
        # A class of the candidate that the reference hardly has, and a limit that is KL.
        *(
            (f"renyi:{order}", (0.0, -1000.0, 1.0), (0.0, 0.5, 1.0), 1.0)
            for order in ("1e-280", "1e-17", "1e-9", "1e-4", "0.3")
        ),
        *(
            (f"renyi:{order!r}", *rows, 0.7)
            for order in (1 - 2**-53, 1 - 1e-15, 1 + 1e-15, 1 + 2**-52)
            for rows in ((S, T), (S, (2.0, 1.0, 1e-9, -1.0)), ((0.0, -100.0), (0.0, -400.0)))
        ),
        # Exponents that 16 digits do not hold: p is exp(-300) and its power over q about 1.
        ("renyi:1e9", (0.0, -300.0), (1e-7, -300.0000002), 1.0),
        ("renyi:3e30", (0.0, -300.0), (1e-28, -300.0), 1.0),
        ("renyi:2", (0.0, -1e20), (0.0, -2e20), 1.0),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else None,
)
def test_every_digit_at_extreme_parameters(
    name: str, mode: Mode, s: Sequence[float], t: Sequence[float], temperature: float
) -> None:
    true: mpf = oracle(name, mode, s, t, temperature)
    assert true > SMALLEST
    assert relative_error(value(name, mode, s, t, temperature), true) <= 2e-14
