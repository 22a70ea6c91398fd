"""``kldiv compare``."""

from __future__ import annotations

from math import isnan
from typing import IO, TYPE_CHECKING

from kldiv_cli.cli import options, streams, warnings
from kldiv_cli.cli.inputs import inputs
from kldiv_cli.errors import UsageError

if TYPE_CHECKING:
    from kldiv_cli.results.comparison import Comparison
    from kldiv_cli.results.figures import Figure
    from kldiv_cli.tasks.options import CompareLine


@options.takes("compare")
def compare(asked: CompareLine) -> int:
    """Print how far the outputs in CANDIDATE are from those in REFERENCE.

    The Jeffreys divergence J = KL(p||q) + KL(q||p) of every row, exact in float64.

    Exit code 0: compared, and all limits hold; 1: one does not; 2: trouble.
    """
    warnings.check(strict=asked.strict, no_warn=asked.no_warn)
    _check_used(asked)
    if asked.plan:
        return _plan(asked)

    from kldiv_cli import reports
    from kldiv_cli.cli.progress import Progress
    from kldiv_cli.reports import files
    from kldiv_cli.tasks.compare import run
    from kldiv_cli.tasks.options import Compare

    _check_stats(asked)
    outputs = asked.output or []
    if outputs:
        paths, names = (asked.reference, asked.candidate, asked.mask), (asked.group, asked.labels)
        files.check(outputs, inputs(paths, (*names, asked.classes)))
    keep_rows = files.need_rows(asked.report or "table", outputs)
    with Progress() as progress:
        comparison = run(Compare(**asked.keywords(), progress=progress), keep_rows=keep_rows)
    warnings.refuse(comparison.warnings, strict=asked.strict)
    stats = _figures(asked, comparison)
    writer = None if stats else reports.load(asked.report or "table", csv_safe=asked.csv_safe)

    def write(stream: IO[str]) -> None:
        if writer is None:
            stream.writelines(f"{figure.value!r}\n" for _, figure in stats)
        else:
            writer(comparison, stream)

    with files.staged(comparison, outputs, csv_safe=asked.csv_safe):
        streams.put(write)
    warnings.tell(comparison.warnings, no_warn=asked.no_warn)
    for stat, figure in () if asked.no_warn else stats:
        if figure.doubt is not None:
            streams.tell(f"{_called(stat, comparison)} is {figure.doubt.told(figure.value)}")
    _tell(comparison)
    return 1 if comparison.exceeded else 0


def _plan(asked: CompareLine) -> int:
    """Print what would be taken."""
    from kldiv_cli import reports
    from kldiv_cli.tasks.options import Compare
    from kldiv_cli.tasks.plan import run

    _check_planned(asked)
    plan = run(Compare(**asked.keywords()))
    write = reports.load(asked.report or "table", "plan")
    streams.put(lambda stream: write(plan, stream))
    return 0


def _check_planned(asked: CompareLine) -> None:
    """Raise where an option is about what is computed."""
    from kldiv_cli.reports import REPORTS

    for name in ("output", "stat", "limits", "lower_limits", "top", "csv_safe"):
        if name in asked.said:
            flag = asked.table[name].flags[0]
            raise UsageError(
                f"--plan stops before anything is computed, and {flag} is about what comes out",
                "Leave one of the two out.",
            )
    if asked.report is not None and REPORTS[asked.report].plan is None:
        raise UsageError(
            f"--plan stops before anything is computed, and --format {asked.report} is of a "
            "comparison",
            f"Say --format {' or '.join(REPORTS.names('plan'))}, or leave one of the two out.",
        )


def _check_stats(asked: CompareLine) -> None:
    """Raise a `UsageError` for a name that no figure has."""
    if asked.stat:
        from kldiv_cli.results.figures import check

        for stat in asked.stat:
            check(stat, asked.measure, asked.mode)


def _figures(asked: CompareLine, comparison: Comparison) -> list[tuple[str, Figure]]:
    """Return the figures of ``--stat``."""
    if not asked.stat:
        return []
    from kldiv_cli.results.figures import figure

    return [(stat, figure(stat, comparison)) for stat in asked.stat]


def _called(stat: str, comparison: Comparison) -> str:
    """Name a figure with its measure."""
    from kldiv_cli.results.statistics import STATISTICS

    return f"{next(iter(comparison.measures))} {stat}" if stat in STATISTICS else stat


def _tell(comparison: Comparison) -> None:
    for limit in comparison.limits:
        stat = _called(limit.stat, comparison)
        bound, relation = limit.above, (">", "<=")
        if bound is None:
            bound, relation = limit.below, ("<", ">=")
        kept = limit.verdict in {"holds", "not proved"}
        sign = "is not a number; limit" if isnan(limit.value) else relation[kept]
        unit = "" if limit.unit is None else f" {limit.unit}"
        found = f"{stat} {limit.value!r} {sign} {bound!r}{unit}"
        if limit.verdict == "not proved":
            passes = "" if limit.exceeded else " (--when-unsure pass)"
            streams.tell(f"limit not proved{passes}: {found}: {limit.reservation}")
        else:
            note = f" ({limit.reservation})" if limit.reservation else ""
            streams.tell(f"limit {limit.verdict}: {found}{note}")


def _check_used(asked: CompareLine) -> None:
    """Raise where an option says what nothing shows."""
    if asked.said >= {"kind", "reference_kind", "candidate_kind"}:
        raise UsageError(
            "--input says what both files hold, and --reference-input and --candidate-input say "
            "it of each",
            "Leave --input out.",
        )
    if asked.stat and asked.report is not None:
        raise UsageError(
            "--stat prints one number and --format says how to print all of them",
            "Leave one of the two out.",
        )
    if asked.stat and asked.group is not None and not asked.output:
        raise UsageError(
            "--stat prints one number, and none of --group's",
            "Leave one of the two out, or write the groups with -o FILE.json.",
        )
    if "when_unsure" in asked.said and not (asked.limits or asked.lower_limits):
        raise UsageError(
            "--when-unsure says what becomes of limits, and there are none",
            "Set one with --fail-above or --fail-below, or leave it out.",
        )
    if asked.csv_safe:
        _check_cells(asked)
    if "top" in asked.said:
        _check_top(asked)


def _check_cells(asked: CompareLine) -> None:
    """Raise where no cells are written that could be guarded."""
    from kldiv_cli.reports import files

    printed = "" if asked.stat else asked.report or "table"
    if not files.have_cells(printed, asked.output or []):
        raise UsageError(
            "--csv-safe guards the cells of csv and tsv, and neither is written",
            "Write one with -o FILE.csv or --format csv, or leave it out.",
        )


def _check_top(asked: CompareLine) -> None:
    """Raise where nothing is printed that has the most divergent rows."""
    from kldiv_cli.reports import REPORTS

    if asked.stat:
        raise UsageError(
            "--stat prints one number, and none of --top's rows", "Leave one of the two out."
        )
    report = REPORTS[asked.report or "table"]
    if report.holds == "rows" or report.suffix is not None:
        rows = "all rows" if report.holds == "rows" else "no rows"
        raise UsageError(
            f"--format {asked.report} prints {rows}, and --top says how many to show",
            "Leave one of the two out, or say --format table.",
        )
