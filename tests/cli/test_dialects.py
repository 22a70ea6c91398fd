"""Text as R, Excel and NumPy write it: what is read as it is, and what is told of the rest."""

from __future__ import annotations

import gzip
import re
import shlex
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kldiv_cli import compare
from kldiv_cli.errors import InputError
from kldiv_cli.sources.base import Layout, Source
from kldiv_cli.sources.formats.opening import open_source
from kldiv_cli.tasks.inspect import inspect
from kldiv_cli.tasks.verify import verify
from tests.command import Kldiv

CASES = Path(__file__).parents[1] / "cases"
MEAN = 0.012766845035995957
"""Of right_p.npy and right_q.npy, in nats of J."""
P, Q = (np.load(CASES / f"right_{side}.npy").astype(np.float64) for side in "pq")
NAMES = ["cat", "dog", "cow", "pig", "hen", "owl", "fox", "bee", "ant", "elk", "emu"]


COMMAS = "between them and decimal commas"


def sides(name: str) -> tuple[Path, Path]:
    return CASES / f"{name}_p.csv", CASES / f"{name}_q.csv"


def save(path: Path, values: Any, delimiter: str = ",", decimal: str = ".") -> Path:
    """Write a table with a header."""
    lines = [[repr(x).replace(".", decimal) for x in row] for row in values.tolist()]
    path.write_text("\n".join(map(delimiter.join, [NAMES, *lines])) + "\n")
    return path


def opened(path: Path, **layout: Any) -> Source:
    return open_source(path, Layout(**layout))


def count(path: Path, **layout: Any) -> int:
    return sum(map(len, opened(path, **layout).blocks(1000)))


def mean(*given: Path, **options: Any) -> float:
    return float(compare(*given, **options).measures["jeffreys"]["mean"])


def refused(kldiv: Kldiv, *words: object) -> tuple[str, str]:
    """Return what is wrong with a file, without its name, and what to do."""
    code, out, err = kldiv(*words)
    assert (code, out) == (2, "")
    what, advice = err.splitlines()
    return what.removeprefix(f"kldiv: error: {words[1]}: "), advice


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("hash", {}),
        ("trail", {}),
        ("semi", {"delimiter": ";", "decimal": ","}),
        ("sv", {"delimiter": " ", "header": False}),
        ("R", {}),
        ("R2", {"delimiter": ";", "decimal": ","}),
    ],
)
def test_it_is_read(name: str, options: dict[str, Any]) -> None:
    tolerance = 1e-7 if name == "semi" else 1e-15
    assert mean(*sides(name), **options) == pytest.approx(MEAN, abs=tolerance)
    assert verify(*sides(name), **options).rows == 6
    assert inspect(sides(name)[0], **options).rows.valid == 6
    assert compare(*sides(name), **options).class_names == (None if name == "sv" else tuple(NAMES))


@pytest.mark.parametrize(
    ("name", "what", "advice"),
    [
        ("semi", f"';' {COMMAS} (line 2: '0,8183063')", "--delimiter ';' --decimal ,"),
        ("R2", f"';' {COMMAS} (line 2: '0,8183063268661499')", "--delimiter ';' --decimal ,"),
        (
            "sv",
            "spaces between them (line 1: '8.183063268661499023e-01')",
            "--delimiter ' ' --no-header",
        ),
    ],
)
def test_the_options_that_read_it_are_named_and_do(
    kldiv: Kldiv, name: str, what: str, advice: str
) -> None:
    assert refused(kldiv, "compare", *sides(name)) == (
        f"expected cells between ',', found {what}",
        f"Say {advice} to read it so.",
    )
    words = shlex.split(advice)
    code, out, err = kldiv("compare", *sides(name), *words, "--stat", "mean")
    assert (code, err) == (0, "")
    assert float(out) == pytest.approx(MEAN, abs=1e-7)


@pytest.mark.parametrize(
    ("suffix", "delimiter", "header", "options"),
    [
        ("txt", " ", False, " --delimiter ' ' --no-header"),
        ("dat", ";", True, " --delimiter ';'"),
        ("", ",", True, ""),
        ("txt", ",", False, " --no-header"),
    ],
)
def test_a_table_under_another_name_is_told_how_to_be_read(
    kldiv: Kldiv, tmp_path: Path, suffix: str, delimiter: str, header: bool, options: str
) -> None:
    paths = []
    for side, values in (("p", P), ("q", Q)):
        path = save(tmp_path / f"{side}.{suffix}".removesuffix("."), values, delimiter)
        if not header:
            path.write_text(path.read_text().partition("\n")[2])
        paths.append(path)
    said = f"--reference-format csv{options}"
    what, advice = refused(kldiv, "compare", *paths)
    assert ", found text with " in what
    assert advice.startswith("Say what it is with --reference-format: ")
    assert advice.endswith(f" As a table {said} reads it.")
    words = [*shlex.split(said), "--candidate-format", "csv"]
    code, out, _ = kldiv("compare", *paths, *words, "--stat", "mean")
    assert code == 0
    assert float(out) == pytest.approx(MEAN, rel=1e-14)


def test_half_of_the_options_asks_for_the_other_half(kldiv: Kldiv) -> None:
    assert refused(kldiv, "compare", *sides("semi"), "--delimiter", ";") == (
        "line 2, column 'cat': expected a number, found '-2,4057944'",
        "Say --decimal , to read it so.",
    )
    assert refused(kldiv, "compare", *sides("semi"), "--decimal", ",")[1] == (
        "Say --delimiter ';' --decimal , to read it so."
    )


def test_thousands_are_told_by_their_first_cell(kldiv: Kldiv) -> None:
    what, advice = refused(kldiv, "compare", *sides("thou"))
    assert what == "line 2, column 'cat': expected a number, found '-2,405.8'"
    assert advice.startswith(
        "Write the file without separators of thousands: "
        "python -c \"import pandas, sys; pandas.read_csv(sys.argv[1], thousands=',')"
        '.to_csv(sys.argv[2], index=False)" '
    )
    assert advice.endswith(f"{CASES}/thou_p.csv {CASES}/thou_p-plain.csv")


def test_what_may_be_either_is_asked(kldiv: Kldiv, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a;b\n1,234;2,345\n3,456;7,125\n")
    what, advice = refused(kldiv, "compare", path, path, "--delimiter", ";")
    assert what == (
        "line 2, column 'a': expected a number, found '1,234', whose ',' stands before a fraction "
        "or between thousands"
    )
    assert advice.startswith(
        "Say --decimal , if it stands before fractions; if between thousands, write the file "
        "without separators of thousands: python -c "
    )
    assert mean(path, path, delimiter=";", decimal=",") == 0


def test_points_between_thousands_are_told_too(kldiv: Kldiv, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a;b\n1.234,5;2.345,5\n3.000,5;7.125,25\n")
    what, advice = refused(kldiv, "compare", path, path, "--delimiter", ";", "--decimal", ",")
    assert what == "line 2, column 'a': expected a number, found '1.234,5'"
    assert "thousands='.', decimal=',', sep=';'" in advice


def test_the_options_hold_for_the_side_that_they_fit(kldiv: Kldiv, tmp_path: Path) -> None:
    p, q = sides("semi")
    options: dict[str, Any] = {"delimiter": ";", "decimal": ","}
    for other in (
        save(tmp_path / "commas.csv", Q),
        save(tmp_path / "points.csv", Q, ";"),
        save(tmp_path / "tabs.tsv", Q, "\t"),
    ):
        assert mean(p, other, **options) == pytest.approx(MEAN, abs=1e-7)
        code, out, _ = kldiv("compare", p, other, "--delimiter", ";", "--decimal", ",")
        assert code == 0
        assert "decimal mark '.'" in " ".join(out.split())
    np.save(tmp_path / "q.npy", Q)
    assert mean(p, tmp_path / "q.npy", **options) == pytest.approx(MEAN, abs=1e-7)
    with pytest.raises(InputError) as caught:
        inspect(tmp_path / "commas.csv", **options)
    assert caught.value.advice == "Leave --delimiter and --decimal out."
    assert inspect(q, **options).rows.valid == 6


@pytest.mark.parametrize("mark", ["", ";"])
def test_decimals_may_be_quoted_between_commas(tmp_path: Path, mark: str) -> None:
    delimiter = mark or ","
    path = tmp_path / "x.csv"
    path.write_text(f'"a"{delimiter}"b"\n"1,5"{delimiter}"-2,25e1"\n"nan"{delimiter}"-inf"\n')
    with pytest.raises(InputError):
        compare(path, path)
    options: dict[str, Any] = {"decimal": ","} | ({"delimiter": mark} if mark else {})
    found = compare(path, path, limit=1, **options)
    assert found.rows == 1


def test_a_single_column_of_text_may_hold_ids(kldiv: Kldiv, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text('no 1,a,b\n"1,5",2.5,1\n"2,5",3.5,1\n')
    what, advice = refused(kldiv, "compare", path, path)
    assert what == "line 2, column 'no 1': expected a number, found '1,5'"
    assert advice == "Say --decimal , to read it so. If it holds row ids: --id 'no 1'."
    found = compare(path, path, id_column="no 1")
    assert found.ids is not None
    assert found.ids.tolist() == ["1,5", "2,5"]
    path.write_text('no,a,b\n"1,500",2.5,1\n"2,500",3.5,1\n')
    assert opened(path).id_name == "no"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_it_may_be_piped(kldiv: Kldiv, monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    text = sides("R2")[0].read_text().encode(encoding)
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(text)))
    words = ("--delimiter", ";", "--decimal", ",")
    code, out, _ = kldiv("compare", "-", sides("R2")[1], *words, "--stat", "mean")
    assert code == 0
    assert float(out) == pytest.approx(MEAN, rel=1e-14)


def test_they_may_be_shards(tmp_path: Path) -> None:
    for side, values in (("p", P), ("q", Q)):
        (tmp_path / side).mkdir()
        for i in range(2):
            save(tmp_path / side / f"{i}.csv", values[3 * i : 3 * i + 3], ";", ",")
    found = mean(tmp_path / "p", tmp_path / "q", delimiter=";", decimal=",")
    assert found == pytest.approx(MEAN, rel=1e-14)


class TestByItself:
    """What a file says of itself needs no option."""

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
    def test_its_encoding(self, kldiv: Kldiv, tmp_path: Path, encoding: str) -> None:
        names = []
        for side, values in (("p", P), ("q", Q)):
            text = save(tmp_path / f"{side}.csv", values).read_text().replace("cat", "cät")
            (tmp_path / f"{side}.csv").write_text(text.replace("\n", "\r\n"), encoding=encoding)
            packed = gzip.compress((tmp_path / f"{side}.csv").read_bytes())
            (tmp_path / f"{side}.csv.gz").write_bytes(packed)
            names.append(tmp_path / f"{side}.csv")
        assert mean(*names) == pytest.approx(MEAN, rel=1e-14)
        assert mean(names[0], tmp_path / "q.csv.gz") == pytest.approx(MEAN, rel=1e-14)
        found = compare(*names)
        assert found.class_names is not None
        assert found.class_names[0] == "cät"
        _, out, _ = kldiv("compare", *names)
        assert (f"text in {encoding.upper()}" in out) == (encoding != "utf-8-sig")

    @pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;"])
    @pytest.mark.parametrize("newline", ["\n", "\r\n"])
    def test_its_delimiter(self, tmp_path: Path, first: str, newline: str) -> None:
        text = f"{first}\na;b;c\n1,5;2;3\n4;5;6,25\n".replace("\n", newline)
        (tmp_path / "x.csv").write_bytes(text.encode())
        for options in ({"decimal": ","}, {"decimal": ",", "delimiter": ";"}):
            assert opened(tmp_path / "x.csv", **options).class_names == ("a", "b", "c")
            assert count(tmp_path / "x.csv", **options) == 2

    @pytest.mark.parametrize(
        ("above", "said"),
        [
            ("# by hand\n", "line 1, a comment, left out"),
            ("# model=a, date=2026\n", "line 1, a comment, left out"),
            ("#\n# a, b, c\n\n", "lines 1 to 3, comments, left out"),
        ],
    )
    def test_its_comments(self, kldiv: Kldiv, tmp_path: Path, above: str, said: str) -> None:
        p, q = save(tmp_path / "p.csv", P), save(tmp_path / "q.csv", Q)
        for path in (p, q):
            path.write_text(above + path.read_text())
        assert mean(p, q) == pytest.approx(MEAN, rel=1e-14)
        _, out, _ = kldiv("compare", p, q)
        assert said in " ".join(out.split())

    def test_a_line_is_counted_from_the_first_one(self, kldiv: Kldiv, tmp_path: Path) -> None:
        path = tmp_path / "x.csv"
        path.write_text("# one\n# two, three, four\na,b\n1,2\n3,x\n5,6\n")
        assert refused(kldiv, "compare", path, path)[0] == (
            "line 5, column 'b': expected a number, found 'x'"
        )
        path.write_text("# one\na,b\n1.5,2\n0.5,nan\n2.5,6\n")
        assert refused(kldiv, "compare", path, path)[0].startswith("row 1, line 4, class 'b'")
        path.write_bytes("sep=;\r\na;b\r\n1;2\r\n3\r\n".encode("utf-16"))
        assert refused(kldiv, "compare", path, path)[0] == "line 4: expected 2 cells, found 1"

    @pytest.mark.parametrize("header", ["# cat,dog\n", "cat,dog\n", "# 2026\ncat,dog\n"])
    def test_the_header_that_numpy_writes(self, tmp_path: Path, header: str) -> None:
        (tmp_path / "x.csv").write_text(header + "1.5,2\n3,4\n")
        assert opened(tmp_path / "x.csv").class_names == ("cat", "dog")
        assert count(tmp_path / "x.csv") == 2

    def test_names_that_begin_with_a_mark_are_names(self, tmp_path: Path) -> None:
        for header, names in (
            ("#a,b\n", ("#a", "b")),
            ("#1,#2\n", ("#1", "#2")),
            ("# 1,# 2\n", ("# 1", "# 2")),
        ):
            (tmp_path / "x.csv").write_text(header + "1.5,2\n3,4\n")
            assert opened(tmp_path / "x.csv").class_names == names
            assert count(tmp_path / "x.csv") == 2

    def test_ids_that_begin_with_a_mark_are_ids(self, tmp_path: Path) -> None:
        (tmp_path / "x.csv").write_text("id,a,b\n#1,1.5,2\n#2,3,4\n")
        assert count(tmp_path / "x.csv") == 2
        (tmp_path / "x.csv").write_text("#1,1.5,2\n#2,3,4\nz,3,4\n")
        assert count(tmp_path / "x.csv", header=False) == 3

    @pytest.mark.parametrize("header", ["a,b,c", "a,b,c,", "a,b,c,,"])
    def test_nothing_behind_the_last_delimiter_is_no_column(
        self, kldiv: Kldiv, tmp_path: Path, header: str
    ) -> None:
        end = "," * max(1, header.count(",") - 2)
        path = tmp_path / "x.csv"
        path.write_text(f"{header}\n1,2,3{end}\n4,5,6{end}\n")
        assert opened(path).class_names == ("a", "b", "c")
        assert mean(path, path) == 0
        late = "".join(f"1,2,3{end}\n" for _ in range(60_000))
        path.write_text(f"{header}\n{late}1,2,3{end}7\n")
        assert refused(kldiv, "compare", path, path) == (
            "line 60002: expected nothing behind the last column, found '7'",
            "Name the column in the header, or say with --columns which are classes.",
        )

    def test_a_delimiter_may_end_the_header_alone(self, tmp_path: Path) -> None:
        (tmp_path / "x.csv").write_text("a,b,c,\n1,2,3\n4,5,6\n")
        assert opened(tmp_path / "x.csv").class_names == ("a", "b", "c")

    def test_a_named_column_stays_though_it_is_empty(self, kldiv: Kldiv, tmp_path: Path) -> None:
        path = tmp_path / "x.csv"
        path.write_text("a,b,c\n1,2,\n4,5,\n")
        assert refused(kldiv, "compare", path, path)[0].startswith("row 0, line 2, class 'c'")


class TestR:
    def test_a_header_one_cell_short_stands_above_the_names_of_rows(self, tmp_path: Path) -> None:
        for side, values in (("p", P), ("q", Q[::-1])):
            rows = range(6) if side == "p" else range(5, -1, -1)
            lines = [
                f'"r{i}" ' + " ".join(map(repr, row))
                for i, row in zip(rows, values.tolist(), strict=True)
            ]
            header = " ".join(f'"{name}"' for name in NAMES)
            (tmp_path / f"{side}.csv").write_text("\n".join([header, *lines]) + "\n")
        options: dict[str, Any] = {"delimiter": " "}
        found = compare(tmp_path / "p.csv", tmp_path / "q.csv", **options)
        assert found.measures["jeffreys"]["mean"] == pytest.approx(MEAN, abs=1e-15)
        assert found.class_names == tuple(NAMES)
        assert found.paired_by == "id"

    def test_a_delimiter_may_end_its_lines(self, tmp_path: Path) -> None:
        path = tmp_path / "x.csv"
        path.write_text('"a","b",\n"r0",1.5,2,\n"r1",2.5,3,\n')
        assert (opened(path).class_names, opened(path).id_name) == (("a", "b"), "")
        path.write_text('"k","a","b"\n"r0",1.5,2,\n"r1",2.5,3,\n')
        assert (opened(path).class_names, opened(path).id_name) == (("a", "b"), "k")

    @pytest.mark.parametrize(
        "text",
        ["a,b\n1,2,3\n4,5,6\n", "a,b\n1.5,2,3\n4.5,5,6\n", "a,b\nx,2,3\nx,5,6\n", "a\n1,5\n2,5\n"],
        ids=["integers", "fractions", "twice", "decimal-comma"],
    )
    def test_any_other_header_that_is_short_is_refused(
        self, kldiv: Kldiv, tmp_path: Path, text: str
    ) -> None:
        path = tmp_path / "x.csv"
        path.write_text(text)
        width = text.splitlines()[0].count(",") + 1
        assert refused(kldiv, "compare", path, path)[0] == (
            f"line 2: expected {width} cells, found {width + 1}"
        )

    @pytest.mark.parametrize("spelling", ["NA", "<NA>", "#N/A", "null", "None", "1.#QNAN"])
    @pytest.mark.parametrize("rows", [3, 60_000])
    def test_a_missing_number_is_nan(
        self, kldiv: Kldiv, tmp_path: Path, spelling: str, rows: int
    ) -> None:
        path = tmp_path / "x.csv"
        lines = "".join(f"r{i},1.5,2\n" for i in range(rows))
        path.write_text(f"id,a,b\n{lines}NA,0.5,{spelling}\nNULL,1,2\n")
        what, advice = refused(kldiv, "compare", path, path)
        where = f"row {rows} (NA), line {rows + 2}, class 'b'"
        assert what == f"{where}: expected a finite logit or -inf, found NaN"
        assert advice.startswith("Leave such rows out with --nan-policy omit")
        found = compare(path, path, nan_policy="omit")
        assert found.rows == rows + 1

    def test_a_class_of_nothing_else_is_no_id(self, kldiv: Kldiv, tmp_path: Path) -> None:
        path = tmp_path / "x.csv"
        path.write_text("a,b,c\nNA,0.5,1.5\n")
        assert opened(path).class_names == ("a", "b", "c")
        assert refused(kldiv, "compare", path, path)[0].startswith("row 0, line 2, class 'a'")
        path.write_text("a,b,land\n1.5,2,NA\n0.5,3,NA\n")
        assert compare(path, path, group="land").rows == 2

    def test_a_group_may_be_called_so(self, tmp_path: Path) -> None:
        path = tmp_path / "x.csv"
        path.write_text("a,b,land\n1.5,2,NA\n0.5,NA,DE\n2.5,6,NA\n")
        found = compare(path, path, group="land", nan_policy="omit")
        assert found.groups is not None
        assert [(group.name, group.rows) for group in found.groups.each] == [("NA", 2), ("DE", 0)]


class TestSpaces:
    @pytest.mark.parametrize("form", ["%.18e", "%12.6f", "%8.3f", "%g"])
    def test_any_number_of_spaces_is_one(self, tmp_path: Path, form: str) -> None:
        for side, values in (("p", P), ("q", Q)):
            np.savetxt(tmp_path / f"{side}.csv", values, fmt=form)
        found = mean(tmp_path / "p.csv", tmp_path / "q.csv", delimiter=" ", header=False)
        assert found == pytest.approx(MEAN, abs=2e-4)

    def test_a_header_that_numpy_writes(self, tmp_path: Path) -> None:
        np.savetxt(tmp_path / "x.csv", P, header=" ".join(NAMES))
        assert opened(tmp_path / "x.csv", delimiter=" ").class_names == tuple(NAMES)
        assert count(tmp_path / "x.csv", delimiter=" ") == 6

    def test_a_mark_may_stand_before_them(self, tmp_path: Path) -> None:
        (tmp_path / "x.csv").write_text("  1.5   2\n 10.5   3\n", encoding="utf-8-sig")
        assert count(tmp_path / "x.csv", delimiter=" ", header=False) == 2

    def test_spaces_in_quotes_stay(self, tmp_path: Path) -> None:
        (tmp_path / "x.csv").write_text('id   a   b\n"x  y" 1   2\n z     3   4  \n')
        found = compare(tmp_path / "x.csv", tmp_path / "x.csv", delimiter=" ")
        assert [row.id for row in found.top] == ["x  y", "z"]
        (tmp_path / "x.csv").write_text('id   a   b\n"x  y" 1   2\n z     3   o  \nw 5 6\n')
        with pytest.raises(InputError, match="line 3, column 'b': expected a number, found 'o'"):
            compare(tmp_path / "x.csv", tmp_path / "x.csv", delimiter=" ")


class TestEncodings:
    def test_names_below_a_comment_are_of_utf_8_too(self, kldiv: Kldiv, tmp_path: Path) -> None:
        path = tmp_path / "x.csv"
        path.write_bytes("# made by a\nä,b\n1,2\n3,4\n".encode("cp1252"))
        what, _ = refused(kldiv, "compare", path, path)
        assert what == "expected text in UTF-8, found a line 2 that begins with b'\\xe4,b\\n'"

    def test_a_command_writes_it_in_utf_8(self, kldiv: Kldiv, tmp_path: Path) -> None:
        path = tmp_path / "a b.csv"
        for encoding, name in (("cp1252", "WINDOWS-1252"), ("utf-16-le", "UTF-16LE")):
            path.write_bytes("ä,b\n1,2\n3,4\n".encode(encoding))
            what, advice = refused(kldiv, "compare", path, path)
            if encoding == "cp1252":
                assert what.startswith("expected text in UTF-8, found a first line that begins")
                assert advice == (
                    f"Write it again in UTF-8: iconv -f {name} -t UTF-8 '{path}' > "
                    f"'{tmp_path}/a b-utf8.csv'"
                )

    def test_ids_in_another_encoding(self, kldiv: Kldiv, tmp_path: Path) -> None:
        path = tmp_path / "x.csv"
        path.write_bytes("id,a,b\nä,2,1\nö,4,1\n".encode("cp1252"))
        what, advice = refused(kldiv, "compare", path, path)
        assert "invalid UTF8 data" in what
        assert re.fullmatch(r"Write it again in UTF-8: iconv -f WINDOWS-1252 .*", advice)


def test_files_beside_the_two_are_read_in_any_dialect(tmp_path: Path) -> None:
    """There is no option that says theirs."""
    p, q = CASES / "right_p.npy", CASES / "right_q.npy"
    (tmp_path / "x.csv").write_text("label;weight;land\n1;0,5;DE\n" + "0;2,5;NA\n" * 5)
    for encoding in ("utf-8", "utf-16"):
        (tmp_path / "x.csv").write_text((tmp_path / "x.csv").read_text(), encoding=encoding)
        found = compare(p, q, labels=f"{tmp_path}/x.csv:label", group=f"{tmp_path}/x.csv:land")
        assert found.groups is not None
        assert {group.name: group.rows for group in found.groups.each} == {"DE": 1, "NA": 5}
    (tmp_path / "keep.csv").write_text(";".join(NAMES) + "\n" + ";".join("1" * 11 + "\n") * 6)
    assert mean(p, q, mask=tmp_path / "keep.csv") == pytest.approx(MEAN)
