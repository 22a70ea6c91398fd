"""A loss -> text for people, JSON for programs."""

from __future__ import annotations

from collections.abc import Iterator
from math import isnan
from typing import IO

from kldiv_cli.reports.words import head, objects
from kldiv_cli.reports.words.parts import LABEL, columns, wrapped, written
from kldiv_cli.reports.words.sides import inputs
from kldiv_cli.results.loss import LossResult

_OWN = (
    *("loss", "value", "components", "reduction", "denominator", "reference_name"),
    *("reference_value", "factor", "unit", "formula", "options", "notes"),
)
_KEYS = (
    *("schema", *_OWN, "warnings", "reference", "candidate", "paired_by", "rows", "classes"),
    *("skipped", "invalid", "masked", "mask", "class_selection", "selection", "missing", "members"),
    *("mask_below", "constant_rows"),
)


def write_table(result: LossResult, stream: IO[str]) -> None:
    """Write the loss in words; only the lines that name files can be wider than 80 columns."""
    width = columns(stream)
    stream.writelines(written(_lines(result, width), width))


def write_json(result: LossResult, stream: IO[str]) -> None:
    """Write the loss as one JSON object; infinities and NaN are the strings "inf" and "nan"."""
    own = {name: getattr(result, name) for name in _OWN if name != "unit"}
    found = {**objects.head_object(result.head), **own, "unit": "nats"}
    objects.write(objects.ordered(_KEYS, found), stream)


def _lines(result: LossResult, width: int | None) -> Iterator[tuple[str, str]]:
    yield from head.lines(
        result.head,
        None if width is None else width - LABEL,
        _how(result),
        head.Rows(),
    )
    yield "", ""
    yield "value", f"{_number(result.value)} nats"
    for name, value in result.components.items():
        yield f"  {name}".ljust(LABEL + 3), f"{_number(value)} nats"
    yield from wrapped("reduction", result.reduction)
    yield "denominator", _number(result.denominator)
    yield from wrapped(
        "stands for",
        f"{result.reference_name}: {_number(result.reference_value)} nats per row on average",
    )
    yield "factor", _factor(result)
    for note in result.notes:
        yield from wrapped("note", note)


def _how(result: LossResult) -> Iterator[tuple[str, str]]:
    masked = bool(result.head.masked_cells)
    yield from inputs(result.reference, result.candidate, masked=masked)
    yield from wrapped("loss", f"{result.loss}: {result.formula}")
    options = ", ".join(_option(*item) for item in result.options.items())
    yield from wrapped("options", options or "none")


def _factor(result: LossResult) -> str:
    if result.factor is not None:
        return f"{_number(result.factor)} = value / divergence, whatever the rows hold"
    return "none" if isnan(result.value) else "none: value and divergence are not proportional"


def _option(name: str, value: object) -> str:
    return f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"


def _number(value: float) -> str:
    return f"{value:.12g}"
