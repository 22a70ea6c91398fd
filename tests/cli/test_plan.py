"""``kldiv compare --plan``: what would be taken, as the comparison says it afterwards."""

from __future__ import annotations

import json
import shlex
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kldiv_cli
from kldiv_cli.errors import UnclearError
from kldiv_cli.pairing import Pairing
from kldiv_cli.reports import plan as report
from kldiv_cli.sources.arrays.array import ArraySource
from tests.command import ROOT, Feed, Kldiv
from tests.reports import Terminal
from tests.test_cases import ASKED, READ, REFUSED

RNG = np.random.default_rng(5)
S = RNG.normal(size=(40, 6))
T = RNG.normal(size=(40, 6))
SAMPLES = {
    "magika-fp32.npy magika-int8.npy": 512,
    "magika-fp32.npy magika-int8.npy --rows 3:30 --mode sigmoid -m kl,tv --unit bits": 27,
    "magika-fp32.npy magika-int8.npy --sample 9 --seed 2": 9,
    "magika-fp32.parquet magika-int8-shuffled.parquet": 512,
    "magika-fp32.parquet magika-int8-shuffled.parquet --limit 7 --group argmax": 7,
    "magika-fp32.parquet magika-int8-shuffled.parquet --on-missing skip": None,
    "magika-fp32.npy magika-int8.npy --classes :100 --nan-policy omit": 512,
    "magika-fp32-24.csv magika-int8-24.csv": None,
    "magika-fp32-24.csv magika-int8-24.csv --rows 2:9 --temperature 2": 7,
    "magika-fp32-24.csv magika-int8-24.csv --limit 5": None,
}
"""Commands in the folder of samples, and the number of rows that is known."""
SAME = (
    *("schema", "mode", "unit", "temperature", "smooth", "nan_policy", "paired_by", "classes"),
    *("grouped_by", "members", "missing"),
)
"""The keys that say the same before the rows are read and afterwards."""


def both(kldiv: Kldiv, command: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the plan and the comparison say, as JSON."""
    words = ["compare", *shlex.split(command), "--format", "json"]
    planned, compared = kldiv(*words, "--plan"), kldiv(*words)
    assert (planned.code, planned.err) == (0, "")
    assert compared.code == 0
    return json.loads(planned.out), json.loads(compared.out)


def assert_same(plan: dict[str, Any], found: dict[str, Any]) -> None:
    assert plan.keys() - found.keys() <= {"input_by", "labels"}
    unskipped = {"missing"} if plan["paired_by"] == "id" else set()
    for key in {*SAME} - unskipped:
        assert plan.get(key) == found.get(key), key
    for side in ("reference", "candidate"):
        ours, theirs = plan[side], found[side]
        theirs.pop("sum_error", None)
        for own, known in zip(ours.pop("shape"), theirs.pop("shape"), strict=True):
            assert own in (None, known)
        assert ours == theirs
    for name, measure in plan["measures"].items():
        assert measure.items() <= found["measures"][name].items()
    read = sum(found.get(name, 0) for name in ("rows", "skipped", "invalid", "masked"))
    assert plan["rows"] in (None, read)
    if plan.get("selection", {}).get("last", 0) is not None:
        assert plan.get("selection") == found.get("selection")


@pytest.mark.parametrize("command", SAMPLES)
def test_samples(kldiv: Kldiv, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.chdir(ROOT / "samples")
    plan, found = both(kldiv, command)
    assert_same(plan, found)
    assert plan["rows"] == SAMPLES[command]


READ_WITH_OPTIONS = [
    *READ,
    *(f"{command} {option}" for command, answers in ASKED.items() for option in answers),
]


@pytest.mark.parametrize("command", READ_WITH_OPTIONS)
def test_files_as_people_have_them(
    kldiv: Kldiv, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(ROOT / "tests" / "cases")
    assert_same(*both(kldiv, command))


@pytest.mark.parametrize("command", [*ASKED, *REFUSED])
def test_it_asks_what_the_comparison_asks(
    kldiv: Kldiv, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(ROOT / "tests" / "cases")
    words = shlex.split(command)
    asked = kldiv("compare", *words, "--plan")
    assert asked == kldiv("compare", *words)
    assert asked.code == 2


def test_no_row_is_compared(kldiv: Kldiv, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def blocks(*_: object) -> None:
        raise AssertionError("rows are paired")

    lines = ["a,b,c", *["0.5,-1.25,2.5", "-3.5,0.75,1.5"] * 50000]
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("\n".join([*lines, ""]))
    bad.write_text("\n".join([*lines[:-1], "1,2,oops", ""]))
    failed = kldiv("compare", good, bad)
    assert failed.code == 2
    assert "oops" in failed.err
    monkeypatch.setattr(Pairing, "blocks", blocks)
    code, out, err = kldiv("compare", good, bad, "--plan")
    assert (code, err) == (0, "")
    assert "csv float64 ? x 3" in out
    assert "rows         unknown before they are read, paired by position" in out


def test_only_the_first_rows_of_a_large_file_are_read(
    kldiv: Kldiv, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    array = np.lib.format.open_memmap(tmp_path / "a.npy", "w+", np.float32, (1 << 24, 1000))
    array[:600] = RNG.normal(size=(600, 1000))  # the rest of its 64 GiB takes no room on a disk
    del array
    read, plain = [], ArraySource.blocks

    def counted(self: ArraySource, *args: Any) -> Any:
        for block in plain(self, *args):
            read.append(len(block))
            yield block

    monkeypatch.setattr(ArraySource, "blocks", counted)
    code, out, err = kldiv("compare", tmp_path / "a.npy", tmp_path / "a.npy", "--plan")
    assert (code, err) == (0, "")
    assert "rows         16777216, paired by position" in out
    assert sum(read) <= 2048


def test_a_pipe(kldiv: Kldiv, feed: Feed, tmp_path: Path) -> None:
    np.save(tmp_path / "q.npy", T)
    np.save(tmp_path / "p.npy", S)
    feed((tmp_path / "p.npy").read_bytes())
    code, out, err = kldiv("compare", "-", tmp_path / "q.npy", "--plan")
    assert (code, err) == (0, "")
    assert out.splitlines()[0].endswith("npy float64 40 x 6")
    assert "rows         40, paired by position" in out


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Two folders of files with names, of which one is only on one side."""
    for side, values, lacks in (("p", S, 3), ("q", T, -1)):
        (tmp_path / side).mkdir()
        for place, part in enumerate(np.split(values, 4)):
            if place != lacks:
                np.save(tmp_path / side / f"layer_{place}.npy", part)
    return tmp_path / "p", tmp_path / "q"


def test_shards(kldiv: Kldiv, folders: tuple[Path, Path]) -> None:
    pair = shlex.join(map(str, folders))
    assert kldiv("compare", *folders, "--plan").code == 2
    plan, found = both(kldiv, f"{pair} --on-missing skip")
    assert_same(plan, found)
    assert plan["rows"] == 30
    assert plan["members"]["candidate"]["left_out"] == ["layer_3.npy"]
    out = kldiv("compare", *folders, "--on-missing", "skip", "--plan").out
    assert "left out     0 rows only in p, 10 only in q ('layer_3.npy')" in out
    assert "rows         30, of 3 files, paired by name" in out


@pytest.mark.parametrize(("cut", "by"), [((20, 20), "name"), ((10, 30), "place")])
def test_shards_whose_lengths_are_not_known(
    kldiv: Kldiv, tmp_path: Path, cut: tuple[int, int], by: str
) -> None:
    for side, values, first in (("p", S, 20), ("q", T, cut[0])):
        (tmp_path / side).mkdir()
        for name, part in zip("ab", np.split(values, [first]), strict=True):
            np.savetxt(
                tmp_path / side / f"layer_{name}.csv",
                part,
                delimiter=",",
                header="u,v,w,x,y,z",
                comments="",
            )
    pair = tmp_path / "p", tmp_path / "q"
    code, out, err = kldiv("compare", *pair, "--plan")
    assert (code, err) == (0, "")
    assert " ".join(out.partition("\nrows")[2].split()) == (
        "unknown before they are read, of 2 files, paired by name, or by place where two of a name "
        "differ in length nothing was compared (--plan)"
    )
    assert f"of 2 files, paired by {by}\n" in kldiv("compare", *pair).out


def test_a_wide_table(kldiv: Kldiv, tmp_path: Path) -> None:
    names = ",".join(f"c{number}" for number in range(20000))
    rows = (",".join(f"{x:.4f}" for x in RNG.normal(size=20000)) for _ in range(3))
    (tmp_path / "wide.csv").write_text("\n".join([names, *rows, ""]))
    pair = (tmp_path / "wide.csv",) * 2
    code, out, err = kldiv("compare", *pair, "--plan")
    assert (code, err) == (0, "")
    assert "columns      20000 classes: c0, c1, ... c19999\n" in out
    assert len(kldiv("compare", *pair, "--plan", "--format", "json").out) < 3000


def test_mask_labels_and_groups(kldiv: Kldiv, tmp_path: Path) -> None:
    arrays = {
        "p": S,
        "q": T,
        "keep": np.arange(40) % 4 > 0,
        "labels": np.arange(40) % 6,
        "kinds": np.arange(40) % 3,
    }
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
    of = {name: f"{tmp_path}/{name}.npy" for name in arrays}
    command = (
        f"{of['p']} {of['q']} --mask {of['keep']} --mask-below -5 --labels {of['labels']} "
        f"--group {of['kinds']} --reference-input logits"
    )
    plan, found = both(kldiv, command)
    assert_same(plan, found)
    assert plan["mask"].items() <= found["mask"].items()
    assert plan["mask_below"] == {"value": -5.0}
    assert (plan["labels"], plan["rows"]) == (of["labels"], 40)
    assert plan["input_by"] == {"reference": "option", "candidate": "default"}
    out = kldiv("compare", *shlex.split(command), "--plan").out
    assert out.splitlines()[2:] == [
        "input        p: logits (said), q: logits (by default)",
        "softmax      6 classes, T = 1",
        "measures     jeffreys (nats)",
        f"mask         {of['keep']}  npy bool 40, true keeps",
        "mask below   -5 or less on both sides",
        f"labels       {of['labels']}",
        f"groups       by {found['grouped_by']}",
        "rows         40, paired by position",
        "             nothing was compared (--plan)",
    ]


def test_rows_and_classes_that_are_selected(kldiv: Kldiv, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT / "samples")
    pair = "magika-fp32-24.csv", "magika-int8-24.csv"
    out = kldiv("compare", *pair, "--limit", 5, "--classes", ":9", "--plan").out
    assert "classes      0..8 of 214 (--classes)\nselected     rows from 0 on of" in out
    assert "rows         unknown before they are read, 5 at most, paired by id" in out


@pytest.mark.parametrize("columns", [80, 50])
def test_it_folds_to_a_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.chdir(ROOT / "samples")
    plan = kldiv_cli.plan(
        "magika-fp32.parquet", "magika-int8-shuffled.parquet", measure=["kl", "js", "jeffreys"]
    )
    stream = Terminal()
    report.write_table(plan, stream)
    lines = stream.getvalue().splitlines()
    assert max(map(len, lines)) <= columns
    assert "zlibstream" in stream.getvalue()


class TestPython:
    def test_the_result_is_frozen(self) -> None:
        found = kldiv_cli.plan(S, T, rows=":9")
        assert isinstance(found, kldiv_cli.Plan)
        assert (found.rows, found.head.classes, found.reference.kind) == (9, 6, "logits")
        assert found.candidate.shape == (40, 6)
        with pytest.raises(FrozenInstanceError):
            found.rows = 3  # type: ignore[misc]

    def test_it_raises_as_a_comparison_does(self) -> None:
        p = np.exp(S) / np.exp(S).sum(axis=1, keepdims=True)
        with pytest.raises(UnclearError, match="logits"):
            kldiv_cli.plan(p, p)
        assert kldiv_cli.plan(p, p, kind="probs").reference.kind == "probs"
