"""Options that name columns, over two tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kldiv_cli import compare, loss
from kldiv_cli.errors import InputError, UnclearError
from kldiv_cli.tasks.inspect import inspect
from kldiv_cli.tasks.verify import verify
from tests.command import ROOT, Kldiv
from tests.tasks.questions.test_columns import (
    CLASSES,
    LABELS,
    MEAN,
    NAMES,
    RIGHT,
    ROWS,
    classes,
    sides,
    write,
)

ORDER = [4, 2, 0, 5, 1, 3]


def shuffled(folder: Path, ids: dict[str, Any], suffix: str = "csv") -> list[Path]:
    """Write both sides, the candidate's rows in another order."""
    files = []
    for side, name in enumerate("pq"):
        order = ORDER if side else list(range(ROWS))
        table = {**ids, **classes(side)}
        rows = {column: [cells[i] for i in order] for column, cells in table.items()}
        files.append(write(folder / f"{name}.{suffix}", rows))
    return files


def mean(*files: Path, **said: Any) -> float:
    found: float = compare(*files, **said).measures["jeffreys"]["mean"]
    return found


right = pytest.approx(MEAN, rel=1e-12)


class TestPairing:
    """Which classes are chosen does not change how rows are paired."""

    @pytest.mark.parametrize("columns", [None, NAMES, "*", "cat..emu", "[a-z]*"])
    def test_by_an_index_without_a_name(self, columns: Any, tmp_path: Path) -> None:
        files = shuffled(tmp_path, {"id": list(range(ROWS))})
        for path in files:
            path.write_text(path.read_text().removeprefix("id"))
        # The candidate's index does not count 0, 1, 2, ...: the other file tells what it is.
        assert compare(*files, columns=columns).paired_by == "id"
        assert mean(*files, columns=columns) == right

    @pytest.mark.parametrize("columns", [None, NAMES, "*"])
    def test_by_several_columns(self, columns: Any, tmp_path: Path) -> None:
        ids = {"site": [1, 1, 2, 2, 3, 3], "obs": ["a", "b", "a", "b", "a", "b"]}
        files = shuffled(tmp_path, ids)
        found = compare(*files, id_column=["site", "obs"], columns=columns)
        assert (found.paired_by, found.reference.id) == ("id", "site,obs")
        assert found.ids is not None
        assert list(found.ids) == ["1,a", "1,b", "2,a", "2,b", "3,a", "3,b"]
        assert found.measures["jeffreys"]["mean"] == right
        assert mean(*files, id_column="site,obs") == right

    def test_ids_of_one_file_are_ids_of_the_other(self, tmp_path: Path) -> None:
        """A data frame with an index, and the same written without it as one."""
        p, q = shuffled(tmp_path, {"sample_id": list(range(50, 50 + ROWS))}, "parquet")
        table = pq.read_table(p)
        metadata = {"pandas": json.dumps({"index_columns": ["sample_id"]})}
        pq.write_table(table.replace_schema_metadata(metadata), p)
        assert compare(p, q).paired_by == "id"
        assert mean(p, q) == right
        assert mean(q, p) == right


class TestDrop:
    def test_what_one_file_lacks(self, tmp_path: Path) -> None:
        files = sides(tmp_path, {"label": LABELS})
        write(files[1], classes(1))
        found = compare(*files, drop="label")
        assert found.measures["jeffreys"]["mean"] == right
        assert (found.reference.left_out, found.candidate.left_out) == (("label",), ())

    def test_what_both_lack(self, kldiv: Kldiv, tmp_path: Path) -> None:
        files = sides(tmp_path, {"label": LABELS})
        with pytest.raises(InputError) as caught:
            compare(*files, drop=["label", "lable", "x*"])
        assert caught.value.what == (
            f"{files[0]} and {files[1]}: expected columns for --drop, found none for 'lable', 'x*'"
        )
        with pytest.raises(InputError, match="found none for 'lable'"):
            inspect(files[0], drop="lable")
        words = ("compare", *files, "--drop", "label", "--drop", "lable")
        assert kldiv(*words).err.startswith(f"kldiv: error: {caught.value.what[:40]}")

    def test_in_every_command(self, kldiv: Kldiv, tmp_path: Path) -> None:
        files = sides(tmp_path, {"label": LABELS}, {"fold": [1, 2, 3, 1, 2, 3]})
        assert mean(*files, drop="label,fold") == right
        assert verify(*files, drop=["label", "fold"]).rows == ROWS
        plain = loss("torch", *RIGHT).value
        assert loss("torch", *files, drop="l*,fol*").value == pytest.approx(plain, rel=1e-12)
        assert inspect(files[0], drop="label,fold").class_names == tuple(NAMES)
        out = kldiv("compare", *files, "--drop", "label", "--drop", "fold", "--format", "json").out
        side = json.loads(out)["reference"]
        assert side["left_out"] == ["label", "fold"]
        assert side["class_columns"] == {"count": CLASSES, "first": "cat", "last": "emu"}


class TestOtherOptions:
    """What an option takes is no class, in both tables."""

    def test_labels(self, tmp_path: Path) -> None:
        files = sides(tmp_path, {"label": LABELS})
        found = compare(*files, labels="label")
        assert found.classes == CLASSES
        assert found.measures["jeffreys"]["mean"] == right
        assert mean(*files, labels=f"{files[0]}:label") == right
        assert mean(*files, labels=f"{files[1]}:label") == right
        other = write(tmp_path / "other.csv", {"label": LABELS})
        with pytest.raises(UnclearError, match="'label'"):  # of another file's column
            compare(*files, labels=f"{other}:label")

    def test_a_mask(self, tmp_path: Path) -> None:
        files = sides(tmp_path, {"keep": [1, 1, 0, 1, 1, 0]}, suffix="parquet")
        found = compare(*files, mask=f"{files[0]}:keep")
        assert (found.classes, found.rows, found.masked) == (CLASSES, 4, 2)

    def test_groups(self, tmp_path: Path) -> None:
        files = sides(tmp_path, {"fold": [1, 2, 3, 1, 2, 3]})
        assert mean(*files, group="fold") == right
        assert mean(*files, group=f"{files[0]}:fold") == right


class TestSaid:
    """The report names the classes that were taken."""

    @pytest.mark.parametrize(
        ("names", "shown"),
        [
            (NAMES, "11 classes: cat, dog, ... emu"),
            (NAMES[:4], "4 classes: cat, dog, cow, pig"),
            (["win", "draw", "loss"], "3 classes: win, draw, loss"),
            (["a,b", " c", "x" * 40], f"3 classes: 'a,b', ' c', {'x' * 30}..."),
        ],
    )
    @pytest.mark.parametrize("command", [("compare",), ("loss", "torch"), ("verify",)])
    def test_in_words(
        self, names: list[str], shown: str, command: tuple[str, ...], kldiv: Kldiv, tmp_path: Path
    ) -> None:
        files = [tmp_path / "p.parquet", tmp_path / "q.parquet"]
        for path, values in zip(files, RIGHT, strict=True):
            pq.write_table(pa.table(dict(zip(names, values.T, strict=False))), path)
        code, out, err = kldiv(*command, *files)
        assert (code, err) == (0, "")
        assert f"\ncolumns      {shown}\n" in out

    def test_arrays_have_none(self, kldiv: Kldiv) -> None:
        files = [ROOT / "tests" / "cases" / f"right_{x}.npy" for x in "pq"]
        assert "\ncolumns" not in kldiv("compare", *files).out
        assert np.load(files[0]).shape == (ROWS, CLASSES)
