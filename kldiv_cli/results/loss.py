"""What `loss` returns and its reports read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kldiv_cli.results.base import PairResult


@dataclass(frozen=True, kw_only=True)
class LossResult(PairResult):
    """What training code computes from two sets of logits, and the divergence it stands for.

    Attributes
    ----------
    head : Head
        What was compared, and how many rows count: ``result.rows``, ``result.reference`` and the
        others are documented there.
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
        value / reference_value, where this ratio does not depend on the rows; None elsewhere, and
        where the value is NaN.
    formula : str
        The formula for one row, or for one element.
    options : mapping of str to object
        Every option of the loss as it was used, defaults included.
    notes : tuple of str
        What is easily misread.
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
