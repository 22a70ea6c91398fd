"""What figures may be: against true models that agree with what the files say."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from kldiv_cli.results.figures import figure_of_tokens, token_figures
from kldiv_cli.results.language import LanguageResult
from kldiv_cli.results.ranges import HIDDEN_NATS
from kldiv_cli.results.tokens import CensoredRows, TokenRows, TokenSummary

Array = npt.NDArray[Any]
BOUND = -16.5
ALL = [stat for stat in token_figures() if not stat.startswith("ppl-known")]


def rows(
    log_p: Array, log_q: Array, kld: Array, blind: Array, censored: tuple[Any, Any]
) -> TokenRows:
    sides = [
        None if side is None else CensoredRows(side, side.astype(np.intp), side * 1e-7)
        for side in censored
    ]
    same = np.ones(len(log_p), bool)
    return TokenRows(log_p, log_q, log_q - log_p, kld, same, blind, (sides[0], sides[1]))


def result(*columns: Any) -> LanguageResult:
    return TokenSummary(-16.0, (rows(*columns),)).result()


def files(seed: int, share: float, sides: str, n: int = 40) -> tuple[Any, ...]:
    rng = np.random.default_rng(seed)
    log_p, log_q = (-rng.exponential(3.0, n) for _ in "pq")
    censored = tuple(rng.random(n) < share if x in sides else np.zeros(n, bool) for x in "pq")
    for log, hidden in zip((log_p, log_q), censored, strict=True):
        log[hidden] = BOUND - rng.random(hidden.sum())
    blind = np.where(rng.random(n) < share, rng.random(n) * 1e-4, 0.0)
    return log_p, log_q, rng.exponential(0.01, n), blind, censored


@pytest.mark.parametrize("sides", ["p", "q", "pq"])
@pytest.mark.parametrize("share", [0.05, 0.5, 1.0])
@pytest.mark.parametrize("seed", range(6))
def test_every_true_figure_lies_in_its_range(seed: int, share: float, sides: str) -> None:
    log_p, log_q, kld, blind, censored = files(seed, share, sides)
    found = result(log_p, log_q, kld, blind, censored)
    rng = np.random.default_rng(100 + seed)
    for depth in (0.0, 1e-3, 1.0, 30.0, 700.0):
        true = []
        for log, hidden in zip((log_p, log_q), censored, strict=True):
            true.append(log - hidden * depth * rng.random(len(log)))
        more = blind * HIDDEN_NATS * rng.random(len(kld))
        other = result(*true, kld + more, 0 * blind, (None, None))
        for stat in ALL:
            value = figure_of_tokens(stat, other).value
            least, most = found.ranges.get(stat, (figure_of_tokens(stat, found).value,) * 2)
            slack = 1e-12 * max(abs(value), 1e-300)
            assert least - slack <= value <= most + slack, stat


def test_the_ends_are_reached() -> None:
    log_p, log_q, kld, blind, censored = files(1, 0.5, "pq")
    found = result(log_p, log_q, kld, blind, censored)
    deep = np.where(censored[1], -1e5, log_q)
    other = result(log_p, deep, kld + HIDDEN_NATS * blind, 0 * blind, (censored[0], None))
    for stat in ("kld:mean", "kld:p90", "kld:median"):
        assert figure_of_tokens(stat, other).value == pytest.approx(found.ranges[stat][1])
    for stat in ("delta-p:mean", "delta-p:p10"):
        assert figure_of_tokens(stat, other).value == pytest.approx(found.ranges[stat][0])
    assert other.ratio.value == math.inf == found.ranges["ppl:ratio"][1]


@pytest.mark.parametrize(
    ("sides", "states"),
    [
        ("", {}),
        (
            "q",
            {
                "ppl:candidate": "a lower bound",
                "ppl:ratio": "a lower bound",
                "ppl:ln-ratio": "a lower bound",
                "ppl:difference": "a lower bound",
                "ppl:correlation": "off either way",
                "delta-p:mean": "an upper bound",
            },
        ),
        (
            "p",
            {
                "ppl:reference": "a lower bound",
                "ppl:ratio": "an upper bound",
                "ppl:ln-ratio": "an upper bound",
                "ppl:difference": "an upper bound",
                "ppl:correlation": "off either way",
                "delta-p:mean": "a lower bound",
            },
        ),
        (
            "pq",
            {
                "ppl:candidate": "a lower bound",
                "ppl:reference": "a lower bound",
                "ppl:ratio": "off either way",
                "ppl:ln-ratio": "off either way",
                "ppl:difference": "off either way",
                "ppl:correlation": "off either way",
                "delta-p:mean": "off either way",
            },
        ),
    ],
)
def test_which_way_each_figure_may_be_off(sides: str, states: dict[str, str]) -> None:
    log_p, log_q, kld, blind, censored = files(2, 0.3, sides)
    found = result(log_p, log_q, kld, 0 * blind, censored)
    told = {}
    for stat in found.ranges:
        figure = figure_of_tokens(stat, found)
        assert figure.doubt is not None
        told[stat] = figure.doubt.state(figure.value)
    assert {stat: told[stat] for stat in told if "delta-p" not in stat or "mean" in stat} == states


def test_files_that_hide_nothing_have_exact_figures() -> None:
    log_p, log_q, kld, blind, censored = files(3, 0.5, "")
    found = result(log_p, log_q, kld, 0 * blind, censored)
    assert found.ranges == {}
    assert found.known.perplexity == found.perplexity


class TestTokensThatBothKnow:
    def test_their_figures_are_those_of_these_rows_alone(self) -> None:
        log_p, log_q, kld, blind, censored = files(4, 0.3, "pq")
        known = ~(censored[0] | censored[1])
        found = result(log_p, log_q, kld, blind, censored).known
        alone = result(log_p[known], log_q[known], kld[known], blind[known], (None, None))
        assert found == alone.known
        assert found.tokens == known.sum()

    def test_there_may_be_none(self) -> None:
        log_p, log_q, kld, blind, censored = files(5, 1.0, "q")
        found = result(log_p, log_q, kld, blind, censored)
        assert found.known.tokens == 0
        assert math.isnan(found.known.ratio.value)
        doubt = figure_of_tokens("ppl:ratio", found).doubt
        assert doubt is not None
        assert doubt.instead == ""

    def test_there_may_be_one(self) -> None:
        log_p, log_q, kld, blind, censored = files(5, 1.0, "q")
        censored[1][0] = False
        found = result(log_p, log_q, kld, blind, censored)
        assert found.known.tokens == 1
        assert found.known.ln_ratio.value == pytest.approx(log_p[0] - log_q[0])
        assert math.isnan(found.known.ln_ratio.error)


def test_an_invalid_row_leaves_nothing_to_bound() -> None:
    log_p, log_q, kld, blind, censored = files(6, 0.5, "q")
    log_q[3] = log_p[3] = kld[3] = np.nan
    found = result(log_p, log_q, kld, blind, censored)
    assert not any(math.isnan(end) for ends in found.ranges.values() for end in ends)
    assert "ppl:ratio" not in found.ranges
