"""``kldiv inspect``."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any

from kldiv_cli.cli import options, streams, warnings
from kldiv_cli.cli.inputs import inputs
from kldiv_cli.errors import InputError

if TYPE_CHECKING:
    from kldiv_cli.results.inspection import Inspection, Unreadable
    from kldiv_cli.tasks.options import InspectLine


@options.takes("inspect")
def inspect(asked: InspectLine) -> int:
    """Say what files are: shape, names, logits or probabilities, infinities, masks, entropy.

    All rows are read, unless options choose some. Columns, and arrays under
    names, are listed with what they would be taken for, also where other commands
    ask which are meant. A file that cannot be read is an error on standard error,
    and in JSON an object with "error"; the others are printed all the same. So is
    one that looks wrong, with --strict.

    Exit code 0: every file was read; 2: trouble.
    """
    warnings.check(strict=asked.strict, no_warn=asked.no_warn)

    from kldiv_cli import reports
    from kldiv_cli.reports import files
    from kldiv_cli.results.inspection import Unreadable

    outputs = asked.output or []
    if outputs:
        files.check(outputs, inputs(asked.files), "inspection")
    write = reports.load(asked.report, "inspection")
    each = reports.REPORTS[asked.report].each
    found: list[Inspection | Unreadable] = []
    for path in asked.files:
        one = _look(path, asked)
        if each and not isinstance(one, Unreadable):
            _show(write, one, first=all(isinstance(other, Unreadable) for other in found))
        found.append(one)

    with files.staged(found, outputs, "inspection"):
        if not each:
            streams.put(lambda stream: write(found, stream))
    for one in found:
        if not isinstance(one, Unreadable):
            warnings.tell(one.warnings, no_warn=asked.no_warn)
    return 2 if any(isinstance(one, Unreadable) for one in found) else 0


def _look(path: str, asked: InspectLine) -> Inspection | Unreadable:
    """Inspect one file, and say at once why not where it cannot be read."""
    from kldiv_cli.cli.progress import Progress
    from kldiv_cli.results.inspection import Unreadable
    from kldiv_cli.tasks.inspect import inspect as look

    try:
        with Progress() as progress:
            found = look(path, **asked.keywords(), progress=progress)
        warnings.refuse(found.warnings, strict=asked.strict)
    except InputError as error:
        streams.tell(f"error: {error.what}", error.advice)
        return Unreadable(path, error.what, error.advice)
    return found


def _show(
    write: Callable[[Any, IO[Any]], None], found: Inspection | Unreadable, *, first: bool
) -> None:
    def put(stream: IO[str]) -> None:
        stream.write("" if first else "\n")
        write([found], stream)

    streams.put(put)
