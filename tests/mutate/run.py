"""A mutant -> whether a test fails, of those that call what it changes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree, ignore_patterns

from tests.mutate.mutants import Mutant
from tests.mutate.seen import OPTION

_LEFT_OUT = ignore_patterns(".*", "build", "*.egg-info")
_STARTED = 20.0
"""Seconds that a process may need to begin, and to be slow."""


@dataclass(frozen=True)
class Seen:
    """A test: how many seconds it takes, and which functions it calls, as PATH:LINE."""

    name: str
    seconds: float
    functions: frozenset[str]


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant: the test that failed, "time" where one did not end, or None."""

    mutant: Mutant
    killed_by: str | None
    tests: int
    diff: str


class Copy:
    """A copy of the project, in which one module at a time is another."""

    def __init__(self, project: Path, folder: Path) -> None:
        self.folder = copytree(project, folder, ignore=_LEFT_OUT)

    def pytest(
        self, arguments: Iterable[str], timeout: float | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run pytest on the copy; arguments go through a file, as there may be thousands."""
        words = self.folder / "arguments.txt"
        words.write_text("".join(f"{word}\n" for word in arguments), encoding="utf-8")
        paths = {"PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "tests.mutate.seen", f"@{words}"],
            cwd=self.folder,
            env={**os.environ, "PYTHONHASHSEED": "0", **paths},
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=timeout,
        )

    def judge(self, mutant: Mutant, tests: Sequence[Seen]) -> Verdict:
        """Run the tests on a mutant, up to the first that fails."""
        path = self.folder / mutant.path
        source, before = path.read_text(encoding="utf-8"), path.stat()
        patience = _STARTED + 10 * sum(test.seconds for test in tests)
        path.write_text(mutant.of(source), encoding="utf-8")
        try:
            killed_by = self._first_failure(tests, patience)
        finally:
            path.write_text(source, encoding="utf-8")
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        return Verdict(mutant, killed_by, len(tests), mutant.diff(source))

    def _first_failure(self, tests: Sequence[Seen], patience: float) -> str | None:
        if not tests:
            return None
        try:
            done = self.pytest(["-x", "--tb=no", *(test.name for test in tests)], patience)
        except subprocess.TimeoutExpired:
            return "time"
        if done.returncode == 0:
            return None
        failed = (x for x in done.stdout.splitlines() if x.startswith(("FAILED", "ERROR")))
        return next(failed, f"pytest ended with {done.returncode}").split(" - ")[0][:200]


def watch(project: Path, package: str, tests: Sequence[str], seen: Path, jobs: int) -> None:
    """Run tests once, and write which functions of the package each of them calls."""
    arguments = [f"{OPTION}={seen}", f"{OPTION}-package={package}", *tests]
    parallel = ["-n", str(jobs)] if jobs > 1 else []
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.mutate.seen", *parallel, *arguments],
        cwd=project,
        env={**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": str(project)},
        stdout=2,
        check=False,
    )


def read_seen(seen: Path) -> list[Seen]:
    """Return what `watch` wrote, of every process that ran tests."""
    lines = (
        line
        for path in sorted(seen.parent.glob(f"{seen.name}*"))
        for line in path.read_text(encoding="utf-8").splitlines()
    )
    tests = (json.loads(line) for line in lines)
    return [Seen(name, seconds, frozenset(functions)) for name, seconds, functions in tests]


class Chooser:
    """Chooses the tests of a mutant: those that call its function, one of every kind first."""

    def __init__(self, tests: Iterable[Seen], seconds: float) -> None:
        self._seconds = seconds
        self._by_function: Mapping[str, list[Seen]] = defaultdict(list)
        self._by_module: Mapping[str, list[Seen]] = defaultdict(list)
        for test in tests:
            for function in test.functions:
                self._by_function[function].append(test)
            for path in {function.rpartition(":")[0] for function in test.functions}:
                self._by_module[path].append(test)

    def tests_of(self, mutant: Mutant) -> list[Seen]:
        """Return as many tests as there is time for, those that most likely fail first.

        A change outside of functions concerns all tests that call a function of the module; where
        none is called, those that call one of its folder.
        """
        found = self._by_function.get(f"{mutant.path}:{mutant.function}")
        found = found or self._by_module.get(mutant.path)
        if found is None:
            folder = mutant.path.rpartition("/")[0]
            near = {
                test.name: test
                for path, tests in self._by_module.items()
                if path.rpartition("/")[0] == folder
                for test in tests
            }
            found = list(near.values())
        return list(_within(self._seconds, _in_turn(found, mutant.path)))


def _in_turn(tests: Iterable[Seen], path: str) -> list[Seen]:
    """Order tests: the first parameters of every one, then the second; those of its room first."""
    rooms = set(path.split("/")[1:-1]) | {path.rpartition("/")[2].removesuffix(".py")}
    turn: Counter[str] = Counter()
    ranked = []
    for test in sorted(tests, key=lambda test: (test.seconds, test.name)):
        kind = test.name.partition("[")[0]
        near = bool(rooms & set(test.name.partition("::")[0].replace(".py", "").split("/")))
        ranked.append(((turn[kind], not near, test.seconds, test.name), test))
        turn[kind] += 1
    return [test for _, test in sorted(ranked, key=lambda found: found[0])]


def _within(seconds: float, tests: Iterable[Seen]) -> Iterator[Seen]:
    left = seconds
    for test in tests:
        if test.seconds <= left:
            left -= test.seconds
            yield test
