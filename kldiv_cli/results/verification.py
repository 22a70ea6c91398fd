"""What `verify` returns and its reports read."""

from __future__ import annotations

from dataclasses import dataclass

from kldiv_cli.results.base import PairResult


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
        How many rows were checked: rows that count, without those where it has no meaning.
    residual : float
        The largest distance of two routes to the same number, relative to its scale. NaN where a
        route gave NaN, and where no row was checked.
    row : int or None
        The first row with that residual, counted from 0; None where no row was checked.
    place : str
        The name of that row for people, with its id and its line.
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
        """Whether the residual is within its tolerance in every row that was checked."""
        return self.rows == 0 or self.residual <= self.tolerance


@dataclass(frozen=True, kw_only=True)
class Verification(PairResult):
    """The identities on two files, and the rows on which they were checked.

    Attributes
    ----------
    head : Head
        What was checked, and how many rows count: ``result.rows``, ``result.reference`` and the
        others are documented there. Invalid rows do not count; under "propagate" they fail every
        identity.
    temperature : float
        Both sides' logits were divided by it first.
    findings : tuple of Finding
        One per identity.
    """

    temperature: float
    findings: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        """Whether every identity holds."""
        return all(finding.holds for finding in self.findings)
