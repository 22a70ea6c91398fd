"""Files that hold several arrays under names."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import replace
from fnmatch import fnmatchcase
from glob import has_magic
from itertools import islice
from typing import NamedTuple

from kldiv_cli.errors import InputError, LogitsError
from kldiv_cli.sources.base import LOGITS, Beside, Layout
from kldiv_cli.sources.stores.folders import natural

_SHOWN = 20
_LONGEST = 60


class Kind(NamedTuple):
    """The type and the shape of an array, or of the first of several; errors list them."""

    dtype: str
    shape: tuple[int, ...]
    arrays: int = 1

    def __str__(self) -> str:
        return f"{f'{self.arrays} of ' if self.arrays > 1 else ''}{self.dtype} {self.shape}"


def choose(
    path: str, layout: Layout, names: Collection[str], describe: Callable[[str], Kind]
) -> list[str]:
    """Return the names of the arrays to take, which are one input in this order.

    The layout's key names one of them, or as a glob several, which are taken in natural order. A
    glob that is itself a name is that name. Without a key it is the only array.

    ``describe`` gives type and shape of an array for the error that lists them.

    Raises
    ------
    InputError
        There is no array of that name, none at all, or several and none was asked for.
    """
    if not names:
        raise LogitsError(
            f"{path}: expected arrays, found none",
            "Check what wrote the file: there is nothing in it to compare.",
        )
    key = layout.key
    if key is not None and key in names:
        return [key]
    if key is None and len(names) == 1:
        return list(names)
    if key is not None and has_magic(key):
        found = sorted((name for name in names if fnmatchcase(name, key)), key=natural)
        if found:
            return found
    shown = {name: describe(name) for name in list(names)[:_SHOWN]}
    listed = ", ".join(f"{quoted(name)} {kind}" for name, kind in shown.items())
    if len(names) > _SHOWN:
        listed += f", ... ({len(names)} in all)"
    series = _series(names, shown)
    joined = layout.key_option.replace("NAME", f"{series!r}")
    raise InputError(
        f"{path}: expected "
        + (f"one array, found {listed}" if key is None else f"array {quoted(key)}, found {listed}"),
        f"Say which array with {layout.key_option}"
        + (f"; {joined} takes those that it matches, one after the other." if series else "."),
    )


def beside(
    layout: Layout, chosen: list[str], names: Collection[str], describe: Callable[[str], Kind]
) -> Layout:
    """Return a layout that knows what the file holds beside the one array that is taken."""
    if len(chosen) != 1 or len(names) < 2 or layout.expected is not LOGITS:
        return layout
    shape = describe(chosen[0]).shape
    others = []
    for name in islice(names, _SHOWN):
        with suppress(InputError):  # of what is damaged and nobody asked for
            if name != chosen[0] and describe(name).shape == shape:
                others.append(name)
    return replace(layout, beside=Beside(chosen[0], tuple(others)))


def _series(names: Collection[str], shown: dict[str, Kind]) -> str | None:
    """Return a glob for arrays that differ in their names by numbers alone, if these agree."""
    for name in shown:
        glob = re.sub(r"\d+", "*", name)
        alike = [other for other in names if re.sub(r"\d+", "*", other) == glob]
        kinds = {(shown[x].dtype, shown[x].shape[1:]) for x in alike if x in shown}
        if (
            len(alike) > 1
            and len(kinds) == 1
            and not has_magic(name)
            and alike == [other for other in names if fnmatchcase(other, glob)]
        ):
            return glob
    return None


def narrower(layout: Layout) -> str:
    """Return what to do about arrays that a glob matches and that are no one input."""
    return f"Name those that belong together by another glob; {layout.key_option} takes one."


def quoted(name: str) -> str:
    """Quote a name, cut where it is very long."""
    return repr(name if len(name) <= _LONGEST else f"{name[:_LONGEST]}...")
