"""What checking identities found, for people and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from math import isfinite
from typing import IO

from kldiv_cli.errors import printable
from kldiv_cli.verification import Finding, Verification

SCHEMA = 1
_NOTE = (
    "residual: the largest distance of any two ways to the same number, one of them",
    "kldiv's kernel, the others the definitions in long double; relative to the number",
    "plus the rounding of the terms that the definition adds up.",
)


def write(verification: Verification, stream: IO[str]) -> None:
    """Write plain text, at most 80 columns but for the names of the files."""
    head = [
        ("reference p", f"{printable(verification.reference)}  {verification.sides[0]}"),
        ("candidate q", f"{printable(verification.candidate)}  {verification.sides[1]}"),
        ("mode", f"{verification.mode}, T = {verification.temperature:g}"),
        ("rows", _rows(verification)),
    ]
    grid: list[tuple[str, ...]] = [("identity", "rows", "residual", "in row", "limit", "")]
    grid += map(_line, verification.findings)
    widths = [max(map(len, column)) for column in zip(*grid, strict=True)]
    lines = [f"{label:<13}{text}" for label, text in head]
    lines += ["", *("  ".join(_aligned(row, widths)).rstrip() for row in grid), "", *_NOTE]
    stream.writelines(line + "\n" for line in lines)


def write_json(verification: Verification, stream: IO[str]) -> None:
    """Write one object; a residual that is no finite number is the string "inf" or "nan"."""
    found = {
        "schema": SCHEMA,
        "reference": verification.reference,
        "candidate": verification.candidate,
        "mode": verification.mode,
        "temperature": verification.temperature,
        "nan_policy": verification.nan_policy,
        "rows": verification.rows,
        "skipped": verification.skipped,
        "invalid": verification.invalid,
        "identities": {
            finding.name: {
                "statement": finding.statement,
                "rows": finding.rows,
                "residual": _valid(finding),
                "row": finding.row,
                "tolerance": finding.tolerance,
                "holds": finding.holds,
            }
            for finding in verification.findings
        },
        "holds": verification.holds,
    }
    json.dump(found, stream, indent=2, allow_nan=False)
    stream.write("\n")


WRITERS: dict[str, Callable[[Verification, IO[str]], None]] = {"table": write, "json": write_json}


def _rows(verification: Verification) -> str:
    policy = {"propagate": " (fail)", "omit": " (left out)"}.get(verification.nan_policy, "")
    return (
        f"{verification.rows} checked, {verification.skipped} skipped (nothing but -inf), "
        f"{verification.invalid} invalid{policy if verification.invalid else ''}"
    )


def _line(finding: Finding) -> tuple[str, ...]:
    verdict = "ok" if finding.holds else "FAILED"
    residual = f"{finding.residual:.2g}"
    if finding.rows == 0:
        residual, verdict = "-", "no row"
    return (
        finding.statement,
        str(finding.rows),
        residual,
        "-" if finding.row is None else str(finding.row),
        f"{finding.tolerance:g}",
        verdict,
    )


def _aligned(row: tuple[str, ...], widths: list[int]) -> list[str]:
    first, *numbers, last = row
    middle = [text.rjust(width) for text, width in zip(numbers, widths[1:-1], strict=True)]
    return [first.ljust(widths[0]), *middle, last]


def _valid(finding: Finding) -> float | str | None:
    if finding.rows == 0:
        return None
    return finding.residual if isfinite(finding.residual) else str(finding.residual)
