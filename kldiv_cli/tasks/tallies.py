"""What is kept of the rows of one file while they are read, however many these are."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import exp, inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.distributions import exact
from kldiv_cli.measures.distributions.kinds import sums, to_logits
from kldiv_cli.measures.rows.faults import MASK
from kldiv_cli.measures.types import Float64
from kldiv_cli.results.inspection import Cells, Leaders, MaskLike, Rows, Span
from kldiv_cli.sources.base import Block, Bounds, sum_tolerance
from kldiv_cli.sources.bounds import held

_FIRST_IDS = 3
_TOP = 5
_MASK_VALUES = 1000
"""More different values than this are no masks; the others are not counted then."""
_ABOUT_ONE = 0.1
"""Rows of probabilities sum to 1 this closely after rounding to bfloat16, or cut to the largest."""
_CLASSES_AT_ONCE = 1 << 16
"""Wider rows are read in parts, so that intermediate results take no more memory."""
_ROUNDING = sum_tolerance("", text=True)


@dataclass
class SpanTally:
    """The smallest and the largest number so far; NaN once there was one."""

    low: float = inf
    high: float = -inf

    def see(self, low: Any, high: Any) -> None:
        """Take in the smallest and the largest of some more."""
        # min() would lose a NaN that stands second.
        self.low = float(np.minimum(self.low, low))
        self.high = float(np.maximum(self.high, high))

    def result(self) -> Span | None:
        """Return the range, None where nothing was seen."""
        return None if self.low > self.high else Span(self.low, self.high)


@dataclass
class CellTally:
    """Counts of finite, infinite, NaN and mask-like cells."""

    finite: int = 0
    minus_inf: int = 0
    plus_inf: int = 0
    nan: int = 0
    masks: int = 0
    span: SpanTally = field(default_factory=SpanTally)
    mask_span: SpanTally = field(default_factory=SpanTally)
    mask_values: dict[float, int] = field(default_factory=dict)
    complete: bool = True

    def look(self, values: Float64) -> None:
        """Look at all rows of a block, whatever they hold."""
        low, high = values.min(), values.max()
        if low > MASK and high < inf:
            self.finite += values.size
            self.span.see(low, high)
            return
        finite = np.isfinite(values)
        masks = finite & (values <= MASK)
        usual = finite ^ masks
        self.finite += int(finite.sum())
        self.minus_inf += int(np.isneginf(values).sum())
        self.plus_inf += int(np.isposinf(values).sum())
        self.nan += int(np.isnan(values).sum())
        self.span.see(values.min(where=usual, initial=inf), values.max(where=usual, initial=-inf))
        if masks.any():
            self._look_at_masks(values[masks])

    def _look_at_masks(self, masks: Float64) -> None:
        low, high = masks.min(), masks.max()
        self.masks += masks.size
        self.mask_span.see(low, high)
        # A single value is the rule, and np.unique sorts.
        found = ([low], [masks.size]) if low == high else np.unique(masks, return_counts=True)
        for value, count in zip(map(float, found[0]), map(int, found[1]), strict=True):
            if value in self.mask_values or len(self.mask_values) < _MASK_VALUES:
                self.mask_values[value] = self.mask_values.get(value, 0) + count
            else:
                self.complete = False

    def result(self) -> tuple[Cells, MaskLike]:
        """Return the counts."""
        values = sorted(self.mask_values.items(), key=lambda item: (-item[1], item[0]))
        return (
            Cells(self.finite, self.minus_inf, self.plus_inf, self.nan, self.span.result()),
            MaskLike(MASK, self.masks, self.mask_span.result(), tuple(values), self.complete),
        )


@dataclass
class CensoredTally:
    """Counts of the censored cells of a file, and how much of a row they hold at most."""

    cells: int = 0
    held: float = 0.0

    def look(self, values: Float64, bounds: Bounds) -> None:
        """Look at all rows of a block."""
        at = bounds.floors(values)
        cells = (values <= at[:, None]).sum(axis=1)
        self.cells += int(cells.sum())
        self.held = max(self.held, float(held(cells, at).max()))


@dataclass
class RowTally:
    """Counts of rows, and of rows without a distribution by what they hold instead."""

    total: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    first: dict[str, int] = field(default_factory=dict)

    def look(self, largest: Float64, places: NDArray[np.intp] | None) -> None:
        """Look at the largest cell of each row of a block; NaN where a row holds NaN.

        ``places`` are those of the rows in the file, None where all of its rows are looked at.
        """
        for kind, test in (("nan", np.isnan), ("plus_inf", np.isposinf), ("empty", np.isneginf)):
            rows = test(largest)
            if rows.any():
                self.counts[kind] = self.counts.get(kind, 0) + int(rows.sum())
                first = int(rows.argmax())
                place = self.total + first if places is None else int(places[first])
                self.first.setdefault(kind, place)
        self.total += len(largest)

    def result(self) -> Rows:
        """Return the counts, and where the first row of each kind stands."""
        kinds = ("nan", "plus_inf", "empty")
        return Rows(
            self.total - sum(self.counts.values()),
            *(self.counts.get(kind, 0) for kind in kinds),
            *(self.first.get(kind) for kind in kinds),
        )


@dataclass
class EntropyTally:
    """The mean and the range of entropies."""

    rows: int = 0
    total: float = 0.0
    span: SpanTally = field(default_factory=SpanTally)

    def see(self, entropies: Float64) -> None:
        """Take in the entropies of some rows."""
        self.rows += len(entropies)
        self.total += float(entropies.sum())
        self.span.see(entropies.min(), entropies.max())


@dataclass
class Tallies:
    """All tallies of one file; sums, argmax and entropy are of the rows with a distribution."""

    ids: list[str | int] = field(default_factory=list)
    cells: CellTally = field(default_factory=CellTally)
    rows: RowTally = field(default_factory=RowTally)
    valid_span: SpanTally = field(default_factory=SpanTally)
    zero_or_one: bool = True
    sums: SpanTally = field(default_factory=SpanTally)
    log_sums: SpanTally = field(default_factory=SpanTally)
    argmax_counts: NDArray[np.intp] | None = None
    entropy: EntropyTally = field(default_factory=EntropyTally)
    entropy_as_probs: EntropyTally = field(default_factory=EntropyTally)

    def look(self, block: Block) -> None:
        """Look at one block."""
        if block.ids is not None and len(self.ids) < _FIRST_IDS:
            self.ids += block.ids[: _FIRST_IDS - len(self.ids)].tolist()
        values = exact.widen(block.values)
        with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
            self.cells.look(values)
            argmax = values.argmax(axis=1)
            largest = np.take_along_axis(values, argmax[:, None], axis=1)[:, 0]
            self.rows.look(largest, block.places)
            valid = np.isfinite(largest)
            if not valid.all():
                values, argmax = values[valid], argmax[valid]
            if len(values):
                self._look_at_distributions(values, argmax)

    def _look_at_distributions(self, values: Float64, argmax: NDArray[np.intp]) -> None:
        if self.argmax_counts is None:
            self.argmax_counts = np.zeros(values.shape[1], dtype=np.intp)
        classes, counts = np.unique(argmax, return_counts=True)
        self.argmax_counts[classes] += counts
        self.valid_span.see(values.min(), values.max())
        if self.zero_or_one:
            self.zero_or_one = self.in_unit and bool(((values == 0) | (values == 1)).all())
        totals = sums(values, "probs")
        self.sums.see(totals.min(), totals.max())
        log_sums, entropies = normalise(values, argmax)
        self.log_sums.see(log_sums.min(), log_sums.max())
        self.entropy.see(entropies)
        if self.like_probs:
            logs = to_logits(values, "probs", "softmax")
            self.entropy_as_probs.see(normalise(logs, argmax)[1])

    @property
    def in_unit(self) -> bool:
        """Whether every cell of a distribution lies in [0, 1] but for rounding."""
        return self.valid_span.low >= 0 and self.valid_span.high <= 1 + _ROUNDING

    @property
    def like_probs(self) -> bool:
        """Whether every row could be probabilities: cells in [0, 1] that sum to 1 within 0.1.

        A comparison warns of rows that sum to 1 more closely than that.
        """
        return self.in_unit and off_one(self.sums.low, self.sums.high) <= _ABOUT_ONE

    @property
    def like_log_probs(self) -> bool:
        """Whether every row could be log-probabilities: exp(row) sums to 1 within 0.1."""
        if self.valid_span.high > _ROUNDING:
            return False
        return off_one(exp(self.log_sums.low), exp(self.log_sums.high)) <= _ABOUT_ONE

    def leaders(self) -> Leaders:
        """Return how many classes are some row's argmax, and the most frequent ones."""
        if self.argmax_counts is None:
            return Leaders(0, ())
        some = np.flatnonzero(self.argmax_counts)
        counts = self.argmax_counts[some]
        top = np.argsort(-counts, kind="stable")[:_TOP]
        return Leaders(len(some), tuple((int(some[i]), int(counts[i])) for i in top))


def off_one(low: float, high: float) -> float:
    """Return how far from 1 the sums in a range are at most; NaN where the range is unknown."""
    return float(max(abs(low - 1), abs(high - 1)))


def normalise(values: Float64, argmax: NDArray[np.intp]) -> tuple[Float64, Float64]:
    """Return log(sum(exp(row))) and the entropy of p = softmax(row), -sum p * log p, of each row.

    The largest class enters by log1p and not by the sum: the entropy of a row in which it has
    nearly everything keeps its digits, as in [0, -50], where it is 9.8e-21.
    """
    largest = np.take_along_axis(values, argmax[:, None], axis=1)
    rest, weighted = np.zeros((2, len(values)))
    for start in range(0, values.shape[1], _CLASSES_AT_ONCE):
        x, x_low = exact.two_diff(values[:, start : start + _CLASSES_AT_ONCE], largest)
        weights = exact.exp(x, x_low)
        here = np.flatnonzero((argmax >= start) & (argmax < start + _CLASSES_AT_ONCE))
        weights[here, argmax[here] - start] = 0.0
        rest += weights.sum(axis=1)
        weights *= x
        # -inf, or so far below the largest that x overflows: 0 * inf, and it adds nothing.
        weights[np.isneginf(x)] = 0.0
        weighted += weights.sum(axis=1)
    log_partition = np.log1p(rest)
    return largest[:, 0] + log_partition, log_partition - weighted / (1 + rest)
