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
    loosest : float
        What that amounts to, relative to the number itself, in the row where the identity loses
        most digits: the tolerance, or more, up to 1. NaN where no row was checked.
    """

    name: str
    statement: str
    rows: int
    residual: float
    row: int | None
    place: str
    tolerance: float
    loosest: float

    @property
    def holds(self) -> bool:
        """Whether the residual is within its tolerance in every row that was checked."""
        return self.rows == 0 or self.residual <= self.tolerance


@dataclass(frozen=True)
class SelfTest:
    """The identities on the built-in rows: far and close, under softmax and sigmoid.

    Attributes
    ----------
    routes : tuple of str
        How the measures are computed on this machine: by C kernels and NumPy, or by NumPy alone.
    rows : int
        How many rows are built in.
    findings : tuple of Finding
        One per identity.
    unchecked : tuple of str
        The measures of other distributions, which no identity is about.
    """

    routes: tuple[str, ...]
    rows: int
    findings: tuple[Finding, ...]
    unchecked: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether every identity holds."""
        return all(finding.holds for finding in self.findings)


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
    self_test : SelfTest
        The same on the built-in rows.
    """

    temperature: float
    findings: tuple[Finding, ...]
    self_test: SelfTest

    @property
    def holds(self) -> bool:
        """Whether every identity holds, on these rows and on the built-in ones."""
        return self.self_test.holds and all(finding.holds for finding in self.findings)
