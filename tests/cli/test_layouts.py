"""How the numbers lie in files: headers, delimiters, raw bytes, orders, columns that hold lists."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kldiv_cli import compare, loss
from kldiv_cli.errors import InputError, UsageError
from kldiv_cli.tasks.inspect import inspect
from kldiv_cli.tasks.verify import verify
from tests.command import Kldiv, Result

Array = npt.NDArray[Any]

P = np.array([[1.5, -2.25, 0.5], [3.0, 0.0, -1.0]])
Q = np.array([[1.25, -2.5, 1.0], [2.0, 0.5, -3.0]])
TOTAL = repr(compare(P, Q).measures["jeffreys"]["total"]) + "\n"


def text(rows: Array, delimiter: str = ",", header: str = "a,b,c") -> str:
    lines = [delimiter.join(map(repr, row)) for row in rows.tolist()]
    return "\n".join([header.replace(",", delimiter), *lines] if header else lines) + "\n"


def put(path: Path, content: str) -> Path:
    path.write_text(content)
    return path


def save(path: Path, array: Array) -> Path:
    np.save(path, array)
    return path


def total(kldiv: Kldiv, *words: object) -> str:
    code, out, err = kldiv("compare", *words, "--stat", "total")
    assert (code, err) == (0, "")
    return out


def error(result: Result) -> tuple[str, str]:
    assert (result.code, result.out) == (2, "")
    what, advice = result.err.splitlines()
    return what.removeprefix("kldiv: error: "), advice


class TestNoHeader:
    @pytest.mark.parametrize("suffix", ["csv", "tsv"])
    def test_the_first_line_is_a_row(self, kldiv: Kldiv, tmp_path: Path, suffix: str) -> None:
        delimiter = "," if suffix == "csv" else "\t"
        p = put(tmp_path / f"p.{suffix}", text(P, delimiter, ""))
        q = put(tmp_path / f"q.{suffix}", text(Q, delimiter, ""))
        assert total(kldiv, p, q, "--no-header") == TOTAL
        found = compare(p, q, header=False)
        assert (found.rows, found.class_names) == (2, None)
        assert verify(p, q, header=False).rows == 2
        assert loss("torch", p, q, header=False).value == loss("torch", P, Q).value

    def test_it_is_advised(self, kldiv: Kldiv, tmp_path: Path) -> None:
        p = put(tmp_path / "p.csv", text(P, header=""))
        what, advice = error(kldiv("compare", p, p))
        assert what.startswith(f"{p}: line 1: expected column names, found numbers")
        assert advice == "Say --no-header if that is a row, or put a line of names above it."

    def test_the_other_side_need_be_no_text(self, kldiv: Kldiv, tmp_path: Path) -> None:
        p, q = put(tmp_path / "p.csv", text(P, header="")), save(tmp_path / "q.npy", Q)
        assert total(kldiv, p, q, "--no-header") == TOTAL
        p, q = save(tmp_path / "p.npy", P), put(tmp_path / "q.csv", text(Q, header=""))
        assert total(kldiv, p, q, "--no-header") == TOTAL

    def test_columns_go_by_their_positions(self, kldiv: Kldiv, tmp_path: Path) -> None:
        p = put(tmp_path / "p.csv", "9,1.5,-2.25,0.5\n8,3,0,-1\n")
        q = put(tmp_path / "q.csv", "8,2,0.5,-3\n9,1.25,-2.5,1\n")
        words = ("--no-header", "--columns", "1,2,3", "--id", "0")
        assert total(kldiv, p, q, *words) == TOTAL
        q.write_text("7,2,0.5,-3\n9,1.25,-2.5,1\n")
        what, _ = error(kldiv("compare", p, q, *words))
        assert what.startswith(f"{q}: expected the same row ids as {p}, found 1 only in")

    def test_labels_need_a_name(self, tmp_path: Path) -> None:
        p = put(tmp_path / "p.csv", "0.5,1.5,0\n2.5,1,1\n")
        with pytest.raises(InputError) as caught:
            loss("dkd", p, p, labels="2", header=False)
        assert caught.value.what == (
            f"{p}: expected a table whose columns have names, for that of the labels '2', found "
            "one without a header"
        )


class TestDelimiter:
    @pytest.mark.parametrize("delimiter", [";", "|", " ", "\t", ":"])
    def test_cells_are_cut_there(self, kldiv: Kldiv, tmp_path: Path, delimiter: str) -> None:
        p = put(tmp_path / "p.csv", text(P, delimiter))
        q = put(tmp_path / "q.tsv", text(Q, delimiter))
        assert total(kldiv, p, q, "--delimiter", delimiter) == TOTAL
        assert verify(p, q, delimiter=delimiter).rows == 2
        assert loss("torch", p, q, delimiter=delimiter).value == loss("torch", P, Q).value
        assert compare(p, save(tmp_path / "q.npy", Q), delimiter=delimiter).class_names == tuple(
            "abc"
        )

    def test_a_tab_may_be_written(self, kldiv: Kldiv, tmp_path: Path) -> None:
        p, q = put(tmp_path / "p.csv", text(P, "\t")), put(tmp_path / "q.csv", text(Q, "\t"))
        assert total(kldiv, p, q, "--delimiter", "\\t") == TOTAL

    def test_another_name_and_no_header(self, kldiv: Kldiv, tmp_path: Path) -> None:
        p, q = (put(tmp_path / f"{name}.txt", text(x, ";", "")) for name, x in (("p", P), ("q", Q)))
        formats = ("--reference-format", "csv", "--candidate-format", "csv")
        assert total(kldiv, p, q, *formats, "--no-header", "--delimiter", ";") == TOTAL

    @pytest.mark.parametrize("delimiter", ["", ";;", "é", '"', "\n"])
    def test_what_is_no_character_is_refused(
        self, kldiv: Kldiv, tmp_path: Path, delimiter: str
    ) -> None:
        p = put(tmp_path / "p.csv", text(P))
        what, advice = error(kldiv("compare", p, p, "--delimiter", delimiter))
        assert what == f"--delimiter: expected one ASCII character, found {delimiter!r}"
        assert advice == "Name what stands between the cells: ';', '|', '\\t', ..."

    @pytest.mark.parametrize(
        ("suffix", "delimiter", "own"), [("csv", ";", ","), ("csv", "\t", ","), ("tsv", ",", "\t")]
    )
    def test_it_is_advised(
        self, kldiv: Kldiv, tmp_path: Path, suffix: str, delimiter: str, own: str
    ) -> None:
        between = {"\t": "tabs", ";": "';'", ",": "','"}
        typed = {"\t": "'\\t'", ";": "';'", ",": "','"}[delimiter]
        for header, words in (("a,b,c", ()), ("", ("--no-header",))):
            p = put(tmp_path / f"p.{suffix}", text(P, delimiter, header))
            where = f"line {2 if header else 1}: '0.5'"
            between_them = f"found {between[delimiter]} between them"
            assert error(kldiv("compare", p, p, *words)) == (
                f"{p}: expected cells between {between[own]}, {between_them} ({where})",
                f"Say {' '.join(['--delimiter', typed, *words])} to read it so.",
            )


BFLOAT16 = (P.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16).view("V2")
"""P, whose values bfloat16 holds exactly."""


class TestDtype:
    @pytest.mark.parametrize("fortran", [False, True], ids=["C", "Fortran"])
    def test_raw_bytes_are_bfloat16(self, kldiv: Kldiv, tmp_path: Path, fortran: bool) -> None:
        raw = np.asfortranarray(BFLOAT16) if fortran else BFLOAT16
        p, q = save(tmp_path / "p.npy", raw), save(tmp_path / "q.npy", Q.astype("f4"))
        assert total(kldiv, p, q, "--dtype", "bfloat16") == TOTAL
        found = compare(p, q, dtype="bfloat16")
        assert (found.reference.dtype, found.candidate.dtype) == ("bfloat16", "float32")
        assert compare(q, p, dtype="bfloat16").candidate.dtype == "bfloat16"
        assert compare(p, p, dtype="bfloat16").measures["jeffreys"]["total"] == 0
        assert verify(p, q, dtype="bfloat16").rows == 2
        assert loss("torch", p, q, dtype="bfloat16").value == loss("torch", P, Q).value

    @pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
    def test_in_an_archive_too(
        self, kldiv: Kldiv, tmp_path: Path, write: Callable[..., None]
    ) -> None:
        write(tmp_path / "p.npz", logits=BFLOAT16)
        q = save(tmp_path / "q.npy", Q)
        assert total(kldiv, tmp_path / "p.npz", q, "--dtype", "bfloat16") == TOTAL

    @pytest.mark.parametrize("raw", [BFLOAT16, np.asfortranarray(BFLOAT16)], ids=["C", "Fortran"])
    def test_in_memory_too(self, raw: Array) -> None:
        found = compare(raw, Q, dtype="bfloat16")
        assert repr(found.measures["jeffreys"]["total"]) + "\n" == TOTAL
        with pytest.raises(InputError) as caught:
            compare(raw, Q)
        assert caught.value.what.startswith(
            "reference array: expected real numbers, found |V2 (two raw "
        )
        assert caught.value.advice == "Say --dtype bfloat16 if that is what they are."

    def test_an_array_that_says_so_itself_needs_no_option(self) -> None:
        for array in (
            P.astype(ml_dtypes.bfloat16),
            np.asfortranarray(P.astype(ml_dtypes.bfloat16)),
        ):
            found = compare(array, Q)
            assert found.reference.dtype == "bfloat16"
            assert repr(found.measures["jeffreys"]["total"]) + "\n" == TOTAL

    def test_an_unknown_type_is_refused(self, kldiv: Kldiv, tmp_path: Path) -> None:
        p = save(tmp_path / "p.npy", BFLOAT16)
        code, out, err = kldiv("compare", p, p, "--dtype", "float8")
        assert (code, out) == (2, "")
        assert "'float8' is not one of 'bfloat16'" in err
        with pytest.raises(UsageError, match="no type of raw bytes is called 'float8'"):
            compare(p, p, dtype="float8")  # type: ignore[arg-type]


class TestRefused:
    """What is said of files and applies to none of them."""

    OPTIONS = "--no-header, --delimiter and --decimal"
    ADVICE = "Leave them out: only .csv and .tsv files have a header line and delimiters."

    @pytest.mark.parametrize("words", [("--no-header",), ("--delimiter", ";"), ("--decimal", ",")])
    @pytest.mark.parametrize("command", [("compare",), ("verify",), ("loss", "torch")])
    def test_text_options_without_text(
        self, kldiv: Kldiv, tmp_path: Path, command: tuple[str, ...], words: tuple[str, ...]
    ) -> None:
        p = save(tmp_path / "p.npy", P)
        pq.write_table(pa.table({"l": Q.tolist()}), tmp_path / "q.parquet")
        assert error(kldiv(*command, p, tmp_path / "q.parquet", *words)) == (
            f"{self.OPTIONS} are for delimited text, and neither input is any",
            self.ADVICE,
        )

    @pytest.mark.parametrize("command", [("compare",), ("verify",), ("loss", "torch")])
    def test_a_type_without_raw_bytes(
        self, kldiv: Kldiv, tmp_path: Path, command: tuple[str, ...]
    ) -> None:
        p = save(tmp_path / "p.npy", P)
        assert error(kldiv(*command, p, p, "--dtype", "bfloat16")) == (
            "--dtype bfloat16 is for values of two raw bytes, and neither input holds any",
            "Leave it out: other files say what they hold.",
        )

    def test_inspect_refuses_them_too(self, kldiv: Kldiv, tmp_path: Path) -> None:
        p = save(tmp_path / "p.npy", P)
        text_only = f"{p}: expected delimited text for {self.OPTIONS}, found npy"
        assert error(kldiv("inspect", p, "--no-header")) == (text_only, self.ADVICE)
        assert error(kldiv("inspect", p, "--delimiter", ";")) == (text_only, self.ADVICE)
        assert error(kldiv("inspect", p, "--dtype", "bfloat16")) == (
            f"{p}: expected values of two raw bytes for --dtype bfloat16, found float64",
            "Leave it out: the file says what it holds.",
        )
        np.savez_compressed(tmp_path / "p.npz", P)
        what, _ = error(kldiv("inspect", tmp_path / "p.npz", "--columns", "a"))
        assert (
            what
            == f"{tmp_path / 'p.npz'}: expected a table for --id, --columns and --drop, found npz"
        )


def test_inspect_takes_them(kldiv: Kldiv, tmp_path: Path) -> None:
    p = put(tmp_path / "p.csv", text(P, ";", ""))
    code, out, err = kldiv("inspect", p, "--no-header", "--delimiter", ";")
    assert (code, err) == (0, "")
    assert out.splitlines()[:3] == [
        f"file         {p}  csv float64 2 x 3",
        "holds        0, 1, 2  float64  3 classes",
        "classes      3",
    ]
    raw = save(tmp_path / "p.npy", BFLOAT16)
    code, out, err = kldiv("inspect", raw, "--dtype", "bfloat16")
    assert out.splitlines()[0] == f"file         {raw}  npy bfloat16 2 x 3"
    assert "-2.25 to 3 (finite cells)" in out
    assert inspect(BFLOAT16, dtype="bfloat16").file.dtype == "bfloat16"


WRITE: dict[str, Callable[[Path, Array], None]] = {
    "npy": np.save,
    "npz": np.savez,
    "npz-deflated": np.savez_compressed,
}


@pytest.mark.parametrize("kind", WRITE)
@pytest.mark.parametrize("dtype", ["<f4", ">f4", ">f8", ">f2", ">i4"])
@pytest.mark.parametrize("order", ["C", "F", "reversed"])
def test_any_byte_order_and_any_order_of_axes(
    tmp_path: Path, kind: str, dtype: str, order: str
) -> None:
    rng = np.random.default_rng(5)
    p, q = (rng.integers(-8, 8, (7, 3, 5)).astype(dtype) for _ in range(2))
    sides = []
    for name, x in (("p", p), ("q", q)):
        stored = x[::-1, :, ::-1] if order == "reversed" else np.asarray(x, order=order)  # type: ignore[call-overload]
        with (tmp_path / f"{name}.{kind[:3]}").open("wb") as file:
            WRITE[kind](file, stored)  # type: ignore[arg-type]
        sides.append(Path(file.name))
    if order == "reversed":
        p, q = p[::-1, :, ::-1], q[::-1, :, ::-1]
    expected = compare(np.ascontiguousarray(p, float), np.ascontiguousarray(q, float))
    found = compare(*sides)
    assert found.row_shape == (7, 3)
    np.testing.assert_array_equal(found.values["jeffreys"], expected.values["jeffreys"])
    np.testing.assert_array_equal(compare(p, q).values["jeffreys"], expected.values["jeffreys"])


class TestListColumns:
    """Two tables whose rows are lists, of which --columns names one."""

    @pytest.fixture
    def sides(self, tmp_path: Path) -> tuple[Path, Path]:
        paths = tmp_path / "p.parquet", tmp_path / "q.arrow"
        tables = [
            pa.table({"l": x.tolist(), "other": (2 * x).tolist(), "n": ["x", "y"]}) for x in (P, Q)
        ]
        pq.write_table(tables[0], paths[0])
        with pa.ipc.new_file(str(paths[1]), tables[1].schema) as writer:
            writer.write_table(tables[1])
        return paths

    def test_one_is_named(self, kldiv: Kldiv, sides: tuple[Path, Path]) -> None:
        assert total(kldiv, *sides, "--columns", "l") == TOTAL
        assert total(kldiv, *sides, "--columns", "l", "--id", "n") == TOTAL
        doubled = compare(2 * P, 2 * Q).measures["jeffreys"]["total"]
        assert float(total(kldiv, *sides, "--columns", "other")) == doubled
        assert verify(*sides, columns=["l"]).rows == 2
        assert loss("torch", *sides, columns=["l"]).value == loss("torch", P, Q).value

    def test_none_is_named(self, kldiv: Kldiv, sides: tuple[Path, Path]) -> None:
        what, advice = error(kldiv("compare", *sides))
        assert what == (
            f"{sides[0]}: expected one numeric column per class, found list column 'l', 'other'"
        )
        assert advice == "Name the column that holds the logits: --columns l"

    def test_of_two_that_have_no_ids(self, kldiv: Kldiv, tmp_path: Path) -> None:
        for name, x in (("p", P), ("q", Q)):
            pq.write_table(pa.table({"l": x.tolist()}), tmp_path / f"{name}.parquet")
        sides = (tmp_path / "p.parquet", tmp_path / "q.parquet")
        assert total(kldiv, *sides, "--columns", "l") == TOTAL
