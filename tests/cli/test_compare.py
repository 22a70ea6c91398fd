"""`kldiv compare` from the outside: exit code, standard output, standard error."""

from __future__ import annotations

import fcntl
import json
import math
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import sysconfig
import termios
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import typer

import kldiv_cli
from kldiv_cli import Comparison, reports
from kldiv_cli.cli.commands.compare import compare as command
from kldiv_cli.measures import _native
from kldiv_cli.measures.types import Mode
from kldiv_cli.reports import REPORTS, suffixes
from kldiv_cli.results.statistics import STATISTICS
from kldiv_cli.sources.formats import FORMATS
from kldiv_cli.tasks.options.typed import NanPolicy, Unit
from tests.command import COLOURS, ROOT, Kldiv, Result

SCRIPT = Path(sysconfig.get_path("scripts")) / "kldiv"
MODULE = (sys.executable, "-m", "kldiv_cli")
MAGIKA = "samples/magika-fp32.npy", "samples/magika-int8.npy"
PARQUET = "samples/magika-fp32.parquet", "samples/magika-int8-shuffled.parquet"
CSV = "samples/magika-fp32-24.csv", "samples/magika-int8-24.csv"
OCR = "samples/ocr-det-fp32.npy", "samples/ocr-det-int8.npy"
SUFFIXES = suffixes()
TO_STDOUT = tuple(name for name, report in REPORTS.rows().items() if report.kind == "text")
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def environment(**changes: str) -> dict[str, str]:
    """What this process has, but for what decides about colours and widths."""
    plain = {name: value for name, value in os.environ.items() if name not in COLOURS}
    return {**plain, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", **changes}


def process(*words: str | Path, **changes: str) -> Result:
    """Run a command in a process of its own, both streams in pipes."""
    done = subprocess.run(
        [str(word) for word in words],
        cwd=ROOT,
        env=environment(**changes),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr)


def written(comparison: Comparison, name: str) -> bytes:
    if REPORTS[name].kind == "bytes":
        raw = BytesIO()
        reports.load(name)(comparison, raw)
        return raw.getvalue()
    text = StringIO(newline="")
    reports.load(name)(comparison, text)
    return text.getvalue().encode()


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Small inputs of every awkward kind, by name."""
    inf, nan = np.inf, np.nan
    good, near = (
        np.array([[2.0, 1, 0], [0, 1, 4], [1, 1, 1]]),
        np.array([[1, 2, 0], [0, 1, 3], [1, 1, 1]]),
    )
    holes, close = good.copy(), near.astype(float)
    holes[1, 2] = nan
    holes[2] = close[2] = -inf
    arrays = {
        "good": good,
        "near": near,
        "holes": holes,
        "close": close,
        "masked": np.where(good == 4, -1e12, good),
        "one": good[0],
        "other": near[0],
        "shifted": good + 1,
        "probs": np.array([[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]]),
        "log-probs": np.log([[0.3, 0.4, 0.3], [0.1, 0.2, 0.7]]),
        "counts": np.array([[2.0, 5, 3], [1, 1, 8]]),
        "infinite": np.where(near == 3, -inf, near),
    }
    paths = {name: str(tmp_path / f"{name}.npy") for name in arrays}
    for name, array in arrays.items():
        np.save(paths[name], array)
    tables = {
        "two-texts": "name,kind,a,b\nx,k,1,2\ny,k,3,1\n",
        "two-texts-shuffled": "b,a,kind,name\n2,3,k,y\n2,1,k,x\n",
    }
    for name, text in tables.items():
        paths[name] = str(tmp_path / f"{name}.csv")
        Path(paths[name]).write_text(text)
    return paths


class TestOptions:
    """Every option reaches the comparison, and the result is the one of the API."""

    @pytest.mark.parametrize(
        ("pair", "words", "keywords", "shows"),
        [
            pytest.param(MAGIKA, (), {}, {"mode": "softmax", "unit": "nats"}, id="defaults"),
            pytest.param(
                MAGIKA, ("--mode", "sigmoid"), {"mode": "sigmoid"}, {"mode": "sigmoid"}, id="mode"
            ),
            pytest.param(
                OCR,
                ("--mode", "sigmoid", "--row-axes", "1"),
                {"mode": "sigmoid", "row_axes": 1},
                {"rows": 6, "classes": 6144},
                id="row-axes",
            ),
            pytest.param(OCR, ("--row-axes=0",), {"row_axes": 0}, {"rows": 1}, id="row-axes-0"),
            pytest.param(
                MAGIKA,
                ("--temperature", "2.5"),
                {"temperature": 2.5},
                {"temperature": 2.5},
                id="temperature",
            ),
            pytest.param(MAGIKA, ("--unit", "bits"), {"unit": "bits"}, {"unit": "bits"}, id="unit"),
            pytest.param(
                ("holes", "close"),
                ("--nan-policy", "omit"),
                {"nan_policy": "omit"},
                {"nan_policy": "omit", "rows": 1, "invalid": 1, "skipped": 1},
                id="nan-policy-omit",
            ),
            pytest.param(
                ("holes", "close"),
                ("--nan-policy", "propagate"),
                {"nan_policy": "propagate"},
                {"nan_policy": "propagate", "rows": 2, "invalid": 1, "skipped": 1},
                id="nan-policy-propagate",
            ),
            pytest.param(
                ("two-texts", "two-texts-shuffled"),
                ("--id", "name", "--columns", "a,b"),
                {"id_column": "name", "columns": ["a", "b"]},
                {"paired_by": "id", "classes": 2},
                id="id-and-columns",
            ),
            pytest.param(
                CSV,
                ("--columns", "zig,c,python"),
                {"columns": ["zig", "c", "python"]},
                {"classes": 3, "paired_by": "id"},
                id="columns",
            ),
            pytest.param(
                MAGIKA,
                ("--measure", "kl,tv", "-m", "gjs:0.1"),
                {"measure": ["kl", "tv", "gjs:0.1"]},
                {"unit": "nats"},
                id="measure",
            ),
            pytest.param(
                ("probs", "probs"),
                ("--input", "probs", "--no-warn"),
                {"kind": "probs"},
                {"rows": 2},
                id="input",
            ),
            pytest.param(
                ("probs", "log-probs"),
                ("--reference-input", "probs", "--candidate-input", "log-probs"),
                {"kind": ("probs", "log-probs")},
                {"rows": 2},
                id="input-of-each-side",
            ),
            pytest.param(
                ("probs", "counts"),
                ("--input", "probs", "--normalize"),
                {"kind": "probs", "normalize": True},
                {"rows": 2},
                id="normalize",
            ),
            pytest.param(
                MAGIKA, ("--smooth", ".01"), {"smooth": 0.01}, {"smooth": 0.01}, id="smooth"
            ),
            pytest.param(PARQUET, (), {}, {"paired_by": "id", "rows": 512}, id="parquet"),
            pytest.param(
                MAGIKA,
                ("--classes", "20:120", "--truncate-classes"),
                {"classes": slice(20, 120), "truncate_classes": True},
                {"classes": 100},
                id="classes",
            ),
            pytest.param(
                CSV,
                ("--on-missing", "skip"),
                {"on_missing": "skip"},
                {"missing": {"only_reference": 0, "only_candidate": 0}},
                id="on-missing",
            ),
            pytest.param(
                PARQUET,
                ("--rows", "-100:", "--limit", "60", "--sample", "20", "--seed", "3"),
                {"rows": slice(-100, None), "limit": 60, "sample": 20, "seed": 3},
                {"rows": 20},
                id="rows-limit-sample-seed",
            ),
            pytest.param(
                MAGIKA,
                ("--fail-above", "max=1", "--fail-above", "p99.9 = 2e0"),
                {"limits": [("max", 1.0), ("p99.9", 2.0)]},
                {"rows": 512},
                id="fail-above",
            ),
        ],
    )
    def test_the_result_is_that_of_the_api(
        self,
        pair: tuple[str, str],
        words: Sequence[str],
        keywords: Mapping[str, Any],
        shows: Mapping[str, Any],
        kldiv: Kldiv,
        files: Mapping[str, str],
    ) -> None:
        paths = [files.get(name, name) for name in pair]
        result = kldiv("compare", *paths, *words, "--format", "json")
        assert result.code == 0
        assert result.out.encode() == written(kldiv_cli.compare(*paths, **keywords), "json")
        found = json.loads(result.out)
        assert {key: found[key] for key in shows} == shows
        assert all(line.startswith("kldiv: limit holds: ") for line in result.err.splitlines())
        assert len(result.err.splitlines()) == len(keywords.get("limits", ()))

    def test_options_may_stand_anywhere(self, kldiv: Kldiv) -> None:
        first = kldiv("compare", "--unit", "bits", *MAGIKA, "--stat", "mean")
        assert first == kldiv("compare", MAGIKA[0], "--stat=mean", MAGIKA[1], "--unit=bits")
        assert first.code == 0

    @pytest.mark.parametrize(("top", "shown"), [(0, 0), (1, 1), (3, 3), (25, 25)])
    def test_top(self, top: int, shown: int, kldiv: Kldiv) -> None:
        code, out, err = kldiv("compare", *MAGIKA, "--top", top)
        assert (code, err) == (0, "")
        rows = out.partition("argmax q\n")[2].splitlines()
        assert len(rows) == shown
        assert (f"{top} most divergent of 512 rows" in out) == (shown > 0)
        if rows:
            assert rows[0].split() == ["145", "0.0957703", "176", "176"]

    @pytest.mark.parametrize("top", [0, 1, 99])
    def test_all_rows_of_a_small_file_are_shown_in_order(
        self, top: int, kldiv: Kldiv, files: Mapping[str, str]
    ) -> None:
        code, out, err = kldiv("compare", files["good"], files["near"], "--top", top)
        assert (code, err) == (0, "")
        assert "all 3 rows" in out
        rows = out.partition("argmax q\n")[2].splitlines()
        assert [row.split()[0] for row in rows] == ["0", "1", "2"]

    def test_the_issue_in_one_screen(self, kldiv: Kldiv) -> None:
        code, out, err = kldiv("compare", *PARQUET)
        assert (code, err) == (0, "")
        assert out.encode() == written(kldiv_cli.compare(*PARQUET), "table")
        for words in (
            *PARQUET,
            *("float32 512 x 214", "softmax", "(nats)", "KL(p||q) + KL(q||p)"),
            *("2.65872", "0.00519281 +- 0.000488988", "0.000229519", "0.0957703 in row 145"),
            *("0 zero, 0 infinite, 0 skipped, 0 invalid", "98.6328 %", "row id: column 'file'"),
            *("415        0.0798899  python    asm ", "IN2-HeadsetMic.conf"),
        ):
            assert words in out
        lines = out.splitlines()
        assert max(map(len, lines)) <= 80
        assert len(lines) <= 40


class TestFormat:
    @pytest.mark.parametrize("name", TO_STDOUT)
    @pytest.mark.parametrize("pair", [MAGIKA, PARQUET], ids=["npy", "parquet"])
    def test_each(self, pair: tuple[str, str], name: str, kldiv: Kldiv) -> None:
        code, out, err = kldiv("compare", *pair, "--format", name)
        assert (code, err) == (0, "")
        assert out.encode() == written(kldiv_cli.compare(*pair), name)

    def test_the_table_is_the_default(self, kldiv: Kldiv) -> None:
        assert kldiv("compare", *MAGIKA) == kldiv("compare", *MAGIKA, "--format", "table")

    def test_rows_are_one_record_each(self, kldiv: Kldiv) -> None:
        values = kldiv_cli.compare(*MAGIKA).values["jeffreys"].tolist()
        _, csv, _ = kldiv("compare", *MAGIKA, "--format", "csv")
        assert csv == "row,jeffreys\n" + "".join(f"{i},{v!r}\n" for i, v in enumerate(values))
        _, lines, _ = kldiv("compare", *MAGIKA, "--format", "jsonl")
        assert [json.loads(line)["jeffreys"] for line in lines.splitlines()] == values

    def test_a_pipe_gets_the_bytes_of_a_file(self, tmp_path: Path) -> None:
        """In a process of its own: nothing may translate a line end or an encoding."""
        path = tmp_path / "rows.csv"
        result = process(*MODULE, "compare", *PARQUET, "--format", "csv", "-o", path)
        assert (result.code, result.err) == (0, "")
        assert result.out.encode() == path.read_bytes()
        assert len(result.out.splitlines()) == 513


class TestOutput:
    @pytest.mark.parametrize("suffix", SUFFIXES)
    @pytest.mark.parametrize("flag", ["-o", "--output"])
    def test_each_suffix(self, flag: str, suffix: str, kldiv: Kldiv, tmp_path: Path) -> None:
        path = tmp_path / f"out{suffix}"
        code, out, err = kldiv("compare", *PARQUET, flag, path)
        assert (code, err) == (0, "")
        assert out == kldiv("compare", *PARQUET).out
        assert path.read_bytes() == written(kldiv_cli.compare(*PARQUET), SUFFIXES[suffix])
        assert list(tmp_path.iterdir()) == [path]

    def test_several(self, kldiv: Kldiv, tmp_path: Path) -> None:
        paths = [tmp_path / f"out{suffix}" for suffix in SUFFIXES]
        words = [word for path in paths for word in ("-o", path)]
        code, out, err = kldiv("compare", *OCR, "--stat", "mean", *words)
        assert (code, err) == (0, "")
        assert float(out) == kldiv_cli.compare(*OCR).measures["jeffreys"]["mean"]
        expected = kldiv_cli.compare(*OCR)
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
            f"out{suffix}": written(expected, name) for suffix, name in SUFFIXES.items()
        }
        assert np.load(tmp_path / "out.npy").shape == (6, 1, 64)

    def test_it_is_written_when_a_limit_is_exceeded(self, kldiv: Kldiv, tmp_path: Path) -> None:
        path = tmp_path / "out.json"
        assert kldiv("compare", *MAGIKA, "-o", path, "--fail-above", "mean=0").code == 1
        assert json.loads(path.read_text())["limits"][0]["exceeded"] is True

    @pytest.mark.parametrize(
        "words",
        [
            pytest.param(("missing.npy", MAGIKA[1]), id="missing-input"),
            pytest.param((*MAGIKA, "--temperature", "0"), id="bad-option"),
            pytest.param((*MAGIKA, "--fail-above", "mean"), id="bad-limit"),
            pytest.param((*MAGIKA, "-o", "none/out.xyz"), id="bad-second-output"),
            pytest.param((MAGIKA[0], OCR[0]), id="shapes"),
            pytest.param((*MAGIKA, "--bogus"), id="unknown-option"),
        ],
    )
    def test_trouble_leaves_no_file(
        self, words: Sequence[str], kldiv: Kldiv, tmp_path: Path
    ) -> None:
        older = tmp_path / "older.csv"
        older.write_text("older")
        result = kldiv("compare", *words, "-o", tmp_path / "out.csv", "-o", older)
        assert (result.code, result.out) == (2, "")
        assert result.err.startswith("kldiv: error: ")
        assert [path.read_text() for path in tmp_path.iterdir()] == ["older"]

    @pytest.mark.parametrize("side", ["good", "near"])
    def test_an_input_is_never_overwritten(
        self, side: str, kldiv: Kldiv, files: Mapping[str, str]
    ) -> None:
        before = Path(files[side]).read_bytes()
        code, out, err = kldiv("compare", files["good"], files["near"], "-o", files[side])
        assert (code, out) == (2, "")
        assert err.startswith(f"kldiv: error: {files[side]}: expected a new output, found one that")
        assert Path(files[side]).read_bytes() == before

    def test_an_invalid_row_late_in_the_file_leaves_no_file(
        self, kldiv: Kldiv, tmp_path: Path
    ) -> None:
        logits = np.zeros((50_000, 64))
        np.save(tmp_path / "p.npy", logits)
        logits[49_999, 63] = np.nan
        np.save(tmp_path / "q.npy", logits)
        result = kldiv("compare", tmp_path / "p.npy", tmp_path / "q.npy", "-o", tmp_path / "o.csv")
        assert (result.code, result.out) == (2, "")
        assert f"{tmp_path / 'q.npy'}: row 49999, class 63: " in result.err
        assert sorted(path.name for path in tmp_path.iterdir()) == ["p.npy", "q.npy"]

    def test_a_full_disk_leaves_no_file(self, tmp_path: Path) -> None:
        """A file may grow to 2000 bytes here, as on a disk with no more room."""
        limited = (
            "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)); "
            "from kldiv_cli.__main__ import main; main()"
        )
        older = tmp_path / "rows.csv"
        older.write_text("older")
        words = ("compare", *MAGIKA, "-o", tmp_path / "s.json", "-o", older)
        result = process(sys.executable, "-B", "-c", limited, *words)
        assert (result.code, result.out) == (2, "")
        assert result.err.splitlines()[0] == (
            f"kldiv: error: {older}: expected to write it, found: File too large"
        )
        assert len(result.err.splitlines()) == 2
        assert [path.read_text() for path in tmp_path.iterdir()] == ["older"]


class TestStat:
    @pytest.mark.parametrize("stat", STATISTICS)
    def test_one_number_and_nothing_else(self, stat: str, kldiv: Kldiv) -> None:
        value = kldiv_cli.compare(*MAGIKA).measures["jeffreys"][stat]
        assert kldiv("compare", *MAGIKA, "--stat", stat) == (0, f"{value!r}\n", "")

    def test_several_are_a_line_each_in_the_order_typed(self, kldiv: Kldiv) -> None:
        stats = ("p99", "kl:mean", "same-argmax", "p99")
        each = [kldiv("compare", *MAGIKA, "-m", "js,kl", "--stat", x).out for x in stats]
        assert len({*each}) == 3
        words = (word for stat in stats for word in ("--stat", stat))
        assert kldiv("compare", *MAGIKA, "-m", "js,kl", *words) == (0, "".join(each), "")

    def test_each_of_several_is_checked(self, kldiv: Kldiv) -> None:
        done = kldiv("compare", *MAGIKA, "--stat", "mean", "--stat", "mena")
        assert (done.code, done.out) == (2, "")
        assert "no statistic is called 'mena'" in done.err

    @pytest.mark.parametrize(
        ("pair", "stat", "printed"),
        [
            (("one", "other"), "sem", "nan"),
            (("good", "infinite"), "max", "inf"),
            (("good", "shifted"), "total", "0.0"),
        ],
        ids=["nan", "inf", "zero"],
    )
    def test_what_is_no_ordinary_number(
        self,
        pair: tuple[str, str],
        stat: str,
        printed: str,
        kldiv: Kldiv,
        files: Mapping[str, str],
    ) -> None:
        paths = [files[name] for name in pair]
        assert kldiv("compare", *paths, "--stat", stat) == (0, f"{printed}\n", "")

    def test_of_another_measure(self, kldiv: Kldiv) -> None:
        found = kldiv_cli.compare(*MAGIKA, measure=["kl", "tv"])
        words = ("compare", *MAGIKA, "-m", "kl,tv", "--stat")
        for stat, name in (("mean", "kl"), ("kl:mean", "kl"), ("tv:mean", "tv")):
            expected = found.measures[name]["mean"]
            assert kldiv(*words, stat) == (0, f"{expected!r}\n", "")

    def test_with_a_limit(self, kldiv: Kldiv) -> None:
        code, out, err = kldiv("compare", *MAGIKA, "--stat", "max", "--fail-above", "mean=0")
        assert (code, float(out)) == (1, kldiv_cli.compare(*MAGIKA).measures["jeffreys"]["max"])
        assert len(err.splitlines()) == 1

    @pytest.mark.parametrize(
        ("words", "error"),
        [
            (("--stat", "average"), "no statistic is called 'average'"),
            (("--stat", ""), "no statistic is called ''"),
            (("--stat", "MEAN"), "no statistic is called 'MEAN'"),
            (("--stat", "mean", "--format", "json"), "--stat prints one number and --format"),
        ],
        ids=["unknown", "empty", "upper-case", "and-format"],
    )
    def test_refused(self, words: Sequence[str], error: str, kldiv: Kldiv) -> None:
        code, out, err = kldiv("compare", *MAGIKA, *words)
        assert (code, out) == (2, "")
        assert err.startswith(f"kldiv: error: {error}")
        assert len(err.splitlines()) == 2


class TestFailAbove:
    @pytest.mark.parametrize(
        ("limits", "exceeded"),
        [
            pytest.param(["mean=0.01"], [False], id="holds"),
            pytest.param(["mean=0.001"], [True], id="exceeded"),
            pytest.param(["mean=0.01", "max=0.01"], [False, True], id="one-of-two"),
            pytest.param(["max=0.01", "max=1", "total=0"], [True, False, True], id="three"),
            pytest.param(["max=inf", "min=-1"], [False, True], id="inf-and-negative"),
            pytest.param(["p99.9=1e-3", "median=1"], [True, False], id="percentiles"),
        ],
    )
    def test_table_json_stderr_and_exit_code_agree(
        self, limits: Sequence[str], exceeded: Sequence[bool], kldiv: Kldiv
    ) -> None:
        names = [limit.partition("=")[0] for limit in limits]
        words = [word for limit in limits for word in ("--fail-above", limit)]
        table = kldiv("compare", *MAGIKA, *words)
        summary = kldiv("compare", *MAGIKA, *words, "--format", "json")
        page = kldiv("compare", *MAGIKA, *words, "--format", "markdown")
        assert table.code == summary.code == page.code == int(any(exceeded))
        assert table.err == summary.err == page.err
        expected = list(zip(names, exceeded, strict=True))
        in_json = [
            (limit["stat"], limit["exceeded"]) for limit in json.loads(summary.out)["limits"]
        ]
        assert in_json == expected
        assert verdicts(r"^limit +(\S+) .*(EXCEEDED|holds)", table.out) == expected
        assert verdicts(r"^- limit: (\S+) .*(EXCEEDED|holds)", page.out) == expected
        spoken = re.findall(
            r"^kldiv: limit (exceeded|holds): jeffreys (\S+) (\S+) ", table.err, re.MULTILINE
        )
        assert [(name, verdict == "exceeded") for verdict, name, _ in spoken] == expected
        assert [float(value) for *_, value in spoken] == [
            limit["value"] for limit in json.loads(summary.out)["limits"]
        ]
        assert len(table.err.splitlines()) == len(limits)

    @pytest.mark.parametrize("stat", ["mean", "max", "p99.9"])
    def test_a_limit_is_exceeded_above_it_and_not_on_it(self, stat: str, kldiv: Kldiv) -> None:
        value = kldiv_cli.compare(*MAGIKA).measures["jeffreys"][stat]
        on, below = f"{stat}={value!r}", f"{stat}={math.nextafter(value, 0)!r}"
        assert kldiv("compare", *MAGIKA, "--fail-above", on).code == 0
        assert kldiv("compare", *MAGIKA, "--fail-above", below).code == 1

    @pytest.mark.parametrize(
        ("pair", "words", "stat"),
        [
            (("one", "other"), (), "sem"),
            (("holds", "close"), ("--nan-policy", "propagate"), "total"),
        ],
        ids=["sem-of-one-row", "propagated"],
    )
    def test_nan_fails(
        self,
        pair: tuple[str, str],
        words: Sequence[str],
        stat: str,
        kldiv: Kldiv,
        files: dict[str, str],
    ) -> None:
        files["holds"] = files["holes"]
        command = (
            "compare",
            *(files[name] for name in pair),
            *words,
            "--fail-above",
            f"{stat}=inf",
        )
        table, summary = kldiv(*command), kldiv(*command, "--format", "json")
        assert table.code == summary.code == 1
        (limit,) = json.loads(summary.out)["limits"]
        failed = {"exceeded": True, "verdict": "exceeded"}
        assert limit == {"stat": stat, "above": "inf", "value": "nan", **failed}
        assert verdicts(r"^limit +(\S+) .*(EXCEEDED|holds)", table.out) == [(stat, True)]
        assert table.err.startswith(f"kldiv: limit exceeded: jeffreys {stat} nan ")

    @pytest.mark.parametrize(
        ("text", "error"),
        [
            ("mean", "--fail-above: expected NAME=VALUE with a number, found 'mean'"),
            ("mean=", "--fail-above: expected NAME=VALUE with a number, found 'mean='"),
            ("mean=low", "--fail-above: expected NAME=VALUE with a number, found 'mean=low'"),
            ("mean=1=2", "--fail-above: expected NAME=VALUE with a number, found 'mean=1=2'"),
            ("", "--fail-above: expected NAME=VALUE with a number, found ''"),
            ("0.01", "--fail-above: expected NAME=VALUE with a number, found '0.01'"),
            ("mean>0.01", "--fail-above: expected NAME=VALUE with a number, found 'mean>0.01'"),
            ("mean=nan", "expected a number as the limit of mean, found nan"),
            ("average=1", "no statistic is called 'average'"),
            ("=1", "no statistic is called ''"),
        ],
    )
    @pytest.mark.parametrize("place", ["alone", "second"])
    def test_bad_syntax(self, place: str, text: str, error: str, kldiv: Kldiv) -> None:
        first = ("--fail-above", "max=1") if place == "second" else ()
        code, out, err = kldiv("compare", *MAGIKA, *first, "--fail-above", text)
        assert (code, out) == (2, "")
        assert err.splitlines()[0] == f"kldiv: error: {error}"
        assert len(err.splitlines()) == 2


def verdicts(pattern: str, text: str) -> list[tuple[str, bool]]:
    return [(name, word == "EXCEEDED") for name, word in re.findall(pattern, text, re.MULTILINE)]


class TestWarnings:
    def test_a_mask_mismatch_is_told_on_stderr(
        self, kldiv: Kldiv, files: Mapping[str, str]
    ) -> None:
        code, out, err = kldiv("compare", files["masked"], files["near"])
        assert code == 0
        assert err.startswith(f"kldiv: warning: {files['masked']}: mask mismatch: row 1, class 2")
        assert "mask mismatch" not in out

    def test_it_can_be_silenced(self, kldiv: Kldiv, files: Mapping[str, str]) -> None:
        words = ("compare", files["masked"], files["near"])
        code, out, err = kldiv(*words, "--no-warn")
        assert (code, err) == (0, "")
        assert out == kldiv(*words).out

    def test_it_can_be_trouble(
        self, kldiv: Kldiv, files: Mapping[str, str], tmp_path: Path
    ) -> None:
        words = ("compare", files["masked"], files["near"], "-o", tmp_path / "out.csv")
        code, out, err = kldiv(*words, "--strict")
        assert (code, out) == (2, "")
        assert err.startswith(f"kldiv: error: {files['masked']}: mask mismatch: row 1, class 2")
        assert not (tmp_path / "out.csv").exists()

    @pytest.mark.parametrize("kind", ["path", "id"])
    def test_no_name_reaches_the_terminal_raw(
        self, kind: str, kldiv: Kldiv, tmp_path: Path
    ) -> None:
        raw = "\x1b[31mred"
        name = raw if kind == "path" else "plain"
        paths = [tmp_path / f"p{name}.csv", tmp_path / f"q{name}.csv"]
        for path, logit in zip(paths, ("-1e12", "0"), strict=True):
            path.write_text(f"name,a,b\n{raw},1,{logit}\n")
        for report in ("table", "markdown", "json"):
            code, out, err = kldiv("compare", *paths, "--format", report)
            assert code == 0
            assert "mask mismatch" in err
            assert "\x1b" not in out
            assert "\x1b" not in err


class TestUsage:
    @pytest.mark.parametrize(
        ("words", "error"),
        [
            (("bogus",), "bogus"),
            (("--bogus",), "--bogus"),
            (("compare",), "REFERENCE"),
            (("compare", "a.npy"), "CANDIDATE"),
            (("compare", "a.npy", "b.npy", "c.npy"), "c.npy"),
            (("compare", "a.npy", "b.npy", "--bogus"), "--bogus"),
            (("compare", "a.npy", "b.npy", "-x"), "-x"),
            (("compare", "a.npy", "b.npy", "--mode", "relu"), "relu"),
            (("compare", "a.npy", "b.npy", "--mode"), "--mode"),
            (("compare", "a.npy", "b.npy", "--unit", "bit"), "bit"),
            (("compare", "a.npy", "b.npy", "--nan-policy", "skip"), "skip"),
            (("compare", "a.npy", "b.npy", "--format", "xml"), "xml"),
            (("compare", "a.npy", "b.npy", "--format", "parquet"), "parquet"),
            (("compare", "a.npy", "b.npy", "--row-axes", "one"), "one"),
            (("compare", "a.npy", "b.npy", "--temperature", "warm"), "warm"),
            (("compare", "a.npy", "b.npy", "--temperature", "0"), "temperature above 0, found 0"),
            (("compare", "a.npy", "b.npy", "--temperature", "nan"), "above 0, found nan"),
            (("compare", "a.npy", "b.npy", "--top", "-1"), "--top of 0 or more, found -1"),
            (("compare", "a.npy", "b.npy", "--top", "1.5"), "1.5"),
            (("compare", *MAGIKA, "--row-axes", "2"), "--row-axes from 0 to 1"),
            (("compare", *MAGIKA, "--row-axes", "-1"), "--row-axes from 0 to 1"),
            (("compare", *MAGIKA, "--id", "file"), "--id, --columns and --drop are for tables"),
            (("compare", *CSV, "--columns", "c,nope"), "'nope'"),
            (("compare", *CSV, "--columns", "c,c"), "'c'"),
            (("compare", *CSV, "--columns", ""), "column ''"),
            (("compare", *CSV, "--id", "nope"), "'nope'"),
            (("compare", *MAGIKA, "-o", "none/out"), "none/out: expected an output named"),
            (("compare", *MAGIKA, "-o"), "-o"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
    )
    def test_one_line_what_and_one_line_what_to_do(
        self, words: Sequence[str], error: str, kldiv: Kldiv
    ) -> None:
        code, out, err = kldiv(*words)
        assert (code, out) == (2, "")
        first, second = err.splitlines()
        assert first.startswith("kldiv: error: ")
        assert error in first
        assert not first.endswith(".")
        assert second.endswith(".")
        assert "Traceback" not in err

    @pytest.mark.parametrize(
        "words",
        [
            (),
            ("--help",),
            ("--version",),
            ("compare", *MAGIKA, "--fail-above", "mean=0"),
            ("compare", "missing.npy", MAGIKA[1]),
        ],
        ids=" ".join,
    )
    def test_the_module_is_the_script(self, words: Sequence[str]) -> None:
        module, script = process(*MODULE, *words), process(SCRIPT, *words)
        assert module == script
        assert module.out or module.err

    def test_version(self) -> None:
        version = f"kldiv {kldiv_cli.__version__} ({_native.describe()})\n"
        assert process(SCRIPT, "--version") == (0, version, "")

    @pytest.mark.parametrize("flag", ["--help", "-h"])
    def test_no_arguments_show_the_help(self, flag: str) -> None:
        bare = process(SCRIPT)
        assert bare == process(SCRIPT, flag)
        assert bare.code == 0
        assert bare.err == ""
        for word in ("compare", "--version", "--install-completion", "diff of model outputs"):
            assert word in bare.out


@pytest.fixture(scope="module")
def compare_help() -> str:
    result = process(*MODULE, "compare", "--help", COLUMNS="80")
    assert (result.code, result.err) == (0, "")
    return result.out


class TestHelp:
    PANELS: Mapping[str, set[str]] = {
        "Arguments": {"REFERENCE", "CANDIDATE"},
        "What the files mean": {
            *("--mode", "--temperature", "--nan-policy", "--labels", "--normalize", "--smooth"),
            *("--input", "--reference-input", "--candidate-input"),
        },
        "What of the files is taken": {
            *("--rows", "--limit", "--sample", "--seed", "--on-missing", "--mask", "--mask-means"),
            *("--classes", "--truncate-classes", "--mask-below", "--ignore-constant-rows"),
            "--by-place",
        },
        "What comes out": {
            *("--measure", "-m", "--unit", "--top", "--format", "--output", "-o", "--stat"),
            *("--group", "--plan", "--csv-safe"),
        },
        "For CI": {"--fail-above", "--fail-below", "--when-unsure", "--strict", "--no-warn"},
        "How the files are read": {
            *(
                "--row-axes",
                "--class-axis",
                "--id",
                "--columns",
                "--drop",
                "--key",
                "--candidate-key",
                "--dtype",
            ),
            *("--reference-format", "--candidate-format", "--no-header", "--delimiter"),
            "--decimal",
        },
        "How it runs": {"--threads"},
        "Options": {"--help", "-h"},
    }

    def test_options_are_grouped(self, compare_help: str) -> None:
        found: dict[str, set[str]] = {}
        for title, body in re.findall(r"╭─ (.+?) ─+╮\n(.*?)╰─", compare_help, re.DOTALL):
            first = re.compile(
                r"^│ (?:\* +)?(-{1,2}[a-z-]+|[A-Za-z]+)(?: +(-[a-z]))? ", re.MULTILINE
            )
            words = {word for match in first.findall(body) for word in match if word}
            # Typer before 0.27 writes the names of arguments small.
            found[title] = {word if word.startswith("-") else word.upper() for word in words}
        assert found == self.PANELS

    @pytest.mark.parametrize(
        "words",
        [(), ("compare",), ("inspect",), ("loss",), ("measures",), ("verify",)],
        ids=lambda words: "-".join(("kldiv", *words)),
    )
    def test_it_fits_80_columns(self, words: Sequence[str]) -> None:
        lines = process(*MODULE, *words, "--help", COLUMNS="80").out.splitlines()
        assert len(lines) > 10
        assert max(map(len, lines)) == 80
        assert "\u2026" not in "".join(lines)

    def test_exit_codes_are_told(self, compare_help: str) -> None:
        words = " ".join(compare_help.split())
        assert "Exit code 0: compared" in words
        assert "and all limits hold; 1: one does not; 2: trouble" in words


def parameter(name: str) -> Any:
    """An option of the command, as Typer has it."""
    app = typer.Typer(add_completion=False)
    app.command()(command.signed())
    (found,) = (x for x in typer.main.get_command(app).params if x.name == name)
    return found


def help_of(name: str) -> str:
    text = parameter(name).help
    assert isinstance(text, str)
    return text


class TestOptionsSayWhatThereIs:
    """The table of options may not load the rooms whose words it has, so that --help stays fast."""

    def test_formats(self) -> None:
        assert tuple(parameter("report").type.choices) == TO_STDOUT
        words = set(re.findall(r"\w+", help_of("report")))
        assert set(TO_STDOUT) <= words

    @pytest.mark.parametrize(
        ("option", "known"),
        [
            pytest.param("mode", Mode, id="mode"),
            pytest.param("unit", Unit, id="unit"),
            pytest.param("nan_policy", NanPolicy, id="nan-policy"),
        ],
    )
    def test_choices(self, option: str, known: Any) -> None:
        assert tuple(parameter(option).type.choices) == get_args(known)

    @pytest.mark.parametrize("option", ["reference_format", "candidate_format"])
    def test_formats_of_files(self, option: str) -> None:
        assert tuple(parameter(option).type.choices) == tuple(FORMATS)

    def test_statistics(self) -> None:
        listed = re.split(r": |;|\.$", help_of("stat"))[1]
        assert set(listed.split(", ")) == set(STATISTICS)

    def test_suffixes(self) -> None:
        assert set(re.findall(r"\.[a-z]+\b", help_of("output"))) == set(SUFFIXES)

    def test_inputs(self) -> None:
        suffixes = {entry.suffixes[0] for entry in FORMATS.rows().values()}
        assert set(re.findall(r"\.[a-z0-9]+\b", help_of("reference"))) == suffixes


class TestCompletion:
    @pytest.mark.parametrize(
        ("words", "offered"),
        [
            pytest.param(["comp"], {"compare"}, id="subcommand"),
            pytest.param(["compare", "--fo"], {"--format"}, id="option"),
            pytest.param(
                ["compare", "--fa"], {"--fail-above", "--fail-below"}, id="another-option"
            ),
            pytest.param(["compare", "--mode", ""], {"softmax", "sigmoid"}, id="choices"),
            pytest.param(["compare", "a", "b", "--format", "js"], {"json", "jsonl"}, id="some"),
        ],
    )
    def test_bash_is_offered_what_fits(
        self, words: Sequence[str], offered: set[str], tmp_path: Path
    ) -> None:
        """Through the script that is installed and bash's own variables, as a keystroke does."""
        quoted = " ".join(f"'{word}'" for word in ("kldiv", *words))
        bash = (
            'eval "$(_KLDIV_COMPLETE=source_bash kldiv)"; '
            f"COMP_WORDS=({quoted}); COMP_CWORD={len(words)}; "
            '_kldiv_completion kldiv; printf "%s\\n" "${COMPREPLY[@]}"'
        )
        path = f"{SCRIPT.parent}{os.pathsep}{os.environ['PATH']}"
        result = process(find_bash(), "--norc", "-c", bash, PATH=path, HOME=str(tmp_path))
        assert (result.code, result.err) == (0, "")
        assert set(result.out.split()) == offered

    def test_the_variable_that_bash_uses(self) -> None:
        result = process(
            *MODULE,
            _KLDIV_COMPLETE="complete_bash",
            COMP_WORDS="kldiv compare --te",
            COMP_CWORD="2",
        )
        assert (result.code, result.out.split(), result.err) == (0, ["--temperature"], "")

    def test_show(self, tmp_path: Path) -> None:
        """Below a bash, which is how the shell is recognised."""
        command = f"'{SCRIPT}' --show-completion; exit $?"
        result = process(find_bash(), "--norc", "-c", command, HOME=str(tmp_path))
        assert (result.code, result.err) == (0, "")
        assert "complete -o default -F _kldiv_completion kldiv" in result.out

    def test_install(self, tmp_path: Path) -> None:
        command = f"'{SCRIPT}' --install-completion; exit $?"
        result = process(find_bash(), "--norc", "-c", command, HOME=str(tmp_path))
        assert (result.code, result.err) == (0, "")
        installed = tmp_path / ".bash_completions" / "kldiv.sh"
        assert "_KLDIV_COMPLETE=complete_bash" in installed.read_text()
        assert str(installed) in (tmp_path / ".bashrc").read_text()


def find_bash() -> str:
    found = shutil.which("bash")
    assert found is not None
    return found


IMPATIENT = (
    "import kldiv_cli.cli.progress as progress; progress.PATIENCE = 0.0; "
    "from kldiv_cli.__main__ import main; main()"
)


def on_terminal(
    *words: str, stdout: bool, stderr: bool, columns: int = 80, code: str = "", **changes: str
) -> Result:
    """Run the command with the named streams on pseudo-terminals of their own."""
    command = (sys.executable, "-c", code) if code else MODULE
    masters: list[int] = []
    ends: list[int] = []
    for is_terminal in (stdout, stderr):
        if is_terminal:
            master, end = pty.openpty()
            fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        else:
            master, end = os.pipe()
        masters.append(master)
        ends.append(end)
    running = subprocess.Popen(
        [*command, *words],
        cwd=ROOT,
        env=environment(**changes),
        stdin=subprocess.DEVNULL,
        stdout=ends[0],
        stderr=ends[1],
    )
    for end in ends:
        os.close(end)
    texts = [b"", b""]

    def drain(which: int) -> None:
        with suppress(OSError):
            while chunk := os.read(masters[which], 65536):
                texts[which] += chunk

    readers = [threading.Thread(target=drain, args=(which,)) for which in range(2)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    for master in masters:
        os.close(master)
    out, err = (text.decode().replace("\r\n", "\n") for text in texts)
    return Result(running.wait(), out, err)


class TestTerminal:
    @pytest.mark.parametrize("columns", [60, 80])
    @pytest.mark.parametrize("pair", [MAGIKA, PARQUET, CSV], ids=["npy", "parquet", "csv"])
    def test_the_table_fits_and_is_coloured(self, pair: tuple[str, str], columns: int) -> None:
        code, out, err = on_terminal("compare", *pair, stdout=True, stderr=False, columns=columns)
        assert (code, err) == (0, "")
        assert ESCAPES.search(out)
        lines = ESCAPES.sub("", out).splitlines()
        assert len(lines) > 20
        assert max(map(len, lines)) <= columns

    def test_at_80_columns_it_says_what_the_plain_table_says(self) -> None:
        terminal = on_terminal("compare", *PARQUET, stdout=True, stderr=False)
        lines = [line.rstrip() for line in ESCAPES.sub("", terminal.out).splitlines()]
        assert "\n".join(lines) + "\n" == process(*MODULE, "compare", *PARQUET).out

    def test_elsewhere_there_is_no_colour(self) -> None:
        words = ("compare", *PARQUET, "--fail-above", "mean=0")
        code, out, err = on_terminal(*words, stdout=False, stderr=True)
        assert code == 1
        assert "\x1b" not in out
        assert max(map(len, out.splitlines())) <= 80
        assert "\x1b" not in err

    @pytest.mark.parametrize("report", ["markdown", "json", "csv"])
    def test_machine_formats_are_the_same_on_a_terminal(self, report: str) -> None:
        words = ("compare", *MAGIKA, "--format", report)
        terminal = on_terminal(*words, stdout=True, stderr=True, columns=40)
        assert terminal == process(*MODULE, *words)

    def test_one_number_is_one_number_on_a_terminal(self) -> None:
        words = ("compare", *MAGIKA, "--stat", "max")
        result = on_terminal(*words, stdout=True, stderr=True, columns=10)
        assert result == process(*MODULE, *words)
        assert is_one_number(result.out)


def is_one_number(text: str) -> bool:
    return re.fullmatch(r"\d\.\d{10,}\n", text) is not None


class TestProgress:
    @pytest.mark.parametrize(
        ("pair", "rows"), [(MAGIKA, 512), (PARQUET, 512), (CSV, 24)], ids=["npy", "parquet", "csv"]
    )
    def test_a_long_run_shows_it_on_a_terminal(self, pair: tuple[str, str], rows: int) -> None:
        code, out, err = on_terminal(
            "compare", *pair, stdout=False, stderr=True, columns=100, code=IMPATIENT
        )
        assert code == 0
        plain = ESCAPES.sub("", err)
        assert f"{rows}/{rows}" in plain
        assert re.search(r"[\d,]+ rows/s", plain)
        assert out == process(*MODULE, "compare", *pair).out

    def test_it_is_cleared_in_the_end(self) -> None:
        """The last thing it writes erases its line, and the cursor is visible again."""
        _, _, err = on_terminal("compare", *MAGIKA, stdout=False, stderr=True, code=IMPATIENT)
        assert err.rindex("\x1b[2K") > err.rindex("rows/s")
        assert err.rindex("\x1b[?25h") > err.rindex("\x1b[?25l")

    def test_an_error_clears_it_too(self, tmp_path: Path) -> None:
        logits = np.zeros((50_000, 64))
        np.save(tmp_path / "p.npy", logits)
        logits[49_999, 63] = np.nan
        np.save(tmp_path / "q.npy", logits)
        pair = str(tmp_path / "p.npy"), str(tmp_path / "q.npy")
        code, out, err = on_terminal("compare", *pair, stdout=False, stderr=True, code=IMPATIENT)
        assert (code, out) == (2, "")
        assert "rows/s" in err
        assert err.rindex("kldiv: error: ") > err.rindex("\x1b[?25h") > err.rindex("rows/s")

    def test_a_short_run_shows_nothing(self) -> None:
        result = on_terminal("compare", *MAGIKA, "--stat", "mean", stdout=True, stderr=True)
        assert result.err == ""

    @pytest.mark.parametrize("stdout", [True, False], ids=["stdout-a-terminal", "no-terminal"])
    def test_it_never_goes_into_a_pipe(self, stdout: bool) -> None:
        code, out, err = on_terminal(
            "compare", *MAGIKA, stdout=stdout, stderr=False, code=IMPATIENT
        )
        assert (code, err) == (0, "")
        assert "rows/s" not in out

    def test_a_terminal_forced_by_ci_is_none(self) -> None:
        result = on_terminal(
            "compare", *MAGIKA, stdout=False, stderr=False, code=IMPATIENT, FORCE_COLOR="1"
        )
        assert (result.code, result.err) == (0, "")
        assert "\x1b" not in result.out
