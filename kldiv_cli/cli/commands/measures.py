"""``kldiv measures``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from kldiv_cli.cli import streams
from kldiv_cli.errors import UsageError

if TYPE_CHECKING:
    from kldiv_cli.measures.base import Measure
    from kldiv_cli.measures.types import Mode

_EXAMPLE = ((2.0, 1.0, 0.0, -1.0), (1.5, 1.2, -0.3, 0.4))


def measures(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Explain this one, such as kl or gjs:0.1.")
    ] = None,
) -> int:
    """List what can be measured, or explain one measure with a worked example."""
    lines = _listing() if name is None else _explanation(name)
    streams.put(lambda stream: stream.writelines(line + "\n" for line in lines))
    return 0


def _listing() -> list[str]:
    from kldiv_cli.measures import MEASURES, load

    found = []
    for error in MEASURES.broken():
        streams.tell(f"warning: {error.what}", error.advice)
    for name, entry in MEASURES.rows().items():
        try:
            found.append((MEASURES.usage(name), load(MEASURES.example(name)), entry.description))
        except UsageError as error:
            streams.tell(f"warning: {error.what}", error.advice)
    width = max(len(usage) for usage, _, _ in found)
    lines = ["p: reference, q: candidate. In nats, or bits with --unit bits, where not said.", ""]
    for usage, measure, description in found:
        limits = f"{measure.range}{'' if measure.has_unit else ', no unit'}"
        texts = (description, limits, measure.reference)
        first, *rest = (line for text in texts for line in _wrap(text, max(40, 78 - width)))
        lines += [f"{usage:<{width}}  {first}", *(f"{'':<{width}}  {line}" for line in rest)]
    return [*lines, "", "'kldiv measures NAME' explains one with a worked example."]


def _explanation(name: str) -> list[str]:
    from kldiv_cli.measures import MEASURES, load

    measure = load(MEASURES.example(name))
    lines = [f"{measure.name}: {measure.title}", ""]
    rows = [
        ("softmax", measure.formula["softmax"]),
        ("sigmoid", measure.formula["sigmoid"]),
        ("range", measure.range),
        ("unit", "nats or bits" if measure.has_unit else "none"),
        *([("edges", measure.edges)] if measure.edges else []),
        ("over cells", _over_cells(measure)),
        ("source", measure.reference),
    ]
    for label, text in rows:
        first, *rest = _wrap(text, 67)
        lines += [f"{label:<10}  {first}", *(f"{'':<12}{line}" for line in rest)]
    return [*lines, "", *_example(measure)]


def _over_cells(measure: Measure) -> str:
    if measure.additive:
        return "under sigmoid the sum is that of the joint distribution of independent cells"
    return "under sigmoid the sum over cells is a convention, not that of the joint distribution"


def _example(measure: Measure) -> list[str]:
    """Work the measure out on one row of four classes."""
    import numpy as np

    from kldiv_cli.measures import prepare

    s, t = (np.array([row]) for row in _EXAMPLE)
    modes: tuple[Mode, ...] = ("softmax", "sigmoid")
    pairs = {mode: prepare(mode, s, t) for mode in modes}
    p, q = pairs["softmax"].p[0], pairs["softmax"].q[0]
    unit = " nats" if measure.has_unit else ""
    return [
        f"example     s = {_EXAMPLE[0]}, t = {_EXAMPLE[1]}",
        f"            p = softmax(s) = {_vector(p)}",
        f"            q = softmax(t) = {_vector(q)}",
        *(
            f"            {measure.name} under {mode}: {float(measure.rows(pair)[0]):.12g}{unit}"
            for mode, pair in pairs.items()
        ),
    ]


def _vector(values: Iterable[float]) -> str:
    return "(" + ", ".join(f"{value:.4f}" for value in values) + ")"


def _wrap(text: str, width: int) -> list[str]:
    from textwrap import wrap

    return wrap(text, width, break_long_words=False, break_on_hyphens=False)
