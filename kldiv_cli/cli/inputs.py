"""What a command reads, and must not write."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from kldiv_cli.errors import InputError


def inputs(paths: Iterable[str | None], names: Iterable[object] = ()) -> list[str]:
    """Return all files that are read, given paths and what may be the name of something else.

    Of a column or a slice there may be a folder of that name, into which may be written. `FILE:KEY`
    reads FILE.
    """
    from kldiv_cli.sources.formats.opening import files_of
    from kldiv_cli.sources.labels.side_input import keyed

    found = [path for path in paths if path is not None]
    for name in (*found, *names):
        in_file = keyed(name)
        if in_file is not None:
            found.append(in_file.file)
        if isinstance(name, str):
            with suppress(InputError):  # it stands for no file, as opening it will say
                found += files_of(name if in_file is None else in_file.file)
    return found
