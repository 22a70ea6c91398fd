from __future__ import annotations

import signal
import sys
from collections.abc import Iterator

import pytest

from kldiv_cli.cli import run
from tests.command import COLOURS, ROOT, Kldiv, Result


@pytest.fixture
def kldiv(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Kldiv]:
    """Run the command line in this process, in the project's folder."""

    def call(*words: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["kldiv", *map(str, words)])
        return Result(run(), *capsys.readouterr())

    monkeypatch.chdir(ROOT)
    for variable in COLOURS:
        monkeypatch.delenv(variable, raising=False)
    handler = signal.getsignal(signal.SIGTERM)
    yield call
    signal.signal(signal.SIGTERM, handler)
