"""What is said of language models: golden text and the object, from results made by hand."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from kldiv_cli.language_result import (
    PERCENTILES,
    Censored,
    Distribution,
    Estimate,
    LanguageResult,
)
from kldiv_cli.reports import language
from kldiv_cli.reports.json import valid

FILES = LanguageResult(
    tokens=155,
    perplexity=(Estimate(7.25, 0.125), Estimate(752080.0580014986, 194884.25)),
    ln_ratio=Estimate(0.0079746, 0.00486512),
    ratio=Estimate(1.00801, 0.00490408),
    difference=Estimate(-5973.686, 3774.74),
    correlation=0.999827,
    kld=Distribution(
        Estimate(0.0012915, 7.35e-05), {name: 2.0**-i for i, name in enumerate(PERCENTILES)}
    ),
    floor=-16.0,
    delta_p=Distribution(
        Estimate(-2.17949e-05, 1.9e-05),
        {name: 0.125 - i / 64 for i, name in enumerate(PERCENTILES)},
    ),
    rms_delta_p=Estimate(0.0002386, 0.000116),
    same_top=Estimate(0.9870967741935484, 0.00909429),
    blind_max=1.058724e-06,
    blind_mean=1.25e-08,
    censored=(Censored(43, 37453, 7.17075e-05, 1.4904e-05), Censored(0, 37529, 7.12784e-05, 2e-5)),
)
"""Two llama.cpp files, of which the candidate's censors none of the tokens."""

ARRAYS = replace(FILES, floor=None, blind_max=0.0, blind_mean=0.0, censored=(None, None))
"""Two arrays with labels."""

ONE_ROW = replace(
    ARRAYS,
    tokens=1,
    perplexity=(Estimate(math.inf, math.nan), Estimate(2.0, math.nan)),
    correlation=math.nan,
)

BOTH = """
tokens       155 scored, one per row; censored: 43 in p. There the file holds
             an upper bound of the probability: that PPL is a lower bound, and
             ratio, difference and correlation can be off either way
PPL(q)       752080 +- 194884
PPL(p)       7.25 +- 0.125
ln ratio     ln(PPL(q) / PPL(p)) = 0.0079746 +- 0.00486512
ratio        PPL(q) / PPL(p) = 1.00801 +- 0.00490408
difference   PPL(q) - PPL(p) = -5973.69 +- 3774.74
correlation  99.9827 % of ln PPL(q) and ln PPL(p)
same top p   98.7097 +- 0.909429 % of rows
KLD          sum p * log(p / q) over classes with log p > -16, as in llama.cpp
censored     p: at most 7.17075e-05 of a row (mean 1.4904e-05) in 37453 cells
             q: at most 7.12784e-05 of a row (mean 2e-05) in 37529 cells
             q hides up to 1.05872e-06 of a row's p from KLD (mean 1.25e-08)
"""

NEITHER = """
tokens       155 scored, one per row
PPL(q)       752080 +- 194884
PPL(p)       7.25 +- 0.125
ln ratio     ln(PPL(q) / PPL(p)) = 0.0079746 +- 0.00486512
ratio        PPL(q) / PPL(p) = 1.00801 +- 0.00490408
difference   PPL(q) - PPL(p) = -5973.69 +- 3774.74
correlation  99.9827 % of ln PPL(q) and ln PPL(p)
same top p   98.7097 +- 0.909429 % of rows
KLD          KL(p||q) = sum p * log(p / q) over all classes
"""


def text(result: LanguageResult) -> str:
    return "\n" + "".join(f"{label:<13}{words}\n" for label, words in language.lines(result))


@pytest.mark.parametrize(
    ("result", "expected"), [(FILES, BOTH), (ARRAYS, NEITHER)], ids=["files", "arrays"]
)
def test_lines(result: LanguageResult, expected: str) -> None:
    assert text(result) == expected
    assert max(map(len, text(result).splitlines())) <= 80


def test_both_sides_may_censor_tokens() -> None:
    reference, candidate = FILES.censored
    assert reference is not None
    assert candidate is not None
    result = replace(FILES, censored=(reference, replace(candidate, targets=44)))
    assert "; censored: 43 in p, 44 in q. There the\n" in text(result)


def test_files_that_censor_no_token_leave_perplexity_as_it_is() -> None:
    side = Censored(0, 12, 1e-6, 1e-7)
    assert language.lines(replace(FILES, censored=(side, side)))[0] == (
        "tokens",
        "155 scored, one per row",
    )


def test_one_row_has_errors_that_are_no_numbers() -> None:
    assert "\nPPL(q)       2 +- nan\nPPL(p)       inf +- nan\n" in text(ONE_ROW)
    assert "\ncorrelation  nan % of ln PPL(q) and ln PPL(p)\n" in text(ONE_ROW)


def test_grid() -> None:
    grid = language.grid(FILES)
    assert grid.header == ("over tokens", "KLD(p||q) (nats)", "delta p = q - p of the token (%)")
    assert grid.rows == (
        ("mean", "0.0012915 +- 7.35e-05", "-0.00217949 +- 0.0019"),
        ("RMS", "-", "0.02386 +- 0.0116"),
        ("max", "1", "12.5"),
        ("99.9 %", "0.5", "10.9375"),
        ("99 %", "0.25", "9.375"),
        ("95 %", "0.125", "7.8125"),
        ("90 %", "0.0625", "6.25"),
        ("75 %", "0.03125", "4.6875"),
        ("median", "0.015625", "3.125"),
        ("25 %", "0.0078125", "1.5625"),
        ("10 %", "0.00390625", "0"),
        ("5 %", "0.00195312", "-1.5625"),
        ("1 %", "0.000976562", "-3.125"),
        ("0.1 %", "0.000488281", "-4.6875"),
        ("min", "0.000244141", "-6.25"),
    )
    widths = [max(map(len, column)) for column in zip(grid.header, *grid.rows, strict=True)]
    assert sum(widths) + 2 * (len(widths) - 1) <= 80


def test_object() -> None:
    assert language.language_object(FILES) == {
        "tokens": 155,
        "unit": "nats",
        "temperature": 1.0,
        "perplexity": {
            "reference": {"value": 7.25, "error": 0.125, "lower_bound": True},
            "candidate": {"value": 752080.0580014986, "error": 194884.25, "lower_bound": False},
        },
        "ln_ratio": {"value": 0.0079746, "error": 0.00486512},
        "ratio": {"value": 1.00801, "error": 0.00490408},
        "difference": {"value": -5973.686, "error": 3774.74},
        "correlation": 0.999827,
        "kld": {
            "floor": -16.0,
            "mean": 0.0012915,
            "error": 7.35e-05,
            **FILES.kld.percentiles,
        },
        "delta_p": {
            "mean": -2.17949e-05,
            "error": 1.9e-05,
            **FILES.delta_p.percentiles,
            "rms": 0.0002386,
            "rms_error": 0.000116,
        },
        "same_top": {"value": 0.9870967741935484, "error": 0.00909429},
        "censored": {
            "reference": {
                "targets": 43,
                "cells": 37453,
                "held_max": 7.17075e-05,
                "held_mean": 1.4904e-05,
            },
            "candidate": {"targets": 0, "cells": 37529, "held_max": 7.12784e-05, "held_mean": 2e-5},
        },
        "blind_max": 1.058724e-06,
        "blind_mean": 1.25e-08,
    }


def test_object_of_arrays_is_json_as_it_must_be() -> None:
    found = json.loads(json.dumps(valid(language.language_object(ONE_ROW)), allow_nan=False))
    assert found["perplexity"] == {
        "reference": {"value": "inf", "error": "nan", "lower_bound": False},
        "candidate": {"value": 2.0, "error": "nan", "lower_bound": False},
    }
    assert found["kld"]["floor"] is None
    assert found["censored"] == {"reference": None, "candidate": None}
