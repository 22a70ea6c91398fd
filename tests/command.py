"""The command line, run in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

ROOT = Path(__file__).parent.parent
COLOURS = (
    *("FORCE_COLOR", "NO_COLOR", "PY_COLORS", "GITHUB_ACTIONS", "CLICOLOR_FORCE"),
    *("TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS", "LINES", "TERMINAL_WIDTH"),
)
"""What an environment may say about terminals."""


class Result(NamedTuple):
    code: int
    out: str
    err: str


Kldiv = Callable[..., Result]
Feed = Callable[[bytes], None]


class Golden(Protocol):
    """Compares a text with the golden file of the test, which it is named after."""

    def __call__(self, text: str, suffix: str = "txt") -> None: ...
