"""A plugin of pytest: which functions of the package each test calls, and how long it takes.

With ``--mutate-seen FILE`` a line of JSON is written for every test that passes: its id, its
seconds, and the functions, each as PATH:LINE of where it begins. What runs in processes that a test
starts is not seen.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from types import CodeType, FrameType
from typing import Any

import pytest

OPTION = "--mutate-seen"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    parser.addoption(OPTION, metavar="FILE")
    parser.addoption(f"{OPTION}-package", metavar="FOLDER")


def pytest_configure(config: pytest.Config) -> None:
    """Watch the tests of every process that runs some."""
    path = config.getoption(OPTION)
    if path is not None:
        process = getattr(config, "workerinput", {}).get("workerid", "")
        package = Path(config.getoption(f"{OPTION}-package")).resolve()
        config.pluginmanager.register(_Watcher(Path(f"{path}{process}"), package))


class _Watcher:
    def __init__(self, path: Path, package: Path) -> None:
        self._path, self._package = path, package
        self._codes: set[CodeType] = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Run a test with all that belongs to it, and write what it called."""
        self._codes = codes = set()

        def see(frame: FrameType, event: str, _: Any) -> None:
            if event == "call":
                codes.add(frame.f_code)

        start = perf_counter()
        sys.setprofile(see)
        threading.setprofile(see)
        try:
            result = yield
        finally:
            sys.setprofile(None)
            threading.setprofile(None)
        self._write(item.nodeid, perf_counter() - start)
        return result

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Forget a test that fails or is skipped: it can tell nothing of a change."""
        if not report.passed:
            self._codes.clear()

    def _write(self, name: str, seconds: float) -> None:
        functions = set()
        for code in self._codes:
            if code.co_filename.startswith(f"{self._package}/") and code.co_name != "<module>":
                where = Path(code.co_filename).relative_to(self._package.parent)
                functions.add(f"{where}:{code.co_firstlineno}")
        if functions:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps([name, round(seconds, 4), sorted(functions)]) + "\n")
