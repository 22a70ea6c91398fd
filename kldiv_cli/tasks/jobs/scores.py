"""The token of each row, scored: its log p and log q, and the divergence of its row.

Everything is in nats and at temperature 1, as perplexity is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kldiv_cli import measures
from kldiv_cli.measures.distributions.exact import two_diff, widen
from kldiv_cli.measures.distributions.kinds import Kind, to_logits
from kldiv_cli.measures.evaluation import Evaluation, Partitions
from kldiv_cli.measures.types import Float64, Status
from kldiv_cli.pairing import BlockPair
from kldiv_cli.results.tokens import CensoredRows, TokenRows
from kldiv_cli.sources.bounds import held

FLOOR = -16.0
"""llama.cpp sums its KL divergence over the classes with log p above it."""


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


def score_by_partitions(
    block: BlockPair,
    rows: NDArray[np.intp],
    labels: NDArray[np.intp],
    found: Evaluation,
    known: Partitions,
) -> TokenRows:
    """Score the tokens of some rows of a block of logits; NaN where no partition is known."""
    s, t = block.reference, block.candidate
    (s_at, t_at), (s_top, t_top) = (
        (widen(s[rows, ours]), widen(t[rows, theirs]))
        for ours, theirs in ((labels, labels), (found.argmax[0][rows], found.argmax[1][rows]))
    )
    with np.errstate(invalid="ignore"):
        step, step_low = two_diff(t_at, s_at)
        return TokenRows(
            log_p=(s_at - s_top) - known.reference[rows],
            log_q=(t_at - t_top) - known.candidate[rows],
            log_ratio=((step - known.step[rows]) + step_low) - known.shift[rows],
            kld=known.kl[rows].copy(),
            same=found.argmax[0][rows] == found.argmax[1][rows],
            blind=np.zeros(len(rows)),
        )


def put(all_rows: TokenRows, places: NDArray[np.intp], some: TokenRows) -> None:
    """Put the scores of some rows, of which no side is censored, in their places."""
    for name in ("log_p", "log_q", "log_ratio", "kld", "same", "blind"):
        getattr(all_rows, name)[places] = getattr(some, name)


def _at(values: NDArray[Any], labels: NDArray[np.intp]) -> NDArray[Any]:
    return np.take_along_axis(values, labels[:, None], axis=1)[:, 0]
