"""The one loop: pairing -> measures -> summary."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.evaluation import Evaluator
from kldiv_cli.measures.types import Status
from kldiv_cli.memory import keep_freed_memory
from kldiv_cli.pairing import BlockPair, Pairing
from kldiv_cli.results.comparison import Agreement, Comparison
from kldiv_cli.results.summary import Rows, Summary, TopRow
from kldiv_cli.sources.base import BLOCK_BYTES, STREAM_BYTES
from kldiv_cli.sources.views.choice import Choice
from kldiv_cli.tasks.describe import describe, described, invalid_row, nothing_left, numbered
from kldiv_cli.tasks.executors.threads import in_flight, in_order
from kldiv_cli.tasks.request import Request
from kldiv_cli.tasks.walk import hidden, masked_cells
from kldiv_cli.tasks.warnings import Seen, Watch, class_selection, watched

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
        found = _result(whole, self.request, self.pairing, self.watch)
        if self.tokens is not None:
            every = self.tokens.summary(scored)
            tokens = {"label": np.concatenate(labels)} | every.values(np.concatenate(whole.counted))
            found = replace(found, language=every.result(), tokens=tokens)
        if self.grouping is not None:
            found = replace(found, groups=self.grouping.groups(whole))
        if not places:
            return found
        return numbered(found, self.pairing, self.choice, np.concatenate(places))

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


def _result(
    summary: Summary,
    request: Request,
    pairing: Pairing,
    watch: Watch,
) -> Comparison:
    counted, skipped = np.concatenate(summary.counted), np.concatenate(summary.skipped)
    masked_rows = np.concatenate(summary.masked) if summary.masked else None
    left_out = 0 if masked_rows is None else int(masked_rows.sum())
    if not counted.any():
        raise nothing_left(pairing, int(skipped.sum()), summary.invalid, left_out)
    found = summary.result()
    classes = prod(pairing.class_shape)
    units = {each.name: request.unit if each.has_unit else None for each in request.measures}
    return Comparison(
        reference=watched(describe(pairing.reference, summary.rows), watch.sides[0]),
        candidate=watched(describe(pairing.candidate, summary.rows), watch.sides[1]),
        mode=request.mode,
        unit=request.unit,
        temperature=request.temperature,
        smooth=request.smooth,
        nan_policy=request.nan_policy,
        rows=int(counted.sum()),
        skipped=int(skipped.sum()),
        invalid=summary.invalid,
        classes=classes,
        class_shape=pairing.class_shape,
        class_names=pairing.class_names,
        row_shape=tuple(n or summary.rows for n in pairing.row_shape),
        paired_by=pairing.by,
        measures=found,
        definitions={each.name: each.formula[request.mode] for each in request.measures},
        units=units,
        values={name: np.concatenate(chunks) for name, chunks in summary.values.items()},
        skipped_rows=skipped,
        ids=np.concatenate(summary.ids) if summary.ids else None,
        agreement=Agreement(
            "argmax" if request.mode == "softmax" else "sign", summary.agreeing, summary.decisions
        ),
        top=_shown_rows(summary, request.top),
        limits=(),
        warnings=watch.warnings(),
        mask=described(pairing, summary.rows, summary.masked_cells, int(counted.sum()) * classes),
        masked=left_out,
        masked_rows=masked_rows,
        class_selection=class_selection(watch),
    )


def _shown_rows(summary: Summary, top: int) -> tuple[TopRow, ...]:
    if summary.rows <= ALL_ROWS:
        return tuple(sorted(summary.top, key=lambda row: row.row))
    return tuple(row for row in summary.top if row.counted)[:top]
