"""What `verify` returns and its reports read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kldiv_cli.results.comparison import MaskUse, Side
from kldiv_cli.results.selection import Selection


@dataclass(frozen=True)
class Finding:
    """One identity on all rows.

    Attributes
    ----------
    name : str
        As in the registry of identities.
    statement : str
        The identity as a formula.
    rows : int
        How many rows were checked: those that count and in which it has a meaning.
    residual : float
        The largest distance of any two routes to the same number, relative to its scale; NaN where
        a route gave NaN, and where no row was checked.
    row : int or None
        The first row with that residual, counted from 0; None where no row was checked.
    place : str
        The same row as the user finds it: with its id and line.
    tolerance : float
        What the residual may not exceed.
    """

    name: str
    statement: str
    rows: int
    residual: float
    row: int | None
    place: str
    tolerance: float

    @property
    def holds(self) -> bool:
        """Whether no row that was checked speaks against it."""
        return self.rows == 0 or self.residual <= self.tolerance


@dataclass(frozen=True)
class Verification:
    """The identities on two files, and which rows they were checked on.

    ``warnings`` say what looks wrong with the input. The other attributes are those of
    `kldiv_cli.Comparison`; ``invalid`` rows fail every identity under
    ``nan_policy`` "propagate".
    """

    reference: Side
    candidate: Side
    mode: Literal["softmax", "sigmoid"]
    temperature: float
    nan_policy: Literal["raise", "omit", "propagate"]
    paired_by: Literal["position", "id"]
    rows: int
    skipped: int
    invalid: int
    findings: tuple[Finding, ...]
    warnings: tuple[str, ...] = ()
    selection: Selection | None = None
    mask: MaskUse | None = None
    masked: int = 0

    @property
    def holds(self) -> bool:
        """Whether every identity holds."""
        return all(finding.holds for finding in self.findings)
