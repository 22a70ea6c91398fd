"""DistiLLM's skew KL, whose code leaves the entropy out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log

import numpy as np

from kldiv_cli.errors import UsageError
from kldiv_cli.losses.base import Loss, Outcome, Rows, Size, measured, over_rows
from kldiv_cli.measures.distributions.pair import Pair
from kldiv_cli.measures.types import Float64


@dataclass(frozen=True)
class DistiLLM(Loss):
    """-sum p * log M, M = lam * p + (1 - lam) * q: the skew KL plus H(p), so not 0 on equal input.

    With ``reverse`` the sides change places and the entropy stays: KL(q || lam*q + (1-lam)*p).
    Where either logit is infinite the code puts 0 in place of the term.

    Parameters
    ----------
    lam : float
        In (0, 1): the weight of the mixture's first part.
    reverse : bool
        The student's divergence from the mixture.
    """

    lam: float = 0.1
    reverse: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.lam < 1:
            raise UsageError(
                f"expected --lambda to be above 0 and below 1, found {self.lam:g}",
                "The paper has 0.1; at 0 it is KL, at 1 the student is not looked at.",
            )

    def rows(self, rows: Rows) -> dict[str, Float64]:
        """Return what the code sums, and the skew KL and entropy that it is made of."""
        pair = rows.pair.swapped if self.reverse else rows.pair
        skew = measured(f"skew-kl:{self.lam!r}", pair)
        entropy = measured("entropy", pair)
        surprise = _left_out(pair, self.lam)
        if self.reverse:
            return {"loss": skew - surprise[1], "skew": skew}
        return {"loss": skew + entropy - surprise[0], "skew": skew, "entropy": entropy}

    def result(self, sums: Mapping[str, float], size: Size) -> Outcome:
        """Divide by the rows."""
        a, b = ("q", "p") if self.reverse else ("p", "q")
        skew = sums["skew"] / size.rows
        components = {"skew_kl": skew}
        if not self.reverse:
            components["entropy"] = sums["entropy"] / size.rows
        return Outcome(
            value=sums["loss"] / size.rows,
            components=components,
            reduction=over_rows(size),
            denominator=size.rows,
            reference_name=f"KL({a} || {self.lam:g}*{a} + {1 - self.lam:g}*{b})",
            reference_value=skew,
            factor=1.0 if self.reverse else None,
            notes=()
            if self.reverse
            else ("The code drops the entropy of p: the loss is the skew KL plus H(p).",),
        )


def _left_out(pair: Pair, lam: float) -> tuple[Float64, Float64]:
    """Return what cells with an infinite logit on the other side would add: p * -log M, and KL.

    There M is lam * p.
    """
    nothing = np.zeros(len(pair.status))
    if pair.prepared.no_q is None:
        return nothing, nothing
    weights = np.where(pair.prepared.no_q, pair.p, 0.0)
    surprise = np.where(weights > 0, pair.prepared.reference.surprise, 0.0)
    cross = (weights * (surprise - log(lam))).sum(axis=1)
    return cross, -log(lam) * weights.sum(axis=1)
