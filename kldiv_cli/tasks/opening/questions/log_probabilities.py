"""Log-probabilities of a softmax that would be taken for logits of labels of their own."""

from __future__ import annotations

from kldiv_cli.errors import UnclearError
from kldiv_cli.measures.distributions.kinds import looks_like
from kldiv_cli.tasks.opening.first_rows import first_rows
from kldiv_cli.tasks.opening.kinds import NOT_SAID
from kldiv_cli.tasks.opening.questions.opened import Opened
from kldiv_cli.tasks.options import Compare


def taken_for_labels(opened: Opened) -> UnclearError | None:
    """Ask where rows under sigmoid are normalised over their classes.

    Under softmax log-probabilities are logits as good as any. A loss has a link of its own.
    """
    asked = opened.asked
    if not isinstance(asked, Compare) or opened.mode == "softmax":
        return None
    for side, source in enumerate(opened.sources):
        if source.kind is not None or (asked.kind or NOT_SAID)[side] is not None:
            continue
        rows = first_rows(source).values
        if len(rows) > 1 and rows.shape[1] > 1 and looks_like(rows, "log-probs"):
            return UnclearError(
                f"{source.path}: expected a logit per label under sigmoid, found log-probabilities "
                "of a softmax: the exponentials of all first rows sum to 1",
                f"Say --mode softmax, or --{('reference', 'candidate')[side]}-input logits if they "
                "are logits all the same.",
            )
    return None
