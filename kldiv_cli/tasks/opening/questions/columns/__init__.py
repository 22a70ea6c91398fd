"""Columns that may be no classes: row ids, labels, a second family of numbers beside the logits."""

from kldiv_cli.tasks.opening.questions.columns.asking import no_classes

__all__ = ["no_classes"]
