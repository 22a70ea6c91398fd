"""The per-row reports, read back: every digit, every id, and what has no value."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kldiv_cli.reports import REPORTS, load
from kldiv_cli.reports.words import lines
from kldiv_cli.results.comparison import Comparison
from tests.command import Golden
from tests.reports import INF, MASKED, NAMED, OMITTED, ONE_ROW, SIGMOID, SOFTMAX, VARIANTS, put
from tests.results import changed

STRANGE = (
    "plain",
    "a,b",
    'say "hi"',
    "two\nlines",
    "tab\there",
    "",
    " padded ",
    "\u7334\u5b50 \U0001f412",
    "=1+1",
    "null",
    "nan",
    "'",
    "\\n",
    "#",
    "carriage\rreturn",
    "crlf\r\n",
    "line\u2028separator",
    "nul-free\x01",
    "0x10",
    "007",
    "x" * 5000,
    "-",
    ";",
    "end",
)
"""24 ids that a careless writer breaks."""

IDS = changed(NAMED, ids=np.array(STRANGE, dtype=object))
NUMBERED = changed(NAMED, ids=np.arange(2**53, 2**53 + 24))
DIGITS = changed(
    SOFTMAX,
    values={
        "jeffreys": np.array(
            [
                *(0.1, 1 / 3, 2 / 3, 1e-17, 5e-324, 1.7976931348623157e308, 0.0, 1.0, 1e16, 1e22),
                *(2.2250738585072014e-308, 0.30000000000000004, math.pi, math.e, 123456789.123),
                *(math.nextafter(1, 2), math.nextafter(1, 0), 1e-5, 1e-4, 1e15, 9007199254740993.0),
                *(4.35, 1.005, 0.2846912302567615),
            ]
        )
    },
)
"""Numbers that show whether the shortest round-trip form was written."""

COMPARISONS = {**VARIANTS, "strange-ids": IDS, "numeric-ids": NUMBERED, "digits": DIGITS}

Record = dict[str, Any]
SKIPPED = None


def expected(comparison: Comparison) -> Iterator[Record]:
    """The records in Python's own values; None where a row was skipped."""
    for row in range(len(comparison.blank_rows)):
        record: Record = {"row": row}
        if comparison.ids is not None:
            record["id"] = comparison.ids[row]
        if len(comparison.row_shape) > 1:
            for axis, length in enumerate(comparison.row_shape):
                stride = math.prod(comparison.row_shape[axis + 1 :])
                record[f"axis{axis}"] = row // stride % length
        if comparison.groups is not None:
            record["group"] = comparison.groups.each[comparison.groups.codes[row]].name
        for name, values in comparison.values.items():
            record[name] = SKIPPED if comparison.blank_rows[row] else float(values[row])
        yield record


def comparable(records: Iterator[Record]) -> list[dict[str, str]]:
    """Every value by its repr: NaN equals NaN, and no digit may differ."""
    return [{key: repr(value) for key, value in record.items()} for record in records]


def written(comparison: Comparison, name: str) -> Any:
    stream: Any = StringIO(newline="") if REPORTS[name].kind == "text" else BytesIO()
    load(name)(comparison, stream)
    return stream.getvalue()


def read_delimited(text: str, delimiter: str, comparison: Comparison) -> Iterator[Record]:
    for record in csv.DictReader(StringIO(text, newline=""), delimiter=delimiter):
        read: Record = dict(record)
        for key, value in record.items():
            if key == "row" or key.startswith("axis"):
                read[key] = int(value)
            elif key in comparison.values:
                read[key] = float(value) if value else SKIPPED
            elif key == "group":
                read[key] = value or None
            elif comparison.ids is not None and comparison.ids.dtype != object:
                read[key] = np.int64(value)
        yield read


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


def read_lines(text: str, comparison: Comparison) -> Iterator[Record]:
    assert text.endswith("\n")
    for line in text.removesuffix("\n").split("\n"):
        read = json.loads(line, parse_constant=refuse)
        for name in comparison.values:
            assert read[name] in ("inf", "nan") or isinstance(read[name], float | None)
            read[name] = SKIPPED if read[name] is None else float(read[name])
        if comparison.ids is not None and comparison.ids.dtype != object:
            read["id"] = np.int64(read["id"])
        yield read


@pytest.mark.parametrize("report", ["csv", "tsv", "jsonl"])
@pytest.mark.parametrize("name", COMPARISONS)
def test_shown(name: str, report: str, golden: Golden) -> None:
    golden(written(COMPARISONS[name], report), report)


@pytest.mark.parametrize("name", COMPARISONS)
class TestRoundTrip:
    @pytest.mark.parametrize(("report", "delimiter"), [("csv", ","), ("tsv", "\t")])
    def test_delimited(self, name: str, report: str, delimiter: str) -> None:
        comparison = COMPARISONS[name]
        text = written(comparison, report)
        assert text.endswith("\n")
        read = read_delimited(text, delimiter, comparison)
        assert comparable(read) == comparable(expected(comparison))

    def test_json_lines(self, name: str) -> None:
        comparison = COMPARISONS[name]
        text = written(comparison, "jsonl")
        assert text.isascii()
        read = read_lines(text, comparison)
        assert comparable(read) == comparable(expected(comparison))

    def test_parquet(self, name: str) -> None:
        comparison = COMPARISONS[name]
        table = pq.read_table(pa.BufferReader(written(comparison, "parquet")))
        read = table.to_pylist()
        if comparison.ids is not None and comparison.ids.dtype != object:
            read = [{**record, "id": np.int64(record["id"])} for record in read]
        assert comparable(iter(read)) == comparable(expected(comparison))

    def test_npy(self, name: str) -> None:
        comparison = COMPARISONS[name]
        array = np.load(BytesIO(written(comparison, "npy")), allow_pickle=False)
        assert array.dtype == np.float64
        each = list(comparison.values.values())
        assert array.shape == comparison.row_shape + ((len(each),) if len(each) > 1 else ())
        assert array.tobytes() == np.stack(each, axis=-1).tobytes()


class TestColumns:
    @pytest.mark.parametrize(
        ("comparison", "header"),
        [
            pytest.param(SOFTMAX, "row,jeffreys", id="plain"),
            pytest.param(NAMED, "row,id,jeffreys", id="ids"),
            pytest.param(SIGMOID, "row,axis0,axis1,jeffreys", id="two-axes"),
            pytest.param(ONE_ROW, "row,jeffreys", id="one-row"),
            pytest.param(
                changed(SIGMOID, ids=np.array(list("abcdef"), dtype=object)),
                "row,id,axis0,axis1,jeffreys",
                id="ids-and-axes",
            ),
            pytest.param(
                changed(SOFTMAX, values={"jeffreys": np.zeros(24), "kl": np.ones(24)}),
                "row,jeffreys,kl",
                id="two-measures",
            ),
        ],
    )
    def test_order(self, comparison: Comparison, header: str) -> None:
        names = header.split(",")
        assert written(comparison, "csv").splitlines()[0] == header
        assert written(comparison, "tsv").splitlines()[0].split("\t") == names
        assert list(json.loads(written(comparison, "jsonl").splitlines()[0])) == names
        table = pq.read_table(pa.BufferReader(written(comparison, "parquet")))
        assert table.column_names == names

    @pytest.mark.parametrize(
        ("comparison", "kind"), [(NAMED, pa.string()), (NUMBERED, pa.int64())], ids=["text", "int"]
    )
    def test_parquet_types(self, comparison: Comparison, kind: pa.DataType) -> None:
        schema = pq.read_schema(pa.BufferReader(written(comparison, "parquet")))
        assert schema.field("row").type == pa.int64()
        assert schema.field("id").type == kind
        assert schema.field("jeffreys").type == pa.float64()

    def test_parquet_axes_are_integers(self) -> None:
        schema = pq.read_schema(pa.BufferReader(written(SIGMOID, "parquet")))
        assert [schema.field(f"axis{i}").type for i in range(2)] == [pa.int64()] * 2


class TestSkippedAgainstInvalid:
    """OMITTED holds 0.25, a skipped row, an invalid one, inf and 0."""

    def test_json_lines(self) -> None:
        values = [json.loads(line)["jeffreys"] for line in written(OMITTED, "jsonl").splitlines()]
        assert values == [0.25, None, "nan", "inf", 0.0]

    def test_parquet(self) -> None:
        column = pq.read_table(pa.BufferReader(written(OMITTED, "parquet")))["jeffreys"]
        assert column.null_count == 1
        assert column.is_null().to_pylist() == [False, True, False, False, False]
        assert [repr(value) for value in column.to_pylist()] == [
            "0.25",
            "None",
            "nan",
            "inf",
            "0.0",
        ]

    def test_npy(self) -> None:
        array = np.load(BytesIO(written(OMITTED, "npy")))
        assert np.isnan(array).tolist() == [False, True, True, False, False]

    def test_a_masked_row_is_as_blank_as_a_skipped_one(self) -> None:
        values = [json.loads(line)["jeffreys"] for line in written(MASKED, "jsonl").splitlines()]
        assert values == [0.25, None, None, "inf", 0.0]
        column = pq.read_table(pa.BufferReader(written(MASKED, "parquet")))["jeffreys"]
        assert column.is_null().to_pylist() == [False, True, True, False, False]
        array = np.load(BytesIO(written(MASKED, "npy")))
        assert np.isnan(array).tolist() == [False, True, True, False, False]

    @pytest.mark.parametrize("report", ["csv", "tsv", "jsonl"])
    def test_chunks_do_not_show(self, report: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """The last chunk holds the skipped row, the others none."""
        skipped = np.zeros(24, dtype=bool)
        skipped[21] = True
        comparison = changed(IDS, skipped_rows=skipped)
        whole = written(comparison, report)
        monkeypatch.setattr(lines, "CHUNK", 5)
        assert written(comparison, report) == whole

    @pytest.mark.parametrize("report", ["csv", "jsonl", "parquet", "npy"])
    def test_writing_leaves_the_result_alone(self, report: str) -> None:
        values = OMITTED.values["jeffreys"].copy()
        written(OMITTED, report)
        assert OMITTED.values["jeffreys"].tobytes() == values.tobytes()
        assert OMITTED.values["jeffreys"][3] == INF


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl"])
def test_a_file_holds_the_bytes_that_stdout_would(suffix: str, tmp_path: Path) -> None:
    """Line ends above all: a file opened carelessly would translate those inside an id."""
    path = tmp_path / f"rows.{suffix}"
    put(IDS, [str(path)])
    assert path.read_bytes() == written(IDS, suffix).encode()
