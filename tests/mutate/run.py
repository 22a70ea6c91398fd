"""A mutant -> whether a test fails, of those that call what it changes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import Pipe
from pathlib import Path
from shutil import copytree, ignore_patterns, rmtree

from tests.mutate import seen as watching
from tests.mutate.forks import LATE, OPTION
from tests.mutate.mutants import Mutant, changed

_LEFT_OUT = ignore_patterns(".*", "build", "*.egg-info")
_STARTED = 60.0
"""Seconds that a process may need to begin, and to be slow."""
_TEMPORARY = "tmp"
_FIRST = 20
"""So many tests are run before the rest: most changes are found by them."""


@dataclass(frozen=True)
class Seen:
    """A test: how many seconds it takes, and which functions it calls, as PATH:LINE."""

    name: str
    seconds: float
    functions: frozenset[str]


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant: the test that failed, `LATE` where one did not end, or None."""

    mutant: Mutant
    killed_by: str | None
    tests: int
    diff: str


class Copy:
    """A copy of the project, in which one module at a time is another."""

    def __init__(self, project: Path, folder: Path, package: str) -> None:
        self.folder = copytree(project, folder, ignore=_LEFT_OUT)
        self._package = package
        self._passing: dict[str, bool] = {}
        self._server: Server | None = None

    def pytest(
        self, arguments: Iterable[str], timeout: float | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run pytest on the copy; arguments go through a file, as there may be thousands."""
        words = self.folder / "arguments.txt"
        words.write_text("".join(f"{word}\n" for word in arguments), encoding="utf-8")
        return subprocess.run(
            [*_PYTEST, "-p", "tests.mutate.seen", f"@{words}"],
            cwd=self.folder,
            env=_environment(self.folder),
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=timeout,
        )

    def judge(self, mutant: Mutant, tests: Sequence[Seen]) -> Verdict:
        """Run the tests on a mutant, up to the first that fails only because of the change.

        They run in a fork of a process that has them loaded, unless the change concerns what runs
        while they are.
        """
        path = self.folder / mutant.path
        source, before = path.read_text(encoding="utf-8"), path.stat()
        temporary = self.folder / _TEMPORARY
        temporary.mkdir(exist_ok=True)
        self._server = server = self._server or Server(self.folder, self._package)
        after = mutant.of(source)
        forked = f"{mutant.path}:{mutant.function}" not in server.early
        forked = forked and changed(mutant.path, source, after) is not None
        left, killed_by = list(tests), None
        while left:
            path.write_text(after, encoding="utf-8")
            try:
                killed_by = (
                    server.first_failure(mutant.path, source, after, left)
                    if forked
                    else self._first_failure(left)
                )
            finally:
                path.write_text(source, encoding="utf-8")
                os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
            failed = next((test for test in left if test.name == killed_by), None)
            if failed is None or self._passes(server, failed):
                break
            left, killed_by = left[left.index(failed) + 1 :], None
        rmtree(temporary)  # forks that are ended leave what their tests have written
        return Verdict(mutant, killed_by, len(tests), mutant.diff(source))

    def close(self) -> None:
        """End the process that has the tests loaded."""
        if self._server is not None:
            self._server.close()

    def _passes(self, server: Server, test: Seen) -> bool:
        """Tell whether a test passes without a change."""
        if test.name not in self._passing:
            self._passing[test.name] = server.first_failure("", "", "", [test]) is None
        return self._passing[test.name]

    def _first_failure(self, tests: Sequence[Seen]) -> str | None:
        for part in filter(None, (tests[:_FIRST], tests[_FIRST:])):
            patience = _STARTED + 10 * sum(test.seconds for test in part)
            try:
                done = self.pytest(["-x", "--tb=no", *(test.name for test in part)], patience)
            except subprocess.TimeoutExpired:
                return LATE
            if done.returncode:
                return _failed(done.stdout) or f"pytest ended with {done.returncode}"
        return None


def _failed(out: str) -> str | None:
    """Return the name of the test that pytest says has failed."""
    lines = (x.partition(" ") for x in out.splitlines())
    found = next((rest for kind, _, rest in lines if kind in {"FAILED", "ERROR"}), None)
    return found and found.split(" - ")[0]


class Server:
    """A process that has all tests of a copy loaded, and runs some of them for every change."""

    def __init__(self, folder: Path, package: str) -> None:
        self._connection, theirs = Pipe()
        number = theirs.fileno()
        arguments = [f"{OPTION}={number}", f"{OPTION}-package={package}", "tests"]
        self._process = subprocess.Popen(
            [*_PYTEST, "-p", "tests.mutate.forks", *arguments],
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[number],
        )
        theirs.close()
        self.early: frozenset[str] = self._connection.recv()
        """Functions that have run already, each as PATH:LINE."""

    def first_failure(
        self, path: str, before: str, after: str, tests: Iterable[Seen]
    ) -> str | None:
        """Return the name of the first test that fails when a module has another text."""
        names = [(test.name, test.seconds) for test in tests]
        self._connection.send((path, before, after, names))
        failed: str | None = self._connection.recv()
        return failed

    def close(self) -> None:
        """End the process."""
        self._connection.send(None)
        self._process.wait()


_PYTEST = (sys.executable, "-m", "pytest", "-q")


def _environment(folder: Path) -> dict[str, str]:
    temporary = folder / _TEMPORARY
    words = {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}
    return {**os.environ, **words, "TMPDIR": str(temporary)}


def watch(project: Path, package: str, tests: Sequence[str], seen: Path, jobs: int) -> None:
    """Run tests once, and write which functions of the package each of them calls."""
    option = watching.OPTION
    arguments = [f"{option}={seen}", f"{option}-package={package}", *tests]
    parallel = ["-n", str(jobs)] if jobs > 1 else []
    subprocess.run(
        [*_PYTEST, "-p", "tests.mutate.seen", *parallel, *arguments],
        cwd=project,
        env=_environment(project),
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
