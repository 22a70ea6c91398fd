"""What a caller asks -> what one file is, with a guess at what its numbers are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import exp
from typing import Unpack

import numpy as np

from kldiv_cli.errors import InputError
from kldiv_cli.measures.distributions.kinds import Kind
from kldiv_cli.pairing.ranges import check_length, part_of
from kldiv_cli.pairing.selection import selected
from kldiv_cli.results.head import Head
from kldiv_cli.results.inspection import Contexts, Entropy, Guess, Inspection, Rows
from kldiv_cli.sources.base import Layout, Source
from kldiv_cli.sources.base.contents import Listing
from kldiv_cli.sources.stores.reads import reading
from kldiv_cli.sources.views.choice import Choice
from kldiv_cli.sources.views.selected import Selected, whole
from kldiv_cli.tasks.describe import describe, selection_from, unseen
from kldiv_cli.tasks.jobs.inspecting import Alone, Distributions, Looking, Tallies, off_one
from kldiv_cli.tasks.jobs.tallies import CensoredTally, SpanTally
from kldiv_cli.tasks.kept.part import Part
from kldiv_cli.tasks.kept.places import Places
from kldiv_cli.tasks.listing import holdings, unread
from kldiv_cli.tasks.opening.fitting import check_one
from kldiv_cli.tasks.opening.questions.asking import asked_of
from kldiv_cli.tasks.opening.questions.opened import Opened
from kldiv_cli.tasks.opening.rounding import sum_tolerance
from kldiv_cli.tasks.opening.sides import Input, begin, choice_of, layout_of, open_side, threads_of
from kldiv_cli.tasks.options import Inspect
from kldiv_cli.tasks.options.signature import documented
from kldiv_cli.tasks.options.typed import InspectOptions
from kldiv_cli.tasks.reading import noted
from kldiv_cli.tasks.remarks import remark, remarks
from kldiv_cli.tasks.walk import Progress, walk

_TOKENS_SHOWN = 8


@documented(Inspect, InspectOptions)
def inspect(file: Input, **options: Unpack[InspectOptions]) -> Inspection:
    """Say what a file of model outputs is, from all of its rows, in one pass.

    Parameters
    ----------
    file : path or array_like
        A file in a format that `kldiv_cli.sources` knows, or an array. Files are streamed.
    **options
        What is said of the file, each by its name.

    Returns
    -------
    Inspection
        Shape and names, counts of cells and rows, ranges, spread of argmax, entropy in nats, and a
        guess at what the numbers are. Rows with NaN, with +inf or with nothing but -inf hold no
        distribution: they are counted, and their cells are, and sums, argmax and entropy leave them
        out.

    Raises
    ------
    InputError
        The file cannot be read, has not the rows that are chosen, or something is said of it that
        is not for such a file: columns though it is no table, a key though it holds no arrays under
        names, a delimiter, a type.
    """
    asked = Inspect(file=file, **options)
    listing = Listing()
    with reading() as reads:
        try:
            job = opened(asked, listing)
        except InputError as error:
            if not listing.is_open_question:
                raise
            return unread(file, listing, error)
        found = job.finish(job.part(None, threads_of(asked), asked.progress))
        return replace(found, head=noted(found.head, reads))


def opened(asked: Inspect, listing: Listing | None = None) -> Inspecting:
    """Open the file that is inspected, as an error says where it tells how the file can be read.

    ``listing`` takes note of what the file holds, also where it is refused.

    Raises
    ------
    InputError
        It cannot be read, or an option is not for such a file.
    """
    begin(asked)
    listing = Listing() if listing is None else listing
    layout = replace(layout_of(asked), listing=listing)
    try:
        return _opened(asked, layout, listing)
    except InputError as error:
        if not error.options or layout.is_of_text:
            raise
        job = _opened(asked, replace(layout, **error.options), listing)
        return replace(job, said=(remark(error),))


def _opened(asked: Inspect, layout: Layout, listing: Listing) -> Inspecting:
    choice = choice_of(asked)
    source = open_side(asked.file, layout)
    check_one(source, layout)
    if choice:
        source = selected(source, choice)
    return Inspecting(asked, source, choice, listing)


@dataclass(frozen=True)
class Inspecting:
    """One inspection, opened; ``said`` are remarks on how."""

    asked: Inspect
    source: Source
    choice: Choice
    listing: Listing
    said: tuple[str, ...] = ()

    def part(
        self, rows: range | None = None, threads: int = 1, progress: Progress | None = None
    ) -> Part[Tallies]:
        """Walk over all rows, or over those whose places in the file lie in a range."""
        source: Source | None = self.source
        if rows is not None:
            check_length(whole(self.source))
            source = part_of(self.source, rows)
        if source is None:
            return Part.empty()
        return walk(Alone(source), Looking(source), threads, progress)

    def finish(self, part: Part[Tallies]) -> Inspection:
        """Return the result of all rows."""
        seen = part.kept or Tallies()
        found, rows = seen.distributions, seen.rows.result()
        guess = _guess(self.source, found)
        head = _head(self.source, rows, self.choice, part.places)
        questions = asked_of(Opened(self.asked, (self.source,)))
        said = remarks(head.sides[0], rows, guess, questions, seen.rows.constants.padding)
        return Inspection(
            head=replace(head, warnings=(*unseen(self.source), *self.said, *said)),
            ids=seen.ids,
            guess=guess,
            cells=seen.cells.result(),
            mask_like=seen.cells.masks.result(),
            rows=rows,
            sums=found.sums.result(),
            log_sums=found.log_sums.result(),
            leaders=found.leaders.result(),
            entropy=_entropy(found, guess),
            contexts=_contexts(self.source, seen.censored),
            holds=holdings(self.listing, questions),
        )


def _head(source: Source, rows: Rows, choice: Choice, places: Places) -> Head:
    """Return what was read; the rows are taken as under softmax."""
    selected = isinstance(source, Selected)
    return Head(
        sides=(describe(source, None if selected else rows.total),),
        mode="softmax",
        nan_policy="omit",
        paired_by="position",
        rows=rows.valid,
        skipped=0,
        invalid=rows.total - rows.valid,
        class_shape=source.class_shape,
        row_shape=tuple(rows.total if length is None else length for length in source.row_shape),
        file_row_shape=whole(source).row_shape if selected else None,
        class_names=source.class_names,
        selection=selection_from(source, None, choice, places.first, places.last),
    )


def _contexts(source: Source, censored: CensoredTally) -> Contexts | None:
    tokens = source.tokens
    if tokens is None:
        return None
    chunks, n_ctx = tokens.shape
    first = tuple(map(int, tokens[0, :_TOKENS_SHOWN]))
    return Contexts(chunks, n_ctx, len(np.unique(tokens)), first, censored.cells, censored.held)


def _entropy(seen: Distributions, guess: Guess) -> Entropy | None:
    """Return the entropy of the distributions that the rows stand for, as far as one can tell."""
    if not seen.entropy.rows:
        return None
    as_probs = (guess.kind, guess.mode) == ("probs", "softmax")
    tally = seen.entropy_as_probs if as_probs else seen.entropy
    return Entropy(
        "row" if as_probs else "softmax(row)",
        float(tally.total) / tally.rows,
        tally.span.low,
        tally.span.high,
    )


def _guess(source: Source, seen: Distributions) -> Guess:
    total, log_sum = seen.sums, seen.log_sums
    if seen.entropy.rows == 0:
        return Guess(None, None, "", "no row holds a distribution")
    if seen.zero_or_one:
        return _zero_or_one(source, total)
    if seen.like_probs or seen.like_percentages:
        return _probabilities(source, seen)
    if seen.like_log_probs:
        off = off_one(exp(log_sum.low), exp(log_sum.high))
        why = f"no cell is above 0 and exp(row) sums to 1 within {off:.2g} in every row"
        return Guess("log-probs", "softmax", _options("log-probs", off, source), why)
    if seen.in_unit:
        why = (
            "every cell lies in [0, 1], but rows do not sum to 1 "
            f"({total.low:.6g} to {total.high:.6g}): one probability per cell"
        )
        return Guess("probs", "sigmoid", "--input probs --mode sigmoid", why)
    why = (
        "some cells lie outside [0, 1], and log(sum(exp(row))) is not 0 "
        f"({log_sum.low:.6g} to {log_sum.high:.6g})"
    )
    if "int" in source.dtype:
        why += "; but all are integers: labels or token ids?"
    return Guess("logits", None, "", why)


def _probabilities(source: Source, seen: Distributions) -> Guess:
    total = seen.sums
    if not seen.like_probs:
        off = 100 * off_one(total.low / 100, total.high / 100)
        why = f"no cell is below 0 and every row sums to 100 within {off:.2g}: percentages"
        return Guess("probs", "softmax", "--input probs --normalize", why)
    off = off_one(total.low, total.high)
    why = f"every cell lies in [0, 1] and every row sums to 1 within {off:.2g}"
    return Guess("probs", "softmax", _options("probs", off, source), why)


def _zero_or_one(source: Source, total: SpanTally) -> Guess:
    """Guess what cells are that hold nothing but 0 and 1."""
    if (total.low, total.high) == (1.0, 1.0):
        why = "every cell is 0 or 1 and every row holds a single 1: one-hot labels"
        return Guess("probs", "softmax", _options("probs", 0.0, source), why)
    why = (
        f"every cell is 0 or 1, and rows do not sum to 1 ({total.low:.6g} to {total.high:.6g}); "
        "--mask takes such files"
    )
    return Guess("labels", None, "", why)


def _options(kind: Kind, off: float, source: Source) -> str:
    if source.kind is not None:
        return ""
    return f"--input {kind}" + (" --normalize" if off > sum_tolerance(source, kind=kind) else "")
