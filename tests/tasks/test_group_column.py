"""Groups of a table's column: it is no class, it goes with its row, and the sides agree on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

import kldiv_cli
from kldiv_cli.errors import InputError, KldivError, UsageError
from kldiv_cli.results.groups import Groups

LOGITS = np.random.default_rng(2).normal(size=(6, 3))
OTHERS = LOGITS + np.random.default_rng(3).normal(size=(6, 3)) / 10
SETS = ["web", "book", None, "web", "web", "book"]
IDS = [f"row-{i}" for i in range(6)]


def table(logits: Any, **columns: Any) -> pa.Table:
    """Columns beside one per class."""
    return pa.table({**columns, **{name: logits[:, i] for i, name in enumerate("abc")}})


def write(path: Path, content: pa.Table) -> Path:
    if path.suffix == ".csv":
        pa_csv.write_csv(content, path)
    elif path.suffix == ".feather":
        feather.write_feather(content, path, compression="uncompressed")
    elif path.suffix == ".jsonl":
        path.write_text("".join(f"{json.dumps(row)}\n" for row in content.to_pylist()))
    else:
        pq.write_table(content, path, row_group_size=4)
    return path


def groups_of(*sides: Any, **options: Any) -> Groups:
    found = kldiv_cli.compare(*sides, **options).groups
    assert found is not None
    return found


FORMATS = ["parquet", "csv", "feather", "jsonl"]


@pytest.mark.parametrize("suffix", FORMATS)
class TestFormats:
    def test_a_second_column_of_text(self, suffix: str, tmp_path: Path) -> None:
        reference = write(tmp_path / f"p.{suffix}", table(LOGITS, file=IDS, set=SETS))
        candidate = write(tmp_path / f"q.{suffix}", table(OTHERS, file=IDS, set=SETS))
        with pytest.raises(InputError):
            kldiv_cli.compare(reference, candidate)
        whole = kldiv_cli.compare(reference, candidate, group="set", measure=["kl", "tv"])
        assert whole.groups is not None
        assert whole.paired_by == "id"
        assert whole.class_names == ("a", "b", "c")
        assert whole.groups.by.what == f"column 'set' of {reference}"
        assert whole.groups.of_rows.tolist() == SETS
        alone = kldiv_cli.compare(LOGITS[[0, 3, 4]], OTHERS[[0, 3, 4]], measure=["kl", "tv"])
        found = {group.name: group for group in whole.groups.each}["web"]
        for name, statistics in alone.measures.items():
            assert found.measures[name].values == statistics.values

    def test_the_only_column_of_text_is_then_no_id(self, suffix: str, tmp_path: Path) -> None:
        reference = write(tmp_path / f"p.{suffix}", table(LOGITS, set=SETS))
        whole = kldiv_cli.compare(reference, OTHERS, group="set")
        assert (whole.paired_by, whole.ids) == ("position", None)
        assert groups_of(OTHERS, reference, group="set").of_rows.tolist() == SETS

    def test_numbers_are_labels_too(self, suffix: str, tmp_path: Path) -> None:
        steps = [3, 10, 3, -1, 10, 3]
        reference = write(tmp_path / f"p.{suffix}", table(LOGITS, step=steps))
        candidate = write(tmp_path / f"q.{suffix}", table(OTHERS))
        found = groups_of(reference, candidate, group="step")
        assert found.of_rows.tolist() == list(map(str, steps))

    def test_the_groups_follow_the_ids(self, suffix: str, tmp_path: Path) -> None:
        order = [4, 1, 0, 5, 3, 2]
        shuffled = table(OTHERS, file=IDS, set=SETS).take(order)
        reference = write(tmp_path / f"p.{suffix}", table(LOGITS, file=IDS))
        candidate = write(tmp_path / f"q.{suffix}", shuffled)
        assert groups_of(reference, candidate, group="set").of_rows.tolist() == SETS
        assert groups_of(candidate, reference, group="set").of_rows.tolist() == [
            SETS[i] for i in order
        ]


def test_json_lines_may_begin_without_labels(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    line = '{{"set":{},"a":1,"b":2}}\n'
    path.write_text(line.format("null") * 20_000 + line.format('"web"') * 3)
    each = groups_of(path, path, group="set").each
    assert [(group.name, group.rows) for group in each] == [("web", 3), (None, 20_000)]


@pytest.mark.parametrize(
    ("column", "labels"),
    [
        (pa.array(SETS).dictionary_encode(), SETS),
        (pa.array([True, False, None, True, True, False]), ["true", "false", None]),
        (pa.array([0.5, 2.0, None, 0.5, 0.5, 2.0]), ["0.5", "2", None]),
        (pa.array(["", "x", None, "", "", "x"]), [None, "x", None]),
        (pa.array([None] * 6, pa.null()), [None, None, None]),
        (pa.array(SETS, pa.large_string()), SETS),
    ],
)
def test_types_of_parquet(column: Any, labels: list[str | None], tmp_path: Path) -> None:
    path = write(tmp_path / "p.parquet", table(LOGITS, set=column))
    found = groups_of(path, OTHERS, group="set")
    assert found.of_rows.tolist()[:3] == labels[:3]


def test_beside_a_list_column(tmp_path: Path) -> None:
    content = pa.table({"file": IDS, "set": SETS, "logits": list(LOGITS)})
    path = write(tmp_path / "p.parquet", content)
    assert groups_of(path, OTHERS, group="set").of_rows.tolist() == SETS
    found = groups_of(path, OTHERS, group="set", columns=["logits"])
    assert found.of_rows.tolist() == SETS


def test_beside_named_columns(tmp_path: Path) -> None:
    path = write(tmp_path / "p.csv", table(LOGITS, set=SETS, note=IDS))
    found = kldiv_cli.compare(path, OTHERS[:, :2], group="set", columns=["a", "b"])
    assert found.classes == 2
    assert found.groups is not None
    assert found.groups.of_rows.tolist() == SETS


def test_labels_may_be_the_groups(tmp_path: Path) -> None:
    path = write(tmp_path / "p.parquet", table(LOGITS, y=[0, 1, 2, 0, 0, 1]))
    found = kldiv_cli.compare(path, OTHERS, group="y", labels="y")
    assert found.language is not None
    assert found.groups is not None
    assert found.groups.of_rows.tolist() == list("012001")


def test_a_column_may_be_called_position(tmp_path: Path) -> None:
    path = write(tmp_path / "p.parquet", table(LOGITS, position=[0, 1] * 3))
    found = groups_of(path, OTHERS, group="position")
    assert found.by.what == f"column 'position' of {path}"


def test_many_batches_and_threads_change_nothing(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    s, t = rng.normal(size=(2, 30_000, 20))
    labels = rng.integers(0, 50, 30_000)
    columns = {f"c{i}": s[:, i] for i in range(20)}
    path = write(tmp_path / "p.csv", pa.table({"set": [f"s{i}" for i in labels], **columns}))
    found = [
        groups_of(path, t, group="set", threads=n, measure=m) for n, m in ((1, "kl"), (3, "kl"))
    ]
    assert found[0].of_rows.tolist() == [f"s{i}" for i in labels]
    for one, three in zip(found[0].each, found[1].each, strict=True):
        assert one.measures["kl"].values == three.measures["kl"].values


def test_shards_are_one_table(tmp_path: Path) -> None:
    folder = tmp_path / "shards"
    folder.mkdir()
    whole = table(LOGITS, set=SETS)
    write(folder / "1.parquet", whole.slice(0, 4))
    last = write(folder / "2.parquet", whole.slice(4))
    assert groups_of(folder, OTHERS, group="set").of_rows.tolist() == SETS
    write(last, table(LOGITS).slice(4))
    with pytest.raises(InputError) as caught:
        kldiv_cli.compare(folder, OTHERS, group="set")
    assert caught.value.what == (
        f"{last}: expected column 'set' of groups as in {folder}/1.parquet, found no column of "
        "groups"
    )


class TestErrors:
    def error(self, *sides: Any, **options: Any) -> KldivError:
        with pytest.raises(KldivError) as caught:
            kldiv_cli.compare(*sides, **options)
        return caught.value

    @pytest.mark.parametrize("by", ["position", "id", "lookup"])
    def test_sides_that_disagree(self, by: str, tmp_path: Path) -> None:
        other = ["web", "book", None, "film", "web", "book"]
        extra = {} if by == "position" else {"file": IDS}
        content = table(OTHERS, **extra, set=other)
        reference = write(tmp_path / "p.parquet", table(LOGITS, **extra, set=SETS))
        candidate = write(
            tmp_path / "q.parquet", content.take([1, 0, 2, 5, 4, 3]) if by == "lookup" else content
        )
        error = self.error(reference, candidate, group="set")
        assert isinstance(error, InputError)
        assert error.what == (
            f"{candidate}: expected 'web' in column 'set' beside row 3 of {reference}, as there, "
            "found 'film'"
        )
        assert error.advice == (
            "Rows that are paired need one group: match them by --id, or drop the column from one "
            "side."
        )

    def test_a_column_and_a_class(self, tmp_path: Path) -> None:
        path = write(tmp_path / "p.csv", table(LOGITS))
        error = self.error(path, OTHERS, group="a", columns=["a", "b"])
        assert error.what == f"{path}: column 'a' cannot hold the groups and be a class"
        assert error.advice == "Leave it out of --columns, or name another --group."

    def test_a_column_and_the_id(self, tmp_path: Path) -> None:
        path = write(tmp_path / "p.csv", table(LOGITS, file=IDS))
        error = self.error(path, OTHERS, group="file", id_column="file")
        assert error.what == f"{path}: column 'file' cannot be the row id and hold the groups"
        assert error.advice == "Leave --group out: every row would be a group of its own."

    def test_a_nested_column(self, tmp_path: Path) -> None:
        path = write(tmp_path / "p.parquet", table(LOGITS, set=[[1]] * 6))
        error = self.error(path, OTHERS, group="set")
        assert error.what == (
            f"{path}: expected a label per row in column 'set', found list<element: int64>"
        )
        assert error.advice == "Name another column with --group."

    def test_bytes_that_are_no_text(self, tmp_path: Path) -> None:
        path = write(tmp_path / "p.parquet", table(LOGITS, set=[b"\xff"] * 6))
        error = self.error(path, OTHERS, group="set")
        assert error.what.startswith(f"{path}: ")
        assert "UTF" in error.what

    def test_no_class_is_left(self, tmp_path: Path) -> None:
        path = write(tmp_path / "p.parquet", pa.table({"a": [1.0] * 6}))
        error = self.error(path, OTHERS, group="a")
        assert error.what == (
            f"{path}: expected one numeric column per class, found none (columns: 'a')"
        )

    def test_another_kind_of_label_in_json_lines(self, tmp_path: Path) -> None:
        path = tmp_path / "p.jsonl"
        line = '{{"set":{},"a":1,"b":2}}\n'
        path.write_text(line.format(1) * 20_000 + line.format('"web"'))
        error = self.error(path, path, group="set")
        assert error.what == (
            f"{path}: line 20001: 'set': expected a label like the first, found \"web\""
        )

    def test_a_column_and_a_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = write(tmp_path / "p.csv", table(LOGITS, set=IDS))
        monkeypatch.chdir(tmp_path)
        (tmp_path / "set").write_text("x\n" * 6)
        error = self.error(path, OTHERS, group="set")
        assert isinstance(error, UsageError)
        assert error.what == f"--group: 'set' is a column of {path} and a file"
        assert error.advice == "Say --group ./set for the file, or rename the column."
        assert groups_of(path, OTHERS, group="./set", columns=["a", "b", "c"]).each[0].rows == 6

    @pytest.mark.parametrize("name", ["argmax", "confidence"])
    def test_a_column_and_a_word(self, name: str, tmp_path: Path) -> None:
        path = write(tmp_path / "p.parquet", table(LOGITS, **{name: SETS}))
        error = self.error(path, OTHERS, group=name)
        assert isinstance(error, UsageError)
        assert error.what == f"--group: {name!r} is a column of {path} and a grouping of its own"
        assert error.advice == "Rename the column."


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize(
    ("chosen", "rows"),
    [({"rows": "1:5"}, [1, 2, 3, 4]), ({"limit": 2}, [0, 1]), ({"sample": 3}, None)],
)
def test_some_rows_have_their_own_groups(
    suffix: str, chosen: dict[str, Any], rows: list[int] | None, tmp_path: Path
) -> None:
    path = write(tmp_path / f"p.{suffix}", table(LOGITS, set=SETS))
    found = kldiv_cli.compare(path, OTHERS, group="set", **chosen)
    if rows is None:
        assert found.row_numbers is not None
        rows = found.row_numbers.tolist()
    assert found.groups is not None
    assert found.groups.of_rows.tolist() == [SETS[i] for i in rows]
    for group in found.groups.each:
        assert SETS[group.measures["jeffreys"].max_row] == group.name
    labels = groups_of(LOGITS, OTHERS, group=np.array(IDS), **chosen)
    assert labels.of_rows.tolist() == [IDS[i] for i in rows]
