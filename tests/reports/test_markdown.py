"""Markdown: golden text, and that names stay names once it is rendered."""

from __future__ import annotations

import re
from dataclasses import replace
from io import StringIO

import pytest
from markdown_it import MarkdownIt

from kldiv_cli.reports import load
from kldiv_cli.results.comparison import Comparison
from tests.reports import HOSTILE, MARKUP, NAMED, VARIANTS, with_name
from tests.results import changed

GOLDEN = {
    "softmax": r"""
- reference p: fp32.npy  npy float32 24 x 4
- candidate q: int8.npy  npy float16 24 x 4
- jeffreys: J = KL(p\|\|q) + KL(q\|\|p) = sum (p - q) \* (s - t) / T (nats)
- softmax: p = softmax(s/T), q = softmax(t/T), 4 classes, T = 1
- rows: 24 counted, paired by position
  2 zero, 0 infinite, 0 skipped, 0 invalid
- same argmax: 95.8333 % of rows (23 of 24)

| over rows | jeffreys (nats) |
| :-- | :-- |
| total | 1.23457 |
| mean | 0.0514403 +- 0.0023 standard error |
| median | 0.000229519 |
| p90 | 0.1 |
| p95 | 0.2 |
| p99 | 0.333333 |
| max | 0.75 in row 0 |

3 most divergent of 24 rows, counted from 0

| row | jeffreys (nats) | argmax p | argmax q |
| --: | --: | :-- | :-- |
| 0 | 0.75 | 3 | 0 |
| 1 | 0.333333 | 2 | 2 |
| 2 | 0.1 | 2 | 2 |
""",
    "named": r"""
- reference p: fp32.parquet  parquet float32 24 x 4
- candidate q: int8.csv  csv float64 24 x 4
- columns: row id: column 'file', the only one that is not numeric
- jeffreys: J = KL(p\|\|q) + KL(q\|\|p) = sum (p - q) \* (s - t) / T (bits)
- softmax: p = softmax(s/T), q = softmax(t/T), 4 classes, T = 1
- rows: 24 counted, paired by id
  2 zero, 0 infinite, 0 skipped, 0 invalid
- same argmax: 95.8333 % of rows (23 of 24)

| over rows | jeffreys (bits) |
| :-- | :-- |
| total | 1.23457 |
| mean | 0.0514403 +- 0.0023 standard error |
| median | 0.000229519 |
| p90 | 0.1 |
| p95 | 0.2 |
| p99 | 0.333333 |
| max | 0.75 in row 0 |

2 most divergent of 24 rows, counted from 0

| row | jeffreys (bits) | argmax p | argmax q | id |
| --: | --: | :-- | :-- | :-- |
| 0 | 0.75 | zig | python | page-0.txt |
| 1 | 0.333333 | rust | rust | page-1.txt |
""",
    "sigmoid": r"""
- reference p: heads.npy  npy float32 2 x 3 x 8 x 8
- candidate q: heads-q.npy  npy float32 2 x 3 x 8 x 8
- jeffreys: J = sum over cells of (p - q) \* (s - t) / T (nats)
- sigmoid: p = sigma(s/T), q = sigma(t/T), 64 cells, T = 1
- rows: 6 counted, paired by position
  0 zero, 0 infinite, 0 skipped, 0 invalid
- same sign: 92.5926 % of cells (200 of 216)

| over rows | jeffreys (nats) |
| :-- | :-- |
| total | 1.23457 |
| mean | 0.0514403 +- 0.0023 standard error |
| median | 0.000229519 |
| p90 | 0.1 |
| p95 | 0.2 |
| p99 | 0.333333 |
| max | 12.5 in row 4 (1, 1) |

all 6 rows, counted from 0

| row | jeffreys (nats) | argmax p | argmax q | signs differ |
| --: | --: | :-- | :-- | --: |
| 0 (0, 0) | 0 | 0,0 | 7,7 | 6 of 36 |
| 1 (0, 1) | 1 | 1,1 | 7,7 | 7 of 36 |
| 2 (0, 2) | 2 | 2,2 | 7,7 | 8 of 36 |
| 3 (1, 0) | 3 | 3,3 | 7,7 | 9 of 36 |
| 4 (1, 1) | 12.5 | 4,4 | 7,7 | 10 of 36 |
| 5 (1, 2) | 1e-09 | 5,5 | 7,7 | 11 of 36 |
""",
    "limits": r"""
- reference p: fp32.npy  npy float32 24 x 4
- candidate q: int8.npy  npy float16 24 x 4
- jeffreys: J = KL(p\|\|q) + KL(q\|\|p) = sum (p - q) \* (s - t) / T (nats)
- softmax: p = softmax(s/T), q = softmax(t/T), 4 classes, T = 1
- rows: 24 counted, paired by position
  2 zero, 0 infinite, 0 skipped, 0 invalid
- same argmax: 95.8333 % of rows (23 of 24)
- limit: mean \<= 0.1 nats: holds: 0.05144032875514403
- limit: max \<= 0.5 nats: EXCEEDED: 0.75
- limit: p99.9 \<= 0.7 nats: holds: 0.7
- limit: sem \<= 1.0 nats: EXCEEDED: nan

| over rows | jeffreys (nats) |
| :-- | :-- |
| total | 1.23457 |
| mean | 0.0514403 +- 0.0023 standard error |
| median | 0.000229519 |
| p90 | 0.1 |
| p95 | 0.2 |
| p99 | 0.333333 |
| max | 0.75 in row 0 |

3 most divergent of 24 rows, counted from 0

| row | jeffreys (nats) | argmax p | argmax q |
| --: | --: | :-- | :-- |
| 0 | 0.75 | 3 | 0 |
| 1 | 0.333333 | 2 | 2 |
| 2 | 0.1 | 2 | 2 |
""",
    "omitted": r"""
- reference p: fp32.npy  npy float32 5 x 4
- candidate q: int8.npy  npy float32 5 x 4
- jeffreys: J = KL(p\|\|q) + KL(q\|\|p) = sum (p - q) \* (s - t) / T (nats)
- softmax: p = softmax(s/T), q = softmax(t/T), 4 classes, T = 1
- rows: 3 counted, paired by position
  1 zero, 1 infinite, 1 skipped, 1 invalid (left out)
- same argmax: 66.6667 % of rows (2 of 3)

| over rows | jeffreys (nats) |
| :-- | :-- |
| total | inf |
| mean | inf |
| median | 0.25 |
| p90 | inf |
| p95 | inf |
| p99 | inf |
| max | inf in row 3 |

all 5 rows, counted from 0

| row | jeffreys (nats) | argmax p | argmax q |
| --: | --: | :-- | :-- |
| 0 | 0.25 | 2 | 2 |
| 1 | skipped | - | - |
| 2 | invalid | - | - |
| 3 | inf | 3 | 0 |
| 4 | 0 | 2 | 2 |
""",
    "propagated": r"""
- reference p: fp32.npy  npy float32 5 x 4
- candidate q: int8.npy  npy float32 5 x 4
- jeffreys: J = KL(p\|\|q) + KL(q\|\|p) = sum (p - q) \* (s - t) / T (nats)
- softmax: p = softmax(s/T), q = softmax(t/T), 4 classes, T = 1
- rows: 4 counted, paired by position
  1 zero, 1 infinite, 1 skipped, 1 invalid (counted as nan)
- same argmax: 66.6667 % of rows (2 of 3)

| over rows | jeffreys (nats) |
| :-- | :-- |
| total | nan |
| mean | nan |
| median | nan |
| p90 | nan |
| p95 | nan |
| p99 | nan |
| max | nan in row 2 |

all 5 rows, counted from 0

| row | jeffreys (nats) | argmax p | argmax q |
| --: | --: | :-- | :-- |
| 0 | 0.25 | 2 | 2 |
| 1 | skipped | - | - |
| 2 | nan | - | - |
| 3 | inf | 3 | 0 |
| 4 | 0 | 2 | 2 |
""",
    "one-row": r"""
- reference p: one.npy  npy float32 4
- candidate q: other.npy  npy float32 4
- jeffreys: J = KL(p\|\|q) + KL(q\|\|p) = sum (p - q) \* (s - t) / T (nats)
- softmax: p = softmax(s/T), q = softmax(t/T), 4 classes, T = 1
- rows: 1 counted, paired by position
  0 zero, 0 infinite, 0 skipped, 0 invalid
- same argmax: 100 % of rows (1 of 1)

| over rows | jeffreys (nats) |
| :-- | :-- |
| total | 0.5 |
| mean | 0.5 |
| median | 0.5 |
| p90 | 0.5 |
| p95 | 0.5 |
| p99 | 0.5 |
| max | 0.5 in row 0 |

the only row

| row | jeffreys (nats) | argmax p | argmax q |
| --: | --: | :-- | :-- |
| 0 | 0.5 | 2 | 2 |
""",
    "temperature": r"""
- reference p: fp32.npy  npy float32 24 x 4
- candidate q: int8.npy  npy float16 24 x 4
- jeffreys: J = KL(p\|\|q) + KL(q\|\|p) = sum (p - q) \* (s - t) / T (nats)
- softmax: p = softmax(s/T), q = softmax(t/T), 4 classes, T = 2.5
- rows: 24 counted, paired by position
  2 zero, 0 infinite, 0 skipped, 0 invalid
- same argmax: 95.8333 % of rows (23 of 24)

| over rows | jeffreys (nats) |
| :-- | :-- |
| total | 1.23457 |
| mean | 0.0514403 +- 0.0023 standard error |
| median | 0.000229519 |
| p90 | 0.1 |
| p95 | 0.2 |
| p99 | 0.333333 |
| max | 0.75 in row 0 |

3 most divergent of 24 rows, counted from 0

| row | jeffreys (nats) | argmax p | argmax q |
| --: | --: | :-- | :-- |
| 0 | 0.75 | 3 | 0 |
| 1 | 0.333333 | 2 | 2 |
| 2 | 0.1 | 2 | 2 |
""",
    "top-0": r"""
- reference p: fp32.npy  npy float32 24 x 4
- candidate q: int8.npy  npy float16 24 x 4
- jeffreys: J = KL(p\|\|q) + KL(q\|\|p) = sum (p - q) \* (s - t) / T (nats)
- softmax: p = softmax(s/T), q = softmax(t/T), 4 classes, T = 1
- rows: 24 counted, paired by position
  2 zero, 0 infinite, 0 skipped, 0 invalid
- same argmax: 95.8333 % of rows (23 of 24)

| over rows | jeffreys (nats) |
| :-- | :-- |
| total | 1.23457 |
| mean | 0.0514403 +- 0.0023 standard error |
| median | 0.000229519 |
| p90 | 0.1 |
| p95 | 0.2 |
| p99 | 0.333333 |
| max | 0.75 in row 0 |
""",
    "measures": r"""
- reference p: fp32.npy  npy float32 24 x 4
- candidate q: int8.npy  npy float16 24 x 4
- kl: KL(p\|\|q) = sum p \* log(p/q) (bits)
- tv: TV = sum \|p - q\| / 2
- gjs:0.1: GJS = 0.1 KL(p\|\|M) + 0.9 KL(q\|\|M), M = 0.1 p + 0.9 q (bits)
- softmax: p = softmax(s/T), q = softmax(t/T), 4 classes, T = 1
- rows: 24 counted, paired by position
  2 zero, 0 infinite by kl, 0 skipped, 0 invalid
- same argmax: 95.8333 % of rows (23 of 24)
- limit: mean \<= 0.1 bits: holds: 0.05144032875514403
- limit: tv:max \<= 0.2: EXCEEDED: 0.25

| over rows | kl (bits) | tv | gjs:0.1 (bits) |
| :-- | :-- | :-- | :-- |
| total | 1.23457 | 0.5 | 1.23457 |
| mean | 0.0514403 | 0.0208333 | 0.0514403 |
| +- s.e. | 0.0023 | 0.001 | 0.0023 |
| median | 0.000229519 | 0.000229519 | 0.000229519 |
| p90 | 0.1 | 0.1 | 0.1 |
| p95 | 0.2 | 0.2 | 0.2 |
| p99 | 0.333333 | 0.333333 | 0.333333 |
| max | 0.75 | 0.25 | 0.125 |
| in row | 0 | 3 | 1 |

3 most divergent of 24 rows, counted from 0

| row | kl (bits) | argmax p | argmax q |
| --: | --: | :-- | :-- |
| 0 | 0.75 | 3 | 0 |
| 1 | 0.375 | 2 | 2 |
| 2 | 0.25 | 2 | 2 |
""",
    "probabilities": r"""
- reference p: p.npy  npy float32 24 x 4
- candidate q: q.npy  npy float32 24 x 4
- jeffreys: J = KL(p\|\|q) + KL(q\|\|p) = sum (p - q) \* (s - t) / T (nats)
- softmax: p = as given, q = softmax(t/T), 4 classes, T = 1
- input: p: probs, rows sum to 1 within 1.19e-07, divided by their sums
- input: q: log-probs, rows sum to 1 within 0, divided by their sums
- smooth: q is (1 - E)\*q + E/4, E = 0.001
- rows: 24 counted, paired by position
  2 zero, 0 infinite, 0 skipped, 0 invalid
- same argmax: 95.8333 % of rows (23 of 24)

| over rows | jeffreys (nats) |
| :-- | :-- |
| total | 1.23457 |
| mean | 0.0514403 +- 0.0023 standard error |
| median | 0.000229519 |
| p90 | 0.1 |
| p95 | 0.2 |
| p99 | 0.333333 |
| max | 0.75 in row 0 |

3 most divergent of 24 rows, counted from 0

| row | jeffreys (nats) | argmax p | argmax q |
| --: | --: | :-- | :-- |
| 0 | 0.75 | 3 | 0 |
| 1 | 0.333333 | 2 | 2 |
| 2 | 0.1 | 2 | 2 |
""",
    "grouped": r"""
- reference p: fp32.npy  npy float32 5 x 4
- candidate q: int8.npy  npy float32 5 x 4
- jeffreys: J = KL(p\|\|q) + KL(q\|\|p) = sum (p - q) \* (s - t) / T (nats)
- softmax: p = softmax(s/T), q = softmax(t/T), 4 classes, T = 1
- rows: 3 counted, paired by position
  1 zero, 1 infinite, 1 skipped, 1 invalid (left out)
- same argmax: 66.6667 % of rows (2 of 3)
- groups: 2 by column 'set' of fp32.npy
  1 row is in none of them

| over rows | jeffreys (nats) |
| :-- | :-- |
| total | inf |
| mean | inf |
| median | 0.25 |
| p90 | inf |
| p95 | inf |
| p99 | inf |
| max | inf in row 3 |

jeffreys (nats), 2 groups, largest mean first

| group | rows | skipped | invalid | mean | median | max | same argmax |
| :-- | --: | --: | --: | --: | --: | --: | --: |
| web | 2 | 0 | 0 | inf | 0.000229519 | inf | 50 % |
| a book | 1 | 0 | 1 | 0.0514403 | 0.000229519 | 0.75 | 100 % |
| (none) | 0 | 1 | 0 | - | - | - | - |

all 5 rows, counted from 0

| row | jeffreys (nats) | argmax p | argmax q |
| --: | --: | :-- | :-- |
| 0 | 0.25 | 2 | 2 |
| 1 | skipped | - | - |
| 2 | invalid | - | - |
| 3 | inf | 3 | 0 |
| 4 | 0 | 2 | 2 |
""",
    "many-groups": r"""
- reference p: fp32.npy  npy float32 24 x 4
- candidate q: int8.npy  npy float16 24 x 4
- kl: KL(p\|\|q) = sum p \* log(p/q) (bits)
- tv: TV = sum \|p - q\| / 2
- gjs:0.1: GJS = 0.1 KL(p\|\|M) + 0.9 KL(q\|\|M), M = 0.1 p + 0.9 q (bits)
- softmax: p = softmax(s/T), q = softmax(t/T), 4 classes, T = 1
- rows: 24 counted, paired by position
  2 zero, 0 infinite by kl, 0 skipped, 0 invalid
- same argmax: 95.8333 % of rows (23 of 24)
- groups: 24 by argmax p, the reference's top class
  3 shown; -o FILE.json or --format json has all
- limit: mean \<= 0.1 bits: holds: 0.05144032875514403
- limit: tv:max \<= 0.2: EXCEEDED: 0.25

| over rows | kl (bits) | tv | gjs:0.1 (bits) |
| :-- | :-- | :-- | :-- |
| total | 1.23457 | 0.5 | 1.23457 |
| mean | 0.0514403 | 0.0208333 | 0.0514403 |
| +- s.e. | 0.0023 | 0.001 | 0.0023 |
| median | 0.000229519 | 0.000229519 | 0.000229519 |
| p90 | 0.1 | 0.1 | 0.1 |
| p95 | 0.2 | 0.2 | 0.2 |
| p99 | 0.333333 | 0.333333 | 0.333333 |
| max | 0.75 | 0.25 | 0.125 |
| in row | 0 | 3 | 1 |

means, 3 of 24 groups, largest kl first

| group | rows | kl (bits) | tv | gjs:0.1 (bits) | same argmax |
| :-- | --: | --: | --: | --: | --: |
| 0 | 1 | 0.0514403 | 0.0514403 | 0.0514403 | 100 % |
| 1 | 1 | 0.0514403 | 0.0514403 | 0.0514403 | 100 % |
| 2 | 1 | 0.0514403 | 0.0514403 | 0.0514403 | 100 % |

3 most divergent of 24 rows, counted from 0

| row | kl (bits) | argmax p | argmax q |
| --: | --: | :-- | :-- |
| 0 | 0.75 | 3 | 0 |
| 1 | 0.375 | 2 | 2 |
| 2 | 0.25 | 2 | 2 |
""",
    "masked": r"""
- reference p: fp32.npy  npy float32 5 x 4
- candidate q: int8.npy  npy float32 5 x 4
- jeffreys: J = KL(p\|\|q) + KL(q\|\|p) = sum (p - q) \* (s - t) / T (nats)
- softmax: p = softmax(s/T), q = softmax(t/T), 4 classes, T = 1
- mask: mask.npy  npy bool 5 x 4, true drops
- masked: 1 row, and 3 of 12 cells in those counted
  p and q are distributions over the classes that are kept
- rows: 3 counted, paired by position
  1 zero, 1 infinite, 1 skipped, 0 invalid
- same argmax: 66.6667 % of rows (2 of 3)

| over rows | jeffreys (nats) |
| :-- | :-- |
| total | inf |
| mean | inf |
| median | 0.25 |
| p90 | inf |
| p95 | inf |
| p99 | inf |
| max | inf in row 3 |

all 5 rows, counted from 0

| row | jeffreys (nats) | argmax p | argmax q |
| --: | --: | :-- | :-- |
| 0 | 0.25 | 2 | 2 |
| 1 | skipped | - | - |
| 2 | masked | - | - |
| 3 | inf | 3 | 0 |
| 4 | 0 | 2 | 2 |
""",
    "masked-probabilities": r"""
- reference p: p.npy  npy float32 24 x 4
- candidate q: q.npy  npy float32 24 x 4
- jeffreys: J = KL(p\|\|q) + KL(q\|\|p) = sum (p - q) \* (s - t) / T (nats)
- softmax: p = as given, q = softmax(t/T), 4 classes, T = 1
- input: p: probs, rows sum to 1 within 1.19e-07
  divided by their sums within the kept classes
- input: q: log-probs, rows sum to 1 within 0
  divided by their sums within the kept classes
- smooth: q is (1 - E)\*q + E/(classes kept), E = 0.001
- mask: mask.npy  npy bool 4, true keeps
- masked: 0 rows, and 48 of 96 cells in those counted
  p and q are distributions over the classes that are kept
- rows: 24 counted, paired by position
  2 zero, 0 infinite, 0 skipped, 0 invalid
- same argmax: 95.8333 % of rows (23 of 24)

| over rows | jeffreys (nats) |
| :-- | :-- |
| total | 1.23457 |
| mean | 0.0514403 +- 0.0023 standard error |
| median | 0.000229519 |
| p90 | 0.1 |
| p95 | 0.2 |
| p99 | 0.333333 |
| max | 0.75 in row 0 |

3 most divergent of 24 rows, counted from 0

| row | jeffreys (nats) | argmax p | argmax q |
| --: | --: | :-- | :-- |
| 0 | 0.75 | 3 | 0 |
| 1 | 0.333333 | 2 | 2 |
| 2 | 0.1 | 2 | 2 |
""",
}

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
def test_golden(name: str) -> None:
    assert page(VARIANTS[name]) == GOLDEN[name].removeprefix("\n")


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
    assert items[2] == f"columns: row id: column {name}"
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
        "q: row id: column 'name' (--id)"
    )
