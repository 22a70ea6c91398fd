"""`kldiv verify` from the outside: exit code, standard output, standard error."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kldiv_cli.measures import _native
from kldiv_cli.measures.identities import IDENTITIES
from kldiv_cli.measures.identities.rows import Rows
from kldiv_cli.results.verification import SelfTest
from kldiv_cli.tasks import identities, verify
from tests.cli.test_startup import MAIN, loaded
from tests.command import Golden, Kldiv

MAGIKA = "samples/magika-fp32.npy", "samples/magika-int8.npy"
PARQUET = "samples/magika-fp32.parquet", "samples/magika-int8-shuffled.parquet"
OCR = "samples/ocr-det-fp32.npy", "samples/ocr-det-int8.npy"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Small inputs, by name."""
    inf = np.inf
    rows = np.array([[2.0, 1, 0, -1], [0, 1, 4, 2], [1, 1, 1, 1]])
    arrays: dict[str, Any] = {
        "p": rows,
        "q": rows + np.array([-0.5, 0.2, -0.3, 1.4]),
        "short": rows[:2],
        "nan": np.where(rows == 4, np.nan, rows),
        "nothing": np.full((3, 4), -inf),
        "plus-inf": [[inf, 1.0], [-inf, 2.0]],
        "disjoint": np.where(np.arange(4) < 2, rows, -inf),
    }
    paths = {name: str(tmp_path / f"{name}.npy") for name in arrays}
    for name, array in arrays.items():
        np.save(paths[name], array)
    return {**paths, "missing": str(tmp_path / "missing.npy")}


SELF_TEST = identities.self_test()


@pytest.fixture
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The built-in rows take a second; tests/measures/test_identities.py is about them."""
    monkeypatch.setattr(verify, "self_test", lambda: SELF_TEST)


def steady(out: str) -> str:
    """The table without what depends on the processor: residuals, and the rows that have them."""
    out = re.sub(r" +\d\.\de-1\d +\d+ ( +\d\.\de-1\d)?", " RESIDUAL ROW ", out)
    return re.sub(r"(?m)^(computed by  ).*;", r"\1KERNELS;", out)


def test_the_built_in_rows_alone(kldiv: Kldiv, golden: Golden) -> None:
    done = kldiv("verify")
    assert (done.code, done.err) == (0, "")
    golden(steady(done.out))
    assert max(map(len, done.out.splitlines())) <= 80
    found = json.loads(kldiv("verify", "--format", "json").out)
    assert list(found) == ["schema", "built_in", "routes", "not_checked", "holds"]
    assert (found["holds"], found["built_in"]["holds"], found["not_checked"]) == (True, True, [])
    assert list(found["built_in"]["identities"]) == list(IDENTITIES)
    assert found["built_in"]["rows"] == SELF_TEST.rows
    assert found["routes"][0] == _native.describe()


def test_the_table_of_a_softmax_sample(kldiv: Kldiv, golden: Golden) -> None:
    done = kldiv("verify", *MAGIKA)
    assert (done.code, done.err) == (0, "")
    golden(steady(done.out))
    assert max(map(len, done.out.splitlines())) <= 80


def test_a_sigmoid_sample(kldiv: Kldiv) -> None:
    done = kldiv("verify", *OCR, "--mode", "sigmoid", "--row-axes", 1)
    assert (done.code, done.err) == (0, "")
    assert "mode         sigmoid, T = 1\nrows         6 counted" in done.out
    assert done.out.count("  ok\n") == len(IDENTITIES)
    assert re.search(r"dDKL/ds \(Theorem 1\) +- +- +\d.\de-\d\d  ok\n", done.out)


def test_tables_paired_by_id(kldiv: Kldiv) -> None:
    done = kldiv("verify", *PARQUET, "--limit", 40, "--temperature", 0.7, "--format", "json")
    assert (done.code, done.err) == (0, "")
    found = json.loads(done.out)
    assert (found["paired_by"], found["temperature"], found["holds"]) == ("id", 0.7, True)
    assert found["reference"]["id"] == "file"


@pytest.mark.usefixtures("once")
def test_json(kldiv: Kldiv, files: dict[str, str]) -> None:
    done = kldiv("verify", files["p"], files["q"], "--format", "json")
    assert (done.code, done.err) == (0, "")
    found = json.loads(done.out)
    identities = found.pop("identities")
    assert found.pop("built_in")["rows"] == SELF_TEST.rows
    assert found.pop("routes")[0] == _native.describe()
    sides = [found.pop("reference"), found.pop("candidate")]
    assert [side["path"] for side in sides] == [files["p"], files["q"]]
    assert found == {
        "schema": 1,
        "mode": "softmax",
        "temperature": 1.0,
        "nan_policy": "raise",
        "paired_by": "position",
        "rows": 3,
        "skipped": 0,
        "invalid": 0,
        "holds": True,
        "not_checked": [],
        "warnings": [],
    }
    assert list(identities) == list(IDENTITIES)
    for name, identity in identities.items():
        assert identity["statement"] == IDENTITIES[name].description
        assert 0 <= identity["residual"] <= identity["tolerance"] == 2e-14
        assert identity["loosest"] >= 2e-14
        assert (identity["rows"], identity["holds"]) == (3, True)
        assert identity["max_row"] in range(3)


@pytest.mark.usefixtures("once")
@pytest.mark.parametrize("report", ["table", "json"])
def test_a_failing_identity_is_exit_code_1(
    report: str, kldiv: Kldiv, files: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    right = Rows.measured
    monkeypatch.setattr(
        Rows, "measured", lambda self, name: [x * [1, 1.5, 1] for x in right(self, name)]
    )
    measured = [name for name in IDENTITIES if IDENTITIES[name].measures and name != "excess"]
    measured += ["smoothed", "distillation", "distillation-at-4"]
    done = kldiv("verify", files["p"], files["q"], "--format", report)
    assert (done.code, done.err) == (1, "")
    if report == "json":
        found = json.loads(done.out)
        assert not found["holds"]
        failed = [name for name, x in found["identities"].items() if not x["holds"]]
        assert failed == sorted(measured, key=list(IDENTITIES).index)
        assert found["built_in"]["holds"]
        return
    assert done.out.count("  FAILED\n") == len(measured)
    assert done.out.count("  ok\n") == len(IDENTITIES) - len(measured)
    assert "FAILED: <p-q, s-t> = KL(p||q) + KL(q||p): row 1\n" in done.out


@pytest.mark.parametrize("words", [[], ["{p}", "{q}"]])
def test_a_failing_built_in_row_is_exit_code_1(
    words: list[str], kldiv: Kldiv, files: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> SelfTest:
        worst = SELF_TEST.findings[0]
        wrong = replace(worst, residual=1e-3, place="built-in row 3 (softmax, logits)")
        return replace(SELF_TEST, findings=(wrong, *SELF_TEST.findings[1:]), unchecked=("toy",))

    monkeypatch.setattr(verify, "self_test", broken)
    monkeypatch.setattr(identities, "self_test", broken)
    done = kldiv("verify", *(word.format(**files) for word in words))
    assert (done.code, done.err) == (1, "")
    assert done.out.count("FAILED") == 2
    assert f"FAILED: {IDENTITIES['kl'].description}: built-in row 3 (softmax, logits)" in done.out
    assert "not checked  toy: no identity is about this measure\n" in done.out


@pytest.mark.usefixtures("once")
def test_rows_that_do_not_count(kldiv: Kldiv, files: dict[str, str]) -> None:
    done = kldiv("verify", files["nan"], files["q"], "--nan-policy", "omit")
    assert (done.code, done.err) == (0, "")
    assert "2 counted, paired by position, 0 skipped, 1 invalid (left out)" in done.out
    done = kldiv("verify", files["nan"], files["q"], "--nan-policy", "propagate")
    assert (done.code, done.err) == (1, "")
    assert "2 counted, paired by position, 0 skipped, 1 invalid (fail)" in done.out
    assert re.search(r"Theorem 1\) +nan +1 +\d.\de-\d\d  FAILED\n", done.out)
    done = kldiv("verify", files["nan"], files["q"], "--nan-policy", "propagate", "--format=json")
    assert json.loads(done.out)["identities"]["two-classes"]["residual"] == "nan"


@pytest.mark.usefixtures("once")
def test_close_rows_are_said_to_leave_fewer_digits(
    kldiv: Kldiv, files: dict[str, str], tmp_path: Path
) -> None:
    close = tmp_path / "close.npy"
    np.save(close, np.load(files["p"]) * (1 + 1e-6))
    done = kldiv("verify", files["p"], close)
    assert (done.code, done.err) == (0, "")
    assert "fewer digits to check of: H(p,q) - H(p) = KL(p||q) (" in done.out.replace("\n", " ")
    assert "fewer digits" not in kldiv("verify", files["p"], files["q"]).out


@pytest.mark.usefixtures("once")
def test_an_identity_without_rows(kldiv: Kldiv, files: dict[str, str]) -> None:
    done = kldiv("verify", files["disjoint"], files["q"])
    assert (done.code, done.err) == (0, "")
    assert re.search(r"dDKL/ds \(Theorem 1\) +- +- +\d.\de-\d\d  no row\n", done.out)
    done = kldiv("verify", files["disjoint"], files["q"], "--format", "json")
    found = json.loads(done.out)["identities"]["gradient-reference"]
    assert (found["rows"], found["residual"], found["max_row"]) == (0, None, None)


def test_infinite_cells_under_sigmoid(kldiv: Kldiv, files: dict[str, str]) -> None:
    done = kldiv("verify", files["plus-inf"], files["plus-inf"], "--mode", "sigmoid")
    assert done.code == 0
    assert done.err.count("\n") == 1
    assert "hold the same numbers" in done.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["{p}", "{missing}"], "missing.npy: expected a file"),
        (["{p}", "{short}"], "short.npy: expected the same shapes as"),
        (["{nan}", "{q}"], "nan.npy: row 1, class 2: expected a finite logit or -inf, found NaN"),
        (["{nothing}", "{nothing}"], "found none that counts (3 skipped, nothing but -inf;"),
        (["{plus-inf}", "{plus-inf}"], "row 0, class 0: expected a finite logit or -inf"),
        (["{p}", "{q}", "--temperature", "0"], "expected a temperature above 0, found 0"),
        (["{p}", "{q}", "--id", "x"], "--id, --columns and --drop are for tables"),
        (["{p}", "{q}", "--mode", "other"], "Invalid value for '--mode'"),
        (["{p}", "{q}", "--format", "csv"], "Invalid value for '--format'"),
        (["{p}"], "kldiv verify: expected REFERENCE and CANDIDATE, found only the first"),
        (["--mode", "sigmoid"], "expected REFERENCE and CANDIDATE, found neither"),
        (["{p}", "{q}", "--measure", "kl"], "No such option: --measure"),
    ],
)
def test_trouble_is_exit_code_2(
    words: list[str], message: str, kldiv: Kldiv, files: dict[str, str]
) -> None:
    done = kldiv("verify", *(word.format(**files) for word in words))
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("kldiv: error: ")
    assert message in done.err
    assert len(done.err.splitlines()) == 2


def test_help(kldiv: Kldiv) -> None:
    done = kldiv("verify", "--help")
    assert (done.code, done.err) == (0, "")
    assert "Exit code 0: every identity holds; 1: one fails; 2: trouble." in done.out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["verify", "--help"], ["0"]),
        (["verify", "a", "--bogus"], ["2"]),
        (["verify"], ["0", "numpy"]),
        (["verify", *MAGIKA, "--limit", "9"], ["0", "numpy"]),
    ],
    ids=["help", "unknown-option", "built-in", "npy"],
)
def test_what_it_loads(words: list[str], expected: list[str]) -> None:
    assert loaded(MAIN, words) == expected


class TestMask:
    def test_the_table(self, kldiv: Kldiv) -> None:
        text = "samples/ocr-det-text.npy"
        done = kldiv("verify", *OCR, "--mask", text, "--mode", "sigmoid", "--rows", ":128")
        assert (done.code, done.err) == (0, "")
        kept = np.load(text).reshape(-1, 96)[:128]
        rows = int(kept.any(axis=1).sum())
        lines = done.out.splitlines()
        assert max(map(len, lines)) <= 80
        assert lines[2] == "axes         classes on axis 3"
        assert lines[4:8] == [
            "selected     rows 0..127 of 384 (--rows)",
            f"mask         {text}  npy bool 6 x 1 x 64 x 96, true keeps",
            f"masked       {96 * rows - kept.sum()} of {96 * rows} cells in the rows counted",
            "             rows are taken without them",
        ]
        assert lines[8] == (
            f"rows         {rows} counted, paired by position, 0 skipped, 0 invalid, "
            f"{128 - rows} masked"
        )
        assert max(map(len, lines)) <= 80

    def test_json(self, kldiv: Kldiv, tmp_path: Path) -> None:
        np.save(tmp_path / "m.npy", np.arange(512) % 4 == 0)
        words = ("--mask", tmp_path / "m.npy", "--mask-means", "drop", "--format", "json")
        found = json.loads(kldiv("verify", *MAGIKA, *words).out)
        assert (found["rows"], found["masked"], found["holds"]) == (384, 128, True)
        assert found["mask"] == {
            "path": str(tmp_path / "m.npy"),
            "format": "npy",
            "dtype": "bool",
            "shape": [512],
            "notes": [],
            "means": "drop",
            "masked_cells": 0,
            "cells": 384 * 214,
        }
        assert {one["rows"] for one in found["identities"].values()} == {384}

    def test_a_meaning_without_a_mask(self, kldiv: Kldiv) -> None:
        assert kldiv("verify", *MAGIKA, "--mask-means", "drop") == (
            2,
            "",
            (
                "kldiv: error: --mask-means says what a mask means, and there is none\n"
                "Name the mask with --mask FILE, or leave it out.\n"
            ),
        )

    def test_a_mask_that_fits_nowhere(self, kldiv: Kldiv) -> None:
        done = kldiv("verify", *MAGIKA, "--mask", "samples/ocr-det-text.npy")
        assert (done.code, done.out) == (2, "")
        assert "expected a mask that fits the first or the last axes of (512, 214)" in done.err
