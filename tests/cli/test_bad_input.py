"""Whatever a user's file or flag does wrong: one line of what, one line of advice, exit code 2."""

import gc
import os
import random
import re
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import chdir, suppress
from inspect import CO_GENERATOR
from io import BytesIO
from math import prod
from pathlib import Path
from types import FrameType, MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.lib import format as npy_format

from kldiv_cli import Comparison, compare
from kldiv_cli.errors import KldivError
from tests.reports import put as put_files

Array = npt.NDArray[Any]
Content = str | bytes | Callable[[Path], object]
Done = subprocess.CompletedProcess[str]

SAMPLES = Path(__file__).parents[2] / "samples"
MAGIKA = SAMPLES / "magika-fp32.npy", SAMPLES / "magika-int8.npy"
KLDIV = (sys.executable, "-m", "kldiv_cli")
ENVIRONMENT = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
"""Threads that nothing here uses take a third of the time that NumPy takes to start."""
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc or /dev/full")

LOGITS = np.random.default_rng(0).normal(size=(3, 4))
IDS = ("x.txt", "y.txt", "z.txt")
OTHER_IDS = ("x.txt", "y.txt", "w.txt")


# Contents of files


def npy(array: Any) -> bytes:
    stream = BytesIO()
    np.save(stream, np.asarray(array), allow_pickle=True)
    return stream.getvalue()


def npy_header(version: int, length: int) -> bytes:
    size = 2 if version == 1 else 4
    return npy_format.MAGIC_PREFIX + bytes([version, 0]) + length.to_bytes(size, "little")


def named(array: Any = LOGITS, ids: Sequence[Any] | None = IDS) -> dict[str, Any]:
    classes = dict(zip("abcd", np.asarray(array).T, strict=False))
    return classes if ids is None else {"file": list(ids), **classes}


def parquet(columns: Mapping[str, Any] | pa.Table) -> bytes:
    stream = BytesIO()
    pq.write_table(columns if isinstance(columns, pa.Table) else pa.table(dict(columns)), stream)
    return stream.getvalue()


def csv(array: Any = LOGITS, ids: Sequence[Any] | None = IDS) -> str:
    lines = [["a", "b", "c", "d"], *([repr(x) for x in row] for row in np.asarray(array).tolist())]
    if ids is not None:
        lines = [[name, *line] for name, line in zip(["file", *ids], lines, strict=True)]
    return "".join(",".join(line) + "\n" for line in lines)


def with_cell(row: int, cell: int, value: float) -> Array:
    array = LOGITS.copy()
    array[row, cell] = value
    return array


def nothing(_: Path) -> None:
    """Leave the path as it is: empty."""


PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\b\6\0\0\0\x1f\x15\xc4\x89"


def put(path: Path, content: Content) -> Path:
    if callable(content):
        content(path)
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def sparse(path: Path, shape: tuple[int, ...]) -> Path:
    """Write an array of zeros that takes no room on the disk."""
    with path.open("wb") as file:
        described = {"descr": "<f8", "fortran_order": False, "shape": shape}
        npy_format.write_array_header_1_0(file, described)
        file.truncate(file.tell() + 8 * prod(shape))
    return path


# Running


def kldiv(*words: str | Path, **options: Any) -> Done:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "timeout": 60}
    options = {**pipes, "env": ENVIRONMENT, **options}
    return subprocess.run([*KLDIV, *map(str, words)], text=True, check=False, **options)


def refusal(done: Done) -> tuple[str, str]:
    """Check that a run was refused as every refusal should be; return its two lines."""
    assert done.returncode == 2, done.stderr
    assert not done.stdout
    assert done.stderr.endswith("\n")
    lines = done.stderr.splitlines()
    assert len(lines) == 2, done.stderr
    what, advice = lines
    assert what.startswith("kldiv: error: ")
    assert len(what) < 1000
    assert advice.strip()
    return what.removeprefix("kldiv: error: "), advice


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# Files


class Bad(NamedTuple):
    """A wrong input, and what the error should say of it."""

    suffix: str
    content: Content
    said: str
    options: Mapping[str, Any] = MappingProxyType({})
    """As of the Python function."""
    partner: str | bytes = npy(LOGITS)
    """What it is compared with: .npy as bytes, .csv as text."""
    both: bool = False
    """Whether it stands on both sides."""


BAD = {
    # No file, or none that can be told
    "missing-npy": Bad(".npy", nothing, "expected a file, found nothing there"),
    "empty-npy": Bad(".npy", b"", "found an empty file"),
    "empty-csv": Bad(".csv", b"", "found an empty file"),
    "directory": Bad(".npy", Path.mkdir, "found a directory"),
    "unknown-suffix": Bad(".txt", csv(), "found text with suffix '.txt'"),
    "no-suffix": Bad("", csv(), "found text with no suffix"),
    # A format that is not what the name says
    "png-as-npy": Bad(".npy", PNG, "expected logits, found a PNG image"),
    "png-as-csv": Bad(".csv", PNG, "expected logits, found a PNG image"),
    "binary-as-csv": Bad(".csv", b"\1\0" * 9, "expected text, found binary data"),
    "csv-as-npy": Bad(".npy", csv(), "expected an .npy file"),
    "csv-as-parquet": Bad(".parquet", csv(), ""),
    "cut-npy-as-csv": Bad(".csv", npy(LOGITS)[:-1], "expected 96 bytes of float64"),
    "late-nul": Bad(".csv", csv()[:-1] + "\0\n", "line 4, column 'd': expected a number"),
    "latin-1": Bad(".csv", csv(ids="äöü").encode("latin1"), ""),
    # .npy
    "cut-npy": Bad(".npy", npy(LOGITS)[:-1], "expected 96 bytes of float64"),
    "header-cut-off": Bad(".npy", npy(LOGITS)[:60], "expected an .npy header"),
    "trailing-byte": Bad(".npy", npy(LOGITS) + b"\0", "found 97"),
    "header-lies-much": Bad(
        ".npy", npy_header(2, 2**32 - 1) + bytes(99), "expected an .npy header"
    ),
    "shape-lies": Bad(
        ".npy",
        npy(LOGITS).replace(b"(3, 4), }         ", b"(3000000000, 4), }"),
        "expected 96000000000 bytes of float64 for shape (3000000000, 4), found 96",
    ),
    "object": Bad(".npy", npy([[1.0, None]]), "found objects"),
    "structured": Bad(".npy", npy(np.ones((3, 4), [("a", "f4")])), "expected real numbers"),
    "complex": Bad(".npy", npy(LOGITS * 1j), "expected real numbers, found complex128"),
    "text": Bad(".npy", npy(LOGITS.astype(str)), "expected real numbers, found <U"),
    "bool": Bad(".npy", npy(LOGITS > 0), "expected real numbers, found bool"),
    "datetime": Bad(".npy", npy(np.ones((3, 4), "M8[s]")), "found datetime64[s]"),
    "bfloat16": Bad(".npy", npy(np.ones((3, 4), "V2")), "bfloat16"),
    "no-rows": Bad(".npy", npy(np.ones((0, 4))), "found none (shape (0, 4))"),
    "no-classes": Bad(".npy", npy(np.ones((3, 0))), "found none (shape (3, 0))"),
    "large-integers": Bad(".npy", npy(np.full((3, 4), 2**53 + 1)), "integers beyond 2**53"),
    # Shapes
    "more-classes": Bad(".npy", npy(np.ones((3, 5))), "3 x 4 there and 3 x 5 here"),
    "more-rows": Bad(".npy", npy(np.ones((4, 4))), "3 x 4 there and 4 x 4 here"),
    "fewer-rows-csv": Bad(".csv", csv(LOGITS[:2], IDS[:2]), "3 there and 2 here"),
    "fewer-rows-parquet": Bad(".parquet", parquet(named(LOGITS[:2], IDS[:2])), "2 x 4 here"),
    "row-axes": Bad(".npy", npy(LOGITS), "--row-axes from 0 to 1", {"row_axes": 2}, both=True),
    # CSV and TSV
    "short-line": Bad(".csv", "a,b,c,d\n1,2,3,4\n1,2,3\n", "line 3: expected 4 cells, found 3"),
    "long-line": Bad(".csv", "a,b,c,d\n1,2,3,4\n1,2,3,4,5\n", "line 3: expected 4 cells, found 5"),
    "cell": Bad(
        ".csv",
        "a,b\n1,2\n3,4\noops,6\n",
        "line 4, column 'a': expected a number, found 'oops'",
        both=True,
    ),
    "long-cell": Bad(
        ".csv", f"a,b\n1,2\n3,4\n5,{'x' * 100_000}\n", "line 4, column 'b'", both=True
    ),
    "header-alone": Bad(".csv", "a,b,c,d\n", "expected rows, found none"),
    "no-header": Bad(".csv", csv(ids=None).partition("\n")[2], "line 1: expected column names"),
    "name-twice": Bad(".csv", "a,b,a\n1,2,3\n", "expected every column name once, found 'a'"),
    "two-texts": Bad(".csv", "u,v,a\nx,y,1\nz,w,2\n", "at most one column that is not numeric"),
    # Parquet
    "cut-parquet": Bad(".parquet", parquet(named())[:-5], ""),
    "no-rows-parquet": Bad(".parquet", parquet(pa.table(named()).slice(0, 0)), "found none"),
    "no-columns-parquet": Bad(".parquet", parquet(pa.table({})), ""),
    "ragged-lists": Bad(".parquet", parquet({"l": [[1.0, 2.0], [3.0]]}), "lists of one length"),
    "struct": Bad(".parquet", parquet({"s": [{"t": 1}] * 3, **named(ids=None)}), ""),
    "binary-ids": Bad(".parquet", parquet(named(ids=[b"x", b"\xff", b"z"])), ""),
    # Names and ids
    "other-class": Bad(".csv", csv().replace("d\n", "e\n", 1), "('e')", partner=csv()),
    "other-id": Bad(".csv", csv(ids=OTHER_IDS), "('w.txt')", partner=csv()),
    "one-id-more": Bad(
        ".csv", csv([*LOGITS, LOGITS[0]], [*IDS, "w.txt"]), "('w.txt')", partner=csv()
    ),
    "id-twice": Bad(
        ".csv", csv(ids=["x", "y", "x"]), "every row id in 'file' once, found 'x'", both=True
    ),
    "no-such-id": Bad(".csv", csv(), "expected column 'nope'", {"id_column": "nope"}),
    # Values
    "nan": Bad(".npy", npy(with_cell(1, 2, np.nan)), "row 1, class 2: "),
    "nan-csv": Bad(".csv", csv(with_cell(1, 2, np.nan)), "line 3, class 'c': "),
    "null": Bad(".parquet", parquet({**named(), "c": [1.0, None, 2.0]}), "(y.txt), class 'c': "),
    "inf": Bad(".npy", npy(with_cell(2, 0, np.inf)), "row 2, class 0: "),
    "all-minus-inf": Bad(".npy", npy([LOGITS[0], [-np.inf] * 4, LOGITS[2]]), "row 1: "),
    "all-skipped": Bad(".npy", npy(np.full((3, 4), -np.inf)), "(3 skipped", both=True),
}
"""Through the command, and through the function."""


def bind(path: Path) -> None:
    """Make a socket of that name, which is shorter in its folder than such names may be."""
    with socket.socket(socket.AF_UNIX) as made, chdir(path.parent):
        made.bind(path.name)


MORE_BAD = {
    "empty-parquet": Bad(".parquet", b"", "found an empty file"),
    "socket": Bad(".npy", bind, "neither a regular file nor a pipe"),
    "archive": Bad(".npz", lambda path: np.savez(path, LOGITS, LOGITS), "expected one array"),
    "cut-parquet-as-npy": Bad(".npy", parquet(named())[:-5], ""),
    "utf-16": Bad(".csv", csv().encode("utf-16-le"), "expected text, found UTF-16 without"),
    "nul": Bad(".csv", "a,b,c,d\n1,2,3,\0\n", "expected text, found binary data"),
    "version-9": Bad(".npy", npy_header(9, 118) + bytes(999), "expected .npy version 1, 2 or 3"),
    "single-number": Bad(".npy", npy(1.5), "found a single number"),
    "more-axes": Bad(".npy", npy(np.ones((3, 1, 4))), "3 x 4 there and 3 x 1 x 4 here"),
    "fewer-axes": Bad(".npy", npy(np.ones(4)), "3 x 4 there and 4 here"),
    "fewer-classes-csv": Bad(".csv", csv().replace(",", "|", 4), ""),
    "row-axes-negative": Bad(
        ".npy", npy(LOGITS), "--row-axes from 0 to 1", {"row_axes": -1}, both=True
    ),
    "row-axes-of-a-table": Bad(".csv", csv(), "--row-axes 1", {"row_axes": 0}, both=True),
    "cell-tsv": Bad(
        ".tsv",
        "a\tb\n1\t2\n3\t4\n5\t?\n",
        "line 4, column 'b': expected a number, found '?'",
        both=True,
    ),
    "no-header-but-ids": Bad(".csv", csv().partition("\n")[2], "line 1: expected column names"),
    "semicolons": Bad(".csv", csv().replace(",", ";"), "expected cells between ',', found ';'"),
    "unnamed-column": Bad(".csv", ",a,b\n7,0.5,1\n3,1.5,2\n", "row ids or a class"),
    "row-without-id": Bad(".csv", csv(ids=["x", "", "z"]), "expected an id in every row"),
    "large-ids-csv": Bad(".csv", "uid,a\n9007199254740993,1.5\n", "beyond 2**53", both=True),
    "row-without-list": Bad(".parquet", parquet({"l": [[1.0], None]}), "a list in every row"),
    "list-and-label": Bad(".parquet", parquet({"label": [1, 2], "logits": [[0.5], [1.5]]}), ""),
    "large-ids-parquet": Bad(
        ".parquet", parquet({"uid": [2**53 + 1, 5], "a": [1.5, 2.5]}), "beyond 2**53", both=True
    ),
    "one-id-less": Bad(".csv", csv(LOGITS[:2], IDS[:2]), "('z.txt')", partner=csv()),
    "no-such-column": Bad(".csv", csv(), "expected column 'nope'", {"columns": ["a", "nope"]}),
    "empty-columns": Bad(".csv", csv(), "expected column ''", {"columns": [""]}),
    "id-and-class": Bad(
        ".csv",
        csv(),
        "column 'a' cannot be the row id and a class",
        {"id_column": "a", "columns": ["a", "b"]},
    ),
    "text-as-class": Bad(
        ".csv", csv(), "numbers in class column 'file'", {"columns": ["file", "a"]}
    ),
    "class-twice": Bad(".csv", csv(), "'a'", {"columns": ["a", "a"]}),
    "nan-in-cells": Bad(
        ".npy",
        npy(with_cell(1, 2, np.nan).reshape(3, 2, 2)),
        "row 1, cell (1, 0): ",
        {"row_axes": 1},
        npy(LOGITS.reshape(3, 2, 2)),
    ),
    "nan-sigmoid": Bad(".npy", npy(with_cell(1, 2, np.nan)), "NaN", {"mode": "sigmoid"}),
    "nan-by-id": Bad(".csv", csv(with_cell(1, 2, np.nan)), "(y.txt)", partner=csv()),
    "empty-cell": Bad(".csv", csv(with_cell(1, 2, np.nan)).replace("nan", ""), "line 3, class 'c'"),
    "nan-parquet": Bad(".parquet", parquet(named(with_cell(1, 2, np.nan))), "(y.txt), class 'c': "),
    "all-omitted": Bad(
        ".npy", npy(np.full((3, 4), np.nan)), "3 invalid", {"nan_policy": "omit"}, both=True
    ),
}
"""Through the function alone: what else comes of the same causes."""


def flags(options: Mapping[str, Any]) -> list[str]:
    """Return the words that ask the command for what the options ask the function for."""
    values = {
        "--id" if name == "id_column" else f"--{name.replace('_', '-')}": value
        for name, value in options.items()
    }
    return [
        word
        for name, value in values.items()
        for word in (name, ",".join(value) if isinstance(value, list) else str(value))
    ]


def sides(folder: Path, bad: Bad) -> tuple[Path, Path]:
    """Write the wrong input and its partner."""
    wrong = put(folder / f"bad{bad.suffix}", bad.content)
    if bad.both:
        return wrong, wrong
    suffix = ".csv" if isinstance(bad.partner, str) else ".npy"
    return put(folder / f"partner{suffix}", bad.partner), wrong


class Run(NamedTuple):
    """A comparison with a bad file, and what lay in its folder before and after."""

    wrong: Path
    done: Done
    before: set[str]
    after: set[str]


def run_with(bad: Bad, folder: Path) -> Run:
    partner, wrong = sides(folder, bad)
    before = names_in(folder)
    outputs = ("-o", folder / "out.csv", "-o", folder / "out.json")
    done = kldiv("compare", partner, wrong, *flags(bad.options), *outputs)
    return Run(wrong, done, before, names_in(folder))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Run]]]:
    """Start all of them, a few at a time: most of what each takes is the start of Python."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield {
            name: pool.submit(run_with, bad, tmp_path_factory.mktemp(name))
            for name, bad in BAD.items()
        }


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused(runs: dict[str, Future[Run]], name: str) -> None:
    run = runs[name].result()
    what, _ = refusal(run.done)
    assert what.startswith(f"{run.wrong}: ")
    assert BAD[name].said in what
    assert run.after == run.before


@pytest.mark.parametrize("name", [*BAD, *MORE_BAD])
@pytest.mark.parametrize("side", ["reference", "candidate"])
def test_a_bad_file_is_refused_on_either_side(tmp_path: Path, name: str, side: str) -> None:
    bad = {**BAD, **MORE_BAD}[name]
    partner, wrong = sides(tmp_path, bad)
    first, second = (wrong, partner) if side == "reference" else (partner, wrong)
    with pytest.raises(KldivError) as caught:
        compare(first, second, **bad.options)
    assert str(wrong) in caught.value.what
    if side == "candidate":
        assert caught.value.what.startswith(f"{wrong}: ")
        assert bad.said in caught.value.what
    assert caught.value.what.isprintable()
    assert caught.value.advice.isprintable()
    assert caught.value.exit_code == 2


class Canary:
    """Makes a folder when unpickled."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return os.mkdir, (os.fspath(self.place),)


def test_no_pickle_is_ever_loaded(tmp_path: Path) -> None:
    hatched = tmp_path / "hatched"
    path = put(tmp_path / "x.npy", npy(np.array([[Canary(hatched)]], object)))
    what, _ = refusal(kldiv("compare", path, path))
    assert "objects" in what
    assert not hatched.exists()
    np.load(path, allow_pickle=True)
    assert hatched.exists(), "the canary is alive"


@pytest.mark.parametrize("suffix", [".npy", ".csv", ".parquet"])
def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path, suffix: str) -> None:
    contents: dict[str, Content] = {".npy": npy(LOGITS), ".csv": csv()}
    path = put(tmp_path / f"x{suffix}", contents.get(suffix, parquet(named())))
    path.chmod(0)
    what, _ = refusal(kldiv_without_privileges("compare", MAGIKA[0], path))
    assert what == f"{path}: expected a readable file, found: Permission denied"


def kldiv_without_privileges(*words: str | Path) -> Done:
    """Run without the power of root to read and write what its mode forbids."""
    drop = (
        "import ctypes, os, sys\n"
        "for power in (1, 2):\n"  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        "    ctypes.CDLL(None).prctl(24, power)\n"  # PR_CAPBSET_DROP
        "os.execv(sys.executable, [sys.executable, '-m', 'kldiv_cli', *sys.argv[1:]])\n"
    )
    return subprocess.run(
        [sys.executable, "-c", drop, *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    "name",
    [b"\xff\xfe.npy", b"a\nb\x1b[2J.csv", "ü €.parquet".encode(), b"--x.npy"],
    ids=["no-utf8", "escapes", "umlaut", "dashes"],
)
def test_an_odd_name_is_told_in_one_line(tmp_path: Path, name: bytes) -> None:
    done = subprocess.run(
        [*map(os.fsencode, KLDIV), b"compare", b"--", name, name],
        capture_output=True,
        check=False,
        timeout=60,
        cwd=tmp_path,
    )
    assert done.returncode == 2
    assert not done.stdout
    lines = done.stderr.decode().split("\n")
    assert len(lines) == 3
    assert "".join(lines).isprintable()
    assert "found nothing there" in lines[0]


# Flags

FLAGS = {
    "no-arguments": (("compare",), "REFERENCE"),
    "one-argument": (("compare", "a.npy"), "CANDIDATE"),
    "three-arguments": (("compare", "a.npy", "b.npy", "c.npy"), "c.npy"),
    "no-such-command": (("comapre",), "comapre"),
    "no-such-option": (("compare", "a.npy", "b.npy", "--nope"), "--nope"),
    **{
        f"{name}-{value}": (("compare", *map(str, MAGIKA), f"--{name}", value), said)
        for name, value, said in [
            ("mode", "tanh", "tanh"),
            ("unit", "bans", "bans"),
            ("nan-policy", "ignore", "ignore"),
            ("format", "xml", "xml"),
            ("row-axes", "one", "--row-axes"),
            ("temperature", "warm", "--temperature"),
            ("temperature", "0", "temperature"),
            ("temperature", "nan", "temperature"),
            ("top", "-1", "--top"),
            ("stat", "p42", "p42"),
            ("fail-above", "mean", "--fail-above"),
            ("fail-above", "mean=low", "--fail-above"),
            ("fail-above", "mean=nan", "nan"),
            ("fail-above", "p42=1", "p42"),
            ("fail-above", "=1", "''"),
            ("id", "file", "--id"),
            ("columns", "a,b", "--columns"),
        ]
    },
    "stat-and-format": (
        ("compare", *map(str, MAGIKA), "--stat", "mean", "--format", "json"),
        "--stat",
    ),
}


@pytest.fixture(scope="module")
def flag_runs() -> Iterator[dict[str, Future[Done]]]:
    """Start all of them, a few at a time."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield {name: pool.submit(kldiv, *words) for name, (words, _) in FLAGS.items()}


@pytest.mark.parametrize("name", FLAGS)
def test_a_bad_flag_is_refused(flag_runs: dict[str, Future[Done]], name: str) -> None:
    what, _ = refusal(flag_runs[name].result())
    assert FLAGS[name][1] in what


# Outputs


@pytest.mark.parametrize(
    ("outputs", "blamed"),
    [
        (["missing/x.csv"], "missing/x.csv"),
        (["fine.json", "missing/x.csv"], "missing/x.csv"),
        (["folder.csv"], "folder.csv"),
        (["a.npy"], "a.npy"),
        (["./folder.csv/../b.npy"], "./folder.csv/../b.npy"),
        (["link.npy"], "link.npy"),
        (["fine.json", "x.csv", "fine.json"], "fine.json"),
        (["x.csv", "./x.csv"], "./x.csv"),
        (["x.txt"], "x.txt"),
        (["x"], "x"),
        (["x.npz"], "x.npz"),
        (["a.npy/x.csv"], "a.npy/x.csv"),
        ([f"{'x' * 300}.csv"], "x" * 300 + ".csv"),
        (["/dev/full"], "/dev/full"),
    ],
    ids=[
        *("no-folder", "no-folder-second", "folder", "reference", "candidate", "link-to-input"),
        *("twice", "twice-otherwise", "suffix", "no-suffix", "archive", "file-as-folder"),
        *("long-name", "device"),
    ],
)
def test_an_output_that_cannot_be_written_is_refused(
    tmp_path: Path, outputs: list[str], blamed: str
) -> None:
    for name in ("a.npy", "b.npy"):
        put(tmp_path / name, npy(LOGITS))
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "link.npy").symlink_to("a.npy")
    before = names_in(tmp_path)
    words = [word for output in outputs for word in ("-o", output)]
    what, _ = refusal(kldiv("compare", "a.npy", "b.npy", *words, cwd=tmp_path))
    assert blamed in what
    assert names_in(tmp_path) == before
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes() == npy(LOGITS)


def test_a_folder_that_may_not_be_written_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    what, _ = refusal(kldiv_without_privileges("compare", *MAGIKA, "-o", folder / "x.csv"))
    assert what.startswith(f"{folder / 'x.csv'}: ")
    assert names_in(folder) == set()


@pytest.mark.parametrize(
    ("suffix", "room"),
    [
        ("csv", 0),
        ("npy", 0),
        *((suffix, 600) for suffix in ("csv", "jsonl", "json", "parquet", "npy")),
    ],
)
def test_a_full_disk_leaves_what_was_there(tmp_path: Path, suffix: str, room: int) -> None:
    """A limit on the size of files fails like a full disk: with an error amid the writing.

    Python would write modules that it compiles under the limit, and cut them.
    """
    old = put(tmp_path / f"x.{suffix}", "what was there")

    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    environment = {**ENVIRONMENT, "PYTHONDONTWRITEBYTECODE": "1"}
    done = kldiv("compare", *MAGIKA, "-o", old, preexec_fn=small, env=environment)
    what, _ = refusal(done)
    assert what == f"{old}: expected to write it, found: File too large"
    assert old.read_text() == "what was there"
    assert names_in(tmp_path) == {old.name}


@LINUX
@pytest.mark.parametrize(
    "words",
    [
        *(["compare", *MAGIKA, "--format", name] for name in ("table", "json", "csv")),
        ["compare", *MAGIKA, "--stat", "mean"],
        ["--help"],
        ["compare", "--help"],
        ["--version"],
    ],
    ids=lambda words: words[-1],
)
def test_a_full_standard_output_is_told_once(words: list[str | Path]) -> None:
    with Path("/dev/full").open("w") as full:
        what, _ = refusal(kldiv(*words, stdout=full))
    assert what == "standard output: expected to write it, found: No space left on device"


@pytest.mark.parametrize("form", ["table", "csv"])
def test_a_closed_standard_output_is_told(form: str) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", '"$@" >&-', "sh", *KLDIV, "compare", *map(str, MAGIKA), "--format", form],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    what, _ = refusal(done)
    assert what.startswith("standard output: ")


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full"])
def test_the_exit_code_stands_when_standard_error_is_gone(redirection: str) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f'"$@" {redirection}', "sh", *KLDIV, "compare", "nope.npy", "nope.npy"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "")


@pytest.fixture(scope="module")
def many_rows(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Write two inputs whose records fill a pipe many times over."""
    folder = tmp_path_factory.mktemp("many")
    array = np.random.default_rng(1).normal(size=(20_000, 2))
    return put(folder / "a.npy", npy(array)), put(folder / "b.npy", npy(array + 0.25 * array[::-1]))


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_reader_that_has_enough_ends_the_run_quietly(
    many_rows: tuple[Path, Path], form: str
) -> None:
    with subprocess.Popen(
        [*KLDIV, "compare", *map(str, many_rows), "--format", form],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "row" in process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(timeout=60) == 0


def test_a_reader_that_never_read_is_no_trouble(many_rows: tuple[Path, Path]) -> None:
    read, write = os.pipe()
    os.close(read)
    done = kldiv("compare", *many_rows, stdout=write)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


# Interruption


def wait_until(process: subprocess.Popen[str], happened: Callable[[], bool]) -> None:
    """Wait for something that a running process does."""
    deadline = time.monotonic() + 30
    while not happened():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def reading(process: subprocess.Popen[str], path: Path) -> bool:
    """Tell whether a process has mapped a file, or has read some MB of it."""
    place = Path("/proc", str(process.pid))
    try:
        if f" {path}\n" in (place / "maps").read_text():
            return True
        return any(
            link.readlink() == path
            and int((place / "fdinfo" / link.name).read_text().split()[1]) > 2_000_000
            for link in (place / "fd").iterdir()
        )
    except OSError:
        return False


@pytest.fixture(scope="module")
def long_work(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Write inputs that take long to compare, or whose results take long to write."""
    folder = tmp_path_factory.mktemp("long")
    line = ",".join(["0.1234567"] * 100) + "\n"
    names = ",".join(f"c{i}" for i in range(100)) + "\n"
    return {
        "npy": sparse(folder / "x.npy", (1_000_000, 1000)),
        "csv": put(folder / "x.csv", names + line * 60_000),
        "records": sparse(folder / "records.npy", (2_000_000, 2)),
    }


@LINUX
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM], ids=lambda sent: sent.name)
@pytest.mark.parametrize("kind", ["npy", "csv"])
@pytest.mark.parametrize("delay", [0.0, 0.3])
def test_an_interrupted_comparison_leaves_nothing(
    tmp_path: Path, long_work: dict[str, Path], kind: str, sent: signal.Signals, delay: float
) -> None:
    path = long_work[kind]
    with start(tmp_path, path, "x.csv") as process:
        wait_until(process, lambda: reading(process, path))
        time.sleep(delay)
        check_end(process, sent)
    assert names_in(tmp_path) == set()


@LINUX
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM], ids=lambda sent: sent.name)
def test_interrupted_writing_leaves_nothing(
    tmp_path: Path, long_work: dict[str, Path], sent: signal.Signals
) -> None:
    put(tmp_path / "x.csv", "what was there")
    with start(tmp_path, long_work["records"], "y.json", "x.csv") as process:
        wait_until(process, lambda: written_beside(process, tmp_path / "x.csv") > 1_000_000)
        check_end(process, sent)
    assert names_in(tmp_path) == {"x.csv"}
    assert (tmp_path / "x.csv").read_text() == "what was there"


def written_beside(process: subprocess.Popen[str], place: Path) -> int:
    """Return the size of the largest other file of a folder that a process holds open."""
    with suppress(FileNotFoundError):
        links = list(Path("/proc", str(process.pid), "fd").iterdir())
        held = {link: link.readlink() for link in links}
        beside = [x for x, path in held.items() if path.parent == place.parent and path != place]
        return max((link.stat().st_size for link in beside), default=0)
    return 0


def start(folder: Path, path: Path, *outputs: str) -> subprocess.Popen[str]:
    words = [word for output in outputs for word in ("-o", output)]
    return subprocess.Popen(
        [*KLDIV, "compare", str(path), str(path), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
    )


def check_end(process: subprocess.Popen[str], sent: signal.Signals) -> None:
    process.send_signal(sent)
    out, err = process.communicate(timeout=10)
    assert (out, err) == ("", "")
    assert process.returncode in (128 + sent, -sent)
    if sent == signal.SIGINT:
        assert process.returncode == 130


class Interrupt:
    """Raises KeyboardInterrupt at the nth function that Python enters, as a signal would.

    With ``c_return`` also when it comes back from one that is written in C.
    """

    def __init__(self, nth: int, *events: str) -> None:
        self.left = nth
        self.place = ""
        self.events = events or ("call",)

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        # A generator that is thrown away is entered once more, and swallows what is raised there.
        if event not in self.events or frame.f_code.co_flags & CO_GENERATOR:
            return
        self.left -= 1
        if self.left == 0:
            sys.setprofile(None)
            self.place = f"{frame.f_code.co_filename}:{frame.f_code.co_qualname}"
            raise KeyboardInterrupt


@pytest.fixture
def no_collection() -> Iterator[None]:
    """Keep the garbage collector from calling what other tests have hung into it."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collection")
@pytest.mark.parametrize(
    ("kind", "mode"),
    [("npy", "softmax"), ("csv", "softmax"), ("parquet", "softmax"), ("array", "sigmoid")],
)
def test_an_interrupt_is_never_lost(tmp_path: Path, kind: str, mode: Any) -> None:
    """NumPy swallows what is raised inside an attribute that it looks up in vain."""
    array = np.where(LOGITS > 1, -np.inf, LOGITS)
    content: dict[str, Content] = {
        "npy": npy(array),
        "csv": csv(array),
        "parquet": parquet(named(array)),
    }
    side: Any = array if kind == "array" else put(tmp_path / f"x.{kind}", content[kind])
    compare(side, side, mode=mode)
    lost = []
    for nth in range(1, 100_000):
        interrupt = Interrupt(nth)
        sys.setprofile(interrupt)
        try:
            compare(side, side, mode=mode)
        except KeyboardInterrupt:
            continue
        finally:
            sys.setprofile(None)
        if interrupt.left > 0:
            break
        lost.append(interrupt.place)
    assert nth > 50
    assert not set(lost)


@pytest.mark.usefixtures("no_collection")
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # of a file opened just then
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupt_anywhere_in_the_writing_leaves_no_half_file(tmp_path: Path) -> None:
    comparison = compare(LOGITS, LOGITS[::-1])
    outputs = {name: str(tmp_path / name) for name in ("x.csv", "y.json")}
    put_files(comparison, list(outputs.values()))
    whole = {name: (tmp_path / name).read_bytes() for name in outputs}
    half = {}
    for nth in range(1, 100_000):
        for path in tmp_path.iterdir():
            path.unlink()
        interrupt = Interrupt(nth, "call", "c_return")
        sys.setprofile(interrupt)
        try:
            put_files(comparison, list(outputs.values()))
        except KeyboardInterrupt:
            pass
        finally:
            sys.setprofile(None)
        if interrupt.left > 0:
            break
        for path in tmp_path.iterdir():
            if path.read_bytes() != whole.get(path.name):
                half[interrupt.place] = path.name
    assert nth > 50
    assert not half


# Mutations


def complaint(path: Path, good: Path, turn: int) -> str | None:
    """Compare a mutated file with a good one; say what is wrong if that does not end well."""
    first, second = (path, good) if turn % 2 else (good, path)
    started = time.monotonic()
    found: object
    try:
        found = compare(
            first,
            second,
            mode="sigmoid" if turn % 3 else "softmax",
            nan_policy=("raise", "omit", "propagate")[turn % 5 % 3],
        )
    except KldivError as error:
        found = error
        if not (error.what.isprintable() and error.advice.isprintable()):
            return f"not printable: {error.what!r}"
    except Exception as error:  # noqa: BLE001 - that is what this looks for
        return f"{type(error).__name__}: {error}"
    if isinstance(found, Comparison) and (found.values["jeffreys"] < 0).any():
        return "negative"
    seconds = time.monotonic() - started
    return f"took {seconds:.1f} s" if seconds > 5 else None


def mutations(whole: bytes, count: int, seed: int) -> Iterator[bytes]:
    """Yield copies that are cut, or have bytes changed, added, removed or repeated."""
    dice = random.Random(seed)  # noqa: S311
    spice = [b"nan", b"-inf", b'"', b",", b"\t", b"\n", b"\r", b"\0", b"\xff", b"(", b")", b"'"]
    spice += [b"L", b"-", b"1e999", b"9" * 400, b"\xef\xbb\xbf", b"\n\n", b"{", b"}", b"[", b" "]
    for _ in range(count):
        content = bytearray(whole)
        for _ in range(dice.choice([1, 1, 2, 4])):
            at = dice.randrange(len(content) + 1)
            if dice.random() < 0.4:
                at = min(at, dice.randrange(100))
            what = dice.randrange(6)
            if what == 0:
                content[at : at + 1] = bytes([dice.randrange(256)])
            elif what == 1:
                content[at : at + 1] = bytes(
                    b ^ 1 << dice.randrange(8) for b in content[at : at + 1]
                )
            elif what == 2:
                del content[at:]
            elif what == 3:
                content[at:at] = dice.choice(spice)
            elif what == 4:
                del content[at : at + dice.choice([1, 1, 4, 20])]
            else:
                content[at:at] = content[at : at + dice.choice([1, 4, 30])]
        yield bytes(content)


GOOD = {
    "npy": (".npy", npy(LOGITS.astype("f4"))),
    "csv": (".csv", csv().encode()),
    "tsv": (".tsv", csv().replace(",", "\t").encode()),
    "parquet": (".parquet", parquet(named())),
    "parquet-list": (".parquet", parquet({"file": list(IDS), "logits": LOGITS.tolist()})),
}


@pytest.mark.parametrize(("suffix", "whole"), GOOD.values(), ids=GOOD)
def test_a_mutated_file_is_compared_or_refused(tmp_path: Path, suffix: str, whole: bytes) -> None:
    good = put(tmp_path / f"good{suffix}", whole)
    bad = tmp_path / f"bad{suffix}"
    complaints = []
    for turn, content in enumerate(mutations(whole, 200, seed=5)):
        bad.write_bytes(content)
        said = complaint(bad, good, turn)
        if said is not None:
            complaints.append(f"{said} for {content[:200]!r}")
    assert not complaints, "\n".join([f"{len(complaints)} of 200", *complaints[:10]])


@pytest.mark.parametrize(("suffix", "whole"), GOOD.values(), ids=GOOD)
def test_a_cut_file_is_refused(tmp_path: Path, suffix: str, whole: bytes) -> None:
    """Text may be cut within its last number and is still a table."""
    good = put(tmp_path / f"good{suffix}", whole)
    bad = tmp_path / f"bad{suffix}"
    separator = {".csv": b",", ".tsv": b"\t"}.get(suffix)
    end = len(whole) if separator is None else whole.rindex(separator)
    for size in range(0, end, max(1, len(whole) // 150)):
        bad.write_bytes(whole[:size])
        with pytest.raises(KldivError) as caught:
            compare(good, bad)
        assert str(bad) in caught.value.what


@pytest.mark.parametrize("mode", ["softmax", "sigmoid"])
def test_a_signalling_nan_is_a_nan(tmp_path: Path, mode: str) -> None:
    array = LOGITS.astype("f4")
    array.view("u4")[1, 2] = 0x7F800001
    path = put(tmp_path / "x.npy", npy(array))
    what, _ = refusal(kldiv("compare", path, path, "--mode", mode))
    assert "row 1, class 2" in what
    done = kldiv("compare", path, path, "--mode", mode, "--nan-policy", "omit", "--stat", "total")
    assert (done.returncode, done.stdout) == (0, "0.0\n")
    assert not re.search(r"RuntimeWarning|Traceback", done.stderr)


def test_a_signalling_nan_of_a_double_is_a_nan(tmp_path: Path) -> None:
    array = LOGITS.copy()
    array.view("u8")[0, 2] = 0x7FF0000000000001
    path = put(tmp_path / "x.npy", npy(array))
    done = kldiv("inspect", path)
    assert done.returncode == 0
    assert not re.search(r"RuntimeWarning|Traceback", done.stderr)
