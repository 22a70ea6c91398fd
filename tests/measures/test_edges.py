"""What zeros, infinities and rows without a value give, for every measure of the family."""

import math
import sys
from dataclasses import dataclass, field

import numpy as np
import pytest

from kldiv_cli.measures import load, prepare
from tests.family import (
    DIVERGENCES,
    FAMILY,
    MODES,
    SURPRISES,
    SYMMETRIC,
    Mode,
    complaints,
    tolerance,
    truths,
    value,
)
from tests.measures.test_jeffreys import ALL_EDGES, COUNTED, Edge

INF = math.inf
LN2 = math.log(2)
Row = tuple[float, ...]


@pytest.mark.parametrize("temperature", [1.0, 3.0])
@pytest.mark.parametrize(("mode", "edge"), ALL_EDGES)
def test_every_measure_at_every_edge(mode: Mode, edge: Edge, temperature: float) -> None:
    """The edges of the Jeffreys divergence, alone and between rows that are none."""
    plain_s, plain_t = (2.0, 1.0, 0.0), (2.0, 1.0 + 1e-9, 1e-9)
    alone = prepare(mode, np.array([edge.s]), np.array([edge.t]), temperature)
    among = prepare(
        mode,
        np.array([plain_s, edge.s, plain_s]),
        np.array([plain_t, edge.t, plain_t]),
        temperature,
    )
    assert alone.status.tolist() == [edge.status]
    assert among.status.tolist() == [COUNTED, edge.status, COUNTED]
    true = truths(FAMILY, mode, edge.s, edge.t, temperature)
    plain = truths(FAMILY, mode, plain_s, plain_t, temperature)
    values = {name: load(name).rows(among).tolist() for name in FAMILY}
    found = [{name: rows[i] for name, rows in values.items()} for i in range(3)]
    by_itself = {name: float(load(name).rows(alone)[0]) for name in FAMILY}
    assert not complaints(by_itself, true)
    assert not complaints(found[1], true)
    assert not complaints(found[0], plain) + complaints(found[2], plain)


@dataclass(frozen=True)
class Rule:
    """Logits and what must come of them; what `exactly` does not name is finite and above 0."""

    id: str
    mode: Mode
    s: Row
    t: Row
    exactly: dict[str, float] = field(default_factory=dict)


def each(names: tuple[str, ...], value: float) -> dict[str, float]:
    return dict.fromkeys(names, value)


def entropy(*weights: float) -> float:
    return -math.fsum(w * math.log(w) for w in weights)


FORWARD_INFINITE = (
    *("jeffreys", "kl", "skew-kl:0", "cross-entropy"),
    *("renyi:1.001", "renyi:2", "renyi:3", "renyi:inf"),
)
"""Infinite where q = 0 and p > 0."""
REVERSE_INFINITE = ("jeffreys", "reverse-kl", "skew-reverse-kl:0")
"""Infinite where p = 0 and q > 0."""
SURPRISE_OF_A_CERTAINTY = ("kl", "skew-kl:0", "cross-entropy", "renyi:2", "renyi:inf")
"""-log q of the one outcome that p holds for certain."""
AT_THEIR_BOUND = {
    "js": LN2,
    "gjs:0.1": entropy(0.1, 0.9),
    "gjs:0.5": LN2,
    "gjs:0.9": entropy(0.1, 0.9),
    "skew-kl:0.1": -math.log(0.1),
    "skew-kl:0.9": -math.log(0.9),
    "skew-reverse-kl:0.1": -math.log(0.1),
    "skew-reverse-kl:0.9": -math.log(0.9),
    "tv": 1.0,
    "hellinger": 1.0,
}
DISJOINT = {
    **each(tuple(name for name in FAMILY if name.startswith("renyi")), INF),
    **each((*FORWARD_INFINITE, *REVERSE_INFINITE), INF),
    **AT_THEIR_BOUND,
}
NO_SURPRISE = each(("entropy", "entropy-candidate"), 0.0)
EQUAL = each(DIVERGENCES, 0.0)

RULES = [
    Rule("identical", "softmax", (2, 1, 0), (2, 1, 0), EQUAL),
    Rule("shifted", "softmax", (2, 1, 0), (-5, -6, -7), EQUAL),
    Rule("minus-inf-on-both-sides", "softmax", (2, -INF, 0), (1, -INF, 1)),
    Rule("identical-with-minus-inf", "softmax", (2, -INF, 0), (2, -INF, 0), EQUAL),
    Rule(
        "one-class-on-both-sides",
        "softmax",
        (-INF, 3),
        (-INF, 8),
        {**EQUAL, **each(SURPRISES, 0.0)},
    ),
    Rule("candidate-minus-inf", "softmax", (2, 1, 0), (2, -INF, 0), each(FORWARD_INFINITE, INF)),
    Rule("reference-minus-inf", "softmax", (2, -INF, 0), (2, 1, 0), each(REVERSE_INFINITE, INF)),
    Rule(
        "candidate-minus-inf-where-p-underflows",
        "softmax",
        (0, 1, -800),
        (0, 2, -INF),
        each(FORWARD_INFINITE, INF),
    ),
    Rule(
        "crosswise",
        "softmax",
        (2, -INF, 0),
        (-INF, 1, 0),
        each((*FORWARD_INFINITE, *REVERSE_INFINITE), INF),
    ),
    Rule("disjoint-points", "softmax", (5, -INF), (-INF, 7), {**DISJOINT, **NO_SURPRISE}),
    Rule("disjoint-supports", "softmax", (1, 0, -INF, -INF), (-INF, -INF, 0, 2), DISJOINT),
    Rule(
        "uniform-against-half-of-it",
        "softmax",
        (0, 0, -INF, -INF),
        (0, 0, 0, 0),
        {
            **each(REVERSE_INFINITE, INF),
            **{n: LN2 for n in FAMILY if n.startswith("renyi")},
            **each(("kl", "skew-kl:0", "entropy"), LN2),
            **each(("cross-entropy", "entropy-candidate"), 2 * LN2),
            "tv": 0.5,
            "hellinger": 1 - math.sqrt(0.5),
        },
    ),
    Rule("mask-on-both-sides", "softmax", (2, -1e12, 0), (1, -1e12, 1)),
    Rule("identical-with-mask", "softmax", (2, -1e12, 0), (2, -1e12, 0), EQUAL),
    Rule(
        "mask-in-the-candidate",
        "softmax",
        (0, 0),
        (0, -1e12),
        {"kl": 5e11 - LN2, "tv": 0.5, "entropy-candidate": 0.0, "cross-entropy": 5e11},
    ),
    Rule("plus-inf-on-both-sides", "sigmoid", (INF, 0.0), (INF, 1.0)),
    Rule("equal-infinities", "sigmoid", (INF, -INF, 1), (INF, -INF, 1), EQUAL),
    Rule(
        "only-infinities",
        "sigmoid",
        (INF, -INF),
        (INF, -INF),
        {**EQUAL, **each(SURPRISES, 0.0)},
    ),
    *(
        Rule(
            f"{sign}-against-a-logit",
            "sigmoid",
            (infinity,),
            (logit,),
            {
                **each(REVERSE_INFINITE, INF),
                **each(SURPRISE_OF_A_CERTAINTY, math.log1p(math.exp(1.5))),
                "entropy": 0.0,
            },
        )
        for sign, infinity, logit in (("minus-inf", -INF, 1.5), ("plus-inf", INF, -1.5))
    ),
    *(
        Rule(
            f"a-logit-against-{sign}",
            "sigmoid",
            (1.5,),
            (infinity,),
            {**each(FORWARD_INFINITE, INF), "entropy-candidate": 0.0},
        )
        for sign, infinity in (("minus-inf", -INF), ("plus-inf", INF))
    ),
    Rule("opposite-infinities", "sigmoid", (INF,), (-INF,), {**DISJOINT, **NO_SURPRISE}),
]


@pytest.mark.parametrize("rule", RULES, ids=[f"{rule.mode}-{rule.id}" for rule in RULES])
def test_rules(rule: Rule) -> None:
    found = {name: value(name, rule.mode, rule.s, rule.t) for name in FAMILY}
    expected = {
        name: pytest.approx(rule.exactly[name], rel=tolerance(name), abs=0)
        for name in FAMILY
        if name in rule.exactly
    }
    assert {name: found[name] for name in expected} == expected
    assert not [n for n in FAMILY if n not in expected and not 0 < found[n] < INF]
    assert not complaints(found, truths(FAMILY, rule.mode, rule.s, rule.t))


@pytest.mark.parametrize("name", FAMILY)
def test_finite_forward_and_infinite_backward(name: str) -> None:
    """kl and cross-entropy ask where q = 0; renyi below 1 and what is bounded never minds."""
    s, t = (2.0, 1.0, 0.0), (2.0, -INF, 0.0)
    assert math.isinf(value(name, "softmax", s, t)) == (name in FORWARD_INFINITE)
    assert math.isinf(value(name, "softmax", t, s)) == (name in REVERSE_INFINITE)


@pytest.mark.parametrize(
    ("mode", "s", "t"),
    [
        ("softmax", (0.0, -INF), (-INF, 0.0)),
        ("softmax", (0.3, 0.2, 0.1, -INF), (-INF, -INF, -INF, 0.0)),
        ("softmax", (0.0, -800.0), (-800.0, 0.0)),
        ("softmax", (0.1, -50.0, 0.7), (-50.0, 0.3, -50.0)),
        ("softmax", (*np.linspace(0, 1, 700), *[-40.0] * 300), (*[-40.0] * 700, *[0.1] * 300)),
        ("sigmoid", (800.0,), (-800.0,)),
        ("sigmoid", (-37.0,), (39.5,)),
    ],
)
@pytest.mark.parametrize("temperature", [1.0, 0.5, 0.7])
def test_bounds_are_not_passed(mode: Mode, s: Row, t: Row, temperature: float) -> None:
    for name in ("js", "gjs:0.5", "tv", "hellinger"):
        bound = LN2 if "js" in name else 1.0
        for one, other in ((s, t), (t, s)):
            found = value(name, mode, one, other, temperature)
            assert found <= bound
            assert found == pytest.approx(bound, rel=1e-7)


@pytest.mark.parametrize("name", SYMMETRIC)
def test_infinities_are_as_symmetric_as_the_rest(name: str) -> None:
    for s, t in (((2.0, -INF, 0.0), (1.0, 1.0, 0.0)), ((0.0, -INF), (-INF, 0.0))):
        forward, backward = value(name, "softmax", s, t), value(name, "softmax", t, s)
        assert forward == pytest.approx(backward, rel=2e-14, abs=0)


@pytest.mark.parametrize("name", FAMILY)
@pytest.mark.parametrize("mode", MODES)
def test_blocks_without_rows_or_without_a_counted_row(name: str, mode: Mode) -> None:
    nothing = prepare(mode, np.empty((0, 5)), np.empty((0, 5)))
    assert load(name).rows(nothing).shape == (0,)
    uncounted = np.array([[-INF, -INF], [math.nan, 1.0]])
    assert np.isnan(load(name).rows(prepare(mode, uncounted, uncounted))).all()


def test_entropy_of_zeros_is_that_of_the_rest() -> None:
    for zeros in (0, 1, 5):
        row = (0.3, 0.1, *[-INF] * zeros)
        assert value("entropy", "softmax", row, row) == value(
            "entropy", "softmax", row[:2], row[:2]
        )
    bits = value("entropy", "sigmoid", (0.0, INF, -INF), (0.0, 0.0, 0.0))
    assert bits == pytest.approx(LN2, rel=1e-15)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("share", [0.26, 0.4, 0.55, 0.9, 1.0])
def test_logits_whose_differences_are_no_float64_keep_their_digits(
    share: float, mode: Mode
) -> None:
    """Nearly all of what float64 can hold on both sides, at a temperature as large."""
    far = share * sys.float_info.max
    for s, t in (((far, -far, 0.0), (-far, far, 1.0)), ((far, 0.0), (-far, 0.0))):
        found = {name: value(name, mode, s, t, 1e308) for name in FAMILY}
        assert not complaints(found, truths(FAMILY, mode, s, t, 1e308))
