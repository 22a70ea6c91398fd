"""Rows of logits as independent Bernoulli cells."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.distributions import exact
from kldiv_cli.measures.distributions.pair import Pair, status_of, without_uncounted
from kldiv_cli.measures.distributions.prepared import Prepared, Side, finish
from kldiv_cli.measures.types import MASK, Counts, Float64


@dataclass(frozen=True)
class SigmoidPair(Pair):
    """Two blocks of logits under sigmoid, (rows, cells), float64, not yet divided by T.

    A number of at most ``masked`` on both sides is padding.
    """

    masked: float = MASK

    def prepare(self) -> Prepared:
        """Return both sides as distributions over the outcomes 1 and 0; see `_prepare`."""
        return _prepare(self)

    @cached_property
    def infinite(self) -> NDArray[np.bool_] | None:
        """Where either side is infinite; None when no cell of the block is."""
        infinite = np.isinf(self.s) | np.isinf(self.t)
        return infinite if infinite.any() else None

    @cached_property
    def agreement(self) -> tuple[Counts, Counts]:
        """Per row: how many cells have the same sign (logit > 0 or not), and of how many.

        A cell that is -inf on both sides, or one number of at most -1e4, is padding and counts in
        neither.
        """
        same = (self.s > 0) == (self.t > 0)
        if not self.s.size or self.s.min() > self.masked:
            return same.sum(axis=1), np.full(len(same), same.shape[1])
        present = ~((self.s == self.t) & (self.s <= self.masked))
        return (same & present).sum(axis=1), present.sum(axis=1)


def prepare(s: NDArray[Any], t: NDArray[Any], temperature: float) -> SigmoidPair:
    """Check two blocks of logits.

    A row is invalid that holds NaN; it is skipped if it holds nothing but -inf on both sides.

    Parameters
    ----------
    s, t : array, shape (rows, cells), of any real dtype
        The reference's and the candidate's logits; widened to float64.
    temperature : float
        T.
    """
    s, t = exact.widen(s), exact.widen(t)
    argmax = s.argmax(axis=1), t.argmax(axis=1)
    s_max, t_max = (
        np.take_along_axis(x, i[:, None], 1)[:, 0] for x, i in zip((s, t), argmax, strict=True)
    )
    status = status_of(np.isnan(s_max) | np.isnan(t_max), np.isneginf(s_max) & np.isneginf(t_max))
    s, t = without_uncounted(s, status), without_uncounted(t, status)
    scaled = exact.rescale(s, t, temperature)
    return SigmoidPair(*scaled, status, argmax, masked=MASK * (scaled[2] / temperature))


def sigma(x: Float64, temperature: float) -> Float64:
    """Return 1 / (1 + exp(-x / T)), every digit right in both tails.

    Parameters
    ----------
    x : float64, of any shape
        Logits; -inf gives 0, +inf gives 1.
    temperature : float
        T.
    """
    decay = exact.exp(*exact.divide(-np.abs(x), np.zeros(1), temperature))
    return np.where(x >= 0, 1.0, decay) / (1.0 + decay)


def _prepare(pair: SigmoidPair) -> Prepared:
    """Compute p, q and e = log(q / p) of both outcomes, (rows, 2, cells): softmax([x, 0]).

    With d = (t - s) / T, log(q1 / p1) = -log1p(p0 * expm1(-d)) and log(q0 / p0) =
    -log1p(p1 * expm1(d)) for small d; beyond, where the argument nears -1, the difference of the
    log-probabilities has all its digits.
    """
    s, t, temperature = pair.s, pair.t, pair.temperature
    reference, candidate = _side(s, temperature), _side(t, temperature)
    step = (_outcomes(t) - _outcomes(s)) / temperature
    e = step - (candidate.log_partition - reference.log_partition)
    d = ((t - s) / temperature)[:, None, :]
    d = np.concatenate([-d, d], axis=1)
    near = np.abs(d) < 1
    if near.any():
        other = reference.p[:, ::-1]
        e = np.where(near, -np.log1p(other * np.expm1(np.where(near, d, 0.0))), e)
    return finish(reference, candidate, e, correct=False)


def _side(logits: Float64, temperature: float) -> Side:
    x, x_low = exact.divide(_outcomes(logits), np.zeros(1), temperature)
    weights = exact.exp(x, x_low)
    decay = weights.min(axis=1, keepdims=True)
    absent = np.isneginf(x)
    return Side(
        x, x_low, np.log1p(decay), weights / (1.0 + decay), absent if absent.any() else None
    )


def _outcomes(logits: Float64) -> Float64:
    """Return the logits of the outcomes 1 and 0, the larger one being 0: (rows, 2, cells)."""
    return np.stack([np.minimum(logits, 0.0), -np.maximum(logits, 0.0)], axis=1)
