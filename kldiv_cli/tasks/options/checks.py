"""Which values of an option cannot be, and which options cannot be together."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, isnan

from kldiv_cli.errors import UsageError


def temperature(value: float) -> None:
    """Raise a `UsageError` for what logits cannot be divided by."""
    if not (isfinite(value) and value > 0):
        raise UsageError(
            f"expected a temperature above 0, found {value:g}", "1 leaves the logits alone."
        )


def smooth(value: float) -> None:
    """Raise a `UsageError` for what is no weight of the uniform distribution."""
    if not 0 <= value < 1:
        raise UsageError(
            f"expected --smooth of 0 or more and below 1, found {value:g}",
            "It is the weight of the uniform distribution in the candidate.",
        )


def mask_below(value: float) -> None:
    """Raise a `UsageError` for what no cell can be below."""
    if isnan(value):
        raise UsageError(
            "expected a number as --mask-below, found nan", "-1e4 is above what masks hold."
        )


def top(value: int) -> None:
    """Raise a `UsageError` for what is no number of rows."""
    if value < 0:
        raise UsageError(f"expected --top of 0 or more, found {value}", "--top 10 is the default.")


def threads(value: int) -> None:
    """Raise a `UsageError` for what is no number of threads."""
    if value < 1:
        raise UsageError(
            f"expected a whole number of --threads, 1 or more, found {value}",
            "Leave it out to use all cores.",
        )


def measure(names: Sequence[str]) -> None:
    """Raise a `UsageError` where nothing is to be measured."""
    if not names:
        raise UsageError("expected at least one measure, found none", "jeffreys is the default.")


def limits(bounds: Sequence[tuple[str, float]]) -> None:
    """Raise a `UsageError` for a limit that nothing can be above or below."""
    for stat, bound in bounds:
        if isnan(bound):
            raise UsageError(
                f"expected a number as the limit of {stat}, found nan", "Say for example mean=0.01."
            )


def normalize(mode: str, kinds: tuple[str | None, str | None] | None, *, normalize: bool) -> None:
    """Raise a `UsageError` where there are no rows of probabilities to normalise."""
    if normalize and set(kinds or (None,)) <= {None, "logits"}:
        raise UsageError(
            "--normalize is for probabilities, and there are none",
            "Leave it out, or say --input probs.",
        )
    if normalize and mode == "sigmoid":
        raise UsageError(
            "--normalize is for rows that sum to 1, and under sigmoid none has to",
            "Leave it out.",
        )


def axes(row_axes: int | None, class_axis: int | None) -> None:
    """Raise a `UsageError` where both say which axes index rows."""
    if row_axes is not None and class_axis is not None:
        raise UsageError(
            "--row-axes says that the last axes index classes, and --class-axis which one does",
            "Leave one of the two out.",
        )
