"""``kldiv compare --group``."""

from __future__ import annotations

import csv
import json
import math
import os
import sys
from pathlib import Path
from threading import Thread

import numpy as np
import pyarrow.parquet as pq
import pytest

import kldiv_cli
from kldiv_cli.errors import UsageError
from tests.command import Kldiv

MAGIKA = "samples/magika-fp32.npy", "samples/magika-int8.npy"
TABLES = "samples/magika-fp32.parquet", "samples/magika-int8-shuffled.parquet"


def test_the_table(kldiv: Kldiv) -> None:
    code, out, err = kldiv("compare", *TABLES, "--group", "argmax", "--top", 2)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert "groups       75 by argmax p, the reference's top class" in lines
    assert "             2 shown; -o FILE.json or --format json has all" in lines
    at = lines.index("jeffreys (nats), 2 of 75 groups, largest mean first")
    assert lines[at + 1].split() == ["group", "rows", "mean", "median", "max", "same", "argmax"]
    assert lines[at + 2].split() == ["dart", "1", *["0.0551118"] * 3, "100", "%"]
    assert max(map(len, lines)) <= 80


def test_json_has_all_groups(kldiv: Kldiv) -> None:
    code, out, err = kldiv("compare", *MAGIKA, "--group", "argmax", "--format", "json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    top = np.load(MAGIKA[0]).argmax(axis=1)
    assert {group["name"]: group["rows"] for group in found["groups"]} == {
        str(name): count for name, count in zip(*np.unique(top, return_counts=True), strict=True)
    }
    means = [group["measures"]["jeffreys"]["mean"] for group in found["groups"]]
    assert means == sorted(means, reverse=True)


def test_every_row_says_its_group(kldiv: Kldiv, tmp_path: Path) -> None:
    paths = [tmp_path / f"out.{suffix}" for suffix in ("csv", "tsv", "jsonl", "parquet", "json")]
    outputs = [word for path in paths for word in ("-o", path)]
    words = "compare", *TABLES, "--group", "confidence", *outputs, "--stat", "mean"
    assert kldiv(*words).code == 0
    groups = kldiv_cli.compare(*TABLES, group="confidence").groups
    assert groups is not None
    names = groups.of_rows.tolist()
    for path, delimiter in zip(paths, ",\t", strict=False):
        with path.open(newline="", encoding="utf-8") as file:
            records = list(csv.DictReader(file, delimiter=delimiter))
        assert list(records[0]) == ["row", "id", "group", "jeffreys"]
        assert [record["group"] for record in records] == names
    lines = paths[2].read_text().splitlines()
    assert [json.loads(line)["group"] for line in lines] == names
    assert pq.read_table(paths[3])["group"].to_pylist() == names
    assert len(json.loads(paths[4].read_text())["groups"]) == 5


def test_labels_of_a_file(kldiv: Kldiv, tmp_path: Path) -> None:
    path = tmp_path / "sets.txt"
    path.write_text("".join(f"{('web', 'book', '')[i % 3]}\n" for i in range(512)))
    code, out, err = kldiv("compare", *MAGIKA, "--group", path, "--format", "json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found["grouped_by"] == f"labels: {path}"
    values = kldiv_cli.compare(*MAGIKA).values["jeffreys"]
    expected = {name: values[i::3].tolist() for i, name in enumerate(("web", "book", None))}
    assert [group["name"] for group in found["groups"]] == [
        *sorted(("web", "book"), key=lambda name: -np.mean(expected[name])),
        None,
    ]
    for group in found["groups"]:
        rows = expected[group["name"]]
        assert group["rows"] == len(rows)
        assert group["measures"]["jeffreys"]["total"] == pytest.approx(math.fsum(rows), rel=1e-14)
        assert group["measures"]["jeffreys"]["max"] == max(rows)


def test_labels_of_rows_that_are_counted_by_reading(kldiv: Kldiv, tmp_path: Path) -> None:
    tables = [f"samples/magika-{x}-24.csv" for x in ("fp32", "int8")]
    path = tmp_path / "sets.npy"
    np.save(path, np.arange(24) % 2 == 0)
    code, out, err = kldiv("compare", *tables, "--group", path, "--format", "csv")
    assert (code, err) == (0, "")
    assert [line.split(",")[2] for line in out.splitlines()] == ["group", *["True", "False"] * 12]
    np.save(path, np.arange(25))
    code, out, err = kldiv("compare", *tables, "--group", path)
    assert (code, out) == (2, "")
    assert err.startswith(f"kldiv: error: {path}: expected 24 labels, one per row, found 25\n")


def test_labels_of_each_text_are_those_of_its_positions(tmp_path: Path) -> None:
    s, t = np.random.default_rng(5).normal(size=(2, 4, 3, 6))
    found = kldiv_cli.compare(s, t, group=["a", "b", "a", "b"], threads=3)
    assert found.groups is not None
    assert found.groups.by.what == "labels: array"
    assert found.groups.of_rows.tolist() == list("aaabbbaaabbb")
    path = tmp_path / "argmax"
    path.write_text("a\nb\na\nb\n")
    assert kldiv_cli.compare(s, t, group=path).groups is not None


@pytest.mark.skipif(sys.platform == "win32", reason="has no pipes with names")
@pytest.mark.parametrize("name", ["l.txt", "l.npy"])
def test_labels_of_a_pipe(name: str, tmp_path: Path) -> None:
    labels = np.array(["a", "b"] * 12)
    np.save(tmp_path / "l.npy", labels)
    (tmp_path / "l.txt").write_text("\n".join(labels))
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = Thread(target=lambda: pipe.write_bytes((tmp_path / name).read_bytes()))
    writer.start()
    s = np.random.default_rng(6).normal(size=(24, 3))
    found = kldiv_cli.compare(s, s + 1, group=pipe).groups
    writer.join()
    assert found is not None
    assert found.of_rows.tolist() == labels.tolist()


def test_the_labels_are_not_written_over(kldiv: Kldiv, tmp_path: Path) -> None:
    path = tmp_path / "sets.csv"
    path.write_text("a\n" * 512)
    code, out, err = kldiv("compare", *MAGIKA, "--group", path, "-o", path)
    assert (code, out) == (2, "")
    assert "expected a new output, found one that is an input" in err
    assert path.read_text() == "a\n" * 512


ONE_NUMBER = """\
--stat prints one number, and none of --group's
Leave one of the two out, or write the groups with -o FILE.json."""
SIGMOID = """\
--group confidence is the probability of the top class, and under sigmoid every cell is a \
distribution of its own
Leave it out, or say --mode softmax."""
ONE_AXIS = """\
--group position is the index along the last axis of rows, and these rows have one axis
It is for arrays such as (text, position, class); --row-axes says which are rows."""

NOTHING = """\
--group: expected argmax, confidence, position, a column or a file, found 'class', which neither \
input has as a column
A file holds one label per row: a line of text each, or an .npy array."""


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("--group", "argmax", "--stat", "mean"), ONE_NUMBER),
        (("--group", "confidence", "--mode", "sigmoid"), SIGMOID),
        (("--group", "position"), ONE_AXIS),
        (("--group", "class"), NOTHING),
    ],
)
def test_what_cannot_be_grouped(words: tuple[str, ...], error: str, kldiv: Kldiv) -> None:
    assert kldiv("compare", *MAGIKA, *words) == (2, "", f"kldiv: error: {error}\n")


def test_a_name_that_no_file_can_have(kldiv: Kldiv) -> None:
    code, out, err = kldiv("compare", *MAGIKA, "--group", "x" * 5000)
    assert (code, out) == (2, "")
    assert err.startswith("kldiv: error: --group: expected argmax, confidence, position, a column")
    with pytest.raises(UsageError):
        kldiv_cli.compare([[1.0, 2.0]], [[1.0, 3.0]], group="nul\0")
