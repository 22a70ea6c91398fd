"""Which files are one input: those of a directory, or those that a glob matches."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from glob import has_magic
from itertools import takewhile
from pathlib import Path

from kldiv_cli.errors import InputError, a_few
from kldiv_cli.sources.stores.pipes import is_pipe
from kldiv_cli.sources.stores.uris import Entry, is_elsewhere, path_of

_SUFFIXES = re.compile(r"(?<=[^/])(?:\.[A-Za-z]\w*)?(?:\.(?:gz|bz2|zst|lz4|xz))?$", re.ASCII)
"""What a file is, and how it is compressed; a number such as ``.3`` is part of the name."""


@dataclass(frozen=True)
class Files:
    """The files of one input, in natural order.

    Parameters
    ----------
    path : str
        The directory or the glob, as the user wrote it.
    names : tuple of str
        The files.
    passed_over : tuple of str
        What a directory holds besides, hidden by a first ``.`` or ``_``; the links that a glob
        meets and that lead to a folder above them.
    is_directory : bool
        Whether they are those of a directory.
    unread : tuple of str
        The folders, or links that lead to themselves, that a glob meets and cannot look into.
    """

    path: str
    names: tuple[str, ...]
    passed_over: tuple[str, ...] = ()
    is_directory: bool = False
    unread: tuple[str, ...] = ()

    @property
    def relative(self) -> tuple[str, ...]:
        """The files' names below the directory, or below what precedes the glob."""
        root = Path(path_of(self.path)).parts
        if not self.is_directory:
            root = tuple(takewhile(lambda part: not has_magic(part), root))
        names = (Path(path_of(name)).parts[len(root) :] for name in self.names)
        return tuple("/".join(parts) for parts in names)

    def ordered(self, order: Sequence[int]) -> Files:
        """Return the same files in another order."""
        return replace(self, names=tuple(self.names[number] for number in order))

    @property
    def advice(self) -> str:
        """What to do about a file that does not belong to the others."""
        suffixes = Counter(Path(path_of(name)).suffix for name in self.names)
        folder, suffix = _folder(self.names[0]), suffixes.most_common(1)[0][0]
        if self.path == f"{folder}*{suffix}":
            return f"Name fewer of them by a longer glob, as in '{folder}NAME*{suffix}'."
        return _by_glob(folder, suffix)


def find_files(path: str) -> Files | None:
    """Return the files that a directory or a glob stands for; None for the name of one file.

    A name with ``*``, ``?`` or ``[`` is a glob unless a file has that very name. ``**`` stands for
    any number of folders; links that lead back are not followed. Numbers in names are ordered as
    numbers: logits-2 stands before logits-10.

    Raises
    ------
    InputError
        There are no files, a folder among them, or one of them under two names.
    """
    unread: list[str] = []
    back: list[str] = []
    if is_elsewhere(path):
        listed = _listed_elsewhere(path)
    elif Path(path).is_dir():
        inside = (Path(path) / entry.name for entry in os.scandir(path))
        listed = [Entry(str(name), name.name, name.is_dir()) for name in inside], True
    elif has_magic(path) and not os.path.lexists(path):
        from kldiv_cli.sources.stores.globs import matches  # noqa: PLC0415 - few inputs are globs

        names = map(Path, dict.fromkeys(matches(path, unread, back)))
        listed = [Entry(str(name), name.name, name.is_dir()) for name in names], False
    else:
        listed = None
    if listed is not None and not listed[0] and unread:
        raise InputError(
            f"{path}: expected files of logits, found {a_few(unread)}, which cannot be read",
            "Check the path and its permissions.",
        )
    if listed is None:
        return None
    files = _files(path, *listed)
    return replace(files, passed_over=(*files.passed_over, *back), unread=tuple(unread))


def _listed_elsewhere(path: str) -> tuple[list[Entry], bool] | None:
    if is_pipe(path):
        return None
    # PyArrow's file systems take longer to load than a small file to compare.
    from kldiv_cli.sources.stores.remote import entries  # noqa: PLC0415

    return entries(path)


def _files(path: str, entries: list[Entry], is_directory: bool) -> Files:
    """Choose among what a directory holds, or a glob matches."""
    hidden = [x for x in entries if is_directory and x.name.startswith((".", "_"))]
    passed_over = sorted(entry.name for entry in hidden)
    found = sorted((x for x in entries if x not in hidden), key=lambda x: natural(x.place))
    if not found:
        nothing = "nothing there, and none that it matches as a glob"
        if is_directory:
            nothing = "a directory without any" + (f" but {a_few(passed_over)}" if hidden else "")
        raise InputError(f"{path}: expected files of logits, found {nothing}", "Check the path.")
    folder = next((entry.place for entry in found if entry.is_folder), None)
    if folder is not None:
        raise InputError(
            f"{path}: expected files of logits, found the directory {folder} among them",
            _by_glob(f"{_folder(folder)}**/", ".npy"),
        )
    names = tuple(entry.place for entry in found)
    _check_once(path, names)
    return Files(path, names, tuple(passed_over), is_directory)


def _check_once(path: str, names: tuple[str, ...]) -> None:
    """Raise where two names lead to one file, whose rows would count twice."""
    if is_elsewhere(path) and not path.startswith("file:"):
        return
    seen: dict[str, str] = {}
    for name in names:
        place = os.path.realpath(path_of(name))
        if place in seen:
            raise InputError(
                f"{path}: expected every file once, found {seen[place]} and {name}, which are the "
                "same one",
                "Remove the link, or name the files that belong together by a quoted glob.",
            )
        seen[place] = name


def stem_of(name: str) -> str:
    """Return a name without its suffixes, as in ``layer.3`` for ``layer.3.csv.gz``."""
    return _SUFFIXES.sub("", name) or name


def _folder(name: str) -> str:
    """Return the folder of a name, with the slash behind it."""
    return "".join(name.rpartition("/")[:2])


def _by_glob(folder: str, suffix: str) -> str:
    return f"Name the files that belong together by a quoted glob, as in '{folder}*{suffix}'."


def natural(path: str) -> tuple[object, str]:
    """Order names by their numbers where they have any."""
    parts = (re.findall(r"(\D*)(\d*)", part, re.ASCII) for part in Path(path).parts)
    return [[(text, int(digits or -1)) for text, digits in part] for part in parts], path
