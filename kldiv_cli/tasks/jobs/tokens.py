"""Two language models' rows -> the tokens that came next, scored.

A row predicts one token, whose class is known: from a llama.cpp logits file, or from labels.
Everything is in nats and at temperature 1, as perplexity is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.errors import UsageError
from kldiv_cli.measures.distributions.kinds import Kind
from kldiv_cli.measures.evaluation import Evaluation
from kldiv_cli.measures.rows.absence import without
from kldiv_cli.measures.types import Mode
from kldiv_cli.pairing import BlockPair, Pairing
from kldiv_cli.results.tokens import TokenRows, TokenSummary
from kldiv_cli.sources.base import Source
from kldiv_cli.sources.labels.classes import Labels
from kldiv_cli.sources.labels.tokens import tokens_of
from kldiv_cli.tasks.jobs.scores import FLOOR, Scored, Smoothing, put, score, score_by_partitions

_ADVICE = "Leave --labels out, or say --mode softmax."


@dataclass(frozen=True)
class Scoring:
    """How the rows of a pairing are scored: the class of each row's token, in order.

    ``smooth`` is the weight of the uniform distribution in the candidate.
    """

    pairing: Pairing
    labels: Labels
    kinds: tuple[Kind, Kind]
    smooth: float = 0.0

    @property
    def floor(self) -> float | None:
        """`LanguageResult.floor`: what `score` leaves out of its divergence."""
        sides = self.pairing.reference, self.pairing.candidate
        return None if all(side.bounds is None for side in sides) else FLOOR

    def of(self, block: BlockPair) -> NDArray[np.intp]:
        """Return the classes of the rows of a block, as they were given."""
        return self.labels.values[block.rows]

    @property
    def by_partitions(self) -> bool:
        """Whether `Partitions` say all of most rows."""
        return self.floor is None and not self.smooth and "probs" not in self.kinds

    def rows(
        self, block: BlockPair, counted: NDArray[np.bool_], found: Evaluation | None = None
    ) -> TokenRows:
        """Score the rows of a block that count, among the cells that a mask keeps.

        ``found`` is what is known of all rows.

        Raises
        ------
        InputError
            The label of one of them is no class, or none that is kept.
        """
        kept = block.kept
        if kept is not None and kept.shape != block.reference.shape:
            kept = None
        rows = np.flatnonzero(counted)
        some = None if kept is None else kept[rows]
        labels = self.labels.of(block.numbers[rows], block.reference.shape[1], some)
        if found is None or found.partitions is None:
            return self._score(block, rows, labels, kept)
        scored = score_by_partitions(block, rows, labels, found, found.partitions)
        rest = np.flatnonzero(np.isnan(found.partitions.reference[rows]))
        if rest.size:
            put(scored, rest, self._score(block, rows[rest], labels[rest], kept))
        return scored

    def _score(
        self,
        block: BlockPair,
        rows: NDArray[np.intp],
        labels: NDArray[np.intp],
        kept: NDArray[np.bool_] | None,
    ) -> TokenRows:
        s, t = block.reference, block.candidate
        if len(rows) < len(s):
            s, t = s[rows], t[rows]
        if kept is not None:
            kept = kept[rows]
            s, t = without(s, kept, self.kinds[0]), without(t, kept, self.kinds[1])
        return score(
            _side(self.pairing.reference, s, self.kinds[0]),
            _side(self.pairing.candidate, t, self.kinds[1]),
            labels,
            Smoothing(self.smooth, kept),
        )

    def summary(self, scored: Sequence[TokenRows]) -> TokenSummary:
        """Join the rows of consecutive blocks."""
        return TokenSummary(self.floor, tuple(scored))


def scoring(
    pairing: Pairing,
    mode: Mode,
    kinds: tuple[Kind, Kind],
    labels: Labels | None,
    smooth: float = 0.0,
) -> Scoring | None:
    """Return how to score the rows, or None where nobody says which token came next.

    Parameters
    ----------
    pairing : Pairing
        The two sides.
    mode : {"softmax", "sigmoid"}
        Tokens are scored under softmax alone.
    kinds : pair of {"logits", "probs", "log-probs"}
        What the numbers are.
    labels : Labels or None
        The class of every row, in the reference's order; by default the tokens of a llama.cpp file.
    smooth : float
        The weight of the uniform distribution that the candidate is mixed with.

    Raises
    ------
    UsageError
        Labels are given under sigmoid.
    """
    if mode == "sigmoid":
        if labels is not None:
            raise UsageError(
                "--labels score one class per row, and under sigmoid every cell is its own", _ADVICE
            )
        return None
    sides = pairing.reference, pairing.candidate
    told = [tokens for tokens in map(tokens_of, sides) if tokens is not None]
    if labels is not None:
        return Scoring(pairing, labels, kinds, smooth)
    if not told:
        return None
    targets = told[0].targets
    return Scoring(pairing, Labels(told[0].path, targets, targets.shape), kinds, smooth)


def _side(source: Source, values: NDArray[Any], kind: Kind) -> Scored:
    return Scored(values, kind, None if source.bounds is None else source.bounds.floors(values))
