"""GlobalPointer's symmetric divergence of multi-label scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from kldiv_cli.losses.base import Loss, Outcome, Rows, Size, check_known
from kldiv_cli.measures.types import Float64, Mode

REDUCTIONS = ("sample", "cell")
_ALREADY_SYMMETRIC = "It is symmetric already: code that adds it to its own swap prints 2J."


@dataclass(frozen=True)
class GlobalPointer(Loss):
    """Sum over cells of (sigma(s) - sigma(t)) * (s - t), reduced.

    Parameters
    ----------
    reduction : {"sample", "cell"}
        The sum over a sample's cells (heads, L, L), mean over samples; or the mean over all cells.
    """

    mode: ClassVar[Mode] = "sigmoid"
    streams: ClassVar[bool] = True
    whole_samples: ClassVar[bool] = True
    reduction: str = "sample"

    def __post_init__(self) -> None:
        check_known("--reduction", self.reduction, REDUCTIONS)

    @property
    def measures(self) -> tuple[str, ...]:
        """The divergence."""
        return ("jeffreys",)

    def rows(self, rows: Rows) -> dict[str, Float64]:
        """Return the divergence."""
        return {"jeffreys": rows.measured("jeffreys")}

    def result(self, sums: Mapping[str, float], size: Size) -> Outcome:
        """Divide by the samples or by the cells."""
        if self.reduction == "sample":
            denominator = size.batch
            reduction = f"sum over a sample's cells, mean over samples: sum / {size.batch}"
            notes: tuple[str, ...] = (_ALREADY_SYMMETRIC,)
        else:
            denominator = size.cells
            reduction = f"mean over all cells: sum / ({size.rows} rows x {size.classes} cells)"
            notes = (
                "The mean over cells depends on how far the samples are padded.",
                _ALREADY_SYMMETRIC,
            )
            if size.masked:
                reduction = f"mean over the cells that are kept: sum / {size.cells}"
                notes = (_ALREADY_SYMMETRIC,)
        return Outcome(
            value=sums["jeffreys"] / denominator,
            reduction=reduction,
            denominator=denominator,
            reference_name="J = KL(p||q) + KL(q||p)",
            reference_value=sums["jeffreys"] / size.rows,
            factor=size.rows / denominator,
            notes=notes,
        )
