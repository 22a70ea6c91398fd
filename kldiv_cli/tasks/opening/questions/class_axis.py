"""Probabilities that sum to 1 along another axis than the one taken for classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.errors import UnclearError
from kldiv_cli.measures.distributions.evidence import MOST_OFF, all_sum_to, in_unit
from kldiv_cli.measures.distributions.exact import widen
from kldiv_cli.measures.distributions.kinds import Kind
from kldiv_cli.sources.base import Source
from kldiv_cli.tasks.opening.axes import along, other_axes, unclear
from kldiv_cli.tasks.opening.first_rows import first_rows
from kldiv_cli.tasks.opening.kinds import NOT_SAID
from kldiv_cli.tasks.opening.questions.opened import Opened
from kldiv_cli.tasks.opening.rounding import sum_tolerance
from kldiv_cli.tasks.options import Verify

_SUMS = 1e-3
_LONGEST = 1 << 18
"""More classes than any vocabulary has; along longer axes nothing is read."""


def sums_along_another_axis(opened: Opened) -> UnclearError | None:
    """Ask where a side's probabilities sum to 1 along another axis only.

    They are probabilities by the user's word, or evidently. A verification holds along any axis.
    """
    asked = opened.asked
    if opened.mode == "sigmoid" or isinstance(asked, Verify):
        return None
    told = getattr(asked, "kind", None) or NOT_SAID
    for source, kind in zip(opened.sources, told, strict=False):
        axes = [] if kind == "logits" else _axes(source, kind)
        if axes:
            return unclear(
                source,
                axes,
                f"{source.path}: expected classes along the last axis, found probabilities that "
                f"sum to 1 along {along(axes)} and not along the last",
                "",
            )
    return None


def _axes(source: Source, kind: Kind | None) -> list[int]:
    """Return the axes along which the first numbers sum to 1; none where the last does."""
    others = other_axes(source)
    if not others or not in_unit(rows := _probabilities(source, kind)):
        return []
    if all_sum_to(rows, 1, _tolerance(source, kind)):
        return []
    return [
        axis
        for axis, turned in others.items()
        if turned.class_shape[0] <= _LONGEST
        and all_sum_to(_probabilities(turned, kind), 1, _tolerance(turned, kind))
    ]


def _probabilities(source: Source, kind: Kind | None) -> NDArray[Any]:
    values = first_rows(source).values
    if kind != "log-probs":
        return values
    with np.errstate(over="ignore", under="ignore"):
        return np.exp(widen(values))


def _tolerance(source: Source, kind: Kind | None) -> float:
    return min(MOST_OFF, max(_SUMS, sum_tolerance(source, kind=kind or "probs")))
