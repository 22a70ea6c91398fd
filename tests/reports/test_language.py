"""What is said of language models: golden text and the object, from results made by hand."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from io import StringIO

import pytest

from kldiv_cli.reports import load
from kldiv_cli.reports.words import language
from kldiv_cli.reports.words.objects import valid
from kldiv_cli.results.comparison import Agreement
from kldiv_cli.results.language import (
    PERCENTILES,
    Censored,
    Distribution,
    Estimate,
    LanguageResult,
    Perplexities,
)
from tests.command import Golden
from tests.reports import SOFTMAX
from tests.results import changed

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
    known=Perplexities(
        tokens=112,
        perplexity=(Estimate(6.5, 0.25), Estimate(6.625, 0.5)),
        ln_ratio=Estimate(0.0190482, 0.005),
        ratio=Estimate(1.01923, 0.00625),
        difference=Estimate(0.125, 0.0625),
        correlation=0.75,
    ),
    ranges={
        "ppl:reference": (7.25, math.inf),
        "ppl:ratio": (0.0, 1.00801),
        "ppl:ln-ratio": (-math.inf, 0.0079746),
        "ppl:difference": (-math.inf, -5973.686),
        "ppl:correlation": (-1.0, 1.0),
        "kld:mean": (0.0012915, 0.00129152),
        "delta-p:mean": (-2.17949e-05, -2.17e-05),
        "delta-p:rms": (0.0002386, 0.000239),
    },
)
"""Two llama.cpp files, of which the candidate's censors none of the tokens."""

ARRAYS = replace(
    FILES,
    floor=None,
    blind_max=0.0,
    blind_mean=0.0,
    censored=(None, None),
    known=replace(FILES.known, tokens=155),
    ranges={},
)
"""Two arrays with labels."""

ONE_ROW = replace(
    ARRAYS,
    tokens=1,
    known=replace(FILES.known, tokens=1),
    perplexity=(Estimate(math.inf, math.nan), Estimate(2.0, math.nan)),
    correlation=math.nan,
)

AGREEMENT = Agreement("argmax", 153, 155)
LONG = Estimate(-1.23456789e-105, 1.23456789e-105)


def text(result: LanguageResult) -> str:
    found = language.lines(result, AGREEMENT)
    return "\n" + "".join(f"{label:<15}{words}\n" for label, words in found)


@pytest.mark.parametrize("result", [FILES, ARRAYS], ids=["files", "arrays"])
def test_lines(result: LanguageResult, golden: Golden) -> None:
    found = text(result)
    golden(found.removeprefix("\n"))
    assert max(map(len, found.splitlines())) <= 80


def test_figures_that_take_more_room_stand_below_each_other() -> None:
    found = text(replace(ARRAYS, ln_ratio=LONG, ratio=LONG, difference=LONG, rms_delta_p=LONG))
    assert (
        "\nPPL(q)/PPL(p)  -1.23457e-105 +- 1.23457e-105,\n"
        "               ln ratio -1.23457e-105 +- 1.23457e-105\n"
        "PPL(q)-PPL(p)  -1.23457e-105 +- 1.23457e-105, correlation of ln PPLs 99.9827 %\n"
    ) in found
    assert max(map(len, found.splitlines())) <= 80


def test_both_sides_may_censor_tokens() -> None:
    reference, candidate = FILES.censored
    assert reference is not None
    assert candidate is not None
    result = replace(
        FILES,
        censored=(reference, replace(candidate, targets=1)),
        ranges={**FILES.ranges, "ppl:candidate": (752080.0580014986, math.inf)},
    )
    assert "\nPPL(q)         752080 +- 194884 (a lower bound)\nPPL(p)         7.25" in text(result)
    assert "\n               q: 1 token, 37529 cells, in them" in text(result)


def test_files_that_censor_no_token_leave_perplexity_as_it_is() -> None:
    side = Censored(0, 12, 1e-6, 1e-7)
    found = text(replace(ARRAYS, censored=(side, side)))
    assert "lower bound" not in found
    assert found.endswith(
        "\ncensored       p: 0 tokens, 12 cells, in them at most 1e-06 of a row\n"
        "               q: 0 tokens, 12 cells, in them at most 1e-06 of a row\n"
    )


def test_figures_that_are_bounds_are_called_so() -> None:
    found = text(FILES)
    for line in (
        "PPL(p)         7.25 +- 0.125 (a lower bound)",
        "PPL(q)/PPL(p)  1.00801 +- 0.00490408 (an upper bound),",
        "               ln ratio 0.0079746 +- 0.00486512 (an upper bound)",
        "               correlation of ln PPLs 99.9827 % (off either way)",
        "mean KLD       0.0012915 +- 7.35e-05 nats (a lower bound), where log p > -16",
        "delta p        mean -0.00217949 +- 0.0019 % (a lower bound),",
        "               figures of delta p are off by up to 4e-05 %",
        "               KLD lacks up to 1.06e-06 of a row of p, 3e-07 nats of its mean",
    ):
        assert f"\n{line}\n" in f"\n{found}"


@pytest.mark.parametrize(
    ("tokens", "line"),
    [
        (0, "no token"),
        (1, "1 token: PPL(q) 6.625 +- 0.5, PPL(p) 6.5 +- 0.25,"),
        (112, "112 tokens: PPL(q) 6.625 +- 0.5, PPL(p) 6.5 +- 0.25,"),
    ],
)
def test_tokens_that_both_files_know(tokens: int, line: str) -> None:
    found = text(replace(FILES, known=replace(FILES.known, tokens=tokens)))
    assert f"\nknown to both  {line}\n" in found
    assert "known to both" not in text(ARRAYS)


def test_one_row_has_errors_that_are_no_numbers() -> None:
    assert "\nPPL(q)         2 +- nan\nPPL(p)         inf +- nan\n" in text(ONE_ROW)
    assert ", correlation of ln PPLs nan %\n" in text(ONE_ROW)


@pytest.mark.parametrize(
    ("tokens", "smooth", "title"),
    [
        (1, 0.0, "for language models: 1 token, or label, T = 1, +- standard error"),
        (2, 0.5, "for language models: 2 tokens, or labels, T = 1, q smoothed, +- standard error"),
    ],
)
def test_title(tokens: int, smooth: float, title: str) -> None:
    result = replace(ONE_ROW, tokens=tokens)
    lines, _ = language.parts(changed(SOFTMAX, smooth=smooth, language=result), result)
    assert lines.title == title


def test_grid() -> None:
    grid = language.grid(FILES)
    assert grid.header[1:] == ("KLD(p||q) (nats), at least", "delta p = q - p of the token (%)")
    assert language.grid(ARRAYS).header[1] == "KLD(p||q) (nats)"
    assert grid.rows == (
        ("median", "0.015625", "3.125"),
        ("25 to 75 %", "0.0078125 to 0.03125", "1.5625 to 4.6875"),
        ("10 to 90 %", "0.00390625 to 0.0625", "0 to 6.25"),
        ("5 to 95 %", "0.00195312 to 0.125", "-1.5625 to 7.8125"),
        ("1 to 99 %", "0.000976562 to 0.25", "-3.125 to 9.375"),
        ("0.1 to 99.9 %", "0.000488281 to 0.5", "-4.6875 to 10.9375"),
        ("min to max", "0.000244141 to 1", "-6.25 to 12.5"),
    )


def test_the_widest_grid_fits_80_columns() -> None:
    long = dict.fromkeys(PERCENTILES, -1.23456789e-300)
    kld, change = (replace(part, percentiles=long) for part in (FILES.kld, FILES.delta_p))
    grid = language.grid(replace(FILES, kld=kld, delta_p=change))
    widths = [max(map(len, column)) for column in zip(grid.header, *grid.rows, strict=True)]
    assert sum(widths) + 2 * (len(widths) - 1) <= 80


def test_the_answer_of_language_models_comes_first_and_on_one_screen() -> None:
    result = changed(SOFTMAX, language=FILES)
    for name in ("table", "markdown"):
        stream = StringIO()
        load(name)(result, stream)
        found = stream.getvalue()
        assert found.index("PPL(q)") < found.index("percentiles") < found.index("total 1.23457")
        assert "same argmax" not in found
        assert found.count("\n") < 48


def test_object(golden: Golden) -> None:
    golden(json.dumps(language.language_object(FILES), indent=2) + "\n", "json")


def test_object_of_arrays_is_json_as_it_must_be() -> None:
    found = json.loads(json.dumps(valid(language.language_object(ONE_ROW)), allow_nan=False))
    assert found["perplexity"] == {
        "reference": {"value": "inf", "error": "nan", "lower_bound": False},
        "candidate": {"value": 2.0, "error": "nan", "lower_bound": False},
    }
    assert found["kld"]["floor"] is None
    assert found["censored"] == {"reference": None, "candidate": None}
