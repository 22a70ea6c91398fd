"""Smoothed candidates that come to nearly the reference: both parts of the mixture cancel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kldiv_cli import compare
from kldiv_cli.measures.distributions.kinds import Kind
from kldiv_cli.measures.types import Mode
from tests.oracle import oracle, relative_error

Array = np.ndarray[Any, Any]
MEASURES = ("kl", "reverse-kl", "jeffreys", "js", "tv", "hellinger", "renyi:3", "renyi:inf")
KINDS: list[tuple[Kind, Kind]] = [
    ("probs", "probs"),
    ("logits", "logits"),
    ("probs", "log-probs"),
    ("logits", "probs"),
]


def cancelling(mode: Mode, kinds: tuple[Kind, Kind], smooth: float, distance: float) -> Any:
    """One row of either side, for which (1 - E) * q + E / outcomes is p but for a distance."""
    source = np.random.default_rng(3)
    p = source.dirichlet(np.ones(4))
    p = smooth + (1 - 4 * smooth) * p if mode == "softmax" else p / 2 + smooth
    outcomes = 4 if mode == "softmax" else 2
    q = (p - smooth / outcomes) / (1 - smooth) * (1 + distance * source.normal(size=4))
    q /= q.sum() if mode == "softmax" else 1
    return [_as(x, kind, mode) for x, kind in zip((p, q), kinds, strict=True)]


def _as(p: Array, kind: Kind, mode: Mode) -> Array:
    if kind == "probs":
        return p
    log_p: Array = np.log(p)
    return log_p - np.log1p(-p) if kind == "logits" and mode == "sigmoid" else log_p


@pytest.mark.parametrize("distance", [0.0, 1e-12, 1e-7, 1e-3])
@pytest.mark.parametrize("smooth", [1e-6, 1e-3, 0.1])
@pytest.mark.parametrize("kinds", KINDS, ids="-".join)
@pytest.mark.parametrize("mode", ["softmax", "sigmoid"])
def test_what_is_left_keeps_its_digits(
    mode: Mode, kinds: tuple[Kind, Kind], smooth: float, distance: float
) -> None:
    p, q = cancelling(mode, kinds, smooth, distance)
    for name in MEASURES:
        found = compare(p[None], q[None], mode=mode, measure=name, kind=kinds, smooth=smooth)
        true = oracle(name, mode, p, q, kind=kinds, smooth=smooth)
        assert relative_error(found.measures[name]["mean"], true) < 2e-14, name


def test_a_row_that_a_search_found() -> None:
    p, q = [-9.446250758614534], [-9.452574241499038]
    kinds: tuple[Kind, Kind] = ("log-probs", "logits")
    for name in MEASURES:
        found = compare([p], [q], mode="sigmoid", measure=name, kind=kinds, smooth=1e-6)
        true = oracle(name, "sigmoid", p, q, kind=kinds, smooth=1e-6)
        assert relative_error(found.measures[name]["mean"], true) < 2e-14, name


def test_masked_classes_are_no_outcomes() -> None:
    p, q = cancelling("softmax", ("logits", "logits"), 1e-3, 1e-9)
    mask = [[True, False, True, True, True]]
    sides = np.insert(p, 1, 3.0)[None], np.insert(q, 1, -2.0)[None]
    found = compare(*sides, smooth=1e-3, mask=mask)
    true = oracle("jeffreys", "softmax", p, q, smooth=1e-3)
    assert relative_error(found.measures["jeffreys"]["mean"], true) < 2e-14


def test_one_cell_of_a_row_may_be_next_to_nothing() -> None:
    p = [-8.829521046182725, -10.018175477770022, -8.107557751352578]
    q = [0.00014378147953507405, 4.2034289840862754e-05, 0.0003011629860238454]
    kinds: tuple[Kind, Kind] = ("logits", "probs")
    options: Any = {"mode": "sigmoid", "kind": kinds, "smooth": 5.092309470145593e-06}
    found = compare([p], [q], measure="renyi:inf", **options).measures["renyi:inf"]["mean"]
    true = oracle("renyi:inf", "sigmoid", p, q, kind=kinds, smooth=options["smooth"])
    assert relative_error(found, true) < 2e-14
