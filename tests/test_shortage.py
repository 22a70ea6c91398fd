"""Too little memory is an error of one line, not a traceback."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from numpy.lib import format as npy_format

from kldiv_cli.errors import InputError, shortage
from kldiv_cli.sources.tables.cells import reading
from tests.command import ROOT

ADVICE = "Free some or raise its limit. A damaged file, too, may ask for more than there is.\n"
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="limits memory as Linux does")
RUN = """
import resource, sys
import kldiv_cli.tasks.compare, kldiv_cli.sources.formats.npy
import kldiv_cli.measures.definitions.distances
from kldiv_cli.cli import run
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (256 << 20), used + (256 << 20)))
sys.exit(run())
"""


def sparse(path: Path, dtype: str, classes: int) -> Path:
    """Write one row of zeros, which takes no room on the disk."""
    with path.open("wb") as file:
        header = {"descr": dtype, "fortran_order": False, "shape": (1, classes)}
        npy_format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + classes * np.dtype(dtype).itemsize)
    return path


def with_little_memory(*words: object) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-c", RUN, *map(str, words)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


@LINUX
@pytest.mark.parametrize("command", [["compare"], ["verify"], ["loss", "torch"]], ids=" ".join)
def test_a_file_that_cannot_be_mapped(tmp_path: Path, command: list[str]) -> None:
    path = sparse(tmp_path / "x.npy", "<f4", 1 << 28)
    code, out, err = with_little_memory(*command, path, path)
    assert (code, out) == (2, "")
    assert err == (
        f"kldiv: error: {path}: expected enough memory, found too little: Cannot allocate memory\n"
        f"{ADVICE}"
    )


@LINUX
@pytest.mark.parametrize("threads", [1, 2])
def test_rows_that_cannot_be_held(tmp_path: Path, threads: int) -> None:
    path = sparse(tmp_path / "x.npy", "<f2", 40_000_000)
    code, out, err = with_little_memory(
        "compare", path, path, "--measure", "renyi:inf", "--threads", threads
    )
    assert (code, out) == (2, "")
    what, advice = err.splitlines(keepends=True)
    assert what.startswith("kldiv: error: expected enough memory, found too little: Unable to ")
    assert advice == ADVICE


@pytest.mark.parametrize(
    ("error", "said"),
    [
        pytest.param(MemoryError(), "", id="nothing said"),
        pytest.param(MemoryError("of 9 bytes"), ": of 9 bytes", id="bytes"),
        pytest.param(
            OSError(errno.ENOMEM, "Cannot allocate memory"), ": Cannot allocate memory", id="mmap"
        ),
        pytest.param(
            RuntimeError("can't start new thread"), ": can't start new thread", id="thread"
        ),
        pytest.param(
            ImportError("long\nlib.so: failed to map segment from shared object\nwords"),
            ": lib.so: failed to map segment from shared object",
            id="module",
        ),
        pytest.param(
            OSError("Unknown error: Failed to launch worker thread: Resource unavailable"),
            ": Unknown error: Failed to launch worker thread: Resource unavailable",
            id="PyArrow's thread",
        ),
    ],
)
def test_what_means_too_little_memory(error: Exception, said: str) -> None:
    short = shortage(error, "x.csv")
    assert short is not None
    assert short.what == f"x.csv: expected enough memory, found too little{said}"
    assert short.advice + "\n" == ADVICE


@pytest.mark.parametrize(
    "error", [RuntimeError("a bug"), ImportError("no module"), OSError(errno.EIO, "failed")]
)
def test_what_means_something_else(error: Exception) -> None:
    assert shortage(error) is None


def test_what_pyarrow_lacks_is_no_damage() -> None:
    with (
        pytest.raises(InputError, match=r"^x\.parquet: expected enough memory, found too little: "),
        reading("x.parquet", "Expected a whole file."),
    ):
        raise pa.ArrowMemoryError("malloc of size 9 failed")
