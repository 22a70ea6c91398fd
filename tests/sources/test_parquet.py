import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kldiv_cli.errors import InputError
from kldiv_cli.sources.base import Layout
from kldiv_cli.sources.formats.opening import open_source

Array = npt.NDArray[Any]

SAMPLES = Path(__file__).parents[2] / "samples"
PYARROW = int(pa.__version__.partition(".")[0])


def save(
    folder: Path, columns: Mapping[str, Any] | pa.Table, name: str = "x.parquet", **options: Any
) -> Path:
    table = columns if isinstance(columns, pa.Table) else pa.table(dict(columns))
    path = folder / name
    with path.open("wb") as file:
        pq.write_table(table, file, **options)
    return path


def read(
    path: Path, layout: Layout | None = None, rows: int = 1000, classes: Sequence[str] | None = None
) -> tuple[list[Any], list[Any]]:
    """Return all values, NaN as None, and all ids."""
    blocks = list(open_source(path, layout or Layout()).blocks(rows, classes))
    assert all(0 < len(block) <= rows for block in blocks)
    values = [row for block in blocks for row in block.values.astype(np.float64).tolist()]
    ids = [name for block in blocks if block.ids is not None for name in block.ids.tolist()]
    return [[None if isnan(cell) else cell for cell in row] for row in values], ids


def complaint(path: Path, layout: Layout | None = None) -> str:
    with pytest.raises(InputError) as caught:
        read(path, layout)
    assert caught.value.what.startswith(f"{path}: ")
    assert caught.value.advice
    return caught.value.what.removeprefix(f"{path}: ")


def numbers(kind: str, values: Sequence[float | None]) -> pa.Array:
    """Make an Arrow array; float16 needs NumPy's scalars."""
    cells = [None if v is None else np.dtype(kind).type(v).item() for v in values]
    if kind == "float16":
        return pa.array([None if v is None else np.float16(v) for v in values], pa.float16())
    return pa.array(cells, getattr(pa, kind)())


INTEGERS = ("int8", "uint8", "int16", "int32", "uint32", "int64", "uint64")
KINDS = (*INTEGERS, "float16", "float32", "float64")


@pytest.mark.parametrize("kind", KINDS)
def test_columns_of_one_type_are_said_to_be_of_it(tmp_path: Path, kind: str) -> None:
    columns = {"a": numbers(kind, [1, 2, 3]), "b": numbers(kind, [4, 100, 6])}
    source = open_source(save(tmp_path, columns), Layout())
    assert (source.dtype, source.shape, source.rows_expected) == (kind, (3, 2), 3)
    (block,) = source.blocks(10)
    assert block.values.tolist() == [[1, 4], [2, 100], [3, 6]]


@pytest.mark.parametrize("second", KINDS)
@pytest.mark.parametrize("first", KINDS)
def test_columns_of_mixed_types_keep_their_values(tmp_path: Path, first: str, second: str) -> None:
    tops = {
        "int8": 127, "uint8": 255, "int16": 32767, "int32": 2**31 - 1, "uint32": 2**32 - 1,
        "int64": 2**53, "uint64": 2**53, "float16": 65504.0, "float32": 2.0**-30, "float64": 0.1,
    }  # fmt: skip
    path = save(
        tmp_path, {"a": numbers(first, [1, tops[first]]), "b": numbers(second, [tops[second], 2])}
    )
    values, _ = read(path)
    assert values == [[1, tops[second]], [tops[first], 2]]
    expected = np.result_type(np.dtype(first), np.dtype(second)).name
    assert open_source(path, Layout()).dtype == expected


@pytest.mark.parametrize("kind", KINDS)
def test_nulls_are_nan(tmp_path: Path, kind: str) -> None:
    path = save(tmp_path, {"a": numbers(kind, [1, None, 3]), "b": numbers(kind, [4, 5, None])})
    assert read(path)[0] == [[1, 4], [None, 5], [3, None]]


@pytest.mark.parametrize("kind", ["int64", "int32", "float16", "float32", "float64"])
def test_a_column_of_nothing_is_nan(tmp_path: Path, kind: str) -> None:
    path = save(tmp_path, {"a": numbers(kind, [1, 2]), "b": pa.nulls(2)})
    assert read(path)[0] == [[1, None], [2, None]]


LISTS = {
    "list": lambda kind, _: pa.list_(kind),
    "large-list": lambda kind, _: pa.large_list(kind),
    "fixed-size-list": pa.list_,
}


@pytest.mark.parametrize("kind", ["int8", "int64", "float16", "float32", "float64"])
@pytest.mark.parametrize("listing", LISTS)
@pytest.mark.parametrize("group", [2, 3, 100], ids=["groups-of-2", "groups-of-3", "one-group"])
@pytest.mark.parametrize("rows", [1, 2, 4, 100])
def test_a_list_column_gives_its_rows(
    tmp_path: Path, kind: str, listing: str, group: int, rows: int
) -> None:
    array = np.arange(21).reshape(7, 3)
    flat = numbers(kind, array.reshape(-1).tolist())
    whole = pa.FixedSizeListArray.from_arrays(flat, 3).cast(LISTS[listing](flat.type, 3))
    table = pa.table({"id": [f"r{i}" for i in range(7)], "logits": whole})
    path = save(tmp_path, table, row_group_size=group)
    source = open_source(path, Layout())
    assert (source.dtype, source.shape, source.class_names) == (kind, (7, 3), None)
    values, ids = read(path, rows=rows)
    assert values == array.tolist()
    assert ids == [f"r{i}" for i in range(7)]


@pytest.mark.parametrize("listing", LISTS)
def test_a_sliced_list_column_gives_the_rows_of_the_slice(tmp_path: Path, listing: str) -> None:
    kind = LISTS[listing](pa.float32(), 2)
    whole = pa.table({"logits": pa.array([[i, i + 0.5] for i in range(10)], kind)})
    path = save(tmp_path, whole.slice(3, 4))
    assert read(path, rows=3)[0] == [[i, i + 0.5] for i in range(3, 7)]


@pytest.mark.parametrize("listing", LISTS)
@pytest.mark.parametrize("kind", ["int16", "float16", "float32"])
def test_nulls_in_lists_are_nan(tmp_path: Path, listing: str, kind: str) -> None:
    flat = numbers(kind, [1, None, 3, 4])
    lists = pa.FixedSizeListArray.from_arrays(flat, 2).cast(LISTS[listing](flat.type, 2))
    assert read(save(tmp_path, {"logits": lists}))[0] == [[1, None], [3, 4]]


@pytest.mark.parametrize("listing", ["list", "large-list"])
@pytest.mark.parametrize("at", [1, 2000], ids=["first-batch", "later-batch"])
@pytest.mark.parametrize("bad", [[], [1.0], [1.0, 2.0, 3.0]], ids=["none", "shorter", "longer"])
def test_lists_of_several_lengths_are_an_error(
    tmp_path: Path, listing: str, at: int, bad: list[float]
) -> None:
    rows: list[list[float]] = [[1.0, 2.0]] * 3000
    rows[at] = bad
    path = save(tmp_path, {"logits": pa.array(rows, LISTS[listing](pa.float32(), 2))})
    assert complaint(path).startswith("expected lists of ")


def test_lists_that_change_their_length_between_batches_are_an_error(tmp_path: Path) -> None:
    path = save(tmp_path, {"logits": [[1.0, 2.0]] * 2000 + [[1.0, 2.0, 3.0]] * 2000})
    assert "expected lists of " in complaint(path)


@pytest.mark.parametrize("listing", LISTS)
@pytest.mark.parametrize("at", [0, 1, 2000])
def test_a_row_without_a_list_is_an_error(tmp_path: Path, listing: str, at: int) -> None:
    if listing == "fixed-size-list" and PYARROW < 26:
        pytest.skip("this PyArrow writes or reads no such file")
    rows: list[list[float] | None] = [[1.0, 2.0]] * 3000
    rows[at] = None
    path = save(tmp_path, {"logits": pa.array(rows, LISTS[listing](pa.float32(), 2))})
    assert complaint(path) == "expected a list in every row, found none in 1"


@pytest.mark.parametrize("listing", ["list", "large-list"])
def test_lists_without_entries_are_no_classes(tmp_path: Path, listing: str) -> None:
    kind = LISTS[listing](pa.float32(), 0)
    assert "expected classes" in complaint(save(tmp_path, {"logits": pa.array([[], []], kind)}))


@pytest.mark.parametrize(
    "columns",
    [
        {"a": pa.array([], pa.float32()), "b": pa.array([], pa.float32())},
        {"id": pa.array([], pa.string()), "a": pa.array([], pa.float32())},
        {"logits": pa.array([], pa.list_(pa.float32()))},
        {"logits": pa.array([], pa.list_(pa.float32(), 3))},
    ],
    ids=["columns", "with-id", "lists", "fixed-size-lists"],
)
def test_a_table_without_rows_is_an_error(tmp_path: Path, columns: dict[str, pa.Array]) -> None:
    assert complaint(save(tmp_path, columns)) == "expected rows, found none"


def test_a_table_without_columns_is_an_error(tmp_path: Path) -> None:
    assert complaint(save(tmp_path, pa.table({})))


def test_empty_row_groups_are_passed_over(tmp_path: Path) -> None:
    schema = pa.schema({"a": pa.float32(), "b": pa.float32()})
    path = tmp_path / "x.parquet"
    with pq.ParquetWriter(path, schema) as writer:
        for rows in ([], [1.0], [], [2.0, 3.0], []):
            writer.write_table(pa.table({"a": rows, "b": rows}, schema=schema))
    assert read(path)[0] == [[1, 1], [2, 2], [3, 3]]


def test_names_with_dots_are_names(tmp_path: Path) -> None:
    columns = {"a": [1.5], "a.b": [2.5], "a.b.c": [3.5], "list.element": [4.5], ".": [5.5]}
    path = save(tmp_path, columns)
    assert open_source(path, Layout()).class_names == tuple(columns)
    assert read(path)[0] == [[1.5, 2.5, 3.5, 4.5, 5.5]]
    assert read(path, Layout(columns=("a.b", "a")))[0] == [[2.5, 1.5]]
    assert read(path, classes=[".", "list.element", "a.b.c", "a.b", "a"])[0] == [
        [5.5, 4.5, 3.5, 2.5, 1.5]
    ]


def test_dots_beside_a_list(tmp_path: Path) -> None:
    columns = {"logits": [[1.5, 2.5]], "logits.list.element": ["x"]}
    assert read(save(tmp_path, columns)) == ([[1.5, 2.5]], ["x"])


@pytest.mark.parametrize("where", ["first", "last"])
@pytest.mark.parametrize("index", [[0, 1, 2], [7, 3, 11]], ids=["counting", "shuffled"])
def test_the_index_of_pandas_is_the_id(tmp_path: Path, where: str, index: list[int]) -> None:
    columns = {"a": [1.5, 2.5, 3.5], "b": [1, 2, 3]}
    name = "__index_level_0__"
    table = {name: index, **columns} if where == "first" else {**columns, name: index}
    assert read(save(tmp_path, table)) == ([[1.5, 1], [2.5, 2], [3.5, 3]], index)


@pytest.mark.parametrize(
    ("ids", "read_as"),
    [
        (pa.array(["x", "ü"]), ["x", "ü"]),
        (pa.array(["x", "ü"], pa.large_string()), ["x", "ü"]),
        pytest.param(
            pa.array(["x", "ü"], pa.string_view()),
            ["x", "ü"],
            marks=pytest.mark.skipif(PYARROW < 21, reason="it writes no views to Parquet"),
        ),
        (pa.array(["x", "ü"]).dictionary_encode(), ["x", "ü"]),
        (pa.array([b"x", "ü".encode()]), ["x", "ü"]),
        (pa.array([b"ab", b"cd"], pa.binary(2)), ["ab", "cd"]),
        (pa.array([1, 2]).cast(pa.decimal128(30, 2)), ["1.00", "2.00"]),
        (pa.array([0, 1], pa.date32()), ["1970-01-01", "1970-01-02"]),
    ],
    ids=["text", "large", "view", "dictionary", "binary", "fixed-binary", "decimal", "date"],
)
def test_any_column_that_is_not_numeric_can_be_the_id(
    tmp_path: Path, ids: pa.Array, read_as: list[str]
) -> None:
    path = save(tmp_path, {"key": ids, "a": [1.5, 2.5]})
    assert read(path) == ([[1.5], [2.5]], read_as)


@pytest.mark.parametrize(
    "ids",
    [
        pa.array([b"x", b"\xff"]),
        pa.array([{"a": 1}, {"a": 2}]),
        pa.array([["x"], ["y"]]),
        pa.array([[("x", 1)], [("y", 2)]], pa.map_(pa.string(), pa.int64())),
    ],
    ids=["no-utf8", "struct", "list", "map"],
)
def test_what_cannot_be_an_id_is_an_error(tmp_path: Path, ids: pa.Array) -> None:
    assert complaint(save(tmp_path, {"key": ids, "a": [1.5, 2.5]}))


@pytest.mark.parametrize(
    "ids",
    [
        pa.array([2**53 + 1, 2**53]),
        pa.array([2**64 - 1, 2**53 + 1], pa.uint64()),
        pa.array([2**53 + 1, 2**53]).dictionary_encode(),
        pa.array([Decimal(2**53 + 1), Decimal(2**53)], pa.decimal128(20)),
    ],
    ids=["int64", "uint64", "dictionary", "decimal"],
)
def test_integer_ids_are_exact(tmp_path: Path, ids: pa.Array) -> None:
    found = read(save(tmp_path, {"id": ids, "a": [0.5, 1.5]}))[1]
    assert list(map(int, found)) == list(map(int, ids.to_pylist()))


@pytest.mark.parametrize(
    ("ids", "shown"),
    [([1.0, 2.0**53], "9007199254740992.0"), ([np.nan, 1.0], "nan"), ([-np.inf, 1.0], "-inf")],
)
def test_float_ids_that_may_be_rounded_are_refused(
    tmp_path: Path, ids: list[float], shown: str
) -> None:
    said = complaint(save(tmp_path, {"id": ids, "a": [0.5, 1.5]}), Layout(id=("id",)))
    assert said == f"expected row ids that are text or integers, found {shown} of type double"


@pytest.mark.parametrize("kind", [pa.string(), pa.int64(), pa.null()], ids=str)
def test_a_row_without_id_is_an_error(tmp_path: Path, kind: pa.DataType) -> None:
    path = save(tmp_path, {"id": pa.nulls(2, kind), "a": [1.5, 2.5]})
    assert complaint(path) == "expected an id in every row, found 2 empty ones"


@pytest.mark.parametrize("kind", ["int64", "uint64"])
@pytest.mark.parametrize(
    "others",
    [{}, {"a": [1, 2]}, {"a": [1.5, 2.5]}, {"a": [1.5, None]}],
    ids=["alone", "beside-integers", "beside-floats", "beside-nulls"],
)
@pytest.mark.parametrize("null", [False, True], ids=["whole", "with-null"])
def test_integers_that_float64_would_round_are_refused(
    tmp_path: Path, kind: str, others: dict[str, Any], null: bool
) -> None:
    """A key that no name gives away, taken for a logit, would be a silent wrong answer."""
    column = pa.array([None if null else 5, 2**53 + 1], getattr(pa, kind)())
    assert "integers beyond 2**53" in complaint(save(tmp_path, {"key": column, **others}))


@pytest.mark.parametrize("first", [1, None], ids=["whole", "with-null"])
def test_integers_in_lists_that_float64_would_round_are_refused(
    tmp_path: Path, first: int | None
) -> None:
    lists = [[first, 2], [2**53 + 1, 3]]
    assert "integers beyond 2**53" in complaint(save(tmp_path, {"l": lists}))


@pytest.mark.parametrize("rows", [1, 3, 7, 1000])
@pytest.mark.parametrize("group", [1, 5, 1000])
def test_blocks_of_any_size_give_the_same_rows(tmp_path: Path, rows: int, group: int) -> None:
    i = np.arange(60.0)
    columns = {"id": i.astype(int), "a": i, "b": -i}
    path = save(tmp_path, columns, row_group_size=group)
    assert read(path, rows=rows) == ([[k, -k] for k in range(60)], list(range(60)))


@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "zstd"])
@pytest.mark.parametrize("version", ["1.0", "2.6"])
def test_files_of_any_writer_are_read(tmp_path: Path, compression: str, version: str) -> None:
    columns = {"key": ["x", "y"], "a": [1.5, 2.5], "b": [-1.0, 0.1]}
    path = save(tmp_path, columns, compression=compression, version=version, use_dictionary=False)
    assert read(path) == ([[1.5, -1], [2.5, 0.1]], ["x", "y"])


@pytest.mark.parametrize(
    "name",
    [b"\xff\xfe.parquet", b"a b%20.parquet", b"s3:x.parquet", b"file:x.pq", b"-x.pq", b"\n.PQ"],
    ids=["no-utf8", "percent", "s3", "uri", "dash", "newline"],
)
def test_a_file_may_have_any_name(
    tmp_path: Path, name: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = save(Path(), {"a": [1.5], "b": [2.5]}, os.fsdecode(name))
    assert read(path)[0] == [[1.5, 2.5]]


def test_a_folder_named_like_home_is_that_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("~").mkdir()
    assert read(save(Path("~"), {"a": [1.5], "b": [2.5]}))[0] == [[1.5, 2.5]]


@pytest.mark.parametrize("kept", [1, 4, 8, 100, 0.5, -9, -8, -5, -4, -1])
def test_a_cut_file_is_an_error(tmp_path: Path, kept: float) -> None:
    path = save(tmp_path, {"a": np.arange(500.0), "b": np.arange(500.0)})
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))] if kept == 0.5 else whole[: int(kept)])
    assert complaint(path)


def test_a_file_that_another_format_wrote_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    path.write_text("a,b\n1,2\n3,4\n")
    assert complaint(path)


def test_the_samples_hold_the_numbers_of_the_arrays() -> None:
    array = np.load(SAMPLES / "magika-fp32.npy")
    source = open_source(SAMPLES / "magika-fp32.parquet", Layout())
    assert (source.shape, source.dtype, source.id_name) == ((512, 214), "float32", "file")
    blocks = list(source.blocks(100))
    np.testing.assert_array_equal(np.concatenate([block.values for block in blocks]), array)


WALK = """
import sys
from pathlib import Path
from kldiv_cli.sources.formats.opening import open_source
from kldiv_cli.sources.base import Layout

rows = 0
for block in open_source(sys.argv[1], Layout()).blocks(2):
    rows += len(block)
    assert block.values.min() == block.values.max() == 1
print(rows, Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
"""


def peak_mib(path: Path, rows: int) -> float:
    done = subprocess.run(
        [sys.executable, "-c", WALK, str(path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    seen, peak = map(int, done.stdout.split())
    assert seen == rows
    return peak / 1024


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory from /proc")
@pytest.mark.parametrize("compression", ["none", "snappy"])
def test_wide_rows_are_never_in_memory_at_once(tmp_path: Path, compression: str) -> None:
    """A vocabulary's width: 800 rows of 50 000 classes are 153 MiB, 8 rows are 1.5."""
    schema = pa.schema({"logits": pa.list_(pa.float32(), 50_000)})
    ones = pa.FixedSizeListArray.from_arrays(pa.array(np.ones(400_000, "f4")), 50_000)
    peaks = []
    for rows in (8, 800):
        path = tmp_path / f"{rows}.parquet"
        with pq.ParquetWriter(
            path, schema, compression=compression, use_dictionary=compression != "none"
        ) as writer:
            for _ in range(rows // 8):
                writer.write_table(pa.table({"logits": ones}, schema=schema))
        peaks.append(peak_mib(path, rows))
    assert peaks[1] - peaks[0] < 60
