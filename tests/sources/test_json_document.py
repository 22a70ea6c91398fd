"""JSON documents: lists of lists, records, objects with lists, and outputs of Polygraphy."""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from kldiv_cli import compare
from kldiv_cli.errors import InputError
from kldiv_cli.sources.base import Layout, Source
from kldiv_cli.sources.formats.opening import open_source
from tests.command import ROOT
from tests.sources.mutations import read

CASES = ROOT / "tests" / "cases"
MEAN = 0.012766845035995957
ROWS = [[1.5, -2.25, 0.5], [3.0, 0.0, -1.0]]


def write(folder: Path, document: Any, name: str = "x.json", **options: Any) -> Path:
    path = folder / name
    text = document if isinstance(document, str) else json.dumps(document, **options)
    path.write_text(text, encoding="utf-8")
    return path


def opened(folder: Path, document: Any, **layout: Any) -> Source:
    return open_source(write(folder, document), Layout(**layout))


def complaint(folder: Path, document: Any, **layout: Any) -> str:
    with pytest.raises(InputError) as caught:
        read(opened(folder, document, **layout))
    assert caught.value.advice
    assert len(caught.value.what) < 500
    return caught.value.what.removeprefix(f"{folder / 'x.json'}: ")


@pytest.mark.parametrize("name", ["arr", "poly"])
def test_documents_as_people_have_them(name: str) -> None:
    found = compare(CASES / f"{name}_p.json", CASES / f"{name}_q.json")
    assert found.measures["jeffreys"]["mean"] == pytest.approx(MEAN, rel=1e-14, abs=0)
    assert found.reference.format == "json"


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("name", ["x.json", "x", "x.txt"])
def test_a_list_of_lists_is_an_array(tmp_path: Path, indent: int | None, name: str) -> None:
    source = open_source(write(tmp_path, ROWS, name, indent=indent), Layout())
    assert (source.format, source.dtype, source.shape) == ("json", "float64", (2, 3))
    assert read(source).tolist() == ROWS
    assert not source.is_table


def test_lists_may_be_deeper_and_ragged(tmp_path: Path) -> None:
    assert opened(tmp_path, [ROWS, ROWS]).shape == (2, 2, 3)
    assert opened(tmp_path, [ROWS, ROWS], row_axes=1).class_shape == (2, 3)
    texts = opened(tmp_path, [ROWS, ROWS[:1], [ROWS[1]] * 3])
    assert texts.shape == (6, 3)
    assert read(texts).tolist() == [*ROWS, ROWS[0], *[ROWS[1]] * 3]


def test_null_is_nan_and_whole_numbers_stay_whole(tmp_path: Path) -> None:
    found = read(opened(tmp_path, [[None, 1], [2, 3]]))
    assert np.isnan(found).tolist() == [[True, False], [False, False]]
    assert opened(tmp_path, [[1, 2], [3, 4]]).dtype == "int64"


def test_a_list_of_records_is_a_table(tmp_path: Path) -> None:
    records = [{"id": "b", "cat": 1.5, "dog": 2}, {"id": "a", "dog": -1, "cat": None}]
    source = opened(tmp_path, records)
    assert (source.format, source.is_table, source.length) == ("json", True, 2)
    assert (source.class_names, source.id_name) == (("cat", "dog"), "id")
    (block,) = source.blocks(5)
    assert block.ids is not None
    assert block.ids.tolist() == ["b", "a"]
    assert block.values.tolist()[0] == [1.5, 2.0]
    lists = [{"name": "b", "logits": ROWS[0]}, {"name": "a", "logits": ROWS[1]}]
    assert read(opened(tmp_path, lists)).tolist() == ROWS


def test_records_pair_by_id(tmp_path: Path) -> None:
    p, q = np.load(CASES / "right_p.npy").tolist(), np.load(CASES / "right_q.npy").tolist()
    names = "abcdefghijk"
    rows = [{"id": f"r{i}", **dict(zip(names, row, strict=True))} for i, row in enumerate(p)]
    others = [{"id": f"r{i}", **dict(zip(names, row, strict=True))} for i, row in enumerate(q)]
    found = compare(write(tmp_path, rows, "p.json"), write(tmp_path, others[::-1], "q.json"))
    assert found.measures["jeffreys"]["mean"] == pytest.approx(MEAN, rel=1e-12)


def test_an_object_with_lists(tmp_path: Path) -> None:
    source = opened(tmp_path, {"model": "m", "labels": [0, 1], "logits": ROWS})
    assert read(source).tolist() == ROWS
    assert source.has_keys
    both = {"teacher": ROWS, "student": ROWS[::-1]}
    assert complaint(tmp_path, both) == (
        "expected one array, found 'teacher' numbers (2, 3), 'student' numbers (2, 3)"
    )
    assert read(opened(tmp_path, both, key="student")).tolist() == ROWS[::-1]
    assert opened(tmp_path, {"s1": ROWS, "s2": ROWS[:1]}, key="s*").shape == (3, 3)


@pytest.mark.parametrize(
    "text",
    [
        "[1.5, -2.25, 0.5]\n[3, 0, -1]\n",
        '{"a": 1.5, "b": -2.25, "c": 0.5}\n{"a": 3, "b": 0, "c": -1}\n',
        '{"l": [1.5, -2.25, 0.5]}\n{"l": [3, 0, -1]}',
        "[1.5, -2.25, 0.5]",
    ],
)
def test_json_lines_stay_json_lines(tmp_path: Path, text: str) -> None:
    source = opened(tmp_path, text)
    assert source.format == "jsonl"
    assert read(source).tolist() == ROWS[: text.count("\n") + (not text.endswith("\n"))]


def test_documents_are_read_compressed_and_piped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = write(tmp_path, ROWS).read_bytes()
    (tmp_path / "x.json.gz").write_bytes(gzip.compress(whole))
    assert read(open_source(tmp_path / "x.json.gz", Layout())).tolist() == ROWS
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(whole)))
    source = open_source("-", Layout())
    assert source.format == "json"
    assert read(source).tolist() == ROWS


def polygraphy(*iterations: dict[str, Any], runners: tuple[str, ...] = ("r",)) -> dict[str, Any]:
    done = [
        {
            "outputs": {
                name: {"values": {"array": value, "polygraphy_class": "ndarray"}}
                for name, value in outputs.items()
            },
            "runner_name": "r",
        }
        for outputs in iterations
    ]
    return {"lst": [[runner, done] for runner in runners], "polygraphy_class": "RunResults"}


def saved(values: Any, dtype: str = "f4") -> str:
    file = BytesIO()
    np.save(file, np.array(values, dtype))
    return b64encode(file.getvalue()).decode()


def test_outputs_of_polygraphy(tmp_path: Path) -> None:
    source = opened(tmp_path, polygraphy({"y": saved(ROWS)}, {"y": saved(ROWS[:1])}))
    assert (source.shape, source.dtype, source.arrays) == ((3, 3), "float32", 2)
    assert read(source).tolist() == [*ROWS, ROWS[0]]
    two = polygraphy({"y": saved(ROWS), "z": saved([[1, 2]])})
    assert complaint(tmp_path, two) == (
        "expected one array, found 'y' float32 (2, 3), 'z' float32 (1, 2)"
    )
    assert opened(tmp_path, two, key="z").shape == (1, 2)
    runs = polygraphy({"y": saved(ROWS)}, runners=("a", "b"))
    assert complaint(tmp_path, runs) == (
        "expected one array, found 'a/y' float32 (2, 3), 'b/y' float32 (2, 3)"
    )


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("!!!", "expected the outputs of runners as Polygraphy writes them"),
        (b64encode(b"no array").decode(), "'y': expected an .npy file"),
        (saved(ROWS)[:-8], "'y': expected 24 bytes of float32 for shape (2, 3), found"),
        (saved(ROWS, "c8"), "'y': expected real numbers, found complex64"),
        (None, "expected the outputs of runners as Polygraphy writes them"),
    ],
)
def test_damaged_outputs_are_refused(tmp_path: Path, value: Any, found: str) -> None:
    assert complaint(tmp_path, polygraphy({"y": value})).startswith(found)


@pytest.mark.parametrize(
    "document",
    [
        {"lst": 3, "polygraphy_class": "RunResults"},
        {"lst": [["r"]], "polygraphy_class": "RunResults"},
        {"lst": [["r", [{"outputs": []}]]], "polygraphy_class": "RunResults"},
        {"lst": [], "polygraphy_class": "RunResults"},
    ],
)
def test_no_outputs_are_refused(tmp_path: Path, document: Any) -> None:
    assert complaint(tmp_path, document).startswith("expected ")


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ([[1, 2], [3]], "expected rows of 2 numbers as the first, found one of 1"),
        ([[1, 2], 3], "expected lists of numbers, found 3"),
        ([[1, 2], [3, "x"]], 'expected numbers, found "x"'),
        ([[1, True]], "expected numbers, found true"),
        ([[1, [2]]], "expected numbers, found a list"),
        ([[1, 2**53 + 1]], "expected an integer up to 2**53, found 9007199254740993"),
        ([[]], "expected rows and classes, found none (shape (1, 0))"),
        ([[], [1]], "expected rows of 0 numbers as the first, found one of 1"),
        ("[[1, 1e999]]", "expected numbers that float64 can hold, found 1e999"),
        ("[[1, 2], [3", "line 1, column 12: expected JSON, found something else"),
        ("[" * 100_000, "expected numbers, found lists in lists"),
        ("[" * 200 + "]" * 200, "expected numbers, found a list"),
        ('[{"a": 1}, 2]', "expected objects with a number per class, found 2"),
        ('[{"a": 1}, {}]', "expected objects with a number per class, found an empty one"),
        ('[{"a": 1}, {"a": "x"}]', "record 1: 'a': expected a number, found \"x\""),
        ('[{"a": 1, "a": 2}]', "expected every name once, found 'a' again"),
        ('{"x": [["a"]]}', "'x': expected numbers, found \"a\""),
    ],
)
def test_other_documents_are_refused(tmp_path: Path, document: Any, found: str) -> None:
    assert complaint(tmp_path, document).startswith(found)


def test_a_document_that_is_too_long_to_hold_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kldiv_cli.sources.formats.json_document.LONGEST_LINE", 20)
    assert complaint(tmp_path, ROWS) == (
        "expected a JSON document of at most 20 bytes, found a longer one"
    )
    lines = "[1.5, -2.25, 0.5]\n" * 9
    assert opened(tmp_path, lines).format == "jsonl"


def test_rounded_probabilities_have_the_tolerance_of_text(tmp_path: Path) -> None:
    p: npt.NDArray[Any] = np.array([[0.333333, 0.333333, 0.333333]])
    path = write(tmp_path, p.tolist())
    assert compare(path, path, kind="probs").measures["jeffreys"]["mean"] == 0
