"""The table: golden text, and what it does on a terminal and with hostile names."""

from __future__ import annotations

import re
from io import StringIO

import pytest
from rich.cells import cell_len

from kldiv_cli.measures import MEASURES
from kldiv_cli.measures import load as load_measure
from kldiv_cli.measures.types import Mode
from kldiv_cli.reports import load
from kldiv_cli.results.comparison import Comparison, Limit
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

GOLDEN = {
    "softmax": """
reference p  fp32.npy  npy float32 24 x 4
candidate q  int8.npy  npy float16 24 x 4
jeffreys     J = KL(p||q) + KL(q||p) = sum (p - q) * (s - t) / T (nats)
softmax      p = softmax(s/T), q = softmax(t/T), 4 classes, T = 1
rows         24 counted, paired by position
             2 zero, 0 infinite, 0 skipped, 0 invalid
same argmax  95.8333 % of rows (23 of 24)

over rows  jeffreys (nats)
total      1.23457
mean       0.0514403 +- 0.0023 standard error
median     0.000229519
p90        0.1
p95        0.2
p99        0.333333
max        0.75 in row 0

3 most divergent of 24 rows, counted from 0
row  jeffreys (nats)  argmax p  argmax q
  0             0.75  3         0
  1         0.333333  2         2
  2              0.1  2         2
""",
    "named": """
reference p  fp32.parquet  parquet float32 24 x 4
candidate q  int8.csv  csv float64 24 x 4
columns      row id: column 'file', the only one that is not numeric
jeffreys     J = KL(p||q) + KL(q||p) = sum (p - q) * (s - t) / T (bits)
softmax      p = softmax(s/T), q = softmax(t/T), 4 classes, T = 1
rows         24 counted, paired by id
             2 zero, 0 infinite, 0 skipped, 0 invalid
same argmax  95.8333 % of rows (23 of 24)

over rows  jeffreys (bits)
total      1.23457
mean       0.0514403 +- 0.0023 standard error
median     0.000229519
p90        0.1
p95        0.2
p99        0.333333
max        0.75 in row 0

2 most divergent of 24 rows, counted from 0
row  jeffreys (bits)  argmax p  argmax q  id
  0             0.75  zig       python    page-0.txt
  1         0.333333  rust      rust      page-1.txt
""",
    "sigmoid": """
reference p  heads.npy  npy float32 2 x 3 x 8 x 8
candidate q  heads-q.npy  npy float32 2 x 3 x 8 x 8
jeffreys     J = sum over cells of (p - q) * (s - t) / T (nats)
sigmoid      p = sigma(s/T), q = sigma(t/T), 64 cells, T = 1
rows         6 counted, paired by position
             0 zero, 0 infinite, 0 skipped, 0 invalid
same sign    92.5926 % of cells (200 of 216)

over rows  jeffreys (nats)
total      1.23457
mean       0.0514403 +- 0.0023 standard error
median     0.000229519
p90        0.1
p95        0.2
p99        0.333333
max        12.5 in row 4 (1, 1)

all 6 rows, counted from 0
     row  jeffreys (nats)  argmax p  argmax q  signs differ
0 (0, 0)                0  0,0       7,7            6 of 36
1 (0, 1)                1  1,1       7,7            7 of 36
2 (0, 2)                2  2,2       7,7            8 of 36
3 (1, 0)                3  3,3       7,7            9 of 36
4 (1, 1)             12.5  4,4       7,7           10 of 36
5 (1, 2)            1e-09  5,5       7,7           11 of 36
""",
    "limits": """
reference p  fp32.npy  npy float32 24 x 4
candidate q  int8.npy  npy float16 24 x 4
jeffreys     J = KL(p||q) + KL(q||p) = sum (p - q) * (s - t) / T (nats)
softmax      p = softmax(s/T), q = softmax(t/T), 4 classes, T = 1
rows         24 counted, paired by position
             2 zero, 0 infinite, 0 skipped, 0 invalid
same argmax  95.8333 % of rows (23 of 24)
limit        mean <= 0.1 nats: holds: 0.05144032875514403
limit        max <= 0.5 nats: EXCEEDED: 0.75
limit        p99.9 <= 0.7 nats: holds: 0.7
limit        sem <= 1.0 nats: EXCEEDED: nan

over rows  jeffreys (nats)
total      1.23457
mean       0.0514403 +- 0.0023 standard error
median     0.000229519
p90        0.1
p95        0.2
p99        0.333333
max        0.75 in row 0

3 most divergent of 24 rows, counted from 0
row  jeffreys (nats)  argmax p  argmax q
  0             0.75  3         0
  1         0.333333  2         2
  2              0.1  2         2
""",
    "omitted": """
reference p  fp32.npy  npy float32 5 x 4
candidate q  int8.npy  npy float32 5 x 4
jeffreys     J = KL(p||q) + KL(q||p) = sum (p - q) * (s - t) / T (nats)
softmax      p = softmax(s/T), q = softmax(t/T), 4 classes, T = 1
rows         3 counted, paired by position
             1 zero, 1 infinite, 1 skipped, 1 invalid (left out)
same argmax  66.6667 % of rows (2 of 3)

over rows  jeffreys (nats)
total      inf
mean       inf
median     0.25
p90        inf
p95        inf
p99        inf
max        inf in row 3

all 5 rows, counted from 0
row  jeffreys (nats)  argmax p  argmax q
  0             0.25  2         2
  1          skipped  -         -
  2          invalid  -         -
  3              inf  3         0
  4                0  2         2
""",
    "propagated": """
reference p  fp32.npy  npy float32 5 x 4
candidate q  int8.npy  npy float32 5 x 4
jeffreys     J = KL(p||q) + KL(q||p) = sum (p - q) * (s - t) / T (nats)
softmax      p = softmax(s/T), q = softmax(t/T), 4 classes, T = 1
rows         4 counted, paired by position
             1 zero, 1 infinite, 1 skipped, 1 invalid (counted as nan)
same argmax  66.6667 % of rows (2 of 3)

over rows  jeffreys (nats)
total      nan
mean       nan
median     nan
p90        nan
p95        nan
p99        nan
max        nan in row 2

all 5 rows, counted from 0
row  jeffreys (nats)  argmax p  argmax q
  0             0.25  2         2
  1          skipped  -         -
  2              nan  -         -
  3              inf  3         0
  4                0  2         2
""",
    "one-row": """
reference p  one.npy  npy float32 4
candidate q  other.npy  npy float32 4
jeffreys     J = KL(p||q) + KL(q||p) = sum (p - q) * (s - t) / T (nats)
softmax      p = softmax(s/T), q = softmax(t/T), 4 classes, T = 1
rows         1 counted, paired by position
             0 zero, 0 infinite, 0 skipped, 0 invalid
same argmax  100 % of rows (1 of 1)

over rows  jeffreys (nats)
total      0.5
mean       0.5
median     0.5
p90        0.5
p95        0.5
p99        0.5
max        0.5 in row 0

the only row
row  jeffreys (nats)  argmax p  argmax q
  0              0.5  2         2
""",
    "temperature": """
reference p  fp32.npy  npy float32 24 x 4
candidate q  int8.npy  npy float16 24 x 4
jeffreys     J = KL(p||q) + KL(q||p) = sum (p - q) * (s - t) / T (nats)
softmax      p = softmax(s/T), q = softmax(t/T), 4 classes, T = 2.5
rows         24 counted, paired by position
             2 zero, 0 infinite, 0 skipped, 0 invalid
same argmax  95.8333 % of rows (23 of 24)

over rows  jeffreys (nats)
total      1.23457
mean       0.0514403 +- 0.0023 standard error
median     0.000229519
p90        0.1
p95        0.2
p99        0.333333
max        0.75 in row 0

3 most divergent of 24 rows, counted from 0
row  jeffreys (nats)  argmax p  argmax q
  0             0.75  3         0
  1         0.333333  2         2
  2              0.1  2         2
""",
    "top-0": """
reference p  fp32.npy  npy float32 24 x 4
candidate q  int8.npy  npy float16 24 x 4
jeffreys     J = KL(p||q) + KL(q||p) = sum (p - q) * (s - t) / T (nats)
softmax      p = softmax(s/T), q = softmax(t/T), 4 classes, T = 1
rows         24 counted, paired by position
             2 zero, 0 infinite, 0 skipped, 0 invalid
same argmax  95.8333 % of rows (23 of 24)

over rows  jeffreys (nats)
total      1.23457
mean       0.0514403 +- 0.0023 standard error
median     0.000229519
p90        0.1
p95        0.2
p99        0.333333
max        0.75 in row 0
""",
    "measures": """
reference p  fp32.npy  npy float32 24 x 4
candidate q  int8.npy  npy float16 24 x 4
kl           KL(p||q) = sum p * log(p/q) (bits)
tv           TV = sum |p - q| / 2
gjs:0.1      GJS = 0.1 KL(p||M) + 0.9 KL(q||M), M = 0.1 p + 0.9 q (bits)
softmax      p = softmax(s/T), q = softmax(t/T), 4 classes, T = 1
rows         24 counted, paired by position
             2 zero, 0 infinite by kl, 0 skipped, 0 invalid
same argmax  95.8333 % of rows (23 of 24)
limit        mean <= 0.1 bits: holds: 0.05144032875514403
limit        tv:max <= 0.2: EXCEEDED: 0.25

over rows  kl (bits)    tv           gjs:0.1 (bits)
total      1.23457      0.5          1.23457
mean       0.0514403    0.0208333    0.0514403
+- s.e.    0.0023       0.001        0.0023
median     0.000229519  0.000229519  0.000229519
p90        0.1          0.1          0.1
p95        0.2          0.2          0.2
p99        0.333333     0.333333     0.333333
max        0.75         0.25         0.125
in row     0            3            1

3 most divergent of 24 rows, counted from 0
row  kl (bits)  argmax p  argmax q
  0       0.75  3         0
  1      0.375  2         2
  2       0.25  2         2
""",
    "probabilities": """
reference p  p.npy  npy float32 24 x 4
candidate q  q.npy  npy float32 24 x 4
jeffreys     J = KL(p||q) + KL(q||p) = sum (p - q) * (s - t) / T (nats)
softmax      p = as given, q = softmax(t/T), 4 classes, T = 1
input        p: probs, rows sum to 1 within 1.19e-07, divided by their sums
input        q: log-probs, rows sum to 1 within 0, divided by their sums
smooth       q is (1 - E)*q + E/4, E = 0.001
rows         24 counted, paired by position
             2 zero, 0 infinite, 0 skipped, 0 invalid
same argmax  95.8333 % of rows (23 of 24)

over rows  jeffreys (nats)
total      1.23457
mean       0.0514403 +- 0.0023 standard error
median     0.000229519
p90        0.1
p95        0.2
p99        0.333333
max        0.75 in row 0

3 most divergent of 24 rows, counted from 0
row  jeffreys (nats)  argmax p  argmax q
  0             0.75  3         0
  1         0.333333  2         2
  2              0.1  2         2
""",
    "grouped": """
reference p  fp32.npy  npy float32 5 x 4
candidate q  int8.npy  npy float32 5 x 4
jeffreys     J = KL(p||q) + KL(q||p) = sum (p - q) * (s - t) / T (nats)
softmax      p = softmax(s/T), q = softmax(t/T), 4 classes, T = 1
rows         3 counted, paired by position
             1 zero, 1 infinite, 1 skipped, 1 invalid (left out)
same argmax  66.6667 % of rows (2 of 3)
groups       2 by column 'set' of fp32.npy
             1 row is in none of them

over rows  jeffreys (nats)
total      inf
mean       inf
median     0.25
p90        inf
p95        inf
p99        inf
max        inf in row 3

jeffreys (nats), 2 groups, largest mean first
group   rows  skipped  invalid       mean       median   max  same argmax
web        2        0        0        inf  0.000229519   inf         50 %
a book     1        0        1  0.0514403  0.000229519  0.75        100 %
(none)     0        1        0          -            -     -            -

all 5 rows, counted from 0
row  jeffreys (nats)  argmax p  argmax q
  0             0.25  2         2
  1          skipped  -         -
  2          invalid  -         -
  3              inf  3         0
  4                0  2         2
""",
    "many-groups": """
reference p  fp32.npy  npy float32 24 x 4
candidate q  int8.npy  npy float16 24 x 4
kl           KL(p||q) = sum p * log(p/q) (bits)
tv           TV = sum |p - q| / 2
gjs:0.1      GJS = 0.1 KL(p||M) + 0.9 KL(q||M), M = 0.1 p + 0.9 q (bits)
softmax      p = softmax(s/T), q = softmax(t/T), 4 classes, T = 1
rows         24 counted, paired by position
             2 zero, 0 infinite by kl, 0 skipped, 0 invalid
same argmax  95.8333 % of rows (23 of 24)
groups       24 by argmax p, the reference's top class
             3 shown; -o FILE.json or --format json has all
limit        mean <= 0.1 bits: holds: 0.05144032875514403
limit        tv:max <= 0.2: EXCEEDED: 0.25

over rows  kl (bits)    tv           gjs:0.1 (bits)
total      1.23457      0.5          1.23457
mean       0.0514403    0.0208333    0.0514403
+- s.e.    0.0023       0.001        0.0023
median     0.000229519  0.000229519  0.000229519
p90        0.1          0.1          0.1
p95        0.2          0.2          0.2
p99        0.333333     0.333333     0.333333
max        0.75         0.25         0.125
in row     0            3            1

means, 3 of 24 groups, largest kl first
group  rows  kl (bits)         tv  gjs:0.1 (bits)  same argmax
0         1  0.0514403  0.0514403       0.0514403        100 %
1         1  0.0514403  0.0514403       0.0514403        100 %
2         1  0.0514403  0.0514403       0.0514403        100 %

3 most divergent of 24 rows, counted from 0
row  kl (bits)  argmax p  argmax q
  0       0.75  3         0
  1      0.375  2         2
  2       0.25  2         2
""",
    "masked": """
reference p  fp32.npy  npy float32 5 x 4
candidate q  int8.npy  npy float32 5 x 4
jeffreys     J = KL(p||q) + KL(q||p) = sum (p - q) * (s - t) / T (nats)
softmax      p = softmax(s/T), q = softmax(t/T), 4 classes, T = 1
mask         mask.npy  npy bool 5 x 4, true drops
masked       1 row, and 3 of 12 cells in those counted
             p and q are distributions over the classes that are kept
rows         3 counted, paired by position
             1 zero, 1 infinite, 1 skipped, 0 invalid
same argmax  66.6667 % of rows (2 of 3)

over rows  jeffreys (nats)
total      inf
mean       inf
median     0.25
p90        inf
p95        inf
p99        inf
max        inf in row 3

all 5 rows, counted from 0
row  jeffreys (nats)  argmax p  argmax q
  0             0.25  2         2
  1          skipped  -         -
  2           masked  -         -
  3              inf  3         0
  4                0  2         2
""",
    "masked-probabilities": """
reference p  p.npy  npy float32 24 x 4
candidate q  q.npy  npy float32 24 x 4
jeffreys     J = KL(p||q) + KL(q||p) = sum (p - q) * (s - t) / T (nats)
softmax      p = as given, q = softmax(t/T), 4 classes, T = 1
input        p: probs, rows sum to 1 within 1.19e-07
             divided by their sums within the kept classes
input        q: log-probs, rows sum to 1 within 0
             divided by their sums within the kept classes
smooth       q is (1 - E)*q + E/(classes kept), E = 0.001
mask         mask.npy  npy bool 4, true keeps
masked       0 rows, and 48 of 96 cells in those counted
             p and q are distributions over the classes that are kept
rows         24 counted, paired by position
             2 zero, 0 infinite, 0 skipped, 0 invalid
same argmax  95.8333 % of rows (23 of 24)

over rows  jeffreys (nats)
total      1.23457
mean       0.0514403 +- 0.0023 standard error
median     0.000229519
p90        0.1
p95        0.2
p99        0.333333
max        0.75 in row 0

3 most divergent of 24 rows, counted from 0
row  jeffreys (nats)  argmax p  argmax q
  0             0.75  3         0
  1         0.333333  2         2
  2              0.1  2         2
""",
}

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
def test_golden(name: str) -> None:
    assert table(VARIANTS[name]) == GOLDEN[name].removeprefix("\n")


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
        assert text.count(ascii(name)[1:-1]) == 9
        text.encode()

    @pytest.mark.parametrize("name", MARKUP, ids=ascii)
    def test_markup_is_literal(self, name: str) -> None:
        assert table(with_name(name)).count(name) == 9

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
            Limit("same-argmax", None, 23 / 24, None, 0.99),
            Limit("min", None, 0.0, "nats", 0.0),
        )
        text = on_terminal(changed(SOFTMAX, limits=limits))
        red = [ESCAPES.sub("", line) for line in text.splitlines() if "\x1b[1;31m" in line]
        assert [line.rstrip() for line in red] == [
            f"limit        same-argmax >= 0.99: NOT REACHED: {23 / 24!r}"
        ]
        assert "limit        min >= 0.0 nats: holds: 0.0" in ESCAPES.sub("", text)

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
    comparison = changed(SOFTMAX, limits=(Limit("mean", above, value, "nats"),))
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
