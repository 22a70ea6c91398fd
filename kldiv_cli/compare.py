"""The one loop: pairing -> measures -> summary."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from math import prod

import numpy as np
from numpy.typing import ArrayLike

from kldiv_cli import measures
from kldiv_cli.comparison import Agreement, Comparison, Limit, Side
from kldiv_cli.errors import InputError, UsageError
from kldiv_cli.measures.base import Mode, Status
from kldiv_cli.measures.faults import first_invalid
from kldiv_cli.measures.kinds import Kind
from kldiv_cli.pairing import BlockPair, Pairing
from kldiv_cli.request import NanPolicy, Request, Unit
from kldiv_cli.sources import open_source
from kldiv_cli.sources.array import ArraySource
from kldiv_cli.sources.base import Layout, Source
from kldiv_cli.summary import Rows, Summary, TopRow
from kldiv_cli.watch import SideWatch, Watch, looks_like

ALL_ROWS = 20
"""A file with at most so many rows has all of them shown."""


def compare(
    reference: str | os.PathLike[str] | ArrayLike,
    candidate: str | os.PathLike[str] | ArrayLike,
    *,
    mode: Mode = "softmax",
    row_axes: int | None = None,
    temperature: float = 1.0,
    unit: Unit = "nats",
    nan_policy: NanPolicy = "raise",
    id_column: str | None = None,
    columns: Sequence[str] | None = None,
    measure: str | Sequence[str] = "jeffreys",
    kind: Kind | tuple[Kind, Kind] = "logits",
    normalize: bool = False,
    smooth: float = 0.0,
    top: int = 10,
    limits: Mapping[str, float] | Sequence[tuple[str, float]] = (),
    progress: Callable[[int, int | None], None] | None = None,
) -> Comparison:
    """Measure how far the candidate's outputs are from the reference's, row by row.

    The measure, if none is named, is the Jeffreys divergence J = KL(p||q) + KL(q||p) of p, the
    reference's distribution, and q, the candidate's, with no factor 1/2. All of them are exact to
    2e-14 relative in float64; divergences are never negative, and 0 exactly on equal input.

    Parameters
    ----------
    reference, candidate : path or array_like
        Logits: a .npy, .csv, .tsv or .parquet file, or an array with at least one axis. Files are
        streamed, arrays are not copied.
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
    top : int
        How many of the most divergent rows to keep in the result.
    limits : mapping or sequence of pairs, statistic name to value
        "p99" of the first measure, "kl:p99" of another; kept in the result with the verdict.
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
        mode, temperature, unit, nan_policy, top, asked, kinds, normalize, smooth, tuple(pairs)
    )
    layout = Layout(row_axes, id_column, None if columns is None else tuple(columns))
    pairing = Pairing(*(_open(side, layout) for side in (reference, candidate)))
    _check_tables(pairing, layout)
    watch = Watch(pairing, request)
    summary = Summary.empty()
    _keep_freed_memory()
    for block in pairing.blocks():
        rows = _measure(block, request, pairing)
        watch.look(block, rows.counted & ~rows.invalid)
        summary = summary.merge(Summary.from_rows(rows, max(top, ALL_ROWS)))
        if progress is not None:
            progress(summary.rows, pairing.rows_expected)
    watch.check()
    return _result(summary, request, pairing, watch)


def _measure(block: BlockPair, request: Request, pairing: Pairing) -> Rows:
    pair = measures.prepare(
        request.mode,
        block.reference,
        block.candidate,
        request.temperature,
        request.kinds,
        request.smooth,
    )
    invalid = pair.status == Status.INVALID
    if request.nan_policy == "raise" and invalid.any():
        first = int(invalid.argmax())
        raise _invalid(block, first, request, pairing)
    counted = pair.status == Status.COUNTED
    if request.nan_policy == "propagate":
        counted |= invalid
    same, of = pair.agreement
    return Rows(
        values={each.name: request.in_unit(each.rows(pair), each) for each in request.measures},
        counted=counted,
        skipped=pair.status == Status.SKIPPED,
        invalid=invalid,
        argmax=pair.argmax,
        same=same,
        of=of,
        ids=block.ids,
    )


def _keep_freed_memory() -> None:
    """Let the C library keep what blocks free for the next ones.

    glibc gives the top of its heap back after every block and takes it again page by page, which
    costs twice the arithmetic. Freeing one large array raises the size from which it does so.
    """
    np.empty(30 << 20, dtype=np.uint8)


def _invalid(block: BlockPair, row: int, request: Request, pairing: Pairing) -> InputError:
    values = block.reference, block.candidate
    fault = first_invalid(request.mode, *values, row, request.kinds)
    advice = (
        "Leave such rows out with --nan-policy omit, or let them show with --nan-policy propagate."
    )
    kinds = request.kinds if fault.side == "reference" else request.kinds[::-1]
    other = values[1] if fault.side == "reference" else values[0]
    if kinds[0] != "logits" and kinds[1] == "logits" and looks_like(other, kinds[0]):
        advice = f"The other side looks like {kinds[0]}: are --reference-input and "
        advice += "--candidate-input swapped?"
    return InputError(
        f"{getattr(pairing, fault.side).path}: "
        f"{pairing.place(fault.side, block, fault.row, fault.cell)}: expected {fault.expected}, "
        f"found {fault.found}",
        advice,
    )


def _result(
    summary: Summary,
    request: Request,
    pairing: Pairing,
    watch: Watch,
) -> Comparison:
    counted, skipped = np.concatenate(summary.counted), np.concatenate(summary.skipped)
    if not counted.any():
        raise InputError(
            f"{pairing.reference.path}: expected rows to compare, found none that counts "
            f"({int(skipped.sum())} skipped, nothing but -inf; {summary.invalid} invalid)",
            "Check the mask of what wrote the files.",
        )
    found = summary.result()
    units = {each.name: request.unit if each.has_unit else None for each in request.measures}
    return Comparison(
        reference=_side(pairing.reference, summary.rows, watch.sides[0]),
        candidate=_side(pairing.candidate, summary.rows, watch.sides[1]),
        mode=request.mode,
        unit=request.unit,
        temperature=request.temperature,
        smooth=request.smooth,
        nan_policy=request.nan_policy,
        rows=int(counted.sum()),
        skipped=int(skipped.sum()),
        invalid=summary.invalid,
        classes=prod(pairing.class_shape),
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
    )


def _open(side: str | os.PathLike[str] | ArrayLike, layout: Layout) -> Source:
    if isinstance(side, (str, os.PathLike)):
        return open_source(side, layout)
    return ArraySource(np.asarray(side), layout)


def _side(source: Source, rows: int, seen: SideWatch) -> Side:
    return Side(
        path=source.path,
        format=source.format,
        dtype=source.dtype,
        shape=tuple(rows if length is None else length for length in source.shape),
        kind=seen.kind,
        id=source.id_name,
        sum_error=seen.worst if seen.summed else None,
        notes=source.notes,
    )


def _shown_rows(summary: Summary, top: int) -> tuple[TopRow, ...]:
    if summary.rows <= ALL_ROWS:
        return tuple(sorted(summary.top, key=lambda row: row.row))
    return tuple(row for row in summary.top if row.counted)[:top]


def _check_tables(pairing: Pairing, layout: Layout) -> None:
    if layout.id is None and layout.columns is None:
        return
    sides = pairing.reference, pairing.candidate
    if all(side.class_names is None and side.id_name is None for side in sides):
        raise UsageError(
            "--id and --columns name columns, and neither input is a table with columns",
            "Leave them out.",
        )
