"""Directories and globs on the command line."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from kldiv_cli import compare
from kldiv_cli.reports.formats import table
from tests.command import Golden, Kldiv

SAMPLES = Path("samples").absolute()


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    """Return a folder with Magika's logits in four files per model."""
    for name in ("fp32", "int8"):
        (tmp_path / name).mkdir()
        whole = np.load(SAMPLES / f"magika-{name}.npy")
        for i, part in enumerate(np.array_split(whole, 4)):
            np.save(tmp_path / name / f"logits-{i * 4}.npy", part)
    return tmp_path


def test_the_table_says_how_many_files(kldiv: Kldiv, shards: Path) -> None:
    (shards / "int8" / "_SUCCESS").touch()
    pair = f"{shards}/fp32/logits-*.npy", f"{shards}/int8/"
    code, out, err = kldiv("compare", *pair)
    assert (code, err) == (0, "")
    head, *rest = out.splitlines()
    assert head == f"reference p  {pair[0]}  npy float32 512 x 214 in 4 files"
    assert rest[0] == f"candidate q  {pair[1]}  npy float32 512 x 214 in 4 files without '_SUCCESS'"
    whole = kldiv("compare", SAMPLES / "magika-fp32.npy", SAMPLES / "magika-int8.npy")
    expected = whole.out.replace("paired by position", "of 4 files, paired by name")
    facts, top = ("\n".join(rest[1:]) + "\n").split("\n10 most")
    assert facts == "".join(expected.splitlines(keepends=True)[2:]).partition("\n10 most")[0]
    assert top.splitlines()[1].endswith("row in file  file")


def test_json_says_how_many_files(kldiv: Kldiv, shards: Path) -> None:
    (shards / "int8" / "_SUCCESS").touch()
    found = kldiv("compare", shards / "fp32", shards / "int8", "--format", "json")
    sides = [json.loads(found.out)[side] for side in ("reference", "candidate")]
    assert [(side["shards"], side["passed_over"]) for side in sides] == [(4, []), (4, ["_SUCCESS"])]
    (inspected,) = json.loads(kldiv("inspect", shards / "fp32", "--format", "json").out)
    assert (inspected["shards"], inspected["passed_over"]) == (4, [])


def test_an_output_among_the_inputs_is_refused(kldiv: Kldiv, shards: Path) -> None:
    before = {path: path.stat().st_size for path in shards.rglob("*")}
    inside = shards / "int8" / "out.npy"
    found = kldiv("compare", shards / "fp32", shards / "int8", "-o", inside)
    assert (found.code, found.out) == (2, "")
    assert found.err == (
        f"kldiv: error: {inside}: expected an output elsewhere, found one in a directory that is "
        "an input\nName a file in another folder.\n"
    )
    member = shards / "fp32" / "logits-4.npy"
    found = kldiv("compare", f"{shards}/fp32/*.npy", shards / "int8", "-o", member)
    assert (found.code, found.out) == (2, "")
    assert found.err.startswith(
        f"kldiv: error: {member}: expected a new output, found one that is an input\n"
    )
    assert {path: path.stat().st_size for path in shards.rglob("*")} == before


def test_a_mask_may_be_a_directory_too(kldiv: Kldiv, shards: Path) -> None:
    (shards / "mask").mkdir()
    mask = np.ones((512, 214), bool)
    mask[:, 3] = False
    for i, part in enumerate(np.array_split(mask, 3)):
        np.save(shards / "mask" / f"{i}.npy", part)
    pair = shards / "fp32", shards / "int8", "--mask"
    found = kldiv("compare", *pair, shards / "mask")
    assert f"mask         {shards}/mask  npy bool 512 x 214 in 3 files, true keeps\n" in found.out
    np.save(shards / "whole.npy", mask)
    means = [
        kldiv("compare", *pair, shards / name, "--stat", "mean") for name in ("mask", "whole.npy")
    ]
    assert means[0] == means[1]


def test_too_few_files_may_be_open(shards: Path) -> None:
    limited = (
        "import resource, sys, kldiv_cli.tasks.compare, kldiv_cli.sources.formats.npy; "
        "from kldiv_cli.cli import run; "
        "resource.setrlimit(resource.RLIMIT_NOFILE, (4, 4)); sys.exit(run())"
    )
    words = ("compare", shards / "fp32", shards / "int8", "--threads", "1")
    done = subprocess.run(
        [sys.executable, "-c", limited, *words], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    what, advice = done.stderr.splitlines()
    assert what.startswith(f"kldiv: error: {shards}/")
    assert what.endswith(": expected to open one more file, found: Too many open files")
    assert advice == "Raise their limit (ulimit -n); fewer --threads of kldiv compare need fewer."


@pytest.fixture
def layers(tmp_path: Path) -> Path:
    """Return a folder with layers 0 to 3 in ``p``, 1 to 4 in ``q`` and 0, 1, 3 in ``m``."""
    whole = {name: np.load(SAMPLES / f"magika-{name}.npy") for name in ("fp32", "int8")}
    for side, name, numbers in (("p", "fp32", range(4)), ("q", "int8", range(1, 5))):
        (tmp_path / side).mkdir()
        for i in numbers:
            np.save(tmp_path / side / f"layer_{i}.npy", whole[name][10 * i : 10 * i + 10])
    (tmp_path / "m").mkdir()
    for i in (0, 1, 3):
        np.save(tmp_path / "m" / f"layer_{i}.npy", whole["int8"][10 * i : 10 * i + 10])
    return tmp_path


def test_both_ways_out_of_the_question_lead_out(kldiv: Kldiv, layers: Path) -> None:
    pair = layers / "p", layers / "q"
    code, out, err = kldiv("compare", *pair)
    assert (code, out) == (2, "")
    assert err == (
        f"kldiv: error: {pair[1]}: expected the files of {pair[0]}, found 1 only there "
        "('layer_0.npy') and 1 only here ('layer_4.npy') beside 3 that both have\n"
        "--on-missing skip compares the 3 files that both have, name by name; --by-place pairs all "
        "rows in the order of the files.\n"
    )
    skipped = kldiv("compare", *pair, "--on-missing", "skip", "--stat", "mean")
    whole = SAMPLES / "magika-fp32.npy", SAMPLES / "magika-int8.npy"
    right = kldiv("compare", *whole, "--rows", "10:40", "--stat", "mean")
    assert skipped == right
    assert kldiv("compare", *pair, "--by-place").code == 0


def test_a_missing_file_is_named(kldiv: Kldiv, layers: Path) -> None:
    found = kldiv("compare", layers / "p", layers / "m")
    assert found.code == 2
    assert found.err == (
        f"kldiv: error: {layers}/m: expected the files of {layers}/p, found 1 only there "
        "('layer_2.npy') beside 3 that both have\n"
        "--on-missing skip compares the 3 files that both have, name by name.\n"
    )


@pytest.mark.parametrize(
    ("command", "words"),
    [("compare", ()), ("loss", ()), ("verify", ()), ("compare", ("--rows", "5:25"))],
    ids=["compare", "loss", "verify", "rows"],
)
def test_what_is_said_of_files_that_are_left_out(
    kldiv: Kldiv, golden: Golden, layers: Path, command: str, words: tuple[str, ...]
) -> None:
    name = ("torch",) if command == "loss" else ()
    pair = layers / "p", layers / "q"
    found = kldiv(command, *name, *pair, "--on-missing", "skip", *words)
    assert (found.code, found.err) == (0, "")
    head = found.out.partition("computed by")[0]  # residuals depend on the processor
    golden(head.replace(str(layers), "FOLDER"))


def test_json_names_the_files_that_are_left_out(kldiv: Kldiv, layers: Path) -> None:
    pair = layers / "p", layers / "q", "--on-missing", "skip", "--format", "json"
    found = json.loads(kldiv("compare", *pair).out)
    assert found["members"] == {
        "paired_by": "name",
        "reference": {"what": "file", "count": 4, "left_out": ["layer_0.npy"]},
        "candidate": {"what": "file", "count": 4, "left_out": ["layer_4.npy"]},
    }
    assert found["missing"] == {"only_reference": 10, "only_candidate": 10}
    measure = found["measures"]["jeffreys"]
    row = measure["max_row"]
    assert (measure["max_file"], measure["max_row_in_file"]) == (
        f"layer_{row // 10}.npy",
        row % 10,
    )
    verified = json.loads(kldiv("verify", *pair).out)
    assert verified["members"] == found["members"]
    identity = next(iter(verified["identities"].values()))
    assert identity["max_file"] == f"layer_{identity['max_row'] // 10}.npy"


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_every_row_says_its_file(kldiv: Kldiv, layers: Path, suffix: str) -> None:
    out = layers / f"out.{suffix}"
    pair = layers / "p", layers / "q", "--on-missing", "skip"
    assert kldiv("compare", *pair, "-o", out).code == 0
    if suffix == "csv":
        header, *lines = out.read_text().splitlines()
        assert header == "row,file,row_in_file,jeffreys"
        found = [tuple(line.split(",")[:3]) for line in lines]
    else:
        records = (
            pq.read_table(out).to_pylist()
            if suffix == "parquet"
            else [json.loads(line) for line in out.read_text().splitlines()]
        )
        found = [(str(x["row"]), x["file"], str(x["row_in_file"])) for x in records]
    assert found == [(str(i), f"layer_{i // 10}.npy", str(i % 10)) for i in range(10, 40)]


def test_the_most_divergent_rows_say_their_file(kldiv: Kldiv, layers: Path) -> None:
    found = kldiv("compare", layers / "p", layers / "q", "--on-missing", "skip", "--top", "2").out
    header, *rows = found.splitlines()[-3:]
    assert header.split("  ")[-2:] == ["row in file", "file"]
    for row in rows:
        number, *_, inside, name = row.split()
        assert (name, inside) == (f"layer_{int(number) // 10}.npy", str(int(number) % 10))


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("width", [50, 80])
def test_names_of_files_fold_on_a_terminal(
    layers: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    stream = Terminal()
    table.write(compare(layers / "p", layers / "q", on_missing="skip"), stream)
    plain = re.sub(r"\x1b\[[\d;]*m", "", stream.getvalue())
    assert max(map(len, plain.splitlines())) <= width
    assert "…" not in plain
