"""Rows of logits as categorical distributions: what every softmax measure starts from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures import exact
from kldiv_cli.measures.base import Float64, Status


@dataclass(frozen=True)
class SoftmaxPair:
    """Two blocks of logits under softmax, prepared once for every measure.

    ``p`` and ``q`` are softmax(s / T) and softmax(t / T), and ``e`` is log(q / p), each of shape
    (rows, classes), float64. A class that is -inf on both sides has p = q = e = 0; one that is -inf
    on one side only has e = -inf (candidate) or +inf (reference) and is marked in ``one_sided``
    (None when there is none in the block). Rows that are not counted may hold anything.
    """

    p: Float64
    q: Float64
    e: Float64
    one_sided: NDArray[np.bool_] | None
    status: NDArray[np.uint8]
    argmax: tuple[NDArray[np.intp], NDArray[np.intp]]
    mode: Literal["softmax"] = "softmax"

    @property
    def agreement(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Per row: whether the argmax is the same, of 1 decision."""
        same = (self.argmax[0] == self.argmax[1]).astype(np.intp)
        return same, np.ones_like(same)


def prepare(s: NDArray[Any], t: NDArray[Any], temperature: float = 1.0) -> SoftmaxPair:
    """Prepare two blocks of logits, shape (rows, classes), any real dtype, widened to float64.

    ``e`` is (t - s) minus the difference of the log-partitions, and keeps 2e-14 of itself where the
    rows differ by 1e-12: the differences are exact (:mod:`kldiv_cli.measures.exact`), and the error
    that the two logarithms leave, one constant per row, is measured as sum(q - p), which must be 0,
    and taken out. Ties go to the first class in ``argmax``.
    """
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        s, t = s.astype(np.float64, copy=False), t.astype(np.float64, copy=False)
        argmax = s.argmax(axis=1), t.argmax(axis=1)
        s_max, t_max = (
            np.take_along_axis(x, i[:, None], axis=1) for x, i in zip((s, t), argmax, strict=True)
        )
        status = _status(s_max[:, 0], t_max[:, 0])
        s_out, t_out = np.isneginf(s), np.isneginf(t)
        sparse = bool(s_out.any() or t_out.any())
        if sparse:
            s, t = np.where(s_out, s_max, s), np.where(t_out, t_max, t)

        d, d_low = exact.two_diff(t, s)
        shift, shift_low = exact.two_diff(t_max, s_max)
        p = exact.exp(*exact.divide(*exact.two_diff(s, s_max), temperature))
        q = exact.exp(*exact.divide(*exact.two_diff(t, t_max), temperature))
        if sparse:
            p[s_out], q[t_out] = 0.0, 0.0
        p_sum, q_sum = p.sum(axis=1, keepdims=True), q.sum(axis=1, keepdims=True)
        p /= p_sum
        q /= q_sum
        e = (((d - shift) + d_low) - shift_low) / temperature - (np.log(q_sum) - np.log(p_sum))

        one_sided = None
        if sparse:
            e[t_out & ~s_out] = -np.inf
            e[s_out & ~t_out] = np.inf
            one_sided = s_out != t_out
            if not one_sided.any():
                one_sided = None
        excess = np.copysign(np.maximum(p, q) * -np.expm1(-np.abs(e)), e)
        e -= np.log1p(excess.sum(axis=1, keepdims=True))
        if sparse:
            e[s_out & t_out] = 0.0
    return SoftmaxPair(p, q, e, one_sided, status, argmax)


def _status(s_max: Float64, t_max: Float64) -> NDArray[np.uint8]:
    status = np.full(len(s_max), Status.COUNTED, dtype=np.uint8)
    status[~(np.isfinite(s_max) & np.isfinite(t_max))] = Status.INVALID
    status[np.isneginf(s_max) & np.isneginf(t_max)] = Status.SKIPPED
    return status
