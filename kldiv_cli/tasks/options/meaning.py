"""Rows of the table: what the files mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kldiv_cli.tasks.options import checks, rules
from kldiv_cli.tasks.options.row import MEANING, Options, option
from kldiv_cli.tasks.options.words import losses, suffixes

if TYPE_CHECKING:
    from kldiv_cli.measures.distributions.kinds import Kind
    from kldiv_cli.measures.types import Mode
    from kldiv_cli.tasks.options.typed import NanPolicy

KINDS = ("logits", "probs", "log-probs")


def _sides_help() -> str:
    *first, last = suffixes()
    return (
        f"Logits of p: {', '.join(first)} or {last}; a directory or a quoted glob of them; an "
        "s3://, gs://, hdfs:// or file:// URI; or - for standard input."
    )


class Sides(Options):
    """The two files, or arrays."""

    reference: Any = option(
        ..., rules.SIDE, "'a.npy'", place="REFERENCE", side="reference", help=_sides_help
    )
    candidate: Any = option(
        ...,
        rules.SIDE,
        "'b.npy'",
        place="CANDIDATE",
        side="candidate",
        help="Logits of q, as any of these.",
    )


class SidesOfLoss(Options):
    """A loss, and its two files or arrays."""

    name: Any = option(
        ...,
        rules.TEXT,
        "'torch'",
        place="[NAME]",
        completes=losses,
        help="Which loss; none lists them all.",
    )
    reference: Any = option(
        ...,
        rules.SIDE,
        "'a.npy'",
        place="REFERENCE",
        side="reference",
        help="Logits of p: teacher, label, clean.",
    )
    candidate: Any = option(
        ...,
        rules.SIDE,
        "'b.npy'",
        place="CANDIDATE",
        side="candidate",
        help="Logits of q: student, prediction, perturbed.",
    )


class Link(Options):
    """From logits to distributions."""

    mode: Mode = option(
        "softmax",
        rules.TEXT,
        "'softmax'",
        flags=("--mode",),
        words=("softmax", "sigmoid"),
        noun="mode",
        panel=MEANING,
        help="softmax: a row is one distribution. sigmoid: every cell is a label of its own.",
        kind='{"softmax", "sigmoid"}',
        doc="softmax: a row is one categorical distribution. sigmoid: every cell of a row is a "
        "Bernoulli distribution of its own, and the row's divergence is their sum.",
        docs={
            "verify": "Under sigmoid, where a row needs no softmax, only the identities of cells "
            "are checked; under softmax all are, those of cells on the same logits."
        },
    )
    temperature: float = option(
        1.0,
        rules.NUMBER,
        "2.0",
        flags=("--temperature",),
        metavar="T",
        typed=float,
        check=checks.temperature,
        panel=MEANING,
        help="Divide both sides' logits by T first.",
        kind="float",
        doc="Both sides' logits are divided by it first.",
    )


class Kinds(Options):
    """What the numbers are."""

    kind: tuple[Kind | None, Kind | None] | None = option(
        None,
        rules.OF_EACH,
        "('logits', 'probs')",
        flags=("--input",),
        words=KINDS,
        noun="kind of input",
        panel=MEANING,
        help="What the numbers of both files are.",
        shown="logits",
        kind='{"logits", "probs", "log-probs"} or a pair of them, optional',
        doc="What the numbers are, of both sides or of each: logits by default. Numbers that can "
        "be none are an error then, unless logits are asked for. Probabilities may be 0; under "
        "softmax the rows must sum to 1 within the rounding of their type, and are divided by "
        "their sums.",
        docs={
            "loss": "What the numbers are, of both sides or of each: logits by default. Numbers "
            "that can be none are an error then, unless logits are asked for. The logarithms of "
            "probabilities are taken for logits."
        },
    )
    reference_kind: Kind | None = option(
        None,
        rules.TEXT,
        "'probs'",
        flags=("--reference-input",),
        side="reference",
        part_of="kind",
        keyword=False,
        words=KINDS,
        panel=MEANING,
        help="What those of REFERENCE are.",
        shown="as --input",
    )
    candidate_kind: Kind | None = option(
        None,
        rules.TEXT,
        "'probs'",
        flags=("--candidate-input",),
        side="candidate",
        part_of="kind",
        keyword=False,
        words=KINDS,
        panel=MEANING,
        help="What those of CANDIDATE are.",
        shown="as --input",
    )
    normalize: bool = option(
        False,
        rules.FLAG,
        "True",
        flags=("--normalize",),
        typed=bool,
        panel=MEANING,
        help="Divide rows of probabilities by their sums, however far from 1 these are.",
        kind="bool",
        doc="Divide rows of probabilities by their sums however far from 1 these are.",
        docs={"loss": "Take rows of probabilities however far from 1 they sum."},
    )


class Smooth(Options):
    """What is mixed into the candidate."""

    smooth: float = option(
        0.0,
        rules.NUMBER,
        "0.01",
        flags=("--smooth",),
        metavar="E",
        typed=float,
        check=checks.smooth,
        panel=MEANING,
        help="Mix the candidate with the uniform distribution: (1-E)*q + E/C.",
        kind="float",
        doc="Mix the candidate with the uniform distribution: (1 - smooth) * q + smooth / classes.",
    )


class Invalid(Options):
    """What a row without distributions does."""

    nan_policy: NanPolicy = option(
        "raise",
        rules.TEXT,
        "'omit'",
        flags=("--nan-policy",),
        words=("raise", "omit", "propagate"),
        noun="nan policy",
        panel=MEANING,
        help="An invalid row (NaN; under softmax +inf, or all -inf on one side) is an error, is "
        "left out and counted, or makes the statistics nan.",
        kind='{"raise", "omit", "propagate"}',
        doc="What an invalid row (NaN; under softmax also +inf, or nothing but -inf on one side) "
        "does: raise an error that names it, stay out of the statistics, or make them NaN.",
        docs={
            "verify": "What an invalid row does: raise an error, stay out, or fail every identity.",
            "loss": "What an invalid row does: raise an error that names it, stay out of sums and "
            "denominators, or make the result NaN.",
        },
    )


class Truth(Options):
    """The true classes."""

    labels: Any = option(
        None,
        rules.INTEGERS,
        "'labels.npy'",
        flags=("--labels",),
        metavar="FILE",
        panel=MEANING,
        help="The true class, or next token, per row: an .npy file of integers, or a column of the "
        "reference table. kldiv compare adds perplexity, KLD and delta p of these.",
        kind="path, str or array_like of int, optional",
        doc="The true class, or next token, of every row: an .npy file, the name of a column of "
        "the reference table, or an array. With them, or with llama.cpp files, which hold the "
        "tokens, the result's ``language`` has perplexity and its kin, over the cells that a mask "
        "keeps. Rows that do not count may have any label.",
        docs={
            "loss": "The true class per row, for dkd and class priors: an .npy file, the name of a "
            "column of the reference table, or an array."
        },
    )
