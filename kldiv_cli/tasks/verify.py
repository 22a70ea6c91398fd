"""What a caller asks -> identities of every row -> the largest residuals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isnan, nan
from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from kldiv_cli import measures
from kldiv_cli.measures.distributions.exact import real
from kldiv_cli.measures.identities import IDENTITIES
from kldiv_cli.measures.identities.base import TOLERANCE, Long, Rows
from kldiv_cli.measures.rows.absence import with_masked
from kldiv_cli.measures.types import Mode
from kldiv_cli.pairing import BlockPair, Pairing
from kldiv_cli.results.verification import Finding, Verification
from kldiv_cli.sources.stores.reads import reading
from kldiv_cli.sources.views.choice import Choice
from kldiv_cli.tasks.describe import head_of
from kldiv_cli.tasks.kept.part import Part
from kldiv_cli.tasks.opening.masking import masked, without_low_cells
from kldiv_cli.tasks.opening.questions.asking import ask
from kldiv_cli.tasks.opening.questions.opened import Opened
from kldiv_cli.tasks.opening.sides import (
    Input,
    begin,
    choice_of,
    layout_of,
    open_pairing,
    threads_of,
)
from kldiv_cli.tasks.options import Verify
from kldiv_cli.tasks.options.signature import documented
from kldiv_cli.tasks.options.typed import NanPolicy, VerifyOptions
from kldiv_cli.tasks.reading import noted
from kldiv_cli.tasks.walk import PairWork, Progress, View, walk_within
from kldiv_cli.tasks.warnings import Watch


@documented(Verify, VerifyOptions)
def verify(reference: Input, candidate: Input, **options: Unpack[VerifyOptions]) -> Verification:
    """Check on the rows of two sets of logits what must hold for any logits.

    Every number is computed by several routes that share no formula. One of them is the kernel of
    `kldiv_cli.compare`; see `kldiv_cli.measures.identities`.

    Parameters
    ----------
    reference, candidate : path or array_like
        Logits, as those of `kldiv_cli.compare`.
    **options
        What is said of the files, each by its name.

    Returns
    -------
    Verification
        Per identity the largest residual, its row and the verdict.

    Raises
    ------
    UsageError
        An option has no such value.
    InputError
        A file cannot be read, the two sides do not correspond, a row is invalid under "raise", or
        no row is left to check.
    """
    asked = Verify(reference=reference, candidate=candidate, **options)
    with reading() as reads:
        job = opened(asked)
        found = job.finish(job.part(None, threads_of(asked), asked.progress))
        return replace(found, head=noted(found.head, reads))


def opened(asked: Verify) -> Checking:
    """Open everything that a verification reads.

    Raises
    ------
    InputError
        A file cannot be read, or the two sides do not correspond.
    """
    begin(asked)
    choice = choice_of(asked)
    pairing = open_pairing(asked, layout_of(asked))
    ask(Opened.of(asked, pairing, asked.mode))
    pairing = masked(pairing, asked.mask, asked.mask_means, by_place=asked.by_place)
    pairing = without_low_cells(pairing, asked.mask_below, ("logits", "logits"))
    return Checking(
        pairing=pairing,
        mode=asked.mode,
        temperature=asked.temperature,
        nan_policy=asked.nan_policy,
        choice=choice,
        ignore_constant_rows=asked.ignore_constant_rows,
    )


@dataclass(frozen=True)
class Measured:
    """What became of the rows of a block."""

    status: NDArray[np.uint8]
    mismatches: None = None
    constant: None = None


@dataclass(frozen=True)
class Residual:
    """The largest residual of an identity over so many rows, with the place and id of its row."""

    rows: int = 0
    largest: float = nan
    row: int | None = None
    id: object = None

    @classmethod
    def of(cls, residuals: Long, rows: NDArray[np.intp], block: BlockPair) -> Residual:
        """Return that of some rows of a block, ascending: the first of equals, NaN above all."""
        if not len(residuals):
            return cls()
        values = residuals.astype(np.float64)
        unknown = np.isnan(values)
        worst = int(unknown.argmax() if unknown.any() else values.argmax())
        row = int(rows[worst])
        name = None if block.ids is None else block.ids[row]
        return cls(len(values), float(values[worst]), block.number(row), name)

    @classmethod
    def join(cls, parts: Sequence[Residual]) -> Residual:
        """Return that of all rows."""
        some = [part for part in parts if part.rows]
        if not some:
            return cls()
        worst = max(some, key=lambda part: (isnan(part.largest), part.largest))
        return replace(worst, rows=sum(part.rows for part in some))


@dataclass(frozen=True)
class Residuals:
    """The largest residual of each identity over some rows: a monoid."""

    each: tuple[Residual, ...]

    @classmethod
    def join(cls, parts: Sequence[Residuals]) -> Residuals:
        """Return those of all rows."""
        return cls(tuple(map(Residual.join, zip(*(part.each for part in parts), strict=True))))


@dataclass(frozen=True)
class Checking:
    """The identities of the rows of a pairing, opened; several threads may look at its blocks."""

    pairing: Pairing
    mode: Mode
    temperature: float
    nan_policy: NanPolicy
    choice: Choice
    ignore_constant_rows: bool = False

    @property
    def watch(self) -> Watch:
        """What notices faults of the files."""
        return Watch(
            self.pairing,
            self.mode,
            temperature=self.temperature,
            only_logits=True,
            ignore_constant_rows=self.ignore_constant_rows,
        )

    @property
    def streams(self) -> bool:
        """NumPy makes arrays as large as the block."""
        return False

    def part(
        self, rows: range | None = None, threads: int = 1, progress: Progress | None = None
    ) -> Part[Residuals]:
        """Walk over all rows, or over those whose places in the reference lie in a range."""
        work = PairWork(self, self.watch, self.nan_policy, propagates=False)
        return walk_within(self.pairing, rows, work, threads, progress)

    def look(self, block: BlockPair) -> Measured:
        """Say what became of the rows of a block."""
        status = measures.prepare(self.mode, block.reference, block.candidate).status
        return Measured(with_masked(status, block.kept))

    def keep(self, view: View, _: Measured) -> Residuals:
        """Return the largest residuals of a block."""
        block, chosen = view.block, np.flatnonzero(view.valid)
        s, t = real(block.reference), real(block.candidate)
        some = Rows(s[chosen], t[chosen], self.temperature)
        invalid = np.flatnonzero(view.invalid) if self.nan_policy == "propagate" else chosen[:0]
        each = []
        for name in self._names:
            residuals = np.full(len(view.valid), np.nan, np.longdouble)
            rows = chosen
            if len(chosen):
                residuals[chosen], rows = _residuals(name, some, chosen)
            rows = np.union1d(rows, invalid)
            each.append(Residual.of(residuals[rows], rows, block))
        return Residuals(tuple(each))

    @property
    def _names(self) -> list[str]:
        return [
            name
            for name, identity in IDENTITIES.rows().items()
            if self.mode in identity.modes and self.temperature != identity.temperature
        ]

    def finish(self, part: Part[Residuals]) -> Verification:
        """Return the result of all rows.

        Raises
        ------
        InputError
            No row is left to check.
        """
        head = head_of(self.watch, part, self.nan_policy, self.choice)
        each = () if part.kept is None else part.kept.each
        findings = map(self._finding, self._names, each)
        return Verification(head=head, temperature=self.temperature, findings=tuple(findings))

    def _finding(self, name: str, found: Residual) -> Finding:
        place = ""
        if found.row is not None:
            place = self.pairing.place_at("reference", found.row, found.id, None)
        statement = IDENTITIES[name].description
        return Finding(name, statement, found.rows, found.largest, found.row, place, TOLERANCE)


def _residuals(name: str, rows: Rows, chosen: NDArray[np.intp]) -> tuple[Long, NDArray[np.intp]]:
    """Return the residuals of one identity, and which rows of the block define one."""
    # What is undefined on the way turns up as NaN in the end, and NaN fails.
    with np.errstate(all="ignore"):
        routes = IDENTITIES.load(name)(rows)
        residuals = routes.residuals()
    return residuals, chosen if routes.defined is None else chosen[routes.defined]
