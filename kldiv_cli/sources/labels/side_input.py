"""The one reader of what is given beside the two sides: labels, masks, groups, class names.

Each of them is an array, a file, or ``FILE:KEY``, which names an array in a file of several or a
column of a table.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from numpy.typing import ArrayLike

from kldiv_cli.errors import InputError, LogitsError
from kldiv_cli.sources.arrays.array import ArraySource, as_array
from kldiv_cli.sources.base import Expected, Layout, Source
from kldiv_cli.sources.formats.opening import open_source
from kldiv_cli.sources.stores.stdin import STDIN, no_side

Given = str | os.PathLike[str] | ArrayLike


class Keyed(NamedTuple):
    """A file, and the name of an array or a column in it."""

    file: str
    key: str


@dataclass(frozen=True)
class SideInput:
    """What one option takes, in the words of its errors.

    Parameters
    ----------
    option : str
        The option: "--mask".
    name : str
        What an array is called that has no file: "mask".
    expected : Expected
        What it should hold.
    advice : str
        What to do where a file holds something else.
    arranged : callable or None
        What puts the files of a folder in the order that is wanted; None for their own.
    """

    option: str
    name: str
    expected: Expected
    advice: str
    arranged: Callable[[Source], Source] | None = None

    def open(self, given: Given, layout: Layout | None = None) -> Source:
        """Open what was given.

        Parameters
        ----------
        given : path or array_like
            A file, `FILE:KEY`, or an array.
        layout : Layout or None
            How its rows lie. `FILE:KEY` overrules the layout's key and columns.

        Raises
        ------
        InputError
            It cannot be read, or holds something else.
        UsageError
            It is standard input.
        """
        layout = replace(Layout() if layout is None else layout, expected=self.expected)
        with self.reading():
            if not isinstance(given, (str, os.PathLike)):
                return ArraySource(as_array(given, self.name), layout, self.name)
            self.refuse_stdin(given)
            found = keyed(given)
            source = open_source(given, layout) if found is None else _open_keyed(found, layout)
            return source if self.arranged is None else self.arranged(source)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Replace advice about logits by this input's own."""
        try:
            yield
        except LogitsError as error:
            raise InputError(error.what, self.advice) from error

    def refuse_stdin(self, given: object) -> None:
        """Raise a `UsageError` for standard input, which one of the two sides may read."""
        if isinstance(given, (str, os.PathLike)) and os.fspath(given) == STDIN:
            raise no_side(self.option)


def keyed(given: object) -> Keyed | None:
    """Return the file and the key of `FILE:KEY`; None for anything else.

    A file of that whole name comes first. The key may hold colons.
    """
    if not isinstance(given, (str, os.PathLike)):
        return None
    text = os.fspath(given)
    if exists(text):
        return None
    ends = [place for place, letter in enumerate(text) if letter == ":" and text[place + 1 :]]
    every = (Keyed(text[:end], text[end + 1 :]) for end in reversed(ends))
    return next((found for found in every if found.file and exists(found.file)), None)


def exists(name: str) -> bool:
    """Tell whether a name is that of a local file or folder."""
    try:
        return Path(name).exists()
    except (OSError, ValueError):  # of a name that no file can have
        return False


def _open_keyed(found: Keyed, layout: Layout) -> Source:
    """Open the array of that name, or the table's column."""
    of_text = "U" in layout.expected.kinds
    layout = replace(
        layout,
        key=found.key,
        columns=() if of_text else (found.key,),
        group=found.key if of_text else None,
        alone=True,
        notes=(*layout.notes, f"{found.key!r} of those in the file"),
    )
    source = open_source(found.file, layout)
    if not (source.has_keys or source.is_table):
        raise InputError(
            f"{found.file}: expected arrays under names, or columns, for {found.key!r}, found "
            f"{source.format}",
            f"Name the file alone: {found.file}",
        )
    return source
