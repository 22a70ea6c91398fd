"""Files that the system does not let be read."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from kldiv_cli.errors import InputError, shortage


class UnreadableError(InputError):
    """What the system says of a file: it tells nothing of what the file holds."""


@contextmanager
def readable(path: str) -> Iterator[None]:
    """Turn what the system says while a file is opened and read into an error that names it."""
    try:
        yield
    except (OSError, MemoryError) as error:
        raise unreadable(path, error) from error


def unreadable(path: str, error: OSError | MemoryError) -> InputError:
    """Return the error of a file that the system does not let be read."""
    short = shortage(error, path)
    if short is not None:
        return short
    if getattr(error, "errno", None) == errno.EMFILE:
        return UnreadableError(
            f"{path}: expected to open one more file, found: {os.strerror(errno.EMFILE)}",
            "Raise their limit (ulimit -n); fewer --threads of kldiv compare need fewer.",
        )
    return UnreadableError(
        f"{path}: expected a readable file, found: {getattr(error, 'strerror', None) or error}",
        "Check the path and its permissions.",
    )
