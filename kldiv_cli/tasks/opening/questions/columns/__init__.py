"""Columns that may be no classes: row ids, labels, a second family of numbers beside the logits."""

from __future__ import annotations

from kldiv_cli.errors import UnclearError
from kldiv_cli.tasks.opening.questions.opened import Opened


def no_classes(opened: Opened) -> UnclearError | None:
    """Ask where numeric columns of a table may be something else than classes.

    A name alone is no reason: two signs have to agree. Whoever names the classes is not asked.
    """
    if all(source.columns is None for source in opened.sources):
        return None
    from kldiv_cli.tasks.opening.questions.columns.asking import of_tables  # noqa: PLC0415 - arrays have no columns

    return of_tables(opened)
