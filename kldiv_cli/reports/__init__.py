"""A comparison -> table, text and files. The registry of reports.

A report is one row of :data:`REPORTS`: name -> import path of its writer, what it holds, where it
can go, one-line description. Listings read the registry and import nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import IO, TYPE_CHECKING, Any, Literal, NamedTuple

from kldiv_cli.errors import UsageError

if TYPE_CHECKING:
    from kldiv_cli.results.comparison import Comparison


class Report(NamedTuple):
    """A row of the registry."""

    writer: str
    holds: Literal["summary", "rows"]
    kind: Literal["text", "bytes"]
    suffix: str | None
    description: str


REPORTS = {
    "table": Report(
        "kldiv_cli.reports.formats.table:write", "summary", "text", None, "the summary, for people"
    ),
    "markdown": Report(
        "kldiv_cli.reports.formats.markdown:write",
        "summary",
        "text",
        None,
        "the summary, for a page",
    ),
    "json": Report(
        "kldiv_cli.reports.formats.json:write",
        "summary",
        "text",
        ".json",
        "the summary, for programs",
    ),
    "csv": Report("kldiv_cli.reports.formats.csv:write", "rows", "text", ".csv", "a line per row"),
    "tsv": Report(
        "kldiv_cli.reports.formats.csv:write_tsv", "rows", "text", ".tsv", "a line per row"
    ),
    "jsonl": Report(
        "kldiv_cli.reports.formats.json:write_lines",
        "rows",
        "text",
        ".jsonl",
        "a JSON object per row",
    ),
    "parquet": Report(
        "kldiv_cli.reports.formats.parquet:write", "rows", "bytes", ".parquet", "a record per row"
    ),
    "npy": Report(
        "kldiv_cli.reports.formats.npy:write",
        "rows",
        "bytes",
        ".npy",
        "the values, in the rows' shape",
    ),
}

SUFFIXES = {report.suffix: name for name, report in REPORTS.items() if report.suffix is not None}
"""Which report a file name asks for."""


def load(name: str) -> Callable[[Comparison, IO[Any]], None]:
    """Return the writer of that name; an unknown one raises `UsageError`."""
    if name not in REPORTS:
        raise UsageError(f"no report is called {name!r}", f"Known: {', '.join(REPORTS)}.")
    module, function = REPORTS[name].writer.split(":")
    writer: Callable[[Comparison, IO[Any]], None] = getattr(import_module(module), function)
    return writer
