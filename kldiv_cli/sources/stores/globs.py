"""Globs of local files, which tell what they could not look into.

Python's own passes such folders over without a word, and its ``**`` follows links that lead back to
a folder: two such links make more names than can be listed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from fnmatch import translate
from glob import has_magic
from pathlib import Path
from typing import NamedTuple


def matches(path: str, unread: list[str], back: list[str]) -> Iterator[str]:
    """Yield the names that a glob matches, some of them twice.

    Parameters
    ----------
    path : str
        The glob; ``**`` stands for any number of folders, links that lead back are not followed.
    unread : list of str
        Takes the folders that cannot be looked into, and the links that lead to themselves.
    back : list of str
        Takes the links that lead to a folder above them.
    """
    return _Glob(unread, back).below("", Path(path).parts)


class _Entry(NamedTuple):
    name: str
    path: str
    is_folder: bool | None
    """None of a link that leads to itself."""


class _Glob:
    """One search, and what it did not look into."""

    def __init__(self, unread: list[str], back: list[str]) -> None:
        self._unread, self._back = unread, back

    def below(self, folder: str, parts: tuple[str, ...]) -> Iterator[str]:
        """Yield what lies below a folder and matches the parts of a glob."""
        if not parts:
            yield folder
            return
        part, *rest = parts
        if part == "**":
            for inside in self._inside(folder, (os.path.realpath(folder or os.curdir),)):
                yield from self.below(inside, tuple(rest) or ("*",))
        elif has_magic(part):
            is_wanted = re.compile(translate(os.path.normcase(part))).match
            for entry in self._entries(folder):
                hidden = entry.name.startswith(".") and not part.startswith(".")
                if hidden or not is_wanted(os.path.normcase(entry.name)):
                    continue
                if entry.is_folder is None:
                    _note(self._unread, entry.path)
                elif entry.is_folder or not rest:
                    yield from self.below(entry.path, tuple(rest))
        else:
            name = os.path.join(folder, part)  # noqa: PTH118 - of a name that may be a root
            if self._is_there(name, folder):
                yield from self.below(name, tuple(rest))

    def _inside(self, folder: str, above: tuple[str, ...]) -> Iterator[str]:
        """Yield a folder and all folders in it, given the real paths of itself and those above."""
        yield folder
        for entry in self._entries(folder):
            if entry.name.startswith("."):
                continue
            if entry.is_folder is None:
                _note(self._unread, entry.path)
            elif entry.is_folder:
                real = os.path.realpath(entry.path)
                if real in above:
                    _note(self._back, entry.path)
                else:
                    yield from self._inside(entry.path, (*above, real))

    def _entries(self, folder: str) -> list[_Entry]:
        """Return what a folder holds."""
        try:
            with os.scandir(folder or os.curdir) as entries:
                return [
                    _Entry(entry.name, os.path.join(folder, entry.name), _is_folder(entry))  # noqa: PTH118
                    for entry in entries
                ]
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError:
            _note(self._unread, folder)
        return []

    def _is_there(self, name: str, folder: str) -> bool:
        try:
            os.lstat(name)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:
            _note(self._unread, folder)
            return False
        return True


def _note(names: list[str], name: str) -> None:
    if name not in names:
        names.append(name)


def _is_folder(entry: os.DirEntry[str]) -> bool | None:
    try:
        return entry.is_dir()
    except OSError:
        return None
