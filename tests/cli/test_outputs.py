"""`-o`: nothing that was read is written over."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.command import Kldiv

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
