"""``kldiv inspect``."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from kldiv_cli.cli import options, streams
from kldiv_cli.errors import InputError

if TYPE_CHECKING:
    from kldiv_cli.results.inspection import Inspection, Unreadable
    from kldiv_cli.tasks.options import InspectLine


@options.takes("inspect")
def inspect(asked: InspectLine) -> int:
    """Say what files are: shape, names, logits or probabilities, infinities, masks, entropy.

    All rows are read, unless options choose some. A file that cannot be read is
    an error on standard error, and in JSON an object with "error"; the others are
    printed all the same.

    Exit code 0: every file was read; 2: trouble.
    """
    from kldiv_cli.reports.inspection import write_json
    from kldiv_cli.results.inspection import Unreadable

    found: list[Inspection | Unreadable] = []
    for path in asked.files:
        one = _look(path, asked)
        if asked.report == "table" and not isinstance(one, Unreadable):
            _show(one, first=all(isinstance(other, Unreadable) for other in found))
        found.append(one)
    if asked.report == "json":
        streams.put(lambda stream: write_json(found, stream))
    return 2 if any(isinstance(one, Unreadable) for one in found) else 0


def _look(path: str, asked: InspectLine) -> Inspection | Unreadable:
    """Inspect one file, and say at once why not where it cannot be read."""
    from kldiv_cli.cli.progress import Progress
    from kldiv_cli.results.inspection import Unreadable
    from kldiv_cli.tasks.inspect import inspect as look

    try:
        with Progress() as progress:
            return look(path, **asked.keywords(), progress=progress)
    except InputError as error:
        streams.tell(f"error: {error.what}", error.advice)
        return Unreadable(path, error.what, error.advice)


def _show(found: Inspection, *, first: bool) -> None:
    from kldiv_cli.reports.inspection import write_table

    def write(stream: IO[str]) -> None:
        stream.write("" if first else "\n")
        write_table(found, stream)

    streams.put(write)
