from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from kldiv_cli.errors import InputError
from kldiv_cli.sources.base import Layout
from kldiv_cli.sources.base.columns import Columns
from kldiv_cli.sources.formats.opening import open_source
from kldiv_cli.sources.tables.roles import assign
from kldiv_cli.sources.tables.table import TableSource

LOGITS = [[1.5, 2.5], [0.5, -1.5], [3.5, 4.5]]


def roles(columns: Mapping[str, Any], layout: Layout | None = None) -> Columns:
    """Assign the roles of a table in memory, as a Parquet file would give it."""
    batch = pa.RecordBatch.from_pydict(dict(columns))
    return assign("x.parquet", batch.schema, values_of(batch), layout or Layout())


def values_of(batch: pa.RecordBatch) -> Callable[[str], Any]:
    return lambda name: batch.column(name).to_numpy(zero_copy_only=False)


def roles_of_csv(folder: Path, text: str, layout: Layout | None = None) -> Columns:
    path = folder / "x.csv"
    path.write_text(text)
    source = open_source(path, layout or Layout())
    assert isinstance(source, TableSource)
    return source.columns


def complaint(columns: Mapping[str, Any], layout: Layout | None = None) -> str:
    with pytest.raises(InputError) as caught:
        roles(columns, layout)
    assert caught.value.what.startswith("x.parquet: ")
    assert caught.value.advice
    return caught.value.what


def test_all_numeric_columns_are_classes() -> None:
    found = roles({"a": [1, 2], "b": [0.5, 1.5]})
    assert found == Columns((), ("a", "b"), None, (), integers=("a",))


@pytest.mark.parametrize("place", [0, 1, 2], ids=["first", "middle", "last"])
def test_the_only_column_that_is_not_numeric_is_the_id(place: int) -> None:
    columns: list[tuple[str, list[Any]]] = [("a", [1, 2]), ("b", [0.5, 1.5])]
    columns.insert(place, ("file", ["x", "y"]))
    found = roles(dict(columns))
    assert (found.id, found.classes) == ("file", ("a", "b"))
    assert found.notes == ("row id: column 'file', the only one that is not numeric",)


@pytest.mark.parametrize("name", ["id", "idx", "index", "row", "row_id"])
@pytest.mark.parametrize("case", [str.lower, str.upper, str.title], ids=["lower", "upper", "title"])
@pytest.mark.parametrize("values", [[0, 1, 2], [17, 3, 99]], ids=["counting", "any"])
def test_a_numeric_column_with_the_name_of_an_index_is_the_id(
    name: str, case: Any, values: list[float]
) -> None:
    name = case(name)
    found = roles({"a": [1.5, 2.5, 3.5], name: values, "b": [1, 2, 3]})
    assert (found.id, found.classes) == (name, ("a", "b"))
    assert found.notes == (f"row id: column {name!r}, which numbers the rows",)


@pytest.mark.parametrize(
    "values", [[3.0, 1.0, 2.0], [0, 1, 0]], ids=["no-integers", "more-than-once"]
)
def test_what_does_not_tell_rows_apart_is_no_index(values: list[float]) -> None:
    found = roles({"a": [1.5, 2.5, 3.5], "index": values})
    assert (found.id, found.classes) == (None, ("a", "index"))


@pytest.mark.parametrize("name", ["ids", "my_id", "rows", "identity", "key", "i"])
def test_other_names_are_classes(name: str) -> None:
    found = roles({name: [0, 1], "b": [1, 2]})
    assert (found.id, found.classes) == (None, (name, "b"))


@pytest.mark.parametrize("name", ["", "Unnamed: 0", "__index_level_0__"])
def test_the_index_that_pandas_wrote_is_the_id(name: str) -> None:
    found = roles({name: [0, 1, 2], "a": [1.5, 2.5, 3.5], "b": [1.5, 2.5, 3.5]})
    assert (found.id, found.classes) == (name, ("a", "b"))


@pytest.mark.parametrize(
    "index", [[0, 1, 2], [0, 7, 42], [2, 0, 1]], ids=["counting", "filtered", "shuffled"]
)
def test_the_index_that_pandas_wrote_to_parquet_stands_last(index: list[int]) -> None:
    """A plain 0, 1, 2, ... pandas keeps as metadata; it writes this column when rows have moved."""
    table = {"a": [1.5, 2.5, 3.5], "b": [1.5, 2.5, 3.5], "__index_level_0__": index}
    found = roles(table)
    assert (found.id, found.classes) == ("__index_level_0__", ("a", "b"))


def test_the_unnamed_index_of_pandas_csv_is_the_id(tmp_path: Path) -> None:
    found = roles_of_csv(tmp_path, ",a,b\n0,1.5,2.5\n1,0.5,-1.5\n2,3.5,4.5\n")
    assert (found.id, found.classes) == ("", ("a", "b"))
    assert found.notes == ("row id: column '', which numbers the rows",)


def test_an_unnamed_text_index_is_the_id(tmp_path: Path) -> None:
    found = roles_of_csv(tmp_path, ",a,b\nx.txt,1.5,2.5\ny.txt,0.5,-1.5\n")
    assert (found.id, found.classes) == ("", ("a", "b"))


def test_an_unnamed_index_beside_a_text_id_is_left_out(tmp_path: Path) -> None:
    found = roles_of_csv(tmp_path, ",file,a,b\n0,x,1.5,2.5\n1,y,0.5,-1.5\n")
    assert (found.id, found.classes) == ("file", ("a", "b"))
    assert "column '' left out: it numbers the rows" in found.notes


@pytest.mark.parametrize("first", ["5,3", "2,1"], ids=["any", "shuffled"])
def test_an_unnamed_column_that_does_not_count_is_unclear(tmp_path: Path, first: str) -> None:
    a, b = first.split(",")
    text = f",a,b\n{a},1.5,2.5\n{b},0.5,-1.5\n"
    for layout in (Layout(), Layout(columns=("a", "b"))):
        found = roles_of_csv(tmp_path, text, layout)
        assert (found.id, found.classes, found.unclear) == (None, ("a", "b"), "")
    found = roles_of_csv(tmp_path, text, Layout(id=("",)))
    assert (found.id, found.classes) == ("", ("a", "b"))
    found = roles_of_csv(tmp_path, text, Layout(columns=("", "a", "b")))
    assert (found.id, found.classes, found.unclear) == (None, ("", "a", "b"), None)
    found = roles_of_csv(tmp_path, text, Layout(columns=("*",)))
    assert (found.id, found.classes, found.unclear) == (None, ("", "a", "b"), None)


def test_an_unnamed_column_is_unclear_beside_classes_of_integers_too(tmp_path: Path) -> None:
    assert roles_of_csv(tmp_path, ",a,b\n5,1,2\n3,3,4\n").unclear == ""


def test_rows_that_r_names_are_an_index(tmp_path: Path) -> None:
    found = roles_of_csv(tmp_path, '"","a","b"\n"1",1.5,2.5\n"2",0.5,-1.5\n')
    assert (found.id, found.classes) == ("", ("a", "b"))


def test_a_column_half_of_whose_cells_are_numbers_is_a_class(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\noops,4\n")
    with pytest.raises(InputError, match="line 3, column 'a': expected a number, found 'oops'"):
        list(open_source(path, Layout()).blocks(10))


def test_an_unnamed_column_elsewhere_is_a_class(tmp_path: Path) -> None:
    found = roles_of_csv(tmp_path, "a,,b\n1.5,0,2.5\n0.5,1,-1.5\n")
    assert (found.id, found.classes) == (None, ("a", "", "b"))


@pytest.mark.parametrize("index", ["index", "ID", "row"])
def test_an_index_beside_a_text_id_is_left_out_with_a_note(index: str) -> None:
    found = roles({"file": ["x", "y"], index: [0, 1], "a": [1.5, 2.5]})
    assert (found.id, found.classes) == ("file", ("a",))
    assert found.notes == (
        "row id: column 'file', the only one that is not numeric",
        f"column {index!r} left out: it numbers the rows",
    )


def test_two_indices_need_to_be_told_apart() -> None:
    table = {"idx": [1, 0], "row": [0, 1], "a": [1.5, 2.5]}
    assert complaint(table).endswith("expected one row id, found 'idx', 'row'")
    found = roles(table, Layout(id=("idx",)))
    assert (found.id, found.classes) == ("idx", ("a",))
    assert found.notes[1] == "column 'row' left out: it numbers the rows"


def test_id_overrules_what_would_be_found() -> None:
    table = {"id": [0, 1], "key": [5, 6], "a": [1.5, 2.5]}
    found = roles(table, Layout(id=("key",)))
    assert (found.id, found.classes) == ("key", ("a",))
    assert found.notes[0] == "row id: column 'key' (--id)"


def test_columns_overrule_what_would_be_found() -> None:
    table = {"row": [0, 1], "column": [5, 6], "cell": [1.5, 2.5]}
    found = roles(table, Layout(columns=("row", "column")))
    assert (found.id, found.classes, found.notes) == (None, ("row", "column"), ())


def test_columns_keep_the_order_they_are_named_in_and_the_rest_is_not_read() -> None:
    table = {"file": ["x"], "a": [1.5], "b": [2.5], "note": ["n"], "c": [3.5]}
    found = roles(table, Layout(id=("file",), columns=("c", "a")))
    assert (found.id, found.classes) == ("file", ("c", "a"))


def test_columns_alone_leave_the_only_text_column_as_id() -> None:
    found = roles({"file": ["x"], "a": [1.5], "b": [2.5]}, Layout(columns=("b", "a")))
    assert (found.id, found.classes) == ("file", ("b", "a"))


def test_two_text_columns_need_to_be_told_apart() -> None:
    table = {"file": ["x"], "label": ["cat"], "a": [1.5], "b": [2.5]}
    assert "expected at most one column that is not numeric" in complaint(table)
    assert "expected numbers beside the row id 'file'" in complaint(table, Layout(id=("file",)))
    found = roles(table, Layout(columns=("a", "b")))
    assert (found.id, found.classes) == (None, ("a", "b"))
    found = roles(table, Layout(id=("label",), columns=("a", "b")))
    assert (found.id, found.classes) == ("label", ("a", "b"))


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        (Layout(id=("nope",)), "expected column 'nope', found 'file', 'a', 'b'"),
        (Layout(columns=("a", "nope", "no")), "expected column 'nope', 'no', found 'file'"),
        (Layout(columns=("",)), "expected column '', found"),
        (Layout(id=("a",), columns=("a", "b")), "column 'a' cannot be the row id and a class"),
        (Layout(columns=("a", "file")), "expected numbers in class column 'file', found string"),
        (Layout(columns=("a", "a")), "'a'"),
    ],
    ids=["id", "columns", "empty-name", "id-and-class", "text-as-class", "twice"],
)
def test_what_is_asked_must_be_there(layout: Layout, said: str) -> None:
    assert said in complaint({"file": ["x"], "a": [1.5], "b": [2.5]}, layout)


def test_names_that_occur_twice_are_an_error() -> None:
    batch = pa.RecordBatch.from_arrays([pa.array([1.5])] * 4, names=["a", "b", "a", "b"])
    with pytest.raises(InputError, match="expected every column name once, found 'a', 'b' again"):
        assign("x.parquet", batch.schema, values_of(batch), Layout())


def test_names_that_occur_twice_in_a_csv_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected every column name once, found 'a' again"):
        roles_of_csv(tmp_path, "a,a,b\n1,2,3\n")


@pytest.mark.parametrize(
    "columns",
    [{"file": ["x"]}, {"id": [1]}, {"a;b;c": ["1;2;3"]}],
    ids=["text-alone", "index-alone", "semicolons"],
)
def test_a_table_without_classes_is_an_error(columns: Mapping[str, Any]) -> None:
    assert "expected one numeric column per class, found none" in complaint(columns)


def test_a_table_without_columns_is_an_error() -> None:
    schema = pa.schema([])
    with pytest.raises(InputError):
        assign("x.parquet", schema, lambda _: np.empty(0), Layout())


@pytest.mark.parametrize(
    ("bad", "cells"),
    [
        ("oops", ["1.5", "oops", "2.5"]),
        ("oops", ["1.5", "2.5", "oops"]),
        ("oops", ["oops", "1", "2", "3"]),
        ("na", ["1", "2", "na"]),
        ("1'000", ["1e3", "-.5", "+2.", "1'000"]),
        ("oops", ["-inf", "-inf", "-inf", "oops", "-inf"]),
        ("oops", ["nan", "nan", "1.5", "oops"]),
        ("oops", ["inf", "Infinity", "-Inf", "oops"]),
    ],
    ids=["middle", "last", "first", "na", "thousands", "masked", "nan", "infinite"],
)
@pytest.mark.parametrize("with_id", [True, False], ids=["beside-an-id", "alone"])
def test_a_class_with_one_bad_cell_is_not_taken_for_the_id(
    tmp_path: Path, bad: str, cells: list[str], with_id: bool
) -> None:
    header = "key,a,b\n" if with_id else "a,b\n"
    lines = [f"k{i},{cell},1" if with_id else f"{cell},1" for i, cell in enumerate(cells)]
    path = tmp_path / "x.csv"
    path.write_text(header + "\n".join(lines))
    with pytest.raises(InputError) as caught:
        list(open_source(path, Layout()).blocks(10))
    assert caught.value.what == (
        f"{path}: line {2 + cells.index(bad)}, column 'a': expected a number, found {bad!r}"
    )


def test_ids_that_are_mostly_numbers_are_ids_when_named(tmp_path: Path) -> None:
    found = roles_of_csv(tmp_path, "key,a\n1,2\n2,3\nthree,4\n", Layout(id=("key",)))
    assert (found.id, found.classes) == ("key", ("a",))


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        pytest.param(pa.list_(pa.float32()), np.float32, id="list"),
        pytest.param(pa.large_list(pa.float64()), np.float64, id="large-list"),
        pytest.param(pa.list_(pa.float16(), 2), np.float16, id="fixed-size-list"),
        pytest.param(pa.list_(pa.int8()), np.int8, id="list-of-integers"),
    ],
)
def test_a_list_column_holds_the_row(kind: pa.DataType, dtype: type[np.number[Any]]) -> None:
    rows = list(np.array([[1, 2], [3, 4], [5, 6]], dtype))
    columns = {"file": pa.array(["x", "y", "z"]), "index": pa.array([0, 1, 2])}
    found = roles({**columns, "logits": pa.array(rows, kind)})
    assert (found.id, found.classes, found.row) == ("file", (), "logits")


def test_a_list_column_is_not_lost_beside_a_number() -> None:
    """The usual layout of a dataset: taken for the one class, the label would give 0 everywhere."""
    table = {"id": ["x", "y", "z"], "label": [0, 2, 1], "logits": LOGITS}
    try:
        found = roles(table)
    except InputError as error:
        assert "'logits'" in error.what  # noqa: PT017
    else:
        assert (found.row, found.classes) == ("logits", ())
    found = roles(table, Layout(columns=("logits",)))
    assert (found.row, found.classes) == ("logits", ())


def test_two_list_columns_can_be_told_apart() -> None:
    table = {"id": ["x", "y", "z"], "logits": LOGITS, "embedding": LOGITS}
    assert "'embedding'" in complaint(table)
    assert roles(table, Layout(columns=("logits",))).row == "logits"


@pytest.mark.parametrize(
    "cells",
    [[["a"], ["b"]], [{"a": 1}, {"a": 2}], [[[1.0]], [[2.0]]]],
    ids=["lists-of-text", "structs", "lists-of-lists"],
)
def test_what_cannot_be_told_apart_row_by_row_is_no_id(cells: list[Any]) -> None:
    assert "'extra'" in complaint({"extra": cells, "a": [1.5, 2.5]})


def test_a_column_of_nothing_is_a_class() -> None:
    found = roles({"file": ["x", "y"], "a": [1.5, 2.5], "b": [None, None]})
    assert (found.id, found.classes) == ("file", ("a", "b"))
