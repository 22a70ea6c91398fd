"""What options and the file say of columns, before their content is looked at."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kldiv_cli.errors import InputError
from kldiv_cli.sources.base import Layout
from kldiv_cli.sources.base.columns import Columns
from kldiv_cli.sources.formats.opening import open_source
from kldiv_cli.sources.tables.roles import assign
from kldiv_cli.sources.tables.roles.named import columns_named

NAMES = ["id", "a", "b", "c", "logit_1", "logit_2", "a,b", "x*", "p..q", ""]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["a"], ["a"]),
        (["c,a"], ["c", "a"]),
        (["c", "a"], ["c", "a"]),
        (["a,b"], ["a,b"]),
        (["c,a,b"], ["c", "a", "b"]),
        (["x*"], ["x*"]),
        (["logit_*"], ["logit_1", "logit_2"]),
        (["[ab]"], ["a", "b"]),
        (["a..c"], ["a", "b", "c"]),
        (["c..logit_1,a"], ["c", "logit_1", "a"]),
        (["p..q"], ["p..q"]),
        (["a..p..q"], NAMES[1:9]),
        (["b..b"], ["b"]),
        (["a,a..b,*_1"], ["a", "b", "logit_1"]),
        ([""], [""]),
        (["*"], NAMES),
    ],
    ids=repr,
)
def test_exact_names_come_first_then_globs_and_ranges(
    texts: Sequence[str], expected: Sequence[str]
) -> None:
    found = columns_named(texts, NAMES)
    assert (list(found.columns), found.unmatched) == (list(expected), ())


def test_a_name_with_a_comma_among_others() -> None:
    names = ["yes", "no, never", "maybe"]
    assert columns_named(["maybe,no, never"], names).columns == ("maybe", "no, never")


@pytest.mark.parametrize("text", ["d", "A", "z*", "c..a", "a..z"])
def test_what_names_nothing(text: str) -> None:
    assert columns_named([text, "a"], NAMES) == (("a",), frozenset({"a"}), (text,))


def test_globs_take_what_they_may_and_ends_of_ranges_are_exact() -> None:
    found = columns_named(["a..c", "*"], NAMES, {"b", "logit_1"})
    assert (found.columns, found.exact) == (("a", "b", "c", "logit_1"), frozenset("ac"))


def roles(columns: Mapping[str, Any], metadata: Any = None, /, **said: Any) -> Columns:
    batch = pa.RecordBatch.from_pydict(dict(columns))
    schema = batch.schema.with_metadata(metadata)
    return assign(
        "x.parquet", schema, lambda name: batch.column(name).to_numpy(False), Layout(**said)
    )


def complaint(columns: Mapping[str, Any], /, **said: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        roles(columns, **said)
    return caught.value


TABLE = {
    "sample_id": [10, 11, 12],
    "a": [0.5, 1.5, 2.5],
    "label": [0, 1, 0],
    "b": [0.25, 0.5, 0.75],
    "text": ["x", "y", "z"],
}


class TestOptions:
    def test_drop(self) -> None:
        found = roles(TABLE, drop=("label,sample_id", "t*", "gone"))
        assert (found.ids, found.classes) == ((), ("a", "b"))
        assert found.notes == ("left out: 'label', 'sample_id', 'text' (--drop)",)
        assert found.left_out == ("label", "sample_id", "text")
        assert found.unmatched == ("gone",)

    def test_a_glob_drops_nothing_that_is_named(self) -> None:
        found = roles(TABLE, drop=("*",), id=("text",), columns=("b",))
        assert (found.ids, found.classes) == (("text",), ("b",))

    def test_columns_choose_classes_and_nothing_else(self) -> None:
        table = {"": [0, 1, 2], **TABLE}
        del table["text"]
        found = roles(table, columns=("a", "b"))
        assert (found.ids, found.classes) == (("",), ("a", "b"))
        found = roles(table, columns=("*",), drop=("label",))
        assert (found.ids, found.classes) == (("",), ("sample_id", "a", "b"))
        found = roles(table, columns=("a..b",))
        assert found.classes == ("a", "label", "b")

    def test_what_other_options_take(self) -> None:
        found = roles(TABLE, taken=("label", "gone"), columns=("*",))
        assert found.classes == ("sample_id", "a", "b")
        assert roles(TABLE, taken=("text",), id=("text",)).ids == ("text",)

    def test_ids_of_several_columns(self) -> None:
        found = roles(TABLE, id=("text,sample_id",), drop=("label",))
        assert (found.ids, found.id, found.classes) == (
            ("text", "sample_id"),
            "text,sample_id",
            ("a", "b"),
        )
        assert found.notes[0] == "row id: columns 'text', 'sample_id' (--id)"

    @pytest.mark.parametrize(
        ("said", "what"),
        [
            ({"drop": ("a",), "columns": ("a", "b")}, "'a' cannot be a class and be left out"),
            ({"drop": ("text",), "id": ("text",)}, "'text' cannot be the row id and be left out"),
            ({"drop": ("label",), "group": "label"}, "'label' cannot hold the groups and be left"),
            ({"taken": ("a",), "columns": ("a", "b")}, "'a' cannot hold the labels and be a class"),
            ({"columns": ("logit_*",)}, "expected column 'logit_*', found 'sample_id'"),
            ({"columns": ("b..a",)}, "expected column 'b..a', found 'sample_id'"),
            ({"id": ("text,gone",)}, "expected column 'gone', found 'sample_id'"),
        ],
    )
    def test_contradictions(self, said: dict[str, Any], what: str) -> None:
        assert what in complaint(TABLE, **said).what

    def test_advice_names_columns(self) -> None:
        table = {"two words": ["u", "v", "w"], **TABLE}
        advice = complaint(table).advice
        assert advice.startswith("--id 'two words' names the row id, and --drop text leaves out")
        assert complaint(table, id=("text",)).advice.startswith("--drop 'two words' leaves out")


def pandas(*index: Any) -> dict[str, str]:
    return {"pandas": json.dumps({"index_columns": index, "columns": []})}


class TestPandas:
    def test_one_level(self) -> None:
        found = roles(TABLE, pandas("sample_id"), drop=("label",))
        assert (found.ids, found.classes) == (("sample_id",), ("a", "b"))
        assert found.notes[:2] == (
            "row id: column 'sample_id', the index that the file names",
            "column 'text' left out: it is not numeric",
        )

    def test_several_levels(self) -> None:
        found = roles(TABLE, pandas("text", "label"), drop=("sample_id",))
        assert (found.ids, found.classes) == (("text", "label"), ("a", "b"))

    def test_a_range_stores_no_column(self) -> None:
        index = {"kind": "range", "name": None, "start": 0, "stop": 3, "step": 1}
        found = roles(TABLE, pandas(index))
        assert found.ids == ("text",)

    def test_a_text_is_a_better_id_than_an_index_without_a_name(self) -> None:
        table = {**TABLE, "__index_level_0__": [7, 9, 8]}
        found = roles(table, pandas("__index_level_0__"))
        assert (found.ids, found.left_out) == (("text",), ("__index_level_0__",))
        del table["text"]
        assert roles(table, pandas("__index_level_0__")).ids == ("__index_level_0__",)

    def test_values_that_repeat_identify_nothing(self) -> None:
        found = roles(TABLE, pandas("label"), drop=("text",))
        assert found.ids == ()
        assert found.notes[0] == "column 'label' left out: an index with repeated values"
        assert found.classes == ("sample_id", "a", "b")

    def test_options_overrule_it(self) -> None:
        found = roles(TABLE, pandas("sample_id"), id=("text",))
        assert (found.ids, found.classes) == (("text",), ("a", "label", "b"))
        found = roles(TABLE, pandas("sample_id"), columns=("sample_id", "a"))
        assert (found.ids, found.classes) == (("text",), ("sample_id", "a"))
        found = roles(TABLE, pandas("sample_id"), drop=("sample_id",))
        assert (found.ids, found.classes) == (("text",), ("a", "label", "b"))

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "no JSON",
            "[1, 2]",
            "{}",
            '{"index_columns": 5}',
            '{"index_columns": ["no"]}',
            "[" * 100_000,
        ],
    )
    def test_what_says_nothing(self, text: str) -> None:
        found = roles(TABLE, {"pandas": text, "huggingface": text})
        assert (found.ids, found.classes) == (("text",), ("sample_id", "a", "label", "b"))


def test_labels_of_hugging_face_are_no_classes() -> None:
    features = {
        "label": {"names": ["no", "yes"], "_type": "ClassLabel"},
        "logits": {"feature": {"dtype": "float32", "_type": "Value"}, "_type": "List"},
    }
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    found = roles({"label": [0, 1], "logits": [[0.5, 1.5], [2.5, 3.5]]}, metadata)
    assert (found.row, found.classes) == ("logits", ())
    assert found.notes == ("left out: 'label' (the file says that it holds labels)",)
    found = roles(TABLE, metadata)
    assert (found.classes, found.left_out) == (("sample_id", "a", "b"), ("label",))
    assert roles(TABLE, metadata, columns=("label", "a")).classes == ("label", "a")


@pytest.mark.parametrize("words", [("True", "False"), ("false", "true"), ("TRUE", "TRUE")])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_true_and_false_identify_no_rows(
    tmp_path: Path, suffix: str, words: tuple[str, str]
) -> None:
    path = tmp_path / f"x.{suffix}"
    if suffix == "csv":
        path.write_text(f"correct,a,b\n{words[0]},0.25,0.5\n{words[1]},0.5,0.75\n")
    else:
        cells = [word.lower() == "true" for word in words]
        pq.write_table(pa.table({"correct": cells, "a": [0.25, 0.5], "b": [0.5, 0.75]}), path)
    with pytest.raises(InputError, match="in column 'correct', found true and false") as caught:
        open_source(path, Layout())
    assert "--drop correct" in caught.value.advice
    assert open_source(path, Layout(drop=("correct",))).class_names == ("a", "b")
    assert open_source(path, Layout(columns=("a", "b"))).id_name is None
    assert open_source(path, Layout(id=("correct",))).id_name == "correct"


@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl", "json", "arrow"])
def test_ids_of_several_columns_are_told_apart(suffix: str, tmp_path: Path) -> None:
    table = {"u": ["a,b", "a", 'q"'], "v": ["c", "b,c", "c"], "x": [0.5, 1.5, 2.5]}
    path = tmp_path / f"x.{suffix}"
    if suffix == "parquet":
        pq.write_table(pa.table(table), path)
    elif suffix == "arrow":
        with pa.ipc.new_file(str(path), pa.table(table).schema) as writer:
            writer.write_table(pa.table(table))
    elif suffix == "csv":
        path.write_text('u,v,x\n"a,b",c,0.5\na,"b,c",1.5\n"q""",c,2.5\n')
    else:
        records = pa.table(table).to_pylist()
        lines = "\n".join(map(json.dumps, records))
        path.write_text(lines if suffix == "jsonl" else json.dumps(records))
    source = open_source(path, Layout(id=("u", "v")))
    (block,) = source.blocks(10)
    assert block.ids is not None
    assert block.ids.tolist() == ['"a,b",c', 'a,"b,c"', '"q""",c']
    assert (source.id_name, source.class_names) == ("u,v", ("x",))


@pytest.mark.parametrize("suffix", ["jsonl", "json"])
def test_what_is_dropped_may_hold_anything(suffix: str, tmp_path: Path) -> None:
    records: list[dict[str, Any]] = [{"a": 0.5, "b": 1.5, "meta": i} for i in (1, "x", [2], None)]
    path = tmp_path / f"x.{suffix}"
    lines = "\n".join(map(json.dumps, records))
    path.write_text(lines if suffix == "jsonl" else json.dumps(records))
    (block,) = open_source(path, Layout(drop=("meta",))).blocks(10)
    assert block.values.tolist() == [[0.5, 1.5]] * 4
