"""What the probabilities of a side sum to, and how exactly they are written."""

from __future__ import annotations

from kldiv_cli.measures.distributions.evidence import MOST_OFF, all_sum_to, rounding
from kldiv_cli.measures.distributions.kinds import Kind
from kldiv_cli.sources.base import Source
from kldiv_cli.tasks.opening.first_rows import first_rows

_SUMS = 1e-3
"""Logits do not sum to 1 this closely in several rows by chance."""
_WIDE, _WIDE_OFF = 64, 0.5
"""Nor do rows of so many classes that all lie in [0, 1], be it only so closely."""


def total_of(source: Source, least: int = 2) -> int | None:
    """Return what the first rows sum to: 1 as probabilities, 100 as percentages, or None.

    ``least`` is how many rows are enough to tell.
    """
    rows = first_rows(source).values
    most = _WIDE_OFF if rows.shape[1] >= _WIDE else MOST_OFF
    for total in (1, 100):
        if all_sum_to(rows, total, most, least):
            worst = max(_SUMS, source.sum_tolerance, rounding(rows, total).worst)
            if all_sum_to(rows, total, min(most, worst), least):
                return total
    return None


def sum_tolerance(source: Source, total: float = 1, kind: Kind = "probs") -> float:
    """Return how far rows may sum from their total, relative to it.

    It is that of the format and the type, or of the digits that the first rows have.
    """
    found = rounding(first_rows(source).values, total, logs=kind == "log-probs")
    return max(source.sum_tolerance, found.tolerance)


def decimals(source: Source) -> int | None:
    """Return how many decimals the numbers of the first rows have, None where they are many."""
    return rounding(first_rows(source).values).decimals
