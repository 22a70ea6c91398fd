"""Virtual adversarial training: KL of the clean output from the perturbed one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from kldiv_cli.losses.base import Loss, Outcome, Rows, Size, over_rows
from kldiv_cli.measures.types import Float64


@dataclass(frozen=True)
class VAT(Loss):
    """KL(p||q), p = softmax(clean logits), q = softmax(perturbed logits), mean over rows."""

    streams: ClassVar[bool] = True

    @property
    def measures(self) -> tuple[str, ...]:
        """The divergence."""
        return ("kl",)

    def rows(self, rows: Rows) -> dict[str, Float64]:
        """Return the divergence."""
        return {"kl": rows.measured("kl")}

    def result(self, sums: Mapping[str, float], size: Size) -> Outcome:
        """Divide by the rows."""
        value = sums["kl"] / size.rows
        return Outcome(value, over_rows(size), size.rows, "KL(p||q)", value, 1.0)
