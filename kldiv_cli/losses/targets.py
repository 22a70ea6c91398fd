"""The divergences of a target from the other classes, and of these, by the C kernels."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kldiv_cli import measures
from kldiv_cli.losses.base import Rows
from kldiv_cli.measures import _native
from kldiv_cli.measures.distributions import exact
from kldiv_cli.measures.distributions.kinds import is_rounded_as_logits
from kldiv_cli.measures.distributions.pair import kl_terms
from kldiv_cli.measures.evaluation import Evaluator
from kldiv_cli.measures.types import Counts, Float64, Status
from kldiv_cli.measures.weighted import Odds, odds_of

_BYTES = 1 << 20
"""So much of a side is copied at a time: it stays in the cache."""
_LARGEST = 600.0
"""Larger logarithms of odds are for NumPy."""
_SHARP = 6e-15
"""What may be lost of a logarithm of odds, relative to it."""


class Split(NamedTuple):
    """KL of (target, rest), KL of the other classes, and the rows of which neither is known."""

    target: Float64
    others: Float64
    unsettled: NDArray[np.bool_]

    @classmethod
    def join(cls, parts: list[Split]) -> Split:
        """Return those of all rows."""
        return cls(*map(np.concatenate, zip(*parts, strict=True)))


def split(rows: Rows, target: Counts) -> Split | None:
    """Return the divergences of rows from their targets; None where there are no kernels for it.

    With the other classes alone, a is the logarithm of the odds of the target and d what the
    candidate's are more: a = (s_target - max s) / T - log sum exp((s - max s) / T).
    """
    kinds = [is_rounded_as_logits(kind, rows.mode) for kind in rows.kinds]
    evaluator = Evaluator([measures.load("kl")], rows.mode, rows.temperature, rows.kinds)
    if any(kinds) or not evaluator.by_kernel or rows.reference.shape[1] < 3:
        return None
    sides = _native.as_taken(rows.reference), _native.as_taken(rows.candidate)
    width = sides[0].shape[1]
    step = max(1, _BYTES // (width * max(side.itemsize for side in sides)))
    copies = [np.empty((min(step, len(rows)), width - 1), side.dtype) for side in sides]
    parts = []
    for start in range(0, len(rows), step):
        some = slice(start, start + step)
        s, t = (
            _without(side[some], target[some], copy)
            for side, copy in zip(sides, copies, strict=True)
        )
        parts.append(_split(rows, some, evaluator, s, t, target[some]))
    return Split.join(parts) if parts else None


def _without(values: NDArray[Any], target: Counts, copy: NDArray[Any]) -> NDArray[Any]:
    """Return the other classes of each row, the last one in the target's place."""
    found = copy[: len(values)]
    found[:] = values[:, :-1]
    inside = np.flatnonzero(target < found.shape[1])
    found[inside, target[inside]] = values[inside, -1]
    return found


def _split(
    rows: Rows,
    some: slice,
    evaluator: Evaluator,
    s: NDArray[Any],
    t: NDArray[Any],
    target: Counts,
) -> Split:
    here = np.arange(len(s))
    bfloat16 = rows.reference.dtype.names is not None
    ours, theirs = (x.view(rows.reference.dtype) if bfloat16 else x for x in (s, t))
    found = evaluator.evaluate(ours, theirs)
    at = np.stack(
        [
            *(exact.widen(side[some][here, target]) for side in (rows.reference, rows.candidate)),
            exact.widen(ours[here, found.argmax[0]]),
        ]
    )
    of_target, unsettled, lost = _of_target(ours, theirs, at, rows.temperature)
    if lost.size:
        anew, unknown, still = _of_target(
            ours[lost], theirs[lost], at[:, lost], rows.temperature, sharp=True
        )
        of_target[lost], unsettled[lost] = anew, unknown
        unsettled[lost[still]] = True
    others = found.values["kl"]
    unsettled |= (found.status != Status.COUNTED) | ~np.isfinite(others)
    return Split(of_target, others, unsettled)


def _of_target(
    s: NDArray[Any],
    t: NDArray[Any],
    at: Float64,
    temperature: float,
    *,
    sharp: bool = False,
) -> tuple[Float64, NDArray[np.bool_], Counts]:
    """Return KL of (target, rest), where it is not known, and the rows whose d has lost digits.

    ``at`` are, in three rows, both logits of the target, and the largest of the reference's others.
    """
    odds = odds_of(s, t, temperature, sharp=sharp)
    if odds is None:
        raise ValueError("no kernels")
    with np.errstate(all="ignore"):
        s_at, t_at, s_max = at
        a, a_low, d = _odds(s_at, t_at, s_max, odds, temperature)
        found = _of_two(a, a_low, d)
        unsettled = odds.unsettled | ~(np.isfinite(found) & (np.abs(a) + np.abs(d) < _LARGEST))
        lost = np.flatnonzero(~unsettled & (odds.doubt > _SHARP * np.abs(d)))
    return found, unsettled, lost


def _odds(
    s: Float64, t: Float64, s_max: Float64, odds: Odds, temperature: float
) -> tuple[Float64, Float64, Float64]:
    """Return a in two float64, and d."""
    x, x_low = exact.divide(*exact.two_diff(s, s_max), temperature)
    a, a_low = exact.two_diff(x, odds.log_rest)
    step, step_low = exact.two_diff(t, s)
    step, centre_low = exact.two_diff(step, odds.centre)
    step, step_low = exact.divide(step, step_low + (centre_low - odds.centre_low), temperature)
    d = (step - odds.growth) + (step_low - odds.growth_low)
    return a, a_low + x_low, d


def _of_two(a: Float64, a_low: Float64, d: Float64) -> Float64:
    """Return KL of (sigma(a), sigma(-a)) from (sigma(a + d), sigma(-a - d))."""
    weight = exact.exp(-np.abs(a), np.where(a > 0, -a_low, a_low))
    small, large = weight / (1 + weight), 1 / (1 + weight)
    p = np.where(a > 0, np.stack([large, small]), np.stack([small, large]))
    e = -_log_mean(p[::-1], p, np.stack([-d, d]))
    rows: Float64 = kl_terms(p, p * np.exp(e), e, None).sum(axis=0)
    return rows


def _log_mean(p: Float64, rest: Float64, d: Float64) -> Float64:
    """Return log(rest + p * exp(d)), rest = 1 - p, with all its digits near 0."""
    growth = p * np.expm1(d)
    near = growth > -0.5
    far = np.log(rest + p * np.exp(d))
    return np.where(near, np.log1p(np.where(near, growth, 0.0)), far)
