"""Signals at any moment, while several outputs are written and older ones replaced."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from stat import S_IMODE
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import NamedTuple

import numpy as np

from tests.attack.base import ROOT, Budget, Failure, Tally, each
from tests.attack.runs import ENVIRONMENT, SECONDS, Run, harm

SENT = signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE
OUTPUTS = "out.csv", "out.json", "out.npy", "out.parquet"
OLDER = b"older"
MODE = 0o640
LAUNCHER = """
import os, sys
at, number, told = map(int, sys.argv[1:4])
del sys.argv[1:4]
from kldiv_cli.__main__ import main
left = at
def hook(event, _):
    global left
    left -= 1
    if number == 0:
        os.write(told, event.encode() + b"\\n")
    elif left == 0:
        os.kill(os.getpid(), number)
sys.addaudithook(hook)
if number:
    os.close(told)
main()
"""
"""Sends a signal to itself at an event that Python audits: an import, a file, a renaming.

Without a signal it tells all events. It closes ``told`` when kldiv is about to run.
"""


class Quiet(NamedTuple):
    """What a run comes to that nothing disturbs."""

    words: list[str]
    written: dict[str, bytes]
    events: list[str]
    seconds: float


class Case(NamedTuple):
    """What is sent, and when: at an event, or so many seconds after the start."""

    sent: signal.Signals
    older: list[str]
    event: int = 0
    seconds: float = 0

    def __str__(self) -> str:
        moment = f"event {self.event}" if self.event else f"{self.seconds:.3f} s"
        return f"{self.sent.name} at {moment}, older {self.older}"


def attack(budget: Budget) -> Tally:
    """Send every signal at moments that the dice decide, most of them amid the writing."""
    with TemporaryDirectory(prefix="kldiv-attack-") as name:
        quiet = _quiet(Path(name))
        return each(budget, lambda number: _attempt(budget, number, quiet))


def _quiet(folder: Path) -> Quiet:
    inputs = [folder / "p.npy", folder / "q.npy"]
    for i, path in enumerate(inputs):
        np.save(path, np.random.default_rng(i).normal(size=(20_000, 2)))
    words = ["compare", *map(str, inputs), "--stat", "mean"]
    words += [word for output in OUTPUTS for word in ("-o", output)]
    began = monotonic()
    done = _launched(words, folder)
    seconds = monotonic() - began
    assert done.code == 0, done.err
    written = {name: (folder / name).read_bytes() for name in OUTPUTS}
    events = _events(words, folder)
    return Quiet(words, written, events, seconds)


def _events(words: list[str], folder: Path) -> list[str]:
    """Return what Python audits while the command runs."""
    ours, theirs = os.pipe()
    with _process(words, folder, 0, 0, theirs), os.fdopen(ours) as stream:
        os.close(theirs)
        return stream.read().splitlines()


def _attempt(budget: Budget, number: int, quiet: Quiet) -> str | Failure:
    dice = budget.dice(number)
    older = [name for name in OUTPUTS if dice.random() < 0.6]
    case = Case(SENT[number % len(SENT)], older)
    where, events = dice.random(), len(quiet.events)
    if where < 0.3:
        case = case._replace(seconds=dice.uniform(0, 1.1 * quiet.seconds))
    else:
        first = 1 if where < 0.6 else _first_name(quiet.events) - 20
        case = case._replace(event=dice.randint(first, events))
    with TemporaryDirectory(prefix="kldiv-attack-") as name:
        folder = Path(name)
        for output in older:
            (folder / output).write_bytes(OLDER)
            (folder / output).chmod(MODE)
        done = _launched(quiet.words, folder, case)
        outcome = _judged(done, folder, case, quiet.written)
    return outcome if isinstance(outcome, str) else budget.failure(number, f"{case}: {outcome[0]}")


def _first_name(events: list[str]) -> int:
    """Return the number of the event that gives the first output a name."""
    return next(i for i, event in enumerate(events, 1) if event in {"os.link", "os.rename"})


def _judged(done: Run, folder: Path, case: Case, expected: dict[str, bytes]) -> str | tuple[str]:
    """Return what came of a run, or in a tuple what is wrong."""
    ended = {signal.SIGKILL: -9, signal.SIGPIPE: 0}.get(case.sent, 128 + case.sent)
    # A signal that comes when all is done and the interpreter ends has its usual effect.
    wrong = harm(done, (ended, 0, -case.sent))
    if wrong is None and done.err:
        wrong = f"says {done.err[:300]!r}"
    found = {path.name: path.read_bytes() for path in folder.iterdir()}
    state = {
        name: "new" if found.get(name) == content else "older"
        for name, content in expected.items()
        if found.get(name) in (content, OLDER if name in case.older else None)
    }
    if len(state) < len(expected):
        wrong = f"half an output: { ({n: len(c) for n, c in found.items()}) }"
    modes = {S_IMODE((folder / name).stat().st_mode) for name in case.older}
    if not modes <= {MODE}:
        wrong = f"modes {modes}"
    strays = found.keys() - expected.keys()
    amid = len({*state.values()}) > 1 or bool(strays)
    if amid and (case.sent != signal.SIGKILL or not _are_whole(strays, found, expected)):
        wrong = f"{state}, strays {sorted(strays)}"
    if done.code == 0 and "older" in state.values():
        wrong = "exit 0 and nothing written"
    if wrong is not None:
        return (wrong,)
    if amid:
        return "killed amid the renaming"
    return "replaced" if "new" in state.values() else "as before"


def _are_whole(strays: set[str], found: dict[str, bytes], expected: dict[str, bytes]) -> bool:
    if sys.platform != "linux":  # has no files without a name
        return all(name.startswith(".kldiv-") for name in strays)
    return all(found[name] in expected.values() for name in strays)


def _launched(words: list[str], folder: Path, case: Case | None = None) -> Run:
    """Run a command, and send the signal of a case."""
    ours, theirs = os.pipe()
    at, sent = (0, signal.SIGPIPE) if case is None else (case.event, case.sent)
    process = _process(words, folder, at, sent, theirs)
    os.close(theirs)
    with process, os.fdopen(ours) as stream:
        stream.read()
        if case is not None and not case.event:
            sleep(case.seconds)
            process.send_signal(case.sent)
        try:
            out, err = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return Run(None, *process.communicate())
    return Run(process.returncode, out, err)


def _process(
    words: list[str], folder: Path, at: int, sent: int, told: int
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(at), str(sent), str(told), *words],
        cwd=folder,
        env={**ENVIRONMENT, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=[told],
    )
