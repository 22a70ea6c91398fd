"""Notices, block by block, what people get wrong about their files."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.errors import InputError
from kldiv_cli.measures.distributions.exact import real
from kldiv_cli.measures.distributions.kinds import Kind, looks_like, sums
from kldiv_cli.measures.rows.discarded import discarded
from kldiv_cli.measures.rows.faults import Fault, mask_mismatches
from kldiv_cli.measures.types import Mode
from kldiv_cli.pairing import BlockPair, Pairing
from kldiv_cli.results.head import Side
from kldiv_cli.results.selection import ClassSelection, Discarded


@dataclass(frozen=True)
class Seen:
    """What one block shows."""

    mismatches: int
    first_mismatch: Fault | None
    identical: bool
    sides: tuple[SideSeen, SideSeen]
    discarded: tuple[Tally, Tally] | None = None


@dataclass(frozen=True)
class Tally:
    """How much probability was left out of so many rows: in total, and at most of one."""

    rows: int = 0
    total: float = 0.0
    most: float = 0.0

    def plus(self, other: Tally) -> Tally:
        """Return both together; NaN stays."""
        most = float(np.maximum(self.most, other.most))
        return Tally(self.rows + other.rows, self.total + other.total, most)


@dataclass(frozen=True)
class SideSeen:
    """What one block shows of one side; ``worst`` is the distance of a row's sum from 1."""

    like_probs: bool = False
    like_log_probs: bool = False
    rows: int = 0
    summed: bool = False
    worst: float = 0.0
    worst_sum: float = 1.0
    worst_row: int = 0


@dataclass
class Watch:
    """Looks at every block of a comparison, and says at the end what is wrong.

    `see` looks at a block, in any thread; `add` takes in what was seen, in the order of the blocks.
    What has been ruled out is no longer looked for. ``only_logits`` is said where no option takes
    anything else.

    Raises
    ------
    InputError
        From `check`: rows of probabilities do not sum to 1.
    """

    pairing: Pairing
    mode: Mode
    kinds: tuple[Kind, Kind] = ("logits", "logits")
    normalize: bool = False
    mismatches: int = 0
    first_mismatch: str = ""
    identical: bool = True
    masked: bool = False
    temperature: float = 1.0
    only_logits: bool = False
    discarded: tuple[Tally, Tally] = (Tally(), Tally())
    sides: tuple[SideWatch, SideWatch] = field(init=False)

    def __post_init__(self) -> None:
        reference, candidate = self.kinds
        self.sides = SideWatch("reference", reference), SideWatch("candidate", candidate)

    def look(
        self, block: BlockPair, counted: NDArray[np.bool_], whole: BlockPair | None = None
    ) -> None:
        """See one block, of which these rows count, and add it."""
        self.add(block, self.see(block, counted, whole=whole))

    def see(
        self,
        block: BlockPair,
        counted: NDArray[np.bool_],
        mismatches: int | None = None,
        whole: BlockPair | None = None,
    ) -> Seen:
        """Look at one block, of which these rows count; the number of mismatches may be known.

        ``whole`` is the block as it was before a mask left cells out.
        """
        s, t = real(block.reference), real(block.candidate)
        fault = None
        if self.kinds != ("logits", "logits"):
            mismatches = 0
        elif mismatches is None or (mismatches and not self.mismatches):
            mismatches, fault = mask_mismatches(s, t)
        identical = self.identical and np.array_equal(s[:1], t[:1], equal_nan=True)
        identical = identical and np.array_equal(s, t, equal_nan=True)
        if whole is not None and block.kept is not None:
            s, t = real(whole.reference), real(whole.candidate)
        if block.full is not None:
            s, t = map(real, block.full)
        sides = (
            side.see(values, counted, self.mode, block.kept)
            for side, values in zip(self.sides, (s, t), strict=True)
        )
        return Seen(
            mismatches, fault, identical, (next(sides), next(sides)), self._left_out(s, t, counted)
        )

    def _left_out(
        self, s: NDArray[Any], t: NDArray[Any], counted: NDArray[np.bool_]
    ) -> tuple[Tally, Tally] | None:
        """Return how much probability the classes hold that do not enter."""
        classes = self.pairing.classes
        if classes is None or self.mode == "sigmoid":
            return None
        found = []
        for side, (values, kind) in enumerate(zip((s, t), self.kinds, strict=True)):
            out = classes.left_out(side)
            mass = discarded(values[counted], out, kind, self.temperature)
            found.append(Tally(len(mass), float(mass.sum()), float(mass.max(initial=0.0))))
        return found[0], found[1]

    def add(self, block: BlockPair, seen: Seen) -> None:
        """Take in what was seen of a block."""
        if seen.first_mismatch is not None and not self.mismatches:
            fault = seen.first_mismatch
            place = self.pairing.place(fault.side, block, fault.row, fault.cell)
            self.first_mismatch = (
                f"{getattr(self.pairing, fault.side).path}: mask mismatch: {place} holds "
                f"{fault.found} on the other side"
            )
        if seen.discarded is not None:
            ours, theirs = seen.discarded
            self.discarded = self.discarded[0].plus(ours), self.discarded[1].plus(theirs)
        self.mismatches += seen.mismatches
        self.masked = block.kept is not None
        self.identical = self.identical and seen.identical
        for side, found in zip(self.sides, seen.sides, strict=True):
            side.add(found, block)

    def check(self) -> None:
        """Raise if rows of probabilities do not sum to 1, unless that was to be mended."""
        for side in self.sides:
            source = getattr(self.pairing, side.name)
            if self.normalize or side.worst <= source.sum_tolerance:
                continue
            where = self.pairing.place_of(side.name, side.worst_row)
            raise InputError(
                f"{source.path}: expected rows of {side.kind} that sum to 1 within "
                f"{source.sum_tolerance:g}, found a sum of {side.worst_sum!r} in row "
                f"{side.worst_row}" + (f", {where}" if where else ""),
                "The file is damaged: write it again, or say --input log-probs --normalize to take "
                "it all the same."
                if source.kind is not None
                else "Say --normalize to divide every row by its sum, or --input logits if these "
                "are logits.",
            )

    def warnings(self) -> tuple[str, ...]:
        """Return what looks wrong though it can be computed."""
        found = []
        if self.mismatches:
            found.append(
                f"{self.first_mismatch} ({self.mismatches} such "
                f"{'cell' if self.mismatches == 1 else 'cells'} in all): mask both sides alike"
            )
        paths = self.pairing.reference.path, self.pairing.candidate.path
        if self.identical:
            where = " where the mask keeps them" if self.masked else ""
            found.append(f"{paths[0]} and {paths[1]} hold the same numbers{where}: is one a copy?")
        for side, path in zip(self.sides, paths, strict=True):
            if not side.rows:  # of none anything could be said
                continue
            if side.kind == "logits" and side.like_probs:
                what = f": say --{side.name}-input probs"
                found.append(
                    f"{path}: these look like probabilities (every row lies in [0, 1] and sums to "
                    f"1){', and are taken for logits' if self.only_logits else what}"
                )
            elif side.kind == "logits" and side.like_log_probs and self.mode == "sigmoid":
                found.append(
                    f"{path}: these look like log-probabilities of a softmax (every row has "
                    "logsumexp 0), wrong under sigmoid: say --mode softmax"
                )
        return tuple(found)


@dataclass
class SideWatch:
    """What one side's rows look like, and how far from 1 they sum where they are probabilities."""

    name: str
    kind: Kind
    like_probs: bool = True
    like_log_probs: bool = True
    worst: float = 0.0
    worst_sum: float = 1.0
    worst_row: int = 0
    summed: bool = False
    rows: int = 0

    def see(
        self,
        values: NDArray[Any],
        counted: NDArray[np.bool_],
        mode: Mode,
        kept: NDArray[np.bool_] | None = None,
    ) -> SideSeen:
        """Look at this side of a block, of which these rows count and these cells are kept."""
        if self.kind == "logits":
            rows = values if counted.all() else values[counted]
            return SideSeen(
                like_probs=self.like_probs and looks_like(rows, "probs"),
                like_log_probs=self.like_log_probs
                and mode == "sigmoid"
                and looks_like(rows, "log-probs"),
                rows=len(rows),
            )
        if mode == "sigmoid" or not counted.any():
            return SideSeen()
        if kept is not None:
            # What is no number may stand in a cell that is left out, but the row has no sum then.
            counted = counted & ~(~kept & ~(values < np.inf)).any(axis=1)
        with np.errstate(over="ignore", invalid="ignore"):
            totals = sums(values, self.kind)
        distance = np.where(counted, np.abs(totals - 1), 0.0)
        row = int(distance.argmax())
        return SideSeen(False, False, 0, True, float(distance[row]), float(totals[row]), row)

    def add(self, seen: SideSeen, block: BlockPair) -> None:
        """Take in what was seen of a block."""
        self.like_probs = self.like_probs and seen.like_probs
        self.like_log_probs = self.like_log_probs and seen.like_log_probs
        self.summed = self.summed or seen.summed
        self.rows += seen.rows
        if seen.worst > self.worst:
            self.worst, self.worst_sum = seen.worst, seen.worst_sum
            self.worst_row = block.number(seen.worst_row)


def class_selection(watch: Watch) -> ClassSelection | None:
    """Return what the result says of the classes that were left out."""
    classes = watch.pairing.classes
    if classes is None:
        return None
    reference, candidate = (
        Discarded(of, tally.total / tally.rows, tally.most)
        if tally.rows
        else Discarded(of, None, None)
        for of, tally in zip(classes.of, watch.discarded, strict=True)
    )
    return ClassSelection(classes.words, classes.options, reference, candidate)


def watched(side: Side, seen: SideWatch) -> Side:
    """Return the description of a side with what its numbers turned out to be."""
    return replace(side, kind=seen.kind, sum_error=seen.worst if seen.summed else None)
