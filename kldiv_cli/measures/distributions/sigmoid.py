"""Rows of logits as independent Bernoulli cells."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.distributions import exact
from kldiv_cli.measures.distributions.pair import NO_LOWS, Pair, status_of, without_uncounted
from kldiv_cli.measures.distributions.prepared import Prepared, Side, finish
from kldiv_cli.measures.types import MASK, Counts, Float64


@dataclass(frozen=True)
class SigmoidPair(Pair):
    """Two blocks of logits under sigmoid, (rows, cells), float64, not yet divided by T.

    A number of at most ``masked`` on both sides is padding.
    """

    masked: float = MASK

    @property
    def positive(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Where the logits of either side are above 0."""
        return self.s > 0, self.t > 0

    def prepare(self) -> Prepared:
        """Return both sides as distributions over the outcomes 1 and 0; see `prepared`."""
        return prepared(self.s, self.t, self.temperature)

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
        same = np.equal(*self.positive)
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


def prepared(
    s: Float64,
    t: Float64,
    temperature: float,
    lows: tuple[Float64, Float64] = NO_LOWS,
    difference: Float64 | None = None,
) -> Prepared:
    """Compute p, q and e = log(q / p) of both outcomes, (rows, 2, cells): softmax([x, 0]).

    With d = (t - s) / T, log(q1 / p1) = -log1p(p0 * expm1(-d)) and log(q0 / p0) =
    -log1p(p1 * expm1(d)) for small d; beyond, where the argument nears -1, the difference of the
    log-probabilities has all its digits.

    Parameters
    ----------
    s, t : float64, shape (rows, cells)
        The logits of both sides, not yet divided by T.
    temperature : float
        T.
    lows : pair of float64, shape (rows, cells) or (1,)
        What rounding took from them.
    difference : float64, shape (rows, cells), or None
        t - s, where it is known to more digits.
    """
    (x, x_low), (y, y_low) = (_outcomes(z, low) for z, low in zip((s, t), lows, strict=True))
    reference, candidate = _side(x, x_low, temperature), _side(y, y_low, temperature)
    step = ((y - x) + (y_low - x_low)) / temperature
    e = step - (candidate.log_partition - reference.log_partition)
    d = (t - s) + (lows[1] - lows[0]) if difference is None else difference
    d = d / temperature
    near = np.abs(d) < 1
    if near.any():
        e = np.where(near[:, None], close_ratio(reference.p, np.where(near, d, 0.0)), e)
    return finish(reference, candidate, e, correct=False)


def close_ratio(p: Float64, d: Float64) -> Float64:
    """Return log(q / p) of both outcomes where the logits over T differ by d, which is near 0."""
    both = np.stack([-d, d], axis=1)
    return -np.log1p(p[:, ::-1] * np.expm1(both))


def _side(x: Float64, x_low: Float64, temperature: float) -> Side:
    absent = np.isneginf(x)
    x, x_low = exact.divide(x, x_low, temperature)
    weights = exact.exp(x, x_low)
    decay = weights.min(axis=1, keepdims=True)
    return Side(
        x, x_low, np.log1p(decay), weights / (1.0 + decay), absent if absent.any() else None
    )


def _outcomes(logits: Float64, low: Float64) -> tuple[Float64, Float64]:
    """Return the logits of the outcomes 1 and 0, the larger one being 0: (rows, 2, cells)."""
    outcomes = np.stack([np.minimum(logits, 0.0), -np.maximum(logits, 0.0)], axis=1)
    if low.ndim == 1:
        return outcomes, low
    below = logits < 0
    return outcomes, np.stack([np.where(below, low, 0.0), np.where(below, 0.0, -low)], axis=1)
