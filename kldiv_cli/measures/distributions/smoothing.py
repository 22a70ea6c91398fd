"""Candidates that are mixed with the uniform distribution."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.distributions import doubled
from kldiv_cli.measures.distributions.prepared import Prepared, Side, finish
from kldiv_cli.measures.distributions.sharp import sharpened
from kldiv_cli.measures.types import Counts, Float64

if TYPE_CHECKING:
    from kldiv_cli.measures.distributions.pair import Pair

_FEW = 1 / 4
"""Where two parts leave less than that of the square of one, 32 digits of both are needed."""
_NORMAL = 1e-290
"""Below it, numbers have lost digits, or their quotients are beyond float64."""


def smoothed(pair: Pair, found: Prepared) -> Prepared:
    """Mix the candidate with the uniform distribution over the outcomes.

    Parameters
    ----------
    pair : Pair
        The rows. ``smooth`` is E in (1 - E) * q + E / outcomes, from 0 to 1. What ``kept`` leaves
        out are no outcomes: they are absent on both sides and stay absent.
    found : Prepared
        Both sides as they are.
    """
    weight, kept = pair.smooth, pair.kept
    reference, q = found.reference, found.candidate.p
    if kept is not None:
        kept = np.broadcast_to(kept, (q.shape[0], q.shape[-1]))
        kept = kept if q.ndim == 2 else kept[:, None, :]
    outcomes = q.shape[1] if kept is None or q.ndim == 3 else kept.sum(axis=1, keepdims=True)
    uniform = weight / outcomes
    mixed = (1 - weight) * q + uniform
    moved = (1 - weight) * np.expm1(found.e)
    excess = moved + weight * _uniform_excess(reference, outcomes, kept)
    near = np.abs(excess) < 0.5
    likely = mixed if kept is None else np.where(kept, mixed, 0.0)
    lost = _cancelled(np.where(near, moved, 0.0), excess, likely)
    if lost.any():
        _mend(excess, lost, pair, found, outcomes)
    # Next to 1, where log(mixed) would lose its digits, what is missing to 1 has them.
    missing = (1 - weight) * -np.expm1(-found.candidate.surprise) + (weight - uniform)
    log_mixed = np.where(mixed > 0.5, np.log1p(-missing), np.log(mixed))
    e = np.where(
        near, np.log1p(np.where(near, excess, 0.0)), _log_ratio(mixed, log_mixed, reference)
    )
    absent = None
    if kept is not None and found.candidate.absent is not None:
        absent = found.candidate.absent & ~kept
        mixed = np.where(kept, mixed, q)
        log_mixed, e = np.where(kept, log_mixed, 0.0), np.where(kept, e, 0.0)
    candidate = Side(log_mixed, np.zeros(1), np.zeros(1), mixed, absent)
    return finish(reference, candidate, e, correct=False)


def _log_ratio(mixed: Float64, log_mixed: Float64, reference: Side) -> Float64:
    """Return log(mixed / p), from their logarithms only where p has lost digits.

    Of [-33, -22, 30.5] over 3, logarithms of -21 lack the last digits of their difference.
    """
    has_digits = (reference.p > _NORMAL) & (mixed > _NORMAL)
    ratio = np.where(has_digits, mixed, 1.0) / np.where(has_digits, reference.p, 1.0)
    return np.where(has_digits, np.log(ratio), log_mixed + reference.surprise)


def _cancelled(moved: Float64, excess: Float64, likely: Float64) -> NDArray[np.bool_]:
    """Tell in which distributions digits are missed of what is left of what moved.

    These are all of a row whose mean square, as likely as its outcomes are, is next to nothing, and
    those whose largest fall is, beside that of the row: the Renyi divergence of order inf.
    """
    few = np.clip(excess, -1.0, 1.0)
    product = "rc,rc,rc->r" if excess.ndim == 2 else "roc,roc,roc->r"
    left, whole = (np.einsum(product, likely, x, x) for x in (few, moved))
    lost = left < _FEW * whole
    place = excess.argmin(axis=1)[:, None]
    fall, of = (np.take_along_axis(x, place, axis=1)[:, 0] for x in (excess, moved))
    falls = np.abs(fall).sum(axis=tuple(range(1, fall.ndim)))
    by_row = (-1, *[1] * (fall.ndim - 1))
    found: NDArray[np.bool_] = lost.reshape(by_row) | (_FEW * of**2 > falls.reshape(by_row) ** 2)
    return found


def _mend(
    excess: Float64,
    lost: NDArray[np.bool_],
    pair: Pair,
    found: Prepared,
    outcomes: int | Counts,
) -> None:
    """Compute the mixture over p, less 1, from logarithms of 32 digits where it is lost.

    Outcomes that the reference lacks have it already, for their parts do not cancel.
    """
    plain = replace(pair, smooth=0.0)
    vars(plain)["prepared"] = found
    distributions = np.moveaxis(excess, 1, -1)
    log_p, e = sharpened(plain, lost)
    before = distributions[lost]
    absent = np.isneginf(e[0])
    known = (np.abs(before) < 0.5) & np.isfinite(log_p[0]) & (np.isfinite(e[0]) | absent)
    log_p = doubled.where(known, log_p, doubled.single(0))
    growth = doubled.expm1(doubled.where(known & ~absent, e, doubled.single(0)))
    growth = doubled.where(absent, doubled.single(-1), growth)
    number = outcomes if isinstance(outcomes, int) else outcomes[lost]
    over = doubled.multiply(doubled.single(np.float64(number)), doubled.exp(log_p))
    part = doubled.single(pair.smooth)
    moved = doubled.multiply(doubled.subtract(doubled.ONE, part), growth)
    drawn = doubled.subtract(doubled.divide(doubled.ONE, over), doubled.ONE)
    high, low = doubled.add(moved, doubled.multiply(part, drawn))
    distributions[lost] = np.where(known, high + low, before)


def _uniform_excess(
    reference: Side, outcomes: int | Counts, kept: NDArray[np.bool_] | None
) -> Float64:
    """Return u / p - 1, u being uniform over so many outcomes, with all its digits also near 0.

    log(u / p) is log(mean exp(x)) - x. From u / p itself a row such as [0, 1e-9] would lose nine
    digits, and one whose classes are all alike would not be 0 from the uniform distribution.
    """
    growth = np.expm1(reference.x) + reference.x_low * np.exp(reference.x)
    if reference.absent is not None:
        growth = np.where(reference.absent, -1.0, growth)
    total = growth if kept is None else np.where(kept, growth, 0.0)
    excess = total.sum(axis=1, keepdims=True) / outcomes
    # Far below, as where one class of many has most, the logarithm of the sum keeps the digits.
    far = reference.log_partition - np.log(outcomes)
    log_mean = np.where(excess > -0.5, np.log1p(excess), far)
    log_ratio = (log_mean - reference.x) - reference.x_low
    near = np.abs(log_ratio) < 0.5
    if reference.absent is not None:
        near &= ~reference.absent
    ratio = 1 / (outcomes * reference.p)
    return np.where(near, np.expm1(np.where(near, log_ratio, 0.0)), ratio - 1)
