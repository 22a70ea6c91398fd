"""Scored tokens -> the statistics of language models.

Like `Summary`, `TokenSummary` keeps the value of every row: the statistics are computed once from
all rows and do not depend on how these were split, to the last bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from math import nan, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.results.exact_sum import Float64
from kldiv_cli.results.language import (
    PERCENTILES,
    Censored,
    Distribution,
    Estimate,
    LanguageResult,
    Perplexities,
)
from kldiv_cli.results.perplexities import mean, perplexities
from kldiv_cli.results.ranges import around, of_changes, of_divergences, of_perplexities
from kldiv_cli.results.statistics import percentiles

Bool = NDArray[np.bool_]


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
class TokenSummary:
    """The rows seen so far, in order; ``floor`` is `LanguageResult`'s."""

    floor: float | None
    parts: tuple[TokenRows, ...] = ()

    def values(self, counted: Bool) -> dict[str, NDArray[Any]]:
        """Return log p and log q of every row's token, NaN where the row does not count.

        For a side whose file censors classes also whether it censors the token.
        """
        joined = _joined(self.parts)
        found: dict[str, NDArray[Any]] = {}
        for name, values in (("log_p", joined.log_p), ("log_q", joined.log_q)):
            found[name] = np.full(len(counted), np.nan)
            found[name][counted] = values
        for name, side in zip(("censored_p", "censored_q"), joined.censored, strict=True):
            if side is not None:
                found[name] = np.zeros(len(counted), bool)
                found[name][counted] = side.target
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
    targets = _targets(rows)
    found = perplexities(rows.log_p, rows.log_q, rows.log_ratio)
    change = _difference(rows)
    mean_square = mean(change**2)
    rms = sqrt(mean_square.value) if mean_square.value >= 0 else nan
    kld, delta_p = _distribution(rows.kld), _distribution(change)
    same = rows.same[~np.isnan(rows.kld)]
    share = float(same.mean()) if len(same) else nan
    undecided = len(rows.kld) - len(same)
    agreeing = (float(same.sum()) / len(rows.kld), float(same.sum() + undecided) / len(rows.kld))
    spread = sqrt(share * (1 - share) / (len(same) - 1)) if len(same) > 1 else nan
    sides = np.exp(rows.log_p), np.exp(rows.log_q)
    ranges = {
        "ppl": of_perplexities(found, targets),
        "kld": of_divergences(rows.kld, rows.blind, kld),
        "delta-p": of_changes(change, sides, targets, delta_p, rms),
    }
    named = {f"{kind}:{name}": x for kind, of in ranges.items() for name, x in of.items()}
    named |= around({"same-top": share}, {"same-top": agreeing}) if undecided else {}
    return LanguageResult(
        **vars(found),
        kld=kld,
        floor=floor,
        delta_p=delta_p,
        rms_delta_p=Estimate(rms, mean_square.error / (2 * rms) if rms else mean_square.error),
        same_top=Estimate(share, spread),
        blind_max=float(rows.blind.max()),
        blind_mean=mean(rows.blind).value,
        censored=(_censored(rows.censored[0]), _censored(rows.censored[1])),
        known=_known(rows, found, targets[0] | targets[1]),
        ranges=named,
    )


def _targets(rows: TokenRows) -> tuple[Bool, Bool]:
    """Tell which tokens each side censors."""
    reference, candidate = (
        np.zeros(len(rows.kld), bool) if side is None else side.target for side in rows.censored
    )
    return reference, candidate


def _known(rows: TokenRows, every: Perplexities, hidden: Bool) -> Perplexities:
    """Return the figures over the rows whose token neither side censors."""
    if not hidden.any():
        return every
    known = ~hidden
    return perplexities(rows.log_p[known], rows.log_q[known], rows.log_ratio[known])


def _censored(rows: CensoredRows | None) -> Censored | None:
    if rows is None:
        return None
    return Censored(
        targets=int(rows.target.sum()),
        cells=int(rows.cells.sum()),
        held_max=float(rows.held.max()),
        held_mean=mean(rows.held).value,
    )


def _difference(rows: TokenRows) -> Float64:
    """Return q - p without cancellation: exp(-3) - exp(-3 - 1e-14) would lose every digit."""
    largest = np.maximum(rows.log_p, rows.log_q)
    e = np.where(np.isneginf(largest), 0.0, rows.log_ratio)
    larger = np.exp(largest)
    change: Float64 = np.copysign(larger * -np.expm1(-np.abs(e)), e) + 0.0  # and never -0.0
    return change


def _distribution(x: Float64) -> Distribution:
    return Distribution(mean(x), percentiles(x, PERCENTILES))
