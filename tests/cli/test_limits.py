"""Figures by name, for --stat, and limits on them, from above and from below."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import pytest

from kldiv_cli import compare
from kldiv_cli.errors import UsageError
from kldiv_cli.reports.words.language import language_object
from kldiv_cli.results.comparison import Comparison
from kldiv_cli.results.figures import Figure, figure, token_figures
from kldiv_cli.results.limits import judged
from tests.command import Kldiv
from tests.reports import SIGMOID, SOFTMAX
from tests.reports.test_language import FILES
from tests.results import changed

MAGIKA = "samples/magika-fp32.npy", "samples/magika-int8.npy"
TINY = "samples/llamacpp/tiny-f32.kld", "samples/llamacpp/tiny-Q4_0.kld"
OF_TOKENS = changed(SOFTMAX, language=FILES)
PATHS = {
    "ppl:candidate": ("perplexity", "candidate", "value"),
    "ppl:reference": ("perplexity", "reference", "value"),
    "ppl:ratio": ("ratio", "value"),
    "ppl:ln-ratio": ("ln_ratio", "value"),
    "ppl:difference": ("difference", "value"),
    "ppl:correlation": ("correlation",),
    "kld:sem": ("kld", "error"),
    "delta-p:sem": ("delta_p", "error"),
    "same-top": ("same_top", "value"),
}
"""Where in the JSON object a figure stands whose place does not follow from its name."""


def in_json(stat: str, found: Any) -> Any:
    name, _, entry = stat.partition(":")
    if name == "ppl-known":
        found, stat = found["known"], f"ppl:{entry}"
    for key in PATHS.get(stat, (name.replace("-", "_"), entry)):
        found = found[key]
    return found


class TestFigure:
    @pytest.mark.parametrize("stat", token_figures())
    def test_of_tokens_it_is_what_json_has(self, stat: str) -> None:
        found = figure(stat, OF_TOKENS)
        assert found.value == in_json(stat, language_object(FILES))
        assert found.unit == ("nats" if stat.startswith("kld") else None)
        assert (found.doubt is None) == (stat not in FILES.ranges)

    def test_there_is_one_for_every_number_in_json(self) -> None:
        found = language_object(FILES)
        spread = {*found["kld"], *found["delta_p"]} - {"floor", "error", "rms_error"} | {"sem"}
        assert {stat.partition(":")[2] for stat in token_figures()} - {""} == spread | {
            stat.partition(":")[2] for stat in PATHS if stat != "same-top"
        }

    @pytest.mark.parametrize(
        ("stat", "comparison", "share"),
        [("same-argmax", SOFTMAX, 23 / 24), ("same-sign", SIGMOID, 200 / 216)],
    )
    def test_the_share_that_agrees(self, stat: str, comparison: Comparison, share: float) -> None:
        assert figure(stat, comparison) == Figure(share)

    def test_of_a_measure(self) -> None:
        expected = Figure(1 / 3, "nats")
        assert figure("p99", SOFTMAX) == figure("jeffreys:p99", SOFTMAX) == expected

    def test_where_no_tokens_are_scored(self) -> None:
        with pytest.raises(UsageError, match=r"^kld:mean: expected tokens that are scored, found"):
            figure("kld:mean", SOFTMAX)


@pytest.mark.parametrize(
    ("above", "below", "exceeded"),
    [
        ({"kld:mean": 0.00129152}, {}, [False]),
        ({"kld:mean": math.nextafter(0.00129152, 0)}, {}, [True]),
        ({}, {"same-argmax": 23 / 24}, [False]),
        ({}, {"same-argmax": math.nextafter(23 / 24, 1)}, [True]),
        (
            {"ppl:ratio": 1.1, "max": 0.5},
            {"same-top": 0.99, "min": 0.0},
            [False, True, True, False],
        ),
    ],
)
def test_limits_from_above_and_from_below(
    above: Mapping[str, float], below: Mapping[str, float], exceeded: list[bool]
) -> None:
    found = judged(OF_TOKENS, tuple(above.items()), tuple(below.items()))
    assert [limit.exceeded for limit in found] == exceeded
    assert [limit.stat for limit in found] == [*above, *below]


@pytest.mark.parametrize("bound", ["limits", "lower_limits"])
def test_nan_fails_both_ways(bound: str) -> None:
    bounds: Any = {bound: {"sem": math.inf if bound == "limits" else -math.inf}}
    assert compare([[1.0, 2.0]], [[2.0, 1.0]], **bounds).exceeded


class TestCommand:
    def test_stderr_table_json_and_exit_code(self, kldiv: Kldiv) -> None:
        words = (
            *(
                "compare",
                *TINY,
                "--fail-above",
                "kld:mean=0.1",
                "--fail-above",
                "ppl-known:ratio=2",
            ),
            *("--fail-below", "same-top=0.9", "--fail-below", "same-argmax=0.5"),
        )
        expected = compare(*TINY).language
        assert expected is not None
        kld, ratio = expected.kld.mean.value, expected.known.ratio.value
        most = expected.ranges["kld:mean"][1]
        note = f"a lower bound, at most {most!r}"
        table, page = kldiv(*words), kldiv(*words, "--format", "json")
        assert table.code == page.code == 1
        assert table.err == page.err
        assert table.err.splitlines() == [
            f"kldiv: limit exceeded: kld:mean {kld!r} > 0.1 nats ({note})",
            f"kldiv: limit holds: ppl-known:ratio {ratio!r} <= 2.0",
            f"kldiv: limit not reached: same-top {118 / 155!r} < 0.9",
            f"kldiv: limit holds: same-argmax {118 / 155!r} >= 0.5",
        ]
        assert (
            f"\nlimit        kld:mean <= 0.1 nats: EXCEEDED: {kld!r}\n             {note}\n"
            f"limit        ppl-known:ratio <= 2.0: holds: {ratio!r}\n"
            f"limit        same-top >= 0.9: NOT REACHED: {118 / 155!r}\n"
            f"limit        same-argmax >= 0.5: holds: {118 / 155!r}\n"
        ) in table.out
        holds: dict[str, Any] = {"exceeded": False, "verdict": "holds"}
        assert json.loads(page.out)["limits"] == [
            {
                "stat": "kld:mean",
                "above": 0.1,
                "value": kld,
                "exceeded": True,
                "verdict": "exceeded",
                "least": kld,
                "most": most,
                "reservation": note,
            },
            {"stat": "ppl-known:ratio", "above": 2.0, "value": ratio, **holds},
            {
                "stat": "same-top",
                "below": 0.9,
                "value": 118 / 155,
                "exceeded": True,
                "verdict": "not reached",
            },
            {"stat": "same-argmax", "below": 0.5, "value": 118 / 155, **holds},
        ]

    def test_nan_is_said_to_be_none(self, kldiv: Kldiv) -> None:
        words = "compare", *MAGIKA, "--limit", "1", "--fail-below", "sem=0"
        assert kldiv(*words).err == (
            "kldiv: limit not reached: jeffreys sem nan is not a number; limit 0.0 nats\n"
        )

    @pytest.mark.parametrize(
        ("stat", "told"),
        [
            (
                "ppl:ratio",
                (
                    "off either way, at least 0.0: "
                    "43 tokens are censored in p and 44 tokens are censored in q"
                ),
            ),
            ("ppl:candidate", "a lower bound: 44 tokens are censored in q"),
            (
                "kld:mean",
                "a lower bound, at most {most!r}: q's file hides up to 1.76e-05 of a row of p",
            ),
            ("ppl-known:ratio", ""),
            ("same-top", ""),
        ],
    )
    def test_stat(self, kldiv: Kldiv, stat: str, told: str) -> None:
        language = json.loads(kldiv("compare", *TINY, "--format", "json").out)["language"]
        done = kldiv("compare", *TINY, "--stat", stat)
        assert (done.code, done.out) == (0, f"{in_json(stat, language)!r}\n")
        most = language["ranges"].get(stat, {"most": None})["most"]
        assert done.err == (f"kldiv: {stat} is {told.format(most=most)}\n" if told else "")
        quiet = kldiv("compare", *TINY, "--stat", stat, "--no-warn")
        assert quiet == (0, done.out, "")

    def test_stat_of_the_share_that_agrees(self, kldiv: Kldiv) -> None:
        assert kldiv("compare", *MAGIKA, "--stat", "same-argmax") == (0, f"{505 / 512!r}\n", "")

    @pytest.mark.parametrize(
        "words", [("--stat", "kld:mean"), ("--fail-above", "kld:mean=1")], ids=["stat", "limit"]
    )
    @pytest.mark.parametrize("mode", ["softmax", "sigmoid"])
    def test_without_tokens(self, kldiv: Kldiv, words: tuple[str, ...], mode: str) -> None:
        code, out, err = kldiv("compare", *MAGIKA, "--mode", mode, *words)
        assert (code, out) == (2, "")
        assert err == (
            "kldiv: error: kld:mean: expected tokens that are scored, found none\n"
            "Compare llama.cpp files or say --labels; all classes must enter, under softmax.\n"
        )

    @pytest.mark.parametrize(
        ("words", "error", "advice"),
        [
            (
                ("--stat", "ppl:ration"),
                "no statistic is called 'ppl:ration'",
                (
                    "Known: ppl:candidate, ppl:reference, ppl:ratio, ppl:ln-ratio, ppl:difference, "
                    "ppl:correlation."
                ),
            ),
            (("--stat", "same-top:mean"), "no statistic is called 'same-top:mean'", ""),
            (
                ("--fail-below", "same-sign=1"),
                "same-sign: expected --mode sigmoid, found softmax",
                "Say same-argmax.",
            ),
            (
                ("--mode", "sigmoid", "--stat", "same-argmax"),
                "same-argmax: expected --mode softmax, found sigmoid",
                "Say same-sign.",
            ),
            (
                ("--fail-below", "same-argmax"),
                "--fail-below: expected NAME=VALUE with a number, found 'same-argmax'",
                "Say for example --fail-above mean=0.01 or --fail-below same-argmax=0.99.",
            ),
            (
                ("--fail-below", "min=nan"),
                "expected a number as the limit of min, found nan",
                "Say for example mean=0.01.",
            ),
            (
                ("--fail-below", "low=1"),
                "no statistic is called 'low'",
                (
                    "Known: total, mean, sem, min, max, median, p90, p95, p99, p99.9, same-argmax, "
                    "same-sign; of tokens same-top, ppl:ratio, kld:mean, delta-p:rms and others."
                ),
            ),
        ],
    )
    def test_refused(self, kldiv: Kldiv, words: tuple[str, ...], error: str, advice: str) -> None:
        code, out, err = kldiv("compare", *MAGIKA, *words)
        assert (code, out) == (2, "")
        assert err.startswith(f"kldiv: error: {error}\n{advice}")
        assert len(err.splitlines()) == 2
