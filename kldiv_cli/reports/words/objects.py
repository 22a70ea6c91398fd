"""What a result says to programs: the objects that stand in all JSON of `kldiv`.

The JSON is always valid: infinities and NaN are the strings "inf" and "nan".
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import isfinite
from typing import IO, TYPE_CHECKING, Any

from kldiv_cli.results.head import File, Head, MaskFile, MaskUse, Side, Taken

if TYPE_CHECKING:
    from kldiv_cli.results.members import Members, PairedMembers

SCHEMA = 1

_COLUMNS = ("id", "class_columns", "left_out")
_FILE = ("path", "format", "dtype", "shape", "class_axes", "input", "notes", *_COLUMNS, "sum_error")
_PARTS = ("shards", "passed_over", "arrays")
_MASK = (*_FILE[:4], *_PARTS, "notes", "means", "masked_cells", "cells")


def write(found: Any, stream: IO[str]) -> None:
    """Write an object and a newline."""
    stream.write(escaped(json.dumps(valid(found), indent=2, allow_nan=False)) + "\n")


def escaped(text: str) -> str:
    """Escape the one control character that JSON leaves as it is."""
    return text.replace("\x7f", "\\u007f")


def ordered(keys: Sequence[str], found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries of these keys, in their order; a key without an entry is left out."""
    return {key: found[key] for key in keys if key in found}


def head_object(head: Head) -> dict[str, Any]:
    """Return what was compared; every report takes the keys that it writes from here.

    A mask and ``constant_rows`` have no keys where there are none.
    """
    found: dict[str, Any] = {
        **taken_object(head),
        "rows": head.rows,
        "skipped": head.skipped,
        "invalid": head.invalid,
        "row_shape": list(head.row_shape),
        "warnings": list(head.warnings),
    }
    if head.masked_cells is not None:
        found["masked"] = head.masked
    if head.mask is not None:
        found["mask"] = mask_object(head.mask)
    if (low := head.mask_below) is not None:
        found["mask_below"] = {"value": low.value, "masked_cells": low.cells, "cells": low.of}
    if head.constant_rows is not None:
        found["constant_rows"] = asdict(head.constant_rows)
    return found


def taken_object(head: Taken) -> dict[str, Any]:
    """Return what of that is known before rows are read.

    ``class_selection``, ``selection`` and ``missing`` have no keys where there are none.
    """
    found: dict[str, Any] = {
        "schema": SCHEMA,
        **dict(zip(("reference", "candidate"), map(side_object, head.sides), strict=False)),
        "mode": head.mode,
        "nan_policy": head.nan_policy,
        "paired_by": head.paired_by,
        "classes": head.classes,
        "class_shape": list(head.class_shape),
        "class_names": None if head.class_names is None else list(head.class_names),
    }
    for name in ("class_selection", "selection", "missing"):
        if getattr(head, name) is not None:
            found[name] = asdict(getattr(head, name))
    if head.paired_members is not None:
        found["members"] = _members_object(head.paired_members)
    if len(head.sides) == 1 and head.selection is not None:
        del found["selection"]["of_candidate"]
    return found


def max_place(members: Members | None, row: int | None) -> dict[str, Any]:
    """Return the file, or array, of a row, and the row's place in it; nothing of a single one."""
    if members is None or row is None:
        return {}
    name, inside = members.place(row)
    return {f"max_{members.what}": name, f"max_row_in_{members.what}": inside}


def _members_object(members: PairedMembers) -> dict[str, Any]:
    only = members.only_reference, members.only_candidate
    return {
        "paired_by": members.paired_by,
        **{
            side: {"what": what, "count": count, "left_out": list(names)}
            for side, what, count, names in zip(
                ("reference", "candidate"), members.what, members.of, only, strict=True
            )
        },
    }


def side_object(side: Side) -> dict[str, Any]:
    """Return a file and what it holds."""
    axes = None if side.class_axes is None else list(side.class_axes)
    classes = None if side.class_columns is None else asdict(side.class_columns)
    known = {
        "id": side.id,
        "class_columns": classes,
        "left_out": list(side.left_out) or None,
        "sum_error": side.sum_error,
        "class_axes": axes,
    }
    found = {"input": side.kind} | {key: x for key, x in known.items() if x is not None}
    return ordered((*_FILE, *_PARTS), _file_object(side) | found)


def mask_object(mask: MaskFile) -> dict[str, Any]:
    """Return the mask, and how much it left out where that is known."""
    found: dict[str, Any] = {"means": mask.means}
    if isinstance(mask, MaskUse):
        found |= {"masked_cells": mask.cells, "cells": mask.of}
    return ordered(_MASK, _file_object(mask) | found)


def _file_object(file: File) -> dict[str, Any]:
    found: dict[str, Any] = {
        "path": file.path,
        "format": file.format,
        "dtype": file.dtype,
        "shape": list(file.shape),
        "notes": list(file.notes),
    }
    if file.shards is not None:
        found |= {"shards": file.shards, "passed_over": list(file.passed_over)}
    if file.arrays is not None:
        found["arrays"] = file.arrays
    return found


def ranges_object(ranges: Mapping[str, tuple[float, float]]) -> dict[str, Any]:
    """Return the least and the largest value of every figure that is not exact."""
    return {name: {"least": least, "most": most} for name, (least, most) in ranges.items()}


def valid(value: Any) -> Any:
    """Return the value with infinities and NaN as strings: JSON has no such numbers."""
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: valid(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [valid(entry) for entry in value]
    return value
