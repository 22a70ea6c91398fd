"""JSON for programs: the summary as one object, the rows as one object each.

Always valid JSON: infinities and NaN are the strings "inf" and "nan".
"""

from __future__ import annotations

import json
from math import isfinite
from typing import IO, Any

from kldiv_cli.reports.words import left_out
from kldiv_cli.reports.words.language import language_object
from kldiv_cli.reports.words.records import columns, records
from kldiv_cli.results.comparison import Comparison, MaskUse, Side
from kldiv_cli.results.statistics import Statistics

SCHEMA = 1


def write(comparison: Comparison, stream: IO[str]) -> None:
    """Write the summary."""
    json.dump(valid(summary(comparison)), stream, indent=2, allow_nan=False)
    stream.write("\n")


def write_lines(comparison: Comparison, stream: IO[str]) -> None:
    """Write one object per row and line; null where it was skipped or masked."""
    names = list(columns(comparison))
    encode = json.JSONEncoder(allow_nan=False).encode
    stream.writelines(
        encode(dict(zip(names, map(valid, record), strict=True))) + "\n"
        for record in records(comparison, skipped=None)
    )


def summary(comparison: Comparison) -> dict[str, Any]:
    """Return the summary as the object that is written, numbers still as floats."""
    return {
        "schema": SCHEMA,
        "reference": file_object(comparison.reference),
        "candidate": file_object(comparison.candidate),
        "mode": comparison.mode,
        "unit": comparison.unit,
        "temperature": comparison.temperature,
        "smooth": comparison.smooth,
        "nan_policy": comparison.nan_policy,
        "paired_by": comparison.paired_by,
        "rows": comparison.rows,
        "classes": comparison.classes,
        "skipped": comparison.skipped,
        "invalid": comparison.invalid,
        **mask_object(comparison.mask, comparison.masked),
        "measures": {
            name: _measure(found, comparison.definitions[name], comparison.units[name])
            for name, found in comparison.measures.items()
        },
        "agreement": {comparison.agreement.kind: comparison.agreement.share},
        **_groups(comparison),
        "limits": [
            {
                "stat": limit.stat,
                **({"above": limit.above} if limit.below is None else {"below": limit.below}),
                "value": limit.value,
                "exceeded": limit.exceeded,
            }
            for limit in comparison.limits
        ],
        "warnings": list(comparison.warnings),
        **_language(comparison),
        **left_out.objects(comparison),
    }


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
                **({} if comparison.mask is None else {"masked": group.masked}),
                "agreement": {comparison.agreement.kind: group.share},
                "measures": {name: _found(found) for name, found in group.measures.items()},
            }
            for group in comparison.groups.each
        ],
    }


def mask_object(mask: MaskUse | None, masked: int) -> dict[str, Any]:
    """Return the mask, if there is one, and how many rows and cells it leaves out."""
    if mask is None:
        return {}
    return {
        "masked": masked,
        "mask": {
            "path": mask.path,
            "format": mask.format,
            "dtype": mask.dtype,
            "shape": list(mask.shape),
            **shards_object(mask),
            "notes": list(mask.notes),
            "means": mask.means,
            "masked_cells": mask.cells,
            "cells": mask.of,
        },
    }


def file_object(side: Side) -> dict[str, Any]:
    """Return a file and what it holds."""
    found: dict[str, Any] = {
        "path": side.path,
        "format": side.format,
        "dtype": side.dtype,
        "shape": list(side.shape),
        "input": side.kind,
        "notes": list(side.notes),
    }
    optional = {"id": side.id, "sum_error": side.sum_error}
    found |= {key: value for key, value in optional.items() if value is not None}
    return found | shards_object(side)


def shards_object(side: Side | MaskUse) -> dict[str, Any]:
    """Return of how many files an input is made, where that is to be said."""
    if side.shards is None:
        return {}
    return {"shards": side.shards, "passed_over": list(side.passed_over)}


def _language(comparison: Comparison) -> dict[str, Any]:
    if comparison.language is None:
        return {}
    return {"language": language_object(comparison.language)}


def _measure(found: Statistics, definition: str, unit: str | None) -> dict[str, Any]:
    return {"definition": definition, "unit": unit, **_found(found)}


def _found(found: Statistics) -> dict[str, Any]:
    return {
        **found.values,
        "max_row": found.max_row,
        "zero": found.zero,
        "infinite": found.infinite,
    }


def valid(value: Any) -> Any:
    """Return the value with infinities and NaN as strings, which JSON lacks as numbers."""
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: valid(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [valid(entry) for entry in value]
    return value
