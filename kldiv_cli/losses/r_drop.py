"""R-Drop: the Jeffreys divergence of two passes with dropout, under the factors in use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from kldiv_cli.losses.base import (
    Loss,
    Outcome,
    Rows,
    Size,
    check_known,
    check_number,
    over_rows,
)
from kldiv_cli.measures.types import Float64


class Convention(NamedTuple):
    """What some code multiplies J by: alpha / ``divisor``; and whether it averages over rows."""

    alpha: float
    divisor: int
    mean: bool
    where: str


CONVENTIONS = {
    "paper": Convention(5.0, 2, False, "the paper and its translation code"),
    "bert": Convention(0.5, 2, False, "the authors' BERT code; RoBERTa has ALPHA 0.7"),
    "vit": Convention(0.3, 1, False, "the authors' ViT code, without the 1/2"),
    "keras": Convention(4.0, 4, True, "bojone's Keras code"),
}


@dataclass(frozen=True)
class RDrop(Loss):
    """alpha * (KL(p||q) + KL(q||p)) / 2, or what code in the wild makes of it.

    Parameters
    ----------
    alpha : float, optional
        By default that of the convention: 5, 0.5, 0.3, 4.
    convention : {"paper", "bert", "vit", "keras"}
        alpha/2 of the sum over rows (paper, bert), alpha of it (vit), alpha/4 of the mean (keras).
    """

    alpha: float | None = None
    convention: str = "paper"

    def __post_init__(self) -> None:
        check_known("--convention", self.convention, CONVENTIONS)
        check_number("--alpha", self.weight)

    @property
    def weight(self) -> float:
        """Alpha, or the convention's where it was left out."""
        return CONVENTIONS[self.convention].alpha if self.alpha is None else self.alpha

    @property
    def options(self) -> Mapping[str, Any]:
        """The values of the options, alpha filled in."""
        return {**vars(self), "alpha": self.weight}

    @property
    def measures(self) -> tuple[str, ...]:
        """J and the two divergences it is made of."""
        return ("jeffreys", "kl", "reverse-kl")

    def rows(self, rows: Rows) -> dict[str, Float64]:
        """Return these."""
        return {name: rows.measured(name) for name in self.measures}

    def result(self, sums: Mapping[str, float], size: Size) -> Outcome:
        """Multiply and divide as the convention does."""
        chosen = CONVENTIONS[self.convention]
        alpha, factor = self.weight, self.weight / chosen.divisor
        denominator = size.rows if chosen.mean else 1
        of = f"{alpha:g}/{chosen.divisor} of J" if chosen.divisor > 1 else f"{alpha:g} of J"
        return Outcome(
            value=factor * sums["jeffreys"] / denominator,
            components={
                "kl": sums["kl"] / denominator,
                "reverse_kl": sums["reverse-kl"] / denominator,
            },
            reduction=f"{of}, " + (over_rows(size) if chosen.mean else "sum over rows"),
            denominator=denominator,
            reference_name="J = KL(p||q) + KL(q||p)",
            reference_value=sums["jeffreys"] / size.rows,
            factor=factor * size.rows / denominator,
            notes=(f"As in {chosen.where}.",),
        )
