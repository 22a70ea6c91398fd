"""What a caller asks -> identities of every row of two files -> the largest residuals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from kldiv_cli import measures
from kldiv_cli.measures.identities.rows import Group, Rows
from kldiv_cli.measures.rows.absence import with_masked
from kldiv_cli.measures.types import Mode
from kldiv_cli.pairing import BlockPair, Pairing
from kldiv_cli.results.head import Head
from kldiv_cli.results.verification import Finding, Verification
from kldiv_cli.sources.stores.reads import reading
from kldiv_cli.sources.views.choice import Choice
from kldiv_cli.tasks.describe import head_of
from kldiv_cli.tasks.identities import Places, Residual, names, residual, self_test
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

_CELLS = 1 << 13
"""So many cells are checked at a time."""


@documented(Verify, VerifyOptions)
def verify(reference: Input, candidate: Input, **options: Unpack[VerifyOptions]) -> Verification:
    """Check on the rows of two sets of logits what must hold for any logits.

    Every number is computed by several routes that share no formula: as `kldiv_cli.compare` does,
    by C kernels and by NumPy, and by definition in sums of two float64. The same is checked on rows
    that are built in; see `kldiv_cli.measures.identities`, and `self_test` for these alone.

    Parameters
    ----------
    reference, candidate : path or array_like
        Logits, as those of `kldiv_cli.compare`.
    **options
        What is said of the files, each by its name.

    Returns
    -------
    Verification
        Per identity the largest residual, its row and the verdict; the built-in rows' as well.

    Raises
    ------
    UsageError
        An option has no such value.
    InputError
        A file cannot be read, the two sides do not correspond, a row is invalid under "raise", or
        no row is left to check.
    """
    asked = Verify(reference=reference, candidate=candidate, **options)
    head, findings = on_rows(asked)
    return Verification(
        head=head, temperature=asked.temperature, findings=findings, self_test=self_test()
    )


def on_rows(asked: Verify) -> tuple[Head, tuple[Finding, ...]]:
    """Check the rows of the files alone."""
    with reading() as reads:
        job = opened(asked)
        head, findings = job.finish(job.part(None, threads_of(asked), asked.progress))
        return noted(head, reads), findings


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
        invalid = np.flatnonzero(view.invalid) if self.nan_policy == "propagate" else chosen[:0]
        wrong = np.full(len(invalid), np.nan)
        parts = [[Residual.of(wrong, wrong, invalid)] * len(self._names)]
        # Small arrays stay where the processor has them at hand.
        step = max(1, _CELLS // block.reference.shape[1])
        for start in range(0, len(chosen), step):
            rows = chosen[start : start + step]
            some = self._rows(block, rows)
            parts.append([residual(name, some, rows) for name in self._names])
        each = (Residual.join(found) for found in zip(*parts, strict=True))
        return Residuals(tuple(_placed(found, block) for found in each))

    def _rows(self, block: BlockPair, rows: Places) -> Rows:
        kept = None
        if block.kept is not None:
            kept = np.broadcast_to(block.kept, block.reference.shape)[rows]
        group = Group(block.reference[rows], block.candidate[rows], self.temperature, kept)
        return Rows([group], self.mode)

    @property
    def _names(self) -> list[str]:
        return names(Rows([], self.mode), self.temperature)

    def finish(self, part: Part[Residuals]) -> tuple[Head, tuple[Finding, ...]]:
        """Return what was checked, and what was found.

        Raises
        ------
        InputError
            No row is left to check.
        """
        head = head_of(self.watch, part, self.nan_policy, self.choice)
        each = () if part.kept is None else part.kept.each
        return head, tuple(map(self._finding, self._names, each))

    def _finding(self, name: str, found: Residual) -> Finding:
        place = ""
        if found.row is not None:
            place = self.pairing.place_at("reference", found.row, found.id, None)
        return found.finding(name, place)


def _placed(found: Residual, block: BlockPair) -> Residual:
    """Return a residual with the number and the id that its row has in the file."""
    if found.row is None:
        return found
    name = None if block.ids is None else block.ids[found.row]
    return replace(found, row=block.number(found.row), id=name)
