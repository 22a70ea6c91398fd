"""JSON lines: a list per line, or an object with a list, or with a number per class."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from kldiv_cli.sources.base import Layout
from kldiv_cli.sources.formats.opening import open_source
from kldiv_cli.sources.text.lines import LONGEST_LINE
from tests.sources import test_parquet as table

NAN, INF = math.nan, math.inf
LISTS = "[1.5,-2.25]\n[3,0]\n"
MANY = 30_000
"""So many lines are more than are looked at before the file is opened."""


def save(folder: Path, text: str | bytes, name: str = "x.jsonl") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def read(folder: Path, text: str | bytes, **layout: Any) -> tuple[list[Any], list[Any]]:
    return table.read(save(folder, text), Layout(**layout), rows=2)


def complaint(folder: Path, text: str | bytes, **layout: Any) -> str:
    return table.complaint(save(folder, text), Layout(**layout))


ROWS = [[1.5, -2.25], [3.0, 0.0]]


@pytest.mark.parametrize(
    ("text", "names", "ids"),
    [
        pytest.param(LISTS, None, [], id="lists"),
        pytest.param(LISTS.strip(), None, [], id="no-last-newline"),
        pytest.param("\ufeff" + LISTS.replace("\n", "\r\n"), None, [], id="windows"),
        pytest.param("\n [1.5 , -2.25 ] \n\n  \n\t[3,0]\n\n", None, [], id="blanks"),
        pytest.param('{"l":[1.5,-2.25]}\n{"l":[3,0]}\n', None, [], id="list-field"),
        pytest.param(
            '{"id":"x","l":[1.5,-2.25]}\n{"l":[3,0],"id":"y"}\n', None, ["x", "y"], id="named-lists"
        ),
        pytest.param('{"a":1.5,"b":-2.25}\n{"b":0,"a":3}\n', ("a", "b"), [], id="classes"),
        pytest.param(
            '{"a":1.5,"id":7,"b":-2.25}\n{"b":0,"a":3,"id":5}\n', ("a", "b"), [7, 5], id="numbered"
        ),
        pytest.param(
            '{"é":1.5,"\\u0062":-2.25,"n":"ä\\n"}\n{"b":0,"é":3,"n":"日"}\n',
            ("é", "b"),
            ["ä\n", "日"],
            id="unicode",
        ),
    ],
)
def test_every_layout_is_read(
    tmp_path: Path, text: str, names: tuple[str, ...] | None, ids: list[Any]
) -> None:
    source = open_source(save(tmp_path, text), Layout())
    assert (source.format, source.dtype, source.class_names) == ("jsonl", "float64", names)
    assert (source.shape, source.class_shape, source.rows_expected) == ((None, 2), (2,), 2)
    assert table.read(Path(source.path), rows=1) == (ROWS, ids)
    assert [source.place_of(row) for row in (0, 1, 2)] == [
        f"line {i}" for i, line in enumerate(text.split("\n"), 1) if line.strip("\ufeff \t\r")
    ] + [None]


def test_numbers_are_read_to_the_last_bit(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    rows = rng.standard_normal((MANY, 3)) * 10.0 ** rng.integers(-300, 300, (MANY, 3))
    text = "".join(json.dumps(row) + "\n" for row in rows.tolist())
    source = open_source(save(tmp_path, text), Layout())
    found = np.concatenate([block.values for block in source.blocks(1000)])
    np.testing.assert_array_equal(found, rows)
    assert source.rows_expected == pytest.approx(MANY, rel=0.02)
    assert source.place_of(MANY - 1) == f"line {MANY}"


@pytest.mark.parametrize("before", [0, MANY], ids=["first", "late"])
@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("NaN", NAN),
        ("null", NAN),
        ("Infinity", INF),
        ("-Infinity", -INF),
        ("-0.0", -0.0),
        ("1E-320", 1e-320),
        ("1.7976931348623157e308", 1.7976931348623157e308),
    ],
)
def test_what_python_writes_for_numbers_that_json_does_not_know(
    tmp_path: Path, written: str, expected: float, before: int
) -> None:
    for text in (f"[0,1]\n[{written},2]\n", f'{{"a":0,"b":1}}\n{{"b":2,"a":{written}}}\n'):
        first, last = text.splitlines(keepends=True)
        source = open_source(save(tmp_path, first * (before + 1) + last), Layout())
        found = np.concatenate([block.values for block in source.blocks(1000)])
        np.testing.assert_array_equal(found[-1], [expected, 2])
        assert np.signbit(found[-1, 0]) == (math.copysign(1, expected) < 0)


def test_a_name_that_a_line_leaves_out_is_nan(tmp_path: Path) -> None:
    rows = [[1.0, 2.0, None], [3.0, None, 4.0]]
    assert read(tmp_path, '{"a":1,"b":2}\n{"a":3,"c":4}\n') == (rows, [])


COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zstd": lambda text: bytes(pa.compress(text, "zstd", asbytes=True)),
    "lz4": lambda text: bytes(pa.compress(text, "lz4", asbytes=True)),
}


@pytest.mark.parametrize("codec", COMPRESS)
@pytest.mark.parametrize("name", ["x.jsonl", "x.jsonl.gz", "x.json", "x"])
def test_compressed_lines_are_read(tmp_path: Path, codec: str, name: str) -> None:
    path = save(tmp_path, COMPRESS[codec](LISTS.encode()), name)
    assert open_source(path, Layout()).format == "jsonl"
    assert table.read(path) == (ROWS, [])


@pytest.mark.parametrize("codec", COMPRESS)
def test_cut_compressed_lines_are_refused(tmp_path: Path, codec: str) -> None:
    rng = np.random.default_rng(1)
    text = "".join(json.dumps(row) + "\n" for row in rng.standard_normal((MANY, 2)).tolist())
    whole = COMPRESS[codec](text.encode())
    assert complaint(tmp_path, whole[: len(whole) // 2])


def test_a_bomb_is_refused_in_little_memory(tmp_path: Path) -> None:
    bomb = gzip.compress(b"[" + b" " * (LONGEST_LINE + 1000))
    assert len(bomb) < LONGEST_LINE / 500
    said = f"expected lines of at most {LONGEST_LINE} bytes, found a longer one"
    assert complaint(tmp_path, bomb) == said
    late = gzip.compress(LISTS.encode() * MANY + b"[" + b" " * (2 * LONGEST_LINE))
    assert complaint(tmp_path, late) == said


def test_a_row_of_a_million_classes_is_read(tmp_path: Path) -> None:
    row = np.arange(1 << 20) / 8
    line = json.dumps(row.tolist()) + "\n"
    found, _ = table.read(save(tmp_path, line * 2))
    np.testing.assert_array_equal(found, [row, row])


@pytest.mark.parametrize("before", [0, MANY], ids=["first", "late"])
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("[1]", "expected a list of 2 entries like the first, found 1"),
        ("[1,2,3]", "expected a list of 2 entries like the first, found 3"),
        ('[1,"2"]', 'entry 1: expected a number, found "2"'),
        ("[1,true]", "entry 1: expected a number, found true"),
        ("[1,[2]]", "entry 1: expected a number, found a list"),
        ('{"a":1}', "expected a list, found an object"),
        ("null", "expected a list, found null"),
        ("3", "expected a list, found 3"),
        ("[1,1e999]", "expected numbers that float64 can hold, found 1e999"),
        ("[" * 100_000, "expected numbers, found lists in lists"),
    ],
)
def test_a_faulty_line_of_lists_is_named(tmp_path: Path, line: str, said: str, before: int) -> None:
    text = "[1,2]\n[0.5,1.5]\n" + "[1,2]\n" * before + line + "\n"
    assert complaint(tmp_path, text) == f"line {before + 3}: {said}"


@pytest.mark.parametrize("before", [0, MANY], ids=["first", "late"])
@pytest.mark.parametrize(
    ("line", "column", "said"),
    [
        (b"[1,2", 5, "Expecting ',' delimiter"),
        (b"[1,2] [3,4]", 7, "Extra data"),
        (b'[1,2]}\n{"list":[3,4]', 6, "Extra data"),
        (b"[1,nan]", 4, "Expecting value"),
        (b"[+1,2]", 2, "Expecting value"),
        (b"[01,2]", 3, "Expecting ',' delimiter"),
        (b"[0x1,2]", 3, "Expecting ',' delimiter"),
        (b"[1_0,2]", 3, "Expecting ',' delimiter"),
        (b"x", 1, "Expecting value"),
    ],
)
def test_what_is_no_json_is_named(
    tmp_path: Path, line: bytes, column: int, said: str, before: int
) -> None:
    found = complaint(tmp_path, b"[1,2]\n" * (before + 1) + line + b"\n")
    place = f"line {before + 2}, column {column}"
    assert found == f"{place}: expected JSON, found something else ({said})"


@pytest.mark.parametrize("before", [0, MANY], ids=["first", "late"])
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"id":"y","a":1,"b":"2"}', "'b': expected a number, found \"2\""),
        ('{"id":"y","a":1,"b":true}', "'b': expected a number, found true"),
        ('{"id":"y","a":1,"b":[2]}', None),
        ('{"id":"y","a":1,"b":{"c":2}}', None),
        ('{"id":"y","a":1,"b":2,"a":3}', "expected every name once, found 'a' again"),
        ('{"id":5,"a":1,"b":2}', "'id': expected an id like the first, found 5"),
        ("[1,2]", "expected an object, found a list"),
        ("7", "expected an object, found 7"),
    ],
)
def test_a_faulty_line_of_objects_is_named(
    tmp_path: Path, line: str, said: str | None, before: int
) -> None:
    found = complaint(tmp_path, '{"id":"x","a":1,"b":2}\n' * (before + 3) + line + "\n")
    if said is not None:
        assert found == f"line {before + 4}: {said}"
    elif before:
        kind = "a list" if "[" in line else "an object"
        assert found == f"line {before + 4}: 'b': expected a number, found {kind}"
    else:
        assert "'b'" in found


def test_a_late_name_is_an_error_unless_columns_are_named(tmp_path: Path) -> None:
    text = '{"a":1,"b":2}\n' * MANY + '{"a":1,"b":2,"c":3}\n'
    said = f"line {MANY + 1}: expected the names of the first lines, found 'c'"
    assert complaint(tmp_path, text) == said
    values, _ = read(tmp_path, text, columns=("b", "a"))
    assert values[-1] == [2.0, 1.0]


@pytest.mark.parametrize("before", [0, MANY], ids=["first", "late"])
def test_bytes_that_are_no_utf_8_are_named(tmp_path: Path, before: int) -> None:
    good = b'{"id":"x","l":[1,2]}\n' * (before + 1)
    said = f"line {before + 2}, column 8: expected text in UTF-8, found other bytes"
    assert complaint(tmp_path, good + b'{"id":"\xff","l":[1,2]}\n') == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\n \n\n", "expected rows, found none"),
        ("[]\n[]\n", "expected classes, found lists without entries"),
        ("{}\n", "expected one numeric column per class, found none (columns: )"),
        ("1\n2\n", "line 1: expected a list or an object, found 1"),
        ("[[1,2],3]\n", "line 1: entry 0: expected a number, found a list"),
        ("[1,2]\0\n", "expected text, found binary data that begins with b'[1,2]\\x00'"),
        ("[9007199254740993]\n", "expected logits, found integers beyond 2**53, which float64"),
        ('{"l":[1,2],"label":1}\n', "expected one numeric column per class, found list column"),
        ('{"u":"x","v":"y","a":1}\n', "expected at most one column that is not numeric"),
        ('{"id":null,"a":1}\n{"id":"y","a":2}\n', "expected an id in every row, found 1 empty"),
        ('{"l":[1,2]}\n{"l":null}\n', "line 2: 'l': expected a list, found null"),
        ('{"l":[1,2]}\n{}\n', "line 2: 'l': expected a list, found null"),
    ],
)
def test_what_is_no_table_is_said_so(tmp_path: Path, text: str, said: str) -> None:
    assert complaint(tmp_path, text).startswith(said)


@pytest.mark.parametrize("count", [300, 5000])
def test_a_number_of_many_digits_is_refused(tmp_path: Path, count: int) -> None:
    said = "expected logits, found integers" if count == 300 else "line 1: expected numbers that"
    assert complaint(tmp_path, f"[{'9' * count}]\n").startswith(said)


@pytest.mark.parametrize("before", [1, MANY], ids=["first", "late"])
@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("[1.5, {}]", "entry 1"),
        ('{{"a": 1.5, "b": {}}}', "'b'"),
        ('{{"l": [{}, 1.5]}}', "'l': entry 0"),
    ],
    ids=["lists", "classes", "list-field"],
)
@pytest.mark.parametrize("number", [2**53 + 1, -(2**53) - 1, 2**60, 2**64])
def test_an_integer_that_float64_would_round_is_refused(
    tmp_path: Path, before: int, line: str, place: str, number: int
) -> None:
    text = (line.format("-Infinity") + "\n") * before + line.format(number) + "\n"
    if before == 1:
        said = "expected logits, found integers beyond 2**53, which float64 cannot hold"
    else:
        said = f"line {before + 1}: {place}: expected an integer up to 2**53, found {number}"
    assert complaint(tmp_path, text) == said


@pytest.mark.parametrize(
    ("number", "value"),
    [("-Infinity", -INF), ("9007199254740992", 2.0**53), ("9007199254740993.0", 2.0**53)],
)
def test_large_numbers_are_read(tmp_path: Path, number: str, value: float) -> None:
    rows, _ = read(tmp_path, "[1.5, 2]\n" * MANY + f"[{number}, 1]\n")
    assert rows[-1] == [value, 1.0]


@pytest.mark.parametrize("digits", [310, 5000])
def test_a_late_integer_of_many_digits_is_refused(tmp_path: Path, digits: int) -> None:
    said = f"line {MANY + 1}: expected numbers that float64 can hold, found {'9' * 40}"
    assert complaint(tmp_path, "[1.5, 2]\n" * MANY + f"[{'9' * digits}, 1]\n") == said


@pytest.mark.parametrize("ids", [(2**53 + 1, 2**53), (2**63, 5), (2**64 - 1, 0), (-(2**63), 7)])
def test_ids_of_64_bits_are_exact(tmp_path: Path, ids: tuple[int, int]) -> None:
    text = "".join(f'{{"id": {x}, "a": 1, "b": -Infinity}}\n' for x in ids)
    assert read(tmp_path, text)[1] == list(ids)


@pytest.mark.parametrize(
    ("first", "then", "said"),
    [
        (1, 2**64, "expected an integer like the first, of type int64, found 18446744073709551616"),
        (2**63, -1, "expected an integer like the first, of type uint64, found -1"),
    ],
)
@pytest.mark.parametrize("before", [1, MANY], ids=["first", "late"])
def test_ids_beyond_64_bits_are_refused(
    tmp_path: Path, first: int, then: int, said: str, before: int
) -> None:
    line = '{{"id": {}, "a": 1, "b": 2}}\n'
    if before == 1 and then == 2**64:
        said = said.replace("int64", "uint64")
    text = "".join(line.format(first + i) for i in range(before)) + line.format(then)
    assert complaint(tmp_path, text) == f"line {before + 1}: 'id': {said}"


def test_two_objects_on_a_line_are_refused_where_lines_are_looked_at(tmp_path: Path) -> None:
    text = '{"a": 1, "b": 2}\n' * MANY + '{"a": 1, "b": 2} {"a": 1e300, "b": 2}\n'
    assert complaint(tmp_path, text) == (
        f"line {MANY + 1}, column 18: expected JSON, found something else (Extra data)"
    )


def test_columns_choose_a_list_or_classes(tmp_path: Path) -> None:
    text = '{"l":[1,2],"m":[3,4,5],"label":1,"a":6}\n{"l":[7,8],"m":[9,0,1],"label":0,"a":2}\n'

    def chosen(*columns: str) -> Sequence[Any]:
        return read(tmp_path, text, columns=columns)[0]

    assert chosen("l") == [[1, 2], [7, 8]]
    assert chosen("m") == [[3, 4, 5], [9, 0, 1]]
    assert chosen("a", "label") == [[6, 1], [2, 0]]
    assert complaint(tmp_path, text, columns=("x",)).startswith("expected column 'x', found 'l'")
