"""`-o`: nothing that was read is written over."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.command import ROOT, Kldiv

ARRAYS = "samples/magika-fp32.npy", "samples/magika-int8.npy"
TABLES = "samples/magika-fp32-24.csv", "samples/magika-int8-24.csv"


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "labels.npy"
    np.save(path, np.zeros(512, dtype=np.int64))
    return path


def assert_refused(kldiv: Kldiv, path: Path, *words: object) -> None:
    before = path.read_bytes()
    done = kldiv("compare", *words, "-o", path)
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        f"kldiv: error: {path}: expected a new output, found one that is an input\n"
        "Name another file.\n"
    )
    assert path.read_bytes() == before


def test_labels_are_not_written_over(kldiv: Kldiv, labels: Path) -> None:
    assert_refused(kldiv, labels, *ARRAYS, "--labels", labels)


def test_labels_behind_a_link_are_not_written_over(kldiv: Kldiv, labels: Path) -> None:
    link = labels.with_name("link.npy")
    link.symlink_to(labels)
    assert_refused(kldiv, link, *ARRAYS, "--labels", labels)


def test_classes_are_not_written_over(kldiv: Kldiv, tmp_path: Path) -> None:
    path = tmp_path / "classes.csv"
    path.write_text("python\ncss\n")
    assert_refused(kldiv, path, *TABLES, "--classes", path)


def test_a_file_is_not_written_over_for_one_of_its_columns(kldiv: Kldiv, tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("kind,at\n" + "".join(f"{i % 2},{i % 3}\n" for i in range(24)))
    for option in ("--group", "--labels", "--classes", "--mask"):
        assert_refused(kldiv, path, *TABLES, option, f"{path}:kind")


def test_a_folder_is_not_written_into_for_one_of_its_columns(kldiv: Kldiv, tmp_path: Path) -> None:
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "1.csv").write_text("kind\n" + "0\n" * 24)
    group = f"{tmp_path / 'labels'}:kind"
    assert kldiv("compare", *TABLES, "--group", group).code == 0
    done = kldiv("compare", *TABLES, "--group", group, "-o", tmp_path / "labels" / "2.csv")
    assert done.code == 2
    assert "expected an output elsewhere, found one in a directory that is an input" in done.err


def test_what_a_glob_of_masks_matches_is_not_written_over(kldiv: Kldiv, tmp_path: Path) -> None:
    for name in ("mask-1.npy", "mask-2.npy"):
        np.save(tmp_path / name, np.ones((256, 1), dtype=bool))
    glob = tmp_path / "mask-*.npy"
    assert kldiv("compare", *ARRAYS, "--mask", glob).code == 0
    assert_refused(kldiv, tmp_path / "mask-2.npy", *ARRAYS, "--mask", glob)


def test_a_folder_called_as_a_column_may_be_written_into(
    kldiv: Kldiv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "table.csv").write_text("a,b,label\n1,2,0\n2,1,1\n")
    (tmp_path / "label").mkdir()
    monkeypatch.chdir(tmp_path)
    words = ("table.csv", "table.csv", "--labels", "label", "-o", "label/rows.csv")
    assert kldiv("compare", *words).code == 0
    assert (tmp_path / "label/rows.csv").read_text().startswith("row,")


def test_a_folder_that_was_removed_is_no_place_for_an_output(tmp_path: Path) -> None:
    inputs = [str(ROOT / name) for name in ARRAYS]
    for output, code in (("x.csv", 2), (str(tmp_path / "x.csv"), 0)):
        command = [sys.executable, "-m", "kldiv_cli", "compare", *inputs, "-o", output]
        remove = 'mkdir -p "$0" && cd "$0" && rmdir "$0" && exec "$@"'
        done = subprocess.run(
            ["/bin/sh", "-c", remove, str(tmp_path / "gone"), *command],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code
        assert done.stderr == (
            "kldiv: error: x.csv: expected a folder to write into, found that this one was "
            "removed\nChange to another folder.\n"
            if code
            else ""
        )
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]


HANGS_UP = """
import os, signal
import kldiv_cli.cli
kldiv_cli.cli.run = lambda: os.kill(os.getpid(), signal.SIGHUP) or 0
from kldiv_cli.__main__ import main
main()
"""


@pytest.mark.parametrize(("before", "code"), [("trap '' HUP; ", 0), ("", 129)])
def test_a_hangup_that_nohup_ignores_stays_ignored(before: str, code: int) -> None:
    command = ["/bin/sh", "-c", before + 'exec "$@"', "sh", sys.executable, "-c", HANGS_UP]
    assert subprocess.run(command, check=False).returncode == code
