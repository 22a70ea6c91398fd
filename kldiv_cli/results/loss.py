"""What `loss` returns and its reports read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from kldiv_cli.results.comparison import MaskUse, Side
from kldiv_cli.results.selection import Selection


@dataclass(frozen=True)
class LossResult:
    """What training code computes from two sets of logits, and the divergence it stands for.

    Attributes
    ----------
    loss : str
        Its name in the registry.
    value : float
        What the framework prints, or the paper defines, in nats.
    components : mapping of str to float
        The parts it is made of, under the same reduction; empty where there are none.
    reduction : str
        How rows became one number, in words.
    denominator : int or float
        What the sum over all elements was divided by.
    reference_name : str
        The true divergence beside it: "KL(p||q)", ...
    reference_value : float
        That divergence per row on average, exact.
    factor : float or None
        value / reference_value where it is the same whatever the rows hold; None where there is no
        such factor, or the value is NaN.
    formula : str
        Of one row, or of one element.
    options : mapping of str to object
        Every option of the loss as it was used, defaults included.
    notes : tuple of str
        What is easily misread.
    reference, candidate : Side
        The two inputs: path, format, dtype, shape, row-id column.
    rows, skipped, invalid : int
        As in `kldiv_cli.Comparison`: the rows that count, those with nothing but -inf on both
        sides, those that hold no distribution.
    mask : MaskUse or None
        The mask, what it means, and how many cells of the rows that count it leaves out.
    masked : int
        How many rows it leaves out.
    selection : Selection or None
        Which rows were taken; None where all were.
    classes : int
        How many classes or cells one row has.
    paired_by : {"position", "id"}
        How rows found each other.
    warnings : tuple of str
        What looks wrong with the input though it can be computed.
    """

    loss: str
    value: float
    components: Mapping[str, float]
    reduction: str
    denominator: float
    reference_name: str
    reference_value: float
    factor: float | None
    formula: str
    options: Mapping[str, Any]
    notes: tuple[str, ...]
    reference: Side
    candidate: Side
    rows: int
    skipped: int
    invalid: int
    classes: int
    paired_by: Literal["position", "id"]
    warnings: tuple[str, ...] = ()
    mask: MaskUse | None = None
    masked: int = 0
    selection: Selection | None = None
