"""``kldiv verify``."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from kldiv_cli.cli import options, parts, reading, streams, warnings


def verify(
    reference: options.Reference,
    candidate: options.Candidate,
    mode: options.ModeOption = "softmax",
    temperature: options.Temperature = 1.0,
    nan_policy: options.NanPolicyOption = "raise",
    rows: parts.Rows = None,
    limit: parts.Limit = None,
    sample: parts.Sample = None,
    seed: parts.Seed = None,
    mask: parts.Mask = None,
    mask_means: parts.MaskMeans = None,
    strict: options.Strict = False,
    no_warn: options.NoWarn = False,
    row_axes: reading.RowAxes = None,
    id_column: reading.IdColumn = None,
    columns: reading.ClassColumns = None,
    key: reading.Key = None,
    candidate_key: reading.CandidateKey = None,
    reference_format: reading.ReferenceFormat = None,
    candidate_format: reading.CandidateFormat = None,
    no_header: reading.NoHeader = False,
    delimiter: reading.Delimiter = None,
    dtype: reading.DtypeOption = None,
    report: Annotated[
        Literal["table", "json"],
        typer.Option("--format", help="For people, or at full precision for programs."),
    ] = "table",
) -> int:
    """Check on your own rows what must hold for any logits, each side by routes of its own.

    J as an inner product, under softmax and sigmoid; KL split into target and
    other classes; the gradients of KL and of DKL.

    Exit code 0: every identity holds; 1: one fails; 2: trouble.
    """
    warnings.check(strict=strict, no_warn=no_warn)

    from kldiv_cli.cli.progress import Progress
    from kldiv_cli.reports.verification import WRITERS
    from kldiv_cli.tasks.verify import verify as check

    with Progress() as progress:
        found = check(
            reference,
            candidate,
            mode=mode,
            row_axes=row_axes,
            temperature=temperature,
            nan_policy=nan_policy,
            id_column=id_column,
            columns=None if columns is None else columns.split(","),
            key=key,
            candidate_key=candidate_key,
            reference_format=reference_format,
            candidate_format=candidate_format,
            header=not no_header,
            delimiter=delimiter,
            dtype=dtype,
            rows=rows,
            limit=limit,
            sample=sample,
            seed=seed,
            mask=mask,
            mask_means=mask_means,
            progress=progress,
        )
    warnings.refuse(found.warnings, strict=strict)
    streams.put(lambda stream: WRITERS[report](found, stream))
    warnings.tell(found.warnings, no_warn=no_warn)
    return 0 if found.holds else 1
