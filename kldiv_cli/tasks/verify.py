"""The loop that checks identities: pairing -> identities -> the largest residuals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import isnan, nan
from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from kldiv_cli import measures
from kldiv_cli.measures.distributions.exact import real
from kldiv_cli.measures.identities import IDENTITIES
from kldiv_cli.measures.identities.base import TOLERANCE, Long, Rows
from kldiv_cli.measures.identities.distillation import USUAL_TEMPERATURE
from kldiv_cli.measures.rows.absence import with_masked
from kldiv_cli.measures.types import Mode, Status
from kldiv_cli.pairing import BlockPair, Pairing
from kldiv_cli.results.verification import Finding, Verification
from kldiv_cli.sources.views.choice import Choice
from kldiv_cli.tasks.describe import Counts, head_of, invalid_row
from kldiv_cli.tasks.masking import masked
from kldiv_cli.tasks.opening import Input, choice_of, layout_of, open_pairing
from kldiv_cli.tasks.options import Verify
from kldiv_cli.tasks.options.signature import documented
from kldiv_cli.tasks.options.typed import NanPolicy, VerifyOptions
from kldiv_cli.tasks.walk import hidden, masked_cells
from kldiv_cli.tasks.warnings import Watch


@documented(Verify, VerifyOptions)
def verify(reference: Input, candidate: Input, **options: Unpack[VerifyOptions]) -> Verification:
    """Check on the rows of two sets of logits what must hold for any logits.

    Every number is computed by several routes that share no formula, of which one is the kernel of
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
    choice = choice_of(asked)
    pairing = masked(open_pairing(asked, layout_of(asked)), asked.mask, asked.mask_means)
    job = _Checking(pairing, asked.mode, asked.temperature, asked.nan_policy, choice)
    return job.run(asked.progress)


@dataclass(frozen=True)
class _Checking:
    """The identities on their way over the rows of a pairing."""

    pairing: Pairing
    mode: Mode
    temperature: float
    nan_policy: NanPolicy
    choice: Choice

    def run(self, progress: Callable[[int, int | None], None] | None) -> Verification:
        """Go over all blocks."""
        findings = [
            Finding(name, identity.statement, 0, nan, None, "", TOLERANCE)
            for name, identity in IDENTITIES.items()
            if self.mode in identity.modes
            and not (name == "distillation-at-4" and self.temperature == USUAL_TEMPERATURE)
        ]
        seen: Counter[int] = Counter()
        watch = Watch(self.pairing, self.mode, only_logits=True)
        ends: tuple[int, int] | None = None
        cells = 0
        for whole in self.pairing.blocks():
            block = hidden(whole, ("logits", "logits"))
            status = measures.prepare(self.mode, block.reference, block.candidate).status
            status = with_masked(status, block.kept)
            findings = self._check(findings, block, status)
            watch.look(block, status == Status.COUNTED, whole)
            cells += masked_cells(block, status == Status.COUNTED)
            block.release()
            seen.update(status.tolist())
            if block.places is not None:
                first = int(block.places[0]) if ends is None else ends[0]
                ends = first, int(block.places[-1])
            if progress is not None:
                progress(seen.total(), self.pairing.rows_expected)
        counts = Counts(
            read=seen.total(),
            counted=seen[Status.COUNTED],
            skipped=seen[Status.SKIPPED],
            invalid=seen[Status.INVALID],
            masked=seen[Status.MASKED],
            masked_cells=cells,
        )
        head = head_of(watch, counts, self.nan_policy, self.choice, ends)
        return Verification(head=head, temperature=self.temperature, findings=tuple(findings))

    def _check(
        self, findings: list[Finding], block: BlockPair, status: NDArray[np.uint8]
    ) -> list[Finding]:
        """Return the findings with those of one block."""
        invalid = np.flatnonzero(status == Status.INVALID)
        if self.nan_policy == "raise" and len(invalid):
            raise invalid_row(self.mode, block, int(invalid[0]), self.pairing)
        chosen = np.flatnonzero(status == Status.COUNTED)
        if len(chosen):
            s, t = real(block.reference), real(block.candidate)
            some = Rows(s[chosen], t[chosen], self.temperature)
            findings = [
                _merge(old, *_residuals(old.name, some, chosen), block, self.pairing)
                for old in findings
            ]
        if self.nan_policy == "propagate" and len(invalid):
            unknown = np.full(len(invalid), np.nan, np.longdouble)
            findings = [_merge(old, unknown, invalid, block, self.pairing) for old in findings]
        return findings


def _residuals(name: str, rows: Rows, chosen: NDArray[np.intp]) -> tuple[Long, NDArray[np.intp]]:
    """Return the residuals of one identity, and which rows of the block they belong to."""
    # What is undefined on the way turns up as NaN in the end, and NaN fails.
    with np.errstate(all="ignore"):
        routes = IDENTITIES[name].load()(rows)
        residuals = routes.residuals()
    if routes.defined is None:
        return residuals, chosen
    return residuals[routes.defined], chosen[routes.defined]


def _merge(
    old: Finding, residuals: Long, rows: NDArray[np.intp], block: BlockPair, pairing: Pairing
) -> Finding:
    """Keep the larger residual, the first one of equals; NaN is larger than everything."""
    if not len(residuals):
        return old
    unknown = np.isnan(residuals)
    worst = int(unknown.argmax() if unknown.any() else residuals.argmax())
    residual, row = float(residuals[worst]), int(rows[worst])
    merged = replace(old, rows=old.rows + len(residuals))
    if old.rows and (isnan(old.residual) or residual <= old.residual):
        return merged
    place = pairing.place("reference", block, row, None)
    return replace(merged, residual=residual, row=block.number(row), place=place)
