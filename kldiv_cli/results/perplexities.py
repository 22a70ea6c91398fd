"""The log-probabilities of scored tokens -> perplexities, and how they compare."""

from __future__ import annotations

from math import exp, expm1, isfinite, nan, sqrt

import numpy as np

from kldiv_cli.results.exact_sum import SQUARE, Float64, total
from kldiv_cli.results.language import Estimate, Perplexities
from kldiv_cli.results.moments import moments


def perplexities(log_p: Float64, log_q: Float64, log_ratio: Float64) -> Perplexities:
    """Return the figures over rows.

    Parameters
    ----------
    log_p, log_q : float64, shape (rows,)
        The token's log-probability in the reference and in the candidate, in nats.
    log_ratio : float64, shape (rows,)
        log(q / p) of that token, with the digits that log_q - log_p loses.
    """
    if not len(log_p):
        none = Estimate(nan, nan)
        return Perplexities(0, (none, none), none, none, none, nan)
    means = [mean(-x) for x in (log_p, log_q)]
    ppl = tuple(Estimate(_exp(m.value), _exp(m.value) * m.error) for m in means)
    ln_ratio = mean(0.0 - log_ratio)
    ratio, more = _exp(ln_ratio.value), ppl[1].value - ppl[0].value
    if abs(ln_ratio.value) < 1:
        more = ppl[0].value * expm1(ln_ratio.value)
    # The first order of the difference, as an error needs it: a covariance that nearly cancels
    # the variances is never computed.
    first_order = mean(more * log_p + ppl[1].value * log_ratio)
    return Perplexities(
        tokens=len(log_p),
        perplexity=(ppl[0], ppl[1]),
        ln_ratio=ln_ratio,
        ratio=Estimate(ratio, ratio * ln_ratio.error),
        difference=Estimate(more, first_order.error),
        correlation=_correlation(log_p, log_q),
    )


def mean(x: Float64) -> Estimate:
    """Return the mean and its standard error."""
    found = moments(x)
    return Estimate(found.mean, found.sem)


def _correlation(x: Float64, y: Float64) -> float:
    dx, dy = (side - moments(side).mean for side in (x, y))
    scale = sqrt(total(dx, SQUARE)) * sqrt(total(dy, SQUARE))
    return total(dx * dy) / scale if isfinite(scale) and scale > 0 else nan


def _exp(x: float) -> float:
    """Return exp(x), infinity where math.exp would raise."""
    return exp(x) if x < 709 else float(np.exp(x))
