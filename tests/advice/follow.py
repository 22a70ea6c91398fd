"""Follow the advice of an error literally: what is typed next, and how that ends."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isclose

from kldiv_cli.tasks.options import LINES
from tests.command import Kldiv, Result

OPTION = re.compile(r"(?<![\w-])-(?:-[a-z][a-z-]*|[a-z]\b)")
_TAKEN_OUT = re.compile(r"\b(?:[Ll]eave|[Ww]ithout)\b")
_ROWS = [row for line in LINES.values() for row in line.line().values()]
OPTIONS = {flag for row in _ROWS for flags in row.flags for flag in flags.split("/")}
FLAGS = {
    flag for row in _ROWS if row.typed is bool for flags in row.flags for flag in flags.split("/")
}
"""The options that take no value."""
_ERROR = "kldiv: error: "


@dataclass(frozen=True)
class Case:
    """A command that is wrong, and where its advice leads.

    Parameters
    ----------
    command : str
        What is typed after ``kldiv``.
    what : str
        How the error begins, after ``kldiv: error:``.
    ends : mapping of str to str or float or None
        For each piece of advice, as it is printed, how following it ends: the mean of the reference
        measure, None for a command that prints no mean and succeeds, or how the next error begins.
        A piece with "Leave" takes its options out of the command.
    typed : mapping of str to str
        What is typed for a piece that has a placeholder, such as ``--id COLUMN``.
    """

    command: str
    what: str
    ends: Mapping[str, str | float | None]
    typed: Mapping[str, str] = field(default_factory=dict)

    def first(self, kldiv: Kldiv) -> Result:
        """Run the command itself."""
        return kldiv(*shlex.split(self.command))

    def follow(self, kldiv: Kldiv) -> None:
        """Run the command and everything that its advice says."""
        words = shlex.split(self.command)
        first = self.first(kldiv)
        assert first.code == 2, first
        assert first.out == ""
        line, advice = first.err.rstrip("\n").splitlines()
        assert line.startswith(f"{_ERROR}{self.what}"), line
        named = OPTIONS.intersection(OPTION.findall(advice))
        followed = {option for piece in self.ends for option in OPTION.findall(piece)}
        assert named <= followed, f"nobody follows {sorted(named - followed)} of: {advice}"
        assert all(piece in advice for piece in self.ends), advice
        for piece, end in self.ends.items():
            report = ["--format", "json"] if isinstance(end, float) else []
            _check(kldiv(*self._next(words, piece), *report), end, line)

    def _next(self, words: list[str], piece: str) -> list[str]:
        """Return the command that a piece of advice makes."""
        for part in self.typed.get(piece, piece).split("; "):
            words = _without(words, set(OPTION.findall(part)))
            if not _TAKEN_OUT.search(part):
                words = [*words, *shlex.split(part)]
        return words


def _without(words: list[str], options: set[str]) -> list[str]:
    """Take options out of a command, each with its value."""
    kept: list[str] = []
    rest = iter(words)
    for word in rest:
        if word not in options:
            kept.append(word)
        elif word not in FLAGS:
            next(rest)
    return kept


def _check(found: Result, end: str | float | None, before: str) -> None:
    """Check how a command ends; an error has to be another one than before."""
    assert "Traceback" not in found.err
    if isinstance(end, str):
        assert found.code == 2, found
        line = found.err.splitlines()[0]
        assert line.startswith(f"{_ERROR}{end}"), line
        assert line != before
        return
    assert found.code in (0, 1), found
    if end is not None:
        (first, *_) = json.loads(found.out)["measures"].values()
        assert isclose(first["mean"], end, rel_tol=1e-6), first
