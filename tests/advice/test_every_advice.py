"""Every place of the code whose advice names an option is reached by a case that follows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.advice import test_arrays, test_options, test_tables
from tests.advice.sites import Reached, sites
from tests.command import Kldiv

NOT_REACHED = {
    "sources/tables/words.py": "text of more than 256 MB: tests/sources/test_long_text.py",
    "pairing/members.py": "arrays of several files in an order that no folder has",
}
"""The files with one such place that no command reaches, and why."""
CASES = [*test_arrays.CASES, *test_options.CASES, *test_tables.CASES]


def test_every_advice_is_followed(
    kldiv: Kldiv, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(files)
    reached = Reached(monkeypatch)
    for case in CASES:
        case.first(kldiv)
    missed = sorted(site for site in sites() if site not in reached)
    assert [site.file for site in missed] == sorted(NOT_REACHED), "\n".join(map(str, missed))
