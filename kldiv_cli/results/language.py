"""The statistics of scored tokens: what people read of language models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Range = tuple[float, float]
"""The least and the largest value that a figure may have."""
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
class Perplexities:
    """Perplexities of two language models, and how they compare.

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
    """

    tokens: int
    perplexity: tuple[Estimate, Estimate]
    ln_ratio: Estimate
    ratio: Estimate
    difference: Estimate
    correlation: float


@dataclass(frozen=True)
class LanguageResult(Perplexities):
    """Perplexity, KL divergence and token probabilities of two language models.

    Every mean m over n rows x has the standard error sqrt((mean of x**2 - m**2) / (n - 1)), as
    llama.cpp prints it, and NaN for one row. Percentiles are interpolated linearly at f * (n - 1).
    The figures of `Perplexities` are over all rows that count.

    Attributes
    ----------
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
    known : Perplexities
        The same figures over the rows whose token neither file censors; NaN without such a row.
    ranges : mapping of str to pair of float
        By name as in `kldiv_cli.results.figures.token_figures`, the least and the largest value
        that a figure may have, given what the files censor. A figure without an entry is exact.
    """

    kld: Distribution
    floor: float | None
    delta_p: Distribution
    rms_delta_p: Estimate
    same_top: Estimate
    blind_max: float
    blind_mean: float
    censored: tuple[Censored | None, Censored | None]
    known: Perplexities
    ranges: Mapping[str, Range] = field(default_factory=dict)
