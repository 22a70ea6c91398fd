"""Text of the user's files in cells: harmless on a terminal and, if asked for, in a spreadsheet."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from kldiv_cli.errors import printable
from kldiv_cli.reports import REPORTS, files, load
from kldiv_cli.results.comparison import Comparison
from kldiv_cli.results.groups import Groups
from kldiv_cli.results.members import Members
from tests.command import Kldiv
from tests.reports import GROUPED, HOSTILE, Terminal, put, with_name
from tests.results import changed

PRINTED = [name for name, report in REPORTS.rows().items() if report.printed]
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
DELIMITERS = {"csv": ",", "tsv": "\t"}
MORE_HOSTILE = "del\x7f", "isolate\u2066", "next line\x85", "\x1b]0;title\x07", "nul\0"


def everywhere(name: str) -> Comparison:
    """A comparison in whose records and summary a text stands wherever one of files can."""
    groups = GROUPED.groups
    assert isinstance(groups, Groups)
    codes = np.zeros(24, np.intp)
    each = tuple(replace(group, name=name) for group in groups.each)
    return changed(
        with_name(name),
        groups=replace(groups, each=each, codes=codes),
        members=Members("file", (name, name), (0, 20)),
    )


def lines(
    comparison: Comparison, report: str, stream: StringIO, *, csv_safe: bool = False
) -> list[list[str]]:
    load(report, csv_safe=csv_safe)(comparison, stream)
    stream.seek(0)
    return list(csv.reader(stream, delimiter=DELIMITERS[report]))


@pytest.mark.parametrize("report", PRINTED)
@pytest.mark.parametrize("name", [*HOSTILE, *MORE_HOSTILE], ids=ascii)
def test_no_text_moves_the_cursor_of_a_terminal(
    report: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = Terminal()
    load(report)(everywhere(name), stream)
    written = COLOURS.sub("", stream.getvalue())
    assert [c for c in written if not c.isprintable() and c not in "\n\t"] == []
    if report.endswith("json"):
        assert json.loads(written)["reference"]["path"] == name


@pytest.mark.parametrize("report", DELIMITERS)
@pytest.mark.parametrize("name", [*HOSTILE, *MORE_HOSTILE], ids=ascii)
def test_cells_are_escaped_on_a_terminal_and_raw_elsewhere(report: str, name: str) -> None:
    for stream, expected in ((Terminal(newline=""), printable(name)), (StringIO(newline=""), name)):
        header, *rows = lines(everywhere(name), report, stream)
        assert header == ["row", "file", "row_in_file", "id", "group", "jeffreys"]
        assert len(rows) == 24
        for row in rows:
            assert (row[1], row[3], row[4]) == (expected, expected, expected)
        assert float(rows[0][5]) == 0.75


@pytest.mark.parametrize("report", DELIMITERS)
@pytest.mark.parametrize("stream", [StringIO, Terminal])
@pytest.mark.parametrize(
    "text",
    [
        *("=1+1", "+1+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\0=1"),
        *("\uff1d1+1", "\uff0b1", "\uff0d1", "\uff201", "-", "+", "--1", "-1.5e", "-0x10", "+1 2"),
        *("-\u0661", "-1.", "-.5", "-1\n", "-inf", "-nan"),
    ],
    ids=ascii,
)
def test_csv_safe_guards_what_may_be_a_formula(
    report: str, text: str, stream: type[StringIO]
) -> None:
    _, *rows = lines(everywhere(text), report, stream(newline=""), csv_safe=True)
    guarded = f"'{text}" if stream is StringIO else printable(f"'{text}")
    assert {(row[1], row[3], row[4]) for row in rows} == {(guarded, guarded, guarded)}


@pytest.mark.parametrize("report", DELIMITERS)
@pytest.mark.parametrize(
    "text", ["plain", "a=b", "1", "-1.5", "+1", "-2e-7", "+0.5E+3", "", " =1", "'=1", "\u7334", '"']
)
def test_csv_safe_leaves_other_text_as_it_is(report: str, text: str) -> None:
    comparison = everywhere(text)
    safe, plain = StringIO(), StringIO()
    load(report, csv_safe=True)(comparison, safe)
    load(report)(comparison, plain)
    assert safe.getvalue() == plain.getvalue()


def test_csv_safe_leaves_numbers_as_they_are() -> None:
    comparison = changed(
        everywhere("x"), ids=-np.arange(24), values={"jeffreys": -np.linspace(0, 1, 24)}
    )
    _, *rows = lines(comparison, "csv", StringIO(), csv_safe=True)
    assert [int(row[3]) for row in rows] == [-i for i in range(24)]
    assert float(rows[23][5]) == -1.0


def test_csv_safe_is_about_csv_and_tsv_alone(tmp_path: Path) -> None:
    paths = {suffix: tmp_path / f"x.{suffix}" for suffix in ("csv", "tsv", "jsonl", "parquet")}
    with files.staged(everywhere("=1"), [*map(str, paths.values())], csv_safe=True):
        pass
    assert ",'=1," in paths["csv"].read_text()
    assert "\t'=1\t" in paths["tsv"].read_text()
    assert '"id": "=1"' in paths["jsonl"].read_text()
    assert pq.read_table(paths["parquet"])["id"].to_pylist() == ["=1"] * 24


def test_csv_safe_on_the_command_line(kldiv: Kldiv, tmp_path: Path) -> None:
    table, output = tmp_path / "x.csv", tmp_path / "out.csv"
    table.write_text("id,a,b\n=1+1,0.5,1\n-7,1,2\n@x,3,1\n")
    done = kldiv("compare", table, table, "--no-warn", "--format", "csv", "--csv-safe")
    assert (done.code, done.err) == (0, "")
    assert done.out == "row,id,jeffreys\n0,'=1+1,0.0\n1,-7,0.0\n2,'@x,0.0\n"
    assert kldiv("compare", table, table, "--stat", "mean", "--csv-safe", "-o", output).code == 0
    assert output.read_text() == done.out
    plain = kldiv("compare", table, table, "--no-warn", "--format", "csv")
    assert plain.out == done.out.replace("'", "")


@pytest.mark.parametrize("extra", [(), ("--format", "json"), ("--stat", "mean", "-o", "x.npy")])
def test_csv_safe_without_cells_is_refused(extra: tuple[str, ...], kldiv: Kldiv) -> None:
    done = kldiv("compare", "a.npy", "b.npy", "--csv-safe", *extra)
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "kldiv: error: --csv-safe guards the cells of csv and tsv, and neither is written\n"
        "Write one with -o FILE.csv or --format csv, or leave it out.\n"
    )


def test_names_that_are_no_unicode_are_written_escaped(tmp_path: Path) -> None:
    """Those of files, whose bytes may be any."""
    name = "x\udcff.npy"
    paths = {suffix: tmp_path / f"x.{suffix}" for suffix in ("csv", "tsv", "jsonl", "parquet")}
    put(everywhere(name), [*map(str, paths.values())])
    for suffix, delimiter in DELIMITERS.items():
        with paths[suffix].open(encoding="utf-8", newline="") as stream:
            row = list(csv.reader(stream, delimiter=delimiter))[1]
        assert (row[1], row[3], row[4]) == ("x\\udcff.npy",) * 3
    first = json.loads(paths["jsonl"].read_text().splitlines()[0])
    assert (first["file"], first["id"], first["group"]) == (name,) * 3
    table = pq.read_table(paths["parquet"])
    for column in ("file", "id", "group"):
        assert table[column].to_pylist() == ["x\\udcff.npy"] * 24
