"""The loop for losses: pairing -> loss -> sums."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from math import isnan, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kldiv_cli import losses
from kldiv_cli.errors import InputError
from kldiv_cli.loss_result import LossResult
from kldiv_cli.losses.base import Accumulator, Loss, Outcome, Rows, Size
from kldiv_cli.losses.priors import ClassPriors
from kldiv_cli.masking import described, hidden, masked_cells
from kldiv_cli.measures.absence import with_masked
from kldiv_cli.measures.base import Status
from kldiv_cli.measures.exact import widen
from kldiv_cli.measures.kinds import Kind, to_logits
from kldiv_cli.opening import describe, invalid_row, nothing_counts
from kldiv_cli.pairing import BlockPair, Pairing
from kldiv_cli.request import NanPolicy
from kldiv_cli.sources.labels import Labels
from kldiv_cli.watch import Watch, watched


@dataclass(frozen=True)
class _Seen:
    """One block: its valid rows, the status of all, and the masked cells of those that count."""

    rows: Rows
    status: NDArray[np.uint8]
    masked_cells: int


@dataclass(frozen=True)
class Summing:
    """One loss over one pairing."""

    loss: Loss
    pairing: Pairing
    labels: Labels | None
    nan_policy: NanPolicy
    kinds: tuple[Kind, Kind]
    normalize: bool

    def run(self, name: str, progress: Callable[[int, int | None], None] | None) -> LossResult:
        """Go over all blocks."""
        watch = Watch(self.pairing, self.loss.mode, self.kinds, self.normalize)
        priors = self._priors() if self.loss.needs_prior else None
        sums = Accumulator(self.loss)
        statuses = [np.empty(0, np.uint8)]
        done = cells = 0
        for seen in self._blocks(watch):
            rows = seen.rows
            if priors is not None and rows.labels is not None:
                rows = replace(rows, prior=priors.of(rows.labels))
            sums.add(rows)
            statuses.append(seen.status)
            cells += seen.masked_cells
            done += len(seen.status)
            if progress is not None:
                progress(done, self.pairing.rows_expected)
        watch.check()
        return self._result(name, sums, np.concatenate(statuses), cells, watch)

    def _blocks(self, watch: Watch | None = None) -> Iterator[_Seen]:
        """Yield what each block shows."""
        for whole in self.pairing.blocks():
            block = hidden(whole, self.kinds)
            m, n = (
                widen(to_logits(x, kind, self.loss.mode))
                for x, kind in zip((block.reference, block.candidate), self.kinds, strict=True)
            )
            pair = self.loss.prepare(m, n)
            status = with_masked(pair.status, block.kept)
            self._refuse(block, status)
            keep = status == Status.COUNTED
            if watch is not None:
                watch.look(block, keep, whole)
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
            yield _Seen(Rows(m, n, pair, labels, kept=kept), status, masked_cells(block, counted))
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

    def _result(
        self, name: str, sums: Accumulator, status: NDArray[np.uint8], cells: int, watch: Watch
    ) -> LossResult:
        """Return the result, given the status of all rows and how many cells are masked."""
        skipped = int((status == Status.SKIPPED).sum())
        invalid = int((status == Status.INVALID).sum())
        left_out = int((status == Status.MASKED).sum())
        counted = self._counted(status)
        if not counted.any():
            raise nothing_counts(self.pairing, skipped, invalid, left_out)
        reference, candidate = (
            watched(describe(source, len(status)), side)
            for source, side in zip(
                (self.pairing.reference, self.pairing.candidate), watch.sides, strict=True
            )
        )
        rows, classes = int(counted.sum()), prod(self.pairing.class_shape)
        kept = rows * classes - cells
        batch = _batch(
            tuple(length or len(status) for length in reference.shape),
            self.pairing.class_shape,
            counted,
            kept,
        )
        size = Size(rows, classes, batch, kept)
        outcome = sums.result(size, invalid=self.nan_policy == "propagate" and invalid > 0)
        return LossResult(
            loss=name,
            formula=losses.LOSSES[name].formula,
            options={losses.word(option): value for option, value in vars(self.loss).items()},
            reference=reference,
            candidate=candidate,
            rows=size.rows,
            skipped=skipped,
            invalid=invalid,
            classes=size.classes,
            paired_by=self.pairing.by,
            warnings=watch.warnings(),
            mask=described(self.pairing, len(status), cells, rows * classes),
            masked=left_out,
            **_told(outcome),
        )


def _told(outcome: Outcome) -> dict[str, Any]:
    told = {field.name: getattr(outcome, field.name) for field in fields(outcome)}
    factor = None if isnan(outcome.value) else outcome.factor
    return {**told, "components": outcome.components or {}, "factor": factor}


def _batch(
    shape: tuple[int, ...], class_shape: tuple[int, ...], counted: NDArray[np.bool_], kept: int
) -> int:
    """Return the length of the first axis, without entries of which no row, or cell, counts."""
    if len(shape) == len(class_shape):
        return kept if len(shape) == 1 else shape[0]
    return int(counted.reshape(shape[0], -1).any(axis=1).sum())
