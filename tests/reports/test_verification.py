"""What `verify` prints, on terminals of any width."""

from __future__ import annotations

import pytest

from kldiv_cli.reports.verification import write_table
from kldiv_cli.tasks.identities import self_test
from tests.reports import Terminal

SELF_TEST = self_test()


@pytest.mark.parametrize("columns", [50, 80, 200])
def test_every_width(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    stream = Terminal()
    write_table(SELF_TEST, stream)
    lines = stream.getvalue().splitlines()
    assert max(map(len, lines)) <= columns
    at = lines.index(next(line for line in lines if line.startswith("KL = ")))
    numbers = f"{SELF_TEST.findings[0].residual:.1e}"
    assert numbers in lines[at if columns >= 80 else at + 1]
    assert sum(line.endswith("  ok") for line in lines) == len(SELF_TEST.findings)
