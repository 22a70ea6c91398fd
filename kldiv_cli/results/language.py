"""Scored tokens -> the statistics that language-model people read.

Like `Summary`, `TokenSummary` keeps the value of every row: the statistics are computed once from
all rows and do not depend on how these were split, to the last bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from math import exp, expm1, isfinite, nan, sqrt

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.results.statistics import Float64, percentiles

Bool = NDArray[np.bool_]

PERCENTILES = {
    "max": (1, 1),
    "p99.9": (999, 1000),
    "p99": (99, 100),
    "p95": (95, 100),
    "p90": (90, 100),
    "p75": (75, 100),
    "median": (1, 2),
    "p25": (25, 100),
    "p10": (10, 100),
    "p5": (5, 100),
    "p1": (1, 100),
    "p0.1": (1, 1000),
    "min": (0, 1),
}
"""The share of the rows that lie below."""


@dataclass(frozen=True)
class CensoredRows:
    """The censored classes of one side: the file has only a bound of their probability.

    Parameters
    ----------
    target : bool, shape (rows,)
        Whether the scored token is censored.
    cells : int, shape (rows,)
        How many classes are censored.
    held : float64, shape (rows,)
        The probability that censored classes have together, at most.
    """

    target: Bool
    cells: NDArray[np.intp]
    held: Float64


@dataclass(frozen=True)
class TokenRows:
    """What consecutive rows say of the tokens that came next.

    Parameters
    ----------
    log_p, log_q : float64, shape (rows,)
        That token's log-probability in the reference and in the candidate, in nats.
    log_ratio : float64, shape (rows,)
        log(q / p) of that token, with the digits that log_q - log_p loses where the two are close;
        NaN where both are -inf.
    kld : float64, shape (rows,)
        KL(p||q) in nats; NaN where a row is invalid.
    same : bool, shape (rows,)
        Whether both sides have the same most probable class.
    blind : float64, shape (rows,)
        The probability under p of the classes that ``kld`` sums though the candidate's file
        censors them.
    censored : pair of CensoredRows or None
        Of reference and candidate; None for a side whose file holds every class.
    """

    log_p: Float64
    log_q: Float64
    log_ratio: Float64
    kld: Float64
    same: Bool
    blind: Float64
    censored: tuple[CensoredRows | None, CensoredRows | None] = (None, None)


@dataclass(frozen=True)
class Estimate:
    """A number and its standard error; NaN for the error of a single row."""

    value: float
    error: float


@dataclass(frozen=True)
class Distribution:
    """The mean of a value over the rows, and its percentiles by the names of `PERCENTILES`."""

    mean: Estimate
    percentiles: Mapping[str, float]


@dataclass(frozen=True)
class Censored:
    """The censored classes of one side: the file has only a bound of their probability.

    Attributes
    ----------
    targets : int
        How many scored tokens are censored. With such tokens the perplexity is a lower bound.
    cells : int
        How many cells of all rows are censored.
    held_max, held_mean : float
        The probability that the censored classes of a row have together, at most: the largest one
        of all rows, and the mean.
    """

    targets: int
    cells: int
    held_max: float
    held_mean: float


@dataclass(frozen=True)
class LanguageResult:
    """Perplexity, KL divergence and token probabilities of two language models.

    Every mean m over n rows x has the standard error sqrt((mean of x**2 - m**2) / (n - 1)), as
    llama.cpp prints it, and NaN for one row. Percentiles are interpolated linearly at f * (n - 1).

    Attributes
    ----------
    tokens : int
        The number n of rows. Every row scores one token.
    perplexity : pair of Estimate
        PPL = exp(mean of -log p(token)), of reference and candidate; the error is PPL times that of
        the mean.
    ln_ratio : Estimate
        ln(PPL(q) / PPL(p)), the mean of log p(token) - log q(token). Its error, that of the mean
        over these differences, is llama.cpp's sqrt(u_q**2 + u_p**2 - 2 * covariance).
    ratio, difference : Estimate
        PPL(q) / PPL(p) and PPL(q) - PPL(p), errors propagated in the same way.
    correlation : float
        The correlation of -log p(token) and -log q(token); NaN where one of the two is constant.
    kld : Distribution
        KL(p||q), in nats.
    floor : float or None
        Classes with log p at or below it are left out of ``kld``; None where it sums all.
    delta_p : Distribution
        q(token) - p(token), from -1 to 1.
    rms_delta_p : Estimate
        The root r of the mean square of ``delta_p``; its error is that of the mean square, divided
        by 2 * r.
    same_top : Estimate
        The share a of rows with the same most probable class, and sqrt(a * (1 - a) / (n - 1)).
    blind_max, blind_mean : float
        The probability under p of the classes that ``kld`` sums though the candidate's file
        censors them: the largest one of all rows, and the mean. ``kld`` is too small by these.
    censored : pair of Censored or None
        Of reference and candidate; None for a side whose file holds every class.
    """

    tokens: int
    perplexity: tuple[Estimate, Estimate]
    ln_ratio: Estimate
    ratio: Estimate
    difference: Estimate
    correlation: float
    kld: Distribution
    floor: float | None
    delta_p: Distribution
    rms_delta_p: Estimate
    same_top: Estimate
    blind_max: float
    blind_mean: float
    censored: tuple[Censored | None, Censored | None]


@dataclass(frozen=True)
class TokenSummary:
    """The rows seen so far, in order; ``floor`` is `LanguageResult`'s."""

    floor: float | None
    parts: tuple[TokenRows, ...] = ()

    def values(self, counted: Bool) -> dict[str, Float64]:
        """Return log p and log q of every row's token, NaN where the row does not count."""
        joined = _joined(self.parts)
        found = {}
        for name, values in (("log_p", joined.log_p), ("log_q", joined.log_q)):
            found[name] = np.full(len(counted), np.nan)
            found[name][counted] = values
        return found

    def result(self) -> LanguageResult:
        """Return the statistics; there must be at least one row."""
        with np.errstate(over="ignore", invalid="ignore"):
            return _statistics(_joined(self.parts), self.floor)


def _joined(parts: Sequence[TokenRows]) -> TokenRows:
    columns = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts])
        for field in fields(TokenRows)
        if field.name != "censored"
    }
    reference, candidate = (_joined_censored([part.censored[i] for part in parts]) for i in (0, 1))
    return TokenRows(**columns, censored=(reference, candidate))


def _joined_censored(parts: Sequence[CensoredRows | None]) -> CensoredRows | None:
    known = [part for part in parts if part is not None]
    if not known:
        return None
    return CensoredRows(
        **{
            field.name: np.concatenate([getattr(part, field.name) for part in known])
            for field in fields(CensoredRows)
        }
    )


def _statistics(rows: TokenRows, floor: float | None) -> LanguageResult:
    means = [_mean(-x) for x in (rows.log_p, rows.log_q)]
    ppl = tuple(Estimate(_exp(m.value), _exp(m.value) * m.error) for m in means)
    ln_ratio = _mean(0.0 - rows.log_ratio)
    ratio, more = _exp(ln_ratio.value), ppl[1].value - ppl[0].value
    if abs(ln_ratio.value) < 1:
        more = ppl[0].value * expm1(ln_ratio.value)
    # The first order of the difference, as an error needs it: a covariance that nearly cancels
    # the variances is never computed.
    first_order = _mean(more * rows.log_p + ppl[1].value * rows.log_ratio)
    change = _difference(rows)
    mean_square = _mean(change**2)
    rms = sqrt(mean_square.value) if mean_square.value >= 0 else nan
    same = rows.same[~np.isnan(rows.kld)]
    share = float(same.mean()) if len(same) else nan
    spread = sqrt(share * (1 - share) / (len(same) - 1)) if len(same) > 1 else nan
    return LanguageResult(
        tokens=len(rows.kld),
        perplexity=(ppl[0], ppl[1]),
        ln_ratio=ln_ratio,
        ratio=Estimate(ratio, ratio * ln_ratio.error),
        difference=Estimate(more, first_order.error),
        correlation=_correlation(rows.log_p, rows.log_q),
        kld=_distribution(rows.kld),
        floor=floor,
        delta_p=_distribution(change),
        rms_delta_p=Estimate(rms, mean_square.error / (2 * rms) if rms else mean_square.error),
        same_top=Estimate(share, spread),
        blind_max=float(rows.blind.max()),
        blind_mean=float(rows.blind.mean()),
        censored=(_censored(rows.censored[0]), _censored(rows.censored[1])),
    )


def _censored(rows: CensoredRows | None) -> Censored | None:
    if rows is None:
        return None
    return Censored(
        targets=int(rows.target.sum()),
        cells=int(rows.cells.sum()),
        held_max=float(rows.held.max()),
        held_mean=float(rows.held.mean()),
    )


def _difference(rows: TokenRows) -> Float64:
    """Return q - p without cancellation: exp(-3) - exp(-3 - 1e-14) would lose every digit."""
    largest = np.maximum(rows.log_p, rows.log_q)
    e = np.where(np.isneginf(largest), 0.0, rows.log_ratio)
    larger = np.exp(largest)
    change: Float64 = np.copysign(larger * -np.expm1(-np.abs(e)), e) + 0.0  # and never -0.0
    return change


def _mean(x: Float64) -> Estimate:
    """Return the mean and its standard error, in two passes: squares are summed of deviations."""
    mean = float(x.mean())
    if len(x) < 2 or not isfinite(mean):
        return Estimate(mean, nan)
    deviations = x - mean
    return Estimate(mean, sqrt(float((deviations**2).mean()) / (len(x) - 1)))


def _correlation(x: Float64, y: Float64) -> float:
    dx, dy = x - x.mean(), y - y.mean()
    scale = sqrt(float((dx**2).sum())) * sqrt(float((dy**2).sum()))
    return float((dx * dy).sum()) / scale if isfinite(scale) and scale > 0 else nan


def _distribution(x: Float64) -> Distribution:
    return Distribution(_mean(x), percentiles(x, PERCENTILES))


def _exp(x: float) -> float:
    """Return exp(x), infinity where math.exp would raise."""
    return exp(x) if x < 709 else float(np.exp(x))
