"""A loss with an option: toy_scale times the sum of KL(p||q) over the rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kldiv_cli.losses.base import Loss, Outcome, Rows, Size
from kldiv_cli.measures.types import Float64


@dataclass(frozen=True)
class Toy(Loss):
    toy_scale: float = 1.0

    def rows(self, rows: Rows) -> dict[str, Float64]:
        return {"kl": rows.measured("kl")}

    def result(self, sums: Mapping[str, float], size: Size) -> Outcome:
        return Outcome(self.toy_scale * sums["kl"], "sum", 1, "KL(p||q)", sums["kl"] / size.rows)
