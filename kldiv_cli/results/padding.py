"""Rows that hold nothing but padding."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ConstantRows:
    """Rows of 3 and more cells that hold one number, the same in every cell of both sides.

    Attributes
    ----------
    rows : int
        How many such rows there are.
    value : float or None
        Their number; None where they have several, or where there are no such rows.
    skipped : int
        How many of them are skipped: under softmax those whose number is at most -1e4, and all of
        them where that was asked for.
    ignored : bool
        Whether that was asked for.
    """

    rows: int
    value: float | None
    skipped: int
    ignored: bool


@dataclass(frozen=True)
class MaskBelow:
    """The cells that are masked because they lie low on both sides.

    Attributes
    ----------
    value : float
        They are at or below it.
    cells, of : int
        In the rows that count these are ``cells`` of ``of`` cells. A mask keeps them.
    """

    value: float
    cells: int
    of: int
