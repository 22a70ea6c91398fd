"""What the rows of a pairing show that may be wrong with them: a monoid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from kldiv_cli.measures.types import Float64
from kldiv_cli.pairing import BlockPair
from kldiv_cli.results.exact_sum import ExactSum


@dataclass(frozen=True)
class LeftOutMass:
    """How much probability was left out of so many rows: in total, and at most of one."""

    rows: int = 0
    total: ExactSum = field(default_factory=ExactSum)
    most: float = 0.0

    @classmethod
    def join(cls, parts: Sequence[LeftOutMass]) -> LeftOutMass:
        """Return all together; NaN stays."""
        return cls(
            sum(part.rows for part in parts),
            ExactSum.join(part.total for part in parts),
            float(np.max([part.most for part in parts], initial=0.0)),
        )


class OneNumber(NamedTuple):
    """Rows that hold one number each; ``value`` is that of the first, ``alike`` if all have it."""

    rows: int = 0
    value: float | None = None
    alike: bool = True

    @classmethod
    def of(cls, values: Float64) -> OneNumber:
        """Return that of some rows, given their numbers."""
        if not len(values):
            return cls()
        return cls(len(values), float(values[0]), bool((values == values[0]).all()))

    @classmethod
    def join(cls, parts: Sequence[OneNumber]) -> OneNumber:
        """Return that of all rows."""
        values = [part.value for part in parts if part.value is not None]
        alike = all(part.alike for part in parts) and len(set(values)) < 2
        return cls(sum(part.rows for part in parts), values[0] if values else None, alike)

    @property
    def number(self) -> float | None:
        """The number of all rows; None where they have several, or there are none."""
        return self.value if self.alike else None


class Constants(NamedTuple):
    """Rows that hold one number on both sides: ``every`` one, and those that are ``skipped``.

    ``padding`` are those that count though their number is -100 or a mask value.
    """

    every: OneNumber = OneNumber()
    padding: OneNumber = OneNumber()
    skipped: OneNumber = OneNumber()

    @classmethod
    def join(cls, parts: Sequence[Constants]) -> Constants:
        """Return those of all rows."""
        return cls(
            OneNumber.join([part.every for part in parts]),
            OneNumber.join([part.padding for part in parts]),
            OneNumber.join([part.skipped for part in parts]),
        )


@dataclass(frozen=True)
class SideSeen:
    """What rows of one side show; ``worst`` is how far a row's sum is from 1, at most.

    ``worst_row`` is the place of the first such row in the reference; 0 where all sums are 1.
    ``zeros`` counts the rows with a probability of 0 where the other side has a larger one.
    """

    like_probs: bool = True
    like_log_probs: bool = True
    rows: int = 0
    summed: bool = False
    worst: float = 0.0
    worst_sum: float = 1.0
    worst_row: int = 0
    zeros: int = 0

    @classmethod
    def join(cls, parts: Sequence[SideSeen]) -> SideSeen:
        """Return what all rows show."""
        worst = max(parts, key=lambda part: part.worst)  # the first of equals
        return replace(
            worst,
            like_probs=all(part.like_probs for part in parts),
            like_log_probs=all(part.like_log_probs for part in parts),
            rows=sum(part.rows for part in parts),
            summed=any(part.summed for part in parts),
            zeros=sum(part.zeros for part in parts),
        )


_NOTHING_SEEN = SideSeen(), SideSeen()
_NO_CONSTANTS = Constants()


@dataclass(frozen=True)
class Seen:
    """What consecutive rows show: a monoid.

    ``first_mismatch`` says where a mask value stands on one side only; ``discarded`` how much
    probability the classes hold that do not enter, None where all do; ``constants`` which rows hold
    one number; ``lone`` counts those of which a mask keeps one cell.
    """

    mismatches: int = 0
    first_mismatch: str | None = None
    identical: bool = True
    masked: bool = False
    sides: tuple[SideSeen, SideSeen] = _NOTHING_SEEN
    discarded: tuple[LeftOutMass, LeftOutMass] | None = None
    constants: Constants = _NO_CONSTANTS
    lone: int = 0

    @classmethod
    def join(cls, parts: Sequence[Seen]) -> Seen:
        """Return what all rows show, given what consecutive ones do; at least one part."""
        masses = [part.discarded for part in parts if part.discarded is not None]
        told = (part.first_mismatch for part in parts if part.first_mismatch is not None)
        return cls(
            mismatches=sum(part.mismatches for part in parts),
            first_mismatch=next(told, None),
            identical=all(part.identical for part in parts),
            masked=any(part.masked for part in parts),
            sides=(
                SideSeen.join([part.sides[0] for part in parts]),
                SideSeen.join([part.sides[1] for part in parts]),
            ),
            discarded=(
                LeftOutMass.join([mass[0] for mass in masses]),
                LeftOutMass.join([mass[1] for mass in masses]),
            )
            if masses
            else None,
            constants=Constants.join([part.constants for part in parts]),
            lone=sum(part.lone for part in parts),
        )


@dataclass
class Ruled:
    """What one walk has ruled out so far, and need not look for again; no result depends on it.

    ``mismatch_from`` is the place of a block in which a mismatch was found and named;
    ``like_probs`` and ``like_log_probs`` are of both sides.
    """

    mismatch_from: int | None = None
    identical: bool = True
    like_probs: list[bool] = field(default_factory=lambda: [True, True])
    like_log_probs: list[bool] = field(default_factory=lambda: [True, True])

    def may_be_first(self, block: BlockPair) -> bool:
        """Tell whether the first mismatch of all may be in a block."""
        return self.mismatch_from is None or block.number(0) < self.mismatch_from

    def learn(self, seen: Seen, block: BlockPair) -> None:
        """Take in what a block shows; several threads may do so, in any order."""
        if seen.first_mismatch is not None and self.may_be_first(block):
            self.mismatch_from = block.number(0)
        self.identical = self.identical and seen.identical
        for side, found in enumerate(seen.sides):
            self.like_probs[side] = self.like_probs[side] and found.like_probs
            self.like_log_probs[side] = self.like_log_probs[side] and found.like_log_probs
