"""The table on a terminal and off it: one layout, by Rich and without it."""

from __future__ import annotations

import re
from io import StringIO

import pytest

from kldiv_cli.reports import load
from kldiv_cli.results.comparison import Comparison
from tests.reports import HOSTILE, MARKUP, NAMED, SOFTMAX, VARIANTS, Terminal, with_name
from tests.reports.test_language import FILES
from tests.results import changed

ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
WIDE = "\u7334\u5b50", "c", "e\u0301", "\u30ab\u30bf\u30ab\u30ca"


def table(comparison: Comparison, stream: StringIO) -> str:
    load("table")(comparison, stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    "comparison",
    [
        *(pytest.param(comparison, id=name) for name, comparison in VARIANTS.items()),
        *(pytest.param(with_name(name), id=ascii(name)) for name in (*HOSTILE, *MARKUP, *WIDE)),
        pytest.param(changed(NAMED, class_names=WIDE), id="wide-classes"),
        pytest.param(changed(SOFTMAX, language=FILES), id="tokens"),
    ],
)
def test_a_wide_terminal_shows_the_plain_table_in_colour(
    comparison: Comparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "10000")
    coloured = table(comparison, Terminal())
    assert "\x1b[1m" in coloured
    lines = ESCAPES.sub("", coloured).splitlines()
    assert [line.rstrip() for line in lines] == table(comparison, StringIO()).splitlines()
