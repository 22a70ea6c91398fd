"""Columns in words: their first values, and the patterns that name them."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from glob import has_magic

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.errors import typed
from kldiv_cli.tasks.opening.questions.columns.families import numbered

_SHOWN = 3
_LISTED = 12
"""So many names at most are written out."""


def first_values(cells: NDArray[np.float64]) -> str:
    """Write the first values of a column."""
    shown = ", ".join(f"{cell:.9g}" for cell in cells[:_SHOWN].tolist())
    return shown if len(cells) <= _SHOWN else f"{shown}, ..."


def pattern_of(wanted: Sequence[str], names: Sequence[str]) -> str | None:
    """Return what names some of the columns and no other one, as a shell takes it.

    It is a glob, or a range, or the names themselves where they are few.
    """
    if len(wanted) > 1:
        for glob in _globs(wanted):
            if [name for name in names if fnmatchcase(name, glob)] == list(wanted):
                return typed(glob)
        first = names.index(wanted[0])
        if list(names[first : first + len(wanted)]) == list(wanted):
            return typed(f"{wanted[0]}..{wanted[-1]}")
    return typed(*wanted) if len(wanted) <= _LISTED else None


def _beginning(names: Sequence[str]) -> str:
    """Return what all names begin with."""
    first, last = min(names), max(names)
    pairs = enumerate(zip(first, last, strict=False))
    end = next((i for i, (a, b) in pairs if a != b), min(len(first), len(last)))
    return first[:end]


def _globs(names: Sequence[str]) -> list[str]:
    """Return globs that match these names and maybe others."""
    before, behind = _beginning(names), _beginning([name[::-1] for name in names])[::-1]
    family = numbered(tuple(names))
    if family is not None:
        before = before.rstrip("0123456789")
        behind = behind.lstrip("0123456789")
    found = [f"{before}*", f"*{behind}", f"{before}*{behind}", f"{before}[0-9]*{behind}"]
    return [glob for glob in found if glob != "*" and not has_magic(before + behind)]
