"""Sums over rows of logits, weighted by distributions, that losses take from the C kernels."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures import _native
from kldiv_cli.measures.forms import Form
from kldiv_cli.measures.types import Float64


class Spread(NamedTuple):
    """What is found of each row; arrays of shape (rows,).

    Parameters
    ----------
    variance : float64
        The variance of the steps t - s.
    weight : float64
        The sum of the weights.
    unsettled : bool
        Where NumPy has to look: infinite logits, and numbers beyond float64.
    """

    variance: Float64
    weight: Float64
    unsettled: NDArray[np.bool_]


def spread_of(
    s: NDArray[Any], t: NDArray[Any], temperature: float, power: float = 1.0
) -> Spread | None:
    """Weigh the steps of every row by softmax(s / T) to a power; None where there are no kernels.

    Parameters
    ----------
    s, t : array, shape (rows, classes), of any real dtype
        The reference's and the candidate's logits.
    temperature : float
        T.
    power : float
        0 or more; 0 weighs all classes alike.
    """
    kernels = _native.load()
    if kernels is None:
        return None
    rate = _rate(power, temperature)
    forms = [Form("variance", rate), Form("weight", rate), Form("weight", _rate(1.0, temperature))]
    plan = kernels.plan("weighted", 1.0, forms[: 2 if power == 1 else 3])
    (variance, weight, *whole), counts = plan(_native.as_taken(s), _native.as_taken(t))
    weight = weight / whole[0] ** power if whole else np.ones(len(s))
    return Spread(variance, weight, counts.unsettled != 0)


class Odds(NamedTuple):
    """What the classes of each row come to together; arrays of shape (rows,).

    Parameters
    ----------
    log_rest : float64
        log sum exp((s - max s) / T).
    centre, centre_low : float64
        c, an unevaluated sum.
    growth, growth_low : float64
        log sum exp((t - c) / T) less log sum exp(s / T), an unevaluated sum.
    doubt : float64
        How far rounding may have moved it.
    unsettled : bool
        Where NumPy has to look: infinite logits, and numbers beyond float64.
    """

    log_rest: Float64
    centre: Float64
    centre_low: Float64
    growth: Float64
    growth_low: Float64
    doubt: Float64
    unsettled: NDArray[np.bool_]


_ODDS = "log_rest", "centre", "centre_low", "growth", "growth_low", "doubt"


def odds_of(
    s: NDArray[Any], t: NDArray[Any], temperature: float, *, sharp: bool = False
) -> Odds | None:
    """Sum up both sides' classes at a temperature T; None where there are no kernels.

    Parameters
    ----------
    s, t : array, shape (rows, classes), of any real dtype
        The reference's and the candidate's logits.
    temperature : float
        T.
    sharp : bool
        Whether the growth has more digits than a float64, for 50 times the time.
    """
    kernels = _native.load()
    if kernels is None:
        return None
    forms = [Form(name, (float(sharp),)) for name in _ODDS]
    values, counts = kernels.plan("odds", temperature, forms)(
        _native.as_taken(s), _native.as_taken(t)
    )
    log_rest, centre, centre_low, growth, growth_low, doubt = values
    unsettled = counts.unsettled != 0
    return Odds(log_rest, centre, centre_low, growth, growth_low, doubt, unsettled)


def _rate(power: float, temperature: float) -> tuple[float, float]:
    """Return the quotient in two float64; (0, 0) where it has no second part."""
    high = power / temperature
    if not 1e-100 < high < 1e100:
        return high, 0.0
    return high, float(Fraction(power) / Fraction(temperature) - Fraction(high))
