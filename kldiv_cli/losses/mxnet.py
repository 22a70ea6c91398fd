"""MXNet's ``gluon.loss.KLDivLoss``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isinf, isnan

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.losses.base import Loss, Outcome, Rows, Size, check_known, over_elements
from kldiv_cli.measures.distributions import doubled
from kldiv_cli.measures.distributions.doubled import Doubled
from kldiv_cli.measures.distributions.sharp import Logarithms, without_cancellation
from kldiv_cli.measures.types import Float64

EPSILON = 1e-12
_NO_UNDERFLOW = 1e-200
RELEASES = ("1.8", "1.9")
_AS_IT_IS = (
    "pred is the candidate's file as it is, taken for log-probabilities; for logits say "
    "--no-from-logits."
)
_BUT_FOR_EPSILON = "The factor holds but for the epsilon of 1e-12."
_NAN = (
    "MXNet multiplies 0 by infinity where both logits are -inf; the KL counts 0 there. Fill with a "
    "large negative number instead."
)
_INFINITE = "The candidate gives 0 to a label that is positive; releases up to 1.6 print nan there."


@dataclass(frozen=True)
class MXNet(Loss):
    """``KLDivLoss(from_logits)(pred, label)``, its mean over the batch; label = softmax(reference).

    Parameters
    ----------
    release : {"1.8", "1.9"}
        Up to 1.8, and again in 2.0, the mean over all axes but the first; in 1.9 their sum.
    from_logits : bool
        MXNet's default is True: the candidate's numbers are taken for log-probabilities as they
        are. False applies log_softmax first, which is right for a file of logits.
    """

    release: str = "1.8"
    from_logits: bool = False

    def __post_init__(self) -> None:
        check_known("--release", self.release, RELEASES)

    @property
    def measures(self) -> tuple[str, ...]:
        """The divergence."""
        return ("kl",)

    def rows(self, rows: Rows) -> dict[str, Float64]:
        """Return the sum over classes: KL, what epsilon adds, what pred lacks to be normalised."""
        pair = rows.pair
        kl = rows.measured("kl")
        loss = kl + _of_epsilon(pair.p)
        if self.from_logits:
            loss = _from_logits(rows, kl) + _of_epsilon(pair.p)
        absent = pair.prepared.candidate.absent
        if absent is not None:
            wrong = rows.kept_of(absent & (pair.p == 0))
            loss = np.where(wrong.any(axis=1), np.nan, loss)
        return {"loss": loss, "kl": kl}

    def result(self, sums: Mapping[str, float], size: Size) -> Outcome:
        """Divide as the release does."""
        if self.release == "1.8":
            denominator = size.cells
            reduction = over_elements(size)
        else:
            denominator = size.batch
            reduction = f"sum over classes, mean over the batch: sum / {size.batch}"
        notes = [_AS_IT_IS if self.from_logits else _BUT_FOR_EPSILON]
        if isnan(sums["loss"]) and not isnan(sums["kl"]):
            notes.append(_NAN)
        elif isinf(sums["loss"]):
            notes.append(_INFINITE)
        return Outcome(
            value=sums["loss"] / denominator,
            reduction=reduction,
            denominator=denominator,
            reference_name="KL(p||q)",
            reference_value=sums["kl"] / size.rows,
            factor=None if self.from_logits else size.rows / denominator,
            notes=tuple(notes),
        )


def _of_epsilon(p: Float64) -> Float64:
    """Return sum p * log((p + epsilon) / p), 0 where p is."""
    rows: Float64 = (p * np.log1p(EPSILON / np.maximum(p, _NO_UNDERFLOW))).sum(axis=1)
    return rows


def _from_logits(rows: Rows, kl: Float64) -> Float64:
    """Return sum p * (log p - n): KL less the log-partition of the numbers that n holds."""
    pair, candidate = rows.pair, rows.written[1]
    top = np.take_along_axis(rows.n, pair.argmax[1][:, None], axis=1)
    largest = replace(candidate, values=top).logits(np.arange(len(top)))[0][:, 0]
    partition = pair.prepared.candidate.log_partition[:, 0]

    def sharply(found: Logarithms, chosen: NDArray[np.bool_]) -> Doubled:
        here = found.log_p[0] > -np.inf
        high, *low = candidate.logits(np.flatnonzero(chosen))
        logits = (high, low[0]) if low else doubled.single(high)
        ours, theirs = (doubled.where(here, x, doubled.single(0)) for x in (found.log_p, logits))
        surplus = doubled.subtract(ours, theirs)
        return doubled.multiply(doubled.exp(found.log_p), surplus)

    return without_cancellation(np.stack([kl, -largest, -partition], axis=1), pair, sharply)
