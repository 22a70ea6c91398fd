"""The table: golden text, and what it does on a terminal and with hostile names."""

from __future__ import annotations

import re
from io import StringIO
from math import inf
from typing import Any

import pytest
from rich.cells import cell_len

from kldiv_cli.measures import MEASURES
from kldiv_cli.measures import load as load_measure
from kldiv_cli.measures.types import Mode
from kldiv_cli.reports import load
from kldiv_cli.results.comparison import Comparison
from kldiv_cli.results.doubt import Doubt
from kldiv_cli.results.figures import Figure
from kldiv_cli.results.limits import Limit
from tests.command import Golden
from tests.reports import (
    HOSTILE,
    LIMITS,
    MARKUP,
    NAMED,
    PROPAGATED,
    SIGMOID,
    SOFTMAX,
    VARIANTS,
    Terminal,
    side,
    statistics,
    top_row,
    with_name,
)
from tests.results import changed

ESCAPES = re.compile(r"\x1b\[[0-9;]*m")

VOCABULARY = changed(
    SOFTMAX,
    reference=side("wikitext-f16.npy", shape=(1234567, 152064)),
    candidate=side("wikitext-q4.npy", shape=(1234567, 152064)),
    rows=1234567,
    class_shape=(152064,),
    row_shape=(1234567,),
    measures={"jeffreys": statistics(1234566, 123456, 12345, mean=1.23456e-8, sem=1.23456e-10)},
    top=(top_row(1234566, 1.23456e-9, argmax=(152063, 152062), same=0),),
)
"""A language model: a large vocabulary and many rows."""

SPANS = changed(
    SIGMOID,
    reference=side("spans.npy", shape=(1024, 12, 512, 512)),
    candidate=side("spans-q.npy", shape=(1024, 12, 512, 512)),
    unit="bits",
    temperature=0.75,
    class_shape=(512, 512),
    row_shape=(1024, 12),
    rows=11000,
    skipped=1000,
    invalid=288,
    nan_policy="propagate",
    measures={"jeffreys": statistics(12287, 1234, 123, max=1.23456e-9)},
    top=(
        top_row(12287, 1.23456e-9, argmax=(262143, 262142), same=0, of=262144),
        top_row(12286, 0.1, argmax=(262143, 262142), same=0, of=262144),
    ),
)
"""GlobalPointer at full length."""

WIDE = {**VARIANTS, "vocabulary": VOCABULARY, "spans": SPANS}


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "LINES"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")


def table(comparison: Comparison) -> str:
    stream = StringIO()
    load("table")(comparison, stream)
    return stream.getvalue()


def on_terminal(comparison: Comparison) -> str:
    stream = Terminal()
    load("table")(comparison, stream)
    return stream.getvalue()


@pytest.mark.parametrize("name", VARIANTS)
def test_variant(name: str, golden: Golden) -> None:
    golden(table(VARIANTS[name]))


class TestPlain:
    @pytest.mark.parametrize("name", WIDE)
    def test_fits_80_columns(self, name: str) -> None:
        lines = table(WIDE[name]).splitlines()
        assert len(lines) > 10
        assert [line for line in lines if len(line) > 80] == []

    @pytest.mark.parametrize("name", VARIANTS)
    def test_is_plain_ascii_without_trailing_blanks(self, name: str) -> None:
        text = table(VARIANTS[name])
        assert text.isascii()
        assert [line for line in text.split("\n") if line != line.rstrip()] == []
        assert text.endswith("\n")
        assert not text.endswith("\n\n")

    @pytest.mark.parametrize("columns", ["20", "200"])
    def test_the_width_of_a_terminal_elsewhere_does_not_matter(
        self, columns: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        expected = table(NAMED)
        monkeypatch.setenv("COLUMNS", columns)
        assert table(NAMED) == expected

    @pytest.mark.parametrize("variable", ["FORCE_COLOR", "TTY_COMPATIBLE"])
    def test_has_no_colour_even_where_ci_forces_it(
        self, variable: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        expected = table(LIMITS)
        monkeypatch.setenv(variable, "1")
        assert table(LIMITS) == expected

    @pytest.mark.parametrize("length", [81, 300, 5000])
    def test_long_names_are_neither_cut_nor_wrapped(self, length: int) -> None:
        name = "".join(f"{i:05d} " for i in range(length // 6)) + "end"
        baseline, lines = table(NAMED).splitlines(), table(with_name(name)).splitlines()
        assert len(lines) == len(baseline)
        assert sum(name in line for line in lines) == 5
        assert all(line.count(name) == 3 for line in lines[-2:])
        assert "\u2026" not in "".join(lines)

    @pytest.mark.parametrize("name", HOSTILE, ids=ascii)
    def test_control_characters_are_escaped(self, name: str) -> None:
        baseline, text = table(NAMED), table(with_name(name))
        assert text.count("\n") == baseline.count("\n")
        assert all(line.isprintable() for line in text.split("\n"))
        assert name not in text
        assert text.count(ascii(name)[1:-1]) == 13
        text.encode()

    @pytest.mark.parametrize("name", MARKUP, ids=ascii)
    def test_markup_is_literal(self, name: str) -> None:
        assert table(with_name(name)).count(name) == 13

    def test_columns_line_up_beside_wide_characters(self) -> None:
        names = ("\u7334\u5b50", "c", "e\u0301", "zig")
        comparison = changed(NAMED, class_names=names)
        lines = table(comparison).splitlines()
        place = [cell_len(line[: line.index(what)]) for line, what in _last_column(lines)]
        assert len(set(place)) == 1

    def test_an_unnamed_class_has_its_index(self) -> None:
        lines = table(SPANS).splitlines()
        assert lines[-1].split() == [
            *("12286", "(1023,", "10)", "0.1", "511,511", "511,510", "262144", "of", "262144")
        ]


def _last_column(lines: list[str]) -> list[tuple[str, str]]:
    return [(lines[-3], "id"), (lines[-2], "page-0"), (lines[-1], "page-1")]


class TestOnATerminal:
    @pytest.mark.parametrize("columns", [60, 80, 132])
    @pytest.mark.parametrize("name", WIDE)
    def test_no_line_is_wider_than_the_terminal(
        self, name: str, columns: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COLUMNS", str(columns))
        lines = ESCAPES.sub("", on_terminal(WIDE[name])).splitlines()
        assert len(lines) > 10
        assert [line for line in lines if cell_len(line) > columns] == []

    @pytest.mark.parametrize("name", VARIANTS)
    def test_at_80_columns_it_is_the_plain_table_in_colour(self, name: str) -> None:
        text = on_terminal(VARIANTS[name])
        assert ESCAPES.search(text)
        lines = [line.rstrip() for line in ESCAPES.sub("", text).splitlines()]
        assert "\n".join(lines) + "\n" == table(VARIANTS[name])

    def test_long_names_fold_and_numbers_stay_whole(self) -> None:
        name = "".join(f"<{i:03d}>" for i in range(40))
        lines = ESCAPES.sub("", on_terminal(with_name(name))).splitlines()
        assert max(map(cell_len, lines)) <= 80
        assert "\u2026" not in "".join(lines)
        words = " ".join(lines).split()
        assert {"0.75", "0.333333", "1.23457", "0.000229519"} <= set(words)
        for i in range(40):
            assert sum(line.count(f"<{i:03d}>") for line in lines) >= 2

    def test_no_color_is_obeyed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NO_COLOR", "1")
        assert "\x1b[1;31m" not in on_terminal(LIMITS)

    def test_red_is_for_exceeded_limits_alone(self) -> None:
        path = "EXCEEDED.npy"
        hostile = changed(LIMITS, reference=side(path), candidate=side(path))
        red = [line for line in on_terminal(hostile).splitlines() if "\x1b[1;31m" in line]
        assert [ESCAPES.sub("", line).split()[1] for line in red] == ["max", "sem"]

    def test_red_is_a_lower_limit_that_is_not_reached(self) -> None:
        limits = (
            Limit("same-argmax", None, Figure(23 / 24), 0.99),
            Limit("min", None, Figure(0.0, "nats"), 0.0),
        )
        text = on_terminal(changed(SOFTMAX, limits=limits))
        red = [ESCAPES.sub("", line) for line in text.splitlines() if "\x1b[1;31m" in line]
        assert [line.rstrip() for line in red] == [
            f"limit        same-argmax >= 0.99: NOT REACHED: {23 / 24!r}"
        ]
        assert "limit        min >= 0.0 nats: holds: 0.0" in ESCAPES.sub("", text)

    @pytest.mark.parametrize(("way", "words"), [("fail", "NOT PROVED"), ("pass", "not proved")])
    def test_red_is_a_limit_that_is_not_proved_and_fails(self, way: Any, words: str) -> None:
        figure = Figure(1.0, None, Doubt(1.0, inf, larger="a token is censored in q"))
        limit = Limit("ppl:ratio", 1.5, figure, when_unsure=way)
        text = on_terminal(changed(SOFTMAX, limits=(limit,)))
        (line,) = (x for x in text.splitlines() if "ppl:ratio" in x)
        assert ("\x1b[1;31m" in line) == (way == "fail")
        assert f"ppl:ratio <= 1.5: {words}: 1.0" in ESCAPES.sub("", line)
        assert "a token is censored in q: it may be any larger" in ESCAPES.sub("", text)

    @pytest.mark.parametrize("name", HOSTILE, ids=ascii)
    def test_no_name_reaches_the_terminal_raw(self, name: str) -> None:
        text = ESCAPES.sub("", on_terminal(with_name(name)))
        assert all(line.isprintable() for line in text.split("\n"))


def usual(name: str) -> str:
    """A measure as it is asked for; those with a parameter with a long one."""
    parameters = {
        "gjs": ":0.125",
        "skew-kl": ":0.125",
        "skew-reverse-kl": ":0.125",
        "renyi": ":0.5",
    }
    return name + parameters.get(name, "")


@pytest.mark.parametrize("mode", ["softmax", "sigmoid"])
@pytest.mark.parametrize("name", [usual(name) for name in MEASURES])
def test_the_definition_of_every_measure_fits_80_columns(name: str, mode: Mode) -> None:
    measure = load_measure(name)
    comparison = changed(
        SOFTMAX,
        mode=mode,
        measures={name: statistics()},
        definitions={name: measure.formula[mode]},
        units={name: "nats" if measure.has_unit else None},
        values={name: SOFTMAX.values["jeffreys"]},
        top=(),
    )
    lines = table(comparison).splitlines()
    assert any(line.startswith(f"{name} ") for line in lines)
    assert [line for line in lines if len(line) > 80] == []


@pytest.mark.parametrize(
    ("above", "value"),
    [
        (0.1, 0.05144032875514403),
        (0.05144032, 0.05144032875514403),
        (0.05144032875514403, 0.05144032875514403),
        (0.0514404, 0.05144032875514403),
        (1e300, 1.0),
    ],
    ids=str,
)
def test_a_limit_and_its_verdict_are_no_contradiction(above: float, value: float) -> None:
    """Two numbers that round to the same six digits would say "x <= x: EXCEEDED"."""
    comparison = changed(SOFTMAX, limits=(Limit("mean", above, Figure(value, "nats")),))
    (line,) = (line for line in table(comparison).splitlines() if line.startswith("limit"))
    numbers = [float(word) for word in re.findall(r"(?<![\w.])\d[\d.]*(?:e[-+]\d+)?", line)]
    assert len(numbers) == 2
    assert ("EXCEEDED" in line) == (numbers[1] > numbers[0]) == (value > above)
    assert numbers[0] == above


def test_propagated_rows_say_so() -> None:
    assert "1 invalid (counted as nan)" in table(PROPAGATED)


NARROW, WIDEST = "kl", "skew-reverse-kl:0.1"


@pytest.mark.parametrize(
    ("names", "widths"),
    [
        ((WIDEST, NARROW, "skew-reverse-kl:0.9"), [80]),
        ((WIDEST, NARROW, "skew-reverse-kl:0.95"), [52, 38]),
        ((WIDEST, "skew-reverse-kl:0.9"), [65]),
    ],
)
def test_measures_stand_side_by_side_in_80_columns(
    names: tuple[str, ...], widths: list[int]
) -> None:
    """The widest number that there is takes 13 columns, whatever stands there."""
    several = changed(
        SOFTMAX,
        measures={name: statistics(mean=-1.23457e-308) for name in names},
        definitions=dict.fromkeys(names, "sum"),
        units=dict.fromkeys(names, "nats"),
        values=dict.fromkeys(names, SOFTMAX.values["jeffreys"]),
        top=(),
    )
    grids = [part.splitlines() for part in table(several).split("\n\n") if "over rows" in part]
    assert [max(map(len, lines)) for lines in grids] == widths
