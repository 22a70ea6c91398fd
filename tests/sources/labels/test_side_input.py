"""One reader for what is given beside the two sides, and its own words for what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

from kldiv_cli import compare
from kldiv_cli.errors import InputError, UsageError
from kldiv_cli.sources.base import Layout
from kldiv_cli.sources.labels.classes import LABELS, read_labels
from kldiv_cli.sources.labels.groups import GROUPS, read_row_labels
from kldiv_cli.sources.labels.side_input import Keyed, SideInput, keyed
from kldiv_cli.tasks.opening.class_names import CLASSES, read_classes
from kldiv_cli.tasks.opening.masks import MASK
from tests.sources.test_safetensors import save as save_tensors

SIDES = (LABELS, MASK, GROUPS, CLASSES)
S = np.random.default_rng(0).normal(size=(6, 4))
T = S + 0.1 * np.random.default_rng(1).normal(size=S.shape)
TRUE = np.array([0, 1, 2, 3, 0, 1])
KEPT = np.array([True, True, False, True, True, True])
LANGUAGE = np.array(["en", "de", "en", "", "en", "de"])


def save_npz(folder: Path) -> Path:
    np.savez(folder / "x.npz", y=TRUE, kept=KEPT, lang=LANGUAGE, cells=np.ones((6, 4), bool))
    return folder / "x.npz"


def save_packed(folder: Path) -> Path:
    np.savez_compressed(folder / "x.npz", y=TRUE, kept=KEPT, lang=LANGUAGE)
    return folder / "x.npz"


def table() -> pa.Table:
    language = [word or None for word in LANGUAGE.tolist()]
    return pa.table({"y": TRUE, "kept": KEPT, "lang": language, "other": list("uvwxyz")})


def save_parquet(folder: Path) -> Path:
    pq.write_table(table(), folder / "x.parquet")
    return folder / "x.parquet"


def save_feather(folder: Path) -> Path:
    feather.write_feather(table(), folder / "x.feather")
    return folder / "x.feather"


def save_csv(folder: Path) -> Path:
    lines = [
        f"{y},{k},{lang},u" for y, k, lang in zip(TRUE, KEPT.astype(int), LANGUAGE, strict=True)
    ]
    (folder / "x.csv").write_text("\n".join(["y,kept,lang,other", *lines, ""]))
    return folder / "x.csv"


def save_jsonl(folder: Path) -> Path:
    lines = [
        f'{{"y": {y}, "kept": {k}, "lang": "{lang}", "other": "u"}}\n'
        for y, k, lang in zip(TRUE, KEPT.astype(int), LANGUAGE, strict=True)
    ]
    (folder / "x.jsonl").write_text("".join(lines))
    return folder / "x.jsonl"


FILES = [save_npz, save_packed, save_parquet, save_feather, save_csv, save_jsonl]


class TestNames:
    def test_a_file_that_exists_as_it_stands_wins(self, tmp_path: Path) -> None:
        save_npz(tmp_path)
        assert keyed(tmp_path / "x.npz:y") == Keyed(str(tmp_path / "x.npz"), "y")
        (tmp_path / "x.npz:y").write_bytes(b"")
        assert keyed(str(tmp_path / "x.npz:y")) is None

    def test_keys_and_folders_may_have_colons(self, tmp_path: Path) -> None:
        folder = tmp_path / "a:b"
        folder.mkdir()
        path = save_npz(folder)
        assert keyed(f"{path}:c:d") == Keyed(str(path), "c:d")

    @pytest.mark.parametrize("given", ["", ":", "x", "x:", ":y", "x:y", "-", TRUE, [1], 1, "a\0:b"])
    def test_anything_else_has_no_key(self, given: Any, tmp_path: Path, monkeypatch: Any) -> None:
        monkeypatch.chdir(tmp_path)
        assert keyed(given) is None

    def test_nothing_behind_the_colon(self, tmp_path: Path) -> None:
        assert keyed(f"{save_npz(tmp_path)}:") is None


@pytest.mark.parametrize("save", FILES)
class TestEveryFormat:
    def test_labels(self, save: Callable[[Path], Path], tmp_path: Path) -> None:
        found = read_labels(f"{save(tmp_path)}:y", None, Layout())
        assert found.values.tolist() == TRUE.tolist()
        given = compare(S, T, labels=f"{tmp_path / save(tmp_path).name}:y").language
        assert given is not None
        assert given == compare(S, T, labels=TRUE).language

    def test_masks(self, save: Callable[[Path], Path], tmp_path: Path) -> None:
        found = compare(S, T, mask=f"{save(tmp_path)}:kept")
        assert found.measures == compare(S, T, mask=KEPT).measures
        assert found.mask is not None
        assert found.mask.notes == ("'kept' of those in the file",)

    def test_groups(self, save: Callable[[Path], Path], tmp_path: Path) -> None:
        found = read_row_labels(f"{save(tmp_path)}:lang")
        assert found.values.tolist() == ["en", "de", "en", None, "en", "de"]
        groups = compare(S, T, group=f"{tmp_path / save(tmp_path).name}:y").groups
        assert groups is not None
        assert {group.name for group in groups.each} == {"0", "1", "2", "3"}


def test_cells_of_a_mask(tmp_path: Path) -> None:
    cells = np.random.default_rng(3).random(S.shape) < 0.7
    np.savez(tmp_path / "x.npz", cells=cells, other=TRUE)
    found = compare(S, T, mask=tmp_path / "x.npz:cells")
    assert found.measures == compare(S, T, mask=cells).measures


def test_safetensors(tmp_path: Path) -> None:
    path = save_tensors(tmp_path / "x.safetensors", y=TRUE, kept=KEPT.astype(np.uint8))
    assert read_labels(f"{path}:y", None, Layout()).values.tolist() == TRUE.tolist()
    assert compare(S, T, mask=f"{path}:kept").masked == 1


@pytest.mark.parametrize("save", [save_npz, save_parquet])
def test_classes(save: Callable[[Path], Path], tmp_path: Path) -> None:
    np.savez(tmp_path / "c.npz", places=np.array([2, 0]), names=np.array(["c", "a"]))
    assert read_classes(f"{tmp_path / 'c.npz'}:places").words == ("2", "0")
    assert read_classes(tmp_path / "c.npz:names").words == ("c", "a")
    with pytest.raises(InputError, match="expected every class once, found 'en', 'de' more"):
        read_classes(f"{save(tmp_path)}:lang")


def test_numbers_are_no_classes_and_no_groups(tmp_path: Path) -> None:
    np.savez(tmp_path / "c.npz", x=np.array([0.5]), y=TRUE)
    within = f"{tmp_path / 'c.npz'}:x"
    with pytest.raises(InputError, match="'x': expected integers or text, found float64") as caught:
        read_classes(within)
    assert caught.value.advice.startswith("Give a slice such as :1000")
    with pytest.raises(
        InputError, match="'x': expected integers, bool or text, found float64"
    ) as caught:
        read_row_labels(within)
    assert caught.value.advice.startswith("Give one label per row")


@pytest.mark.parametrize("side", SIDES)
class TestErrors:
    def test_standard_input(self, side: SideInput) -> None:
        with pytest.raises(UsageError, match=f"{side.option} -: standard input can be"):
            side.open("-")

    def test_no_such_array(self, side: SideInput, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="expected array 'no', found 'y' int64") as caught:
            side.open(f"{save_npz(tmp_path)}:no")
        assert caught.value.advice == "Say which array with FILE:NAME."

    def test_no_such_column(self, side: SideInput, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="expected column 'no', found 'y', 'kept'") as caught:
            side.open(f"{save_csv(tmp_path)}:no")
        assert caught.value.advice == side.advice

    def test_a_file_without_names(self, side: SideInput, tmp_path: Path) -> None:
        path = tmp_path / "x.npy"
        np.save(path, TRUE)
        expected = "expected arrays under names, or columns, for 'y', found npy"
        with pytest.raises(InputError, match=expected) as caught:
            side.open(f"{path}:y")
        assert caught.value.advice == f"Name the file alone: {path}"
        side.open(path)

    def test_what_is_expected(self, side: SideInput, tmp_path: Path) -> None:
        np.save(tmp_path / "x.npy", TRUE * 1j)
        expected = rf"expected {side.expected.values}, found complex128 \(complex numbers\)$"
        with pytest.raises(InputError, match=expected) as caught:
            side.open(tmp_path / "x.npy")
        assert caught.value.advice == side.advice
        (tmp_path / "x.npy").write_bytes(b"")
        with pytest.raises(InputError, match=f"expected {side.expected.what}, found an empty file"):
            side.open(tmp_path / "x.npy")

    def test_advice_that_is_good_for_any_file_stays(self, side: SideInput, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="expected a file, found nothing there") as caught:
            side.open(tmp_path / "x.npy")
        assert caught.value.advice == "Check the path."
        (tmp_path / "x").write_bytes(b"SQLite format 3\0")
        with pytest.raises(InputError, match="found an SQLite database") as caught:
            side.open(tmp_path / "x")
        assert caught.value.advice.startswith("Write it as .csv with pandas: python -c")


class TestTwoMeanings:
    @pytest.fixture
    def reference(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
        monkeypatch.chdir(tmp_path)
        save_npz(tmp_path)
        columns = {"a": S[:, 0], "b": S[:, 1], "x.npz:y": TRUE}
        pq.write_table(pa.table(columns), "p.parquet")
        return "p.parquet"

    def test_a_column_and_part_of_a_file(self, reference: str) -> None:
        said = "'x.npz:y' is a column of p.parquet and a file"
        with pytest.raises(UsageError, match=said) as caught:
            compare(reference, reference, labels="x.npz:y")
        assert caught.value.advice == "Say --labels ./x.npz:y for the file, or rename the column."
        with pytest.raises(UsageError, match=said):
            compare(reference, reference, group="x.npz:y")

    def test_the_advice_works(self, reference: str) -> None:
        columns = ["a", "b"]
        y = (TRUE % 2).tolist()
        np.savez("x.npz", y=y)
        found = compare(reference, reference, columns=columns, labels="./x.npz:y").language
        assert found == compare(reference, reference, columns=columns, labels=y).language
        groups = compare(reference, reference, columns=columns, group="./x.npz:y").groups
        assert groups is not None
        assert {group.name for group in groups.each} == {"0", "1"}
