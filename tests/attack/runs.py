"""Runs of the command line in processes of their own, and what none of them may ever do."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.attack.base import ROOT
from tests.command import COLOURS

KLDIV = (str(Path(sys.executable).with_name("kldiv")),)
"""What is installed, which looks for no modules in the folder that it runs in."""
SECONDS = 60.0
"""A run that takes longer hangs."""
_RAISED = re.compile(r"^\w+(Error|Exception|Warning)\b", re.MULTILINE)
ENVIRONMENT = {
    **{
        name: value
        for name, value in os.environ.items()
        if name not in COLOURS and not name.startswith("PYTHON")
    },
    "PYTHONDONTWRITEBYTECODE": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONPATH": str(ROOT),
}


class Run(NamedTuple):
    """What a process came to; ``code`` is None for one that hung, negative for a signal."""

    code: int | None
    out: bytes
    err: bytes


def run(
    words: Sequence[object],
    folder: Path = ROOT,
    env: Mapping[str, str] | None = None,
    command: Sequence[str] = KLDIV,
) -> Run:
    """Run the command line, or what else takes its words, in a folder."""
    process = subprocess.Popen(
        [*command, *map(str, words)],
        cwd=folder,
        env={**ENVIRONMENT, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        return Run(None, out, err)
    return Run(process.returncode, out, err)


def harm(done: Run, allowed: Sequence[int] = (0, 2)) -> str | None:
    """Say what is wrong with a run whatever was done to it: a hang, a crash, a traceback."""
    said = done.err.decode("utf-8", "replace")
    if done.code is None:
        return f"hangs: {said[-300:]}"
    if b"Traceback" in done.out + done.err or _RAISED.search(said):
        return f"exit {done.code} with a traceback: {said[-600:]}"
    if done.code not in allowed:
        return f"exit {done.code}, not {allowed}: {said[-300:]}"
    if done.code == 2 and said and not _is_an_error(said):
        return f"exit 2 without an error of two lines: {said[-300:]}"
    return None


def _is_an_error(said: str) -> bool:
    lines = [line for line in said.splitlines() if not line.startswith("kldiv: warning: ")]
    return bool(lines) and lines[0].startswith("kldiv: error: ")
