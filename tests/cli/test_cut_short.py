"""Mapped files that another process cuts short while they are read."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from kldiv_cli.measures import _native
from tests.command import ROOT, Result
from tests.tasks.test_changed_files import write_mapped

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not _native.instruction_sets(),
    reason="needs Linux and the C extensions",
)
BUILT = find_spec("kldiv_cli.sources.arrays._guard") is not None
"""`test_the_extension_is_there` fails where the kernels alone were built."""
guards = pytest.mark.skipif(not BUILT, reason="the guard is not built")
CUT = """
import os, signal, sys
import kldiv_cli.tasks.walk as walk
call = walk.PairWork.__call__
def cut(self, block):
    {happens}
    return call(self, block)
walk.PairWork.__call__ = cut
"""
MAIN = "from kldiv_cli.__main__ import main; main()"
LIBRARY = "import kldiv_cli; kldiv_cli.compare(*sys.argv[2:4])"


def run(happens: str, *words: object, main: str = MAIN, flags: tuple[str, ...] = ()) -> Result:
    done = subprocess.run(
        [sys.executable, *flags, "-c", CUT.format(happens=happens) + main, *map(str, words)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return Result(done.returncode, done.stdout, done.stderr)


def told(path: Path, size: int) -> str:
    return (
        f"kldiv: error: {path}: expected {size} bytes, found that they end sooner than when it was "
        "opened\nWait until nobody writes to it, or compare a copy.\n"
    )


def test_the_extension_is_there() -> None:
    assert BUILT, "built before there was a guard: pip install -e ."


@guards
@pytest.mark.parametrize("suffix", ["npy", "npz", "safetensors", "pt", "pb", "arrow", "kld"])
@pytest.mark.parametrize("words", [(), ("-m", "js"), ("--threads", "2")], ids=str)
def test_a_command_ends_with_a_message(tmp_path: Path, suffix: str, words: tuple[str, ...]) -> None:
    p, q = (write_mapped(tmp_path / f"{name}.{suffix}") for name in "pq")
    size = q.stat().st_size
    found = run(f"os.truncate({str(q)!r}, 4096)", "compare", p, q, "-o", tmp_path / "o.csv", *words)
    assert found[:2] == (2, "")
    # Blocks that are copies of the file's were made before it was cut.
    seen = "that were there when it was opened, found 4096 bytes"
    late = told(q, size).replace("found that they end sooner than when it was opened", seen)
    assert found.err in (told(q, size), late.replace("bytes, that", "bytes that"))
    if suffix not in ("arrow", "pb"):
        assert found.err == told(q, size)
    assert sorted(path.name for path in tmp_path.iterdir()) == [p.name, q.name]


@guards
def test_a_name_is_escaped(tmp_path: Path) -> None:
    path = write_mapped(tmp_path / "a\x1b[31m\nb.npy")
    size = path.stat().st_size
    code, out, err = run(f"os.truncate({str(path)!r}, 4096)", "compare", path, path)
    assert (code, out, len(err.splitlines())) == (2, "", 2)
    assert f"a\\x1b[31m\\nb.npy: expected {size} bytes" in err


@guards
def test_the_handler_of_python_stays_for_other_faults(tmp_path: Path) -> None:
    """Of an address that is no file's; and of files where Python's own is asked for."""
    path = write_mapped(tmp_path / "p.npy")
    size = path.stat().st_size
    flags = ("-X", "faulthandler")
    sent = run("os.kill(os.getpid(), signal.SIGBUS)", "compare", path, path, flags=flags)
    assert sent.code == -signal.SIGBUS
    assert "Fatal Python error: Bus error" in sent.err
    found = run(f"os.truncate({str(path)!r}, 4096)", "compare", path, path, flags=flags)
    assert found == (2, "", told(path, size))


def test_a_file_that_kldiv_did_not_map(tmp_path: Path) -> None:
    p, other = write_mapped(tmp_path / "p.npy"), tmp_path / "other"
    shutil.copy(p, other)
    happens = (
        f"import numpy; other = numpy.memmap({str(other)!r}, mode='r'); "
        f"os.truncate({str(other)!r}, 4096); other.sum()"
    )
    found = run(happens, "compare", p, p)
    assert (found.code, found.err) == (-signal.SIGBUS, "")


def test_the_library_leaves_the_signal_alone(tmp_path: Path) -> None:
    path = write_mapped(tmp_path / "p.npy")
    found = run(f"os.truncate({str(path)!r}, 4096)", "", path, path, main=LIBRARY)
    assert (found.code, found.err) == (-signal.SIGBUS, "")


def test_thousands_of_files_are_mapped_one_after_the_other(tmp_path: Path) -> None:
    for number in range(1500):
        np.save(tmp_path / f"{number}.npy", np.zeros((1, 2), "f4"))
    found = run("pass", "compare", tmp_path, tmp_path, "--stat", "max", "--no-warn")
    assert found == (0, "0.0\n", "")


def test_a_file_that_became_shorter_before_it_is_mapped(tmp_path: Path) -> None:
    path = write_mapped(tmp_path / "p.npy")
    size = path.stat().st_size
    code = (
        "import os, sys, kldiv_cli.sources.formats.npy as npy\n"
        "check = npy.check_header\n"
        "def cut(*words):\n"
        "    check(*words)\n"
        f"    os.truncate({str(path)!r}, 0)\n"
        "npy.check_header = cut\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code + MAIN, "compare", path, path],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{path}: expected {size} bytes" in done.stderr
