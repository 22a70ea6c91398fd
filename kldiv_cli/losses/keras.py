"""Keras' ``losses.KLDivergence``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from kldiv_cli.losses.base import Loss, Outcome, Rows, Size, measured, over_rows
from kldiv_cli.measures.distributions.pair import kl_terms
from kldiv_cli.measures.types import Float64

EPSILON = 1e-7


@dataclass(frozen=True)
class Keras(Loss):
    """``KLDivergence()(y_true, y_pred)``: y_true = softmax(reference), y_pred of the candidate."""

    def rows(self, rows: Rows) -> dict[str, Float64]:
        """Return the sum over classes, the divergence it stands for, and how much was clipped."""
        p, q = rows.pair.p, rows.pair.q
        clipped = rows.kept_of(np.minimum(p, q) < EPSILON).sum(axis=1)
        return {
            "loss": clipped_kl(p, q, rows.pair.e),
            "kl": measured("kl", rows.pair),
            "clipped": clipped.astype(np.float64),
        }

    def result(self, sums: Mapping[str, float], size: Size) -> Outcome:
        """Divide by the rows."""
        exact = sums["clipped"] == 0
        note = f"Classes below 1e-7 on either side, over all rows: {sums['clipped']:.0f}."
        return Outcome(
            value=sums["loss"] / size.rows,
            reduction=over_rows(size),
            denominator=size.rows,
            reference_name="KL(p||q)",
            reference_value=sums["kl"] / size.rows,
            factor=1.0 if exact else None,
            notes=() if exact else (note,),
        )


def clipped_kl(p: Float64, q: Float64, e: Float64 | None = None) -> Float64:
    """Return sum p' * log(p' / q') per row, p' and q' being p and q clipped to [1e-7, 1].

    Below 0 where the rows of q sum to more than those of p. For distributions ``e`` = log(q / p)
    keeps the digits: the sum is that of KL, whose terms are >= 0, less what clipping added to
    sum(q - p) = 0.

    Examples
    --------
    >>> import numpy as np
    >>> f"{clipped_kl(np.array([[0.5, 0.5]]), np.array([[1.0, 1.0]]))[0]:.12f}"
    '-0.693147180560'
    """
    ours, theirs = np.clip(p, EPSILON, 1.0), np.clip(q, EPSILON, 1.0)
    ratio = np.log(theirs / ours)
    if e is None:
        plain: Float64 = -(ours * ratio).sum(axis=1)
        return plain
    unclipped = (ours == p) & (theirs == q)
    terms = kl_terms(ours, theirs, np.where(unclipped, e, ratio), None)
    # p - q itself loses the digits of close rows, where most classes may be clipped on both sides.
    both = (p < EPSILON) & (q < EPSILON)
    less = np.copysign(np.maximum(p, q) * -np.expm1(-np.abs(e)), -e)
    added = np.where(both, less, (theirs - q) - (ours - p))
    kept: Float64 = (terms - np.where(unclipped, 0.0, added)).sum(axis=1)
    return kept
