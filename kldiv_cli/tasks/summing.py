"""The loop for losses: pairing -> loss -> sums."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, replace
from math import isnan, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kldiv_cli import losses
from kldiv_cli.errors import InputError
from kldiv_cli.losses.base import Accumulator, Loss, Outcome, Rows, Size
from kldiv_cli.losses.priors import ClassPriors
from kldiv_cli.measures.distributions.exact import widen
from kldiv_cli.measures.distributions.kinds import Kind, to_logits
from kldiv_cli.measures.rows.absence import with_masked
from kldiv_cli.measures.types import Status
from kldiv_cli.pairing import BlockPair, Pairing
from kldiv_cli.results.loss import LossResult
from kldiv_cli.sources.labels.classes import Labels
from kldiv_cli.sources.views.choice import Choice
from kldiv_cli.sources.views.selected import whole
from kldiv_cli.tasks.describe import Counts, head_of, invalid_row
from kldiv_cli.tasks.opening import file_row_shape
from kldiv_cli.tasks.options.typed import NanPolicy
from kldiv_cli.tasks.walk import hidden, masked_cells
from kldiv_cli.tasks.warnings import Watch


@dataclass(frozen=True)
class _Seen:
    """One block: its valid rows, the status of all, and the masked cells of those that count."""

    rows: Rows
    status: NDArray[np.uint8]
    masked_cells: int
    block: BlockPair


@dataclass
class _Tally:
    """All blocks so far."""

    masked_cells: int = 0
    rows: int = 0
    _statuses: list[NDArray[np.uint8]] = field(default_factory=list)
    _places: list[NDArray[np.intp]] = field(default_factory=list)

    def add(self, seen: _Seen) -> None:
        """Take in the next block."""
        self.masked_cells += seen.masked_cells
        self.rows += len(seen.status)
        self._statuses.append(seen.status)
        if seen.block.places is not None:
            self._places.append(seen.block.places)

    @property
    def status(self) -> NDArray[np.uint8]:
        """That of all rows."""
        return np.concatenate(self._statuses)

    @property
    def places(self) -> NDArray[np.intp] | None:
        """Those of all rows, None where these are all rows of the file."""
        return np.concatenate(self._places) if self._places else None


@dataclass(frozen=True)
class Summing:
    """One loss over one pairing."""

    loss: Loss
    pairing: Pairing
    labels: Labels | None
    nan_policy: NanPolicy
    kinds: tuple[Kind, Kind]
    normalize: bool
    choice: Choice

    def run(self, name: str, progress: Callable[[int, int | None], None] | None) -> LossResult:
        """Go over all blocks."""
        watch = Watch(self.pairing, self.loss.mode, self.kinds, self.normalize)
        priors = self._priors() if self.loss.needs_prior else None
        sums = Accumulator(self.loss)
        tally = _Tally()
        for seen in self._blocks(watch):
            rows = seen.rows
            if priors is not None and rows.labels is not None:
                rows = replace(rows, prior=priors.of(rows.labels))
            sums.add(rows)
            tally.add(seen)
            if progress is not None:
                progress(tally.rows, self.pairing.rows_expected)
        watch.check()
        return self._result(name, sums, tally, watch)

    def _blocks(self, watch: Watch | None = None) -> Iterator[_Seen]:
        """Yield what each block shows."""
        for unmasked in self.pairing.blocks():
            block = hidden(unmasked, self.kinds)
            m, n = (
                widen(to_logits(x, kind, self.loss.mode))
                for x, kind in zip((block.reference, block.candidate), self.kinds, strict=True)
            )
            pair = self.loss.prepare(m, n)
            status = with_masked(pair.status, block.kept)
            self._refuse(block, status)
            keep = status == Status.COUNTED
            if watch is not None:
                watch.look(block, keep, unmasked)
            counted = self._counted(status)
            kept = None
            if block.kept is not None and block.kept.shape == m.shape:
                kept = block.kept[keep]
            labels = None
            if self.labels is not None:
                labels = self.labels.of(block.numbers[keep], m.shape[1], kept)
            if not keep.all():
                m, n = m[keep], n[keep]
                pair = self.loss.prepare(m, n)
            rows = Rows(m, n, pair, labels, kept=kept)
            yield _Seen(rows, status, masked_cells(block, counted), block)
            block.release()

    def _counted(self, status: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Tell which rows the result is of; that of an invalid one is NaN."""
        counted: NDArray[np.bool_] = status == Status.COUNTED
        if self.nan_policy == "propagate":
            counted = counted | (status == Status.INVALID)
        return counted

    def _refuse(self, block: BlockPair, status: NDArray[np.uint8]) -> None:
        invalid = status == Status.INVALID
        if self.nan_policy == "raise" and invalid.any():
            row = int(invalid.argmax())
            raise invalid_row(self.loss.mode, block, row, self.pairing, self.kinds)

    def _priors(self) -> ClassPriors:
        """Average the distributions of every class, in a pass of its own."""
        priors = ClassPriors(prod(self.pairing.class_shape))
        for seen in self._blocks():
            if seen.rows.labels is not None:
                priors.add(self.loss.weights(seen.rows), seen.rows.labels)
        missing = priors.missing
        if len(missing):
            first, names = int(missing[0]), self.pairing.class_names
            more = f" ({len(missing)} such classes in all)" if len(missing) > 1 else ""
            raise InputError(
                f"{self.labels.path if self.labels else ''}: expected rows of every class, found "
                f"none of class {first if names is None else repr(names[first])}{more}",
                "A class prior is the mean over the rows of its class: give rows of all classes, "
                "or leave --class-prior out.",
            )
        return priors

    def _result(self, name: str, sums: Accumulator, seen: _Tally, watch: Watch) -> LossResult:
        status, counted = seen.status, self._counted(seen.status)
        counts = Counts(
            read=len(status),
            counted=int(counted.sum()),
            skipped=int((status == Status.SKIPPED).sum()),
            invalid=int((status == Status.INVALID).sum()),
            masked=int((status == Status.MASKED).sum()),
            masked_cells=seen.masked_cells,
        )
        places = seen.places
        ends = None if places is None else (int(places[0]), int(places[-1]))
        head = head_of(watch, counts, self.nan_policy, self.choice, ends)
        kept = head.rows * head.classes - counts.masked_cells
        size = Size(head.rows, head.classes, self._batch(counted, places, kept), kept)
        outcome = sums.result(size, invalid=self.nan_policy == "propagate" and head.invalid > 0)
        return LossResult(
            head=head,
            loss=name,
            formula=losses.LOSSES[name].formula,
            options={losses.word(option): value for option, value in vars(self.loss).items()},
            **_told(outcome),
        )

    def _batch(self, counted: NDArray[np.bool_], places: NDArray[np.intp] | None, kept: int) -> int:
        """Return the length of the first axis, without entries of which no row, or cell, counts."""
        shape, axes = whole(self.pairing.reference).shape, len(self.pairing.class_shape)
        if len(shape) == axes:
            return kept if axes == 1 else int(shape[0] or 0)
        inner = prod(length or 1 for length in file_row_shape(self.pairing)[1:])
        if places is None:
            return int(counted.reshape(-1, inner).any(axis=1).sum())
        return len(np.unique(places[counted] // inner))


def _told(outcome: Outcome) -> dict[str, Any]:
    told = {each.name: getattr(outcome, each.name) for each in fields(outcome)}
    factor = None if isnan(outcome.value) else outcome.factor
    return {**told, "components": outcome.components or {}, "factor": factor}
