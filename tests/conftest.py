from __future__ import annotations

import io
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kldiv_cli.cli import run
from tests.command import COLOURS, ROOT, Feed, Golden, Kldiv, Result

UPDATE = "--update-golden"
TESTS = Path(__file__).parent
FILES = TESTS / "golden"
WANTED = pytest.StashKey[dict[str, set[str]]]()
"""By the folder of a module's golden files, the names of those that its tests ask for."""


def pytest_configure() -> None:
    """Let interrupts through to the commands of tests: a shell's background job ignores them."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(UPDATE, action="store_true", help="write what the tests found to tests/golden")


@pytest.hookimpl(tryfirst=True)  # before any item is left out
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Note which golden files there should be of every module that was collected as a whole."""
    found: dict[str, set[str]] = {}
    for item in items:
        folder, name = golden_of(item)
        names = found.setdefault(folder, set())
        if "golden" in getattr(item, "fixturenames", ()):
            if name in names:
                raise pytest.UsageError(f"{item.nodeid}: another test has the golden file {name}")
            names.add(name)
    config.stash[WANTED] = {} if any("::" in word for word in config.args) else found


def golden_of(item: pytest.Item) -> tuple[str, str]:
    """Return the folder of a test's golden file below tests/golden, and its name without suffix."""
    module = item.path.relative_to(TESTS)
    words = item.nodeid.split("::", 1)[-1]
    name = re.sub(r"[^\w+-]+", "-", re.sub(r"(^|::)([Tt]est_?)", r"\1", words)).strip("-")
    return str(module.parent / module.stem.removeprefix("test_")), name.lower()


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Iterator[Golden]:
    """Compare a text with the golden file of this test, tests/golden/FOLDER/MODULE/TEST.SUFFIX.

    ``pytest --update-golden`` writes what was found there instead: read the diff, and commit it.
    """
    folder, name = golden_of(request.node)
    before = set((FILES / folder).glob(f"{name}.*"))
    asked: set[Path] = set()

    def compare(text: str, suffix: str = "txt") -> None:
        path = FILES / folder / f"{name}.{suffix}"
        asked.add(path)
        if request.config.getoption(UPDATE):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode("utf-8", "surrogateescape"))
        assert path.exists(), f"no golden file: write it with pytest {UPDATE}, and read it"
        assert text == path.read_bytes().decode("utf-8", "surrogateescape")

    yield compare
    assert asked, "the test asks for no golden text"
    if request.config.getoption(UPDATE):
        for path in before - asked:
            path.unlink()
    else:
        assert not before - asked, "golden files that the test does not ask for"


@pytest.fixture
def kldiv(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Kldiv:
    """Run the command line in this process, in the project's folder."""

    def call(*words: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["kldiv", *map(str, words)])
        return Result(run(), *capsys.readouterr())

    monkeypatch.chdir(ROOT)
    for variable in COLOURS:
        monkeypatch.delenv(variable, raising=False)
    return call


@pytest.fixture
def feed(monkeypatch: pytest.MonkeyPatch) -> Feed:
    """Put bytes on standard input."""

    def put(content: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    return put
