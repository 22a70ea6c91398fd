"""`kldiv inspect` lists what a file holds, also where other commands would ask or stop."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kldiv_cli.errors import InputError
from kldiv_cli.reports.inspection import write_table
from kldiv_cli.tasks.inspect import inspect
from tests.command import ROOT, Feed, Golden, Kldiv

CASES = sorted(
    path.name
    for path in (ROOT / "tests" / "cases").iterdir()
    if path.suffix not in ("", ".h5", ".md") and not path.stem.endswith("_q")
)
ROWS = np.random.default_rng(3).normal(size=(6, 4)).astype(np.float32)


@pytest.fixture
def cases(kldiv: Kldiv, monkeypatch: pytest.MonkeyPatch) -> None:
    del kldiv  # which goes elsewhere
    monkeypatch.chdir(ROOT / "tests" / "cases")


def listed(kldiv: Kldiv, *words: object) -> list[str]:
    """Return the lines that say what a file holds."""
    code, out, _ = kldiv("inspect", *words)
    assert code == 0
    return holding(out)


def holding(out: str) -> list[str]:
    lines = out.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("holds"))
    end = next(i for i, line in enumerate(lines) if i > start and line[:1].strip())
    return [line[13:] for line in lines[start:end]]


def objects(kldiv: Kldiv, *words: object) -> list[dict[str, Any]]:
    code, out, _ = kldiv("inspect", *words, "--format", "json")
    assert code == 0
    (found,) = json.loads(out)
    holds: list[dict[str, Any]] = found["holds"]
    return holds


@pytest.mark.usefixtures("cases")
def test_every_file_as_people_have_them(kldiv: Kldiv, golden: Golden) -> None:
    shown = []
    for name in CASES:
        code, out, err = kldiv("inspect", name)
        assert code == (2 if name.startswith("mo_") else 0), err
        assert len(out.splitlines()) <= 24
        head, looks, _ = out.partition("looks like")
        shown.append(f"$ kldiv inspect {name}\n{head}{looks and '...'}\n{err}")
    golden("\n".join(shown))


@pytest.mark.usefixtures("cases")
def test_every_file_as_json(kldiv: Kldiv, golden: Golden) -> None:
    shown = {}
    for name in CASES:
        _, out, _ = kldiv("inspect", name, "--format", "json")
        (found,) = json.loads(out)
        roles: dict[str, list[str]] = {}
        for one in found.get("holds", []):
            what = [one["type"], one["shape"], one["role"], one["why"]]
            roles.setdefault(json.dumps(what), []).append(one["name"])
        shown[name] = roles
    golden(json.dumps(shown, indent=1), "json")


class TestColumns:
    def test_a_wide_table_is_a_few_lines(self, kldiv: Kldiv, tmp_path: Path) -> None:
        names = [f"logit_{i}" for i in range(3000)]
        values = np.random.default_rng(0).normal(size=(2, 3000))
        table = pa.table({"key": ["a", "b"], **dict(zip(names, values.T, strict=True))})
        pq.write_table(table, tmp_path / "wide.parquet")
        assert listed(kldiv, tmp_path / "wide.parquet") == [
            "key                               string   row id",
            "logit_0, logit_1, ... logit_2999  float64  3000 classes",
        ]
        found = objects(kldiv, tmp_path / "wide.parquet")
        assert [one["name"] for one in found] == ["key", *names]
        assert {one["role"] for one in found[1:]} == {"class"}

    def test_two_columns_of_text_are_no_error(self, kldiv: Kldiv, tmp_path: Path) -> None:
        path = tmp_path / "t.csv"
        path.write_text("name,city,x,y\na,b,1.5,2\nc,d,3,4.5\n")
        code, out, err = kldiv("inspect", path)
        assert code == 0
        assert holding(out)[-1] == "x, y        float64  2 classes"
        assert "unclear: no number" in out
        assert "rows         not read: other commands would stop at the file\n" in out
        assert "expected at most one column that is not numeric" in err
        found = inspect(path)
        assert not found.is_read
        assert [one.role for one in found.holds] == ["unclear", "unclear", "class", "class"]
        assert found.warnings[0] in err

    def test_strict_makes_it_an_error(self, kldiv: Kldiv, tmp_path: Path) -> None:
        path = tmp_path / "t.csv"
        path.write_text("name,city,x,y\na,b,1.5,2\nc,d,3,4.5\n")
        assert kldiv("inspect", path, "--strict").code == 2

    def test_a_wrong_option_is_an_error(self, tmp_path: Path) -> None:
        path = tmp_path / "t.csv"
        path.write_text("name,city,x,y\na,b,1.5,2\nc,d,3,4.5\n")
        with pytest.raises(InputError, match="expected column 'nowhere'"):
            inspect(path, columns=["nowhere"])
        with pytest.raises(InputError, match="expected column 'nowhere'"):
            inspect(path, id_column="nowhere")

    def test_what_options_say(self, kldiv: Kldiv, tmp_path: Path) -> None:
        path = tmp_path / "t.csv"
        path.write_text("name,city,x,y\na,b,1.5,2\nc,d,3,4.5\n")
        assert listed(kldiv, path, "--id", "name", "--drop", "city") == [
            "name  string   row id",
            "city  string   left out: --drop",
            "x, y  float64  2 classes",
        ]

    def test_lists(self, kldiv: Kldiv, tmp_path: Path) -> None:
        table = pa.table({"logits": [[1.5, 2.0]] * 3, "hidden": [[1.5, 2.0, 4.0]] * 3})
        pq.write_table(table, tmp_path / "t.parquet")
        why = "lists: --columns NAME takes them for rows"
        assert {one["why"] for one in objects(kldiv, tmp_path / "t.parquet")} == {why}
        roles = [
            one["role"] for one in objects(kldiv, tmp_path / "t.parquet", "--columns", "logits")
        ]
        assert roles == ["rows", "left out"]

    def test_a_table_without_names(self, kldiv: Kldiv, tmp_path: Path) -> None:
        path = tmp_path / "t.csv"
        path.write_text("1.5,2.5\n3.5,1.25\n")
        code, out, err = kldiv("inspect", path)
        assert (code, holding(out)) == (0, ["0, 1  float64  2 classes"])
        assert "found numbers (1.5, 2.5, ...). Say --no-header if that is a row" in err
        assert inspect(path).rows.total == 2

    def test_standard_input(self, kldiv: Kldiv, feed: Feed) -> None:
        feed(b"name,city,x\na,b,1.5\nc,d,3\n")
        assert listed(kldiv, "-", "--input-format", "csv")[-1] == "x           float64  1 class"

    def test_standard_input_in_another_dialect(self, kldiv: Kldiv, feed: Feed) -> None:
        feed(b"a;b\n1,5;2,5\n3,5;4,5\n")
        code, out, err = kldiv("inspect", "-", "--input-format", "csv")
        assert code == 0
        assert holding(out) == ["a, b  float64  2 classes"]
        assert "Say --delimiter ';' --decimal , to read it so." in err


class TestArrays:
    def test_what_each_could_be(self, kldiv: Kldiv, tmp_path: Path) -> None:
        path = tmp_path / "a.npz"
        arrays: dict[str, Any] = {
            "step_1": ROWS,
            "step_2": ROWS[:3],
            "ids": np.arange(24).reshape(6, 4),
            "labels": np.arange(6),
            "keep": ROWS > 0,
            "loss": np.float64(0.5),
            "none": ROWS[:0],
            "names": np.array(["a", "b"]),
        }
        np.savez(path, **arrays)
        found = {one["name"]: (one["role"], one["why"]) for one in objects(kldiv, path)}
        joins = "--key 'step_*' joins 2"
        top_k = "integers beside numbers of that shape, as ids of a top-K list"
        assert found == {
            "step_1": ("unclear", joins),
            "step_2": ("unclear", joins),
            "ids": ("unclear", top_k),
            "labels": ("left out", "integers along one axis, as labels"),
            "keep": ("left out", "true and false, as a mask"),
            "loss": ("left out", "a single number"),
            "none": ("left out", "empty"),
            "names": ("left out", "no numbers that are read"),
        }
        assert listed(kldiv, path)[:2] == [
            "step_1, step_2  float32 ? x 4  unclear: --key 'step_*' joins 2",
            "ids             int64 6 x 4",
        ]
        assert listed(kldiv, path)[-1] == "... and 1 more (8 in all)"
        chosen = {one["name"]: one["role"] for one in objects(kldiv, path, "--key", "step_*")}
        assert [name for name, role in chosen.items() if role == "rows"] == ["step_1", "step_2"]
        assert "unclear" not in {chosen["labels"], chosen["keep"]}

    def test_what_the_listing_says_to_type_works(self, kldiv: Kldiv, tmp_path: Path) -> None:
        np.savez(tmp_path / "a.npz", **{"run 1": ROWS, "run 2": ROWS})  # type: ignore[arg-type]
        code, out, _ = kldiv("inspect", tmp_path / "a.npz")
        assert (code, "--key 'run *' joins 2" in out) == (0, True)
        assert inspect(tmp_path / "a.npz", key="run *").rows.total == 12

    def test_ten_thousand(self, kldiv: Kldiv, tmp_path: Path) -> None:
        path = tmp_path / "many.npz"
        np.savez(path, **{f"layer_{i}": ROWS for i in range(10_000)})  # type: ignore[arg-type]
        assert listed(kldiv, path) == [
            "layer_0, layer_1, ... layer_9999  float32 6 x 4",
            "  10000 unclear: --key 'layer_*' joins 10000",
        ]
        assert len(objects(kldiv, path)) == 10_000

    def test_a_damaged_one_is_an_error(self, kldiv: Kldiv, tmp_path: Path) -> None:
        np.savez(tmp_path / "a.npz", logits=ROWS)
        whole = (tmp_path / "a.npz").read_bytes()
        (tmp_path / "a.npz").write_bytes(whole.replace(ROWS.tobytes(), ROWS.tobytes()[::-1]))
        assert kldiv("inspect", tmp_path / "a.npz").code == 2

    def test_a_wrong_key_is_an_error(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "a.npz", logits=ROWS)
        with pytest.raises(InputError, match="expected array 'x'"):
            inspect(tmp_path / "a.npz", key="x")


def test_names_move_no_cursor(kldiv: Kldiv, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **{"\x1b[2Jx": ROWS, "y\n": ROWS[:, 1:]})  # type: ignore[arg-type]
    code, out, err = kldiv("inspect", tmp_path / "a.npz")
    assert code == 0
    assert "\x1b" not in out + err
    assert r"\x1b[2Jx" in out


@pytest.mark.usefixtures("cases")
@pytest.mark.parametrize("width", [50, 80])
@pytest.mark.parametrize("name", ["both_p.csv", "many_p.npz", "thou_p.csv", "lab_p.csv"])
def test_no_line_is_wider_than_the_terminal(
    name: str, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    shown = Terminal()
    write_table([inspect(name)], shown)
    lines = shown.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    words = shown.getvalue().split()
    assert "holds" in words


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True
