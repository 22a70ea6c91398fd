"""What files are -> a block of text for each, or one JSON array of all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import log, prod
from typing import IO

import numpy as np

from kldiv_cli.errors import printable
from kldiv_cli.reports.words import contents, head, inspected, objects
from kldiv_cli.reports.words.parts import (
    LABEL,
    cells,
    columns,
    folded,
    number,
    once,
    wrapped,
    written,
)
from kldiv_cli.reports.words.sides import classes
from kldiv_cli.results.head import class_name
from kldiv_cli.results.inspection import Contexts, Inspection, Span, Unreadable

_MASKS_SHOWN = 5
_SCREEN = 24
"""How many lines a screen has."""
_OTHER_LINES = 5
"""Those of the distributions without their classes."""
_FEW = 3
"""So many classes are shown at least."""
_KINDS = {
    "logits": "logits",
    "probs": "probabilities",
    "log-probs": "log-probabilities",
    "labels": "labels or a mask",
}
_MINIMA = {
    float(np.finfo(np.float16).min): "float16's minimum",
    float(np.finfo(np.float32).min): "float32's minimum",
    float(np.finfo(np.float64).min): "float64's minimum",
    -float.fromhex("0x1.fep127"): "bfloat16's minimum",
}


def write_table(found: Sequence[Inspection | Unreadable], stream: IO[str]) -> None:
    """Write what files are; only lines that hold long names are wider than 80 columns."""
    width = columns(stream)
    for i, one in enumerate(one for one in found if isinstance(one, Inspection)):
        stream.write("\n" if i else "")
        stream.writelines(written(_lines(one, width), width))


def write_json(found: Sequence[Inspection | Unreadable], stream: IO[str]) -> None:
    """Write an array with one object per file, in order; of an unreadable one the error."""
    each = (
        inspected.error_object(one) if isinstance(one, Unreadable) else inspected.object_of(one)
        for one in found
    )
    objects.write(list(each), stream)


def _lines(found: Inspection, width: int | None) -> Iterator[tuple[str, str]]:
    room = None if width is None else width - LABEL
    if not found.is_read:
        yield from _unread(found, room)
        return
    above = [*_above(found, room)]
    yield from above
    yield from _distributions(found, _SCREEN - len(above))


def _above(found: Inspection, room: int | None) -> Iterator[tuple[str, str]]:
    """Say all that stands above the distributions."""
    yield from head.lines(found.head, room, _censored(found.contexts))
    if found.ids:
        more = ", ..." if found.rows.total > len(found.ids) else ""
        yield "ids", printable(", ".join(map(repr, found.ids)) + more)
    yield from contents.lines(found.holds, room)
    listed = tuple(one.name for one in found.holds if one.role == "class")
    if not listed or listed != found.class_names:
        yield "classes", _classes(found)
    yield from _contexts(found)
    yield from _rows(found)
    yield from _guess(found)
    yield from _cells(found)


def _unread(found: Inspection, room: int | None) -> Iterator[tuple[str, str]]:
    """Say what a file holds whose rows were not read; a warning says what is to be chosen."""
    name, kind = printable(found.file.path), found.file.format
    if room is None or cells(f"{name}  {kind}") <= room:
        yield "file", f"{name}  {kind}"
    else:
        yield from once([*(("file", part) for part in folded(name, room)), ("", kind)])
    yield from contents.lines(found.holds, room)
    yield "rows", f"not read: {found.guess.why}"


def _censored(contexts: Contexts | None) -> Iterator[tuple[str, str]]:
    if contexts is not None:
        at_most = number(contexts.held)
        yield "", f"{contexts.censored} cells, which hold at most {at_most} of a row"


def _classes(found: Inspection) -> str:
    if found.class_names is not None:
        return f"{len(found.class_names)}: {classes(found.class_names)}"
    return _count(found.class_shape)


def _contexts(found: Inspection) -> Iterator[tuple[str, str]]:
    """Say what a file of llama.cpp has beside its rows."""
    contexts = found.contexts
    if contexts is None:
        return
    count = contexts.chunks * contexts.n_ctx
    yield (
        "contexts",
        f"{contexts.chunks} of {contexts.n_ctx} tokens (n_ctx), the second half scored",
    )
    more = ", ..." if count > len(contexts.first) else ""
    ids = ", ".join(map(str, contexts.first))
    yield from wrapped("token ids", f"{contexts.distinct} different ones: {ids}{more}")


def _rows(found: Inspection) -> Iterator[tuple[str, str]]:
    rows = found.rows
    full = "each" if rows.valid == rows.total else rows.valid
    yield "rows", f"{_count(found.row_shape)}, a distribution in {full}"
    bad = (
        ("with NaN", rows.nan, rows.first_nan),
        ("with +inf", rows.plus_inf, rows.first_plus_inf),
        ("with nothing but -inf", rows.empty, rows.first_empty),
    )
    parts = (
        f"{count} {what} (first: row {first})" for what, count, first in bad if first is not None
    )
    yield from wrapped("", ", ".join(parts))
    if rows.constant > 1:
        number = "one number" if rows.constant_value is None else f"{rows.constant_value:g}"
        yield "", f"{rows.constant} with nothing but {number}"


def _guess(found: Inspection) -> Iterator[tuple[str, str]]:
    guess = found.guess
    what = "nothing known" if guess.kind is None else _KINDS[guess.kind]
    yield from wrapped("looks like", f"{what}: {guess.why}")
    if guess.options:
        yield "", f"(say {guess.options})"


def _cells(found: Inspection) -> Iterator[tuple[str, str]]:
    cells, masks = found.cells, found.mask_like
    kinds = f"{cells.minus_inf} -inf, {cells.plus_inf} +inf, {cells.nan} NaN"
    yield from wrapped("cells", f"{cells.total}: {cells.finite} finite, {kinds}")
    of = ", mask-like ones left out" if masks.cells else ""
    yield "range", f"{_span(cells.span)} (finite cells{of})"
    yield "mask-like", f"{masks.cells or 'no'} finite cells at or below {masks.at_most:g}"
    if not masks.complete:
        yield "", f"{_span(masks.span)}: more than {len(masks.values)} values, so hardly masks"
        return
    shown = masks.values[:_MASKS_SHOWN]
    width = max((len(str(count)) for _, count in shown), default=0)
    for value, count in shown:
        known = f" ({_MINIMA[value]})" if value in _MINIMA else ""
        yield "", f"{count:>{width}} x {number(value)}{known}"
    if len(masks.values) > len(shown):
        yield "", f"... {len(masks.values)} values in all, {_span(masks.span)}"


def _distributions(found: Inspection, lines: int) -> Iterator[tuple[str, str]]:
    """Say what the rows' distributions are, with as many classes as there are lines for."""
    if found.entropy is None:
        return
    entropy, classes = found.entropy, prod(found.class_shape)
    yield "row sums", _span(found.sums)
    yield "logsumexp", f"{_span(found.log_sums)} (log of sum(exp(row)))"
    yield "argmax", f"{found.leaders.distinct} of {classes} classes are some row's argmax"
    rows, leaders = found.rows.valid, found.leaders.top[: max(_FEW, lines - _OTHER_LINES)]
    top = [(f"{number(100 * count / rows)} %", f"{count}") for _, count in leaders]
    widths = [max(map(len, column)) for column in zip(*top, strict=True)]
    for (index, _), (share, count) in zip(leaders, top, strict=True):
        numbers = f"{share:>{widths[0]}}, {count:>{widths[1]}} of {rows} rows"
        yield "", f"{numbers}: class {_class(index, found)}"
    of = "softmax(row)" if entropy.of == "softmax(row)" else "the row's probabilities"
    yield "entropy", f"of {of}, in nats (at most ln {classes} = {number(log(classes))})"
    low, high = number(entropy.low), number(entropy.high)
    yield "", f"mean {number(entropy.mean)}, min {low}, max {high}"


def _span(span: Span | None) -> str:
    return "none" if span is None else f"{number(span.low)} to {number(span.high)}"


def _count(shape: tuple[int, ...]) -> str:
    axes = f" ({' x '.join(map(str, shape))})" if len(shape) > 1 else ""
    return f"{prod(shape)}{axes}"


def _class(index: int, found: Inspection) -> str:
    if found.class_names is not None:
        return printable(repr(found.class_names[index]))
    return class_name(index, None, found.class_shape)
