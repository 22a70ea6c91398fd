"""Rows of logits as categorical distributions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.distributions import exact
from kldiv_cli.measures.distributions.pair import NO_LOWS, Pair, status_of, without_uncounted
from kldiv_cli.measures.distributions.prepared import Prepared, Side, finish
from kldiv_cli.measures.types import Counts, Float64


@dataclass(frozen=True)
class SoftmaxPair(Pair):
    """Two blocks of logits under softmax, (rows, classes), float64, not yet divided by T.

    ``lows`` are what rounding took from both blocks, of their shape; (1,) and 0 for logits.
    """

    lows: tuple[Float64, Float64] = NO_LOWS

    def prepare(self) -> Prepared:
        """Return both sides as distributions over the classes; see `_prepare`."""
        return _prepare(self)

    def below_largest(self, _: int, logits: Float64, largest: Float64) -> tuple[Float64, Float64]:
        """Return the logits of a side less the largest of their row, in two float64.

        ``logits`` are those of the side whose place is given; absent ones are the largest here.
        """
        return exact.two_diff(logits, largest)

    @property
    def agreement(self) -> tuple[Counts, Counts]:
        """Whether the argmax is the same, of 1 decision per row."""
        same = (self.argmax[0] == self.argmax[1]).astype(np.intp)
        return same, np.ones_like(same)


def prepare(s: NDArray[Any], t: NDArray[Any], temperature: float) -> SoftmaxPair:
    """Check two blocks of logits.

    A row is invalid that holds NaN or +inf, or nothing but -inf on one side; it is skipped if it
    holds nothing but -inf on both sides.

    Parameters
    ----------
    s, t : array, shape (rows, classes), of any real dtype
        The reference's and the candidate's logits; widened to float64.
    temperature : float
        T.
    """
    s, t = exact.widen(s), exact.widen(t)
    argmax = s.argmax(axis=1), t.argmax(axis=1)
    s_max, t_max = (at(x, i)[:, 0] for x, i in zip((s, t), argmax, strict=True))
    status = status_of(
        ~(np.isfinite(s_max) & np.isfinite(t_max)), np.isneginf(s_max) & np.isneginf(t_max)
    )
    s, t = without_uncounted(s, status), without_uncounted(t, status)
    return SoftmaxPair(*exact.rescale(s, t, temperature), status, argmax)


def _prepare(pair: SoftmaxPair) -> Prepared:
    """Compute p, q and e = log(q / p).

    ``e`` is (t - s) minus the difference of the log-partitions, and keeps 2e-14 of itself where the
    rows differ by 1e-12: the differences are exact (see `measures.distributions.exact`), and
    `finish` takes out the error that the two logarithms leave.
    """
    s, t, temperature = pair.s, pair.t, pair.temperature
    s_max, t_max = at(s, pair.argmax[0]), at(t, pair.argmax[1])
    s_out, t_out = np.isneginf(s), np.isneginf(t)
    absent = bool(s_out.any() or t_out.any())
    if absent:
        s, t = np.where(s_out, s_max, s), np.where(t_out, t_max, t)
    reference = _side(
        pair.below_largest(0, s, s_max), pair.argmax[0], temperature, s_out if absent else None
    )
    candidate = _side(
        pair.below_largest(1, t, t_max), pair.argmax[1], temperature, t_out if absent else None
    )

    d, d_low = exact.two_diff(t, s)
    shift, shift_low = exact.two_diff(t_max, s_max)
    for low, index, sign in zip(pair.lows, pair.argmax, (-1, 1), strict=True):
        if low.ndim > 1:
            d_low = d_low + sign * (low - at(low, index))
    e = (((d - shift) + d_low) - shift_low) / temperature
    e -= candidate.log_partition - reference.log_partition
    return finish(reference, candidate, e, correct=True)


def _side(
    less: tuple[Float64, Float64],
    argmax: Counts,
    temperature: float,
    absent: NDArray[np.bool_] | None,
) -> Side:
    """Normalise one side; the log-partition keeps its digits where one class has it all."""
    x, x_low = exact.divide(*less, temperature)
    weights = exact.exp(x, x_low)
    if absent is not None:
        weights[absent] = 0.0
    np.put_along_axis(weights, argmax[:, None], 0.0, axis=1)
    rest = weights.sum(axis=1, keepdims=True)
    np.put_along_axis(weights, argmax[:, None], 1.0, axis=1)
    weights /= 1.0 + rest
    return Side(x, x_low, np.log1p(rest), weights, absent)


def at(values: NDArray[Any], index: Counts) -> NDArray[Any]:
    """Return one number of every row, shape (rows, 1)."""
    return np.take_along_axis(values, index[:, None], axis=1)
