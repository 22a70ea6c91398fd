"""What is kept of the rows of one file, however many these are: monoids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.types import MASK, Float64
from kldiv_cli.results.exact_sum import ExactSum
from kldiv_cli.results.inspection import Cells, MaskLike, Rows, Span
from kldiv_cli.sources.base import Bounds
from kldiv_cli.sources.bounds import held
from kldiv_cli.tasks.constant import constants_of
from kldiv_cli.tasks.kept.seen import Constants

_MASK_VALUES = 1000
"""More different values than this are no masks; the largest ones are not counted then."""
_FAULTS = (("nan", np.isnan), ("plus_inf", np.isposinf), ("empty", np.isneginf))


@dataclass(frozen=True)
class SpanTally:
    """The smallest and the largest number; NaN once there was one."""

    low: float = inf
    high: float = -inf

    @classmethod
    def of(cls, low: Any, high: Any) -> SpanTally:
        """Return the range of numbers, given the smallest and the largest."""
        return cls(float(low), float(high))

    @classmethod
    def join(cls, parts: Sequence[SpanTally]) -> SpanTally:
        """Return the range of all."""
        # min() would lose a NaN that stands second.
        low = np.min([part.low for part in parts], initial=inf)
        return cls(float(low), float(np.max([part.high for part in parts], initial=-inf)))

    def result(self) -> Span | None:
        """Return the range, None where nothing was seen."""
        return None if self.low > self.high else Span(self.low, self.high)


_NONE = SpanTally()


@dataclass(frozen=True)
class MaskTally:
    """Mask-like cells, and how often each value stands there: of the smallest ones, if many."""

    cells: int = 0
    span: SpanTally = _NONE
    values: dict[float, int] = field(default_factory=dict)
    complete: bool = True

    @classmethod
    def of(cls, masks: Float64) -> MaskTally:
        """Count cells."""
        if not masks.size:
            return cls()
        low, high = masks.min(), masks.max()
        # A single value is the rule, and np.unique sorts.
        found = ([low], [masks.size]) if low == high else np.unique(masks, return_counts=True)
        counts = dict(zip(map(float, found[0]), map(int, found[1]), strict=True))
        return cls(masks.size, SpanTally.of(low, high), *_smallest(counts, complete=True))

    @classmethod
    def join(cls, parts: Sequence[MaskTally]) -> MaskTally:
        """Return the counts of all cells."""
        counts: dict[float, int] = {}
        for part in parts:
            for value, count in part.values.items():
                counts[value] = counts.get(value, 0) + count
        return cls(
            sum(part.cells for part in parts),
            SpanTally.join([part.span for part in parts]),
            *_smallest(counts, complete=all(part.complete for part in parts)),
        )

    def result(self) -> MaskLike:
        """Return the counts, the most frequent value first."""
        values = sorted(self.values.items(), key=lambda item: (-item[1], item[0]))
        return MaskLike(MASK, self.cells, self.span.result(), tuple(values), self.complete)


def _smallest(counts: dict[float, int], *, complete: bool) -> tuple[dict[float, int], bool]:
    """Return the smallest values with their counts, and whether these are all there are.

    What one part leaves out would be left out of the whole, too, so that all counts are exact.
    """
    if len(counts) <= _MASK_VALUES:
        return counts, complete
    return {value: counts[value] for value in sorted(counts)[:_MASK_VALUES]}, False


@dataclass(frozen=True)
class CellTally:
    """Counts of finite, infinite, NaN and mask-like cells."""

    finite: int = 0
    minus_inf: int = 0
    plus_inf: int = 0
    nan: int = 0
    span: SpanTally = _NONE
    masks: MaskTally = field(default_factory=MaskTally)

    @classmethod
    def of(cls, values: Float64) -> CellTally:
        """Look at all rows of a block, whatever they hold."""
        low, high = values.min(), values.max()
        if low > MASK and high < inf:
            return cls(finite=values.size, span=SpanTally.of(low, high))
        finite = np.isfinite(values)
        masks = finite & (values <= MASK)
        usual = finite ^ masks
        return cls(
            finite=int(finite.sum()),
            minus_inf=int(np.isneginf(values).sum()),
            plus_inf=int(np.isposinf(values).sum()),
            nan=int(np.isnan(values).sum()),
            span=SpanTally.of(
                values.min(where=usual, initial=inf), values.max(where=usual, initial=-inf)
            ),
            masks=MaskTally.of(values[masks]),
        )

    @classmethod
    def join(cls, parts: Sequence[CellTally]) -> CellTally:
        """Return the counts of all rows."""
        return cls(
            finite=sum(part.finite for part in parts),
            minus_inf=sum(part.minus_inf for part in parts),
            plus_inf=sum(part.plus_inf for part in parts),
            nan=sum(part.nan for part in parts),
            span=SpanTally.join([part.span for part in parts]),
            masks=MaskTally.join([part.masks for part in parts]),
        )

    def result(self) -> Cells:
        """Return the counts."""
        return Cells(self.finite, self.minus_inf, self.plus_inf, self.nan, self.span.result())


@dataclass(frozen=True)
class CensoredTally:
    """Counts of the censored cells of a file, and how much of a row they hold at most."""

    cells: int = 0
    held: float = 0.0

    @classmethod
    def of(cls, values: Float64, bounds: Bounds | None) -> CensoredTally:
        """Look at all rows of a block; ``bounds`` is None where the file holds every class."""
        if bounds is None:
            return cls()
        at = bounds.floors(values)
        cells = (values <= at[:, None]).sum(axis=1)
        return cls(int(cells.sum()), float(held(cells, at).max()))

    @classmethod
    def join(cls, parts: Sequence[CensoredTally]) -> CensoredTally:
        """Return the counts of all rows."""
        return cls(sum(part.cells for part in parts), max(part.held for part in parts))


@dataclass(frozen=True)
class RowTally:
    """Counts of rows, of those without a distribution by what they hold instead, of constant ones.

    ``constants`` are those of one number.
    """

    total: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    first: dict[str, int] = field(default_factory=dict)
    constants: Constants = field(default_factory=Constants)

    @classmethod
    def of(cls, values: Float64, largest: Float64, places: NDArray[np.intp]) -> RowTally:
        """Look at the rows of a block.

        Parameters
        ----------
        values : float64, shape (rows, classes)
            The rows.
        largest : float64, shape (rows,)
            The largest cell of each; NaN where it holds NaN.
        places : integer array, shape (rows,)
            Their places in the file.
        """
        counts, first = {}, {}
        for kind, test in _FAULTS:
            rows = test(largest)
            if rows.any():
                counts[kind] = int(rows.sum())
                first[kind] = int(places[rows.argmax()])
        return cls(len(largest), counts, first, constants_of(values))

    @classmethod
    def join(cls, parts: Sequence[RowTally]) -> RowTally:
        """Return the counts of all rows."""
        counts: dict[str, int] = {}
        first: dict[str, int] = {}
        for part in parts:
            first = part.first | first
            for kind, count in part.counts.items():
                counts[kind] = counts.get(kind, 0) + count
        return cls(
            sum(part.total for part in parts),
            counts,
            first,
            Constants.join([part.constants for part in parts]),
        )

    def result(self) -> Rows:
        """Return the counts, and where the first row of each kind stands."""
        kinds = [kind for kind, _ in _FAULTS]
        found = Rows(
            self.total - sum(self.counts.values()),
            *(self.counts.get(kind, 0) for kind in kinds),
            *(self.first.get(kind) for kind in kinds),
        )
        every = self.constants.every
        return replace(found, constant=every.rows, constant_value=every.number)


@dataclass(frozen=True)
class EntropyTally:
    """The mean and the range of entropies."""

    rows: int = 0
    total: ExactSum = field(default_factory=ExactSum)
    span: SpanTally = _NONE

    @classmethod
    def of(cls, entropies: Float64) -> EntropyTally:
        """Take in the entropies of some rows."""
        span = SpanTally.of(entropies.min(), entropies.max())
        return cls(len(entropies), ExactSum.of(entropies), span)

    @classmethod
    def join(cls, parts: Sequence[EntropyTally]) -> EntropyTally:
        """Return those of all rows."""
        return cls(
            sum(part.rows for part in parts),
            ExactSum.join(part.total for part in parts),
            SpanTally.join([part.span for part in parts]),
        )
