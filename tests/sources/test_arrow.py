"""Arrow IPC files and streams, and Feather."""

from __future__ import annotations

import os
import resource
import struct
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from pyarrow import feather

from kldiv_cli.errors import InputError
from kldiv_cli.sources.base import Layout
from kldiv_cli.sources.formats.opening import open_source
from tests.command import ROOT
from tests.sources import test_parquet as table
from tests.sources.mutations import survive

Array = npt.NDArray[Any]

IDS = ["w", "x", "y", "z"]
ROWS = (np.arange(12.0).reshape(4, 3) / 4 - 1).tolist()
CLASSES = dict(zip("abc", np.transpose(ROWS).tolist(), strict=True))
KINDS = ("file", "stream", "zstd", "lz4", "zstd-stream", "feather", "feather-lz4", "feather-zstd")


def save(
    folder: Path,
    columns: Mapping[str, Any] | pa.Table,
    kind: str = "file",
    name: str = "x.arrow",
    rows: int = 3,
) -> Path:
    """Write a table, so many rows at a time."""
    whole = columns if isinstance(columns, pa.Table) else pa.table(dict(columns))
    path = folder / name
    first, _, second = kind.partition("-")
    if first == "feather":
        feather.write_feather(whole, str(path), second or "uncompressed", chunksize=rows)
        return path
    codec = first if first in {"zstd", "lz4"} else None
    new = pa.ipc.new_stream if "stream" in kind else pa.ipc.new_file
    options = pa.ipc.IpcWriteOptions(compression=codec)
    with path.open("wb") as file, new(file, whole.schema, options=options) as writer:
        writer.write_table(whole, max_chunksize=rows)
    return path


def complaint(folder: Path, columns: Mapping[str, Any] | pa.Table, **options: Any) -> str:
    found = {
        table.complaint(save(folder, columns, kind), Layout(**options))
        for kind in ("file", "stream", "zstd")
    }
    (only,) = found
    return only


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_per_class_is_read(tmp_path: Path, kind: str) -> None:
    path = save(tmp_path, {"id": IDS, **CLASSES}, kind)
    source = open_source(path, Layout())
    known = None if "stream" in kind else 4
    assert (source.format, source.dtype, source.shape) == ("arrow", "float64", (known, 3))
    assert (source.class_names, source.id_name) == (("a", "b", "c"), "id")
    assert (source.rows_expected, source.place_of(0)) == (known, None)
    for rows in (1, 2, 3, 5):
        assert table.read(path, rows=rows) == (ROWS, IDS)
    assert table.read(path, classes=["c", "a"])[0] == [[row[2], row[0]] for row in ROWS]


LISTS: dict[str, tuple[pa.Array, str]] = {
    "list": (pa.array(ROWS), "float64"),
    "float32": (pa.array(ROWS, pa.list_(pa.float32())), "float32"),
    "float16": (
        pa.array([[np.float16(x) for x in row] for row in ROWS], pa.list_(pa.float16())),
        "float16",
    ),
    "large": (pa.array(ROWS, pa.large_list(pa.float64())), "float64"),
    "fixed": (pa.array(ROWS, pa.list_(pa.float64(), 3)), "float64"),
    "sliced": (pa.array([[9.0, 9.0, 9.0], *ROWS, [8.0]]).slice(1, 4), "float64"),
    "fixed-sliced": (
        pa.array([[9.0, 9.0, 9.0], *ROWS], pa.list_(pa.float32(), 3)).slice(1),
        "float32",
    ),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lists", LISTS)
def test_a_list_column_is_read(tmp_path: Path, kind: str, lists: str) -> None:
    column, dtype = LISTS[lists]
    path = save(tmp_path, {"logits": column, "id": IDS}, kind)
    source = open_source(path, Layout())
    assert (source.class_shape, source.class_names, source.dtype) == ((3,), None, dtype)
    assert table.read(path, rows=2) == (ROWS, IDS)


@pytest.mark.parametrize("kind", ["file", "stream", "lz4", "feather-zstd"])
@pytest.mark.parametrize(
    "ids",
    [
        pytest.param(pa.array(IDS).dictionary_encode(), id="dictionary"),
        pytest.param(pa.array(IDS, pa.large_string()), id="large-string"),
        pytest.param(pa.array(IDS, pa.string_view()), id="string-view"),
    ],
)
def test_ids_are_text_however_they_are_stored(tmp_path: Path, kind: str, ids: pa.Array) -> None:
    assert table.read(save(tmp_path, {"name": ids, **CLASSES}, kind)) == (ROWS, IDS)


def test_integer_ids_stay_integers(tmp_path: Path) -> None:
    columns = {"id": pa.array([7, 5, 2**53 + 1, -1]), **CLASSES}
    assert table.read(save(tmp_path, columns)) == (ROWS, [7, 5, 2**53 + 1, -1])


def test_nulls_are_nan_and_types_are_joined(tmp_path: Path) -> None:
    columns = {
        "a": pa.array([1.5, None, 2.5], pa.float32()),
        "b": pa.array([1, 2, None], pa.int16()),
        "c": pa.nulls(3),
    }
    for kind in ("file", "zstd-stream"):
        path = save(tmp_path, columns, kind)
        assert table.read(path)[0] == [[1.5, 1, None], [None, 2, None], [2.5, None, None]]


def test_a_named_list_is_taken_from_several(tmp_path: Path) -> None:
    columns = {"l": ROWS, "m": [[1.0], [2.0], [3.0], [4.0]], "label": [1, 2, 3, 4]}
    path = save(tmp_path, columns)
    assert table.read(path, Layout(columns=("m",)))[0] == [[1], [2], [3], [4]]
    assert table.read(path, Layout(columns=("l",)))[0] == ROWS
    assert complaint(tmp_path, columns).startswith("expected one numeric column per class, found")


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"l": [[1.0, 2.0], [3.0]]}, "expected lists of one length, found 1 to 2"),
        (
            {"l": [[1.0]] * 3 + [[1.0, 2.0]] * 2},
            "expected lists of 1 entries as in the first row, found 2",
        ),
        ({"l": [[1.0], None]}, "expected a list in every row, found none in 1"),
        (
            {"l": pa.array([[]] * 2, pa.list_(pa.float64()))},
            "expected classes, found lists without",
        ),
        ({"id": ["x", None], "a": [1.0, 2.0]}, "expected an id in every row, found 1 empty one"),
        ({"s": [{"t": 1.0}] * 2, "a": [1.0, 2.0]}, "expected row ids, or numbers, in column 's'"),
        ({"l": [[[1.0]], [[2.0, 1.0]]]}, "text 1: expected lists of 1 entries as in the first row"),
        ({"u": [2**53 + 1, 5], "a": [1.5, 2.5]}, "expected logits, found integers beyond 2**53"),
        ({"a": pa.array([], pa.float32())}, "expected rows, found none"),
        ({}, "expected one numeric column per class, found none"),
        (
            pa.table([[1.0], [2.0]], ["a", "a"]),
            "expected every column name once, found 'a' again",
        ),
    ],
)
def test_what_is_no_table_of_logits_is_said_so(
    tmp_path: Path, columns: Mapping[str, Any] | pa.Table, said: str
) -> None:
    assert complaint(tmp_path, columns).startswith(said)


def test_feather_1_gets_advice(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(b"FEA1" + bytes(60) + b"FEA1")
    with pytest.raises(InputError) as caught:
        open_source(path, Layout())
    assert caught.value.what == (
        f"{path}: expected Arrow IPC or Feather version 2, found Feather version 1"
    )
    assert caught.value.advice == "Write it again: pyarrow.feather.write_feather(table, path)."


@pytest.mark.parametrize("kind", ["file", "stream", "lz4", "feather-zstd"])
@pytest.mark.parametrize("name", ["x", "x.bin", "x.ipc", "x.feather"])
def test_content_tells(tmp_path: Path, kind: str, name: str) -> None:
    source = open_source(save(tmp_path, CLASSES, kind, name), Layout())
    assert (source.format, source.notes) == ("arrow", ())


def test_no_stream_of_arrow_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.arrow"
    for content in (b"a,b\n1,2\n", b"\xff\xff\xff\xff\x08\0\0\0", b"ARROW1\0\0", b"\xff" * 40):
        path.write_bytes(content)
        assert table.complaint(path)


@pytest.mark.parametrize("kind", ["zstd", "lz4", "zstd-stream", "feather-lz4"])
@pytest.mark.parametrize("claimed", [2**30, 2**40, 2**62])
def test_a_bomb_is_refused_before_it_is_decompressed(
    tmp_path: Path, kind: str, claimed: int
) -> None:
    path = save(tmp_path, {"l": pa.array(np.zeros((1000, 3)).tolist())}, kind, rows=1000)
    honest = struct.pack("<q", 24_000)
    content = path.read_bytes()
    assert content.count(honest + b"\x28\xb5\x2f\xfd") + content.count(honest + b"\x04\x22") == 1
    path.write_bytes(content.replace(honest, struct.pack("<q", claimed)))
    began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError) as caught:
        open_source(path, Layout())
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - began < 50_000
    assert caught.value.what == (
        f"{path}: expected compressed batches of at most 1073741824 bytes, found one of "
        f"{claimed + 4004}"
    )
    assert caught.value.advice == (
        "Write fewer rows to a batch, or no compression: then it is mapped."
    )


@pytest.mark.parametrize("kind", ["zstd", "zstd-stream"])
def test_the_largest_batch_counts(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = {"n": pa.array(["x", "y"] * 500).dictionary_encode(), **LONG}
    path = save(tmp_path, columns, kind, rows=600)
    largest = 600 * (4 + 3 * 8)  # codes of the names, then three columns
    monkeypatch.setattr("kldiv_cli.sources.formats.arrow._MOST_INFLATED", largest)
    assert len(table.read(path)[0]) == 1000
    monkeypatch.setattr("kldiv_cli.sources.formats.arrow._MOST_INFLATED", largest - 1)
    assert f"found one of {largest}" in table.complaint(path)
    plain = save(tmp_path, columns, kind.replace("zstd", "file").replace("file-", ""), rows=600)
    assert len(table.read(plain)[0]) == 1000


LONG = {name: np.zeros(1000) for name in "abc"}

DAMAGED: dict[str, tuple[str, Mapping[str, Any]]] = {
    "file": ("file", {"id": pa.array(IDS).dictionary_encode(), **CLASSES}),
    "stream": ("stream", {"l": pa.array(ROWS), "id": IDS}),
    "lz4": ("lz4", {"l": pa.array(ROWS, pa.large_list(pa.float32()))}),
    "zstd": ("zstd", {"l": pa.array(ROWS, pa.list_(pa.float64(), 3))}),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_file_is_refused_or_read_as_it_says(tmp_path: Path, case: str) -> None:
    """No checksum tells a number that was changed, nor a name or a count in the schema."""
    kind, columns = DAMAGED[case]
    path = save(tmp_path, columns, kind)
    whole = path.read_bytes()

    def is_right(damaged: bytes, found: Array) -> bool:
        if len(damaged) >= len(whole):
            return found.ndim == 2
        # A stream need have no end: it is whole after any batch.
        return kind == "stream" and found.tolist() in (ROWS, ROWS[:3])

    answers = survive(path, 4, lambda name: open_source(name, Layout(format="arrow")), is_right)
    assert 0 < answers < 300


PEAK = """
import sys
from pathlib import Path
from kldiv_cli.sources.formats.opening import open_source
from kldiv_cli.sources.base import Layout
for block in open_source(sys.argv[1], Layout()).blocks(64):
    block.values.sum()
print(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
"""
"""Reads all of a file; prints the peak of memory in KiB, without that of the parent process."""


def peak(path: Path) -> int:
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout) >> 10


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory from /proc")
@pytest.mark.parametrize("kind", ["file", "stream"])
@pytest.mark.parametrize("as_lists", [False, True], ids=["columns", "lists"])
def test_one_large_batch_does_not_come_to_memory(tmp_path: Path, kind: str, as_lists: bool) -> None:
    rows, width = 200_000, 100  # 160 MB
    if as_lists:
        whole = pa.table({"l": pa.FixedSizeListArray.from_arrays(np.zeros(rows * width), width)})
    else:
        whole = pa.table({str(i): np.zeros(rows) for i in range(width)})
    small = peak(save(tmp_path, whole.slice(0, 2000), kind))
    assert peak(save(tmp_path, whole, kind, rows=rows)) < small + 100


def test_a_stream_that_ends_between_two_batches_is_cut_off(tmp_path: Path) -> None:
    path = save(tmp_path, CLASSES, "stream", rows=2)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(InputError) as caught:
        table.read(path)
    assert caught.value.what == (
        f"{path}: expected a whole stream, found one without the mark of its end"
    )


def test_an_interval_is_no_id(tmp_path: Path) -> None:
    """PyArrow makes no array of these without pandas: it ends the process."""
    columns = {"time": pa.array([pa.MonthDayNano([1, 2, 3])] * 4), "id": IDS, **CLASSES}
    assert complaint(tmp_path, columns).startswith("expected at most one column that is not num")
    one = {"time": columns["time"], **CLASSES}
    assert complaint(tmp_path, one, id=("time",)).startswith("Unsupported cast from month_day_nano")
    assert table.read(save(tmp_path, columns), Layout(drop=("time",))) == (ROWS, IDS)
