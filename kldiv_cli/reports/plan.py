"""What a comparison would take -> text for people, JSON for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from kldiv_cli.errors import printable
from kldiv_cli.reports.words import head, left_out, objects
from kldiv_cli.reports.words.parts import LABEL, columns, wrapped, written
from kldiv_cli.results.plan import Plan

_KEYS = (
    *("schema", "reference", "candidate", "mode", "unit", "temperature", "smooth", "nan_policy"),
    *("paired_by", "rows", "classes", "mask", "mask_below", "measures", "input_by", "labels"),
    *("grouped_by", "class_selection", "selection", "missing", "members"),
)
"""Those of a comparison, but for ``input_by`` and ``labels``."""
_BY = {"option": "said", "format": "the format's", "default": "by default"}


def write_table(plan: Plan, stream: IO[str]) -> None:
    """Write the plan in words; only the lines that name files can be wider than 80 columns."""
    width = columns(stream)
    stream.writelines(written(_lines(plan, width), width))


def write_json(plan: Plan, stream: IO[str]) -> None:
    """Write the plan as one JSON object; ``rows`` is null where only reading them tells."""
    found = {
        **objects.taken_object(plan.head),
        "rows": plan.rows,
        "unit": plan.unit,
        "temperature": plan.temperature,
        "smooth": plan.smooth,
        "measures": {
            name: {"definition": definition, "unit": plan.units[name]}
            for name, definition in plan.definitions.items()
        },
        "input_by": dict(zip(("reference", "candidate"), plan.kinds_by, strict=True)),
    }
    if plan.mask is not None:
        found["mask"] = objects.mask_object(plan.mask)
    if plan.mask_below is not None:
        found["mask_below"] = {"value": plan.mask_below}
    for name in ("labels", "grouped_by"):
        if getattr(plan, name) is not None:
            found[name] = getattr(plan, name)
    objects.write(objects.ordered(_KEYS, found), stream)


def _lines(plan: Plan, width: int | None) -> Iterator[tuple[str, str]]:
    room = None if width is None else width - LABEL
    yield from head.files(plan.head, room)
    yield from _numbers(plan)
    if plan.mask is not None:
        yield from head.mask_lines(plan.mask, room)
    if plan.mask_below is not None:
        yield "mask below", head.below(plan.mask_below)
    if plan.labels is not None:
        yield "labels", printable(plan.labels)
    if plan.grouped_by is not None:
        yield "groups", f"by {printable(plan.grouped_by)}"
    yield from left_out.taken(plan.head)
    yield from wrapped("rows", f"{_rows(plan)}, {head.how_paired(plan.head)}{_unless(plan)}")
    yield "", "nothing was compared (--plan)"


def _numbers(plan: Plan) -> Iterator[tuple[str, str]]:
    """Say what the numbers are taken for, and what would be computed of them."""
    kinds = zip("pq", plan.head.sides, plan.kinds_by, strict=True)
    yield "input", ", ".join(f"{name}: {side.kind} ({_BY[by]})" for name, side, by in kinds)
    smooth = f", smoothed by {plan.smooth:g}" if plan.smooth else ""
    over = "classes" if plan.head.mode == "softmax" else "cells"
    at = f"T = {plan.temperature:g}{smooth}"
    yield plan.head.mode, f"{plan.head.classes} {over}, {at}"
    names = (
        name if (unit := plan.units[name]) is None else f"{name} ({unit})"
        for name in plan.definitions
    )
    yield from wrapped("measures", ", ".join(names))


def _unless(plan: Plan) -> str:
    """Say what would have files of one name paired by place."""
    members, unknown = plan.head.paired_members, any(x.shape[0] is None for x in plan.head.sides)
    if members is None or members.paired_by == "place" or not unknown:
        return ""
    return ", or by place where two of a name differ in length"


def _rows(plan: Plan) -> str:
    """Say how many rows would be read, as far as that is known."""
    if plan.rows is not None:
        return str(plan.rows)
    selection = plan.head.selection
    most = "" if selection is None or selection.limit is None else f", {selection.limit} at most"
    return f"unknown before they are read{most}"
