"""One file: what is done with a block of its rows, and what all of them come to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import exp, prod

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.distributions import exact
from kldiv_cli.measures.distributions.evidence import MOST_OFF
from kldiv_cli.measures.distributions.kinds import sums, to_logits
from kldiv_cli.measures.types import Float64
from kldiv_cli.results.inspection import Leaders
from kldiv_cli.sources.base import BLOCK_BYTES, Block, Source, sum_tolerance
from kldiv_cli.tasks.jobs.tallies import CellTally, CensoredTally, EntropyTally, RowTally, SpanTally
from kldiv_cli.tasks.kept.part import Part
from kldiv_cli.tasks.kept.places import Places

_FIRST_IDS = 3
_TOP = 5
_ABOUT_ONE = 0.1
"""Rows of probabilities sum to 1 this closely after rounding to bfloat16, or cut to the largest."""
_CLASSES_AT_ONCE = 1 << 16
"""Wider rows are read in parts, so that intermediate results take no more memory."""
_ROUNDING = sum_tolerance("", text=True)


@dataclass(frozen=True)
class Alone:
    """One side, to be walked over as a pairing is: every block knows the places of its rows."""

    source: Source

    @property
    def rows_expected(self) -> int | None:
        """The number of rows, or a guess."""
        return self.source.rows_expected

    def blocks(self, block_bytes: int | None = None) -> Iterator[Block]:
        """Yield every row once; a block is looked at in float64, so its bytes are counted in it."""
        size = 8 * prod(self.source.class_shape)
        start = 0
        for block in self.source.blocks(max(1, (block_bytes or BLOCK_BYTES) // size)):
            stop = start + len(block)
            yield replace(block, places=np.arange(start, stop)) if block.places is None else block
            start = stop


@dataclass(frozen=True)
class LeaderTally:
    """How many rows have each class for their argmax."""

    classes: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, np.intp))
    rows: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, np.intp))

    @classmethod
    def of(cls, argmax: NDArray[np.intp]) -> LeaderTally:
        """Count the rows of a block."""
        return cls(*np.unique(argmax, return_counts=True))

    @classmethod
    def join(cls, parts: Sequence[LeaderTally]) -> LeaderTally:
        """Return the counts of all rows."""
        classes, back = np.unique(
            np.concatenate([part.classes for part in parts]), return_inverse=True
        )
        rows = np.zeros(len(classes), np.intp)
        np.add.at(rows, back, np.concatenate([part.rows for part in parts]))
        return cls(classes, rows)

    def result(self) -> Leaders:
        """Return how many classes are some row's argmax, and the most frequent ones."""
        top = np.argsort(-self.rows, kind="stable")[:_TOP]
        each = ((int(self.classes[i]), int(self.rows[i])) for i in top)
        return Leaders(len(self.classes), tuple(each))


_LEADERS = LeaderTally()


@dataclass(frozen=True)
class Distributions:
    """Rows with a distribution: their range, sums, argmax and entropies.

    ``entropy_as_probs`` is of the rows as they are, divided by their sums. It is known where all of
    them are `like_probs` or `like_percentages`.
    """

    span: SpanTally = field(default_factory=SpanTally)
    zero_or_one: bool = True
    sums: SpanTally = field(default_factory=SpanTally)
    log_sums: SpanTally = field(default_factory=SpanTally)
    leaders: LeaderTally = _LEADERS
    entropy: EntropyTally = field(default_factory=EntropyTally)
    entropy_as_probs: EntropyTally = field(default_factory=EntropyTally)

    @classmethod
    def of(cls, values: Float64, argmax: NDArray[np.intp]) -> Distributions:
        """Look at rows of a block, of at least one, and at the place of each one's largest cell."""
        totals = sums(values, "probs")
        log_sums, entropies = normalise(values, argmax)
        found = cls(
            span=SpanTally.of(values.min(), values.max()),
            sums=SpanTally.of(totals.min(), totals.max()),
            log_sums=SpanTally.of(log_sums.min(), log_sums.max()),
            leaders=LeaderTally.of(argmax),
            entropy=EntropyTally.of(entropies),
        )
        zero_or_one = found.in_unit and bool(((values == 0) | (values == 1)).all())
        found = replace(found, zero_or_one=zero_or_one)
        if not found.like_probs and not found.like_percentages:
            return found
        logs = to_logits(values, "probs", "softmax")
        return replace(found, entropy_as_probs=EntropyTally.of(normalise(logs, argmax)[1]))

    @classmethod
    def join(cls, parts: Sequence[Distributions]) -> Distributions:
        """Return those of all rows."""
        return cls(
            span=SpanTally.join([part.span for part in parts]),
            zero_or_one=all(part.zero_or_one for part in parts),
            sums=SpanTally.join([part.sums for part in parts]),
            log_sums=SpanTally.join([part.log_sums for part in parts]),
            leaders=LeaderTally.join([part.leaders for part in parts]),
            entropy=EntropyTally.join([part.entropy for part in parts]),
            entropy_as_probs=EntropyTally.join([part.entropy_as_probs for part in parts]),
        )

    @property
    def in_unit(self) -> bool:
        """Whether every cell of a distribution lies in [0, 1] but for rounding."""
        return self.span.low >= 0 and self.span.high <= 1 + _ROUNDING

    @property
    def like_probs(self) -> bool:
        """Whether every row could be probabilities: cells in [0, 1] that sum to 1 within 0.1.

        A comparison warns of rows that sum to 1 more closely than that.
        """
        return self.in_unit and off_one(self.sums.low, self.sums.high) <= _ABOUT_ONE

    @property
    def like_percentages(self) -> bool:
        """Whether every row could be percentages: no cell below 0, and sums of 100 within 5."""
        off = off_one(self.sums.low / 100, self.sums.high / 100)
        return self.span.low >= 0 and off <= MOST_OFF

    @property
    def like_log_probs(self) -> bool:
        """Whether every row could be log-probabilities: exp(row) sums to 1 within 0.1."""
        if self.span.high > _ROUNDING:
            return False
        return off_one(exp(self.log_sums.low), exp(self.log_sums.high)) <= _ABOUT_ONE


@dataclass(frozen=True)
class Tallies:
    """Everything that is kept of the rows of one file: a monoid."""

    ids: tuple[str | int, ...] = ()
    cells: CellTally = field(default_factory=CellTally)
    rows: RowTally = field(default_factory=RowTally)
    censored: CensoredTally = field(default_factory=CensoredTally)
    distributions: Distributions = field(default_factory=Distributions)

    @classmethod
    def join(cls, parts: Sequence[Tallies]) -> Tallies:
        """Return what is kept of all rows."""
        ids = tuple(name for part in parts for name in part.ids)
        return cls(
            ids[:_FIRST_IDS],
            CellTally.join([part.cells for part in parts]),
            RowTally.join([part.rows for part in parts]),
            CensoredTally.join([part.censored for part in parts]),
            Distributions.join([part.distributions for part in parts]),
        )


@dataclass(frozen=True)
class Looking:
    """The work on a block of a single source."""

    source: Source

    @property
    def streams(self) -> bool:
        """NumPy makes arrays as large as the block."""
        return False

    def __call__(self, block: Block) -> Part[Tallies]:
        """Look at one block, and let its pages go."""
        places = np.arange(len(block)) if block.places is None else block.places
        kept = tallies(block, places, self.source)
        if block.release is not None:
            block.release()
        return Part(rows=len(block), places=Places.of_rows(places), kept=kept)


def tallies(block: Block, places: NDArray[np.intp], source: Source) -> Tallies:
    """Return what is kept of one block, whose rows stand at these places."""
    ids = () if block.ids is None else tuple(block.ids[:_FIRST_IDS].tolist())
    values = exact.widen(block.values)
    with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
        argmax = values.argmax(axis=1)
        largest = np.take_along_axis(values, argmax[:, None], axis=1)[:, 0]
        found = Tallies(
            ids,
            CellTally.of(values),
            RowTally.of(values, largest, places),
            CensoredTally.of(block.values, source.bounds),
        )
        valid = np.isfinite(largest)
        if not valid.any():
            return found
        if not valid.all():
            values, argmax = values[valid], argmax[valid]
        return replace(found, distributions=Distributions.of(values, argmax))


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
