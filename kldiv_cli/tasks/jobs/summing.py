"""One loss: what is done with a block of a pairing, and what all of them come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import chain
from math import isinf, isnan, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kldiv_cli import losses
from kldiv_cli.losses.base import Loss, Outcome, Size, Sums
from kldiv_cli.losses.priors import ClassPriors
from kldiv_cli.measures.distributions.kinds import Kind
from kldiv_cli.measures.evaluation import Evaluation
from kldiv_cli.pairing import Pairing
from kldiv_cli.results.loss import LossResult
from kldiv_cli.sources.labels.classes import Labels
from kldiv_cli.sources.views.choice import Choice
from kldiv_cli.sources.views.selected import Selected, whole
from kldiv_cli.tasks.describe import head_of
from kldiv_cli.tasks.jobs.preparing import Averaging, Preparing
from kldiv_cli.tasks.kept.part import Part
from kldiv_cli.tasks.kept.places import Places
from kldiv_cli.tasks.opening.sides import file_row_shape
from kldiv_cli.tasks.options.typed import NanPolicy
from kldiv_cli.tasks.walk import PairWork, Progress, View, walk_within
from kldiv_cli.tasks.warnings import Watch


@dataclass(frozen=True)
class Summed:
    """What a loss keeps of consecutive rows: its sums, and which of them count."""

    sums: Sums
    counted: tuple[NDArray[np.bool_], ...]

    @classmethod
    def join(cls, parts: Sequence[Summed]) -> Summed:
        """Return what is kept of all rows."""
        return cls(
            Sums.join([part.sums for part in parts]),
            tuple(chain.from_iterable(part.counted for part in parts)),
        )


@dataclass(frozen=True)
class Terms(Preparing):
    """The pass in which the terms of a loss are summed; ``priors`` are those of the classes."""

    priors: ClassPriors | None = None

    def keep(self, view: View, found: Evaluation) -> Summed:
        """Return the sums over a block's rows."""
        rows = self.rows(view, found)
        if self.priors is not None and rows.labels is not None:
            rows = replace(rows, prior=self.priors.mean(rows.labels))
        return Summed(Sums.of(self.loss, rows), (view.counted,))


@dataclass(frozen=True)
class Summing:
    """One loss over one pairing, opened; ``name`` is that of the loss."""

    name: str
    loss: Loss
    pairing: Pairing
    labels: Labels | None
    nan_policy: NanPolicy
    kinds: tuple[Kind, Kind]
    normalize: bool
    choice: Choice
    insisted: tuple[bool, bool] = (False, False)
    ignore_constant_rows: bool = False
    priors: ClassPriors | None = None

    @property
    def watch(self) -> Watch:
        """What notices faults of the files."""
        return Watch(
            self.pairing,
            self.loss.mode,
            self.kinds,
            self.normalize,
            self.loss.temperature,
            insisted=self.insisted,
            ignore_constant_rows=self.ignore_constant_rows,
        )

    @property
    def averaging(self) -> Averaging | None:
        """The pass that has to go before: for class priors. None where the loss needs none."""
        if self.labels is None or not self.loss.needs_prior:
            return None
        return Averaging(self.loss, self.kinds, self.labels, self.pairing)

    def run(self, threads: int = 1, progress: Progress | None = None) -> LossResult:
        """Go over all rows; twice where class priors are needed, and the second time is told."""
        job = self.after(self.averages(None, threads))
        return job.finish(job.part(None, threads, progress))

    def averages(self, rows: range | None = None, threads: int = 1) -> Part[ClassPriors]:
        """Walk over the same rows as `part`, for class priors; over none where none are needed."""
        if self.averaging is None:
            return Part.empty()
        work = PairWork(self.averaging, self.watch, self.nan_policy)
        return walk_within(self.pairing, rows, work, threads)

    def after(self, averages: Part[ClassPriors]) -> Summing:
        """Return this with the class priors of all rows.

        Raises
        ------
        InputError
            A class has no row.
        """
        if self.averaging is None:
            return self
        return replace(self, priors=self.averaging.finish(averages))

    def part(
        self, rows: range | None = None, threads: int = 1, progress: Progress | None = None
    ) -> Part[Summed]:
        """Walk over all rows, or over those whose places in the reference lie in a range."""
        terms = Terms(self.loss, self.kinds, self.labels, self.priors)
        work = PairWork(terms, self.watch, self.nan_policy)
        return walk_within(self.pairing, rows, work, threads, progress)

    def finish(self, part: Part[Summed]) -> LossResult:
        """Return the result of all rows.

        Raises
        ------
        InputError
            No row counts, or rows of probabilities do not sum to 1.
        """
        self.watch.check(part.seen)
        head = head_of(self.watch, part, self.nan_policy, self.choice)
        kept = part.kept or Summed(Sums({}), ())
        cells = head.rows * head.classes - part.masked_cells
        batch = self._batch(np.concatenate(kept.counted), part.places, cells)
        size = Size(head.rows, head.classes, batch, cells)
        invalid = self.nan_policy == "propagate" and head.invalid > 0
        outcome = kept.sums.result(self.loss, size, invalid=invalid)
        if isinf(outcome.value) or isinf(outcome.reference_value):
            rounded = self.watch.rounded(part.seen, "kldiv compare ")
            head = replace(head, warnings=head.warnings + rounded)
        return LossResult(
            head=head,
            loss=self.name,
            formula=losses.LOSSES[self.name].description,
            options={losses.word(option): value for option, value in self.loss.options.items()},
            **_told(outcome),
        )

    def _batch(self, counted: NDArray[np.bool_], places: Places, kept: int) -> int:
        """Return the length of the first axis, without entries in which no row, or cell, counts."""
        shape, axes = whole(self.pairing.reference).shape, len(self.pairing.class_shape)
        if len(shape) == axes:
            return kept if axes == 1 else int(shape[0] or 0)
        inner = prod(length or 1 for length in file_row_shape(self.pairing)[1:])
        if isinstance(self.pairing.reference, Selected):
            return len(np.unique(places.array()[counted] // inner))
        return int(counted.reshape(-1, inner).any(axis=1).sum())


def _told(outcome: Outcome) -> dict[str, Any]:
    told = {each.name: getattr(outcome, each.name) for each in fields(outcome)}
    factor = None if isnan(outcome.value) else outcome.factor
    return {**told, "components": outcome.components or {}, "factor": factor}
