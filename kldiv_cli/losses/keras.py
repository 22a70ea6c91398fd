"""Keras' ``losses.KLDivergence``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.losses.base import Loss, Outcome, Rows, Size, over_rows
from kldiv_cli.measures.distributions import doubled
from kldiv_cli.measures.distributions.doubled import Doubled
from kldiv_cli.measures.distributions.pair import Pair, kl_terms
from kldiv_cli.measures.distributions.sharp import Logarithms, without_cancellation
from kldiv_cli.measures.types import Float64

EPSILON = 1e-7


@dataclass(frozen=True)
class Keras(Loss):
    """``KLDivergence()(y_true, y_pred)``: y_true = softmax(reference), y_pred of the candidate."""

    @property
    def measures(self) -> tuple[str, ...]:
        """The divergence."""
        return ("kl",)

    def rows(self, rows: Rows) -> dict[str, Float64]:
        """Return the sum over classes, the divergence it stands for, and how much was clipped."""
        p, q = rows.pair.p, rows.pair.q
        clipped = rows.kept_of(np.minimum(p, q) < EPSILON).sum(axis=1)
        return {
            "loss": _of_distributions(rows.pair),
            "kl": rows.measured("kl"),
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


def clipped_kl(p: Float64, q: Float64) -> Float64:
    """Return sum p' * log(p' / q') per row, p' and q' being p and q clipped to [1e-7, 1].

    Below 0 where the rows of q sum to more than those of p.

    Examples
    --------
    >>> import numpy as np
    >>> f"{clipped_kl(np.array([[0.5, 0.5]]), np.array([[1.0, 1.0]]))[0]:.12f}"
    '-0.693147180560'
    """
    ours, theirs = np.clip(p, EPSILON, 1.0), np.clip(q, EPSILON, 1.0)
    rows: Float64 = -(ours * np.log(theirs / ours)).sum(axis=1)
    return rows


def _of_distributions(pair: Pair) -> Float64:
    """Return the same of distributions, whose e = log(q / p) keeps the digits.

    The sum is that of KL, whose terms are >= 0, less what clipping added to sum(q - p) = 0.
    """
    p, q, e = pair.p, pair.q, pair.e
    ours, theirs = np.clip(p, EPSILON, 1.0), np.clip(q, EPSILON, 1.0)
    unclipped = (ours == p) & (theirs == q)
    terms = kl_terms(ours, theirs, np.where(unclipped, e, np.log(theirs / ours)), None)
    # p - q itself loses the digits of close rows, where most classes may be clipped on both sides.
    both = (p < EPSILON) & (q < EPSILON)
    less = np.copysign(np.maximum(p, q) * -np.expm1(-np.abs(e)), -e)
    added = np.where(unclipped, 0.0, np.where(both, less, (theirs - q) - (ours - p)))
    return without_cancellation(np.concatenate([terms, -added], axis=1), pair, _sharply)


def _sharply(found: Logarithms, _: NDArray[np.bool_]) -> Doubled:
    """Return p' * log(p' / q') from logarithms of 32 digits."""
    least = doubled.log(doubled.single(EPSILON))
    log_q = doubled.add(found.log_p, found.e)
    low_p, low_q = found.log_p[0] < least[0], log_q[0] < least[0]
    p = doubled.where(low_p, doubled.single(EPSILON), doubled.exp(found.log_p))
    ratio = doubled.subtract(
        doubled.where(low_p, least, found.log_p), doubled.where(low_q, least, log_q)
    )
    kept = doubled.where(low_p | low_q, ratio, (-found.e[0], -found.e[1]))
    return doubled.multiply(p, kept)
