"""Folders that `save_to_disk` of Hugging Face's datasets wrote."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kldiv_cli import compare
from kldiv_cli.errors import InputError, UnclearError
from kldiv_cli.sources.base import Layout
from kldiv_cli.sources.formats.opening import files_of, open_source
from tests.command import ROOT, Kldiv
from tests.sources.test_parquet import read

CASES = ROOT / "tests" / "cases"
SAVED = ROOT / "tests" / "sources" / "foreign_files" / "dataset"
LOGITS = np.load(CASES / "right_p.npy").tolist()
NAMES = [f"text {number}" for number in range(len(LOGITS))]
FILES = [f"data-{number:05}-of-00003.arrow" for number in range(3)]


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A dataset that may be changed."""
    folder = tmp_path / "saved"
    shutil.copytree(SAVED, folder)
    return folder


def state(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = folder / "state.json"
    found = json.loads(path.read_text())
    change(found)
    path.write_text(json.dumps(found))


def refusal(folder: Path) -> InputError:
    with pytest.raises(InputError) as caught:
        open_source(folder, Layout())
    assert caught.value.what.startswith(f"{folder}")
    assert "\n" not in caught.value.what
    return caught.value


def test_its_files_are_one_input(kldiv: Kldiv) -> None:
    source = open_source(SAVED, Layout())
    assert (source.format, source.id_name, source.class_shape) == ("arrow", "name", (11,))
    assert source.shards is not None
    assert (source.shards.count, source.shards.passed_over) == (3, ())
    for rows in (1, 4, 10):
        assert read(SAVED, rows=rows) == (LOGITS, NAMES)
    code, out, err = kldiv("compare", SAVED, CASES / "right_q.npy")
    assert (code, err) == (0, "")
    assert f"reference p  {SAVED}  arrow float64 6 x 11 in 3 files\n" in out
    assert "left out: 'label' (the file says that it holds labels)\n" in out


def test_the_order_is_that_of_its_list(saved: Path) -> None:
    state(saved, lambda found: found["_data_files"].reverse())
    assert read(saved)[1] == [*NAMES[4:], *NAMES[2:4], *NAMES[:2]]
    found = compare(SAVED, saved).measures["jeffreys"]
    assert found["max"] == 0


def test_what_is_not_listed_is_no_part_and_is_said(saved: Path, kldiv: Kldiv) -> None:
    (saved / "cache-0123.arrow").write_bytes(b"")
    (saved / FILES[2]).rename(saved / "tmp.arrow")
    state(saved, lambda found: found["_data_files"].pop())
    assert read(saved) == (LOGITS[:4], NAMES[:4])
    out = kldiv("inspect", saved).out
    assert "in 2 files without 'cache-0123.arrow', 'tmp.arrow'" in " ".join(out.split())
    assert list(files_of(str(saved))) == [str(saved / name) for name in FILES[:2]]


def test_of_several_splits_one_is_named(saved: Path, tmp_path: Path) -> None:
    both = tmp_path / "it's both"
    both.mkdir()
    for name in ("train", "test"):
        shutil.copytree(saved, both / name)
    (both / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    found = refusal(both)
    assert isinstance(found, UnclearError)
    assert found.what == f"{both}: expected a dataset, found 2 splits: 'train', 'test'"
    quoted = str(both).replace("'", "'\"'\"'")
    assert found.advice == f"Name one of them: '{quoted}/train' or '{quoted}/test'"
    assert read(both / "test") == (LOGITS, NAMES)


def test_a_missing_file_is_named(saved: Path) -> None:
    (saved / FILES[1]).unlink()
    assert refusal(saved).what == (
        f"{saved}: expected the files of state.json, found no '{FILES[1]}'"
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda x: x.update(_data_files=[]), "expected the files of state.json, found none"),
        (lambda x: x.update(_data_files=7), "found no list of files"),
        (lambda x: x.update(_data_files=[{"name": "x"}]), "found no list of files"),
        (lambda x: x.update(_data_files=[{"filename": 3}]), "found the name '3'"),
        (lambda x: x.update(_data_files=[{"filename": "../x.arrow"}]), "the name '../x.arrow'"),
        (lambda x: x["_data_files"].append(x["_data_files"][0]), f"found '{FILES[0]}' again"),
        (lambda x: x.update(_indices_data_files=[{"filename": "i"}]), "one with an index of them"),
    ],
)
def test_a_list_that_is_none_is_told(
    saved: Path, change: Callable[[dict[str, Any]], None], said: str
) -> None:
    state(saved, change)
    assert said in refusal(saved).what


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff", b"[" * 100_000])
@pytest.mark.parametrize("name", ["state.json", "dataset_dict.json"])
def test_what_describes_it_may_be_damaged(saved: Path, name: str, content: bytes) -> None:
    (saved / name).write_bytes(content)
    found = refusal(saved)
    assert f"{name}: expected what datasets writes about its files, found no JSON" in found.what


def test_another_state_makes_no_dataset(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text('{"epoch": 3}')
    np.save(tmp_path / "x.npy", np.ones((2, 3)))
    with pytest.raises(InputError):
        read(tmp_path)
