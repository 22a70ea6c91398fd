"""What a comparison would take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from kldiv_cli.results.head import MaskFile, Side, Taken

KindBy = Literal["option", "format", "default"]
"""What says what the numbers of a side are."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a comparison would take, known before its rows are read.

    Attributes
    ----------
    head : Taken
        The files, their classes, the rows that are selected, and how rows find each other.
    rows : int or None
        How many rows would be read; None where only reading them tells.
    unit : {"nats", "bits"}
        The unit of the measures.
    temperature : float
        Both sides' logits would be divided by it first.
    smooth : float
        The weight of the uniform distribution that the candidate would be mixed with.
    definitions : mapping of str to str
        By measure, the formula that would be computed.
    units : mapping of str to str or None
        By measure, the unit of its values; None for a distance without one.
    kinds_by : pair of {"option", "format", "default"}
        What says what the numbers of the reference and of the candidate are.
    labels : str or None
        What the classes of tokens are read from; None where no tokens are scored.
    grouped_by : str or None
        What rows are grouped by, in words.
    mask : MaskFile or None
        The mask and its meaning.
    mask_below : float or None
        Cells at or below it on both sides are masked.

    Examples
    --------
    >>> import kldiv_cli
    >>> found = kldiv_cli.plan([[2.0, 1.0, 0.0, -1.0]], [[1.5, 1.2, -0.3, 0.4]])
    >>> found.rows, found.head.classes, found.head.paired_by, found.reference.kind
    (1, 4, 'position', 'logits')
    """

    head: Taken
    rows: int | None
    unit: Literal["nats", "bits"]
    temperature: float
    smooth: float
    definitions: Mapping[str, str]
    units: Mapping[str, str | None]
    kinds_by: tuple[KindBy, KindBy]
    labels: str | None = None
    grouped_by: str | None = None
    mask: MaskFile | None = None
    mask_below: float | None = None

    @property
    def reference(self) -> Side:
        """The reference: path, format, dtype, shape, row-id column, classes."""
        return self.head.sides[0]

    @property
    def candidate(self) -> Side:
        """The candidate: path, format, dtype, shape, row-id column, classes."""
        return self.head.sides[1]
