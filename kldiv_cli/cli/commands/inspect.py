"""``kldiv inspect``."""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING

from kldiv_cli.cli import options, streams, warnings
from kldiv_cli.cli.inputs import inputs
from kldiv_cli.errors import InputError

if TYPE_CHECKING:
    from kldiv_cli.results.inspection import Inspection, Unreadable
    from kldiv_cli.tasks.options import InspectLine


@options.takes("inspect")
def inspect(asked: InspectLine) -> int:
    """Say what files are: shape, names, logits or probabilities, infinities, masks, entropy.

    All rows are read, unless options choose some. A file that cannot be read is
    an error on standard error, and in JSON an object with "error"; the others are
    printed all the same. So is one that looks wrong, with --strict.

    Exit code 0: every file was read; 2: trouble.
    """
    warnings.check(strict=asked.strict, no_warn=asked.no_warn)

    from kldiv_cli.reports import files
    from kldiv_cli.reports.inspection import write_json
    from kldiv_cli.results.inspection import Unreadable

    outputs = asked.output or []
    if outputs:
        files.check(outputs, inputs(asked.files), (".json",))
    found: list[Inspection | Unreadable] = []
    for path in asked.files:
        one = _look(path, asked)
        if asked.report == "table" and not isinstance(one, Unreadable):
            _show(one, first=all(isinstance(other, Unreadable) for other in found))
        found.append(one)

    with files.staged(found, outputs, _write):
        if asked.report == "json":
            streams.put(lambda stream: write_json(found, stream))
    for one in found:
        if not isinstance(one, Unreadable):
            warnings.tell(one.warnings, no_warn=asked.no_warn)
    return 2 if any(isinstance(one, Unreadable) for one in found) else 0


def _write(found: list[Inspection | Unreadable], path: Path, _: str) -> None:
    from kldiv_cli.reports.inspection import write_json

    with path.open("x", encoding="utf-8", newline="") as stream:
        write_json(found, stream)


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


def _show(found: Inspection, *, first: bool) -> None:
    from kldiv_cli.reports.inspection import write_table

    def write(stream: IO[str]) -> None:
        stream.write("" if first else "\n")
        write_table(found, stream)

    streams.put(write)
