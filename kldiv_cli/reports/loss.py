"""A loss -> text for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from math import isnan
from textwrap import wrap
from typing import IO, Any

from kldiv_cli.reports.formats.json import SCHEMA, file_object, mask_object, valid
from kldiv_cli.reports.words import left_out
from kldiv_cli.reports.words.parts import LABEL, columns, written
from kldiv_cli.reports.words.sides import both_notes, file_lines, inputs, masked_cells
from kldiv_cli.results.loss import LossResult

_WIDTH = 80


def write_table(result: LossResult, stream: IO[str]) -> None:
    """Write the loss in words; only the lines that name files can be wider than 80 columns."""
    width = columns(stream)
    stream.writelines(written(_lines(result, width), width))


def write_json(result: LossResult, stream: IO[str]) -> None:
    """Write the loss as one JSON object; infinities and NaN are the strings "inf" and "nan"."""
    json.dump(valid(_object(result)), stream, indent=2, allow_nan=False)
    stream.write("\n")


WRITERS: dict[str, Callable[[LossResult, IO[str]], None]] = {
    "table": write_table,
    "json": write_json,
}


def _object(result: LossResult) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "loss": result.loss,
        "value": result.value,
        "components": dict(result.components),
        "reduction": result.reduction,
        "denominator": result.denominator,
        "reference_name": result.reference_name,
        "reference_value": result.reference_value,
        "factor": result.factor,
        "unit": "nats",
        "formula": result.formula,
        "options": dict(result.options),
        "notes": list(result.notes),
        "warnings": list(result.warnings),
        "reference": file_object(result.reference),
        "candidate": file_object(result.candidate),
        "paired_by": result.paired_by,
        "rows": result.rows,
        "classes": result.classes,
        "skipped": result.skipped,
        "invalid": result.invalid,
        **mask_object(result.mask, result.masked),
        **({} if result.selection is None else {"selection": vars(result.selection)}),
    }


def _lines(result: LossResult, width: int | None) -> Iterator[tuple[str, str]]:
    room = None if width is None else width - LABEL
    yield from file_lines("reference p", result.reference, room)
    yield from file_lines("candidate q", result.candidate, room)
    yield from both_notes(result.reference, result.candidate)
    cells = result.mask is not None and result.mask.cells > 0
    yield from inputs(result.reference, result.candidate, masked=cells)
    yield from _wrapped("loss", f"{result.loss}: {result.formula}")
    yield from _wrapped("options", ", ".join(_option(*item) for item in result.options.items()))
    uncounted = f"{result.skipped} skipped, {result.invalid} invalid"
    yield from left_out.selected(result.selection, result.paired_by)
    yield from masked_cells(result.mask, room)
    if result.mask is not None:
        uncounted += f", {result.masked} masked"
    yield "rows", f"{result.rows} counted, paired by {result.paired_by}, {uncounted}"
    yield "", ""
    yield "value", f"{_number(result.value)} nats"
    for name, value in result.components.items():
        yield f"  {name}".ljust(LABEL + 3), f"{_number(value)} nats"
    yield from _wrapped("reduction", result.reduction)
    yield "denominator", _number(result.denominator)
    yield from _wrapped(
        "stands for",
        f"{result.reference_name}: {_number(result.reference_value)} nats per row on average",
    )
    yield "factor", _factor(result)
    for note in result.notes:
        yield from _wrapped("note", note)


def _factor(result: LossResult) -> str:
    if result.factor is not None:
        return f"{_number(result.factor)} = value / divergence, whatever the rows hold"
    return "none" if isnan(result.value) else "none: value and divergence are not proportional"


def _option(name: str, value: object) -> str:
    return f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"


def _number(value: float) -> str:
    return f"{value:.12g}"


def _wrapped(label: str, text: str) -> Iterator[tuple[str, str]]:
    lines = wrap(text or "none", _WIDTH - LABEL, break_long_words=False, break_on_hyphens=False)
    yield from zip([label, *[""] * (len(lines) - 1)], lines, strict=True)
