"""``kldiv compare``."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from math import isnan
from typing import IO, TYPE_CHECKING

from kldiv_cli.cli import options, parts, reading, streams, warnings
from kldiv_cli.errors import InputError, UsageError

if TYPE_CHECKING:
    from kldiv_cli.results.comparison import Comparison


def compare(
    reference: options.Reference,
    candidate: options.Candidate,
    mode: options.ModeOption = "softmax",
    temperature: options.Temperature = 1.0,
    kind: options.Input = "logits",
    reference_kind: options.ReferenceInput = None,
    candidate_kind: options.CandidateInput = None,
    normalize: options.Normalize = False,
    smooth: options.Smooth = 0.0,
    nan_policy: options.NanPolicyOption = "raise",
    labels: options.LabelFile = None,
    mask: parts.Mask = None,
    mask_means: parts.MaskMeans = None,
    rows: parts.Rows = None,
    limit: parts.Limit = None,
    sample: parts.Sample = None,
    seed: parts.Seed = None,
    on_missing: parts.OnMissing = "error",
    classes: parts.Classes = None,
    truncate_classes: parts.TruncateClasses = False,
    measure: options.MeasureNames = None,
    group: options.GroupName = None,
    unit: options.UnitOption = "nats",
    top: options.Top = 10,
    report: options.FormatOption = None,
    output: options.Outputs = None,
    stat: options.Stat = None,
    fail_above: options.FailAbove = None,
    fail_below: options.FailBelow = None,
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
    threads: options.Threads = None,
) -> int:
    """Print how far the outputs in CANDIDATE are from those in REFERENCE.

    The Jeffreys divergence J = KL(p||q) + KL(q||p) of every row, exact in float64.

    Exit code 0: compared, and all limits hold; 1: one does not; 2: trouble.
    """
    limits = [_limit("--fail-above", text) for text in fail_above or ()]
    lower_limits = [_limit("--fail-below", text) for text in fail_below or ()]
    warnings.check(strict=strict, no_warn=no_warn)
    _check_stat(stat, report)
    if stat is not None and group is not None and not output:
        raise UsageError(
            "--stat prints one number, and none of --group's",
            "Leave one of the two out, or write the groups with -o FILE.json.",
        )

    import kldiv_cli
    from kldiv_cli import reports
    from kldiv_cli.cli.progress import Progress
    from kldiv_cli.reports import files
    from kldiv_cli.results import limits as named

    names = [name.strip() for text in measure or ["jeffreys"] for name in text.split(",")]
    if stat is not None:
        named.check(stat, names, mode)
    outputs = output or []
    if outputs:
        files.check(outputs, _inputs((reference, candidate, mask), (group, labels, classes)))
    with Progress() as progress:
        comparison = kldiv_cli.compare(
            reference,
            candidate,
            mode=mode,
            row_axes=row_axes,
            temperature=temperature,
            unit=unit,
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
            on_missing=on_missing,
            classes=classes,
            truncate_classes=truncate_classes,
            measure=names,
            kind=(reference_kind or kind, candidate_kind or kind),
            normalize=normalize,
            smooth=smooth,
            group=group,
            mask=mask,
            mask_means=mask_means,
            top=top,
            labels=labels,
            limits=limits,
            lower_limits=lower_limits,
            threads=threads,
            progress=progress,
        )
    warnings.refuse(comparison.warnings, strict=strict)
    if stat is not None:
        value, _ = named.figure(stat, comparison)

        def write(stream: IO[str]) -> None:
            stream.write(f"{value!r}\n")
    else:
        writer = reports.load(report or "table")

        def write(stream: IO[str]) -> None:
            writer(comparison, stream)

    with files.staged(comparison, outputs):
        streams.put(write)
    warnings.tell(comparison.warnings, no_warn=no_warn)
    _tell(comparison)
    return 1 if comparison.exceeded else 0


def _inputs(paths: Sequence[str | None], names: Sequence[str | None]) -> list[str]:
    """Return all that is read and must not be written, given what may be something else too.

    Of a column or a slice there may be a folder of that name, into which may be written.
    """
    from kldiv_cli.sources import files_of

    found = [path for path in paths if path is not None]
    for name in (*paths, *names):
        if name is not None:
            with suppress(InputError):  # of what stands for no file, of which opening it tells
                found += files_of(name)
    return found


def _tell(comparison: Comparison) -> None:
    from kldiv_cli.results.statistics import STATISTICS

    first = next(iter(comparison.measures))
    for limit in comparison.limits:
        stat = f"{first} {limit.stat}" if limit.stat in STATISTICS else limit.stat
        bound, verdict, relation = limit.above, "exceeded", (">", "<=")
        if bound is None:
            bound, verdict, relation = limit.below, "not reached", ("<", ">=")
        sign = "is not a number; limit" if isnan(limit.value) else relation[not limit.exceeded]
        unit = "" if limit.unit is None else f" {limit.unit}"
        found = f"{stat} {limit.value!r} {sign} {bound!r}{unit}"
        streams.tell(f"limit {verdict if limit.exceeded else 'holds'}: {found}")


def _limit(option: str, text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name.strip(), float(value)
    except ValueError:
        raise UsageError(
            f"{option}: expected NAME=VALUE with a number, found {text!r}",
            "Say for example --fail-above mean=0.01 or --fail-below same-argmax=0.99.",
        ) from None


def _check_stat(stat: str | None, report: str | None) -> None:
    if stat is not None and report is not None:
        raise UsageError(
            "--stat prints one number and --format says how to print all of them",
            "Leave one of the two out.",
        )
