"""What a caller asks -> a comparison."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from kldiv_cli import measures
from kldiv_cli.measures.distributions.kinds import Kind
from kldiv_cli.measures.types import Mode
from kldiv_cli.pairing import Pairing
from kldiv_cli.pairing.by_id import OnMissing
from kldiv_cli.pairing.classes import Wanted
from kldiv_cli.pairing.masks.mask import Means
from kldiv_cli.results.comparison import Comparison
from kldiv_cli.results.limits import Bounds, check_tokens, judged
from kldiv_cli.sources.base import Layout, RawType
from kldiv_cli.sources.labels.classes import Labels
from kldiv_cli.sources.views.choice import Choice
from kldiv_cli.tasks.arguments import checked
from kldiv_cli.tasks.comparing import Comparing
from kldiv_cli.tasks.executors.threads import available_threads
from kldiv_cli.tasks.masking import masked, scored
from kldiv_cli.tasks.opening import Input, Own, open_labels, open_pairing, own_kinds, without_labels
from kldiv_cli.tasks.request import NanPolicy, Request, Unit
from kldiv_cli.tasks.warnings import Watch

Limits = Mapping[str, float] | Sequence[tuple[str, float]]

if TYPE_CHECKING:
    from kldiv_cli.tasks.grouping import Grouping
    from kldiv_cli.tasks.tokens import Scoring


@checked
def compare(
    reference: Input,
    candidate: Input,
    *,
    mode: Mode = "softmax",
    row_axes: int | None = None,
    temperature: float = 1.0,
    unit: Unit = "nats",
    nan_policy: NanPolicy = "raise",
    id_column: str | None = None,
    columns: Sequence[str] | None = None,
    key: str | None = None,
    candidate_key: str | None = None,
    reference_format: str | None = None,
    candidate_format: str | None = None,
    header: bool = True,
    delimiter: str | None = None,
    dtype: RawType | None = None,
    rows: slice | str | None = None,
    limit: int | None = None,
    sample: int | None = None,
    seed: int | None = None,
    on_missing: OnMissing = "error",
    classes: Wanted | None = None,
    truncate_classes: bool = False,
    measure: str | Sequence[str] = "jeffreys",
    kind: Kind | tuple[Kind, Kind] = "logits",
    normalize: bool = False,
    smooth: float = 0.0,
    group: str | os.PathLike[str] | ArrayLike | None = None,
    mask: Input | None = None,
    mask_means: Means | None = None,
    top: int = 10,
    labels: str | os.PathLike[str] | ArrayLike | None = None,
    limits: Limits = (),
    lower_limits: Limits = (),
    threads: int | None = None,
    progress: Callable[[int, int | None], None] | None = None,
) -> Comparison:
    """Measure how far the candidate's outputs are from the reference's, row by row.

    The measure, if none is named, is the Jeffreys divergence J = KL(p||q) + KL(q||p) of p, the
    reference's distribution, and q, the candidate's, with no factor 1/2. All of them are exact to
    2e-14 relative in float64; divergences are never negative, and 0 exactly on equal input.

    Parameters
    ----------
    reference, candidate : path or array_like
        Logits: a file in a format of `kldiv_cli.sources.FORMATS`, or an array with at least one
        axis. Files are streamed, arrays are not copied.
    mode : {"softmax", "sigmoid"}
        softmax: a row is one categorical distribution. sigmoid: every cell of a row is a Bernoulli
        distribution of its own, and the row's divergence is their sum.
    row_axes : int, optional
        How many leading axes index rows; all but the last by default. A 1-D array is one row.
    temperature : float
        Both sides' logits are divided by it first.
    unit : {"nats", "bits"}
        The unit of the results.
    nan_policy : {"raise", "omit", "propagate"}
        What an invalid row (NaN; under softmax also +inf, or nothing but -inf on one side) does:
        raise an error that names it, stay out of the statistics, or make them NaN.
    id_column : str, optional
        The row-id column of tables; found by itself where that is plain.
    columns : sequence of str, optional
        The class columns of tables; by default all numeric ones but the id.
    key : str, optional
        Which array to take from a file that holds several under names (.npz, .safetensors, .pt).
    candidate_key : str, optional
        The same for the candidate; by default as ``key``.
    reference_format, candidate_format : str, optional
        What a file is, as `kldiv_cli.sources.FORMATS` names it; by default what its content says,
        or else its suffix.
    header : bool
        Whether the first line of .csv and .tsv files names the columns; if not, classes and columns
        are known by their positions, from 0.
    delimiter : str, optional
        What stands between the cells of .csv and .tsv files, if not comma and tab.
    dtype : "bfloat16", optional
        What values of two raw bytes are: so NumPy saves bfloat16 arrays of ml_dtypes.
    rows : slice or str, optional
        Only these rows, as in Python and without a step: ``slice(100, 200)`` or "100:200". Rows are
        counted along all axes of rows, those of the reference; the candidate's are found by id or
        stand at the same places. No more of the files is read than these need.
    limit : int, optional
        At most so many of these rows, from the first on.
    sample, seed : int, optional
        So many of these rows, drawn without replacement and in the file's order. The draw depends
        on the seed, 0 by default, and on nothing else.
    on_missing : {"error", "skip"}
        What a row id on one side only is: an error, or a row to leave out and count.
    classes : slice, str, path or sequence, optional
        Only these classes: a slice of places ("0:1000"), names or indices, or a file of them. Under
        softmax p and q are distributions over these alone; the result says how much probability the
        others hold.
    truncate_classes : bool
        Where one side has more classes, compare the first ones, as many as the other has; where
        both have names, those in common.
    measure : str or sequence of str
        What to compute, as ``kldiv measures`` lists it: "kl", "gjs:0.1", ... The first one ranks
        the rows and is what limits are about that name no measure.
    kind : {"logits", "probs", "log-probs"} or a pair of them
        What the numbers are, of both sides or of each. Probabilities may be 0; under softmax the
        rows must sum to 1 within the rounding of their type, and are divided by their sums.
    normalize : bool
        Divide rows of probabilities by their sums however far from 1 these are.
    smooth : float
        Mix the candidate with the uniform distribution: (1 - smooth) * q + smooth / classes.
    group : str, path or array_like, optional
        Statistics per group too, in the result's ``groups``: "argmax", the reference's top class;
        "confidence", its probability in five bins; "position", the index along the last axis of
        rows that have several; a column of a table, which is then no class; or labels, one per row:
        an .npy file, a text file of a line each, or an array of integers or text, which may lack
        the last axes of rows.
    mask : path or array_like of bool, optional
        Which cells enter; the others leave softmax, sums and agreement on both sides, and rows of
        which none enters leave every denominator. True and false or 1 and 0. Its axes are the first
        ones of the inputs or the last ones, each as long as theirs or 1. Its rows are the
        reference's, by position.
    mask_means : {"keep", "drop"}, optional
        Whether true cells enter, as they do by default, or are left out as those of a padding mask
        are.
    top : int
        How many of the most divergent rows to keep in the result.
    labels : path, str or array_like of int, optional
        The true class, or next token, of every row: an .npy file, the name of a column of the
        reference table, or an array. With them, or with llama.cpp files, which hold the tokens,
        the result's ``language`` has perplexity and its kin, over the cells that a mask keeps. Rows
        that do not count may have any label.
    limits, lower_limits : mapping or sequence of pairs, name to value
        Figures that should not be above a value, or not below one, kept in the result with the
        verdict: "p99" of the first measure, "kl:p99" of another; "same-argmax" or "same-sign", the
        share that agrees; where tokens are scored also those of
        `kldiv_cli.results.limits.token_figures`, such as "ppl:ratio" or "kld:mean".
    threads : int, optional
        How many threads compute; as many as the process has cores by default. The results are the
        same for any number, to the last bit.
    progress : callable, optional
        Called after each block with the rows done and the number expected, if known.

    Returns
    -------
    Comparison
        Statistics, per-row values, agreement and the most divergent rows.

    Raises
    ------
    UsageError
        An option has no such value.
    InputError
        A file cannot be read, the two sides do not correspond, a row is invalid under "raise", or
        no row is left to count.

    References
    ----------
    .. [1] H. Jeffreys, An invariant form for the prior probability in estimation problems,
       Proc. R. Soc. Lond. A 186 (1946).
    .. [2] Su Jianlin, What should KL divergence look like under GlobalPointer?, 2022,
       spaces.ac.cn/archives/9039.

    Examples
    --------
    >>> from kldiv_cli import compare
    >>> result = compare([[2.0, 1.0, 0.0, -1.0]], [[1.5, 1.2, -0.3, 0.4]])
    >>> f"{result.measures['jeffreys']['mean']:.12f}"
    '0.284691230257'
    """
    names = [measure] if isinstance(measure, str) else list(dict.fromkeys(measure))
    asked = tuple(measures.load(name) for name in names)
    kinds = (kind, kind) if isinstance(kind, str) else (kind[0], kind[1])
    request = Request(
        mode,
        temperature,
        unit,
        nan_policy,
        top,
        asked,
        kinds,
        normalize,
        smooth,
        _pairs(limits),
        _pairs(lower_limits),
        available_threads() if threads is None else threads,
    )
    named = None if columns is None else tuple(columns)
    column = group if isinstance(group, str) else None
    layout = Layout(
        row_axes,
        id_column,
        named,
        key,
        dtype,
        header,
        delimiter,
        reference_format,
        group=column,
    )
    own = Own(candidate_key, candidate_format)
    layout = without_labels(layout, reference, labels)
    choice = Choice.of(rows, limit, sample, seed)
    pairing = open_pairing(
        reference, candidate, layout, own, choice, on_missing, classes, truncate=truncate_classes
    )
    pairing = masked(pairing, mask, mask_means)
    kinds = own_kinds(pairing, kinds, mode)
    request = replace(request, kinds=kinds)
    truth = None if labels is None else open_labels(labels, pairing, reference, layout)
    tokens = scored(_scoring(pairing, mode, kinds, truth), pairing, labels is not None)
    check_tokens([stat for stat, _ in request.limits + request.lower_limits], scored=bool(tokens))
    grouping = _grouping(group, pairing, request)
    watch = Watch(pairing, mode, kinds, normalize, temperature=temperature)
    found = Comparing(pairing, request, watch, tokens, grouping, choice).run(progress)
    return replace(found, limits=judged(found, request.limits, request.lower_limits))


def _pairs(limits: Limits) -> Bounds:
    return tuple(limits.items() if isinstance(limits, Mapping) else limits)


def _scoring(
    pairing: Pairing, mode: Mode, kinds: tuple[Kind, Kind], labels: Labels | None
) -> Scoring | None:
    """Return how to score tokens, None for two sides of which nobody names the tokens."""
    sides = pairing.reference, pairing.candidate
    if labels is None and all(side.tokens is None for side in sides):
        return None
    from kldiv_cli.tasks.tokens import scoring  # noqa: PLC0415 - most comparisons start without

    return scoring(pairing, mode, kinds, labels)


def _grouping(
    group: str | os.PathLike[str] | ArrayLike | None, pairing: Pairing, request: Request
) -> Grouping | None:
    """Return how to group the rows, None where no groups are asked for."""
    if group is None:
        return None
    from kldiv_cli.tasks.grouping import open_grouping  # noqa: PLC0415 - most comparisons start without

    return open_grouping(group, pairing, request)
