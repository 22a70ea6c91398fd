"""A label per row, in every form that people have."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest

from kldiv_cli.errors import InputError
from kldiv_cli.sources.labels import groups
from kldiv_cli.sources.labels.groups import RowLabels, read_row_labels

ADVICE = (
    "Give one label per row, in the rows' order: a line each, without a header, or an .npy array."
)


@pytest.mark.parametrize(
    ("content", "labels"),
    [
        (b"a\nb\n", ["a", "b"]),
        (b"a\nb", ["a", "b"]),
        (b"\xef\xbb\xbfa\r\nb c, d\r\n", ["a", "b c, d"]),
        (b"a\n\nb\n\n", ["a", None, "b", None]),
        (b"\n", [None]),
        ("\u7334\u5b50\nx\u2028y\n".encode(), ["\u7334\u5b50", "x\u2028y"]),
        (b"7\n07\n-1\n", ["7", "07", "-1"]),
        (b"", []),
    ],
)
def test_lines_of_text(content: bytes, labels: list[str | None], tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(content)
    assert read_row_labels(path).values.tolist() == labels


@pytest.mark.parametrize(
    ("array", "labels"),
    [
        (np.array([3, -1, 3]), ["3", "-1", "3"]),
        (np.array([2**64 - 1], dtype=">u8"), ["18446744073709551615"]),
        (np.array([True, False]), ["True", "False"]),
        (np.array(["b", "", "a b"]), ["b", None, "a b"]),
        (np.array(["b", "a"], dtype=">U3"), ["b", "a"]),
        (np.asfortranarray([[1, 2, 3], [4, 5, 6]]), [["1", "2", "3"], ["4", "5", "6"]]),
        (np.zeros((0, 2), dtype=int), []),
    ],
)
def test_arrays(array: Any, labels: list[Any], tmp_path: Path) -> None:
    np.save(tmp_path / "labels", array)
    assert read_row_labels(tmp_path / "labels.npy").values.tolist() == labels
    assert read_row_labels(array).values.tolist() == labels
    assert read_row_labels(array).values.shape == array.shape


def test_objects_may_be_none_and_numbers() -> None:
    assert read_row_labels(np.array(["a", None, 3, ""], dtype=object)).values.tolist() == [
        "a",
        None,
        "3",
        None,
    ]


NO_TEXT = np.array([0x7FFFFFFF], dtype="<u4").view("<U1")


@pytest.mark.parametrize(
    ("array", "found"),
    [
        (np.array([1.0]), "float64"),
        (np.array([1j]), "complex128"),
        (np.array([b"a"]), "|S1"),
        (np.array(["2026-01-01"], dtype="M8[D]"), "datetime64[D]"),
        (np.array([None]), "object"),
    ],
)
def test_other_types_are_refused(array: Any, found: str, tmp_path: Path) -> None:
    path = str(tmp_path / "labels.npy")
    np.save(path, array)
    with pytest.raises(InputError) as caught:
        read_row_labels(path)
    expected = f"{path}: expected an .npy array of integers, bool or text, found {found}"
    assert (caught.value.what, caught.value.advice) == (expected, ADVICE)


def test_characters_that_there_are_not_are_refused() -> None:
    with pytest.raises(InputError, match=r"^labels: expected text, found none \("):
        read_row_labels(NO_TEXT)


NPY = "an .npy array of integers, bool or text"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\xff\xfea\n", f"lines of text in UTF-8 or {NPY}, found bytes that are neither"),
        (b"a\0b\n", f"lines of text or {NPY}, found binary data"),
        (b"\x93NUMPY\1\0", "an .npy header, found one that cannot be read"),
    ],
)
def test_damaged_files_are_refused(content: bytes, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "labels"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_row_labels(path)
    assert caught.value.what.startswith(f"{path}: expected {expected}")


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels.npy"
    np.save(path, np.arange(3))
    whole = path.read_bytes()
    for content in (*(whole[:n] for n in range(6, len(whole))), whole + b"\0"):
        path.write_bytes(content)
        with pytest.raises(InputError):
            read_row_labels(path)


@pytest.mark.parametrize("name", ["missing", "."])
def test_what_is_no_file_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_row_labels(tmp_path / name)
    assert caught.value.advice == "Check the path and its permissions."


def test_a_file_too_large_to_hold_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    with path.open("wb") as file:
        file.truncate(1124 << 20)
    with pytest.raises(InputError) as caught:
        read_row_labels(path)
    assert caught.value.what == f"{path}: expected labels of at most 1024 MB, found 1124 MB"


@pytest.mark.skipif(sys.platform == "win32", reason="has no pipes with names")
def test_what_may_never_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "_MOST", 1 << 20)
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = Thread(target=lambda: path.write_bytes(b"a\n" * (1 << 19)))
    writer.start()
    with pytest.raises(InputError) as caught:
        read_row_labels(path)
    writer.join()
    assert caught.value.what == f"{path}: expected labels, found 1 MB and no end of them"
    assert caught.value.advice == "Save the labels to a file, and name that."


def test_devices_are_refused() -> None:
    with pytest.raises(InputError, match=r"^/dev/zero: .* neither a regular file nor a pipe$"):
        read_row_labels("/dev/zero")


class TestOver:
    ROWS = (2, 3)

    @pytest.mark.parametrize(
        ("labels", "rows"),
        [
            ([["a", "b", "c"], ["d", "e", "f"]], list("abcdef")),
            (["a", "b", "c", "d", "e", "f"], list("abcdef")),
            (["a", "b"], list("aaabbb")),
        ],
    )
    def test_a_label_for_every_row(self, labels: Any, rows: list[str]) -> None:
        assert read_row_labels(labels).over(self.ROWS).tolist() == rows

    @pytest.mark.parametrize("shape", [(3,), (7,), (3, 2), (2, 3, 1), (), (0,)])
    def test_another_number_is_refused(self, shape: tuple[int, ...]) -> None:
        labels = RowLabels("l.npy", np.full(shape, "a", dtype=object))
        with pytest.raises(InputError) as caught:
            labels.over(self.ROWS)
        found = " x ".join(map(str, shape)) or "a single one"
        assert caught.value.what == f"l.npy: expected 2 x 3 labels, one per row, found {found}"
        assert caught.value.advice == ADVICE
