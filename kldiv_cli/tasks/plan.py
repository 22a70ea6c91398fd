"""What a caller asks -> what a comparison would take."""

from __future__ import annotations

from math import prod
from typing import Unpack

from kldiv_cli.pairing import Pairing
from kldiv_cli.results.plan import KindBy, Plan
from kldiv_cli.sources.views.selected import Selected
from kldiv_cli.tasks.compare import opened
from kldiv_cli.tasks.describe import mask_file, taken
from kldiv_cli.tasks.jobs.comparing import Comparing
from kldiv_cli.tasks.opening.kinds import NOT_SAID
from kldiv_cli.tasks.opening.sides import Input
from kldiv_cli.tasks.options import Compare
from kldiv_cli.tasks.options.signature import documented
from kldiv_cli.tasks.options.typed import CompareOptions


@documented(Compare, CompareOptions)
def plan(reference: Input, candidate: Input, **options: Unpack[CompareOptions]) -> Plan:
    """Say what `compare` would take: files, classes, ids, rows, and how these are paired.

    The files are opened and their first rows are read, as far as questions are about these. The
    number of rows is counted where labels, groups, a sample or rows from the end need it.

    Parameters
    ----------
    reference, candidate : path or array_like
        Logits, as `compare` takes them.
    **options
        What is said of the files and of what comes out, each by its name.

    Returns
    -------
    Plan
        What would be taken; no row is compared.

    Raises
    ------
    UsageError, InputError
        As `compare` does before it reads the rows.
    """
    return run(Compare(reference=reference, candidate=candidate, **options))


def run(asked: Compare) -> Plan:
    """Return what the comparison that was asked for would take.

    Raises
    ------
    UsageError, InputError
        As `plan` does.
    """
    job = opened(asked)
    pairing = job.pairing
    rows = _rows(pairing)
    return Plan(
        head=taken(job.watch, asked.nan_policy, job.choice, rows),
        rows=rows,
        unit=asked.unit,
        temperature=asked.temperature,
        smooth=asked.smooth,
        definitions={each.name: each.formula[asked.mode] for each in job.measures},
        units={each.name: asked.unit if each.has_unit else None for each in job.measures},
        kinds_by=_kinds_by(job),
        labels=None if job.tokens is None else job.tokens.labels.path,
        grouped_by=None if job.grouping is None else job.grouping.by.what,
        mask=mask_file(pairing),
        mask_below=pairing.mask_below,
    )


def _rows(pairing: Pairing) -> int | None:
    """Return how many rows would be read; None where only reading them tells."""
    if pairing.by == "id" and pairing.on_missing == "skip":
        return None
    if pairing.by == "id" or isinstance(pairing.reference, Selected):
        return pairing.reference.length
    lengths = [length for length in pairing.row_shape if length is not None]
    return prod(lengths) if len(lengths) == len(pairing.row_shape) else None


def _kinds_by(job: Comparing) -> tuple[KindBy, KindBy]:
    ours, theirs = job.pairing.reference.kind, job.pairing.candidate.kind
    reference, candidate = job.asked.kind or NOT_SAID
    return _kind_by(ours, reference), _kind_by(theirs, candidate)


def _kind_by(of_format: str | None, said: str | None) -> KindBy:
    if of_format is not None:
        return "format"
    return "default" if said is None else "option"
