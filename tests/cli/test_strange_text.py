"""Text of files and options that is very long, no Unicode, or no name: one short line."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kldiv_cli import compare
from kldiv_cli.errors import InputError, KldivError, shortened
from tests.command import Kldiv

MAGIKA = "samples/magika-fp32.npy", "samples/magika-int8.npy"
LOGITS = np.array([[0.0, 1.0], [2.0, 0.5]])
LOST = os.fsdecode(b"\xff")
"""A byte of a file's name that is no UTF-8."""
LONG = {"letters": "x" * 9000, "words": "some words " * 900, "quotes": "it's " * 1800}


def npy(shape: str) -> bytes:
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text + bytes(16)


@pytest.mark.parametrize("shape", ["(" + "9" * 4400 + ",)", "(" + ("9" * 300 + ",") * 20 + ")"])
def test_lengths_that_python_does_not_write(kldiv: Kldiv, tmp_path: Path, shape: str) -> None:
    path = tmp_path / "x.npy"
    path.write_bytes(npy(shape))
    for command in (["compare", path], ["inspect"]):
        result = kldiv(*command, path)
        assert (result.code, result.out) == (2, "")
        first, advice = result.err.splitlines()
        assert first.startswith(f"kldiv: error: {path}: expected an .npy header, found one that ")
        assert len(first) < 2000
        assert advice == "Write it again with numpy.save(path, logits)."


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
class TestLongText:
    def check(self, call: Callable[[], object], path: Path) -> None:
        with pytest.raises(KldivError) as caught:
            call()
        assert len(caught.value.what) - len(str(path)) < 1100
        assert len(caught.value.advice) < 1600
        assert str(path) in caught.value.what

    @pytest.mark.parametrize(
        "content",
        [
            pytest.param('"{text}",b\n1,2\n2,3\n', id="name.csv"),
            pytest.param('a,b\n1,2\n2,"{text}"\n', id="cell.csv"),
            pytest.param('id,a,b\n"{text}",1,2\n"{text}",1,3\n', id="id.csv"),
            pytest.param('id,a,b\n"{text}",nan,2\n2,1,3\n', id="invalid.csv"),
            pytest.param('{{"{text}":1,"b":2}}\n{{"{text}y":1,"b":2}}\n', id="name.jsonl"),
            pytest.param('{{"{text}":1,"{text}":2}}\n', id="twice.jsonl"),
            pytest.param('{{"id":"{text}","x":[1,2]}}\n' * 2, id="id.jsonl"),
            pytest.param('{{"{text}\\ud800":1}}\n', id="half.jsonl"),
            pytest.param('{{"{text}":[[1,2],["{text}",2]],"b":[[1,2]]}}', id="array.json"),
        ],
    )
    def test_of_a_file(
        self, tmp_path: Path, text: str, content: str, request: pytest.FixtureRequest
    ) -> None:
        path = tmp_path / request.node.callspec.id.rsplit("-", 1)[-1]
        path.write_text(content.format(text=text))
        self.check(lambda: compare(path, path), path)

    def test_of_a_type(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "x.safetensors"
        entry = {"dtype": text, "shape": [2, 2], "data_offsets": [0, 16]}
        header = json.dumps({"logits": entry}).encode()
        path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(16))
        self.check(lambda: compare(path, path), path)

    def test_of_a_column(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "x.parquet"
        pq.write_table(pa.table({"a": [1.0, 2.0], text: ["u", "v"], "c": ["u", "v"]}), path)
        self.check(lambda: compare(path, path), path)

    @pytest.mark.parametrize(
        "option", ["mask", "classes", "group", "labels", "measure", "mode", "rows", "key"]
    )
    def test_of_an_option(self, kldiv: Kldiv, text: str, option: str) -> None:
        code, out, err = kldiv("compare", *MAGIKA, f"--{option}={text}")
        assert (code, out) == (2, "")
        assert max(map(len, err.splitlines())) < 1100

    def test_a_path_is_shown_whole(self, tmp_path: Path, text: str) -> None:
        path = f"{tmp_path}/{'/'.join([text[:200].strip()] * 15)}/x.npy"
        with pytest.raises(InputError) as caught:
            compare(path, path)
        assert caught.value.what.startswith(f"{path}: expected a file")


def test_what_is_short_stays() -> None:
    lists = ", ".join(f"'class {number}'" for number in range(60))
    assert shortened(lists) == lists


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("name.jsonl", '{"\\ud800":1,"b":2}\n'),
        ("id.jsonl", '{"id":"a","a":1,"b":2}\n{"id":"\\udfff","a":1,"b":2}\n'),
        ("late.jsonl", '{"id":"a","x":[1,2]}\n' * 9000 + '{"id":"\\ud83d","x":[1,2]}\n'),
        ("records.json", '[{"\\ud800":1,"b":2}]'),
        ("arrays.json", '{"a\\ud800":[[1,2]],"b":[[1,3]]}'),
    ],
)
def test_half_of_a_character_in_json(kldiv: Kldiv, tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    code, out, err = kldiv("compare", tmp_path / name, tmp_path / name)
    assert (code, out) == (2, "")
    assert "expected text, found half of a character, '\\ud" in err.splitlines()[0]


def test_half_of_a_character_in_safetensors(kldiv: Kldiv, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    entry = {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}
    header = json.dumps({"\ud800": entry}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(16))
    code, out, err = kldiv("inspect", path)
    assert (code, out) == (2, "")
    assert "expected a header in JSON, found one that cannot be read" in err


@pytest.fixture
def lost(tmp_path: Path) -> tuple[Path, Path]:
    """Two folders whose names, and those of the files in them, are no UTF-8."""
    folders = tmp_path / f"p{LOST}", tmp_path / f"q{LOST}"
    for number, folder in enumerate(folders):
        folder.mkdir()
        np.save(folder / f"{LOST}1.npy", LOGITS + number * np.eye(2))
        np.save(folder / f"{LOST}2.npy", LOGITS)
    return folders


@pytest.mark.parametrize("suffix", ["csv", "tsv", "json", "jsonl", "parquet"])
def test_names_that_are_no_utf_8_are_escaped(
    kldiv: Kldiv, lost: tuple[Path, Path], tmp_path: Path, suffix: str
) -> None:
    output = tmp_path / f"o.{suffix}"
    code, _, err = kldiv("compare", *lost, "-o", output)
    assert (code, err) == (0, "")
    if suffix == "parquet":
        assert pq.read_table(output)["file"].to_pylist() == [
            *(["\\udcff1.npy"] * 2),
            *(["\\udcff2.npy"] * 2),
        ]
    else:
        assert "\\udcff" in output.read_text(encoding="utf-8")


@pytest.mark.parametrize("length", [77, 78, 79])
def test_a_measure_with_a_long_name(kldiv: Kldiv, tmp_path: Path, length: int) -> None:
    name = "renyi:2.".ljust(length, "0")
    code, out, err = kldiv("compare", *MAGIKA, "-m", name, "-o", tmp_path / "o.json")
    assert (code, err) == (0, "")
    assert f"{name}  log(sum p^a * q^(1-a)) / " in out
    assert kldiv("measures", name).code == 0


@pytest.mark.parametrize("option", ["classes", "mask", "group", "labels", "output"])
def test_a_name_that_may_not_be_looked_at(
    kldiv: Kldiv, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, option: str
) -> None:
    """Where tests run as root, all may be looked at."""
    name, stat = tmp_path / "closed" / "x.npy", os.stat

    def refuse(path: Any, *words: Any, **more: Any) -> Any:
        if str(path) == str(name):
            raise PermissionError(13, "Permission denied", path)
        return stat(path, *words, **more)

    name.parent.mkdir()
    monkeypatch.setattr(os, "stat", refuse)
    code, out, err = kldiv("compare", *MAGIKA, f"--{option}", name)
    assert (code, out, len(err.splitlines())) == (2, "", 2)
    assert str(name) in err
    assert "ulimit" not in err
