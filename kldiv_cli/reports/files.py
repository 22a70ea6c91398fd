"""Reports to files: which there can be, and how they are written."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from kldiv_cli import reports
from kldiv_cli.errors import OutputError, UsageError
from kldiv_cli.reports.staging import Staged, close, put, told


def check(outputs: Sequence[str], paths: Sequence[str], kind: str = "comparison") -> None:
    """Raise before the work begins where an output can be seen to be impossible.

    Raises
    ------
    UsageError
        A suffix asks for no report, a file is named twice, or an input would be overwritten or
        grow by a file.
    OutputError
        The folder is missing or not writable, or something that is no file has that name.
    """
    inputs = {_place(path) for path in paths}
    seen = dict.fromkeys(inputs, "is an input")
    for path in outputs:
        _check_suffix(path, kind)
        place = _found(path)
        if place in seen:
            raise UsageError(
                f"{path}: expected a new output, found one that {seen[place]}", "Name another file."
            )
        seen[place] = "was named before"
        try:
            _check_place(path, place)
        except OSError as error:
            raise OutputError(
                f"{path}: expected a file that can be written, found: {error.strerror}",
                "Name another file.",
            ) from error
        if place.parent in inputs:
            raise UsageError(
                f"{path}: expected an output elsewhere, found one in a directory that is an input",
                "Name a file in another folder.",
            )


def _place(path: str) -> Path | None:
    """Return where a name leads, links followed; None in a folder that was removed."""
    try:
        return Path(os.path.realpath(path))
    except OSError:
        return None


def _found(path: str) -> Path:
    place = _place(path)
    if place is None:
        raise OutputError(
            f"{path}: expected a folder to write into, found that this one was removed",
            "Change to another folder.",
        )
    return place


def _suffix(path: str) -> str:
    return Path(path).suffix.lower()


def _check_suffix(path: str, kind: str) -> None:
    suffix = _suffix(path)
    if not path:
        raise UsageError("--output: expected a name, found an empty one", "Give that of a file.")
    if reports.of_suffix(suffix, kind) is None:
        raise UsageError(
            f"{path}: expected an output named {' '.join(reports.suffixes(kind))}, found "
            + (f"suffix {suffix!r}" if suffix else "no suffix"),
            "The suffix of --output decides the format.",
        )


def _check_place(path: str, place: Path) -> None:
    if not place.parent.is_dir():
        raise OutputError(f"{path}: expected a folder to write into, found none", "Create it.")
    try:
        regular = stat.S_ISREG(place.stat().st_mode)
    except FileNotFoundError:
        regular = True
    if not regular:
        raise OutputError(f"{path}: expected a file or nothing, found another kind", "Move it.")
    if not os.access(place.parent, os.W_OK):
        raise OutputError(
            f"{path}: expected a folder to write into, found one that is read-only",
            "Name a file in another folder.",
        )


def need_rows(report: str, outputs: Sequence[str]) -> bool:
    """Tell whether a report, or what an output asks for, holds something of every row."""
    return any(row.holds == "rows" for row in _asked(report, outputs))


def have_cells(report: str, outputs: Sequence[str]) -> bool:
    """Tell whether a report, or what an output asks for, has cells that can be guarded."""
    return any(row.guarded is not None for row in _asked(report, outputs))


def _asked(report: str, outputs: Sequence[str]) -> Iterator[reports.Report]:
    names = [report, *(reports.of_suffix(_suffix(path)) for path in outputs)]
    return (reports.REPORTS[name] for name in names if name)


@contextmanager
def staged(
    result: Any, outputs: Sequence[str], kind: str = "comparison", *, csv_safe: bool = False
) -> Iterator[None]:
    """Write every output out of sight; put all in their places when the body has done its part.

    With ``csv_safe`` no cell of CSV and TSV is what a spreadsheet takes for a formula.

    Raises
    ------
    OutputError
        The disk is full, a limit is reached, or a permission is missing.
    """
    parts = [Staged(path, _found(path)) for path in outputs]
    try:
        for part in parts:
            name = reports.of_suffix(_suffix(part.path), kind) or ""
            writer = reports.load(name, kind, csv_safe=csv_safe)
            with told(part, parts):
                part.write(partial(writer, result), reports.REPORTS[name].kind)
        yield
        put(parts)
    finally:
        close(parts)
