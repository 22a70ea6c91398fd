"""One comparison: what is done with a block of a pairing, and what all of them come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from math import log, prod
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.base import Measure
from kldiv_cli.measures.distributions.kinds import Kind
from kldiv_cli.measures.evaluation import Evaluation, Evaluator
from kldiv_cli.measures.types import Float64, Status
from kldiv_cli.pairing import BlockPair, Pairing
from kldiv_cli.results.comparison import Agreement, Comparison
from kldiv_cli.results.head import Head
from kldiv_cli.results.statistics import renumbered
from kldiv_cli.results.summary import Rows, Summary, TopRow
from kldiv_cli.sources.views.choice import Choice
from kldiv_cli.tasks.describe import head_of
from kldiv_cli.tasks.jobs.bounding import bounded, hidden_of
from kldiv_cli.tasks.kept.part import Part
from kldiv_cli.tasks.opening.kinds import insisted
from kldiv_cli.tasks.options import Compare
from kldiv_cli.tasks.walk import PairWork, Progress, View, masked_cells, walk_within
from kldiv_cli.tasks.warnings import Watch

if TYPE_CHECKING:
    from kldiv_cli.results.tokens import TokenRows
    from kldiv_cli.tasks.jobs.grouping import Grouping
    from kldiv_cli.tasks.jobs.tokens import Scoring

ALL_ROWS = 20
"""A file with at most so many rows has all of them shown."""


@dataclass(frozen=True)
class Compared:
    """What a comparison keeps of consecutive rows.

    ``tokens`` are the scored tokens of the rows that count, ``labels`` the classes of all rows'
    tokens; both are empty where no tokens are scored. ``hidden`` is the probability of the classes
    that a file censors, of all rows; empty where both files hold every class.
    """

    summary: Summary
    tokens: tuple[TokenRows, ...] = ()
    labels: tuple[NDArray[np.intp], ...] = ()
    hidden: tuple[Float64, ...] = ()

    @classmethod
    def join(cls, parts: Sequence[Compared]) -> Compared:
        """Return what is kept of all rows."""
        return cls(
            Summary.join([part.summary for part in parts]),
            tuple(chain.from_iterable(part.tokens for part in parts)),
            tuple(chain.from_iterable(part.labels for part in parts)),
            tuple(chain.from_iterable(part.hidden for part in parts)),
        )


@dataclass(frozen=True)
class Comparing:
    """One comparison, opened; several threads may look at its blocks at once.

    Parameters
    ----------
    asked : Compare
        The options.
    measures : tuple of Measure
        Those that were asked for; the first one ranks the rows.
    pairing : Pairing
        The two sides.
    kinds : pair of {"logits", "probs", "log-probs"}
        What the numbers of each side are, as the user or the file says.
    choice : Choice
        Which rows were wanted.
    tokens : Scoring or None
        How tokens are scored, where they are known.
    grouping : Grouping or None
        How rows are grouped, where groups are asked for.
    keep_rows : bool
        Whether the result holds the values of single rows.
    """

    asked: Compare
    measures: tuple[Measure, ...]
    pairing: Pairing
    kinds: tuple[Kind, Kind]
    choice: Choice
    tokens: Scoring | None = None
    grouping: Grouping | None = None
    keep_rows: bool = True

    @property
    def evaluator(self) -> Evaluator:
        """What computes the measures."""
        asked = self.asked
        scored = self.tokens is not None and self.tokens.by_partitions and asked.temperature == 1
        return Evaluator(
            self.measures,
            asked.mode,
            asked.temperature,
            self.kinds,
            asked.smooth,
            with_partitions=scored,
        )

    @property
    def watch(self) -> Watch:
        """What notices faults of the files."""
        asked = self.asked
        return Watch(
            self.pairing,
            asked.mode,
            self.kinds,
            asked.normalize,
            asked.temperature,
            insisted=insisted(asked.kind),
            ignore_constant_rows=asked.ignore_constant_rows,
        )

    @property
    def streams(self) -> bool:
        """Whether the C kernels do everything."""
        evaluator = self.evaluator
        return evaluator.by_kernel_alone and (self.tokens is None or evaluator.with_partitions)

    def part(
        self, rows: range | None = None, threads: int = 1, progress: Progress | None = None
    ) -> Part[Compared]:
        """Walk over all rows, or over those whose places in the reference lie in a range."""
        work = PairWork(self, self.watch, self.asked.nan_policy)
        return walk_within(self.pairing, rows, work, threads, progress)

    def look(self, block: BlockPair) -> Evaluation:
        """Measure one block."""
        return self.evaluator.evaluate(block.reference, block.candidate, block.kept)

    def keep(self, view: View, found: Evaluation) -> Compared:
        """Return what is kept of a block that was measured."""
        block, found = view.block, found.settled(view.status)
        rows = Rows(
            values={
                each.name: self._in_unit(found.values[each.name], each) for each in self.measures
            },
            counted=view.counted,
            skipped=found.status == Status.SKIPPED,
            invalid=view.invalid,
            argmax=found.argmax,
            same=found.same,
            of=found.of,
            ids=block.ids,
            keys=None if self.grouping is None else self.grouping.keys(block, found),
            masked=None if block.kept is None else found.status == Status.MASKED,
            masked_cells=view.masked_cells,
            padding=self._padding(view, found),
        )
        summary = Summary.from_rows(rows, max(self.asked.top, ALL_ROWS))
        hidden = hidden_of(view, self.pairing, self.kinds, self.asked.temperature)
        if self.tokens is None:
            return Compared(summary, hidden=hidden)
        tokens = self.tokens.rows(view.whole, view.counted, found)
        return Compared(summary, (tokens,), (self.tokens.of(view.whole),), hidden)

    def _padding(self, view: View, found: Evaluation) -> int:
        """Return how many cells of the valid rows decide nothing under sigmoid."""
        if self.asked.mode == "softmax":
            return 0
        cells: int = int(view.valid.sum()) * view.block.reference.shape[1]
        return cells - masked_cells(view.block, view.valid) - int(found.of[view.valid].sum())

    def _in_unit(self, nats: Float64, measure: Measure) -> Float64:
        """Return values in the unit asked for; those of a measure without a unit as they are."""
        return nats / log(2) if self.asked.unit == "bits" and measure.has_unit else nats

    def finish(self, part: Part[Compared]) -> Comparison:
        """Return the result of all rows.

        Raises
        ------
        InputError
            No row counts, or rows of probabilities do not sum to 1.
        """
        self.watch.check(part.seen)
        head = head_of(self.watch, part, self.asked.nan_policy, self.choice)
        kept = part.kept or Compared(Summary.empty())
        found = self._result(head, kept, part)
        if self.tokens is not None:
            every = self.tokens.summary(kept.tokens)
            label = {"label": np.concatenate(kept.labels)}
            scored = every.values(kept.summary.counted)
            found = replace(found, language=every.result(), tokens=label | scored)
        if self.grouping is not None:
            groups = self.grouping.groups(kept.summary)
            if found.row_numbers is not None:
                groups = groups.renumbered(found.row_numbers)
            found = replace(found, groups=groups)
        return found

    def _result(self, head: Head, kept: Compared, part: Part[Compared]) -> Comparison:
        """Return the result; rows are called by their places where some were left out."""
        asked, keep = self.asked, self.keep_rows or self.grouping is not None
        summary, hidden = kept.summary, None
        if kept.hidden:
            measures, hidden = bounded(summary, kept.hidden, self.measures, asked)
        else:
            measures = summary.result(spend=not keep)
        if any(found.infinite for found in measures.values()):
            head = replace(head, warnings=head.warnings + self.watch.rounded(part.seen))
        top = _shown_rows(summary, asked.top)
        numbers = None
        if head.file_row_shape is not None:
            measures = renumbered(measures, part.places)
            top = tuple(replace(row, row=part.places[row.row]) for row in top)
            numbers = part.places.array() if keep else None
        values = {name: column.array() for name, column in summary.values.items()}
        return Comparison(
            head=head,
            unit=asked.unit,
            temperature=asked.temperature,
            smooth=asked.smooth,
            measures=measures,
            definitions={each.name: each.formula[asked.mode] for each in self.measures},
            units={each.name: asked.unit if each.has_unit else None for each in self.measures},
            values=values if keep else {},
            skipped_rows=summary.skipped if keep else np.empty(0, bool),
            ids=np.concatenate(summary.ids) if summary.ids else None,
            agreement=self._agreement(summary),
            top=top,
            masked_rows=summary.masked if keep else None,
            row_numbers=numbers,
            hidden=hidden,
        )

    def _agreement(self, summary: Summary) -> Agreement:
        """Return how many decisions agree, and how many those of invalid rows would be."""
        softmax = self.asked.mode == "softmax"
        rows = summary.invalid if self.asked.nan_policy == "propagate" else 0
        each = 1 if softmax else prod(self.pairing.class_shape)
        kind: Literal["argmax", "sign"] = "argmax" if softmax else "sign"
        return Agreement(
            kind, summary.agreeing, summary.decisions, summary.padding, undecided=rows * each
        )


def _shown_rows(summary: Summary, top: int) -> tuple[TopRow, ...]:
    if summary.rows <= ALL_ROWS:
        return tuple(sorted(summary.top, key=lambda row: row.row))
    return tuple(row for row in summary.top if row.counted)[:top]
