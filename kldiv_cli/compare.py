"""The one loop: pairing -> measures -> summary."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from math import prod

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kldiv_cli import measures
from kldiv_cli.comparison import Agreement, Comparison, Limit
from kldiv_cli.grouping import Grouping, open_grouping
from kldiv_cli.groups import grouped
from kldiv_cli.language import Scoring, scoring
from kldiv_cli.language_result import TokenRows, TokenSummary
from kldiv_cli.mask import Means
from kldiv_cli.masking import described, hidden, masked, masked_cells, of_whole_rows
from kldiv_cli.measures.base import Mode, Status
from kldiv_cli.measures.evaluation import Evaluator
from kldiv_cli.measures.kinds import Kind
from kldiv_cli.opening import (
    Input,
    Own,
    describe,
    invalid_row,
    nothing_counts,
    open_labels,
    open_pairing,
    own_kinds,
    without_labels,
)
from kldiv_cli.pairing import BlockPair, Pairing
from kldiv_cli.parallel import available_threads, in_order
from kldiv_cli.request import NanPolicy, Request, Unit
from kldiv_cli.sources.base import BLOCK_BYTES, STREAM_BYTES, Layout
from kldiv_cli.summary import Rows, Summary, TopRow
from kldiv_cli.watch import Seen, Watch, watched

_PARTS = 64
"""How many blocks' summaries are joined at a time."""
ALL_ROWS = 20
"""A file with at most so many rows has all of them shown."""


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
    measure: str | Sequence[str] = "jeffreys",
    kind: Kind | tuple[Kind, Kind] = "logits",
    normalize: bool = False,
    smooth: float = 0.0,
    group: str | os.PathLike[str] | ArrayLike | None = None,
    mask: Input | None = None,
    mask_means: Means = "keep",
    top: int = 10,
    labels: str | os.PathLike[str] | ArrayLike | None = None,
    limits: Mapping[str, float] | Sequence[tuple[str, float]] = (),
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
        rows that have several; or labels, one per row: an .npy file, a text file of a line each, or
        an array of integers or text. Labels may lack the last axes of rows.
    mask : path or array_like of bool, optional
        Which cells enter; the others leave softmax, sums and agreement on both sides, and rows of
        which none enters leave every denominator. True and false or 1 and 0. Its axes are the first
        ones of the inputs or the last ones, each as long as theirs or 1. Its rows are the
        reference's, by position.
    mask_means : {"keep", "drop"}
        Whether true cells enter, or are left out as those of a padding mask are.
    top : int
        How many of the most divergent rows to keep in the result.
    labels : path, str or array_like of int, optional
        The true class, or next token, of every row: an .npy file, the name of a column of the
        reference table, or an array. With them, or with llama.cpp files, which hold the tokens,
        the result's ``language`` has perplexity and its kin.
    limits : mapping or sequence of pairs, statistic name to value
        "p99" of the first measure, "kl:p99" of another; kept in the result with the verdict.
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
    pairs = limits.items() if isinstance(limits, Mapping) else limits
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
        tuple(pairs),
        available_threads() if threads is None else threads,
    )
    classes = None if columns is None else tuple(columns)
    layout = Layout(row_axes, id_column, classes, key, format=reference_format)
    own = Own(candidate_key, candidate_format)
    layout = without_labels(layout, reference, labels)
    pairing = masked(open_pairing(reference, candidate, layout, own), mask, mask_means)
    kinds = own_kinds(pairing, kinds, mode)
    request = replace(request, kinds=kinds)
    truth = None if labels is None else open_labels(labels, pairing, reference, layout)
    tokens = of_whole_rows(scoring(pairing, mode, kinds, truth), pairing, labels is not None)
    grouping = None if group is None else open_grouping(group, pairing, request)
    watch = Watch(pairing, mode, kinds, normalize)
    return _Comparing(pairing, request, watch, tokens, grouping).run(progress)


@dataclass(frozen=True)
class _Part:
    """What is kept of one block."""

    summary: Summary
    seen: Seen
    tokens: TokenRows | None


class _Comparing:
    """One comparison on its way; `part` may run in several threads at once."""

    def __init__(
        self,
        pairing: Pairing,
        request: Request,
        watch: Watch,
        tokens: Scoring | None,
        grouping: Grouping | None,
    ) -> None:
        self.pairing, self.request, self.watch = pairing, request, watch
        self.tokens, self.grouping = tokens, grouping
        self.evaluator = Evaluator(
            request.measures, request.mode, request.temperature, request.kinds, request.smooth
        )

    def run(self, progress: Callable[[int, int | None], None] | None) -> Comparison:
        """Go over all blocks."""
        by_kernel = self.evaluator.by_kernel_alone and self.tokens is None
        if not by_kernel:
            _keep_freed_memory()
        size = STREAM_BYTES if by_kernel else BLOCK_BYTES
        parts: list[Summary] = []
        scored: list[TokenRows] = []
        labels: list[NDArray[np.intp]] = []
        blocks = self.pairing.blocks(size)
        with closing(in_order(self.part, blocks, self.request.threads)) as measured:
            for block, part in measured:
                self.watch.add(block, part.seen)
                parts.append(part.summary)
                if self.tokens is not None and part.tokens is not None:
                    scored.append(part.tokens)
                    labels.append(self.tokens.of(block))
                if len(parts) == _PARTS:
                    parts = [Summary.join(parts)]
                if progress is not None:
                    progress(block.start + part.summary.rows, self.pairing.rows_expected)
        self.watch.check()
        whole = Summary.join(parts)
        found = _result(whole, self.request, self.pairing, self.watch)
        if self.tokens is not None:
            every = TokenSummary(self.tokens.floor, tuple(scored))
            tokens = {"label": np.concatenate(labels)} | every.values(np.concatenate(whole.counted))
            found = replace(found, language=every.result(), tokens=tokens)
        if self.grouping is not None:
            found = replace(found, groups=grouped(whole, self.grouping.by))
        return found

    def part(self, whole: BlockPair) -> _Part:
        """Measure one block."""
        request = self.request
        block = hidden(whole, request.kinds)
        found = self.evaluator.evaluate(block.reference, block.candidate, block.kept)
        invalid = found.status == Status.INVALID
        if request.nan_policy == "raise" and invalid.any():
            raise invalid_row(
                request.mode, block, int(invalid.argmax()), self.pairing, request.kinds
            )
        valid = found.status == Status.COUNTED
        rows = Rows(
            values={
                each.name: request.in_unit(found.values[each.name], each)
                for each in request.measures
            },
            counted=valid | invalid if request.nan_policy == "propagate" else valid,
            skipped=found.status == Status.SKIPPED,
            invalid=invalid,
            argmax=found.argmax,
            same=found.same,
            of=found.of,
            ids=block.ids,
            keys=None if self.grouping is None else self.grouping.keys(block, found),
            masked=None if block.kept is None else found.status == Status.MASKED,
            masked_cells=masked_cells(block),
        )
        known = None if found.mismatches is None else int(found.mismatches.sum())
        seen = self.watch.see(block, valid, known, whole)
        tokens = None if self.tokens is None else self.tokens.rows(whole, rows.counted)
        block.release()
        return _Part(Summary.from_rows(rows, max(request.top, ALL_ROWS)), seen, tokens)


def _keep_freed_memory() -> None:
    """Let the C library keep what blocks free for the next ones.

    glibc gives the top of its heap back after every block and takes it again page by page, which
    costs twice the arithmetic. Freeing one large array raises the size from which it does so.
    """
    np.empty(30 << 20, dtype=np.uint8)


def _result(
    summary: Summary,
    request: Request,
    pairing: Pairing,
    watch: Watch,
) -> Comparison:
    counted, skipped = np.concatenate(summary.counted), np.concatenate(summary.skipped)
    masked_rows = np.concatenate(summary.masked) if summary.masked else None
    left_out = 0 if masked_rows is None else int(masked_rows.sum())
    if not counted.any():
        raise nothing_counts(pairing, int(skipped.sum()), summary.invalid, left_out)
    found = summary.result()
    classes = prod(pairing.class_shape)
    units = {each.name: request.unit if each.has_unit else None for each in request.measures}
    return Comparison(
        reference=watched(describe(pairing.reference, summary.rows), watch.sides[0]),
        candidate=watched(describe(pairing.candidate, summary.rows), watch.sides[1]),
        mode=request.mode,
        unit=request.unit,
        temperature=request.temperature,
        smooth=request.smooth,
        nan_policy=request.nan_policy,
        rows=int(counted.sum()),
        skipped=int(skipped.sum()),
        invalid=summary.invalid,
        classes=classes,
        class_shape=pairing.class_shape,
        class_names=pairing.class_names,
        row_shape=tuple(n or summary.rows for n in pairing.row_shape),
        paired_by=pairing.by,
        measures=found,
        definitions={each.name: each.formula[request.mode] for each in request.measures},
        units=units,
        values={name: np.concatenate(chunks) for name, chunks in summary.values.items()},
        skipped_rows=skipped,
        ids=np.concatenate(summary.ids) if summary.ids else None,
        agreement=Agreement(
            "argmax" if request.mode == "softmax" else "sign", summary.agreeing, summary.decisions
        ),
        top=_shown_rows(summary, request.top),
        limits=tuple(
            Limit(stat, above, found[name][statistic], units[name])
            for stat, above in request.limits
            for name, statistic in [request.split(stat)]
        ),
        warnings=watch.warnings(),
        mask=described(pairing, summary.masked_cells, int(counted.sum()) * classes),
        masked=left_out,
        masked_rows=masked_rows,
    )


def _shown_rows(summary: Summary, top: int) -> tuple[TopRow, ...]:
    if summary.rows <= ALL_ROWS:
        return tuple(sorted(summary.top, key=lambda row: row.row))
    return tuple(row for row in summary.top if row.counted)[:top]
