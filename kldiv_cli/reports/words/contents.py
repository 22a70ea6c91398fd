"""What a file holds, in words and as objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from textwrap import wrap
from typing import Any

from kldiv_cli.errors import printable
from kldiv_cli.reports.words.parts import cells
from kldiv_cli.reports.words.sides import classes
from kldiv_cli.results.inspection import Holding

_SHOWN = 6
_FEW = 4
"""So many of a kind are not counted, as all of them are named."""
_WIDTH = 67
"""The room beside the labels in 80 columns."""
_ROLES = {"id": "row id", "group": "group", "rows": "rows"}


def lines(holds: Sequence[Holding], room: int | None) -> Iterator[tuple[str, str]]:
    """List columns or arrays; those of one type that would be taken for the same are one line.

    ``room`` is how wide the text may be on a terminal; None elsewhere.
    """
    width = _WIDTH if room is None else min(room, _WIDTH)
    alike: dict[tuple[Any, ...], list[Holding]] = {}
    for one in holds:
        tail = None if one.shape is None else (len(one.shape), one.shape[1:])
        alike.setdefault((one.type, tail, one.role, one.why, one.arrays), []).append(one)
    shown = list(alike.values())[:_SHOWN]
    grid = [(_names(each), _type(each), _role(each)) for each in shown]
    widths = [max(map(cells, column)) for column in zip(*grid, strict=True)][:2]
    for i, (names, kind, role) in enumerate(grid):
        label = "" if i else "holds"
        begin = "  ".join(
            text + " " * (size - cells(text))
            for text, size in zip((names, kind), widths, strict=True)
            if size
        )
        if cells(begin) + 2 + cells(role) <= width:
            yield label, f"{begin}  {role}"
        else:
            yield label, begin.rstrip()
            yield from (("", f"  {line}") for line in wrap(role, max(width - 2, 1)))
    if len(alike) > len(shown):
        rest = len(holds) - sum(map(len, shown))
        yield "", f"... and {rest} more ({len(holds)} in all)"


def objects(holds: Sequence[Holding]) -> list[dict[str, Any]]:
    """Return columns or arrays as objects."""
    return [asdict(one) for one in holds]


def _names(alike: Sequence[Holding]) -> str:
    if alike[0].shape is not None and not any(one.name for one in alike):
        return "no name"
    return classes([one.name for one in alike])


def _type(alike: Sequence[Holding]) -> str:
    first, shapes = alike[0], {one.shape for one in alike}
    if first.shape is None:
        return printable(first.type)
    begin = "?" if len(shapes) > 1 else next(iter(first.shape), None)
    shape = " x ".join(map(str, first.shape[1:] if begin is None else (begin, *first.shape[1:])))
    count = f"{first.arrays} of " if first.arrays > 1 else ""
    return f"{count}{printable(first.type)} {shape}".rstrip()


def _role(alike: Sequence[Holding]) -> str:
    first, count = alike[0], len(alike)
    if first.role == "class":
        return "1 class" if count == 1 else f"{count} classes"
    role = _ROLES.get(first.role, first.role)
    many = f"{count} " if count > _FEW else ""
    return f"{many}{role}{f': {first.why}' if first.why else ''}"
