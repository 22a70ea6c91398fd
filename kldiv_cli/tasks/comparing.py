"""The one loop: pairing -> measures -> summary."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.evaluation import Evaluator
from kldiv_cli.measures.types import Status
from kldiv_cli.memory import keep_freed_memory
from kldiv_cli.pairing import BlockPair, Pairing
from kldiv_cli.results.comparison import Agreement, Comparison
from kldiv_cli.results.statistics import renumbered
from kldiv_cli.results.summary import Rows, Summary, TopRow
from kldiv_cli.sources.base import BLOCK_BYTES, STREAM_BYTES
from kldiv_cli.sources.views.choice import Choice
from kldiv_cli.tasks.describe import Counts, head_of, invalid_row
from kldiv_cli.tasks.executors.threads import in_flight, in_order
from kldiv_cli.tasks.request import Request
from kldiv_cli.tasks.walk import hidden, masked_cells
from kldiv_cli.tasks.warnings import Seen, Watch

if TYPE_CHECKING:
    from kldiv_cli.results.language import TokenRows
    from kldiv_cli.tasks.grouping import Grouping
    from kldiv_cli.tasks.tokens import Scoring

_IN_MEMORY = 1 << 28
"""How much of both sides may be in hand at a time, however many threads there are."""
_PARTS = 64
"""How many blocks' summaries are joined at a time."""
ALL_ROWS = 20
"""A file with at most so many rows has all of them shown."""


@dataclass(frozen=True)
class _Part:
    """What is kept of one block."""

    summary: Summary
    seen: Seen
    tokens: TokenRows | None


class Comparing:
    """One comparison on its way; `part` may run in several threads at once."""

    def __init__(
        self,
        pairing: Pairing,
        request: Request,
        watch: Watch,
        tokens: Scoring | None,
        grouping: Grouping | None,
        choice: Choice,
    ) -> None:
        self.pairing, self.request, self.watch = pairing, request, watch
        self.tokens, self.grouping, self.choice = tokens, grouping, choice
        self.evaluator = Evaluator(
            request.measures, request.mode, request.temperature, request.kinds, request.smooth
        )

    def run(self, progress: Callable[[int, int | None], None] | None) -> Comparison:
        """Go over all blocks."""
        by_kernel = self.evaluator.by_kernel_alone and self.tokens is None
        if not by_kernel:
            keep_freed_memory()
        most = _IN_MEMORY // (2 * in_flight(self.request.threads))
        size = min(most, STREAM_BYTES if by_kernel else BLOCK_BYTES)
        parts: list[Summary] = []
        scored: list[TokenRows] = []
        labels: list[NDArray[np.intp]] = []
        places: list[NDArray[np.intp]] = []
        done = 0
        blocks = self.pairing.blocks(size)
        with closing(in_order(self.part, blocks, self.request.threads)) as measured:
            for block, part in measured:
                self.watch.add(block, part.seen)
                parts.append(part.summary)
                if self.tokens is not None and part.tokens is not None:
                    scored.append(part.tokens)
                    labels.append(self.tokens.of(block))
                done += part.summary.rows
                if block.places is not None:
                    places.append(block.places)
                if len(parts) == _PARTS:
                    parts = [Summary.join(parts)]
                if progress is not None:
                    progress(done, self.pairing.rows_expected)
        self.watch.check()
        whole = Summary.join(parts)
        found = self._result(whole, np.concatenate(places) if places else None)
        if self.tokens is not None:
            every = self.tokens.summary(scored)
            tokens = {"label": np.concatenate(labels)} | every.values(np.concatenate(whole.counted))
            found = replace(found, language=every.result(), tokens=tokens)
        if self.grouping is not None:
            groups = self.grouping.groups(whole)
            if found.row_numbers is not None:
                groups = groups.renumbered(found.row_numbers)
            found = replace(found, groups=groups)
        return found

    def part(self, whole: BlockPair) -> _Part:
        """Measure one block."""
        request = self.request
        block = hidden(whole, request.kinds)
        found = self.evaluator.evaluate(block.reference, block.candidate, block.kept)
        invalid = found.status == Status.INVALID
        if request.nan_policy == "raise" and invalid.any():
            raise invalid_row(
                request.mode, block, int(invalid.argmax()), self.pairing, request.kinds
            )
        valid = found.status == Status.COUNTED
        counted = valid | invalid if request.nan_policy == "propagate" else valid
        rows = Rows(
            values={
                each.name: request.in_unit(found.values[each.name], each)
                for each in request.measures
            },
            counted=counted,
            skipped=found.status == Status.SKIPPED,
            invalid=invalid,
            argmax=found.argmax,
            same=found.same,
            of=found.of,
            ids=block.ids,
            keys=None if self.grouping is None else self.grouping.keys(block, found),
            masked=None if block.kept is None else found.status == Status.MASKED,
            masked_cells=masked_cells(block, counted),
        )
        known = None if found.mismatches is None else int(found.mismatches.sum())
        seen = self.watch.see(block, valid, known, whole)
        tokens = None if self.tokens is None else self.tokens.rows(whole, rows.counted)
        block.release()
        return _Part(Summary.from_rows(rows, max(request.top, ALL_ROWS)), seen, tokens)

    def _result(self, summary: Summary, places: NDArray[np.intp] | None) -> Comparison:
        """Return the result; its rows are called by their places where some were left out."""
        request = self.request
        counted, skipped = np.concatenate(summary.counted), np.concatenate(summary.skipped)
        masked_rows = np.concatenate(summary.masked) if summary.masked else None
        counts = Counts(
            read=summary.rows,
            counted=int(counted.sum()),
            skipped=int(skipped.sum()),
            invalid=summary.invalid,
            masked=0 if masked_rows is None else int(masked_rows.sum()),
            masked_cells=summary.masked_cells,
        )
        ends = None if places is None else (int(places[0]), int(places[-1]))
        head = head_of(self.watch, counts, request.nan_policy, self.choice, ends)
        measures, top = summary.result(), _shown_rows(summary, request.top)
        numbers = None if head.file_row_shape is None else places
        if numbers is not None:
            measures = renumbered(measures, numbers)
            top = tuple(replace(row, row=int(numbers[row.row])) for row in top)
        return Comparison(
            head=head,
            unit=request.unit,
            temperature=request.temperature,
            smooth=request.smooth,
            measures=measures,
            definitions={each.name: each.formula[request.mode] for each in request.measures},
            units={each.name: request.unit if each.has_unit else None for each in request.measures},
            values={name: np.concatenate(chunks) for name, chunks in summary.values.items()},
            skipped_rows=skipped,
            ids=np.concatenate(summary.ids) if summary.ids else None,
            agreement=Agreement(
                "argmax" if request.mode == "softmax" else "sign",
                summary.agreeing,
                summary.decisions,
            ),
            top=top,
            masked_rows=masked_rows,
            row_numbers=numbers,
        )


def _shown_rows(summary: Summary, top: int) -> tuple[TopRow, ...]:
    if summary.rows <= ALL_ROWS:
        return tuple(sorted(summary.top, key=lambda row: row.row))
    return tuple(row for row in summary.top if row.counted)[:top]
