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

from kldiv_cli import measures
from kldiv_cli.errors import UsageError
from kldiv_cli.measures.distributions.exact import widen
from kldiv_cli.measures.distributions.kinds import Kind, to_logits
from kldiv_cli.measures.rows.absence import without
from kldiv_cli.measures.types import Float64, Mode, Status
from kldiv_cli.pairing import BlockPair, Pairing
from kldiv_cli.results.tokens import CensoredRows, TokenRows, TokenSummary
from kldiv_cli.sources.base import Source
from kldiv_cli.sources.bounds import held
from kldiv_cli.sources.labels.classes import Labels
from kldiv_cli.sources.labels.tokens import tokens_of

FLOOR = -16.0
"""llama.cpp sums its KL divergence over the classes with log p above it."""

_ADVICE = "Leave --labels out, or say --mode softmax."


@dataclass(frozen=True)
class Scored:
    """One side of a block, (rows, classes), and what is censored in it.

    Parameters
    ----------
    values : array, shape (rows, classes)
        As the source gave them.
    kind : {"logits", "probs", "log-probs"}
        What they are.
    floors : float64, shape (rows,), or None
        For rows of a llama.cpp file, where their censored cells stand.
    """

    values: NDArray[Any]
    kind: Kind
    floors: Float64 | None = None

    def log_probs(self) -> Float64:
        """Return log-probabilities; those of a llama.cpp file as they are.

        Its censored cells stand far too high, which is why dividing a row by its sum would lower
        all others: by up to 1.4 % where 128000 classes lie 16 nats down.
        """
        if self.floors is not None:
            return widen(self.values)
        logits = widen(to_logits(self.values, self.kind, "softmax"))
        largest = logits.argmax(axis=1)[:, None]
        with np.errstate(invalid="ignore", under="ignore"):
            x: Float64 = logits - np.take_along_axis(logits, largest, axis=1)
            weights = np.exp(x)
            np.put_along_axis(weights, largest, 0.0, axis=1)
            x -= np.log1p(weights.sum(axis=1, keepdims=True))
        return x

    def hidden(self) -> NDArray[np.bool_] | None:
        """Tell which cells are censored; None where the file holds every class."""
        return None if self.floors is None else self.values <= self.floors[:, None]


@dataclass(frozen=True)
class Smoothing:
    """How candidates are mixed with the uniform distribution: (1 - E) * q + E / classes.

    Parameters
    ----------
    weight : float
        E, from 0 to below 1.
    kept : bool array, shape (rows, classes), or None
        Over which cells that distribution is uniform; None for all.
    """

    weight: float = 0.0
    kept: NDArray[np.bool_] | None = None

    def of(self, log_q: Float64) -> Float64:
        """Return the log-probabilities of the mixture."""
        if not self.weight:
            return log_q
        kept = np.ones_like(log_q, bool) if self.kept is None else self.kept
        uniform = np.log(self.weight) - np.log(kept.sum(axis=1, keepdims=True))
        mixed = np.logaddexp(np.log1p(-self.weight) + log_q, uniform)
        return np.where(kept, mixed, log_q)


def score(
    reference: Scored,
    candidate: Scored,
    labels: NDArray[np.intp],
    smoothing: Smoothing = Smoothing(),
) -> TokenRows:
    """Score one token per row.

    Parameters
    ----------
    reference, candidate : Scored
        p and q.
    labels : integer array, shape (rows,)
        The class of the token that came next.
    smoothing : Smoothing
        What q is mixed with first.

    Returns
    -------
    TokenRows
        Where neither side is a llama.cpp file, ``kld`` is KL(p||q) over all classes, exact to 2e-14
        and never negative. Otherwise it is what llama.cpp sums: p * log(p / q) over the classes
        with log p > -16, of probabilities that are not divided by their sum. It leaves out every
        class that the reference's file censors, and is within 1.2e-4 of that of the model that
        wrote the candidate's file (half a step of log q), but for classes that this file censors.
        As a sum over part of the classes it can be slightly negative, in llama.cpp and here, where
        p and q are nearly equal; it is exactly 0 where they are equal.

    References
    ----------
    .. [1] llama.cpp, tools/perplexity/perplexity.cpp and its README.
    """
    if reference.floors is None and candidate.floors is None:
        return _score_exactly(reference, candidate, labels, smoothing)
    log_p, log_q = reference.log_probs(), smoothing.of(candidate.log_probs())
    largest = log_p.argmax(axis=1), log_q.argmax(axis=1)
    right = np.isfinite(_at(log_p, largest[0])) & np.isfinite(_at(log_q, largest[1]))
    kept = log_p > FLOOR
    with np.errstate(invalid="ignore", under="ignore"):
        p = np.exp(log_p)
        p *= kept
        terms = log_p - log_q
        terms *= p
        if reference.floors is None or candidate.floors is None:
            terms[~kept] = 0.0  # where an array's -inf made 0 * inf
        kld = terms.sum(axis=1)
    hidden = reference.hidden(), candidate.hidden()
    blind = np.zeros(len(p))
    if hidden[1] is not None:
        unseen = hidden[1] & kept
        if unseen.any():
            blind = np.where(unseen, p, 0.0).sum(axis=1)
    of_p, of_q = (np.where(right, _at(x, labels), np.nan) for x in (log_p, log_q))
    with np.errstate(invalid="ignore"):
        log_ratio = of_q - of_p
    return TokenRows(
        log_p=of_p,
        log_q=of_q,
        log_ratio=log_ratio,
        kld=np.where(right, kld, np.nan),
        same=largest[0] == largest[1],
        blind=blind,
        censored=(
            _censored(reference.floors, hidden[0], labels),
            _censored(candidate.floors, hidden[1], labels),
        ),
    )


def _censored(
    floors: Float64 | None, hidden: NDArray[np.bool_] | None, labels: NDArray[np.intp]
) -> CensoredRows | None:
    if floors is None or hidden is None:
        return None
    cells = hidden.sum(axis=1)
    return CensoredRows(_at(hidden, labels), cells, held(cells, floors))


def _score_exactly(
    reference: Scored, candidate: Scored, labels: NDArray[np.intp], smoothing: Smoothing
) -> TokenRows:
    pair = measures.prepare(
        "softmax",
        reference.values,
        candidate.values,
        kinds=(reference.kind, candidate.kind),
        smooth=smoothing.weight,
        kept=smoothing.kept,
    )
    counted = pair.status == Status.COUNTED
    log_p, log_q = (
        np.where(counted, -_at(side.surprise, labels), np.nan)
        for side in (pair.prepared.reference, pair.prepared.candidate)
    )
    possible = counted & ~(np.isneginf(log_p) & np.isneginf(log_q))
    log_ratio = np.where(possible, _at(pair.e, labels), np.nan)
    kld = measures.load("kl").rows(pair)
    same = pair.argmax[0] == pair.argmax[1]
    return TokenRows(log_p, log_q, log_ratio, kld, same, blind=np.zeros(len(kld)))


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

    def rows(self, block: BlockPair, counted: NDArray[np.bool_]) -> TokenRows:
        """Score the rows of a block that count, among the cells that a mask keeps.

        Raises
        ------
        InputError
            The label of one of them is no class, or none that is kept.
        """
        s, t, kept = block.reference, block.candidate, block.kept
        if kept is not None:
            kept = kept[counted] if kept.shape == s.shape else None
        labels = self.labels.of(block.numbers[counted], s.shape[1], kept)
        if not counted.all():
            s, t = s[counted], t[counted]
        if kept is not None:
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


def _at(values: NDArray[Any], labels: NDArray[np.intp]) -> NDArray[Any]:
    return np.take_along_axis(values, labels[:, None], axis=1)[:, 0]
