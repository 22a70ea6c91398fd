"""What the commands make of a file's format, and the options that overrule it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kldiv_cli import compare, loss
from kldiv_cli.errors import UsageError
from kldiv_cli.tasks.inspect import inspect
from kldiv_cli.tasks.verify import verify
from tests.command import ROOT, Kldiv

SAMPLES = ROOT / "samples"
FP32, INT8 = SAMPLES / "magika-fp32-24.csv", SAMPLES / "magika-int8-24.csv"
TOTAL = repr(compare(FP32, INT8).measures["jeffreys"]["total"]) + "\n"


def copy(path: Path, to: Path) -> Path:
    shutil.copy(path, to)
    return to


def lines(text: str, *labels: str) -> list[str]:
    """The lines with these labels, and those below them that have none."""
    found, inside = [], False
    for line in text.splitlines():
        inside = line.startswith(labels) or (inside and line.startswith(" "))
        found += [line] if inside else []
    return found


def test_a_wrong_suffix_is_told_in_the_table(kldiv: Kldiv, tmp_path: Path) -> None:
    wrong = copy(SAMPLES / "magika-int8.npy", tmp_path / "x.csv")
    code, out, err = kldiv("compare", SAMPLES / "magika-fp32.npy", wrong)
    assert (code, err) == (0, "")
    assert lines(out, "candidate", "format", "columns") == [
        f"candidate q  {wrong}  npy float32 512 x 214",
        "format       q: npy, as its content says, though its name ends in .csv",
    ]


def test_formats_and_columns_are_told_apart(kldiv: Kldiv, tmp_path: Path) -> None:
    wrong = copy(SAMPLES / "magika-int8-shuffled.parquet", tmp_path / "x.npy")
    right = SAMPLES / "magika-fp32.parquet"
    code, out, err = kldiv("compare", wrong, right)
    assert (code, err) == (0, "")
    shown = [
        "format       p: parquet, as its content says, though its name ends in .npy",
        "columns      p: row id: column 'file', the only one that is not numeric",
        "             q: row id: column 'file', the only one that is not numeric",
        "             214 classes: odt, m3u, ... mht",
    ]
    assert lines(out, "format", "columns") == shown
    assert max(map(len, shown)) <= 80
    code, out, err = kldiv("inspect", wrong)
    assert lines(out, "format", "columns") == [line.replace("p: ", "") for line in shown[:2]]
    code, out, err = kldiv("inspect", wrong, "--format", "json")
    assert [note.split(":")[0] for note in json.loads(out)[0]["notes"]] == ["format", "row id"]
    code, out, err = kldiv("compare", wrong, right, "--format", "markdown")
    assert "parquet, as its content says, though its name ends in .npy" in out


@pytest.mark.parametrize("command", ["compare", "loss torch", "verify"])
def test_every_command_tells_how_it_read_both_sides(
    kldiv: Kldiv, tmp_path: Path, command: str
) -> None:
    wrong = copy(SAMPLES / "magika-int8-shuffled.parquet", tmp_path / "x.npy")
    words = *command.split(), SAMPLES / "magika-fp32.parquet", wrong, "--limit", 9
    done = kldiv(*words)
    assert (done.code, done.err) == (0, "")
    assert lines(done.out, "format", "columns") == [
        "columns      p: row id: column 'file', the only one that is not numeric",
        "format       q: parquet, as its content says, though its name ends in .npy",
        "columns      q: row id: column 'file', the only one that is not numeric",
        "             214 classes: 3gp, ace, ... zlibstream",
    ]
    found = json.loads(kldiv(*words, "--format", "json").out)
    (column,) = found["reference"]["notes"]
    assert column == "row id: column 'file', the only one that is not numeric"
    assert found["candidate"]["notes"] == [
        "format: parquet, as its content says, though its name ends in .npy",
        column,
    ]


def test_a_loss_tells_what_probabilities_were_divided_by(kldiv: Kldiv, tmp_path: Path) -> None:
    np.save(tmp_path / "p.npy", [[0.25, 0.75], [0.5, 0.5 + 2.0**-46]])
    np.save(tmp_path / "q.npy", [[0.5, 0.5], [0.25, 0.75]])
    words = "loss", "torch", tmp_path / "p.npy", tmp_path / "q.npy", "--input", "probs"
    assert lines(kldiv(*words).out, "input") == [
        "input        p: probs, rows sum to 1 within 1.42e-14, divided by their sums",
        "input        q: probs, rows sum to 1 within 0, divided by their sums",
    ]


@pytest.mark.parametrize("command", ["compare", "loss torch", "verify"])
def test_every_command_tells_what_a_file_of_llama_cpp_lacks(kldiv: Kldiv, command: str) -> None:
    files = (SAMPLES / "llamacpp" / name for name in ("tiny-f32.kld", "tiny-Q8_0.kld"))
    words = *command.split(), *files, "--limit", 9
    note = "classes at a row's minimum lie there or below; counted as there"
    assert f"\ncensored     {note}\n" in kldiv(*words).out
    found = json.loads(kldiv(*words, "--format", "json").out)
    assert found["reference"]["notes"] == found["candidate"]["notes"] == [note]


@pytest.fixture
def unnamed(tmp_path: Path) -> tuple[Path, Path]:
    return copy(FP32, tmp_path / "p.txt"), copy(INT8, tmp_path / "q")


BOTH = ("--reference-format", "csv", "--candidate-format", "csv")


def test_a_format_is_said_of_either_side(kldiv: Kldiv, unnamed: tuple[Path, Path]) -> None:
    p, q = unnamed
    assert kldiv("compare", p, q, *BOTH, "--stat", "total") == (0, TOTAL, "")
    assert kldiv("compare", p, INT8, *BOTH[:2], "--stat", "total") == (0, TOTAL, "")
    assert kldiv("compare", FP32, q, *BOTH[2:], "--stat", "total") == (0, TOTAL, "")
    found = compare(p, q, reference_format="csv", candidate_format="csv")
    assert repr(found.measures["jeffreys"]["total"]) + "\n" == TOTAL


def test_one_side_is_not_taken_for_the_other(kldiv: Kldiv, unnamed: tuple[Path, Path]) -> None:
    for words, unknown, option in (
        (BOTH[:2], unnamed[1], "--candidate-format"),
        (BOTH[2:], unnamed[0], "--reference-format"),
    ):
        code, out, err = kldiv("compare", *unnamed, *words)
        assert (code, out) == (2, "")
        assert err.startswith(f"kldiv: error: {unknown}: expected logits that content or suffix")
        assert err.splitlines()[1].startswith(f"Say what it is with {option}: npy, ")


@pytest.mark.parametrize("words", [("verify",), ("loss", "torch"), ("loss", "globalpointer")])
def test_other_commands_take_formats(
    kldiv: Kldiv, unnamed: tuple[Path, Path], words: tuple[str, ...]
) -> None:
    few = "--limit", 9, "--format", "json"
    found = kldiv(*words, *unnamed, *BOTH, *few)
    expected = kldiv(*words, FP32, INT8, *few)
    assert (found.code, found.err) == (0, expected.err)
    results = [json.loads(run.out) for run in (found, expected)]
    for result in results:
        del result["reference"], result["candidate"]
    assert results[0] == results[1]


def test_labels_are_looked_up_in_a_reference_of_the_format_that_is_said(
    kldiv: Kldiv, tmp_path: Path
) -> None:
    path = tmp_path / "p.txt"
    path.write_text("a,b,label\n0.5,1.5,0\n2,1,1\n")
    other = tmp_path / "q.npy"
    np.save(other, np.array([[1.0, 0.5], [0.25, 2.0]]))
    words = ("loss", "dkd", "--labels", "label", "--format", "json")
    found = kldiv(*words, path, other, "--reference-format", "csv")
    named = copy(path, tmp_path / "p.csv")
    assert (found.code, found.err) == (0, "")
    assert json.loads(found.out)["value"] == json.loads(kldiv(*words, named, other).out)["value"]


def test_inspect_takes_a_format(kldiv: Kldiv, unnamed: tuple[Path, Path]) -> None:
    code, out, err = kldiv("inspect", *unnamed, "--input-format", "csv")
    assert (code, err) == (0, "")
    assert f"{unnamed[0]}  csv float64 24 x 214" in out
    assert f"{unnamed[1]}  csv float64 24 x 214" in out


def test_a_wrong_format_is_refused_beside_what_the_file_is(kldiv: Kldiv) -> None:
    code, out, err = kldiv("compare", FP32, INT8, "--candidate-format", "npy")
    assert (code, out) == (2, "")
    assert err == (
        f"kldiv: error: {INT8}: expected npy, as --candidate-format says, found text\n"
        "Leave --candidate-format out: most files say themselves what they are.\n"
    )


def test_an_unknown_format_is_refused(kldiv: Kldiv) -> None:
    code, out, err = kldiv("compare", FP32, INT8, "--candidate-format", "xls")
    assert (code, out) == (2, "")
    assert "--candidate-format" in err
    assert "'xls' is not one of 'npy', 'csv'" in err
    with pytest.raises(UsageError, match="no format is called 'xls'"):
        compare(FP32, INT8, reference_format="xls")


@pytest.mark.parametrize("run", [compare, verify, lambda *a, **b: loss("torch", *a, **b)])
@pytest.mark.parametrize("side", ["reference", "candidate"])
def test_a_format_of_an_array_is_refused(run: Callable[..., object], side: str) -> None:
    with pytest.raises(UsageError, match="format 'npy' is for a file, and the input is an array"):
        run(np.ones((2, 3)), np.ones((2, 3)), **{f"{side}_format": "npy"})
    with pytest.raises(UsageError, match="format 'npy' is for a file, and the input is an array"):
        inspect(np.ones((2, 3)), input_format="npy")
