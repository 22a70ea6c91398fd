"""Probabilities that sum to 1 along another axis than the one taken for classes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.errors import UnclearError
from kldiv_cli.measures.distributions.evidence import MOST_OFF, all_sum_to, in_unit
from kldiv_cli.measures.distributions.exact import widen
from kldiv_cli.measures.distributions.kinds import Kind
from kldiv_cli.measures.distributions.stretches import STRETCH, stretches
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


class _Reading(NamedTuple):
    """What numbers may be that sum to a total."""

    words: str
    kind: Kind
    total: float = 1


_PROBS, _LOGS = _Reading("probabilities", "probs"), _Reading("log-probabilities", "log-probs")
_READINGS: dict[Kind | None, tuple[_Reading, ...]] = {
    "logits": (),
    "probs": (_PROBS,),
    "log-probs": (_LOGS,),
    None: (_PROBS, _Reading("percentages", "probs", 100), _LOGS),
}


def sums_along_another_axis(opened: Opened) -> UnclearError | None:
    """Ask where a side's probabilities sum to 1 along another axis only.

    They are probabilities by the user's word, or evidently. A verification holds along any axis.
    """
    asked = opened.asked
    if opened.mode == "sigmoid" or isinstance(asked, Verify):
        return None
    told = getattr(asked, "kind", None) or NOT_SAID
    for source, kind in zip(opened.sources, told, strict=False):
        for reading in _READINGS[kind]:
            axes = _axes(source, reading)
            if axes:
                return unclear(
                    source,
                    axes,
                    f"{source.path}: expected classes along the last axis, found {reading.words} "
                    f"that sum to {reading.total} along {along(axes)} and not along the last",
                    "",
                )
    return None


def _axes(source: Source, reading: _Reading) -> list[int]:
    """Return the axes along which the first numbers sum to a total; none where the last does."""
    others = other_axes(source)
    if not others or not _may_be(source, reading) or _sum_up(source, reading):
        return []
    return [
        axis
        for axis, turned in others.items()
        if turned.class_shape[0] <= _LONGEST and _sum_up(turned, reading)
    ]


def _may_be(source: Source, reading: _Reading) -> bool:
    """Tell whether the first rows may be that at all; those of most logits are told at a glance."""
    most = 0 if reading is _LOGS else reading.total
    return all(
        not (part[:1] > most + _SUMS).any() and in_unit(_shares(part, reading))
        for part in stretches(first_rows(source).values)
    )


def _sum_up(source: Source, reading: _Reading) -> bool:
    tolerance = sum_tolerance(source, reading.total, reading.kind)
    tolerance = min(MOST_OFF, max(_SUMS, tolerance))
    values = first_rows(source).values
    if values.shape[1] <= STRETCH:
        return all_sum_to(_shares(values, reading), 1, tolerance)
    sums = sum(_shares(part, reading).sum(axis=1) for part in stretches(values))
    return len(values) > 1 and bool((np.abs(sums - 1) <= tolerance).all())


def _shares(values: NDArray[Any], reading: _Reading) -> NDArray[Any]:
    """Return numbers as parts of their row's total."""
    if reading is _PROBS:
        return values
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        return np.exp(widen(values)) if reading is _LOGS else widen(values) / reading.total
