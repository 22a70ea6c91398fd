"""DistiLLM's skew KL, whose code leaves the entropy out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log, log1p

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.errors import UsageError
from kldiv_cli.losses.base import Loss, Outcome, Rows, Size, over_rows
from kldiv_cli.measures.distributions import doubled
from kldiv_cli.measures.distributions.doubled import Doubled
from kldiv_cli.measures.distributions.pair import Pair
from kldiv_cli.measures.distributions.sharp import Logarithms, without_cancellation
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

    @property
    def measures(self) -> tuple[str, ...]:
        """The skew KL, the KL that is infinite where a logit is, and the entropy."""
        if self.reverse:
            return f"skew-reverse-kl:{self.lam!r}", "reverse-kl"
        return f"skew-kl:{self.lam!r}", "kl", "entropy"

    def rows(self, rows: Rows) -> dict[str, Float64]:
        """Return what the code sums, and the skew KL and entropy that it is made of."""
        skew, kl = map(rows.measured, self.measures[:2])
        entropy = {} if self.reverse else {"entropy": rows.measured("entropy")}
        loss = sum(entropy.values(), skew)
        infinite = np.flatnonzero(np.isposinf(kl))
        if infinite.size:
            loss = loss.copy()
            loss[infinite] = self._of_finite(rows[infinite], loss[infinite])
        return {"loss": loss, "skew": skew, **entropy}

    def _of_finite(self, rows: Rows, loss: Float64) -> Float64:
        """Return what the code sums of rows whose KL is infinite."""
        pair = rows.pair.swapped if self.reverse else rows.pair
        infinite = pair.prepared.no_q
        if infinite is None:
            return loss
        if self.reverse:
            return _reverse_of_finite(pair, self.lam, infinite, loss)
        return _of_finite(pair, self.lam, infinite)

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


def _of_finite(pair: Pair, lam: float, infinite: NDArray[np.bool_]) -> Float64:
    """Return sum p * -log M without the cells where q = 0 < p; every term is >= 0."""
    p, q, surprise = pair.p, pair.q, pair.prepared.reference.surprise
    missing = lam * -np.expm1(-surprise) + (1 - lam) * -np.expm1(-pair.prepared.candidate.surprise)
    likely = lam * p + (1 - lam) * q > 0.5
    log_m = np.where(
        likely,
        np.log1p(-np.where(likely, missing, 0.0)),
        np.logaddexp(log(lam), log1p(-lam) + pair.e) - surprise,
    )
    terms = np.where(infinite | (p == 0), 0.0, p * -log_m)
    rows: Float64 = terms.sum(axis=1)
    return rows


def _reverse_of_finite(
    pair: Pair, lam: float, infinite: NDArray[np.bool_], skew: Float64
) -> Float64:
    """Return the divergence without the cells where q = 0 < p, which have M = lam * p."""
    left_out = log(lam) * np.where(infinite, pair.p, 0.0).sum(axis=1)

    def sharply(found: Logarithms, _: NDArray[np.bool_]) -> Doubled:
        kept = np.isfinite(found.log_p[0]) & np.isfinite(found.e[0])
        nothing = doubled.single(0)
        p = doubled.where(kept, doubled.exp(found.log_p), nothing)
        # Beyond, p is exp(-600) at most.
        e = doubled.where(kept & (found.e[0] < 600), found.e, nothing)
        other = doubled.subtract(doubled.ONE, doubled.single(lam))
        growth = doubled.multiply(other, doubled.expm1(e))
        mixture = doubled.add(doubled.single(lam), doubled.multiply(other, doubled.exp(e)))
        near = np.abs(e[0]) < 0.5
        log_ratio = doubled.where(
            near,
            doubled.log1p(doubled.where(near, growth, nothing)),
            doubled.log(doubled.where(near, doubled.ONE, mixture)),
        )
        return doubled.subtract(nothing, doubled.multiply(p, log_ratio))

    terms = np.stack([skew, left_out], axis=1)
    return without_cancellation(terms, pair, sharply)
