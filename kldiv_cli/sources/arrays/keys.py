"""Files that hold several arrays under names."""

from __future__ import annotations

from collections.abc import Callable, Collection

from kldiv_cli.errors import InputError, LogitsError
from kldiv_cli.sources.base import Layout

_SHOWN = 20
_LONGEST = 60


def choose(
    path: str, layout: Layout, names: Collection[str], describe: Callable[[str], str]
) -> str:
    """Return the name of the array to take: the layout's key, or the only name.

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
        return key
    if key is None and len(names) == 1:
        return next(iter(names))
    listed = ", ".join(f"{quoted(name)} {describe(name)}" for name in list(names)[:_SHOWN])
    if len(names) > _SHOWN:
        listed += f", ... ({len(names)} in all)"
    raise InputError(
        f"{path}: expected "
        + (f"one array, found {listed}" if key is None else f"array {quoted(key)}, found {listed}"),
        f"Say which array with {layout.key_option}.",
    )


def quoted(name: str) -> str:
    """Quote a name, cut where it is very long."""
    return repr(name if len(name) <= _LONGEST else f"{name[:_LONGEST]}...")
