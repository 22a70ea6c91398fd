"""What ``--classes`` says -> the classes that are wanted."""

from __future__ import annotations

import os
import stat
from collections import Counter
from io import TextIOWrapper
from pathlib import Path

from kldiv_cli.errors import InputError, UsageError, a_few
from kldiv_cli.pairing.classes import ADVICE, Some, Wanted
from kldiv_cli.sources.base import Expected, Layout
from kldiv_cli.sources.labels.classes import read_labels
from kldiv_cli.sources.labels.side_input import SideInput, keyed
from kldiv_cli.sources.stores.pipes import is_named_pipe, open_pipe
from kldiv_cli.sources.views.choice import check_slice, is_slice, parse_slice

CLASSES = SideInput(
    "--classes", "classes", Expected("classes", "integers or text", "an array", "U"), ADVICE
)
_MOST = 1 << 26


def read_classes(wanted: Wanted) -> Some:
    """Read which classes are wanted.

    Raises
    ------
    InputError
        The file cannot be read, or names no class, or one twice.
    UsageError
        It is no slice and no file.
    """
    if isinstance(wanted, slice):
        check_slice(wanted, "--classes")
        return Some("--classes", wanted)
    if isinstance(wanted, str) and is_slice(wanted):
        return read_classes(parse_slice(wanted, "--classes"))
    if isinstance(wanted, (str, os.PathLike)):
        CLASSES.refuse_stdin(wanted)
        where = os.fspath(wanted)
        words = _words(where)
    else:
        where, words = "classes", tuple(str(name) for name in wanted)
    twice = [name for name, count in Counter(words).items() if count > 1]
    if not words or twice:
        found = f"{a_few(twice)} more than once" if twice else "none"
        raise InputError(f"{where}: expected every class once, found {found}", ADVICE)
    return Some(where, words=words)


def _words(where: str) -> tuple[str, ...]:
    """Read the classes of a file: indices in .npy, lines of text, or `FILE:KEY`."""
    if keyed(where) is not None:
        from kldiv_cli.sources.labels.groups import text_of  # noqa: PLC0415 - PyArrow is slow to load

        return tuple(word for word in text_of(where, CLASSES).ravel() if word is not None)
    wrong = _no_file(where)
    if wrong is not None:
        raise UsageError(f"--classes: expected A:B or a file, found {where!r}, {wrong}", ADVICE)
    return _indices(where) if where.lower().endswith(".npy") else _lines(where)


def _no_file(where: str) -> str | None:
    """Return why a name is not that of a file or a pipe; None where it is."""
    try:
        mode = Path(where).stat().st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return "which is neither: there is no such file"
    except OSError as error:
        return f"which is neither: {error.strerror}"
    return None if stat.S_ISREG(mode) or stat.S_ISFIFO(mode) else "which is no file"


def _indices(path: str) -> tuple[str, ...]:
    try:
        return tuple(map(str, read_labels(Path(path), None, Layout()).values))
    except InputError as error:
        raise InputError(error.what, ADVICE) from error


def _lines(path: str) -> tuple[str, ...]:
    try:
        if is_named_pipe(path):
            text = TextIOWrapper(open_pipe(path).open(), encoding="utf-8-sig").read(_MOST)
        else:
            with Path(path).open(encoding="utf-8-sig") as file:
                text = file.read(_MOST)
    except (OSError, UnicodeDecodeError) as error:
        said = getattr(error, "strerror", None) or "what is no UTF-8 text"
        raise InputError(f"{path}: expected a class per line, found: {said}", ADVICE) from error
    if len(text) == _MOST:
        raise InputError(f"{path}: expected a class per line, found more than 64 MB", ADVICE)
    return tuple(line for line in text.split("\n") if line)
