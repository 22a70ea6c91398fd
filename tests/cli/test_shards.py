"""Directories and globs on the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.command import Kldiv

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
    assert rest[1:] == whole.out.splitlines()[2:]


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
