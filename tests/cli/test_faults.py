"""A fault of kldiv's own exits with 70, and says what to report: it looks like no limit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kldiv_cli.__main__ import FAULT
from tests.command import ROOT, Result

MAGIKA = "samples/magika-fp32.npy", "samples/magika-int8.npy"
RUN = "from kldiv_cli.__main__ import main; main()"
SAID = "kldiv: fault: expected no exception, found one: a bug of kldiv, not of your files"
RAISES = """
import os, signal, sys
from dataclasses import replace
def broken(*_):
    {fault}
"""
MEASURE = """
import kldiv_cli.measures.definitions.distances as distances
distances.TV = replace(distances.TV, compute=broken)
"""
REPORT = """
import kldiv_cli.reports.formats.table as table
table.write = broken
"""
MODULE = """
class Finder:
    def find_spec(self, name, *_):
        if name == "kldiv_cli.tasks.compare":
            broken()
sys.meta_path.insert(0, Finder())
"""
EXIT = "import atexit; atexit.register(broken)"
FINALISER = """
import kldiv_cli.reports.formats.table as table
class Last:
    __del__ = broken
write = table.write
def written(*words):
    Last()
    write(*words)
table.write = written
"""
THREAD = """
import threading
import kldiv_cli.reports.formats.table as table
write = table.write
def written(*words):
    thread = threading.Thread(target=broken)
    thread.start()
    thread.join()
    write(*words)
table.write = written
"""


def run(place: str, fault: str, *words: object) -> Result:
    """Run a command in which one place raises."""
    code = RAISES.format(fault=fault) + place + "\n" + RUN
    done = subprocess.run(
        [sys.executable, "-c", code, "compare", *map(str, words or MAGIKA)],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    return Result(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("threads", [1, 3])
def test_a_measure(threads: int) -> None:
    words = (*MAGIKA, "-m", "tv", "--threads", threads, "--fail-above", "mean=1")
    code, out, err = run(MEASURE, "1 / 0", *words)
    assert (code, out) == (FAULT, "")
    lines = err.splitlines()
    command = f"kldiv compare {' '.join(map(str, words))}"
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-3:] == [
        "ZeroDivisionError: division by zero",
        SAID,
        f"Report it with the lines above, what 'kldiv --version' prints and the command: {command}",
    ]


@pytest.mark.parametrize("place", [REPORT, MODULE], ids=["report", "module"])
@pytest.mark.parametrize(
    "fault",
    [
        "raise AssertionError('a' + chr(27) + '[31m b')",
        "raise EOFError",
        "raise ImportError('no such module')",
        "raise RecursionError",
        "sys.exit('a library gives up')",
        "raise type('Panic', (BaseException,), {})",
    ],
    ids=lambda fault: fault.split("(")[0].split()[-1],
)
def test_what_is_raised_anywhere(place: str, fault: str) -> None:
    code, out, err = run(place, fault)
    assert (code, out) == (FAULT, "")
    assert SAID in err.splitlines()
    assert "\x1b" not in err


@pytest.mark.parametrize("place", [EXIT, FINALISER, THREAD], ids=["exit", "finaliser", "thread"])
def test_what_reaches_nobody(place: str) -> None:
    code, out, err = run(place, "1 / 0")
    assert code == FAULT
    assert "jeffreys" in out
    assert err.count("ZeroDivisionError: division by zero\n") == 1
    assert err.count(SAID) == 1


def test_a_command_without_secrets() -> None:
    words = ("s3://me:secret@bucket/x.npy", "a\x1b[0m b")
    code, _, err = run(MODULE, "raise AssertionError('s3://me:secret@bucket/x.npy')", *words)
    assert code == FAULT
    assert "secret" not in err
    assert err.endswith(r"kldiv compare s3://***@bucket/x.npy 'a\x1b[0m b'" + "\n")


@pytest.mark.parametrize("place", [REPORT, MODULE], ids=["report", "module"])
@pytest.mark.parametrize(
    ("number", "code"), [("SIGINT", 130), ("SIGTERM", 143)], ids=["SIGINT", "SIGTERM"]
)
@pytest.mark.parametrize("loses", ["raise RuntimeError('__set_name__') from None", "pass"])
def test_an_interrupt_in_whose_place_another_exception_stands(
    place: str, number: str, code: int, loses: str
) -> None:
    """Python 3.11 does so where a class is made, and C modules where they load."""
    fault = f"""
    try:
        os.kill(os.getpid(), signal.{number})
    except BaseException:
        {loses}
    """
    found = run(place, fault)
    assert (found.code, found.err) == (code, "")


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        ("OSError(5, os.strerror(5))", "standard output: expected to write it, found: Inp"),
        ("OSError(23, os.strerror(23))", "the system: expected to go on, found: Too many op"),
        ("OSError(13, os.strerror(13), 'x.npy')", "x.npy: expected to go on, found: Permi"),
        ("MemoryError()", "expected enough memory, found too little"),
    ],
)
def test_what_the_system_refuses_is_trouble(raised: str, said: str) -> None:
    code, out, err = run(MODULE, f"raise {raised}")
    assert (code, out, len(err.splitlines())) == (2, "", 2)
    assert err.startswith(f"kldiv: error: {said}")


def test_an_error_of_a_library_is_no_refusal_of_the_system() -> None:
    code, out, err = run(MODULE, "raise OSError('what a library says')")
    assert (code, out) == (FAULT, "")
    assert "OSError: what a library says\n" in err


def test_files_are_at_fault_for_what_they_hold(tmp_path: Path) -> None:
    deep = tmp_path / "deep.jsonl"
    deep.write_text("[" * 100_000 + "]" * 100_000 + "\n")
    np.save(tmp_path / "x.npy", np.zeros((1, 2)))
    code, out, err = run("", "pass", deep, tmp_path / "x.npy")
    assert (code, out, len(err.splitlines())) == (2, "", 2)
    assert err.startswith(f"kldiv: error: {deep}")
