"""Probabilities that would be taken for logits."""

from __future__ import annotations

from kldiv_cli.errors import UnclearError
from kldiv_cli.measures.distributions.evidence import all_in_unit, all_sum_to
from kldiv_cli.sources.base import Source
from kldiv_cli.tasks.opening.first_rows import first_rows
from kldiv_cli.tasks.opening.kinds import NOT_SAID
from kldiv_cli.tasks.opening.questions.opened import Opened
from kldiv_cli.tasks.opening.rounding import sum_tolerance, total_of
from kldiv_cli.tasks.options import Compare, Loss

_CELLS = 64
"""So many labels of their own do not lie in [0, 1] by chance."""


def taken_for_logits(opened: Opened) -> UnclearError | None:
    """Ask where one side or both hold probabilities, and nobody says what they are.

    An inspection guesses what the numbers are, and a verification holds for any numbers.
    """
    if not isinstance(opened.asked, Compare | Loss):
        return None
    told = opened.asked.kind or NOT_SAID
    found = [
        None if kind is not None or source.kind is not None else _found(source, opened.mode)
        for source, kind in zip(opened.sources, told, strict=True)
    ]
    both = None not in found
    places = [place for place, text in enumerate(found) if text is not None]
    if not places:
        return None
    option = "--input" if both else f"--{('reference', 'candidate')[places[0]]}-input"
    normalize = any(_needs_sums(opened.sources[place], opened.mode) for place in places)
    where = " and ".join(opened.sources[place].path for place in places)
    return UnclearError(
        f"{where}: expected logits, found {found[places[0]]}",
        f"Say {option} probs{' --normalize' if normalize else ''} to take them for what they look "
        f"like, or {option} logits if they are logits all the same.",
    )


def _found(source: Source, mode: str) -> str | None:
    """Say what the first rows hold that is no logits; None where they may be logits."""
    if mode == "sigmoid":
        if not all_in_unit(first_rows(source).values, _CELLS):
            return None
        return "one probability per cell: all of the first rows lie in [0, 1]"
    total = total_of(source)
    if total is None:
        return None
    word = "probabilities" if total == 1 else "percentages"
    return f"{word}: all of the first rows lie in [0, {total}] and sum to {total}"


def _needs_sums(source: Source, mode: str) -> bool:
    """Tell whether rows have to be divided by their sums, which are too far from 1."""
    if mode == "sigmoid":
        return False
    return not all_sum_to(first_rows(source).values, 1, sum_tolerance(source))
