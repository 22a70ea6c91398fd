"""``kldiv loss``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from kldiv_cli.cli import options, parts, reading, streams, warnings
from kldiv_cli.errors import UsageError

_LOSS = "Options of a loss ('kldiv loss' says which loss takes which)"


def _option(flag: str, text: str, metavar: str | None = None) -> Any:
    return typer.Option(flag, metavar=metavar, help=text, rich_help_panel=_LOSS, show_default=False)


Name = Annotated[
    str | None, typer.Argument(metavar="[NAME]", help="Which loss; none lists them all.")
]
Reference = Annotated[
    str | None,
    typer.Argument(metavar="REFERENCE", help="Logits of p: teacher, label, clean."),
]
Candidate = Annotated[
    str | None,
    typer.Argument(metavar="CANDIDATE", help="Logits of q: student, prediction, perturbed."),
]
Reduction = Annotated[
    Literal["mean", "batchmean", "sum", "sample", "cell"] | None,
    _option("--reduction", "torch: mean, batchmean, sum. globalpointer: sample, cell.", "HOW"),
]
LogTarget = Annotated[
    bool | None, _option("--log-target", "torch: the target is logged, and torch knows.")
]
RawInput = Annotated[bool | None, _option("--raw-input", "torch: the logarithm was forgotten.")]
Release = Annotated[
    Literal["1.8", "1.9"] | None,
    _option("--release", "mxnet: 1.8 averages over classes, 1.9 sums.", "1.8|1.9"),
]
FromLogits = Annotated[
    bool | None,
    _option(
        "--from-logits/--no-from-logits",
        "mxnet: the candidate is taken for log-probabilities as it is (MXNet's default), or "
        "normalised first (ours).",
    ),
]
Convention = Annotated[
    Literal["paper", "bert", "vit", "keras"] | None,
    _option("--convention", "r-drop, whose factor: paper, bert, vit, keras.", "WHOSE"),
]
Alpha = Annotated[
    float | None, _option("--alpha", "Weight: r-drop's, of TCKD, of the cross-entropy.", "A")
]
Beta = Annotated[
    float | None, _option("--beta", "Weight: of NCKD, of wMSE, of p in gjsd's mixture.", "B")
]
Lambda = Annotated[
    float | None, _option("--lambda", "distillm: weight of the mixture's first part.", "L")
]
Reverse = Annotated[bool | None, _option("--reverse", "distillm: of the student from the mixture.")]
Gamma = Annotated[float | None, _option("--gamma", "gkl: the power of the weights.", "G")]
Temperature = Annotated[
    float | None, _option("--temperature", "Divide both sides' logits by T.", "T")
]
WeightTemperature = Annotated[
    float | None,
    _option("--weight-temperature", "dkl, ikl, gkl: the weights are softmax(s/T2).", "T2"),
]
ClassPrior = Annotated[
    bool | None,
    _option("--class-prior", "dkl, ikl, gkl: weigh by the mean distribution of the row's class."),
]
Format = Annotated[
    Literal["table", "json"],
    typer.Option("--format", help="table: for people. json: for programs, at full precision."),
]


def loss(
    name: Name = None,
    reference: Reference = None,
    candidate: Candidate = None,
    reduction: Reduction = None,
    log_target: LogTarget = None,
    raw_input: RawInput = None,
    release: Release = None,
    from_logits: FromLogits = None,
    alpha: Alpha = None,
    convention: Convention = None,
    beta: Beta = None,
    lam: Lambda = None,
    reverse: Reverse = None,
    temperature: Temperature = None,
    weight_temperature: WeightTemperature = None,
    gamma: Gamma = None,
    labels: options.LabelFile = None,
    class_prior: ClassPrior = None,
    kind: options.Input = "logits",
    reference_kind: options.ReferenceInput = None,
    candidate_kind: options.CandidateInput = None,
    normalize: options.Normalize = False,
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
    report: Format = "table",
) -> int:
    """Print what training code computes from two files, and the divergence it stands for.

    Without arguments: list the losses with formula, options and paper.
    """
    warnings.check(strict=strict, no_warn=no_warn)
    given: dict[str, Any] = {
        "reduction": reduction,
        "log_target": log_target,
        "raw_input": raw_input,
        "release": release,
        "from_logits": from_logits,
        "alpha": alpha,
        "convention": convention,
        "beta": beta,
        "lam": lam,
        "reverse": reverse,
        "temperature": temperature,
        "weight_temperature": weight_temperature,
        "gamma": gamma,
        "class_prior": class_prior,
    }
    if name is None:
        _check_alone([*given.values(), labels, rows, limit, sample, seed, mask, mask_means], report)
        streams.put(lambda stream: stream.writelines(line + "\n" for line in _listing()))
        return 0
    sides = _sides(name, reference, candidate)

    from kldiv_cli.cli.progress import Progress
    from kldiv_cli.reports.loss import WRITERS
    from kldiv_cli.tasks.loss import loss as compute

    with Progress() as progress:
        result = compute(
            name,
            *sides,
            labels=labels,
            row_axes=row_axes,
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
            kind=(reference_kind or kind, candidate_kind or kind),
            normalize=normalize,
            rows=rows,
            limit=limit,
            sample=sample,
            seed=seed,
            mask=mask,
            mask_means=mask_means,
            progress=progress,
            **given,
        )
    warnings.refuse(result.warnings, strict=strict)
    streams.put(lambda stream: WRITERS[report](result, stream))
    warnings.tell(result.warnings, no_warn=no_warn)
    return 0


def _check_alone(given: list[object], report: str) -> None:
    if report != "table" or any(value is not None for value in given):
        raise UsageError(
            "kldiv loss: expected the NAME of a loss for these options, found none",
            "'kldiv loss' alone lists them.",
        )


def _sides(name: str, reference: str | None, candidate: str | None) -> tuple[str, str]:
    from kldiv_cli import losses

    if name not in losses.LOSSES and candidate is None:
        raise UsageError(
            f"kldiv loss: expected the NAME of a loss and two files, found {name!r} first",
            f"Known: {', '.join(losses.LOSSES)}.",
        )
    losses.entry_of(name)
    if reference is None or candidate is None:
        raise UsageError(
            f"kldiv loss {name}: expected REFERENCE and CANDIDATE, found "
            f"{'neither' if reference is None else 'only the first'}",
            "Name two files of logits, or say 'kldiv loss' alone for the list.",
        )
    return reference, candidate


def _listing() -> list[str]:
    from textwrap import wrap

    from kldiv_cli import losses

    width = max(map(len, losses.LOSSES))
    pad = " " * (width + 2)
    lines = ["p: softmax of the reference's logits s. q: of the candidate's, t. In nats.", ""]
    for name, entry in losses.LOSSES.items():
        texts = [entry.formula, f"options: {' '.join(losses.flags(name)) or 'none'}", entry.paper]
        folded = [
            line
            for text in texts
            for line in wrap(text, 80 - len(pad), break_long_words=False, break_on_hyphens=False)
        ]
        lines += [f"{name:<{width}}  {folded[0]}", *(pad + line for line in folded[1:])]
    return [*lines, "", "'kldiv loss NAME REFERENCE CANDIDATE' computes one."]
