"""Every command and report on a standard output that is full, closed, or that nobody reads."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from kldiv_cli.reports import REPORTS
from tests.command import Kldiv, Result

ARRAYS = "samples/magika-fp32.npy", "samples/magika-int8.npy"
ONE = ARRAYS[0]
COMMANDS: tuple[tuple[str, ...], ...] = (
    *(
        ("compare", *ARRAYS, "--format", name)
        for name, report in REPORTS.rows().items()
        if report.printed
    ),
    ("compare", *ARRAYS, "--stat", "mean"),
    *(("compare", *ARRAYS, "--plan", "--format", name) for name in REPORTS.names("plan")),
    *(("inspect", ONE, ONE, "--format", name) for name in REPORTS.names("inspection")),
    *(("loss", "torch", *ARRAYS, "--format", name) for name in REPORTS.names("loss")),
    *(
        ("verify", *ARRAYS, "--limit", "9", "--format", name)
        for name in REPORTS.names("verification")
    ),
    *(("loss",), ("measures",), ("measures", "kl"), ("help",), ("help", "numerics")),
    *(("--help",), ("--version",), ("compare", "--help"), ("help", "compare")),
)
EVERY = pytest.mark.parametrize("words", COMMANDS, ids=" ".join)


def assert_told(done: Result, why: str) -> None:
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        f"kldiv: error: standard output: expected to write it, found: {why}\n"
        "Make room, or send the output elsewhere.\n"
    )


@EVERY
@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
def test_full(words: tuple[str, ...], kldiv: Kldiv, monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        assert_told(kldiv(*words), "No space left on device")


@EVERY
def test_closed(words: tuple[str, ...], kldiv: Kldiv, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert_told(kldiv(*words), "it is closed")


@EVERY
def test_pipe_that_nobody_reads(
    words: tuple[str, ...], kldiv: Kldiv, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    with suppress(BrokenPipeError), os.fdopen(theirs, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        done = kldiv(*words)
    assert done == (0, "", "")
