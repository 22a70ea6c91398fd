"""How exactly the probabilities of a side are written."""

from __future__ import annotations

from kldiv_cli.measures.distributions.evidence import rounding
from kldiv_cli.measures.distributions.kinds import Kind
from kldiv_cli.sources.base import Source
from kldiv_cli.tasks.opening.first_rows import first_rows


def sum_tolerance(source: Source, total: float = 1, kind: Kind = "probs") -> float:
    """Return how far rows may sum from their total, relative to it.

    It is that of the format and the type, or of the digits that the first rows have.
    """
    found = rounding(first_rows(source).values, total, logs=kind == "log-probs")
    return max(source.sum_tolerance, found.tolerance)


def decimals(source: Source) -> int | None:
    """Return how many decimals the numbers of the first rows have, None where they are many."""
    return rounding(first_rows(source).values).decimals
