"""Every measure from its definition, in arithmetic of 120 digits or more.

Nothing here is stable, fast or clever: `p = exp(s/T) / sum exp(s/T)`, a difference is a difference
and a logarithm a logarithm. What cancellation loses, more digits buy back, so that no formula of
the package is ever checked against itself.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from mpmath import mp, mpf

Row = Sequence[float] | np.ndarray[Any, Any]
Distribution = list[mpf]
Divergence = Callable[[Distribution, Distribution], mpf]

PRECISIONS = (
    (60, mpf("1e-20")),
    (120, mpf("1e-70")),
    (250, mpf("1e-200")),
    (500, mpf("1e-450")),
)
"""Digits carried, tried in turn, and the value above which they leave 40 digits right."""


def oracle(
    name: str,
    mode: str,
    s_row: Row,
    t_row: Row,
    temperature: float = 1.0,
    *,
    kind: str | tuple[str, str] = "logits",
    smooth: float = 0.0,
) -> mpf:
    """The measure `name` ("jeffreys", "gjs:0.1", ...) of one row, in nats.

    `s_row` are the reference's numbers, `t_row` the candidate's: "logits", "probs" or "log-probs",
    as `kind` says of both or of each; mode "softmax" or "sigmoid". The candidate is then mixed with
    so much of the uniform distribution. NaN where the row has no value (skipped or invalid). A
    finite result is right to 40 digits or more, but one below 1e-400, far less than any float64, is
    returned as 0.
    """
    s, t = _widen(s_row), _widen(t_row)
    if len(s) != len(t):
        raise ValueError(f"rows of {len(s)} and {len(t)} classes")
    kinds = (kind, kind) if isinstance(kind, str) else kind
    for each, row in zip(kinds, (s, t), strict=True):
        if (_no_probabilities if each == "probs" else _undefined)(mode, row):
            return mp.nan
    if "probs" not in kinds and _skipped(s, t):
        return mp.nan
    divergence = _divergence(name)
    for digits, threshold in PRECISIONS:
        with mp.workdps(digits):
            # exp() of an argument of b bits is wrong by b bits more than its argument.
            with mp.extraprec(_magnitude([*s, *t], temperature) + _magnitude_of_parameter(name)):
                sides = (
                    _distributions(mode, each, row, mpf(temperature))
                    for each, row in zip(kinds, (s, t), strict=True)
                )
                value = mp.fsum(
                    divergence(p, _mixture(mpf(smooth), [1 / mpf(len(q))] * len(q), q))
                    for p, q in zip(*sides, strict=True)
                )
            if mp.isinf(value) or abs(value) > threshold:
                return value
    return mpf(0)


def of_probabilities(
    name: str, p_row: Row, q_row: Row, smooth: float = 0.0, temperature: float = 1.0
) -> mpf:
    """The measure of two rows of probabilities to the power 1/T, divided by their sums.

    The second one is smoothed then: (1 - smooth) * q + smooth / classes. Good to 40 digits where
    the value is above 1e-70.
    """
    with mp.workdps(120):
        rows = (
            [mpf(x) if isinstance(x, mpf) else mpf(float(x)) for x in r] for r in (p_row, q_row)
        )
        power = 1 / mpf(temperature)
        softened = ([x**power for x in row] for row in rows)
        p, q = ([x / mp.fsum(row) for x in row] for row in softened)
        weight = mpf(smooth)
        return _divergence(name)(p, [(1 - weight) * x + weight / len(q) for x in q])


def relative_error(value: float | mpf, true: mpf) -> float:
    """`|value - true| / |true|`; 0 where both are the same zero, infinity or NaN."""
    if math.isnan(value) or mp.isnan(true):
        return 0.0 if math.isnan(value) and mp.isnan(true) else math.inf
    if math.isinf(value) or mp.isinf(true):
        return 0.0 if value == float(true) else math.inf
    if true == 0:
        return 0.0 if value == 0 else math.inf
    with mp.workdps(60):
        return float(abs(mpf(value) - true) / abs(true))


def _widen(row: Row) -> list[mpf]:
    return [mpf(float(x)) for x in row]


def _undefined(mode: str, row: list[mpf]) -> bool:
    if any(mp.isnan(x) for x in row):
        return True
    return mode == "softmax" and (mp.inf in row or all(x == -mp.inf for x in row))


def _skipped(s: list[mpf], t: list[mpf]) -> bool:
    return all(x == -mp.inf for x in [*s, *t])


def _magnitude(row: list[mpf], temperature: float) -> int:
    largest = max((abs(x) for x in row if mp.isfinite(x)), default=mpf(0))
    return max(0, int(mp.mag(1 + largest / mpf(temperature))))


def _no_probabilities(mode: str, row: list[mpf]) -> bool:
    largest = 1 if mode == "sigmoid" else mp.inf
    wrong = any(mp.isnan(x) or x < 0 or x > largest or mp.isinf(x) for x in row)
    return wrong or (mode == "softmax" and not any(row))


def _magnitude_of_parameter(name: str) -> int:
    """How many bits a power of this order loses, or a difference of it from 1."""
    _, _, text = name.partition(":")
    parameter = mpf(float(text or 0))
    if not name.startswith("renyi") or mp.isinf(parameter):
        return 0
    return max(0, int(mp.mag(parameter)), -int(mp.mag(parameter - 1)))


def _distributions(mode: str, kind: str, row: list[mpf], temperature: mpf) -> list[Distribution]:
    """A row's distribution, or those of its cells."""
    if mode == "sigmoid":
        if kind == "logits":
            return [_bernoulli(x, temperature) for x in row]
        if kind == "log-probs":
            return [_softened([mp.exp(x), -mp.expm1(x)], temperature) for x in row]
        return [_softened([x, 1 - x], temperature) for x in row]
    if mode == "softmax":
        return [_softened(row, temperature) if kind == "probs" else _softmax(row, temperature)]
    raise ValueError(f"unknown mode {mode}")


def _softened(weights: list[mpf], temperature: mpf) -> Distribution:
    """Weights to the power 1/T, divided by their sum."""
    powers = [x ** (1 / temperature) for x in weights]
    total = mp.fsum(powers)
    return [x / total for x in powers]


def _softmax(row: list[mpf], temperature: mpf) -> Distribution:
    weights = [mp.exp(x / temperature) for x in row]
    total = mp.fsum(weights)
    return [w / total for w in weights]


def _bernoulli(x: mpf, temperature: mpf) -> Distribution:
    if mp.isinf(x):
        return [mpf(x > 0), mpf(x < 0)]
    odds = mp.exp(x / temperature)
    return [odds / (1 + odds), 1 / (1 + odds)]


def _divergence(name: str) -> Divergence:
    family, _, text = name.partition(":")
    if not text:
        return _PLAIN[family]
    parameter = mpf(float(text))
    with_parameter = _WITH_PARAMETER[family]
    return lambda p, q: with_parameter(parameter, p, q)


def _cross(p: mpf, q: mpf) -> mpf:
    """`p log q`, 0 where p is 0."""
    if p == 0:
        return mpf(0)
    return -mp.inf if q == 0 else p * mp.log(q)


def _kl_cell(p: mpf, q: mpf) -> mpf:
    """`p log(p/q)`, 0 where p is 0."""
    if p == 0:
        return mpf(0)
    return mp.inf if q == 0 else p * mp.log(p / q)


def _jeffreys_cell(p: mpf, q: mpf) -> mpf:
    if p == 0 or q == 0:
        return mpf(0) if p == q else mp.inf
    return (p - q) * mp.log(p / q)


def _sum(cell: Callable[[mpf, mpf], mpf], p: Iterable[mpf], q: Iterable[mpf]) -> mpf:
    terms = [cell(a, b) for a, b in zip(p, q, strict=True)]
    infinite = [term for term in terms if mp.isinf(term)]
    return infinite[0] if infinite else mp.fsum(terms)


def _mixture(weight: mpf, p: Distribution, q: Distribution) -> Distribution:
    """`weight*p + (1 - weight)*q`."""
    return [weight * a + (1 - weight) * b for a, b in zip(p, q, strict=True)]


def _kl(p: Distribution, q: Distribution) -> mpf:
    return _sum(_kl_cell, p, q)


def _reverse_kl(p: Distribution, q: Distribution) -> mpf:
    return _kl(q, p)


def _jeffreys(p: Distribution, q: Distribution) -> mpf:
    return _sum(_jeffreys_cell, p, q)


def _gjs(beta: mpf, p: Distribution, q: Distribution) -> mpf:
    m = _mixture(beta, p, q)
    return beta * _kl(p, m) + (1 - beta) * _kl(q, m)


def _js(p: Distribution, q: Distribution) -> mpf:
    return _gjs(mpf(0.5), p, q)


def _skew_kl(lam: mpf, p: Distribution, q: Distribution) -> mpf:
    return _kl(p, _mixture(lam, p, q))


def _skew_reverse_kl(lam: mpf, p: Distribution, q: Distribution) -> mpf:
    return _kl(q, _mixture(lam, q, p))


def _tv(p: Distribution, q: Distribution) -> mpf:
    return _sum(lambda a, b: abs(a - b), p, q) / 2


def _hellinger(p: Distribution, q: Distribution) -> mpf:
    return _sum(lambda a, b: (mp.sqrt(a) - mp.sqrt(b)) ** 2, p, q) / 2


def _renyi(alpha: mpf, p: Distribution, q: Distribution) -> mpf:
    def ratio(a: mpf, b: mpf) -> mpf:
        return mp.inf if b == 0 else a / b

    def cell(a: mpf, b: mpf) -> mpf:
        if a == 0:
            return mpf(0)
        if b == 0:
            return mp.inf if alpha > 1 else mpf(0)
        return a**alpha * b ** (1 - alpha)

    if alpha == 1 or alpha <= 0:
        raise ValueError("alpha must be above 0 and not 1")
    if mp.isinf(alpha):
        return mp.log(max(ratio(a, b) for a, b in zip(p, q, strict=True) if a > 0))
    total = _sum(cell, p, q)
    # Disjoint supports and alpha < 1: log 0 / (alpha - 1).
    return mp.inf if total == 0 else mp.log(total) / (alpha - 1)


def _cross_entropy(p: Distribution, q: Distribution) -> mpf:
    return -_sum(_cross, p, q)


def _entropy(p: Distribution) -> mpf:
    return -_sum(_cross, p, p)


_PLAIN: dict[str, Divergence] = {
    "kl": _kl,
    "reverse-kl": _reverse_kl,
    "jeffreys": _jeffreys,
    "js": _js,
    "tv": _tv,
    "hellinger": _hellinger,
    "cross-entropy": _cross_entropy,
    "entropy": lambda p, _: _entropy(p),
    "entropy-candidate": lambda _, q: _entropy(q),
}

_WITH_PARAMETER: dict[str, Callable[[mpf, Distribution, Distribution], mpf]] = {
    "gjs": _gjs,
    "skew-kl": _skew_kl,
    "skew-reverse-kl": _skew_reverse_kl,
    "renyi": _renyi,
}
