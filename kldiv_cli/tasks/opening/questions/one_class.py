"""Rows of a single class, of which a softmax says nothing."""

from __future__ import annotations

from math import prod

from kldiv_cli.errors import UnclearError
from kldiv_cli.sources.base import Source, shown_shape
from kldiv_cli.tasks.opening.questions.opened import Opened
from kldiv_cli.tasks.options import Loss

_LABELS = "takes every number for a label of its own, as a binary classifier gives them"


def one_class(opened: Opened) -> UnclearError | None:
    """Say that rows of one number are labels of their own, or that another axis is the classes."""
    source, pairing = opened.sources[0], opened.pairing
    shape = source.class_shape if pairing is None else pairing.class_shape
    if opened.mode == "sigmoid" or prod(shape) > 1:
        return None
    kept = None if pairing is None else pairing.classes
    if kept is not None:
        found = f"one, which is left by {' and '.join(kept.options)}"
    elif source.class_axes == ():
        found = "one, as --row-axes 1 makes a row of every number"
    else:
        found = f"one (shape {shown_shape(source.shape)})"
    advice = f"Say --mode sigmoid, which {_LABELS}"
    if isinstance(opened.asked, Loss):
        advice = f"Say kldiv compare --mode sigmoid, which {_LABELS}"
    if kept is not None:
        advice += ", or keep more classes"
    elif opened.asked.row_axes is None and (axes := _other_axes(source)):
        advice += f", or {' or '.join(axes)} where that axis indexes classes"
    return UnclearError(
        f"{source.path}: expected two classes or more, found {found}: under softmax its "
        "probability is always 1",
        f"{advice}.",
    )


def _other_axes(source: Source) -> list[str]:
    """Return the options for other axes of an array that may index its classes."""
    axes = [f"--class-axis {axis}" for axis, length in enumerate(source.shape) if length != 1]
    return axes if len(source.class_axes or ()) == 1 and len(axes) > 1 else []
