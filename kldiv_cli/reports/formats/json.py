"""JSON for programs: the summary as one object, the rows as one object each."""

from __future__ import annotations

import json
from json.encoder import encode_basestring_ascii
from typing import IO, TYPE_CHECKING, Any

from kldiv_cli.reports.words import objects
from kldiv_cli.reports.words.lines import Form, Words, lines
from kldiv_cli.reports.words.objects import escaped, valid
from kldiv_cli.reports.words.records import columns
from kldiv_cli.results.comparison import Agreement, Comparison
from kldiv_cli.results.statistics import Statistics

if TYPE_CHECKING:
    from kldiv_cli.results.limits import Limit
    from kldiv_cli.results.members import Members

_KEYS = (
    *("schema", "reference", "candidate", "mode", "unit", "temperature", "smooth", "nan_policy"),
    *("paired_by", "rows", "classes", "skipped", "invalid", "masked", "mask", "mask_below"),
    *("measures", "agreement", "grouped_by", "groups", "limits", "warnings", "language"),
    *("class_selection", "selection", "missing", "members", "constant_rows", "hidden"),
)
_encode = json.JSONEncoder(allow_nan=False).encode
_WORDS = Words("null", '"nan"', '"inf"', '"-inf"')


def write(comparison: Comparison, stream: IO[str]) -> None:
    """Write the summary."""
    objects.write(summary(comparison), stream)


def write_lines(comparison: Comparison, stream: IO[str]) -> None:
    """Write one object per row and line; null where it was skipped or masked."""
    names = list(map(_encode, columns(comparison)))
    pieces = (f"{{{names[0]}: ", *(f", {name}: " for name in names[1:]), "}\n")
    stream.writelines(map(escaped, lines(comparison, Form(pieces, _cells, _WORDS))))


def _cells(values: list[Any]) -> list[str]:
    if set(map(type, values)) == {str}:
        return [*map(encode_basestring_ascii, values)]
    return [*map(_encode, map(valid, values))]


def summary(comparison: Comparison) -> dict[str, Any]:
    """Return the summary as the object that is written, numbers still as floats."""
    found = {
        **objects.head_object(comparison.head),
        "unit": comparison.unit,
        "temperature": comparison.temperature,
        "smooth": comparison.smooth,
        "measures": {
            name: {
                "definition": comparison.definitions[name],
                "unit": comparison.units[name],
                **_found(found, comparison.members),
                **({"ranges": objects.ranges_object(found.ranges)} if found.ranges else {}),
            }
            for name, found in comparison.measures.items()
        },
        "agreement": _agreement(comparison.agreement),
        **_groups(comparison),
        "limits": [_limit(limit) for limit in comparison.limits],
    }
    if comparison.hidden is not None:
        found["hidden"] = {"max": comparison.hidden.most, "mean": comparison.hidden.mean}
    if comparison.language is not None:
        from kldiv_cli.reports.words.language import language_object  # noqa: PLC0415 - most have none

        found["language"] = language_object(comparison.language)
    return objects.ordered(_KEYS, found)


def _agreement(agreement: Agreement) -> dict[str, Any]:
    padding = {"padding": agreement.padding} if agreement.padding else {}
    ends = zip(("least", "most"), agreement.range, strict=True) if agreement.undecided else ()
    return {agreement.kind: agreement.share, **dict(ends), **padding}


def _limit(limit: Limit) -> dict[str, Any]:
    return {
        "stat": limit.stat,
        **({"above": limit.above} if limit.below is None else {"below": limit.below}),
        "value": limit.value,
        "exceeded": limit.exceeded,
        "verdict": limit.verdict,
        **_doubt(limit),
    }


def _doubt(limit: Limit) -> dict[str, Any]:
    doubt = limit.figure.doubt
    if doubt is None:
        return {}
    return {"least": doubt.least, "most": doubt.most, "reservation": limit.reservation}


def _groups(comparison: Comparison) -> dict[str, Any]:
    if comparison.groups is None:
        return {}
    return {
        "grouped_by": comparison.groups.by.what,
        "groups": [
            {
                "name": group.name,
                "rows": group.rows,
                "skipped": group.skipped,
                "invalid": group.invalid,
                **({} if comparison.head.masked_cells is None else {"masked": group.masked}),
                "agreement": {comparison.agreement.kind: group.share},
                "measures": {
                    name: _found(found, comparison.members)
                    for name, found in group.measures.items()
                },
            }
            for group in comparison.groups.each
        ],
    }


def _found(found: Statistics, members: Members | None) -> dict[str, Any]:
    return {
        **found.values,
        "max_row": found.max_row,
        **objects.max_place(members, found.max_row),
        "zero": found.zero,
        "infinite": found.infinite,
    }
