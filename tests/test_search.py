"""The search for the worst row of a measure, in short; and that it finds what is planted."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from math import inf

import numpy as np
import pytest

from kldiv_cli.measures import MEASURES, _native, load
from kldiv_cli.measures.base import Measure
from kldiv_cli.measures.distributions.pair import Pair
from kldiv_cli.measures.types import Float64
from tests import search as module
from tests.family import MODES, Mode
from tests.search import INPUTS, LIMIT, main, routes, search

PLANS = list(product(MEASURES, MODES))


@pytest.mark.parametrize("plan", PLANS, ids="-".join)
def test_no_row_is_worse_than_the_limit(plan: tuple[str, Mode]) -> None:
    at = PLANS.index(plan)
    kinds = INPUTS[list(INPUTS)[at % len(INPUTS)]]
    worst = search(*plan, kinds, inf, seed=at, trials=30)
    assert worst.tried == 30
    assert "NumPy" in worst.found
    assert worst.error <= LIMIT, worst.found


def test_goes_by_numpy_and_by_the_kernels_of_every_instruction_set() -> None:
    found = search("jeffreys", "sigmoid", INPUTS["logits"], inf, seed=0, trials=5).found
    sets = _native.instruction_sets()
    assert set(found) == {"NumPy", *(f"C {x}{y}" for x in sets for y in ("", " beside kl"))}
    assert len(routes()) == len(found)


def wrong_kl(where: Callable[[Pair], Float64]) -> Callable[[str], Measure]:
    """KL with an error of 1e-12 in some rows."""

    def planted(name: str) -> Measure:
        right = load(name)

        def compute(pair: Pair) -> Float64:
            return right.compute(pair) * np.where(where(pair), 1 + 1e-12, 1.0)

        return replace(right, compute=compute) if name == "kl" else right

    return planted


def test_finds_a_planted_fault_and_prints_its_row(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rare = wrong_kl(lambda pair: (pair.p.min(axis=1) < 1e-100) & (pair.distance.max(axis=1) < 0.1))
    monkeypatch.setattr(module, "load", rare)
    told = ["--measure", "kl", "--mode", "softmax", "--input", "logits", "--seconds", "30"]
    assert main([*told, "--trials", "400"]) == 1
    printed = capsys.readouterr().out
    assert "kl softmax logits: 400 pairs\n  NumPy                   1.0e-12\n    Trial(" in printed
    assert printed.endswith("0 of 1 within 2e-14\n")


def test_prints_no_row_where_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--measure", "kl", "--mode", "sigmoid", "--input", "logits", "--trials", "5"]) == 0
    printed = capsys.readouterr().out
    assert "Trial(" not in printed
    assert printed.endswith("1 of 1 within 2e-14\n")
