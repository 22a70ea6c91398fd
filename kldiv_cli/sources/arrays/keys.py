"""Files that hold several arrays under names."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from fnmatch import fnmatchcase
from glob import has_magic
from itertools import islice

from kldiv_cli.errors import InputError, LogitsError
from kldiv_cli.sources.arrays.contents import Kind, described, held, series
from kldiv_cli.sources.base import LOGITS, Beside, Layout
from kldiv_cli.sources.stores.folders import natural

_SHOWN = 20
_LONGEST = 60


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
    found = _named(layout.key, names)
    if layout.listing is not None and (found or layout.key is None):
        listed = held(names, describe, layout.key_option, found)
        nothing = all(one.role == "left out" and one.shape is not None for one in listed)
        layout.listing.tell(listed, is_open_question=layout.key is None and (not found or nothing))
    if found is None:
        raise _unchosen(path, layout, names, describe)
    return found


def _named(key: str | None, names: Collection[str]) -> list[str] | None:
    """Return the arrays that a key names; without one the only array. None where there is none."""
    if key is None:
        return list(names) if len(names) == 1 else None
    if key in names:
        return [key]
    matched = (name for name in names if has_magic(key) and fnmatchcase(name, key))
    return sorted(matched, key=natural) or None


def _unchosen(
    path: str, layout: Layout, names: Collection[str], describe: Callable[[str], Kind]
) -> InputError:
    """Return the error that lists the arrays; whichever is meant has to be said."""
    key = layout.key
    shown = {name: describe(name) for name in list(names)[:_SHOWN]}
    listed = ", ".join(f"{quoted(name)} {kind}" for name, kind in shown.items())
    if len(names) > _SHOWN:
        listed += f", ... ({len(names)} in all)"
    glob = next(filter(None, (series(names, name, shown) for name in shown)), None)
    joined = layout.key_option.replace("NAME", f"{glob!r}")
    return InputError(
        f"{path}: expected "
        + (f"one array, found {listed}" if key is None else f"array {quoted(key)}, found {listed}"),
        f"Say which array with {layout.key_option}"
        + (f"; {joined} takes those that it matches, one after the other." if glob else "."),
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
        if name != chosen[0]:
            found = described(describe, name)
            if found is not None and found.shape == shape:
                others.append(name)
    return replace(layout, beside=Beside(chosen[0], tuple(others)))


def narrower(layout: Layout) -> str:
    """Return what to do about arrays that a glob matches and that are no one input."""
    return f"Name those that belong together by another glob; {layout.key_option} takes one."


def quoted(name: str) -> str:
    """Quote a name, cut where it is very long."""
    return repr(name if len(name) <= _LONGEST else f"{name[:_LONGEST]}...")
