"""Rows of the table: what comes out, and what CI asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kldiv_cli.errors import UsageError
from kldiv_cli.tasks.options import checks, rules
from kldiv_cli.tasks.options.row import CI, RESULT, Options, option
from kldiv_cli.tasks.options.words import (
    GROUPS,
    figures,
    measures,
    output_suffixes,
    texts,
)

if TYPE_CHECKING:
    from kldiv_cli.tasks.options.typed import Unit, WhenUnsure


def _measured(_: str, texts: list[str]) -> list[str]:
    return [name.strip() for text in texts for name in text.split(",")]


def _bounds(flag: str, texts: list[str]) -> list[tuple[str, float]]:
    return [_bound(flag, text) for text in texts]


def _bound(flag: str, text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name.strip(), float(value)
    except ValueError:
        raise UsageError(
            f"{flag}: expected NAME=VALUE with a number, found {text!r}",
            "Say for example --fail-above mean=0.01 or --fail-below same-argmax=0.99.",
        ) from None


def _formats_help() -> str:
    summaries, records = (", ".join(texts("comparison", holds)) for holds in ("summary", "rows"))
    return f"{summaries}: the summary. {records}: a record per row."


def _outputs_help() -> str:
    summaries, records = (" ".join(output_suffixes(holds)) for holds in ("summary", "rows"))
    return (
        f"Write per-row results to FILE ({records}) or the summary ({summaries}). May be given "
        "several times."
    )


class Measured(Options):
    """What is measured, and how it is told."""

    measure: tuple[str, ...] = option(
        "jeffreys",
        rules.MEASURES,
        "['kl', 'js']",
        flags=("--measure", "-m"),
        metavar="NAME,...",
        several=True,
        read=_measured,
        check=checks.measure,
        completes=measures,
        panel=RESULT,
        help="What to compute; several by commas or by repeating it. 'kldiv measures' lists them. "
        "The first one ranks the rows and feeds --stat, --fail-above and --fail-below.",
        shown="jeffreys",
        kind="str or sequence of str",
        doc='What to compute, as ``kldiv measures`` lists it: "kl", "gjs:0.1", ... The first one '
        "ranks the rows and is what limits are about that name no measure.",
    )
    group: Any = option(
        None,
        rules.GROUPS,
        "'argmax'",
        flags=("--group",),
        metavar="NAME",
        completes=lambda: GROUPS,
        panel=RESULT,
        help="The statistics per group too. argmax: by the reference's top class. confidence: by "
        "its probability. position: by the index along the last of several axes of rows. A COLUMN "
        "of a table, or a FILE with a label per row: text or .npy.",
        kind="str, path or array_like, optional",
        doc="Statistics per group too, in the result's ``groups``: \"argmax\", the reference's top "
        'class; "confidence", its probability in five bins; "position", the index along the last '
        "axis of rows that have several; a column of a table, which is then no class; or labels, "
        "one per row: an .npy file, a text file of a line each, or an array of integers or text, "
        "which may lack the last axes of rows.",
    )
    unit: Unit = option(
        "nats",
        rules.TEXT,
        "'bits'",
        flags=("--unit",),
        words=("nats", "bits"),
        noun="unit",
        panel=RESULT,
        help="The unit of all measures; what language models have is in nats.",
        kind='{"nats", "bits"}',
        doc="The unit of the results.",
    )
    top: int = option(
        10,
        rules.WHOLE,
        "10",
        flags=("--top",),
        metavar="N",
        typed=int,
        check=checks.top,
        panel=RESULT,
        help="How many of the most divergent rows the table shows; 20 rows or fewer are all shown.",
        kind="int",
        doc="How many of the most divergent rows to keep in the result.",
    )


_LIMITS_DOC = (
    "Figures that should not be above a value, or not below one, kept in the result with the "
    'verdict: "p99" of the first measure, "kl:p99" of another; "same-argmax" or "same-sign", the '
    "share that agrees; where tokens are scored also those of "
    '`kldiv_cli.results.figures.token_figures`, such as "ppl:ratio" or "kld:mean".'
)


class Limits(Options):
    """What must hold."""

    limits: tuple[tuple[str, float], ...] = option(
        (),
        rules.LIMITS,
        "{'mean': 0.01}",
        flags=("--fail-above",),
        metavar="NAME=VALUE",
        several=True,
        read=_bounds,
        check=checks.limits,
        completes=lambda: [f"{name}=" for name in figures()],
        panel=CI,
        help="Exit 1 when this number (named as for --stat) is above VALUE or is nan. May be given "
        "several times.",
        kind="mapping or sequence of pairs, name to value",
        doc=_LIMITS_DOC,
    )
    lower_limits: tuple[tuple[str, float], ...] = option(
        (),
        rules.LIMITS,
        "{'same-argmax': 0.99}",
        flags=("--fail-below",),
        metavar="NAME=VALUE",
        several=True,
        read=_bounds,
        check=checks.limits,
        completes=lambda: [f"{name}=" for name in figures()],
        panel=CI,
        help="The same when it is below VALUE: --fail-below same-argmax=0.99.",
        kind="mapping or sequence of pairs, name to value",
        doc=_LIMITS_DOC,
    )
    when_unsure: WhenUnsure = option(
        "fail",
        rules.TEXT,
        "'pass'",
        flags=("--when-unsure",),
        words=("pass", "fail"),
        noun="way with limits that are not proved",
        panel=CI,
        help="What becomes of a limit that is not proved: the figure keeps it, and the true one "
        "may not, because a file censors part of it. fail: exit 1.",
        kind='{"pass", "fail"}',
        doc="What becomes of a limit that is not proved: the figure keeps it, and the true one may "
        "not, because a file censors part of what it is made of.",
    )


def printed(result: str, help_text: str) -> Any:
    """Declare ``--format`` of a command that prints a kind of result."""
    return option(
        "table",
        rules.TEXT,
        "'json'",
        flags=("--format",),
        keyword=False,
        words=lambda: texts(result),
        help=help_text,
    )


class Written(Options):
    """Where the command line writes what it can print as JSON."""

    output: list[str] | None = option(
        None,
        rules.NAMES,
        "['a.json']",
        flags=("--output", "-o"),
        metavar="FILE",
        keyword=False,
        several=True,
        help="Write the JSON to FILE (.json). May be given several times.",
    )


class Printed(Options):
    """How the command line prints a comparison."""

    plan: bool = option(
        False,
        rules.FLAG,
        "True",
        flags=("--plan",),
        keyword=False,
        typed=bool,
        panel=RESULT,
        help="Print what would be taken (files, classes, ids, kinds, rows, pairing), and compare "
        "nothing.",
    )
    report: str | None = option(
        None,
        rules.TEXT,
        "'json'",
        flags=("--format",),
        metavar="FORMAT",
        keyword=False,
        words=lambda: texts("comparison"),
        panel=RESULT,
        help=_formats_help,
        shown="table",
    )
    output: list[str] | None = option(
        None,
        rules.NAMES,
        "['a.json']",
        flags=("--output", "-o"),
        metavar="FILE",
        keyword=False,
        several=True,
        panel=RESULT,
        help=_outputs_help,
    )
    csv_safe: bool = option(
        False,
        rules.FLAG,
        "True",
        flags=("--csv-safe",),
        keyword=False,
        typed=bool,
        panel=RESULT,
        help="In csv and tsv put ' before text (ids, groups, names) that spreadsheets would run as "
        "a formula: that begins with = + - @, a tab or the end of a line, and is no number.",
    )
    stat: list[str] | None = option(
        None,
        rules.NAMES,
        "['mean']",
        flags=("--stat",),
        metavar="NAME",
        keyword=False,
        several=True,
        completes=figures,
        panel=RESULT,
        help="Print this number and nothing else, at full precision: total, mean, sem, min, max, "
        "median, p90, p95, p99, p99.9; of another measure than the first: kl:p99; same-argmax, "
        "same-sign: the share that agrees. Of tokens: same-top, ppl:NAME (ratio, ln-ratio, "
        "difference, correlation, candidate, reference), ppl-known:NAME (the same of the tokens "
        "that no file censors), kld:NAME and delta-p:NAME (mean, sem, "
        "max, p99.9 ... p0.1, min, rms), in nats and as shares. May be given several times: a "
        "line each.",
    )


class Warned(Options):
    """What becomes of warnings on the command line."""

    strict: bool = option(
        False,
        rules.FLAG,
        "True",
        flags=("--strict",),
        keyword=False,
        typed=bool,
        panel=CI,
        help="Exit 2 where there would be a warning.",
    )
    no_warn: bool = option(
        False,
        rules.FLAG,
        "True",
        flags=("--no-warn",),
        keyword=False,
        typed=bool,
        panel=CI,
        help="Print no warnings.",
    )
