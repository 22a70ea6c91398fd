"""The questions, in their order."""

from __future__ import annotations

from collections.abc import Callable

from kldiv_cli.errors import UnclearError
from kldiv_cli.tasks.opening.questions.class_axis import sums_along_another_axis
from kldiv_cli.tasks.opening.questions.columns import no_classes
from kldiv_cli.tasks.opening.questions.log_probabilities import taken_for_labels
from kldiv_cli.tasks.opening.questions.lone_ids import moved_rows
from kldiv_cli.tasks.opening.questions.one_class import one_class
from kldiv_cli.tasks.opening.questions.opened import Opened
from kldiv_cli.tasks.opening.questions.probabilities import taken_for_logits
from kldiv_cli.tasks.opening.questions.top_k import taken_for_classes

QUESTIONS: tuple[Callable[[Opened], UnclearError | None], ...] = (
    one_class,
    taken_for_classes,
    sums_along_another_axis,
    taken_for_logits,
    taken_for_labels,
    moved_rows,
)
"""A question returns what it would ask; None where there is nothing to ask.

What columns are is asked before two sides are paired: it may be the reason why they do not fit.
"""


def ask(opened: Opened) -> None:
    """Raise the first question that there is.

    Raises
    ------
    UnclearError
        Two readings of a file are plausible, and no option says which is meant.
    """
    for question in QUESTIONS:
        found = question(opened)
        if found is not None:
            raise found


def asked_of(opened: Opened) -> tuple[UnclearError, ...]:
    """Return all questions that there are."""
    every = (no_classes, *QUESTIONS)
    return tuple(found for question in every if (found := question(opened)) is not None)
