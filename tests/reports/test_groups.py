"""The groups in the table: how many are shown, what fits, and names that would break it."""

from __future__ import annotations

from io import StringIO

import numpy as np
import pytest

from kldiv_cli.reports import load
from kldiv_cli.results.comparison import Comparison
from kldiv_cli.results.groups import By, Group, Groups
from tests.reports import HOSTILE, MANY_GROUPS, MARKUP, SEVERAL, SOFTMAX, VARIANTS, statistics
from tests.results import changed


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def text_of(comparison: Comparison, stream: StringIO | None = None) -> str:
    stream = stream or StringIO()
    load("table")(comparison, stream)
    return stream.getvalue()


def grouped(
    comparison: Comparison, *names: str, what: str = "kind", in_order: bool = False
) -> Comparison:
    """A comparison with a row in each group of these names."""
    found = {name: statistics() for name in comparison.measures}
    each = tuple(Group(name, found, 1, 0, 0, 1, 1) for name in names)
    by = By(what, str, in_order)
    return changed(comparison, groups=Groups(by, each, np.arange(24) % len(names)))


def lines_of(comparison: Comparison) -> list[str]:
    """The lines of the groups."""
    _, _, after = text_of(comparison).partition("\ngroup ")
    return after.partition("\n\n")[0].splitlines()[1:]


@pytest.mark.parametrize(("count", "shown"), [(1, 1), (20, 20), (21, 3)])
def test_many_groups_are_not_all_shown(count: int, shown: int) -> None:
    comparison = grouped(SOFTMAX, *map(str, range(count)))
    assert len(lines_of(comparison)) == shown
    text = text_of(comparison)
    assert ("3 shown; -o FILE.json or --format json has all" in text) == (shown < count)
    assert (f"jeffreys (nats), 3 of {count} groups, largest mean first\n" in text) == (count == 21)


def test_of_many_groups_in_order_the_first_ones_are_shown() -> None:
    comparison = grouped(SOFTMAX, *map(str, range(64)), in_order=True)
    assert "\n\njeffreys (nats), the first 3 of 64 groups\n" in text_of(comparison)
    assert [line.split()[0] for line in lines_of(comparison)] == ["0", "1", "2"]


def test_with_top_0_many_groups_are_counted_alone() -> None:
    text = text_of(changed(MANY_GROUPS, top=()))
    assert "groups       24 by argmax p" in text
    assert "0 shown; -o FILE.json" in text
    assert "\ngroup " not in text


@pytest.mark.parametrize("comparison", [SOFTMAX, SEVERAL], ids=["one", "several"])
def test_the_order_is_named(comparison: Comparison) -> None:
    what, first = ("means", "kl") if comparison is SEVERAL else ("jeffreys (nats)", "mean")
    assert f"\n{what}, 2 groups, largest {first} first\n" in text_of(grouped(comparison, "a", "b"))
    assert f"\n{what}, 2 groups\n" in text_of(grouped(comparison, "a", "b", in_order=True))
    assert f"\n{what}, the only group\n" in text_of(grouped(comparison, "a"))


@pytest.mark.parametrize("measures", [1, 2, 3, 7])
def test_means_of_many_measures_fit_80_columns(measures: int) -> None:
    names = [f"skew-reverse-kl:0.{i}" for i in range(measures)]
    whole = changed(
        SOFTMAX,
        measures={name: statistics(mean=-1.23457e-308) for name in names},
        units=dict.fromkeys(names, "nats"),
        definitions=dict.fromkeys(names, "sum"),
    )
    groups = Groups(
        By("kind", str),
        (Group("python", whole.measures, 123456, 1, 1, 1, 3),),
        np.zeros(24, dtype=np.intp),
    )
    text = text_of(changed(whole, groups=groups))
    after = text.partition("the only group\n")[2].partition("\n3 most")[0]
    assert max(map(len, after.splitlines())) <= 80
    for name in names[1:]:
        assert after.count(name) == 1
    assert all("33.3333 %" in line for line in after.splitlines() if line.startswith("python"))


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_no_name_breaks_the_screen(name: str) -> None:
    comparison = grouped(SOFTMAX, name, what=name)
    for stream in (StringIO(), Terminal()):
        text = text_of(comparison, stream)
        assert name not in text
    plain = text_of(comparison)
    assert all(line.isprintable() for line in plain.split("\n"))


@pytest.mark.parametrize("name", MARKUP, ids=ascii)
def test_markup_is_literal(name: str) -> None:
    assert name in text_of(grouped(SOFTMAX, name), Terminal())


def test_a_terminal_shows_what_a_file_gets() -> None:
    for name in ("grouped", "many-groups"):
        shown = text_of(VARIANTS[name], Terminal())
        for line in lines_of(VARIANTS[name]):
            assert line.split()[0] in shown
        assert "groups" in shown


@pytest.mark.parametrize(("name", "grids"), [("x" * 18, 1), ("x" * 19, 2)])
def test_means_of_groups_stand_side_by_side_in_80_columns(name: str, grids: int) -> None:
    measures = {n: statistics(mean=-1.23457e-308) for n in ("skew-reverse-kl:0.1", "kl")}
    whole = changed(
        SOFTMAX,
        measures=measures,
        units=dict.fromkeys(measures, "nats"),
        definitions=dict.fromkeys(measures, "sum"),
    )
    groups = Groups(
        By("kind", str), (Group(name, measures, 24, 0, 0, 1, 3),), np.zeros(24, dtype=np.intp)
    )
    text = text_of(changed(whole, groups=groups))
    lines = text.partition("the only group\n")[2].partition("\n3 most")[0].splitlines()
    assert sum(line.startswith("group") for line in lines) == grids
    assert (max(map(len, lines)) == 80) == (grids == 1)
