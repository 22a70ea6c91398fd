"""``torch.nn.functional.kl_div``, used rightly or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.losses.base import Loss, Outcome, Rows, Size, check_known, over_elements
from kldiv_cli.measures.distributions import doubled
from kldiv_cli.measures.distributions.doubled import Doubled
from kldiv_cli.measures.distributions.sharp import Logarithms, without_cancellation
from kldiv_cli.measures.types import Float64

REDUCTIONS = ("mean", "batchmean", "sum")


@dataclass(frozen=True)
class Torch(Loss):
    """``kl_div(input, target)`` with input = log_softmax(candidate), target = softmax(reference).

    That computes KL(p||q). With the two arguments swapped, old releases returned 0, and torch now
    returns NaN: the target then holds negative numbers.

    Parameters
    ----------
    reduction : {"mean", "batchmean", "sum"}
        mean divides by the number of elements, batchmean by the length of the first axis.
    log_target : bool
        The target is log_softmax(reference), and torch is told so. A reference of -inf is NaN then,
        as it is without where both sides are -inf: torch multiplies 0 by infinity. So it does where
        the candidate is -inf and exp of the reference's logarithm underflows to 0.
    raw_input : bool
        Nothing is logged: input = softmax(candidate), and under log_target the target is
        softmax(reference), which torch takes for logarithms.
    """

    reduction: str = "mean"
    log_target: bool = False
    raw_input: bool = False

    def __post_init__(self) -> None:
        check_known("--reduction", self.reduction, REDUCTIONS)

    @property
    def measures(self) -> tuple[str, ...]:
        """The divergence."""
        return ("kl",)

    def rows(self, rows: Rows) -> dict[str, Float64]:
        """Return the sum over classes, and the divergence that it should be."""
        kl = rows.measured("kl")
        return {"loss": _raw(rows, self.log_target) if self.raw_input else self._as(kl, rows)} | {
            "kl": kl
        }

    def _as(self, kl: Float64, rows: Rows) -> Float64:
        """Return the divergence, NaN where torch multiplies 0 by infinity."""
        infinite = np.flatnonzero(rows.absent(1) | (self.log_target & rows.absent(0)))
        if not infinite.size:
            return kl
        some = rows[infinite]
        sides = some.pair.prepared.reference, some.pair.prepared.candidate
        absent = [x.absent for x in sides[not self.log_target :] if x.absent is not None]
        wrong = some.kept_of(np.logical_or.reduce(absent) & (some.pair.p == 0)).any(axis=1)
        loss = kl.copy()
        loss[infinite[wrong]] = np.nan
        return loss

    def result(self, sums: Mapping[str, float], size: Size) -> Outcome:
        """Divide as torch does."""
        denominator, reduction = {
            "mean": (
                size.cells,
                over_elements(size),
            ),
            "batchmean": (size.batch, f"sum / {size.batch}, the length of the first axis"),
            "sum": (1, "sum over all elements"),
        }[self.reduction]
        return Outcome(
            value=sums["loss"] / denominator,
            reduction=reduction,
            denominator=denominator,
            reference_name="KL(p||q)",
            reference_value=sums["kl"] / size.rows,
            factor=None if self.raw_input else size.rows / denominator,
            notes=tuple(self._notes(sums, size)),
        )

    def _notes(self, sums: Mapping[str, float], size: Size) -> list[str]:
        notes = []
        if self.raw_input:
            notes.append(
                "The input was not logged, so this is no divergence, and 0 means nothing. Give "
                "torch log_softmax(candidate) and leave log_target False."
            )
        elif isnan(sums["loss"]) and not isnan(sums["kl"]):
            notes.append(
                "torch multiplies 0 by infinity where a logit is -inf; the KL counts 0 there. Fill "
                "with a large negative number instead."
            )
        if self.reduction == "mean":
            classes = "classes" if size.masked else f"{size.classes} classes"
            notes.append(
                f"mean divides by the {classes} too and is not the KL; batchmean is, for 2-D input."
            )
        elif self.reduction == "batchmean" and size.batch != size.rows:
            notes.append(
                f"batchmean divides by the first axis only, {size.batch}, for {size.rows} rows."
            )
        return notes


def _raw(rows: Rows, log_target: bool) -> Float64:
    """Return what comes out where the logarithm was forgotten."""
    pair = rows.pair
    if log_target:
        # sum p - q is 0, and left out: of small probabilities it would be all that is summed.
        return without_cancellation(
            np.expm1(pair.p) * np.copysign(pair.difference, -pair.e), pair, _as_logarithms
        )
    overlap: Float64 = (pair.p * pair.q).sum(axis=1)
    return -rows.measured("entropy") - overlap


def _as_logarithms(found: Logarithms, _: NDArray[np.bool_]) -> Doubled:
    """Return terms of sum exp(p) * (p - q), less a factor that all share and sum(p - q) = 0.

    The terms of a uniform p, of which nothing else is left, are exactly 0.
    """
    p, q = doubled.exp(found.log_p), doubled.exp(doubled.add(found.log_p, found.e))
    first = p[0][:, :1], p[1][:, :1]
    growth = doubled.expm1(doubled.subtract(p, first))
    return doubled.multiply(doubled.multiply(doubled.exp(first), growth), doubled.subtract(p, q))
