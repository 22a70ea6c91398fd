"""Every loss from its definition, in arithmetic of 120 digits: loops, no stable form, no reuse."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mpmath import mp, mpf

Rows = Any
Vector = list[mpf]
DIGITS = 120


def value_of(
    name: str,
    m: Rows,
    n: Rows,
    options: Mapping[str, Any],
    labels: Sequence[int] = (),
    kinds: tuple[str, str] = ("logits", "logits"),
) -> mpf:
    """The value of a loss for rows of finite logits; options without defaults where used.

    Numbers of other kinds become logits in the same arithmetic.
    """
    with mp.workdps(DIGITS):
        cells = name == "globalpointer"
        ours, theirs = (
            [[_logit(mpf(float(x)), kind, cells) for x in row] for row in rows]
            for rows, kind in zip((m, n), kinds, strict=True)
        )
        return +_LOSSES[name](ours, theirs, options, labels)


def _logit(x: mpf, kind: str, of_a_cell: bool) -> mpf:
    if kind == "logits":
        return x
    p = x if kind == "probs" else mp.exp(x)
    return mp.log(p / (1 - p)) if of_a_cell else mp.log(p)


def softmax(row: Vector, temperature: float = 1.0) -> Vector:
    """exp(x/T) over its sum."""
    weights = [mp.exp(x / mpf(temperature)) for x in row]
    total = mp.fsum(weights)
    return [w / total for w in weights]


def sigma(x: mpf) -> mpf:
    """1 / (1 + exp(-x))."""
    return 1 / (1 + mp.exp(-x))


def kl(p: Vector, q: Vector) -> mpf:
    """Sum p * log(p / q)."""
    return mp.fsum(a * mp.log(a / b) for a, b in zip(p, q, strict=True))


def mean(values: Sequence[mpf]) -> mpf:
    """The sum over their number."""
    return mp.fsum(values) / len(values)


def _each(term: Callable[[Vector, Vector], mpf]) -> Callable[..., list[mpf]]:
    return lambda m, n, t=1.0: [
        term(softmax(a, t), softmax(b, t)) for a, b in zip(m, n, strict=True)
    ]


_kls = _each(kl)
_jeffreys = _each(lambda p, q: kl(p, q) + kl(q, p))


def _torch(m: Any, n: Any, options: Mapping[str, Any], _: Any) -> mpf:
    def term(p: mpf, q: mpf) -> mpf:
        if options.get("raw_input") and options.get("log_target"):
            return mp.exp(p) * (p - q)
        given = q if options.get("raw_input") else mp.log(q)
        return p * (mp.log(p) - given)

    rows = _each(lambda p, q: mp.fsum(map(term, p, q)))(m, n)
    return (
        mp.fsum(rows)
        / {"mean": len(m) * len(m[0]), "batchmean": len(m), "sum": 1}[
            options.get("reduction", "mean")
        ]
    )


def _mxnet(m: Any, n: Any, options: Mapping[str, Any], _: Any) -> mpf:
    rows = []
    for a, b in zip(m, n, strict=True):
        pred = b if options.get("from_logits") else [mp.log(q) for q in softmax(b)]
        rows.append(
            mp.fsum(p * (mp.log(p + mpf(1e-12)) - x) for p, x in zip(softmax(a), pred, strict=True))
        )
    classes = len(m[0]) if options.get("release", "1.8") == "1.8" else 1
    return mean(rows) / classes


def _keras(m: Any, n: Any, _: Any, __: Any) -> mpf:
    def clip(row: Vector) -> Vector:
        return [min(max(x, mpf(1e-7)), mpf(1)) for x in row]

    return mean(_each(lambda p, q: kl(clip(p), clip(q)))(m, n))


def _r_drop(m: Any, n: Any, options: Mapping[str, Any], _: Any) -> mpf:
    factor, over = {
        "paper": (mpf(5) / 2, 1),
        "bert": (mpf(0.5) / 2, 1),
        "vit": (mpf(0.3), 1),
        "keras": (mpf(4) / 4, len(m)),
    }[options.get("convention", "paper")]
    return factor * mp.fsum(_jeffreys(m, n)) / over


def _vat(m: Any, n: Any, _: Any, __: Any) -> mpf:
    return mean(_kls(m, n))


def _global_pointer(m: Any, n: Any, options: Mapping[str, Any], _: Any) -> mpf:
    rows = [
        mp.fsum((sigma(x) - sigma(y)) * (x - y) for x, y in zip(a, b, strict=True))
        for a, b in zip(m, n, strict=True)
    ]
    return mean(rows) / (len(m[0]) if options.get("reduction") == "cell" else 1)


def _kd(m: Any, n: Any, options: Mapping[str, Any], _: Any) -> mpf:
    t = options.get("temperature", 1.0)
    return mpf(t) ** 2 * mean(_kls(m, n, t))


def _dkd(m: Any, n: Any, options: Mapping[str, Any], labels: Sequence[int]) -> mpf:
    t = options.get("temperature", 4.0)
    tckd, nckd = [], []
    for a, b, y in zip(m, n, labels, strict=True):
        p, q = softmax(a, t), softmax(b, t)
        tckd.append(kl([p[y], mp.fsum(p) - p[y]], [q[y], mp.fsum(q) - q[y]]))
        others = [softmax([x for j, x in enumerate(row) if j != y], t) for row in (a, b)]
        nckd.append(kl(*others))
    loss = mpf(options.get("alpha", 1.0)) * mean(tckd) + mpf(options.get("beta", 8.0)) * mean(nckd)
    return mpf(t) ** 2 * loss


def _gjsd(m: Any, n: Any, options: Mapping[str, Any], _: Any) -> mpf:
    beta = mpf(options.get("beta", 0.5))

    def term(p: Vector, q: Vector) -> mpf:
        if beta in (0, 1):
            return kl(p, q) if beta == 0 else kl(q, p)
        mixture = [beta * a + (1 - beta) * b for a, b in zip(p, q, strict=True)]
        return beta * kl(p, mixture) + (1 - beta) * kl(q, mixture)

    return mean(_each(term)(m, n, options.get("temperature", 1.0)))


def _distillm(m: Any, n: Any, options: Mapping[str, Any], _: Any) -> mpf:
    lam = mpf(options.get("lam", 0.1))

    def term(p: Vector, q: Vector) -> mpf:
        if options.get("reverse"):
            return kl(q, [lam * b + (1 - lam) * a for a, b in zip(p, q, strict=True)])
        return -mp.fsum(a * mp.log(lam * a + (1 - lam) * b) for a, b in zip(p, q, strict=True))

    return mean(_each(term)(m, n))


def _decoupled(m: Any, n: Any, options: Mapping[str, Any], labels: Sequence[int]) -> mpf:
    t, gamma = options.get("temperature", 1.0), mpf(options.get("gamma", 1.0))
    t2 = options.get("weight_temperature", t if options.get("class_prior") else 1.0)
    weights = [softmax(a, t2) for a in m]
    if options.get("class_prior"):
        groups = {y: [w for w, z in zip(weights, labels, strict=True) if z == y] for y in labels}
        priors = {y: [mean(column) for column in zip(*g, strict=True)] for y, g in groups.items()}
        weights = [priors[y] for y in labels]
    weights = [[w**gamma for w in row] for row in weights]
    errors = []
    for a, b, u in zip(m, n, weights, strict=True):
        d = [x - y for x, y in zip(a, b, strict=True)]
        pairs = [(j, k) for j in range(len(d)) for k in range(len(d))]
        errors.append(mp.fsum(u[j] * u[k] * (d[j] - d[k]) ** 2 for j, k in pairs) / 4)
    over = mp.fsum(mp.fsum(u) ** 2 for u in weights) if "gamma" in options else len(m)
    cross = mean(_each(lambda p, q: -mp.fsum(map(lambda a, b: a * mp.log(b), p, q)))(m, n, t))
    return (
        mpf(options.get("beta", 1.0)) * mp.fsum(errors) / over
        + mpf(options.get("alpha", 1.0)) * cross
    )


_LOSSES: dict[str, Callable[..., mpf]] = {
    "torch": _torch,
    "mxnet": _mxnet,
    "keras": _keras,
    "r-drop": _r_drop,
    "vat": _vat,
    "globalpointer": _global_pointer,
    "kd": _kd,
    "dkd": _dkd,
    "gjsd": _gjsd,
    "distillm": _distillm,
    "dkl": _decoupled,
    "ikl": lambda m, n, options, labels: _decoupled(
        m, n, {"weight_temperature": 100.0, **options}, labels
    ),
    "gkl": lambda m, n, options, labels: _decoupled(m, n, {"gamma": 1.0, **options}, labels),
}
