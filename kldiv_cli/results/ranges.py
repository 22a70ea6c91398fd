"""What figures may be where a format hides part of what they are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, isnan, sqrt

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.results.exact_sum import SQUARE, Float64, total
from kldiv_cli.results.language import PERCENTILES, Distribution, Perplexities, Range
from kldiv_cli.results.moments import mean_of
from kldiv_cli.results.statistics import percentiles

HIDDEN_NATS = 24.0
"""How far below its bound a hidden log-probability is taken to lie, at most: ik_llama.cpp's
window."""
HIDDEN_SHARE = 2.0
"""How much of a hidden probability enters a measure without its logarithm, at most: the class
itself, and the others, whose sum changes by as much."""


@dataclass(frozen=True)
class Spread:
    """The least and the largest value that each row may have, shape (rows,)."""

    least: Float64
    most: Float64

    def ranges(
        self, figures: Mapping[str, float], shares: Mapping[str, tuple[int, int]]
    ) -> dict[str, Range]:
        """Return the ranges of these figures of the rows: mean, sem and percentiles.

        A percentile rises with every value. The standard error moves by no more than the length of
        the vector by which the values move, over sqrt(n * (n - 1)).
        """
        n = len(self.least)
        found = {"mean": (mean_of(self.least), mean_of(self.most))}
        low, high = percentiles(self.least, shares), percentiles(self.most, shares)
        found |= {name: (low[name], high[name]) for name in shares}
        if n > 1:
            with np.errstate(invalid="ignore", over="ignore"):
                width = sqrt(total(self.most - self.least, SQUARE))
            step = width / sqrt(n * (n - 1))
            found["sem"] = max(0.0, figures["sem"] - step), figures["sem"] + step
        return around(figures, found)


def around(figures: Mapping[str, float], ranges: Mapping[str, Range]) -> dict[str, Range]:
    """Return the ranges that are wider than their figures, and hold these whatever rounding did."""
    found = {}
    for name, (least, most) in ranges.items():
        value = figures[name]
        wide = min(least, value), max(most, value)
        if not isnan(value) and wide != (value, value):
            found[name] = wide
    return found


def of_perplexities(
    found: Perplexities, censored: tuple[NDArray[np.bool_], NDArray[np.bool_]]
) -> dict[str, Range]:
    """Return the ranges of perplexities, whose censored tokens may have any lower probability.

    ``censored`` tells which tokens the reference and the candidate censor, shape (rows,) each.
    """
    in_p, in_q = (bool(side.any()) for side in censored)
    if not (in_p or in_q):
        return {}
    figures = figures_of(found)
    least = {"ratio": 0.0, "ln-ratio": -inf, "difference": -inf}
    ranges: dict[str, Range] = {
        name: (least[name] if in_p else figures[name], inf if in_q else figures[name])
        for name in least
    }
    ranges["reference"] = figures["reference"], inf if in_p else figures["reference"]
    ranges["candidate"] = figures["candidate"], inf if in_q else figures["candidate"]
    ranges["correlation"] = -1.0, 1.0
    return around(figures, ranges)


def figures_of(found: Perplexities) -> dict[str, float]:
    """Return the figures by the names that limits know."""
    reference, candidate = found.perplexity
    return {
        "candidate": candidate.value,
        "reference": reference.value,
        "ratio": found.ratio.value,
        "ln-ratio": found.ln_ratio.value,
        "difference": found.difference.value,
        "correlation": found.correlation,
    }


def of_changes(
    change: Float64,
    sides: tuple[Float64, Float64],
    censored: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    found: Distribution,
    rms: float,
) -> dict[str, Range]:
    """Return the ranges of changes q - p, where censored probabilities may be anything down to 0.

    Parameters
    ----------
    change : float64, shape (rows,)
        As the files have them.
    sides : pair of float64, shape (rows,)
        p and q of the token, or their bounds.
    censored : pair of bool, shape (rows,)
        Which of these are bounds.
    found, rms : Distribution, float
        The figures.
    """
    if not (censored[0].any() or censored[1].any()):
        return {}
    p, q = sides
    least, most = np.where(censored[1], -p, change), np.where(censored[0], q, change)
    figures = distribution_figures(found) | {"rms": rms}
    ranges = Spread(least, most).ranges(figures, PERCENTILES)
    largest = np.maximum(np.abs(least), np.abs(most))
    smallest = np.where(least * most <= 0, 0.0, np.minimum(np.abs(least), np.abs(most)))
    both = tuple(sqrt(mean_of(x**2)) for x in (smallest, largest))
    return ranges | around(figures, {"rms": (both[0], both[1])})


def of_divergences(values: Float64, blind: Float64, found: Distribution) -> dict[str, Range]:
    """Return the ranges of sums that lack classes of so much probability, shape (rows,)."""
    if not blind.any():
        return {}
    spread = Spread(values, values + HIDDEN_NATS * blind)
    return spread.ranges(distribution_figures(found), PERCENTILES)


def distribution_figures(found: Distribution) -> dict[str, float]:
    """Return the figures of a distribution by the names that limits know."""
    return {"mean": found.mean.value, "sem": found.mean.error, **found.percentiles}
