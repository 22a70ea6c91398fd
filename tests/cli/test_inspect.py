"""`kldiv inspect` from the outside: exit code, standard output, standard error."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.cli.test_startup import MAIN, loaded
from tests.command import ROOT, Golden, Kldiv, Result

NPY, PARQUET = "samples/magika-fp32.npy", "samples/magika-fp32.parquet"
OCR = "samples/ocr-det-fp32.npy"
MISSING = "kldiv: error: {}: expected a file, found nothing there\nCheck the path.\n"


def assert_shown(done: Result, golden: Golden) -> None:
    assert (done.code, done.err) == (0, "")
    golden(done.out)
    assert max(map(len, done.out.splitlines())) <= 80


def test_a_table(kldiv: Kldiv, golden: Golden) -> None:
    assert_shown(kldiv("inspect", PARQUET), golden)


def test_an_array(kldiv: Kldiv, golden: Golden) -> None:
    assert_shown(kldiv("inspect", OCR, "--row-axes", 1), golden)


def test_several_files_stand_a_blank_line_apart(kldiv: Kldiv) -> None:
    alone = [kldiv("inspect", path).out for path in (NPY, OCR, PARQUET)]
    assert kldiv("inspect", NPY, OCR, PARQUET) == (0, "\n".join(alone), "")


def test_a_file_that_cannot_be_read_does_not_keep_the_others_back(
    kldiv: Kldiv, tmp_path: Path
) -> None:
    first, second = tmp_path / "first.npy", tmp_path / "second.npy"
    alone = [kldiv("inspect", path).out for path in (NPY, PARQUET)]
    done = kldiv("inspect", first, NPY, second, PARQUET)
    assert done == (2, "\n".join(alone), MISSING.format(first) + MISSING.format(second))


def test_a_file_that_cannot_be_read_alone(kldiv: Kldiv, tmp_path: Path) -> None:
    path = tmp_path / "damaged.npy"
    path.write_bytes(Path(NPY).read_bytes()[:-1])
    code, out, err = kldiv("inspect", path)
    assert (code, out) == (2, "")
    assert err == (
        f"kldiv: error: {path}: expected 438272 bytes of float32 for shape (512, 214), found "
        "438271\nThe file is cut off. Write it again with numpy.save(path, logits).\n"
    )


def test_a_fault_in_the_middle_of_a_file(kldiv: Kldiv, tmp_path: Path) -> None:
    """Nothing is printed of what was read before it."""
    path = tmp_path / "ragged.csv"
    lines = ["a,b", *["0.25,0.5"] * 300_000, "1,x"]
    path.write_text("\n".join(lines), encoding="utf-8")
    code, out, err = kldiv("inspect", path)
    assert (code, out) == (2, "")
    assert err == (
        f"kldiv: error: {path}: line 300002, column 'b': expected a number, found 'x'\n"
        "Expected a header line of column names, then one line of numbers per row.\n"
    )


class TestJson:
    def test_full_precision(self, kldiv: Kldiv, tmp_path: Path) -> None:
        path = tmp_path / "thirds.npy"
        np.save(path, np.array([[1 / 3, -np.inf, -1e12], [-2 / 3, 0.1, np.nan]]))
        code, out, err = kldiv("inspect", path, "--format", "json")
        warning = (
            f"{path}: row 1 holds NaN or +inf, and no distribution under softmax (1 such row in "
            "all): --nan-policy omit of kldiv compare leaves them out"
        )
        assert (code, err) == (0, f"kldiv: warning: {warning}\n")
        (found,) = json.loads(out)
        assert found["warnings"] == [warning]
        assert (found["path"], found["shape"]) == (str(path), [2, 3])
        assert found["range"] == {"min": -2 / 3, "max": 1 / 3}
        assert found["row_sums"] == {"min": "-inf", "max": "-inf"}
        assert found["logsumexp"] == {"min": 1 / 3, "max": 1 / 3}
        assert found["mask_like"]["values"] == [{"value": -1e12, "cells": 1}]
        assert found["rows"]["first_nan"] == 1
        assert found["entropy"] == {
            "of": "softmax(row)",
            "unit": "nats",
            **dict.fromkeys(("mean", "min", "max"), 0.0),
        }

    def test_an_array_with_an_object_per_file(self, kldiv: Kldiv, tmp_path: Path) -> None:
        missing = tmp_path / "missing.npy"
        code, out, err = kldiv("inspect", PARQUET, missing, NPY, "--format", "json")
        assert (code, err) == (2, MISSING.format(missing))
        table, error, array = json.loads(out)
        assert table["id"]["column"] == "file"
        assert table["argmax"]["most_frequent"][0] == {
            "class": 17,
            "name": "c",
            "rows": 38,
            "share": 38 / 512,
        }
        assert array["argmax"]["most_frequent"][0]["name"] is None
        assert array["entropy"] == table["entropy"]
        assert error == {
            "schema": 1,
            "path": str(missing),
            "error": f"{missing}: expected a file, found nothing there",
            "advice": "Check the path.",
        }


class TestOptions:
    def test_columns_and_id(self, kldiv: Kldiv, tmp_path: Path) -> None:
        path = tmp_path / "n.csv"
        path.write_text("n,x,y,z\n5,1,2,3\n7,4,5,6\n", encoding="utf-8")
        code, out, err = kldiv("inspect", path, "--id", "n", "--columns", "z,x")
        assert (code, err) == (0, "")
        assert out.splitlines()[:8] == [
            f"file         {path}  csv float64 2 x 2",
            "columns      row id: column 'n' (--id)",
            "ids          '5', '7'",
            "holds        n     int64  row id",
            "             x, z  int64  2 classes",
            "             y     int64  left out: not among --columns",
            "classes      2: z, x",
            "rows         2, a distribution in each",
        ]

    @pytest.mark.parametrize("options", [("--id", "file"), ("--columns", "a,b")])
    def test_columns_of_an_array(self, options: tuple[str, str], kldiv: Kldiv) -> None:
        code, out, err = kldiv("inspect", NPY, *options)
        assert (code, out) == (2, "")
        assert err == (
            f"kldiv: error: {NPY}: expected a table for --id, --columns and --drop, found npy\n"
            "Leave them out: an array has no columns.\n"
        )

    def test_an_option_that_fits_one_of_two_files(self, kldiv: Kldiv) -> None:
        code, out, err = kldiv("inspect", OCR, PARQUET, "--row-axes", 3)
        assert (code, out.splitlines()[2]) == (2, "classes      96")
        assert err == (
            f"kldiv: error: {PARQUET}: expected --row-axes 1 for a table, found 3\n"
            "A table has one axis of rows; save arrays with more as .npy.\n"
        )

    def test_no_file(self, kldiv: Kldiv) -> None:
        done = kldiv("inspect")
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith("kldiv: error: Missing argument 'FILE...'")

    def test_an_unknown_format(self, kldiv: Kldiv) -> None:
        done = kldiv("inspect", NPY, "--format", "csv")
        assert (done.code, done.out) == (2, "")
        assert "'csv' is not one of 'table', 'json'" in done.err


@pytest.mark.parametrize("report", ["table", "json"])
def test_an_array_needs_neither_pyarrow_nor_rich(report: str) -> None:
    assert loaded(MAIN, ["inspect", NPY, OCR, "--format", report]) == ["0", "numpy"]


def test_a_reader_that_closes_the_pipe_early_is_no_trouble() -> None:
    """`kldiv inspect *.npy | head -1`."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as pipe:
        done = subprocess.run(
            [sys.executable, "-m", "kldiv_cli", "inspect", *[NPY] * 3],
            cwd=ROOT,
            stdout=pipe,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")


class TestSelection:
    def test_the_table(self, kldiv: Kldiv) -> None:
        done = kldiv("inspect", OCR, PARQUET, "--rows", "2:6", "--row-axes", 1, "--limit", 3)
        assert (done.code, done.err) == (0, "")
        lines = done.out.splitlines()
        assert lines[:5] == [
            "file         samples/ocr-det-fp32.npy  npy float32 6 x 1 x 64 x 96",
            "axes         classes on axes 1 to 3",
            "selected     rows 2..4 of 6 (--rows, --limit)",
            "classes      6144 (1 x 64 x 96)",
            "rows         3, a distribution in each",
        ]
        assert "selected     rows 2..4 of 512 (--rows, --limit)" in lines
        assert max(map(len, lines)) <= 80

    def test_json(self, kldiv: Kldiv) -> None:
        words = ("--sample", 7, "--seed", 1, "--format", "json")
        (found,) = json.loads(kldiv("inspect", NPY, *words).out)
        assert found["selection"] == {
            "first": 0,
            "last": 511,
            "of": 512,
            "rows": None,
            "limit": None,
            "sample": 7,
            "seed": 1,
        }
        assert (found["shape"], found["row_shape"], found["rows"]["total"]) == ([512, 214], [7], 7)
        (whole,) = json.loads(kldiv("inspect", NPY, "--format", "json").out)
        assert "selection" not in whole

    def test_a_file_with_too_few_rows(self, kldiv: Kldiv) -> None:
        done = kldiv("inspect", "samples/magika-fp32-24.csv", NPY, "--rows", "20:30")
        assert done.code == 2
        assert done.err == (
            "kldiv: error: samples/magika-fp32-24.csv: expected row 29, found 24 rows\n"
            "Rows are counted from 0; choose among those that the file has.\n"
        )
        assert "selected     rows 20..29 of 512 (--rows)\n" in done.out

    @pytest.mark.parametrize(
        ("words", "what"),
        [
            (("--seed", 1), "--seed says how rows are drawn, and without --sample none are"),
            (("--rows", "a:b"), "--rows: expected A:B, found 'a:b'"),
            (("--limit", 0), "expected --limit of 1 or more, found 0"),
        ],
    )
    def test_wrong_usage(self, kldiv: Kldiv, words: tuple[object, ...], what: str) -> None:
        done = kldiv("inspect", NPY, *words)
        assert (done.code, done.out) == (2, "")
        assert done.err.splitlines()[0] == f"kldiv: error: {what}"


class TestWarnings:
    @pytest.fixture
    def files(self, tmp_path: Path) -> tuple[str, str, str]:
        """Rows with NaN and +inf, integers, and nothing wrong."""
        arrays = {
            "bad": np.array([[0.5, -1.0], [np.inf, 0.0], [np.nan, 2.0], [-np.inf, -np.inf]]),
            "tokens": np.array([[3, 17, 5], [2, 900, 4]]),
            "fine": np.array([[0.5, -1.0], [-np.inf, -np.inf]]),
        }
        for name, array in arrays.items():
            np.save(tmp_path / f"{name}.npy", array)
        bad, tokens, fine = (str(tmp_path / f"{name}.npy") for name in arrays)
        return bad, tokens, fine

    def said(self, bad: str, tokens: str) -> tuple[str, str]:
        rows = (
            f"{bad}: row 1 holds NaN or +inf, and no distribution under softmax (2 such rows in "
            "all): --nan-policy omit of kldiv compare leaves them out"
        )
        return rows, f"{tokens}: all numbers are integers: are these labels or token ids?"

    def test_what_looks_wrong(self, kldiv: Kldiv, files: tuple[str, str, str]) -> None:
        code, out, err = kldiv("inspect", *files)
        assert code == 0
        assert err == "".join(f"kldiv: warning: {x}\n" for x in self.said(*files[:2]))
        assert kldiv("inspect", *files, "--no-warn") == (0, out, "")
        assert kldiv("inspect", files[2]).err == ""

    def test_strict(self, kldiv: Kldiv, files: tuple[str, str, str]) -> None:
        code, out, err = kldiv("inspect", *files, "--strict", "--format", "json")
        says = self.said(*files[:2])
        advice = "Without --strict this is a warning."
        assert code == 2
        assert err == "".join(f"kldiv: error: {x}\n{advice}\n" for x in says)
        bad, tokens, fine = json.loads(out)
        assert [bad["error"], tokens["error"]] == list(says)
        assert "error" not in fine
        done = kldiv("inspect", files[2], "--strict")
        assert (done.code, done.err) == (0, "")

    def test_strict_and_hidden(self, kldiv: Kldiv) -> None:
        done = kldiv("inspect", "a.npy", "--strict", "--no-warn")
        assert (done.code, done.out) == (2, "")
        assert "--strict makes errors of warnings" in done.err


class TestOutput:
    def test_the_json_is_written_beside_the_table(self, kldiv: Kldiv, tmp_path: Path) -> None:
        path, out = tmp_path / "a.npy", tmp_path / "out.json"
        np.save(path, np.array([[0.5, -1.0]]))
        table = kldiv("inspect", path, tmp_path / "none.npy")
        text = kldiv("inspect", path, tmp_path / "none.npy", "--format", "json").out
        assert kldiv("inspect", path, tmp_path / "none.npy", "-o", out) == table
        assert table.code == 2
        assert out.read_text() == text
        assert sorted(x.name for x in tmp_path.iterdir()) == ["a.npy", "out.json"]

    def test_no_input_is_written_over(self, kldiv: Kldiv, tmp_path: Path) -> None:
        np.save(tmp_path / "a.npy", np.array([[0.5, -1.0]]))
        (tmp_path / "a.npy").rename(tmp_path / "a.json")
        before = (tmp_path / "a.json").read_bytes()
        for name in ("a.json", "*.json"):
            done = kldiv("inspect", tmp_path / name, "-o", tmp_path / "a.json")
            assert (done.code, done.out) == (2, "")
            assert "expected a new output, found one that is an input" in done.err
        assert (tmp_path / "a.json").read_bytes() == before

    def test_other_suffixes(self, kldiv: Kldiv) -> None:
        done = kldiv("inspect", "a.npy", "-o", "out.csv")
        assert (done.code, done.out) == (2, "")
        what, advice = done.err.splitlines()
        assert what == (
            "kldiv: error: out.csv: expected an output named .json, found suffix '.csv'"
        )
        assert advice == "The suffix of --output decides the format."
