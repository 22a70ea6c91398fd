"""Markdown: golden text, and that names stay names once it is rendered."""

from __future__ import annotations

import re
from dataclasses import replace
from io import StringIO

import pytest
from markdown_it import MarkdownIt

from kldiv_cli.reports import load
from kldiv_cli.results.comparison import Comparison
from tests.command import Golden
from tests.reports import HOSTILE, MARKUP, NAMED, VARIANTS, with_name
from tests.results import changed

SYNTAX = (
    "a|b",
    "back\\slash",
    "*bold*",
    "__init__",
    "`code`",
    "<b>html</b>",
    "<!-- gone -->",
    "[link](http://x)",
    "![image](x)",
    "# heading",
    "a&amp;b",
    "&lt;tag&gt;",
    "~~struck~~",
    "\\|",
    "`|`",
)


def page(comparison: Comparison) -> str:
    stream = StringIO()
    load("markdown")(comparison, stream)
    return stream.getvalue()


def rendered(text: str) -> tuple[list[str], list[list[list[str]]]]:
    """Render as GitHub does; the items of the list, and the tables' rows of cells, as text."""
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    items: list[str] = []
    tables: list[list[list[str]]] = []
    for i, token in enumerate(tokens):
        if token.type == "table_open":
            tables.append([])
        elif token.type == "tr_open":
            tables[-1].append([])
        elif token.type == "inline":
            children = token.children or []
            kinds = {child.type for child in children}
            words = "".join(
                " " if child.type == "softbreak" else child.content
                for child in children
                if child.type.startswith(("text", "softbreak"))
            )
            if kinds - {"text", "text_special", "softbreak"}:
                words = f"{sorted(kinds)}"
            if tokens[i - 1].type in ("th_open", "td_open"):
                tables[-1][-1].append(words)
            else:
                items.append(words)
    return items, tables


@pytest.mark.parametrize("name", VARIANTS)
def test_variant(name: str, golden: Golden) -> None:
    golden(page(VARIANTS[name]), "md")


@pytest.mark.parametrize("name", VARIANTS)
def test_no_trailing_blanks(name: str) -> None:
    text = page(VARIANTS[name])
    assert [line for line in text.split("\n") if line != line.rstrip()] == []
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


@pytest.mark.parametrize("name", VARIANTS)
def test_tables_are_tables(name: str) -> None:
    comparison = VARIANTS[name]
    _, tables = rendered(page(comparison))
    assert len(tables) == 1 + bool(comparison.top) + (comparison.groups is not None)
    labels = ["over rows", "total", "mean", "median", "p90", "p95", "p99", "max"]
    if len(comparison.measures) > 1:
        labels[3:3], labels[9:9] = ["+- s.e."], ["in row"]
    assert [row[0] for row in tables[0]] == labels
    for table in tables:
        assert len({len(row) for row in table}) == 1
    if comparison.top:
        assert len(tables[-1]) == 1 + len(comparison.top)


def test_numbers_are_aligned_right() -> None:
    rules = [line for line in page(VARIANTS["sigmoid"]).splitlines() if re.match(r"\| :?--", line)]
    assert rules == ["| :-- | :-- |", "| --: | --: | :-- | :-- | --: |"]


@pytest.mark.parametrize("name", [*SYNTAX, *MARKUP], ids=ascii)
def test_names_render_as_they_are(name: str) -> None:
    items, tables = rendered(page(with_name(name)))
    assert items[0] == f"reference p: {name}  parquet float32 24 x 4"
    named = ", ".join([name] * 4)
    assert items[2] == f"columns: row id: column {name} 4 classes: {named}"
    assert tables[1][1:] == [
        ["0", "0.75", name, name, name],
        ["1", "0.333333", name, name, name],
    ]


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_control_characters_are_escaped(name: str) -> None:
    text = page(with_name(name))
    assert all(line.isprintable() for line in text.split("\n"))
    items, tables = rendered(text)
    escaped = ascii(name)[1:-1]
    assert items[0].startswith(f"reference p: {escaped}")
    assert [row[-1] for row in tables[1][1:]] == [escaped, escaped]
    text.encode()


def test_long_names_are_not_cut() -> None:
    name = "x" * 5000
    assert page(with_name(name)).count(name) == 9


def test_sides_that_were_read_differently_say_which() -> None:
    theirs = replace(NAMED.candidate, notes=("row id: column 'name' (--id)",))
    items, _ = rendered(page(changed(NAMED, candidate=theirs)))
    assert items[2] == (
        "columns: p: row id: column 'file', the only one that is not numeric "
        "q: row id: column 'name' (--id) 4 classes: python, c, rust, zig"
    )
