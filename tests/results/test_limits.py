"""Whether a limit holds of a figure that is exact, a bound, or known from both sides."""

from __future__ import annotations

from math import inf, nan, nextafter
from typing import Any

import pytest

from kldiv_cli.results.doubt import Doubt
from kldiv_cli.results.figures import Figure
from kldiv_cli.results.limits import Limit

EXACT = Figure(2.0)
LOWER = Figure(2.0, None, Doubt(2.0, inf, larger="q hides some"))
UPPER = Figure(2.0, None, Doubt(-inf, 2.0, smaller="p hides some"))
EITHER = Figure(2.0, None, Doubt(1.0, 3.0, "p hides some", "q hides some"))
BELOW, ABOVE = nextafter(2.0, 0), nextafter(2.0, 3)


@pytest.mark.parametrize(
    ("figure", "above", "verdict"),
    [
        (EXACT, 2.0, "holds"),
        (EXACT, BELOW, "exceeded"),
        (LOWER, inf, "holds"),
        (LOWER, 1e300, "not proved"),
        (LOWER, 2.0, "not proved"),
        (LOWER, BELOW, "exceeded"),
        (UPPER, 2.0, "holds"),
        (UPPER, BELOW, "exceeded"),
        (EITHER, 3.0, "holds"),
        (EITHER, nextafter(3.0, 0), "not proved"),
        (EITHER, 2.0, "not proved"),
        (EITHER, BELOW, "exceeded"),
        (Figure(nan), inf, "exceeded"),
        (Figure(nan, None, Doubt(0.0, 1.0)), 5.0, "exceeded"),
        (Figure(inf), 1e300, "exceeded"),
        (Figure(inf), inf, "holds"),
    ],
)
def test_from_above(figure: Figure, above: float, verdict: str) -> None:
    limit = Limit("mean", above, figure)
    assert limit.verdict == verdict
    assert limit.exceeded == (verdict != "holds")


@pytest.mark.parametrize(
    ("figure", "below", "verdict"),
    [
        (EXACT, 2.0, "holds"),
        (EXACT, ABOVE, "not reached"),
        (LOWER, 2.0, "holds"),
        (LOWER, ABOVE, "not reached"),
        (UPPER, -inf, "holds"),
        (UPPER, -1e300, "not proved"),
        (UPPER, 2.0, "not proved"),
        (UPPER, ABOVE, "not reached"),
        (EITHER, 1.0, "holds"),
        (EITHER, nextafter(1.0, 2), "not proved"),
        (EITHER, ABOVE, "not reached"),
        (Figure(nan), -inf, "not reached"),
    ],
)
def test_from_below(figure: Figure, below: float, verdict: str) -> None:
    limit = Limit("mean", None, figure, below)
    assert limit.verdict == verdict
    assert limit.exceeded == (verdict != "holds")


@pytest.mark.parametrize("limit", [{"above": 2.5}, {"above": None, "below": 1.5}], ids=str)
def test_what_is_not_proved_passes_where_that_is_asked(limit: dict[str, Any]) -> None:
    assert Limit("mean", figure=EITHER, **limit).exceeded
    assert not Limit("mean", figure=EITHER, **limit, when_unsure="pass").exceeded


@pytest.mark.parametrize("figure", [LOWER, UPPER, EITHER, Figure(nan)], ids=str)
def test_what_the_figure_itself_breaks_never_passes(figure: Figure) -> None:
    assert Limit("mean", 1.5, figure, when_unsure="pass").exceeded
    assert Limit("mean", None, figure, 2.5, when_unsure="pass").exceeded


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (Limit("mean", 3.0, EXACT), ""),
        (Limit("mean", 2.5, LOWER), "q hides some: it may be any larger"),
        (Limit("mean", 2.5, EITHER), "q hides some: it may be as large as 3.0"),
        (Limit("mean", None, EITHER, 1.5), "p hides some: it may be as small as 1.0"),
        (Limit("mean", None, UPPER, 1.5), "p hides some: it may be any smaller"),
        (Limit("mean", 1.0, LOWER), "a lower bound"),
        (Limit("mean", 2.0, UPPER), "an upper bound"),
        (Limit("mean", 4.0, EITHER), "off either way, at least 1.0, at most 3.0"),
    ],
)
def test_what_is_said_of_the_figure(limit: Limit, words: str) -> None:
    assert limit.reservation == words


def test_a_figure_that_is_known_is_named() -> None:
    doubt = Doubt(2.0, inf, larger="q hides some", subject="the ratio", instead="see another one")
    limit = Limit("ppl:ratio", 2.5, Figure(2.0, None, doubt))
    assert limit.reservation == "q hides some: the ratio may be any larger; see another one"


@pytest.mark.parametrize(
    ("figure", "words"),
    [
        (LOWER, "a lower bound: q hides some"),
        (UPPER, "an upper bound: p hides some"),
        (EITHER, "off either way, at least 1.0, at most 3.0: p hides some and q hides some"),
    ],
)
def test_what_is_told_of_a_figure_alone(figure: Figure, words: str) -> None:
    assert figure.doubt is not None
    assert figure.doubt.told(figure.value) == words
