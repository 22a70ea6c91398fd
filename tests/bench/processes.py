"""Sides that run in processes of their own: started anew each time, or kept open."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from tests.bench.base import ROOT, FailedError, Sample, Setting, Side

_ENVIRONMENT = {
    name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
}
"""Modules are compiled once, as they are for users."""


def kldiv(*words: object) -> list[str]:
    """Return the command line of the installed ``kldiv``."""
    return [str(Path(sys.executable).with_name("kldiv")), *map(str, words)]


def python(code: str, *words: object) -> list[str]:
    """Return the command line of one line of Python."""
    return [sys.executable, "-c", code, *map(str, words)]


def whole(command: list[str]) -> Side:
    """Time the command from its start to its end."""

    def run() -> Sample:
        start = perf_counter()
        output_of(command)
        return Sample(perf_counter() - start)

    return run


def peak(command: list[str]) -> Side:
    """Take the most memory that the command holds, in MB."""

    def run() -> Sample:
        return Sample(float(output_of([sys.executable, "-m", "tests.bench.peak", *command])))

    return run


def output_of(command: list[str]) -> str:
    """Run the command in the project's folder, without a terminal, and return what it prints."""
    done = subprocess.run(
        command, cwd=ROOT, env=_ENVIRONMENT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise FailedError(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout


def on_terminal(command: list[str]) -> Side:
    """Time the command as `whole` does, with a terminal for what it prints."""

    def run() -> Sample:
        ours, theirs = os.openpty()
        start = perf_counter()
        with subprocess.Popen(
            command, cwd=ROOT, env=_ENVIRONMENT, stdout=theirs, stderr=theirs
        ) as process:
            os.close(theirs)
            with suppress(OSError):  # EIO where nobody writes any more
                while os.read(ours, 1 << 16):
                    pass
            os.close(ours)
        seconds = perf_counter() - start
        if process.returncode:
            raise FailedError(f"{' '.join(command)}: exit code {process.returncode}")
        return Sample(seconds)

    return run


def fastest(*sides: tuple[str, Side]) -> Side:
    """Run each side twice, and return the one that took the least, which says its name too."""
    taken = {}
    for name, side in sides:
        side()
        taken[name] = side().amount
    name, side = min(sides, key=lambda each: taken[each[0]])

    def run() -> Sample:
        sample = side()
        return replace(sample, how=", ".join(filter(None, (sample.how, name))))

    return run


def worker(
    setting: Setting, interpreter: str, module: str, *words: object, tunables: str = ""
) -> Side:
    """Keep a module of this package open, which serves; what it times itself is what counts."""
    command = [interpreter, "-m", f"tests.bench.{module}", *map(str, words)]
    process = setting.processes.enter_context(
        subprocess.Popen(
            command,
            cwd=ROOT,
            env={**_ENVIRONMENT, "GLIBC_TUNABLES": tunables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    )
    asked, answers = process.stdin, process.stdout
    assert asked is not None
    assert answers is not None

    def run() -> Sample:
        try:
            asked.write("\n")
            asked.flush()
        except BrokenPipeError:
            answer = ""
        else:
            answer = answers.readline()
        if not answer:
            raise FailedError(f"{' '.join(command)}: exit code {process.wait()}")
        return Sample(*json.loads(answer))

    return run
