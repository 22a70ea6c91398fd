"""Reports to files: written beside their place and renamed, so that no half file is ever seen."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kldiv_cli import reports
from kldiv_cli.errors import OutputError, UsageError


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
        place = _place(path)
        _check_suffix(path, kind)
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


def _place(path: str) -> Path:
    """Return where a name leads, links followed."""
    return Path(os.path.realpath(path))


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
    names = [report, *(reports.of_suffix(_suffix(path)) or "" for path in outputs)]
    return any(reports.REPORTS[name].holds == "rows" for name in names)


@contextmanager
def staged(result: Any, outputs: Sequence[str], kind: str = "comparison") -> Iterator[None]:
    """Write every output beside its place; put them there when the body has done its part.

    Raises
    ------
    OutputError
        The disk is full, a limit is reached, or a permission is missing.
    """
    parts: list[tuple[Path, Path]] = []
    try:
        for path in outputs:
            place = _place(path)
            temporary = place.parent / f".kldiv-{os.urandom(8).hex()}"
            parts.append((temporary, place))
            with _writing(path):
                _write_one(result, temporary, reports.of_suffix(_suffix(path), kind) or "", kind)
                if place.exists():
                    temporary.chmod(place.stat().st_mode & 0o777)
        yield
        for path, (temporary, place) in zip(outputs, parts, strict=True):
            with _writing(path):
                temporary.replace(place)
    finally:
        for temporary, _ in parts:
            temporary.unlink(missing_ok=True)


@contextmanager
def _writing(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{path}: expected to write it, found: {error.strerror or error}",
            "Make room or name another file; no half file was left behind.",
        ) from error


def _write_one(result: Any, path: Path, name: str, kind: str) -> None:
    writer = reports.load(name, kind)
    if reports.REPORTS[name].kind == "bytes":
        with path.open("xb") as stream:
            writer(result, stream)
    else:
        with path.open("x", encoding="utf-8", newline="") as text:
            writer(result, text)
