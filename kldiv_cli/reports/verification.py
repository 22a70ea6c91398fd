"""What checking the identities found -> text for people, JSON for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap
from typing import IO, Any

from kldiv_cli.errors import printable
from kldiv_cli.reports.words import head, objects
from kldiv_cli.reports.words.parts import LABEL, columns, written
from kldiv_cli.results.verification import Finding, SelfTest, Verification

_KEYS = (
    *("schema", "reference", "candidate", "mode", "temperature", "nan_policy", "paired_by"),
    *("rows", "skipped", "invalid", "identities", "built_in", "routes", "not_checked", "holds"),
    *("warnings", "masked", "mask", "mask_below"),
    *("class_selection", "selection", "missing", "members", "constant_rows"),
)
_NOTE = (
    "residual: the largest distance of any two routes to the same number, relative to that number "
    "and to what rounding leaves of the terms a route adds up; at most {}."
)
_LOOSE = 1e-6
"""A limit above it is told."""


def write_table(found: Verification | SelfTest, stream: IO[str]) -> None:
    """Write the findings; only lines that name files or rows can be wider than 80 columns."""
    width = columns(stream)
    own = found.findings if isinstance(found, Verification) else None
    test = found.self_test if isinstance(found, Verification) else found
    stream.writelines(written(_head(found, test, width), width))
    stream.writelines(f"{line}\n" for line in _findings(own, test, width))
    for text in _notes(own, test):
        lines = wrap(text, min(80, width or 80), break_on_hyphens=False)
        stream.writelines(f"{line}\n" for line in lines)


def write_json(found: Verification | SelfTest, stream: IO[str]) -> None:
    """Write one JSON object; a residual that is not finite is the string "inf" or "nan"."""
    test = found.self_test if isinstance(found, Verification) else found
    told: dict[str, Any] = {
        "schema": objects.SCHEMA,
        "built_in": {
            "rows": test.rows,
            "identities": {each.name: _object(each) for each in test.findings},
            "holds": test.holds,
        },
        "routes": list(test.routes),
        "not_checked": list(test.unchecked),
        "holds": found.holds,
    }
    if isinstance(found, Verification):
        members = found.members
        told |= objects.head_object(found.head)
        told["temperature"] = found.temperature
        told["identities"] = {
            each.name: _object(each, objects.max_place(members, each.row))
            for each in found.findings
        }
    objects.write(objects.ordered(_KEYS, told), stream)


def _object(finding: Finding, place: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "statement": finding.statement,
        "rows": finding.rows,
        "residual": finding.residual if finding.rows else None,
        "max_row": finding.row,
        **(place or {}),
        "tolerance": finding.tolerance,
        "loosest": finding.loosest if finding.rows else None,
        "holds": finding.holds,
    }


def _head(
    found: Verification | SelfTest, test: SelfTest, width: int | None
) -> Iterator[tuple[str, str]]:
    if isinstance(found, Verification):
        invalid = {"raise": "", "omit": " (left out)", "propagate": " (fail)"}
        yield from head.lines(
            found.head,
            None if width is None else width - LABEL,
            [("mode", f"{found.mode}, T = {found.temperature:g}")],
            head.Rows(invalid[found.nan_policy]),
        )
    yield "built-in", f"{test.rows} rows, far and close; softmax, sigmoid; logits, probabilities"
    yield "computed by", f"{'; '.join(test.routes)}; by definition in sums of two float64"
    for name in test.unchecked:
        yield "not checked", f"{printable(name)}: no identity is about this measure"
    yield "", ""


def _findings(own: Sequence[Finding] | None, test: SelfTest, width: int | None) -> Iterator[str]:
    grid: list[tuple[str, ...]] = [("identity", *_titles(own is not None), "")]
    of_rows = {finding.name: finding for finding in own or ()}
    for built_in in test.findings:
        numbers = _numbers(built_in, with_row=own is None)
        if own is not None:
            numbers = (*_numbers(of_rows.get(built_in.name), with_row=True), *numbers)
        grid.append((built_in.statement, *numbers, _verdict(of_rows.get(built_in.name), built_in)))
    yield from _aligned(grid, width)
    for finding in (*(own or ()), *test.findings):
        if not finding.holds:
            yield f"FAILED: {finding.statement}: {printable(finding.place)}"
    yield ""


def _titles(files: bool) -> tuple[str, ...]:
    return ("residual", "in row", "built-in") if files else ("residual", "in row")


def _numbers(finding: Finding | None, *, with_row: bool) -> tuple[str, ...]:
    if finding is None or finding.rows == 0:
        return ("-", "-") if with_row else ("-",)
    return (f"{finding.residual:.1e}", *([str(finding.row)] if with_row else []))


def _verdict(own: Finding | None, built_in: Finding) -> str:
    if not built_in.holds or (own is not None and not own.holds):
        return "FAILED"
    return "no row" if own is not None and own.rows == 0 else "ok"


def _aligned(grid: list[tuple[str, ...]], width: int | None) -> Iterator[str]:
    """Yield a line per row; where a terminal is too narrow, two: the identity, and its numbers."""
    first, *middle, last = (max(map(len, column)) for column in zip(*grid, strict=True))
    fits = width is None or first + sum(middle) + last + 2 * len(middle) + 2 <= width
    for name, *numbers, verdict in grid:
        aligned = [text.rjust(size) for text, size in zip(numbers, middle, strict=True)]
        if not fits:
            yield name
        yield "  ".join([name.ljust(first) if fits else "", *aligned, verdict]).rstrip()


def _notes(own: Iterable[Finding] | None, test: SelfTest) -> Iterator[str]:
    """Say what a residual is, and where its limit leaves less than half of the digits."""
    yield _NOTE.format(f"{test.findings[0].tolerance:g}")
    loose = [each for each in own or () if each.loosest > _LOOSE]
    if loose:
        told = ", ".join(f"{each.statement} ({each.loosest:.0e})" for each in loose)
        yield f"Close rows leave fewer digits to check of: {told}."
