"""The one loop: pairing -> measures -> summary."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite, isnan, log, prod
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from kldiv_cli import measures
from kldiv_cli.comparison import Agreement, Comparison, Limit, Side
from kldiv_cli.errors import InputError, UsageError
from kldiv_cli.measures.base import Measure, Mode, Status
from kldiv_cli.measures.faults import Fault, first_invalid, mask_mismatches
from kldiv_cli.pairing import BlockPair, Pairing
from kldiv_cli.sources import open_source
from kldiv_cli.sources.array import ArraySource
from kldiv_cli.sources.base import Layout, Source
from kldiv_cli.summary import STATISTICS, Rows, Summary

Unit = Literal["nats", "bits"]
NanPolicy = Literal["raise", "omit", "propagate"]
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
    top: int = 10,
    limits: Mapping[str, float] | Sequence[tuple[str, float]] = (),
    progress: Callable[[int, int | None], None] | None = None,
) -> Comparison:
    """Measure how far the candidate's outputs are from the reference's, row by row.

    The measure is the Jeffreys divergence J = KL(p||q) + KL(q||p) of p, the reference's
    distribution, and q, the candidate's, with no factor 1/2; exact to 2e-14 relative in float64,
    never negative, and 0 exactly on equal input.

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
    top : int
        How many of the most divergent rows to keep in the result.
    limits : mapping or sequence of pairs, statistic name to value
        Kept in the result with the verdict.
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
    >>> compare([[2.0, 1.0, 0.0, -1.0]], [[1.5, 1.2, -0.3, 0.4]]).measures["jeffreys"]["mean"]
    0.284691230256762
    """
    asked = list(limits.items() if isinstance(limits, Mapping) else limits)
    _check_options(mode, temperature, unit, nan_policy, top, asked)
    layout = Layout(row_axes, id_column, None if columns is None else tuple(columns))
    pairing = Pairing(*(_open(side, layout) for side in (reference, candidate)))
    _check_tables(pairing, layout)
    run = _Run(
        pairing,
        mode,
        temperature,
        1.0 if unit == "nats" else log(2),
        nan_policy,
        [measures.load("jeffreys")],
        max(top, ALL_ROWS),
    )
    summary = Summary.empty()
    for block in pairing.blocks():
        summary = summary.merge(run.summarize(block, summary.rows))
        if progress is not None:
            progress(summary.rows, pairing.rows_expected)
    return run.result(summary, unit, top, asked)


@dataclass
class _Run:
    """One comparison under way."""

    pairing: Pairing
    mode: Mode
    temperature: float
    nats_per_unit: float
    nan_policy: NanPolicy
    asked: Sequence[Measure]
    keep: int
    mismatches: int = 0
    first_mismatch: str = field(default="")

    def summarize(self, block: BlockPair, start: int) -> Summary:
        """Measure one block of rows that begins at row ``start``."""
        s, t = block.reference, block.candidate
        pair = measures.prepare(self.mode, s, t, self.temperature)
        invalid = pair.status == Status.INVALID
        if self.nan_policy == "raise" and invalid.any():
            fault = first_invalid(self.mode, s, t, int(invalid.argmax()))
            raise self._invalid(fault, block, start)
        count, mismatch = mask_mismatches(s, t)
        if mismatch is not None and not self.mismatches:
            self.first_mismatch = f"{self._place(mismatch, block, start)}: {mismatch.found}"
        self.mismatches += count

        values = {measure.name: measure.rows(pair) / self.nats_per_unit for measure in self.asked}
        counted = pair.status == Status.COUNTED
        if self.nan_policy == "propagate":
            counted |= invalid
        if pair.mode == "softmax":
            same, of = pair.argmax[0] == pair.argmax[1], np.ones(len(s), dtype=np.intp)
        else:
            same, of = pair.signs
        rows = Rows(
            values,
            counted,
            pair.status == Status.SKIPPED,
            invalid,
            pair.argmax,
            same.astype(np.intp),
            of,
            block.ids,
        )
        return Summary.from_rows(rows, self.keep)

    def result(
        self, summary: Summary, unit: Unit, top: int, limits: Sequence[tuple[str, float]]
    ) -> Comparison:
        """Turn the summary of all rows into the result."""
        counted, skipped = np.concatenate(summary.counted), np.concatenate(summary.skipped)
        if not counted.any():
            raise InputError(
                f"{self.pairing.reference.path}: expected rows to compare, found none that counts "
                f"({int(skipped.sum())} skipped, nothing but -inf; {summary.invalid} invalid)",
                "Check the mask of what wrote the files.",
            )
        found = summary.result()
        first = found[self.asked[0].name]
        return Comparison(
            reference=_side(self.pairing.reference, summary.rows),
            candidate=_side(self.pairing.candidate, summary.rows),
            mode=self.mode,
            unit=unit,
            temperature=self.temperature,
            nan_policy=self.nan_policy,
            rows=int(counted.sum()),
            skipped=int(skipped.sum()),
            invalid=summary.invalid,
            classes=prod(self.pairing.class_shape),
            class_shape=self.pairing.class_shape,
            class_names=self.pairing.class_names,
            row_shape=tuple(n or summary.rows for n in self.pairing.row_shape),
            paired_by=self.pairing.by,
            measures=found,
            definitions={measure.name: measure.formula[self.mode] for measure in self.asked},
            values={name: np.concatenate(chunks) for name, chunks in summary.values.items()},
            skipped_rows=skipped,
            ids=np.concatenate(summary.ids) if summary.ids else None,
            agreement=Agreement(
                "argmax" if self.mode == "softmax" else "sign", summary.agreeing, summary.decisions
            ),
            top=_shown_rows(summary, top),
            limits=tuple(Limit(stat, above, first[stat]) for stat, above in limits),
            warnings=self._warnings(),
        )

    def _place(self, fault: Fault, block: BlockPair, start: int) -> str:
        side: Source = getattr(self.pairing, fault.side)
        row = f"row {start + fault.row}"
        if block.ids is not None:
            row += f" ({str(block.ids[fault.row])!r})"
        line = side.line(start + fault.row) if self.pairing.by == "position" else None
        if line is not None:
            row += f", line {line}"
        if fault.cell is None:
            return row
        names, shape = self.pairing.class_names, self.pairing.class_shape
        if names is not None:
            return f"{row}, class {names[fault.cell]!r}"
        cell = tuple(int(i) for i in np.unravel_index(fault.cell, shape))
        return f"{row}, class {cell[0]}" if len(cell) == 1 else f"{row}, cell {cell}"

    def _invalid(self, fault: Fault, block: BlockPair, start: int) -> InputError:
        path = getattr(self.pairing, fault.side).path
        return InputError(
            f"{path}: {self._place(fault, block, start)}: expected a "
            f"{'finite logit or -inf' if self.mode == 'softmax' else 'logit'}, found {fault.found}",
            "Leave such rows out with --nan-policy omit, or let them show with "
            "--nan-policy propagate.",
        )

    def _warnings(self) -> tuple[str, ...]:
        if not self.mismatches:
            return ()
        paths = f"{self.pairing.reference.path} and {self.pairing.candidate.path}"
        warning = (
            f"{paths}: mask mismatch: {self.mismatches} cells hold a mask value on one side only, "
            f"first {self.first_mismatch}; mask both sides alike, with -inf"
        )
        return (warning,)


def _open(side: str | os.PathLike[str] | ArrayLike, layout: Layout) -> Source:
    if isinstance(side, (str, os.PathLike)):
        return open_source(side, layout)
    return ArraySource(np.asarray(side), layout)


def _side(source: Source, rows: int) -> Side:
    shape = tuple(rows if length is None else length for length in source.shape)
    return Side(source.path, source.format, source.dtype, shape, source.id_name, source.notes)


def _shown_rows(summary: Summary, top: int) -> tuple[Any, ...]:
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


def _check_options(
    mode: str,
    temperature: float,
    unit: str,
    nan_policy: str,
    top: int,
    limits: Sequence[tuple[str, float]],
) -> None:
    for name, value, known in (
        ("mode", mode, ("softmax", "sigmoid")),
        ("unit", unit, ("nats", "bits")),
        ("nan policy", nan_policy, ("raise", "omit", "propagate")),
        *(("statistic", stat, STATISTICS) for stat, _ in limits),
    ):
        if value not in known:
            raise UsageError(f"no {name} is called {value!r}", f"Known: {', '.join(known)}.")
    if not (isfinite(temperature) and temperature > 0):
        raise UsageError(
            f"expected a temperature above 0, found {temperature:g}", "1 leaves the logits alone."
        )
    if top < 0:
        raise UsageError(f"expected --top of 0 or more, found {top}", "--top 10 is the default.")
    for stat, above in limits:
        if isnan(above):
            raise UsageError(
                f"expected a number as the limit of {stat}, found nan", "Say for example mean=0.01."
            )
