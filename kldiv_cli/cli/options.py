"""The options that commands share."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

_MEANING = "What the files mean"
_RESULT = "What comes out"
_CI = "For CI"
_RUN = "How it runs"

Reference = Annotated[
    str,
    typer.Argument(
        metavar="REFERENCE",
        help="Logits of p: .npy, .npz, .csv, .tsv, .jsonl, .parquet, .arrow, .safetensors, .pt or "
        ".kld; a directory or a quoted glob of them; an s3://, "
        "gs://, hdfs:// or file:// URI; or - for standard input.",
    ),
]
Candidate = Annotated[
    str,
    typer.Argument(metavar="CANDIDATE", help="Logits of q, as any of these."),
]
ModeOption = Annotated[
    Literal["softmax", "sigmoid"],
    typer.Option(
        "--mode",
        help="softmax: a row is one distribution. sigmoid: every cell is a label of its own.",
        rich_help_panel=_MEANING,
    ),
]
Temperature = Annotated[
    float,
    typer.Option(
        "--temperature",
        metavar="T",
        help="Divide both sides' logits by T first.",
        rich_help_panel=_MEANING,
    ),
]
_KIND = Literal["logits", "probs", "log-probs"]
Input = Annotated[
    _KIND,
    typer.Option("--input", help="What the numbers of both files are.", rich_help_panel=_MEANING),
]
ReferenceInput = Annotated[
    _KIND | None,
    typer.Option(
        "--reference-input",
        help="What those of REFERENCE are.",
        show_default="as --input",
        rich_help_panel=_MEANING,
    ),
]
CandidateInput = Annotated[
    _KIND | None,
    typer.Option(
        "--candidate-input",
        help="What those of CANDIDATE are.",
        show_default="as --input",
        rich_help_panel=_MEANING,
    ),
]
Normalize = Annotated[
    bool,
    typer.Option(
        "--normalize",
        help="Divide rows of probabilities by their sums, however far from 1 these are.",
        rich_help_panel=_MEANING,
    ),
]
Smooth = Annotated[
    float,
    typer.Option(
        "--smooth",
        metavar="E",
        help="Mix the candidate with the uniform distribution: (1-E)*q + E/C.",
        rich_help_panel=_MEANING,
    ),
]
NanPolicyOption = Annotated[
    Literal["raise", "omit", "propagate"],
    typer.Option(
        "--nan-policy",
        help="An invalid row (NaN; under softmax +inf, or all -inf on one side) is an error, is "
        "left out and counted, or makes the statistics nan.",
        rich_help_panel=_MEANING,
    ),
]
LabelFile = Annotated[
    str | None,
    typer.Option(
        "--labels",
        metavar="FILE",
        help="The true class, or next token, per row: an .npy file of integers, or a column of the "
        "reference table. kldiv compare adds perplexity, KLD and delta p of these.",
        rich_help_panel=_MEANING,
    ),
]
MeasureNames = Annotated[
    list[str] | None,
    typer.Option(
        "--measure",
        "-m",
        metavar="NAME,...",
        help="What to compute; several by commas or by repeating it. 'kldiv measures' lists them. "
        "The first one ranks the rows and feeds --stat, --fail-above and --fail-below.",
        show_default="jeffreys",
        rich_help_panel=_RESULT,
    ),
]
GroupName = Annotated[
    str | None,
    typer.Option(
        "--group",
        metavar="NAME",
        help="The statistics per group too. argmax: by the reference's top class. confidence: by "
        "its probability. position: by the index along the last of several axes of rows. A COLUMN "
        "of a table, or a FILE with a label per row: text or .npy.",
        rich_help_panel=_RESULT,
    ),
]
UnitOption = Annotated[
    Literal["nats", "bits"],
    typer.Option(
        "--unit",
        help="The unit of all measures; what language models have is in nats.",
        rich_help_panel=_RESULT,
    ),
]
Top = Annotated[
    int,
    typer.Option(
        "--top",
        metavar="N",
        help="How many of the most divergent rows the table shows; 20 rows or fewer are all shown.",
        rich_help_panel=_RESULT,
    ),
]
FormatOption = Annotated[
    Literal["table", "markdown", "json", "csv", "tsv", "jsonl"] | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="table, markdown, json: the summary. csv, tsv, jsonl: a record per row.",
        show_default="table",
        rich_help_panel=_RESULT,
    ),
]
Outputs = Annotated[
    list[str] | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write per-row results to FILE (.csv .tsv .jsonl .parquet .npy) or the summary "
        "(.json). May be given several times.",
        rich_help_panel=_RESULT,
    ),
]
Stat = Annotated[
    str | None,
    typer.Option(
        "--stat",
        metavar="NAME",
        help="Print this number and nothing else, at full precision: total, mean, sem, min, max, "
        "median, p90, p95, p99, p99.9; of another measure than the first: kl:p99; same-argmax, "
        "same-sign: the share that agrees. Of tokens: same-top, ppl:NAME (ratio, ln-ratio, "
        "difference, correlation, candidate, reference), kld:NAME and delta-p:NAME (mean, sem, "
        "max, p99.9 ... p0.1, min, rms), in nats and as shares.",
        rich_help_panel=_RESULT,
    ),
]
Strict = Annotated[
    bool,
    typer.Option("--strict", help="Exit 2 where there would be a warning.", rich_help_panel=_CI),
]
NoWarn = Annotated[bool, typer.Option("--no-warn", help="Print no warnings.", rich_help_panel=_CI)]
FailAbove = Annotated[
    list[str] | None,
    typer.Option(
        "--fail-above",
        metavar="NAME=VALUE",
        help="Exit 1 when this number (named as for --stat) is above VALUE or is nan. May be given "
        "several times.",
        rich_help_panel=_CI,
    ),
]
FailBelow = Annotated[
    list[str] | None,
    typer.Option(
        "--fail-below",
        metavar="NAME=VALUE",
        help="The same when it is below VALUE: --fail-below same-argmax=0.99.",
        rich_help_panel=_CI,
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        "--threads",
        metavar="N",
        help="How many threads compute; the results are the same for any number.",
        show_default="one per core that this process may use",
        rich_help_panel=_RUN,
    ),
]
