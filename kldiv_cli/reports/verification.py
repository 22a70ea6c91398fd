"""What checking the identities found -> text for people, JSON for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from kldiv_cli.errors import printable
from kldiv_cli.reports.words import head, objects
from kldiv_cli.reports.words.parts import LABEL, columns, written
from kldiv_cli.results.verification import Finding, Verification

_KEYS = (
    *("schema", "reference", "candidate", "mode", "temperature", "nan_policy", "paired_by"),
    *("rows", "skipped", "invalid", "identities", "holds", "warnings", "masked", "mask"),
    "mask_below",
    *("class_selection", "selection", "missing", "members", "constant_rows"),
)
_NOTE = """
residual: the largest distance of any two routes to the same number, relative to
that number and to what rounding leaves of the terms a route adds up. One route
is kldiv's kernel, the others are the definitions in long double.
"""


def write_table(verification: Verification, stream: IO[str]) -> None:
    """Write the findings; only lines that name files or rows can be wider than 80 columns."""
    width = columns(stream)
    stream.writelines(written(_head(verification, width), width))
    stream.writelines(f"{line}\n" for line in _findings(verification))
    stream.write(_NOTE)


def write_json(verification: Verification, stream: IO[str]) -> None:
    """Write one JSON object; a residual that is not finite is the string "inf" or "nan"."""
    found = {
        **objects.head_object(verification.head),
        "temperature": verification.temperature,
        "identities": {
            finding.name: {
                "statement": finding.statement,
                "rows": finding.rows,
                "residual": finding.residual if finding.rows else None,
                "max_row": finding.row,
                **objects.max_place(verification.members, finding.row),
                "tolerance": finding.tolerance,
                "holds": finding.holds,
            }
            for finding in verification.findings
        },
        "holds": verification.holds,
    }
    objects.write(objects.ordered(_KEYS, found), stream)


def _head(verification: Verification, width: int | None) -> Iterator[tuple[str, str]]:
    invalid = {"raise": "", "omit": " (left out)", "propagate": " (fail)"}
    yield from head.lines(
        verification.head,
        None if width is None else width - LABEL,
        [("mode", f"{verification.mode}, T = {verification.temperature:g}")],
        head.Rows(invalid[verification.nan_policy]),
    )
    yield "", ""


def _findings(verification: Verification) -> Iterator[str]:
    grid: list[tuple[str, ...]] = [("identity", "rows", "residual", "in row", "limit", "")]
    grid += map(_cells, verification.findings)
    first, *middle, _ = (max(map(len, column)) for column in zip(*grid, strict=True))
    for name, *numbers, verdict in grid:
        aligned = [text.rjust(width) for text, width in zip(numbers, middle, strict=True)]
        yield "  ".join([name.ljust(first), *aligned, verdict]).rstrip()
    for finding in verification.findings:
        if not finding.holds:
            yield f"FAILED: {finding.statement}: {printable(finding.place)}"


def _cells(finding: Finding) -> tuple[str, ...]:
    limit = f"{finding.tolerance:g}"
    if finding.rows == 0:
        return finding.statement, "0", "-", "-", limit, "no row"
    verdict = "ok" if finding.holds else "FAILED"
    residual, row = f"{finding.residual:.1e}", str(finding.row)
    return finding.statement, str(finding.rows), residual, row, limit, verdict
