"""The benchmarks run and judge as they say; how fast anything is, no test asks."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from math import inf
from pathlib import Path
from statistics import median

import pytest

from tests.bench import report
from tests.bench.__main__ import BENCHMARKS, main
from tests.bench.base import (
    Benchmark,
    FailedError,
    Rounds,
    Sample,
    Setting,
    Side,
    Target,
    Unit,
    times_faster,
    times_slower,
)
from tests.bench.inputs import Inputs, Size
from tests.bench.measure import Result, agree, by_turns
from tests.bench.processes import fastest, on_terminal, output_of, peak, python, whole, worker
from tests.command import Golden

MACHINE = {"kldiv": "0.1.0", "processors": 2}


def at_once(_: Setting) -> Side:
    return lambda: Sample(1.0)


def fixed(
    name: str,
    target: Target | None,
    *,
    side: Callable[[Setting], Side] = at_once,
    size: Size | None = None,
    unit: Unit = "s",
) -> Benchmark:
    return Benchmark(name, f"the {name}", "a peer", target, side, side, size, unit)


def test_runs_and_judges(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--quick", "--only", "version,threads-three", "--folder", str(tmp_path)]
    assert main([*words, "--format", "json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    version, threads = json.loads(out)["results"]
    assert (version["name"], version["ratio_of"]) == ("version", "ours/peer")
    assert version["ratio"] == version["ours"] / version["peer"]
    assert version["reached"] == (version["ratio"] <= 1.3)
    assert (threads["name"], threads["ratio_of"]) == ("threads-three", "peer/ours")
    assert threads["ratio"] == threads["peer"] / threads["ours"]
    assert threads["reached"] is None, "of small inputs"
    assert threads["shape"] == [64, 32000]
    for each in (version, threads):
        assert each["missing"] is None
        for side in ("ours", "peer"):
            assert len(each["rounds"][side]) == 2
            judged = min if each is version else median
            assert each[side] == judged(each["rounds"][side]) > 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "candidate-64x32000.float32.npy",
        "reference-64x32000.float32.npy",
    ]


def test_without_torch_its_rows_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "$@"\n', encoding="utf-8")
    bare.chmod(0o755)
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    assert main(["--only", "three,sigmoid-tv", "--peer-python", str(bare)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    _, _, header, *lines = out.splitlines()
    assert header.split()[-2:] == ["target", "reached"]
    assert [line.split()[0] for line in lines] == ["three", "sigmoid-tv"]
    assert lines[0].endswith("peer/ours >= 1.5  no torch")
    assert lines[1].endswith("peer/ours >= 1    no torch")
    assert list(folder.iterdir()) == []


def test_a_side_that_fails_does_not_end_the_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = python("import sys; sys.exit('no such thing')")
    broken = fixed("broken", times_slower(2), side=lambda _: whole(command))
    monkeypatch.setitem(BENCHMARKS, "broken", broken)
    monkeypatch.setitem(BENCHMARKS, "good", fixed("good", times_slower(2)))
    assert main(["--quick", "--only", "broken,good"]) == 1
    out, err = capsys.readouterr()
    assert err == f"broken: {' '.join(command)}: exit code 1\nno such thing\n\n"
    lines = out.splitlines()[3:]
    assert [line.split()[0] for line in lines] == ["broken", "good"]
    assert lines[0].endswith("  ours/peer <= 2  failed")
    assert lines[1].endswith("  ours/peer <= 2  yes")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (
            ["--only", "help,nothing"],
            "argument --only: no benchmark is called 'nothing'; known: sample, terminal, help, ",
        ),
        (
            ["--peer-python", "/nowhere/python"],
            "argument --peer-python: no interpreter is found at '/nowhere/python'",
        ),
    ],
)
def test_bad_usage(words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
    assert f"error: {complaint}" in capsys.readouterr().err


def test_what_has_to_be_reached() -> None:
    assert {name: report.target_text(each.target) for name, each in BENCHMARKS.items()} == {
        "sample": "ours/peer <= 1.7",
        "terminal": "ours/peer <= 1.9",
        "help": "ours/peer <= 2.6",
        "version": "ours/peer <= 1.3",
        "script": "peer/ours >= 9",
        "sum": "ours/peer <= 4.5",
        "float16": "ours/peer <= 1.3",
        "short-rows": "peer/ours >= 6",
        "three": "peer/ours >= 1.5",
        "three-memory": "peer/ours >= 1.5",
        "jeffreys": "peer/ours >= 1",
        "jeffreys-memory": "peer/ours >= 1",
        "js": "peer/ours >= 1",
        "js-double": "peer/ours >= 3",
        "tv": "peer/ours >= 1",
        "tv-double": "peer/ours >= 3",
        "hellinger": "peer/ours >= 1",
        "hellinger-double": "peer/ours >= 3",
        "gjs:0.1": "peer/ours >= 1",
        "gjs:0.1-double": "peer/ours >= 3",
        "skew-kl:0.1": "peer/ours >= 1",
        "skew-kl:0.1-double": "peer/ours >= 3",
        "skew-reverse-kl:0.1": "peer/ours >= 1",
        "skew-reverse-kl:0.1-double": "peer/ours >= 3",
        "renyi:2": "peer/ours >= 1",
        "renyi:2-double": "peer/ours >= 3",
        "cross-entropy": "peer/ours >= 1",
        "cross-entropy-double": "peer/ours >= 3",
        "entropy": "peer/ours >= 1",
        "entropy-double": "peer/ours >= 3",
        "entropy-candidate": "peer/ours >= 1",
        "entropy-candidate-double": "peer/ours >= 3",
        "six": "peer/ours >= 2",
        "six-alone": "ours/peer <= 2.5",
        "all": "ours/peer <= 4.5",
        "sigmoid-jeffreys": "peer/ours >= 1",
        "sigmoid-three": "peer/ours >= 2",
        "sigmoid-tv": "peer/ours >= 1",
        "far": "ours/peer <= 3.5",
        "probs": "ours/peer <= 2",
        "smooth": "ours/peer <= 2.5",
        "mask": "ours/peer <= 1.5",
        "labels": "ours/peer <= 1.3",
        "threads-three": "peer/ours >= 1.8",
        "threads-js": "peer/ours >= 1.7",
        "threads-six": "peer/ours >= 1.7",
        "threads-labels": "peer/ours >= 1.7",
        "threads-kld": "peer/ours >= 1.7",
        "threads-loss": "peer/ours >= 1.7",
        "parquet": "ours/peer <= 1.4",
        "columns-parquet": "ours/peer <= 1.1",
        "arrow": "ours/peer <= 1.5",
        "npz": "ours/peer <= 0.9",
        "csv": "ours/peer <= 1",
        "kld": "peer/ours >= 1.5",
        "loss-kd": "ours/peer <= 1.5",
        "loss-dkd": "ours/peer <= 1.5",
        "loss-gkl": "ours/peer <= 2",
        "rows-csv": "ours/peer <= 1.5",
        "rows-jsonl": "ours/peer <= 4",
        "memory": "ours/peer <= 1.1, ours < 300 MB",
    }


@pytest.mark.parametrize(
    ("target", "ours", "peer", "reached"),
    [
        (times_faster(2), 1.0, 2.0, True),
        (times_faster(2), 1.0, 1.99, False),
        (times_slower(2), 2.0, 1.0, True),
        (times_slower(2), 2.01, 1.0, False),
        (Target("ours/peer", 1.1, limit=300), 299.0, 299.0, True),
        (Target("ours/peer", 1.1, limit=300), 300.0, 300.0, False),
        (Target("ours/peer", 1.1, limit=300), 200.0, 100.0, False),
    ],
)
def test_target(target: Target, ours: float, peer: float, reached: bool) -> None:
    assert target.reached(ours, peer) is reached


def test_the_table_says_medians_and_minima(golden: Golden) -> None:
    wide = Size(4096, 32000, quick_rows=64)
    results = [
        Result(fixed("good", times_faster(2)), False, (0.5, 9.0, 0.25), (3.0, 1.0, 2.0)),
        Result(fixed("bad", times_slower(1.25), size=wide), False, (3.0,), (2.0,)),
        Result(fixed("quick", times_slower(1.25), size=wide), True, (3.0,), (2.0,)),
        Result(fixed("plain", None), False, (1.0,), (4.0,)),
        Result(fixed("memory", Target("ours/peer", 1.1, 300), unit="MB"), False, (90.4,), (88.0,)),
        Result(fixed("torch", times_faster(3)), False, missing="no torch"),
    ]
    golden(report.table(results, MACHINE))


def test_sides_take_turns() -> None:
    turns: list[str] = []

    def side(name: str, amount: float) -> Side:
        def run() -> Sample:
            turns.append(name)
            return Sample(amount)

        return run

    assert by_turns(side("ours", 1.0), side("peer", 2.0), Rounds(2, 0, 9)) == ((1, 1), (2, 2))
    assert turns == ["ours", "peer", "ours", "peer"]
    assert by_turns(side("ours", 1.0), side("peer", 2.0), Rounds(1, inf, 3)) == ((1,) * 3, (2,) * 3)


def test_sides_that_disagree_are_not_compared() -> None:
    agree(Sample(1.0, 2.01), Sample(1.0, 2.0))
    agree(Sample(1.0, 2.0), Sample(1.0))
    for found in (2.1, float("nan")):
        with pytest.raises(FailedError) as failure:
            agree(Sample(1.0, found), Sample(1.0, 2.0))
        assert str(failure.value) == f"expected a mean of 2.0, as the peer has, found {found}"


def test_a_worker_that_ends_is_a_failure(tmp_path: Path) -> None:
    with ExitStack() as processes:
        setting = Setting(Inputs(tmp_path, True), sys.executable, processes)
        side = worker(setting, sys.executable, "peers.nothing")
        with pytest.raises(FailedError, match=r"-m tests.bench.peers.nothing: exit code 1$"):
            side()


def test_memory_is_the_command_s_own() -> None:
    small = peak(python("pass"))().amount
    held = peak(python("bytearray(b'1' * 100_000_000)"))().amount
    assert small < 50
    assert 195 < held - small < 205, "the bytes and the bytearray"


def test_what_a_command_prints() -> None:
    assert output_of(python("print(6 * 7)")) == "42\n"


def test_a_command_on_a_terminal() -> None:
    told = "import os, sys; sys.exit(not all(map(os.isatty, (1, 2))) or print('x' * 99999))"
    assert on_terminal(python(told))().amount > 0
    with pytest.raises(FailedError, match=r"exit code 3$"):
        on_terminal(python("import sys; sys.exit(3)"))()


def test_the_fastest_of_several_ways_is_run() -> None:
    runs: list[str] = []

    def side(name: str, amount: float, how: str) -> Side:
        def run() -> Sample:
            runs.append(name)
            return Sample(amount, 1.0, how)

        return run

    chosen = fastest(("", side("a", 2.0, "four rows")), ("huge pages", side("b", 1.0, "two rows")))
    assert runs == ["a", "a", "b", "b"]
    assert chosen() == Sample(1.0, 1.0, "two rows, huge pages")
