"""The generalized Jensen-Shannon divergence as TRL's GKDTrainer computes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kldiv_cli.losses.base import (
    Outcome,
    Rows,
    Size,
    Softened,
    check_number,
    check_temperature,
    over_rows,
)
from kldiv_cli.measures.types import Float64


@dataclass(frozen=True)
class GJSD(Softened):
    """beta * KL(p||M) + (1 - beta) * KL(q||M), M = beta * p + (1 - beta) * q; no T^2.

    The mean is over rows, as TRL takes it over the tokens that its labels keep.

    Parameters
    ----------
    beta : float
        In [0, 1]. TRL makes KL(p||q) of 0 and KL(q||p) of 1, which the formula does not approach:
        it tends to 0 at both ends.
    temperature : float
        Both sides' logits are divided by it.
    """

    beta: float = 0.5
    temperature: float = 1.0

    def __post_init__(self) -> None:
        check_number("--beta", self.beta, low=0.0, high=1.0)
        check_temperature("--temperature", self.temperature)

    @property
    def measures(self) -> tuple[str, ...]:
        """The divergence beside it, and its own where the formula stands."""
        if self.beta in {0, 1}:
            return ("reverse-kl",) if self.beta == 1 else ("kl",)
        return "kl", f"gjs:{self.beta!r}"

    def rows(self, rows: Rows) -> dict[str, Float64]:
        """Return the loss and the divergence beside it."""
        kl, *loss = map(rows.measured, self.measures)
        return {"loss": loss[0] if loss else kl, "kl": kl}

    def result(self, sums: Mapping[str, float], size: Size) -> Outcome:
        """Divide by the rows."""
        special = self.beta in {0, 1}
        note = (
            f"TRL takes beta {self.beta:g} for {'KL(p||q)' if self.beta == 0 else 'KL(q||p)'}; the "
            "formula tends to 0 there."
        )
        return Outcome(
            value=sums["loss"] / size.rows,
            reduction=over_rows(size),
            denominator=size.rows,
            reference_name=self.at("KL(q||p)" if self.beta == 1 else "KL(p||q)"),
            reference_value=sums["kl"] / size.rows,
            factor=1.0 if special else None,
            notes=(note,) if special else (),
        )
