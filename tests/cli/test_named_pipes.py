"""Named pipes, as `<(...)` of a shell makes them, read as standard input is."""

from __future__ import annotations

import gzip
import io
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread
from time import sleep
from typing import Any

import numpy as np
import pytest

from kldiv_cli import compare
from kldiv_cli.sources.stores import pipes, stdin
from tests.cli.test_stdin import INPUTS, OTHER, ROWS, csv, npy
from tests.command import ROOT, Feed, Kldiv

SAMPLES = ROOT / "samples"
Pipe = Callable[..., Path]


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[Pipe]:
    """Make a pipe into which somebody writes."""
    writers: list[Thread] = []

    def make(name: str, content: bytes, *, again: bool = False) -> Path:
        path = tmp_path / name
        if not again:
            os.mkfifo(path)

        def write() -> None:
            # Nobody need read to the end.
            with suppress(BrokenPipeError), path.open("wb") as file:
                file.write(content)

        writers.append(Thread(target=write, daemon=True))
        writers[-1].start()
        return path

    yield make
    for writer in writers:
        writer.join(timeout=20)
    assert not any(writer.is_alive() for writer in writers), "nobody opened it"


def mean(reference: Any, candidate: Any) -> float:
    return compare(reference, candidate).measures["jeffreys"]["mean"]


def save(folder: Path) -> tuple[Path, Path]:
    for name, rows in (("p", ROWS), ("q", OTHER)):
        np.save(folder / f"{name}.npy", rows)
    return folder / "p.npy", folder / "q.npy"


@pytest.mark.parametrize("name", INPUTS)
def test_both_sides_may_be_pipes(kldiv: Kldiv, pipe: Pipe, tmp_path: Path, name: str) -> None:
    right = kldiv("compare", *save(tmp_path), "--format", "csv")
    assert right.code == 0
    sides = pipe("p", INPUTS[name]), pipe("q", npy(OTHER))
    assert kldiv("compare", *sides, "--format", "csv", "--threads", "2") == right


def test_text_may_be_compressed_and_without_suffix(kldiv: Kldiv, pipe: Pipe) -> None:
    sides = pipe("63", gzip.compress(csv())), pipe("62", csv())
    found = kldiv("compare", *sides, "--stat", "max")
    assert found[:2] == (0, "0.0\n")
    assert found.err.startswith(f"kldiv: warning: {sides[0]} and {sides[1]} hold the same numbers")


def test_the_suffix_of_a_pipe_counts(kldiv: Kldiv, pipe: Pipe) -> None:
    path = pipe("x.tsv", b"only\n1\n2\n")
    assert f"{path}  tsv float64 2 x 1" in kldiv("inspect", path).out


def test_a_shell_substitutes_processes(tmp_path: Path) -> None:
    p, q = save(tmp_path)
    (tmp_path / "p.csv.gz").write_bytes(gzip.compress(csv()))
    command = f"{sys.executable} -m kldiv_cli compare <(cat p.csv.gz) <(cat {q}) --stat mean"
    done = subprocess.run(
        ["bash", "-c", command],  # noqa: S607
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert float(done.stdout) == mean(p, q)


def test_what_is_beside_the_two_may_be_pipes(kldiv: Kldiv, pipe: Pipe, tmp_path: Path) -> None:
    sides = save(tmp_path)
    beside = {
        "--labels": npy(np.arange(7) % 3),
        "--mask": npy(np.arange(7) > 1),
        "--group": b"x\ny\nx\ny\nx\ny\nx\n",
    }
    pipes, files = list[object](), list[object]()
    for option, content in beside.items():
        pipes += [option, pipe(option, content)]
        file = tmp_path / (f"{option}.txt" if option == "--group" else f"{option}.npy")
        file.write_bytes(content)
        files += [option, file]
    right = kldiv("compare", *sides, *files, "--format", "csv")
    assert right.code == 0
    assert kldiv("compare", *sides, *pipes, "--format", "csv") == right


def test_classes_may_come_from_a_pipe(kldiv: Kldiv, pipe: Pipe) -> None:
    sides = pipe("p", csv()), pipe("q", csv(OTHER)), "--stat", "mean"
    found = kldiv("compare", *sides, "--classes", pipe("classes", b"c\na\n"))
    assert (found.code, found.err) == (0, "")
    assert float(found.out) == mean(ROWS[:, [0, 2]], OTHER[:, [0, 2]])


def test_labels_of_a_column_read_it_twice(kldiv: Kldiv, pipe: Pipe, tmp_path: Path) -> None:
    content = b"a,b,c,true\n1,2,3,0\n2,0,1,2\n"
    file = tmp_path / "p.csv"
    file.write_bytes(content)
    words = "--labels", "true", "--format", "csv"
    right = kldiv("compare", file, file, *words)
    assert right.code == 0
    assert kldiv("compare", pipe("p", content), file, *words).out == right.out


def test_each_comparison_opens_it_anew(pipe: Pipe, tmp_path: Path) -> None:
    p, q = save(tmp_path)
    first = pipe("x", p.read_bytes())
    assert mean(first, q) == mean(p, q)
    second = pipe("x", q.read_bytes(), again=True)
    assert mean(second, p) == mean(q, p)


@pytest.mark.parametrize("held", [None, 100])
def test_what_is_wrong_names_the_pipe(
    kldiv: Kldiv, pipe: Pipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: int | None
) -> None:
    if held is not None:
        monkeypatch.setattr(pipes, "Replay", lambda file, name: stdin.Replay(file, held, name))
    _, q = save(tmp_path)
    lines = csv().splitlines()
    lines[4] = b"1,x,2"
    path = pipe("p", b"\n".join(lines))
    code, out, err = kldiv("compare", path, q)
    assert (code, out) == (2, "")
    said = "line 5, column 'b': expected a number, found 'x'"
    if held is not None:
        said = f"expected what can be read twice, found a stream of more than {held} bytes"
    assert err.startswith(f"kldiv: error: {path}: {said}\n")


SAVE = "Save the other one to a file."
BAD = {
    "empty": (b"", "expected logits, found an empty file"),
    "parquet": (
        (SAMPLES / "magika-fp32.parquet").read_bytes(),
        "expected a format that can be read from beginning to end, found parquet",
    ),
    "cut": (npy(ROWS)[:-9], "expected 168 bytes of float64 for shape (7, 3), found 159"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_is_an_error(kldiv: Kldiv, pipe: Pipe, name: str) -> None:
    content, said = BAD[name]
    path = pipe("x", content)
    code, out, err = kldiv("inspect", path)
    assert (code, out) == (2, "")
    assert err.startswith(f"kldiv: error: {path}: {said}\n")


def test_one_pipe_is_one_side(kldiv: Kldiv, tmp_path: Path) -> None:
    path, link = tmp_path / "x", tmp_path / "y"
    os.mkfifo(path)
    link.symlink_to(path)
    for other in (path, link):
        assert kldiv("compare", path, other) == (
            2,
            "",
            f"kldiv: error: {path} stands for a pipe, which can be one side only\n{SAVE}\n",
        )


def test_standard_input_under_two_names_is_one_side(
    kldiv: Kldiv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x"
    os.mkfifo(path)
    with open(os.open(path, os.O_RDWR), "rb") as file:  # noqa: PTH123 - of a descriptor
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(file))
        assert kldiv("compare", path, "-").err == (
            f"kldiv: error: {path} stands for standard input, which can be one side only\n"
            "Save the other one to a file.\n"
        )


def test_standard_input_and_a_pipe_are_two(kldiv: Kldiv, feed: Feed, pipe: Pipe) -> None:
    feed(npy(ROWS))
    code, out, err = kldiv("compare", "-", pipe("q", npy(OTHER)), "--stat", "mean")
    assert (code, err) == (0, "")
    assert float(out) == mean(ROWS, OTHER)


@pytest.mark.parametrize("option", ["", "--labels", "--mask", "--group", "--classes"])
@pytest.mark.parametrize("key", ["", ":g"])
def test_a_pipe_that_nobody_writes_into_is_refused(
    kldiv: Kldiv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str, key: str
) -> None:
    monkeypatch.setattr(pipes, "PATIENCE", 0.3)
    p, q = save(tmp_path)
    path = tmp_path / "pipe"
    os.mkfifo(path)
    words = (p, q, option, f"{path}{key}") if option else (path, q)
    code, out, err = kldiv("compare", *words)
    assert (code, out) == (2, "")
    assert err.startswith(
        f"kldiv: error: {path}: expected somebody to write into the pipe, found nobody for 0.3 "
        "seconds\n"
    )


@pytest.mark.parametrize("idle", ["before it is opened", "after it is opened"])
def test_a_writer_may_come_late(kldiv: Kldiv, tmp_path: Path, idle: str) -> None:
    p, q = save(tmp_path)
    path = tmp_path / "pipe"
    os.mkfifo(path)

    def write() -> None:
        sleep(0.4 if idle.startswith("before") else 0)
        with path.open("wb") as file:
            sleep(0.4 if idle.startswith("after") else 0)
            file.write(p.read_bytes())

    writer = Thread(target=write)
    writer.start()
    found = kldiv("compare", path, q, "--stat", "mean")
    writer.join()
    assert found == (0, f"{mean(p, q)!r}\n", "")


def test_a_writer_that_goes_without_a_word(kldiv: Kldiv, pipe: Pipe) -> None:
    path = pipe("p", b"")
    code, out, err = kldiv("inspect", path)
    assert (code, out) == (2, "")
    assert err.startswith(f"kldiv: error: {path}: expected logits, found an empty file\n")


def test_one_pipe_may_be_two_inputs(kldiv: Kldiv, pipe: Pipe, tmp_path: Path) -> None:
    p, q = save(tmp_path)
    np.save(tmp_path / "g.npy", np.arange(7) % 2)
    right = kldiv("compare", p, q, "--group", tmp_path / "g.npy", "--format", "csv")
    path = pipe("g", (tmp_path / "g.npy").read_bytes())
    assert kldiv("compare", p, q, "--group", path, "--labels", path).code == 0
    path = pipe("g", (tmp_path / "g.npy").read_bytes(), again=True)
    assert kldiv("compare", p, q, "--group", path, "--format", "csv") == right


@pytest.mark.parametrize("option", ["", "--labels", "--mask", "--group", "--classes"])
@pytest.mark.parametrize("kind", ["/dev/zero", "/dev/null", "socket", "folder"])
def test_devices_sockets_and_folders_are_refused(
    kldiv: Kldiv, tmp_path: Path, option: str, kind: str
) -> None:
    p, q = save(tmp_path)
    path: Path | str = kind
    if kind == "folder":
        path = tmp_path / "folder"
        path.mkdir()
    if kind == "socket":
        path = tmp_path / "socket"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
    words = (p, q, option, path) if option else (path, q)
    code, out, err = kldiv("compare", *words)
    assert (code, out, len(err.splitlines())) == (2, "", 2)
    assert str(path) in err
