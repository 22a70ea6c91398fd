"""A result -> table, text and files. The registry of reports.

A report is one row of :data:`REPORTS`: name -> one-line description, import paths of what writes
each kind of result, what it holds, where it can go. Listings read the registry and import nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, Any, Literal, NamedTuple

from kldiv_cli import Registry


class Report(NamedTuple):
    """A row of the registry.

    ``comparison``, ``loss``, ``verification``, ``inspection`` and ``plan`` are the import paths of
    functions that write such a result to a stream; None where the report has no place for it.
    """

    description: str
    holds: Literal["summary", "rows"] = "summary"
    kind: Literal["text", "bytes"] = "text"
    """What the stream takes; bytes are written to files alone."""
    suffix: str | None = None
    """That of the files which ask for this report; None where it is for standard output alone."""
    comparison: str | None = None
    loss: str | None = None
    verification: str | None = None
    inspection: str | None = None
    """The function takes a list of inspections, all files'."""
    plan: str | None = None
    each: bool = False
    """Whether an inspection is written as soon as it is made; otherwise all are at the end."""
    guarded: str | None = None
    """The same as ``comparison``, of cells that no spreadsheet takes for formulas."""

    @property
    def printed(self) -> bool:
        """Whether standard output can take it."""
        return self.kind == "text"


_FORMATS = "kldiv_cli.reports.formats"
_ROWS = {
    "table": Report(
        "the summary, for people",
        comparison=f"{_FORMATS}.table:write",
        loss="kldiv_cli.reports.loss:write_table",
        verification="kldiv_cli.reports.verification:write_table",
        inspection="kldiv_cli.reports.inspection:write_table",
        plan="kldiv_cli.reports.plan:write_table",
        each=True,
    ),
    "markdown": Report("the summary, for a page", comparison=f"{_FORMATS}.markdown:write"),
    "json": Report(
        "the summary, for programs",
        suffix=".json",
        comparison=f"{_FORMATS}.json:write",
        loss="kldiv_cli.reports.loss:write_json",
        verification="kldiv_cli.reports.verification:write_json",
        inspection="kldiv_cli.reports.inspection:write_json",
        plan="kldiv_cli.reports.plan:write_json",
    ),
    "csv": Report(
        "a line per row",
        "rows",
        suffix=".csv",
        comparison=f"{_FORMATS}.csv:write",
        guarded=f"{_FORMATS}.csv:write_safe",
    ),
    "tsv": Report(
        "a line per row",
        "rows",
        suffix=".tsv",
        comparison=f"{_FORMATS}.csv:write_tsv",
        guarded=f"{_FORMATS}.csv:write_tsv_safe",
    ),
    "jsonl": Report(
        "a JSON object per row",
        "rows",
        suffix=".jsonl",
        comparison=f"{_FORMATS}.json:write_lines",
    ),
    "parquet": Report(
        "a record per row",
        "rows",
        "bytes",
        ".parquet",
        comparison=f"{_FORMATS}.parquet:write",
    ),
    "npy": Report(
        "the values, in the rows' shape",
        "rows",
        "bytes",
        ".npy",
        comparison=f"{_FORMATS}.npy:write",
    ),
}
REPORTS = Registry("report", Report, _ROWS, "kldiv_cli.reports")


def load(
    name: str, result: str = "comparison", *, csv_safe: bool = False
) -> Callable[[Any, IO[Any]], None]:
    """Return the function that writes a kind of result; an unknown name raises `UsageError`.

    With ``csv_safe`` it is the one that guards cells, where there is one.
    """
    guards = csv_safe and REPORTS[name].guarded is not None
    writer: Callable[[Any, IO[Any]], None] = REPORTS.load(name, "guarded" if guards else result)
    return writer


def suffixes(result: str = "comparison") -> dict[str, str]:
    """Return the suffixes of files that can hold a kind of result, and the report of each."""
    rows = REPORTS.rows().items()
    return {row.suffix: name for name, row in rows if row.suffix and getattr(row, result)}


def of_suffix(suffix: str, result: str = "comparison") -> str | None:
    """Return the report of a kind of result that the suffix of a file asks for, if any does."""
    return REPORTS.first(lambda row: row.suffix == suffix and getattr(row, result))
