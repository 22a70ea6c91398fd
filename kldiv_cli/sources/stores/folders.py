"""Which files are one input: those of a directory, or those that a glob matches."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from glob import escape, glob, has_magic
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
        What a directory holds besides, hidden by a first ``.`` or ``_``.
    is_directory : bool
        Whether they are those of a directory.
    """

    path: str
    names: tuple[str, ...]
    passed_over: tuple[str, ...] = ()
    is_directory: bool = False

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
    if is_elsewhere(path):
        listed = _listed_elsewhere(path)
    elif Path(path).is_dir():
        inside = (Path(path) / entry.name for entry in os.scandir(path))
        listed = [Entry(str(name), name.name, name.is_dir()) for name in inside], True
    elif has_magic(path) and not os.path.lexists(path):
        names = map(Path, dict.fromkeys(_matches(path)))
        listed = [Entry(str(name), name.name, name.is_dir()) for name in names], False
    else:
        listed = None
    return None if listed is None else _files(path, *listed)


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


def _matches(path: str) -> Iterator[str]:
    """Yield the names that a glob matches.

    Python's own ``**`` follows links that lead back to a folder: two such links make more names
    than can be listed. This one does not follow them.
    """
    parts = Path(path).parts
    # Path.glob takes no absolute pattern.
    if "**" not in parts:
        yield from glob(path)  # noqa: PTH207
        return
    place = parts.index("**")
    rest = parts[place + 1 :] or ("*",)
    starts = glob(str(Path(*parts[:place])))  # noqa: PTH207
    for start in filter(os.path.isdir, starts):
        for folder in _inside(start, (os.path.realpath(start),)):
            yield from _matches(str(Path(escape(folder), *rest)))


def _inside(folder: str, above: tuple[str, ...]) -> Iterator[str]:
    """Yield a folder and all folders in it, given the real paths of itself and those above it."""
    yield folder
    with os.scandir(folder) as entries:
        inside = [x.path for x in entries if x.is_dir() and not x.name.startswith(".")]
    for name in inside:
        real = os.path.realpath(name)
        if real not in above:
            yield from _inside(name, (*above, real))


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
