"""The whole family of measures, and the true values of all of them from shared distributions."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Literal

import numpy as np
from mpmath import mp, mpf

from kldiv_cli.measures import load, prepare
from tests import oracle
from tests.regimes import CASES, Case

DIVERGENCES = (
    *("jeffreys", "kl", "reverse-kl", "js", "gjs:0.1", "gjs:0.5", "gjs:0.9"),
    *("skew-kl:0", "skew-kl:0.1", "skew-kl:0.9"),
    *("skew-reverse-kl:0", "skew-reverse-kl:0.1", "skew-reverse-kl:0.9"),
    *("tv", "hellinger"),
    *("renyi:0.1", "renyi:0.5", "renyi:0.999", "renyi:1.001", "renyi:2", "renyi:3", "renyi:inf"),
)
"""Never negative, and 0 on equal input."""
SURPRISES = ("cross-entropy", "entropy", "entropy-candidate")
FAMILY = (*DIVERGENCES, *SURPRISES)
SYMMETRIC = ("jeffreys", "js", "gjs:0.5", "tv", "hellinger", "renyi:0.5")

SMALLEST = mpf("1e-290")
"""Digits are promised above this; below, float64 itself runs out of exponents."""


Mode = Literal["softmax", "sigmoid"]
MODES: tuple[Mode, ...] = ("softmax", "sigmoid")


def value(name: str, mode: Mode, s: oracle.Row, t: oracle.Row, temperature: float = 1.0) -> float:
    """What the package says of one row."""
    return float(load(name).rows(prepare(mode, np.array([s]), np.array([t]), temperature))[0])


def tolerance(name: str) -> float:
    """The relative error that NUMERICS allows a measure."""
    return 1e-14 if name in SURPRISES else 2e-14


def complaints(found: Mapping[str, float], true: Mapping[str, mpf]) -> list[str]:
    """What is wrong with a row's values, in words: below 0, or fewer digits than promised."""
    wrong = []
    for name, value in found.items():
        error = oracle.relative_error(value, true[name])
        promised = mp.isnan(true[name]) or true[name] == 0 or true[name] > SMALLEST
        if not (value >= 0 or mp.isnan(true[name])) or (promised and not error <= tolerance(name)):
            wrong.append(f"{name}: {value!r}, true {float(true[name])!r}, error {error:.2e}")
    return wrong


def truths(
    names: Iterable[str],
    mode: str,
    s_row: oracle.Row,
    t_row: oracle.Row,
    temperature: float = 1.0,
) -> dict[str, mpf]:
    """What `oracle` says of every measure named; the distributions are computed once."""
    s, t = oracle._widen(s_row), oracle._widen(t_row)
    names = tuple(names)
    if oracle._undefined(mode, s) or oracle._undefined(mode, t) or oracle._skipped(s, t):
        return dict.fromkeys(names, mp.nan)
    found: dict[str, mpf] = {}
    for digits, threshold in oracle.PRECISIONS:
        missing = [name for name in names if name not in found]
        if not missing:
            break
        with mp.workdps(digits), mp.extraprec(oracle._magnitude([*s, *t], temperature)):
            sides = (oracle._distributions(mode, "logits", x, mpf(temperature)) for x in (s, t))
            pairs = list(zip(*sides, strict=True))
            for name in missing:
                divergence = oracle._divergence(name)
                value = mp.fsum(divergence(p, q) for p, q in pairs)
                if mp.isinf(value) or abs(value) > threshold:
                    found[name] = value
    return {name: found.get(name, mpf(0)) for name in names}


def kind(case: Case) -> tuple[str, str]:
    """The regime of a case, which is its id without the numbers, and its type of float."""
    name = case.id.removesuffix(f"-{case.s.dtype}")
    return re.sub(r"\d+(\.\d+)?(e[-+]?\d+)?", "#", name), case.s.dtype.name


WIDE = 250
"""As many classes of a wide row as its kind needs to be one."""


def subset() -> Iterator[Case]:
    """The first, a middle and the last narrow case of every kind, or part of its narrowest one."""
    kinds: dict[tuple[str, str], list[Case]] = {}
    for case in CASES:
        kinds.setdefault(kind(case), []).append(case)
    for cases in kinds.values():
        narrow = [case for case in cases if case.s.shape[1] <= 10]
        if narrow:
            yield from {i: narrow[i] for i in (0, len(narrow) // 2, len(narrow) - 1)}.values()
        else:
            case = min(cases, key=lambda case: case.s.shape[1])
            yield replace(case, s=case.s[:, :WIDE], t=case.t[:, :WIDE])
