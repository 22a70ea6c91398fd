"""``kldiv inspect``."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Annotated, Literal

import typer

from kldiv_cli.cli import parts, reading, streams
from kldiv_cli.errors import InputError

if TYPE_CHECKING:
    from kldiv_cli.results.inspection import Inspection, Unreadable
    from kldiv_cli.sources.base import Layout
    from kldiv_cli.sources.views.choice import Choice


def inspect(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="Logits, in any format that is read.")
    ],
    rows: parts.RowsOfEach = None,
    limit: parts.Limit = None,
    sample: parts.Sample = None,
    seed: parts.Seed = None,
    row_axes: reading.RowAxes = None,
    id_column: reading.IdColumn = None,
    columns: reading.ClassColumns = None,
    key: reading.Key = None,
    input_format: reading.InputFormat = None,
    no_header: reading.NoHeader = False,
    delimiter: reading.Delimiter = None,
    dtype: reading.DtypeOption = None,
    report: Annotated[
        Literal["table", "json"],
        typer.Option(
            "--format", help="For people, or at full precision for programs: an array of objects."
        ),
    ] = "table",
) -> int:
    """Say what files are: shape, names, logits or probabilities, infinities, masks, entropy.

    All rows are read, unless options choose some. A file that cannot be read is
    an error on standard error, and in JSON an object with "error"; the others are
    printed all the same.

    Exit code 0: every file was read; 2: trouble.
    """
    from kldiv_cli.reports.inspection import write_json
    from kldiv_cli.results.inspection import Unreadable
    from kldiv_cli.sources.base import Layout
    from kldiv_cli.sources.views.choice import Choice

    choice = Choice.of(rows, limit, sample, seed)
    classes = None if columns is None else tuple(columns.split(","))
    layout = Layout(
        row_axes, id_column, classes, key, dtype, not no_header, delimiter, input_format
    )
    found: list[Inspection | Unreadable] = []
    for path in files:
        one = _look(path, layout, choice)
        if report == "table" and not isinstance(one, Unreadable):
            _show(one, first=all(isinstance(other, Unreadable) for other in found))
        found.append(one)
    if report == "json":
        streams.put(lambda stream: write_json(found, stream))
    return 2 if any(isinstance(one, Unreadable) for one in found) else 0


def _look(path: str, layout: Layout, choice: Choice) -> Inspection | Unreadable:
    """Inspect one file, and say at once why not where it cannot be read."""
    from kldiv_cli.cli.progress import Progress
    from kldiv_cli.results.inspection import Unreadable
    from kldiv_cli.tasks.inspect import inspect as look

    try:
        with Progress() as progress:
            return look(path, layout, progress, choice)
    except InputError as error:
        streams.tell(f"error: {error.what}", error.advice)
        return Unreadable(path, error.what, error.advice)


def _show(found: Inspection, *, first: bool) -> None:
    from kldiv_cli.reports.inspection import write_table

    def write(stream: IO[str]) -> None:
        stream.write("" if first else "\n")
        write_table(found, stream)

    streams.put(write)
