import bz2
import gzip
import lzma
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

import kldiv_cli
from kldiv_cli.errors import InputError, UnclearError, UsageError, printable
from kldiv_cli.sources.base import Layout
from kldiv_cli.sources.formats.csv import open_csv
from kldiv_cli.sources.formats.opening import open_source
from kldiv_cli.sources.text.lines import LONGEST_LINE

Array = npt.NDArray[Any]

SAMPLES = Path(__file__).parents[2] / "samples"
BLOCK = 1 << 20
"""How many bytes of short lines are read at a time."""


def save(folder: Path, text: str | bytes, name: str = "x.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(
    path: Path, layout: Layout | None = None, rows: int = 1000, classes: Sequence[str] | None = None
) -> tuple[Array, list[str] | None]:
    """Return all values and ids."""
    blocks = list(open_source(path, layout or Layout()).blocks(rows, classes))
    assert all(0 < len(block) <= rows for block in blocks)
    values = np.concatenate([block.values for block in blocks])
    ids = [block.ids.tolist() for block in blocks if block.ids is not None]
    return values, list(chain.from_iterable(ids)) if ids else None


def complaint(path: Path, layout: Layout | None = None) -> str:
    """Return what is wrong with a file, which must be something."""
    with pytest.raises(InputError) as caught:
        read(path, layout)
    assert caught.value.what.startswith(f"{path}: ")
    assert caught.value.advice
    return caught.value.what.removeprefix(f"{path}: ")


PLAIN = "id,a,b\nx,1,-2.5\ny,3,0.25\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(PLAIN, id="plain"),
        pytest.param(PLAIN.rstrip(), id="no-last-newline"),
        pytest.param(PLAIN.replace("\n", "\r\n"), id="crlf"),
        pytest.param(PLAIN.replace("\n", "\r"), id="cr"),
        pytest.param("\ufeff" + PLAIN, id="bom"),
        pytest.param("\ufeff" + PLAIN.replace("\n", "\r\n"), id="bom-crlf"),
        pytest.param('\ufeff"id","a","b"\n"x","1","-2.5"\n"y","3","0.25"\n', id="bom-quoted"),
        pytest.param('id,a,b\n"x","1","-2.5"\n"y",3,"0.25"\n', id="quoted"),
        pytest.param(PLAIN + "\n\n", id="blank-lines-at-the-end"),
        pytest.param(PLAIN.replace("\n", "\n\n"), id="blank-lines-between"),
        pytest.param("id,a,b\nx, 1 ,\t-2.5\ny,3 , 0.25\n", id="spaces-around-numbers"),
        pytest.param("id,a,b\nx,+1,-25e-1\ny,3.,.25\n", id="other-spellings"),
        pytest.param("id,a,b\nx,1.0E0,-2.50\ny,003,25E-2\n", id="more-spellings"),
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "tsv", "CSV"])
def test_every_way_to_write_a_table_gives_the_same_rows(
    tmp_path: Path, text: str, suffix: str
) -> None:
    if suffix == "tsv":
        text = text.replace("\t", " ").replace(",", "\t")
    path = save(tmp_path, text, f"x.{suffix}")
    source = open_source(path, Layout())
    assert (source.class_names, source.id_name) == (("a", "b"), "id")
    assert (source.format, source.dtype, source.shape) == (suffix.lower(), "float64", (None, 2))
    values, ids = read(path)
    assert values.tolist() == [[1, -2.5], [3, 0.25]]
    assert ids == ["x", "y"]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("", np.nan),
        ('""', np.nan),
        ("nan", np.nan),
        ("NaN", np.nan),
        ("NAN", np.nan),
        ("-nan", np.nan),
        ("inf", np.inf),
        ("+inf", np.inf),
        ("Inf", np.inf),
        ("INF", np.inf),
        ("infinity", np.inf),
        ("-inf", -np.inf),
        ("-Infinity", -np.inf),
        (" -inf ", -np.inf),
        ("-0.0", -0.0),
        ("1e-400", 0.0),
        ("0.1", 0.1),
        ("5e-324", 5e-324),
        ("2.2250738585072011e-308", 2.2250738585072011e-308),
        ("1.7976931348623157e308", 1.7976931348623157e308),
        ("-1e12", -1e12),
        ("3.4028235e38", 3.4028235e38),
        ("9007199254740993.0", 9007199254740992.0),
        ("0.1000000000000000055511151231257827021181583404541015625", 0.1),
    ],
    ids=lambda value: repr(value) if isinstance(value, str) else "",
)
def test_a_cell_is_the_nearest_float64(tmp_path: Path, cell: str, value: float) -> None:
    values, _ = read(save(tmp_path, f"a,b\n{cell},1\n2,3\n"))
    np.testing.assert_array_equal(values, [[value, 1], [2, 3]])
    assert np.signbit(values[0, 0]) == np.signbit(value) or np.isnan(value)


def test_shortest_decimals_come_back_bit_by_bit(tmp_path: Path) -> None:
    bits = np.random.default_rng(0).integers(0, 2**64, 4000, np.uint64)
    array = bits.view(np.float64)
    array = array[np.isfinite(array)][:3000].reshape(1000, 3)
    lines = [",".join(map(repr, row)) for row in array.tolist()]
    values, _ = read(save(tmp_path, "a,b,c\n" + "\n".join(lines)))
    np.testing.assert_array_equal(values.view(np.uint64), array.view(np.uint64))


@pytest.mark.parametrize("rows", [1, 7, 1000, 10**6])
def test_more_rows_than_a_piece_come_once_and_in_order(tmp_path: Path, rows: int) -> None:
    count = 9000
    lines = [f"r{i:0200},{i},{i}.5,-{i}e-3" for i in range(count)]
    path = save(tmp_path, "name,a,b,c\n" + "\n".join(lines))
    assert path.stat().st_size > 1.5 * BLOCK
    values, ids = read(path, rows=rows)
    i = np.arange(count)
    np.testing.assert_array_equal(values[:, 0], i)
    np.testing.assert_array_equal(values[:, 1], i + 0.5)
    np.testing.assert_array_equal(values[:, 2], [float(f"-{k}e-3") for k in range(count)])
    assert ids == [f"r{k:0200}" for k in range(count)]


@pytest.mark.parametrize(
    ("first", "later", "value"),
    [
        ("7", "0.5", 0.5),
        ("", "0.5", 0.5),
        ("0.5", "7", 7.0),
        ("nan", "1", 1.0),
        ("1", "-inf", -np.inf),
    ],
    ids=["integers-then-floats", "empty-then-floats", "floats-then-integers", "nan", "inf"],
)
def test_a_column_may_look_otherwise_in_a_later_block(
    tmp_path: Path, first: str, later: str, value: float
) -> None:
    lines = [f"{'x' * 50},{first},1" for _ in range(25_000)]
    path = save(tmp_path, "name,a,b\n" + "\n".join([*lines, f"y,{later},1"]))
    assert path.stat().st_size > BLOCK
    values, _ = read(path)
    assert values.shape == (25_001, 2)
    assert values[-1].tolist() == [value, 1]


def test_an_integer_id_may_become_text_in_a_later_block(tmp_path: Path) -> None:
    lines = [f"{i},0.123456789012345,1" for i in range(60_000)]
    path = save(tmp_path, "id,a,b\n" + "\n".join([*lines, "007,1,2", "end,3,4"]))
    assert path.stat().st_size > BLOCK
    _, ids = read(path)
    assert ids is not None
    assert ids[-3:] == ["59999", "007", "end"]


@pytest.mark.parametrize("name", ["x\n{}", "x\r\n{},7,8", 'say ""{}""', "a,{}", " {} "])
def test_quoted_ids_hold_what_they_hold_over_several_blocks(tmp_path: Path, name: str) -> None:
    count = 60_000
    lines = [f'"{name.format(i)}",0.1234567890,{i}' for i in range(count)]
    path = save(tmp_path, "id,a,b\n" + "\n".join(lines))
    assert path.stat().st_size > BLOCK
    values, ids = read(path)
    assert ids == [name.replace('""', '"').format(i) for i in range(count)]
    np.testing.assert_array_equal(values[:, 1], np.arange(count))


def test_a_header_longer_than_a_block_is_read(tmp_path: Path) -> None:
    names = [f"{i}-" + "n" * 700 for i in range(1600)]
    rows = [range(1600), range(1600, 3200)]
    text = "\n".join([",".join(names), *(",".join(map(str, row)) for row in rows)])
    path = save(tmp_path, text)
    assert len(",".join(names)) > BLOCK
    assert open_source(path, Layout()).class_names == tuple(names)
    assert read(path)[0].tolist() == [list(row) for row in rows]


def test_a_row_longer_than_a_block_is_read(tmp_path: Path) -> None:
    wide = ",".join(["0.1" + "0" * 97] * 12_000)
    path = save(tmp_path, ",".join(map(str, range(12_000))) + f"\n{wide}\n{wide}\n")
    assert len(wide) > BLOCK
    np.testing.assert_array_equal(read(path)[0], np.full((2, 12_000), 0.1))


def test_a_row_longer_than_a_block_may_follow_a_short_one(tmp_path: Path) -> None:
    wide = ",".join(["0.1" + "0" * 297] * 12_000)
    short = ",".join(["0"] * 12_000)
    path = save(tmp_path, ",".join(map(str, range(12_000))) + f"\n{short}\n{wide}\n")
    assert len(wide) > 3 * BLOCK
    assert read(path)[0][:, -1].tolist() == [0, 0.1]


def test_columns_come_in_the_order_asked_for(tmp_path: Path) -> None:
    path = save(tmp_path, "a,id,b,c\n1,x,2,3\n4,y,5,6\n")
    assert read(path, classes=["c", "a", "b"])[0].tolist() == [[3, 1, 2], [6, 4, 5]]
    assert read(path, Layout(columns=("b", "a")))[0].tolist() == [[2, 1], [5, 4]]


def test_names_may_hold_what_csv_quotes(tmp_path: Path) -> None:
    path = save(tmp_path, '"a,1","b ""2""","c\n3"\n1,2,3\n')
    assert open_source(path, Layout()).class_names == ("a,1", 'b "2"', "c\n3")
    assert read(path)[0].tolist() == [[1, 2, 3]]


def test_tabs_and_commas_are_not_mixed_up(tmp_path: Path) -> None:
    path = save(tmp_path, "a,1\tb\n1\t2\n", "x.tsv")
    assert open_source(path, Layout()).class_names == ("a,1", "b")
    said = "expected cells between ',', found tabs between them (line 2: '2')"
    assert complaint(save(tmp_path, "a\tb\n1\t2\n")) == said


@pytest.mark.parametrize(
    "name",
    [b"\xff\xfe.csv", b"a b%20.csv", b"s3:x.csv", b"file:x.csv", b"-x.csv", b"\n.csv", b"x.gz.csv"],
    ids=["no-utf8", "percent", "s3", "uri", "dash", "newline", "gz"],
)
def test_a_file_may_have_any_name(
    tmp_path: Path, name: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path(os.fsdecode(name))
    path.write_text(PLAIN)
    assert read(path)[0].tolist() == [[1, -2.5], [3, 0.25]]


def test_a_folder_named_like_home_is_that_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("~").mkdir()
    path = Path("~", "x.csv")
    path.write_text(PLAIN)
    assert read(path)[0].tolist() == [[1, -2.5], [3, 0.25]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n3\n", "line 3: expected 2 cells, found 1"),
        ("a,b\n1,2,3\n3,4\n", "line 2: expected 2 cells, found 3"),
        ("a,b\r\n1,2\r\n\r\n3,4,5\r\n", "line 4: expected 2 cells, found 3"),
        ('id,a\n"x\ny",2\nz,3,4\n', "line 4: expected 2 cells, found 3"),
        ("a,b\n1,2\n3,x\n5,6\n", "line 3, column 'b': expected a number, found 'x'"),
        ("id,a\nu,1\nv,\nw,na\nx,3\ny,4\n", "line 4, column 'a': expected a number, found 'na'"),
        ("a,b\n1,2\n3,4\n5,nil\n", "line 4, column 'b': expected a number, found 'nil'"),
        ("a,b\n1,2\n3,4\n0x10,3\n", "line 4, column 'a': expected a number, found '0x10'"),
        ("a,b\n1,2\n3,4\n1_0,3\n", "line 4, column 'a': expected a number, found '1_0'"),
        ("a,b\n1,2\n3,4\n5,'6'\n", "line 4, column 'b': expected a number, found \"'6'\""),
        ("\ufeffa,b\n1,2\n3,4\nx,6\n", "line 4, column 'a': expected a number, found 'x'"),
        ('id,a\n"x\ny",2\nz,3\nw,?\n', "line 5, column 'a': expected a number, found '?'"),
        ("a,b\n1,2\n3,4\n1\0,2\n", "line 4, column 'a': expected a number, found '1\\x00'"),
    ],
    ids=[
        *("short", "long", "crlf-and-blank", "after-a-quoted-newline", "text", "na", "nil", "hex"),
        *("underscore", "quotes", "bom", "text-after-a-quoted-newline", "nul"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, text: str, said: str) -> None:
    assert complaint(save(tmp_path, text)) == said


@pytest.mark.parametrize("bad", ["oops,1", "1,oops", "1", "1,2,3"])
def test_a_bad_line_in_a_later_block_is_named(tmp_path: Path, bad: str) -> None:
    lines = ["0.12345678901234,0.12345678901234"] * 50_000
    path = save(tmp_path, "a,b\n" + "\n".join([*lines, bad, *lines]))
    assert path.stat().st_size > 2 * BLOCK
    assert complaint(path).startswith("line 50002")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"\n", "expected a header line"),
        (b"   \n", "expected a header line"),
        (b"a,b\n", "expected rows, found none"),
        (b"a,b", "expected rows, found none"),
        (b"a,b\n\n\n", "expected rows, found none"),
        (b"PAR1\0\0\0", "expected text, found binary data"),
        (b"\x89PNH\r\n\x1a\n\0\0\0\rIHDR", "expected text"),
        ("a,b\n1,2\n".encode("utf-16-le"), "expected text, found UTF-16 without the mark"),
        (b"a,b\n\0,\0\n", "expected text, found binary data"),
        (b"1.5,2.5\n1,2\n", "line 1: expected column names, found numbers"),
        (b"-1,2,-3\n1,2,3\n", "line 1: expected column names, found numbers"),
        (b"x.txt,1.5,2.5\ny.txt,1,2\n", "line 1: expected column names, found numbers"),
    ],
    ids=[
        *("newline", "spaces", "header-only", "header-without-newline", "header-and-blank-lines"),
        *("parquet", "nearly-png", "utf-16", "nul", "numbers", "negative", "numbers-after-an-id"),
    ],
)
def test_what_is_no_table_is_said_so(tmp_path: Path, text: bytes, said: str) -> None:
    assert complaint(save(tmp_path, text)).startswith(said)


@pytest.mark.parametrize(
    "text",
    [b"\xff,b\n1,2\n3,4\n", b"id,a\nx,1\n\xff,2\n", b"a,b\n1,2\n\xff,3\n4,5\n"],
    ids=["header", "id", "class"],
)
def test_what_is_no_utf8_is_said_so(tmp_path: Path, text: bytes) -> None:
    said = complaint(save(tmp_path, text))
    assert "utf" in said.lower() or "line 3" in said


def test_names_that_are_whole_numbers_are_names(tmp_path: Path) -> None:
    path = save(tmp_path, "0,1,2\n1.5,2,3\n")
    assert open_source(path, Layout()).class_names == ("0", "1", "2")
    assert read(path)[0].tolist() == [[1.5, 2, 3]]


def test_integers_that_float64_would_round_are_refused(tmp_path: Path) -> None:
    """An id of 64 bits that no name gives away, taken for a logit, would be a wrong answer."""
    path = save(tmp_path, "uid,a,b\n9007199254740993,1.5,2\n9007199254740995,3,4\n")
    assert "integers beyond 2**53" in complaint(path)


LATE = "x,0.5,1.25\n" * (BLOCK // 8)
"""More lines than are read at a time, before the one that matters."""


@pytest.mark.parametrize("before", ["", LATE], ids=["first", "late"])
@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("1e400", "a number that float64 can hold"),
        ("-1e400", "a number that float64 can hold"),
        (f"{'9' * 310}.5", "a number that float64 can hold"),
        ("9007199254740993", "an integer up to 2**53"),
        ("-9007199254740993", "an integer up to 2**53"),
        ("1152921504606846976", "an integer up to 2**53"),
        ("9" * 310, "an integer up to 2**53"),
    ],
)
@pytest.mark.parametrize("quote", ["", '"'], ids=["", "quoted"])
def test_a_number_that_float64_cannot_hold_is_refused(
    tmp_path: Path, before: str, cell: str, expected: str, quote: str
) -> None:
    """Also among numbers with a point, where no id is to be feared."""
    text = f"id,a,b\n{before}y,1.5,{quote}{cell}{quote}\nz,-inf,3.5\n"
    shown = repr(cell) if len(cell) <= 40 else f"{cell[:40]!r}..."
    line = 2 + before.count("\n")
    assert (
        complaint(save(tmp_path, text))
        == f"line {line}, column 'b': expected {expected}, found {shown}"
    )


@pytest.mark.parametrize("before", ["", LATE], ids=["first", "late"])
@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("inf", np.inf),
        ("-Infinity", -np.inf),
        ("9007199254740992", 2.0**53),
        ("-9007199254740993.0", -(2.0**53)),
        ("1e300", 1e300),
        ("-3.4028234663852886e+38", float(np.finfo(np.float32).min)),
        ("1e-400", 0.0),
    ],
)
def test_large_numbers_and_words_for_infinity_are_read(
    tmp_path: Path, before: str, cell: str, value: float
) -> None:
    path = save(tmp_path, f"id,a,b\n{before}y,1.5,{cell}\nz,2.5,3\n")
    assert read(path)[0][-2:].tolist() == [[1.5, value], [2.5, 3.0]]


def test_columns_that_are_no_classes_may_hold_any_number(tmp_path: Path) -> None:
    path = save(tmp_path, "id,a,b\n9007199254740993,-inf,1e400\n9007199254740992,3,4\n")
    values, ids = read(path, Layout(id=("id",), columns=("a",)))
    assert values.tolist() == [[-np.inf], [3.0]]
    assert ids == ["9007199254740993", "9007199254740992"]


def test_a_row_without_id_is_an_error(tmp_path: Path) -> None:
    said = complaint(save(tmp_path, "id,a,b\nx,1,2\n,3,4\n"))
    assert said == "expected an id in every row, found 1 empty one"


@pytest.mark.parametrize("row_axes", [0, 2])
def test_a_table_has_one_axis_of_rows(tmp_path: Path, row_axes: int) -> None:
    said = complaint(save(tmp_path, PLAIN), Layout(row_axes=row_axes))
    assert said == f"expected --row-axes 1 for a table, found {row_axes}"


@pytest.mark.parametrize("row_axes", [None, 1])
def test_that_axis_may_be_said(tmp_path: Path, row_axes: int | None) -> None:
    assert read(save(tmp_path, PLAIN), Layout(row_axes=row_axes))[1] == ["x", "y"]


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,2\n3,4\n",
        "\ufeffa,b\r\n1,2\r\n3,4",
        "\n".join(["id,a", '"x\ny",1', "z,2"]),
        "a,b\n\n1,2\n\n\n3,4\n",
        f"id,a\n{'x' * 200_000},1\nz,2\n",
    ],
    ids=["plain", "bom-crlf", "quoted-newline", "blank-lines", "long-cell"],
)
def test_a_row_is_found_again_by_its_line(tmp_path: Path, text: str) -> None:
    source = open_source(save(tmp_path, text), Layout())
    lines = text.splitlines()
    place = source.place_of(1)
    assert place is not None
    assert lines[int(place.removeprefix("line ")) - 1] == lines[-1]
    assert source.place_of(2) is None


@pytest.mark.parametrize("name", ["magika-fp32-24.csv", "magika-int8-24.csv"])
def test_the_samples_hold_the_first_rows_of_the_arrays(name: str) -> None:
    array = np.load(SAMPLES / name.replace("-24.csv", ".npy"))[:24]
    values, ids = read(SAMPLES / name, rows=5)
    np.testing.assert_array_equal(values.astype(np.float32), array)
    assert ids is not None
    assert len(set(ids)) == 24


def test_the_guess_of_rows_is_of_the_right_size(tmp_path: Path) -> None:
    text = "a,b\n" + "0.12345678901234,0.12345678901234\n" * 100_000
    expected = open_source(save(tmp_path, text), Layout()).rows_expected
    assert expected is not None
    assert 90_000 < expected < 110_000


# Compressed, without a header, with other delimiters

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": lambda text: pa.compress(text, "zstd", asbytes=True),
    "lz4": lambda text: pa.compress(text, "lz4", asbytes=True),
}


def opened(path: Path, layout: Layout | None = None) -> tuple[Array, list[str] | None]:
    """Return all values and ids of what the suffix may not give away."""
    blocks = list(open_csv(str(path), layout or Layout()).blocks(1000))
    ids = [block.ids.tolist() for block in blocks if block.ids is not None]
    values = np.concatenate([block.values for block in blocks])
    return values, list(chain.from_iterable(ids)) if ids else None


def refusal(path: Path, layout: Layout | None = None) -> str:
    with pytest.raises(InputError) as caught:
        opened(path, layout)
    assert caught.value.advice
    return caught.value.what.removeprefix(f"{path}: ")


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_compressed_table_is_read_as_what_it_holds(tmp_path: Path, suffix: str) -> None:
    lines = [f"r{i},{i},{i}.5" for i in range(100_000)]
    text = "id,a,b\n" + "\n".join(lines)
    path = save(tmp_path, COMPRESS[suffix](text.encode()), f"x.csv.{suffix}")
    values, ids = opened(path)
    i = np.arange(100_000)
    np.testing.assert_array_equal(values, np.stack([i, i + 0.5], axis=1))
    assert ids == [f"r{k}" for k in range(100_000)]
    assert open_csv(str(path), Layout()).line(99_999) == 100_001


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_cut_compressed_table_is_refused(tmp_path: Path, suffix: str) -> None:
    whole = COMPRESS[suffix](PLAIN.encode() * 10_000)
    path = save(tmp_path, whole[: len(whole) // 2], f"x.csv.{suffix}")
    assert refusal(path) == "Truncated compressed stream"


def test_a_bad_line_of_a_compressed_table_is_named(tmp_path: Path) -> None:
    text = "a,b\n" + "1,2\n" * 500_000 + "3,oops\n"
    path = save(tmp_path, gzip.compress(text.encode(), 1), "x.csv.gz")
    assert refusal(path) == "line 500002, column 'b': expected a number, found 'oops'"


@pytest.mark.parametrize("body", [b"1", b"\0", b",", b'"'], ids=repr)
def test_a_bomb_is_defused(tmp_path: Path, body: bytes) -> None:
    """70 KB that would be 70 MB: a line, or nothing at all, that does not end."""
    content = b"a,b\n1,2\n" + body * (LONGEST_LINE + 10)
    path = save(tmp_path, gzip.compress(content, 1), "x.csv.gz")
    assert refusal(path).startswith(f"expected lines of at most {LONGEST_LINE} bytes")


def test_a_bomb_of_empty_lines_is_passed_over(tmp_path: Path) -> None:
    content = b"a,b\n1,2\n" + b"\n" * (LONGEST_LINE + 10) + b"3,4\n"
    path = save(tmp_path, gzip.compress(content, 1), "x.csv.gz")
    assert opened(path)[0].tolist() == [[1, 2], [3, 4]]


def test_more_columns_than_can_be_classes_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path, b"a" + b"," * (1 << 20) + b"\n1\n")
    assert refusal(path) == "expected at most 1048576 columns, found more"


@pytest.mark.parametrize(
    ("text", "classes", "id_name", "values", "ids"),
    [
        ("1.5,2\n3,4\n", 2, None, [[1.5, 2], [3, 4]], None),
        ("x,1.5\ny,2\n", 1, "0", [[1.5], [2]], ["x", "y"]),
        ("1.5,x\n2,y\n", 1, "1", [[1.5], [2]], ["x", "y"]),
        ("0,1.5\n1,2\n2,3\n", 1, "0", [[1.5], [2], [3]], ["0", "1", "2"]),
        ("0,5\n1,7\n", 1, "0", [[5], [7]], ["0", "1"]),
        ("3,5\n9,7\n", 2, None, [[3, 5], [9, 7]], None),
        (",1\n2,3\n", 2, None, [[np.nan, 1], [2, 3]], None),
        ("1.5\n", 1, None, [[1.5]], None),
    ],
    ids=[
        *("numbers", "text-id", "text-id-last", "counting", "counting-beside-integers"),
        *("integers", "empty-cell", "single"),
    ],
)
def test_a_table_without_a_header_knows_its_columns_by_position(
    tmp_path: Path,
    text: str,
    classes: int,
    id_name: str | None,
    values: list[list[float]],
    ids: list[str] | None,
) -> None:
    path = save(tmp_path, text)
    source = open_csv(str(path), Layout(header=False))
    assert (source.class_names, source.class_shape, source.id_name) == (None, (classes,), id_name)
    found, names = opened(path, Layout(header=False))
    np.testing.assert_array_equal(found, values)
    assert names == ids


def test_a_column_without_a_name_is_chosen_by_its_position(tmp_path: Path) -> None:
    path = save(tmp_path, "7,1.5,2.5,x\n3,3.5,4.5,y\n")
    layout = Layout(header=False, id=("0",), columns=("2", "1"))
    assert opened(path, layout)[0].tolist() == [[2.5, 1.5], [4.5, 3.5]]
    assert opened(path, layout)[1] == ["7", "3"]
    assert refusal(path, Layout(header=False, columns=("4",))).startswith("expected column '4'")


def test_integers_that_may_be_ids_or_a_class_are_asked_about(tmp_path: Path) -> None:
    path = save(tmp_path, "7,1.5\n3,3.5\n")
    with pytest.raises(UnclearError) as caught:
        kldiv_cli.compare(path, path, header=False)
    assert caught.value.what == (
        f"{path}: expected row ids or a class in the first column, found integers that "
        "may be either"
    )
    assert caught.value.advice == (
        "--id 0 if they are row ids, --drop 0 if they are neither, --columns '*' if they are a "
        "class."
    )
    assert opened(path, Layout(header=False, columns=("0", "1")))[0].tolist() == [
        [7, 1.5],
        [3, 3.5],
    ]


def test_without_a_header_the_first_line_is_line_1(tmp_path: Path) -> None:
    path = save(tmp_path, "1.5,2\n3,4\n")
    source = open_csv(str(path), Layout(header=False))
    assert [source.line(row) for row in range(3)] == [1, 2, None]
    path = save(tmp_path, "1.5,2\n3,oops\n5,6\n")
    said = refusal(path, Layout(header=False))
    assert said == "line 2, column '1': expected a number, found 'oops'"


def test_a_header_that_is_said_not_to_be_one_is_a_bad_line(tmp_path: Path) -> None:
    said = refusal(save(tmp_path, "a,b\n1,2\n3,4\n"), Layout(header=False))
    assert said == "line 1, column '0': expected a number, found 'a'"


def test_many_pieces_without_a_header_come_in_order(tmp_path: Path) -> None:
    path = save(tmp_path, "".join(f"{i}.5,{-i}\n" for i in range(300_000)))
    assert path.stat().st_size > 3 * BLOCK
    i = np.arange(300_000)
    np.testing.assert_array_equal(
        opened(path, Layout(header=False))[0], np.stack([i + 0.5, -i], axis=1)
    )


@pytest.mark.parametrize("delimiter", [";", "|", "\t", " ", "^", "\\t"])
def test_a_table_may_have_any_delimiter(tmp_path: Path, delimiter: str) -> None:
    between = delimiter.replace("\\t", "\t")
    path = save(tmp_path, '"i,d";a;b\n"x;1";1;2\ny;;4\n'.replace(";", between))
    values, ids = opened(path, Layout(delimiter=delimiter))
    np.testing.assert_array_equal(values, [[1, 2], [np.nan, 4]])
    assert ids == [f"x{between}1", "y"]


@pytest.mark.parametrize("delimiter", ["", ";;", '"', "\n", "é"])
def test_a_delimiter_is_one_character(tmp_path: Path, delimiter: str) -> None:
    path = save(tmp_path, PLAIN)
    with pytest.raises(UsageError) as caught:
        opened(path, Layout(delimiter=delimiter))
    assert caught.value.what == (
        f"--delimiter: expected one ASCII character, found {printable(repr(delimiter))}"
    )


@pytest.mark.parametrize(
    "cell", ["5" * 1_000_000 + "x", " " * 1_000_000 + "x", "1." + "5" * 1_000_000 + "x"]
)
def test_a_cell_of_a_megabyte_is_refused_at_once(tmp_path: Path, cell: str) -> None:
    began = time.monotonic()
    said = complaint(save(tmp_path, f"a,b\n1,2\n{cell}x,1\n4,5\n"))
    assert said.startswith("line 3, column 'a': expected a number, found ")
    assert time.monotonic() - began < 10


def test_a_name_of_a_megabyte_is_cut_in_messages(tmp_path: Path) -> None:
    said = complaint(save(tmp_path, f"{'x' * 1_000_000}\ny\nz\n"))
    assert said == (f"expected one numeric column per class, found none (columns: '{'x' * 80}'...)")


def test_an_integer_of_thousands_of_digits_is_refused(tmp_path: Path) -> None:
    said = refusal(save(tmp_path, f"a,b\n{'9' * 5000},1\n"))
    assert "integers beyond 2**53" in said


def test_many_text_columns_are_refused_soon(tmp_path: Path) -> None:
    names = ",".join(f"c{i}" for i in range(20_000))
    path = save(tmp_path, f"{names}\n" + ",".join(["x"] * 20_000) + "\n")
    assert refusal(path).startswith("expected one numeric column per class, found none")


WALK = """
import sys
from pathlib import Path
from kldiv_cli.sources.base import Layout
from kldiv_cli.sources.formats.csv import open_csv

rows = sum(map(len, open_csv(sys.argv[1], Layout()).blocks(1000)))
print(rows, Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory from /proc")
def test_a_long_file_is_never_in_memory_at_once(tmp_path: Path) -> None:
    """120 MB take no more than 12 MB, which are more than is read at a time."""
    line = ",".join(["0.12345678"] * 1000) + "\n"
    peaks = []
    for rows in (1_100, 11_000):
        path = save(tmp_path, ",".join(f"c{i}" for i in range(1000)) + "\n" + line * rows)
        done = subprocess.run(
            [sys.executable, "-c", WALK, str(path)],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        seen, peak = map(int, done.stdout.split())
        assert seen == rows
        peaks.append(peak / 1024)
    assert peaks[1] - peaks[0] < 40
