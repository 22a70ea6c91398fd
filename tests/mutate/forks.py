"""A plugin of pytest: runs tests on one change after another, each in a fork of one process.

With ``--mutate-serve NUMBER`` the tests are collected once, and nothing is run but what is asked
for through the connection of that file number. A change is put into the functions that exist, in a
process of its own. Those that ran while modules and tests were loaded are told: a change of them
would come too late.
"""

from __future__ import annotations

import gc
import os
import resource
import signal
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any, NamedTuple

import pytest
from hypothesis import Phase, settings

from tests.mutate.mutants import changed

OPTION = "--mutate-serve"
LATE = "time"
"""What became of a mutant for which a test did not end."""
_MEMORY = 12 << 30
_LATE = {signal.SIGPROF, signal.SIGALRM}


class Request(NamedTuple):
    """Tests to be run on a module that has another text; each with the seconds that it takes."""

    path: str
    before: str
    after: str
    tests: Sequence[tuple[str, float]]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    parser.addoption(OPTION, type=int, metavar="NUMBER")
    parser.addoption(f"{OPTION}-package", metavar="FOLDER")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Watch what is called while the tests are loaded, and let Hypothesis not look for more."""
    told = vars(early_config.known_args_namespace)
    name = OPTION[2:].replace("-", "_")
    if told[name] is not None:
        phases = Phase.explicit, Phase.reuse, Phase.generate
        settings.register_profile("mutate", phases=phases, deadline=None)
        settings.load_profile("mutate")
        server = _Server(told[name], Path(told[f"{name}_package"]).resolve())
        early_config.pluginmanager.register(server)


class _Server:
    def __init__(self, number: int, package: Path) -> None:
        self._number, self._package = number, package
        self._early: set[CodeType] = set()
        sys.setprofile(self._see)

    def _see(self, frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            self._early.add(frame.f_code)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Answer requests until there are no more."""
        sys.setprofile(None)
        items = {item.nodeid: item for item in session.items}
        functions = self._functions()
        early = {f"{self._path(code)}:{code.co_firstlineno}" for code in self._early}
        gc.freeze()
        with Connection(self._number) as connection:
            connection.send(early)
            while request := connection.recv():
                connection.send(_in_fork(Request(*request), items, functions))
        return True

    def _functions(self) -> Mapping[tuple[str, str, int], list[FunctionType]]:
        """Return the package's functions by path, name and line."""
        found = defaultdict(list)
        for function in gc.get_objects():
            if isinstance(function, FunctionType):
                code = function.__code__
                found[self._path(code), code.co_qualname, code.co_firstlineno].append(function)
        return found

    def _path(self, code: CodeType) -> str:
        path = Path(code.co_filename)
        inside = path.is_relative_to(self._package)
        return str(path.relative_to(self._package.parent)) if inside else str(path)


def _in_fork(
    request: Request,
    items: Mapping[str, pytest.Item],
    functions: Mapping[tuple[str, str, int], list[FunctionType]],
) -> str | None:
    """Return what the first test that fails is called, in a process that is ended then."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.setsid()
            os.close(read)
            _, most = resource.getrlimit(resource.RLIMIT_AS)
            resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, most))
            _change(request, functions)
            failed = _first_failure(request, items)
            os.write(write, b"passed" if failed is None else f"failed {failed}".encode())
        finally:
            os._exit(0)
    os.close(write)
    _, status = os.waitpid(child, 0)
    _end(child)
    with os.fdopen(read, "rb") as pipe:
        os.set_blocking(read, False)
        verdict, _, failed = (pipe.read() or b"").decode().partition(" ")
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) in _LATE:
        return LATE
    if verdict == "passed":
        return None
    return failed or f"pytest ended with status {status}"


def _end(group: int) -> None:
    """End what tests have started and left."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


def _change(request: Request, functions: Mapping[tuple[str, str, int], list[FunctionType]]) -> None:
    for old, new in changed(request.path, request.before, request.after) or ():
        for function in functions.get((request.path, old.co_qualname, old.co_firstlineno), ()):
            function.__code__ = new


def _first_failure(request: Request, items: Mapping[str, pytest.Item]) -> str | None:
    """Run tests up to the first that fails; one that does not end is ended by a signal."""
    tests = [(items[name], seconds) for name, seconds in request.tests if name in items]
    reports = _Reports()
    following = [*(item for item, _ in tests[1:]), None]
    for (item, seconds), after in zip(tests, following, strict=True):
        item.config.pluginmanager.register(reports, "mutate-reports")
        signal.setitimer(signal.ITIMER_PROF, 10 + 10 * seconds)
        signal.setitimer(signal.ITIMER_REAL, 60 + 60 * seconds)
        try:
            item.ihook.pytest_runtest_protocol(item=item, nextitem=after)
        except BaseException as error:  # noqa: BLE001 - as KeyboardInterrupt is, a test fails
            return f"{item.nodeid} ended by {type(error).__name__}"
        item.config.pluginmanager.unregister(reports)
        if reports.failed:
            return item.nodeid
    return None


class _Reports:
    failed = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a failure."""
        self.failed = self.failed or report.failed
