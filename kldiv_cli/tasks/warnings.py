"""Notices, block by block, what people get wrong about their files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.errors import InputError
from kldiv_cli.measures.distributions.exact import real
from kldiv_cli.measures.distributions.kinds import Kind, looks_like, sums
from kldiv_cli.measures.rows.discarded import discarded
from kldiv_cli.measures.rows.faults import Fault, mask_mismatches
from kldiv_cli.measures.types import Mode
from kldiv_cli.pairing import BlockPair, Pairing
from kldiv_cli.results.exact_sum import ExactSum
from kldiv_cli.results.head import Side
from kldiv_cli.tasks.alike import alike
from kldiv_cli.tasks.kept.seen import LeftOutMass, Ruled, Seen, SideSeen
from kldiv_cli.tasks.lone import lone, told
from kldiv_cli.tasks.opening.rounding import decimals, sum_tolerance, total_of
from kldiv_cli.tasks.padding import warnings_of

if TYPE_CHECKING:
    from kldiv_cli.results.selection import ClassSelection

_SIDES = ("reference", "candidate")
_SMOOTH = 0.01
"""More than this is not advised to be mixed with the candidate."""


@dataclass(frozen=True)
class Watch:
    """Looks at the blocks of a pairing, and says of all that was seen what is wrong.

    ``only_logits`` is said where no option takes anything else, ``insisted`` of a side of which the
    user says that it holds logits, ``ignore_constant_rows`` where rows of one number are to be left
    out.
    """

    pairing: Pairing
    mode: Mode
    kinds: tuple[Kind, Kind] = ("logits", "logits")
    normalize: bool = False
    temperature: float = 1.0
    only_logits: bool = False
    insisted: tuple[bool, bool] = (False, False)
    ignore_constant_rows: bool = False

    def see(
        self,
        block: BlockPair,
        counted: NDArray[np.bool_],
        mismatches: int | None,
        whole: BlockPair,
        ruled: Ruled,
    ) -> Seen:
        """Look at one block and at its rows that count; the number of mismatches may be known.

        ``whole`` is the block as it was before a mask left cells out.
        """
        s, t = real(block.reference), real(block.candidate)
        fault = None
        if self.kinds != ("logits", "logits"):
            mismatches = 0
        elif mismatches is None or (mismatches and ruled.may_be_first(block)):
            mismatches, fault = mask_mismatches(s, t)
        identical = ruled.identical and alike(s, t)
        if block.kept is not None:
            s, t = real(whole.reference), real(whole.candidate)
        if block.full is not None:
            s, t = map(real, block.full)
        seen = Seen(
            mismatches=mismatches,
            first_mismatch=None if fault is None else self._told(fault, block),
            identical=identical,
            masked=block.kept is not None,
            sides=(
                self._side(0, s, counted, block, ruled),
                self._side(1, t, counted, block, ruled),
            ),
            discarded=self._left_out(s, t, counted),
            lone=lone(block, counted, self.mode),
        )
        ruled.learn(seen, block)
        return seen

    def _told(self, fault: Fault, block: BlockPair) -> str:
        place = self.pairing.place(fault.side, block, fault.row, fault.cell)
        path = getattr(self.pairing, fault.side).path
        return f"{path}: mask mismatch: {place} holds {fault.found} on the other side"

    def _side(
        self,
        side: int,
        values: NDArray[Any],
        counted: NDArray[np.bool_],
        block: BlockPair,
        ruled: Ruled,
    ) -> SideSeen:
        """Look at one side of a block and at its rows that count."""
        kind = self.kinds[side]
        if kind == "logits":
            rows = values if counted.all() else values[counted]
            return SideSeen(
                like_probs=ruled.like_probs[side] and looks_like(rows, "probs"),
                like_log_probs=self.mode == "sigmoid"
                and ruled.like_log_probs[side]
                and looks_like(rows, "log-probs"),
                rows=len(rows),
            )
        zeros = self._zeros(side, block, counted)
        if self.mode == "sigmoid" or not counted.any():
            return SideSeen(zeros=zeros)
        if block.kept is not None and block.kept.shape[1] in (1, values.shape[1]):
            # What is no number may stand in a cell that is left out, but the row has no sum then.
            counted = counted & ~(~block.kept & ~(values < np.inf)).any(axis=1)
        with np.errstate(over="ignore", invalid="ignore"):
            totals = sums(values, kind)
        distance = np.where(counted, np.abs(totals - 1), 0.0)
        row = int(distance.argmax())
        if not distance[row] > 0:
            return SideSeen(summed=True, zeros=zeros)
        return SideSeen(
            summed=True,
            worst=float(distance[row]),
            worst_sum=float(totals[row]),
            worst_row=block.number(row),
            zeros=zeros,
        )

    def _zeros(self, side: int, block: BlockPair, counted: NDArray[np.bool_]) -> int:
        """Return how many rows that count hold a 0 where the other side has a probability."""
        if self.kinds[side] != "probs":
            return 0
        ours, theirs = real(block.reference), real(block.candidate)
        ours, theirs = (theirs, ours) if side else (ours, theirs)
        lacks = ours == 0
        if not lacks.any():
            return 0
        lacks &= theirs > (0 if self.kinds[1 - side] == "probs" else -np.inf)
        if block.kept is not None:
            lacks &= block.kept
        return int((lacks.any(axis=1) & counted).sum())

    def _left_out(
        self, s: NDArray[Any], t: NDArray[Any], counted: NDArray[np.bool_]
    ) -> tuple[LeftOutMass, LeftOutMass] | None:
        """Return how much probability the classes hold that do not enter."""
        classes = self.pairing.classes
        if classes is None or self.mode == "sigmoid":
            return None
        found = []
        for side, (values, kind) in enumerate(zip((s, t), self.kinds, strict=True)):
            mass = discarded(values, classes.left_out(side), kind, self.temperature)[counted]
            found.append(LeftOutMass(len(mass), ExactSum.of(mass), float(mass.max(initial=0.0))))
        return found[0], found[1]

    def check(self, seen: Seen) -> None:
        """Raise if rows of probabilities do not sum to 1, unless that was to be mended.

        Raises
        ------
        InputError
            They do not.
        """
        for name, kind, side in zip(_SIDES, self.kinds, seen.sides, strict=True):
            source = getattr(self.pairing, name)
            if self.normalize or side.worst <= source.sum_tolerance:
                continue
            tolerance = sum_tolerance(source, kind=kind)
            if side.worst <= tolerance:
                continue
            from kldiv_cli.tasks.causes import sums_advice  # noqa: PLC0415 - few files are wrong

            where = self.pairing.place_of(name, side.worst_row)
            raise InputError(
                f"{source.path}: expected rows of {kind} that sum to 1 within {tolerance:g}, found "
                f"a sum of {side.worst_sum!r} in row {side.worst_row}"
                + (f", {where}" if where else ""),
                sums_advice(source, self.kinds, _SIDES.index(name)),
            )

    def warnings(self, seen: Seen) -> tuple[str, ...]:
        """Return what looks wrong though it can be computed."""
        found = []
        if seen.mismatches:
            found.append(
                f"{seen.first_mismatch} ({seen.mismatches} such "
                f"{'cell' if seen.mismatches == 1 else 'cells'} in all): mask both sides alike"
            )
        paths = self.pairing.reference.path, self.pairing.candidate.path
        if seen.lone:
            found.append(told(self.pairing, seen.lone))
        if not self.ignore_constant_rows:
            found += warnings_of(seen.constants, paths)
        if seen.identical:
            where = " where the mask keeps them" if seen.masked else ""
            found.append(f"{paths[0]} and {paths[1]} hold the same numbers{where}: is one a copy?")
        for place, name in enumerate(_SIDES):
            # Of no rows there is nothing to say, and who insists knows.
            if (
                self.kinds[place] == "logits"
                and seen.sides[place].rows
                and not self.insisted[place]
            ):
                found += self._likeness(name, seen.sides[place])
        return tuple(found)

    def _likeness(self, name: str, side: SideSeen) -> Iterator[str]:
        """Yield what logits of one side look like that they ought not to be."""
        source = getattr(self.pairing, name)
        if side.like_log_probs and self.mode == "sigmoid":
            yield (
                f"{source.path}: these look like log-probabilities of a softmax (every row has "
                "logsumexp 0), wrong under sigmoid: say --mode softmax"
            )
            return
        one_row = side.rows == 1 and self.mode == "softmax"
        total = 1 if side.like_probs else total_of(source, 1) if one_row else None
        if total is None:
            return
        word = "probabilities" if total == 1 else "percentages"
        option = f": say --{name}-input probs{'' if total == 1 else ' --normalize'}"
        yield (
            f"{source.path}: these look like {word} (every row lies in [0, {total}] and sums to "
            f"{total}){', and are taken for logits' if self.only_logits else option}"
        )

    def rounded(self, seen: Seen, command: str = "") -> tuple[str, ...]:
        """Return what makes rows infinite that hold a 0 where the other side has more.

        Numbers of few decimals have such zeros for every probability that is too small for them.
        ``command`` stands before the options that keep rows finite, where it is another one.
        """
        found = []
        for name, side in zip(_SIDES, seen.sides, strict=True):
            source = getattr(self.pairing, name)
            digits = decimals(source) if side.zeros else None
            if not digits:  # labels of 0 and 1 have no decimals, and are what they are
                continue
            least = 0.5 * 10.0**-digits
            weight = min(_SMOOTH, least * prod(self.pairing.class_shape))
            found.append(
                f"{source.path}: a 0 with {digits} {'decimal' if digits == 1 else 'decimals'} is "
                f"anything below {least:g}, and makes {side.zeros} "
                f"{'row' if side.zeros == 1 else 'rows'} infinite: {command}-m js stays finite, "
                f"as -m kl does with --smooth {weight:g}"
            )
        return tuple(found)

    def watched(self, seen: Seen, reference: Side, candidate: Side) -> tuple[Side, Side]:
        """Return the descriptions of both sides with what their numbers turned out to be."""
        ours, theirs = (
            replace(side, kind=kind, sum_error=found.worst if found.summed else None)
            for side, kind, found in zip(
                (reference, candidate), self.kinds, seen.sides, strict=True
            )
        )
        return ours, theirs


def class_selection(pairing: Pairing, seen: Seen) -> ClassSelection | None:
    """Return what the result says of the classes that were left out."""
    classes = pairing.classes
    if classes is None:
        return None
    from kldiv_cli.results.selection import ClassSelection, Discarded  # noqa: PLC0415 - most take all classes

    reference, candidate = (
        Discarded(of, float(mass.total) / mass.rows, mass.most)
        if mass.rows
        else Discarded(of, None, None)
        for of, mass in zip(
            classes.of, seen.discarded or (LeftOutMass(), LeftOutMass()), strict=True
        )
    )
    return ClassSelection(classes.words, classes.options, reference, candidate)
