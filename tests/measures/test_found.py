"""Pairs of rows that `tests.search` found to be wrong once."""

from math import inf

import numpy as np
import pytest

from tests.search import LIMIT, Worst, routes
from tests.trials import Trial

FOUND = [
    Trial(
        "skew-reverse-kl:0.9999999996528265",
        "softmax",
        ("probs", "logits"),
        (0.10000989937381351, 0.10000446303984498, 0.10000226951507968, 0.09998968152074171),
        (-999999999.9999037, -999999999.999958, -999999999.99998, -1000000000.0001059),
    ),
    Trial(
        "kl",
        "sigmoid",
        ("log-probs", "log-probs"),
        (-0.0003570343642218532, -1.777870990338215e-05),
        (-2.540746173777149e-07, -2.541128019443346e-07),
        temperature=11.95762570539027,
    ),
    Trial(
        "jeffreys",
        "softmax",
        ("logits", "logits"),
        (0.04844754830508654, 0.1990094808572787, -0.1923552362181611),
        (0.04844754724463969, -1.797e308, -0.19235523930376022),
        temperature=0.5,
    ),
    Trial(
        "jeffreys",
        "sigmoid",
        ("logits", "logits"),
        (-1e308, 6.544443273524077, 5.553678417205811),
        (-1000000000000.0175, 6.726130694258839, -10.677845116043507),
        temperature=0.5,
        smooth=0.30668634934125766,
    ),
    # exp(-195) is what they differ by.
    Trial(
        "reverse-kl",
        "sigmoid",
        ("logits", "log-probs"),
        (-195.625, -234.875),
        (-195.625, -234.875),
    ),
    # Mixing takes the candidate back to the reference.
    Trial(
        "renyi:1.0259607532556247e-11",
        "softmax",
        ("logits", "logits"),
        (0.01689116844435481, -0.019291033653047754),
        (-1125.8475581022317, -1125.8877626490112),
        temperature=0.7,
        smooth=0.1,
    ),
    Trial(
        "tv",
        "sigmoid",
        ("probs", "probs"),
        (0.3, 0.7000000000000001),
        (0.29, 0.71),
        smooth=0.047619047619047616,
    ),
    # Mixing takes a candidate of 0 to the reference.
    Trial(
        "kl",
        "softmax",
        ("log-probs", "probs"),
        (-1.6784939257039777, -0.20513373573778157, -1.6784939257039777, -0.20513373573778157),
        (0.0, 1.00007635368266e-310, 0.0, 1.00007635368266e-310),
        temperature=0.5,
        smooth=0.1,
    ),
    # The difference of logarithms near -21 is what is mixed in.
    Trial(
        "kl",
        "softmax",
        ("logits", "probs"),
        (-33.15499496459961, -22.22774887084961, 30.530029296875),
        (2.196147304493244e-28, 1.1809401579035065e-23, 0.9993554353713989),
        temperature=3.0,
        smooth=9.897225088636112e-10,
        dtype="float32",
    ),
    # 1e308 / 0.5 is no float64, but with the weight of 1e-160 it is.
    Trial("kl", "softmax", ("probs", "logits"), (0.5, 0.5, 1e-80), (1, 2, -1e308), temperature=0.5),
    # Their products with the largest of the other side lie two powers of two apart.
    Trial(
        "jeffreys",
        "softmax",
        ("probs", "probs"),
        (0.061924902222840715, 0.5, 0.5),
        (0.06261293476783165, 0.49999575217975023, 0.49999575217975023),
    ),
    # The uniform distribution is the row [0, 0, 0, 0] of logits.
    Trial(
        "skew-kl:0.6244935528918077",
        "softmax",
        ("probs", "logits"),
        (0.25, 0.25, 0.25, 0.25),
        (1e-140, -2e-140, 5e-141, 2.9999999999999997e-140),
        temperature=0.0008303841112254917,
        smooth=0.1,
    ),
    # Seven eighths of how the candidate moves are taken back.
    Trial(
        "gjs:0.999999704839792",
        "softmax",
        ("probs", "probs"),
        (0.09623342298391344, 0.24297916404430384, 0.225, 0.225, 0.225, 0.24297916404430384, 0.225),
        (
            *(0.09623298433023704, 0.2429791640441985, 0.22499999999999995, 0.22500000000000003),
            *(0.22500000000000003, 0.2429791640441985, 0.22499999999999992),
        ),
        temperature=0.04506124626974269,
        smooth=3.809807888752821e-13,
    ),
    # A probability of exp(-1e310) is not 0.
    Trial("renyi:2", "sigmoid", ("logits", "probs"), (-1e308, 0.5), (0.0, 0.6), temperature=0.01),
    # exp(e) of the outcome that p hardly has lacks the digits that q has.
    Trial("renyi:1.00001", "sigmoid", ("logits", "logits"), (591.1997,), (-0.8477,)),
    # J is 1e290, and KL(p||q) what differs by 1e-12 and a class that the reference hardly has.
    Trial(
        "kl",
        "softmax",
        ("log-probs", "log-probs"),
        (
            *(-4.909004362881507, -5.569022103310054, -6.366511251116725, -5.20240816754751),
            *(-5.944169021426439, -1.797e308),
        ),
        (
            *(-4.909004362886884, -5.5690221033082175, -6.366511251120196, -5.2024081675424405),
            *(-5.94416902142002, -45.80549855149441),
        ),
    ),
    # Next above the largest float64.
    Trial("kl", "softmax", ("probs", "logits"), (1.0, 0.0), (0.0, 1e308), temperature=0.5535),
]


@pytest.mark.parametrize("trial", FOUND, ids=lambda trial: f"{trial.measure}-{trial.mode}")
def test_is_within_the_limit_by_every_route(trial: Trial) -> None:
    worst = Worst(trial.measure, trial.mode, trial.kinds)
    assert worst.judge(trial, routes()) <= LIMIT < inf
    assert "NumPy" in worst.found


@pytest.mark.parametrize("seed", [41, 52, 58])
def test_a_surplus_in_all_classes_of_probabilities(seed: int) -> None:
    """KL is what two sums of seven times its size leave, which lacked 3e-14 over 228 classes."""
    rng = np.random.default_rng(seed)
    s = rng.dirichlet(np.full(228, 0.6))
    t = s + rng.uniform(0.1, 3) / 228
    trial = Trial("kl", "softmax", ("probs", "probs"), tuple(s.tolist()), tuple(t.tolist()))
    assert Worst(trial.measure, trial.mode, trial.kinds).judge(trial, routes()) <= LIMIT
