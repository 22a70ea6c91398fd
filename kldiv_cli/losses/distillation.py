"""Knowledge distillation: Hinton's, and decoupled into target and non-target classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import log
from typing import ClassVar

import numpy as np

from kldiv_cli.losses.base import (
    Outcome,
    Rows,
    Size,
    Softened,
    check_number,
    check_temperature,
    over_rows,
    weighted,
)
from kldiv_cli.losses.targets import split
from kldiv_cli.measures.distributions.kinds import absent_as
from kldiv_cli.measures.distributions.pair import Pair, kl_terms
from kldiv_cli.measures.distributions.prepared import Side
from kldiv_cli.measures.distributions.sharp import DEAR, sharpened
from kldiv_cli.measures.types import Counts, Float64, Status

_NORMAL = 1e-300
"""Above it a probability has all its digits."""


@dataclass(frozen=True)
class KD(Softened):
    """T^2 * KL(p||q), p and q being softened by T, mean over rows.

    Parameters
    ----------
    temperature : float
        Both sides' logits are divided by it.
    """

    streams: ClassVar[bool] = True
    temperature: float = 1.0

    def __post_init__(self) -> None:
        check_temperature("--temperature", self.temperature)

    @property
    def measures(self) -> tuple[str, ...]:
        """The divergence."""
        return ("kl",)

    def rows(self, rows: Rows) -> dict[str, Float64]:
        """Return it."""
        return {"kl": rows.measured("kl")}

    def result(self, sums: Mapping[str, float], size: Size) -> Outcome:
        """Divide by the rows."""
        kl, factor = sums["kl"] / size.rows, self.temperature**2
        return Outcome(
            value=factor * kl,
            reduction=f"T^2 times the {over_rows(size)}",
            denominator=size.rows,
            reference_name=self.at("KL(p||q)"),
            reference_value=kl,
            factor=factor,
        )


@dataclass(frozen=True)
class DKD(Softened):
    """(alpha * TCKD + beta * NCKD) * T^2, mean over rows; T^2 is in the components already.

    TCKD is the KL of (target, rest), NCKD that of the other classes renormalised: KL(p||q) = TCKD +
    (1 - p_target) * NCKD. Without any other class NCKD is 0; where one side has none of those that
    the other has, there is no such distribution and it is NaN.

    Parameters
    ----------
    alpha, beta : float
        The weights of TCKD and NCKD.
    temperature : float
        Both sides' logits are divided by it.
    """

    alpha: float = 1.0
    beta: float = 8.0
    temperature: float = 4.0

    def __post_init__(self) -> None:
        check_number("--alpha", self.alpha)
        check_number("--beta", self.beta)
        check_temperature("--temperature", self.temperature)

    @property
    def needs_labels(self) -> bool:
        """Every row has a target."""
        return True

    @property
    def measures(self) -> tuple[str, ...]:
        """The divergence that its parts are taken from."""
        return ("kl",)

    def rows(self, rows: Rows) -> dict[str, Float64]:
        """Return both parts and the divergence that they are taken from."""
        if rows.labels is None:
            raise ValueError("no labels")
        found = split(rows, rows.labels)
        if found is None:
            target, others = self._by_numpy(rows, rows.labels)
        else:
            target, others = found.target, found.others
            some = np.flatnonzero(found.unsettled)
            if some.size:
                target[some], others[some] = self._by_numpy(rows[some], rows.labels[some])
        return {"tckd": target, "nckd": others, "kl": rows.measured("kl")}

    def _by_numpy(self, rows: Rows, labels: Counts) -> tuple[Float64, Float64]:
        target = labels[:, None]
        return target_kl(rows.pair, target), self._others_kl(rows, target)

    def _others_kl(self, rows: Rows, target: Counts) -> Float64:
        """Return KL over the classes without the target, which is absent on both sides."""
        m, n = rows.m.copy(), rows.n.copy()
        for side, kind in zip((m, n), rows.kinds, strict=True):
            np.put_along_axis(side, target, absent_as(kind), axis=1)
        others = replace(rows, reference=m, candidate=n, values={})
        return np.where(others.pair.status == Status.SKIPPED, 0.0, others.measured("kl"))

    def result(self, sums: Mapping[str, float], size: Size) -> Outcome:
        """Divide by the rows."""
        scale = self.temperature**2
        parts = {name: scale * sums[name] / size.rows for name in ("tckd", "nckd")}
        return Outcome(
            value=weighted((self.alpha, parts["tckd"]), (self.beta, parts["nckd"])),
            components=parts,
            reduction=f"T^2 * ({self.alpha:g}*TCKD + {self.beta:g}*NCKD), {over_rows(size)}",
            denominator=size.rows,
            reference_name=self.at("KL(p||q)"),
            reference_value=sums["kl"] / size.rows,
        )


def target_kl(pair: Pair, target: Counts) -> Float64:
    """Return KL of (p_target, 1 - p_target) from (q_target, 1 - q_target).

    log((1 - q_target) / (1 - p_target)) comes from log(q_target / p_target) where that is small, so
    that targets which differ by 1e-12 keep their digits; elsewhere from the sums over the rest.
    """
    p, q = (np.take_along_axis(x, target, axis=1)[:, 0] for x in (pair.p, pair.q))
    e = _target_log_ratio(pair, target)
    (p_rest, log_p_rest), (q_rest, log_q_rest) = (
        _rest(side, target) for side in (pair.prepared.reference, pair.prepared.candidate)
    )
    change = -p * np.expm1(e) / p_rest
    near = np.abs(change) < 0.5
    e_rest = np.where(near, np.log1p(np.where(near, change, 0.0)), log_q_rest - log_p_rest)
    # The logarithms themselves may be large: 300 costs the ratio of exp(-300) two digits.
    held = ~near & (np.minimum(p_rest, q_rest) > _NORMAL)
    e_rest = np.where(held, _log_ratio(q_rest, p_rest), e_rest)
    ours, theirs = np.stack([p, p_rest], axis=1), np.stack([q, q_rest], axis=1)
    ratios = np.stack([e, e_rest], axis=1)
    rows: Float64 = kl_terms(ours, theirs, ratios, np.isneginf(ratios)).sum(axis=1)
    return rows


def _target_log_ratio(pair: Pair, target: Counts) -> Float64:
    """Return log(q_target / p_target), to 32 digits first where it is left of larger numbers.

    That is so where the other classes move, but not all of them together.
    """
    sides = pair.prepared.reference.x, pair.prepared.candidate.x
    s, t, e = (np.take_along_axis(x, target, axis=1)[:, 0] for x in (*sides, pair.e))
    larger = np.maximum(pair.difference.sum(axis=1), np.abs(t - s))
    lost = np.isfinite(e) & (np.abs(e) * DEAR < larger)
    if lost.any():
        high, low = (
            np.take_along_axis(x, target[lost], axis=1)[:, 0] for x in sharpened(pair, lost).e
        )
        e[lost] = high + low
    return e


def _log_ratio(a: Float64, b: Float64) -> Float64:
    """Return log(a / b), where a / b itself may leave float64."""
    (a, a_power), (b, b_power) = np.frexp(a), np.frexp(b)
    rows: Float64 = np.log(a / b) + log(2) * (a_power - b_power)
    return rows


def _rest(side: Side, target: Counts) -> tuple[Float64, Float64]:
    """Return the probability of all classes but the target; its logarithm, without underflow."""
    others = side.p.copy()
    np.put_along_axis(others, target, 0.0, axis=1)
    surprise = np.array(side.surprise)
    np.put_along_axis(surprise, target, np.inf, axis=1)
    least = surprise.min(axis=1, keepdims=True)
    finite = np.where(np.isfinite(least), least, 0.0)
    log_rest = (np.log(np.exp(finite - surprise).sum(axis=1, keepdims=True)) - finite)[:, 0]
    return others.sum(axis=1), log_rest
