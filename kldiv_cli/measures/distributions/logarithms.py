"""Logarithms in three float64, for rows that nearly agree and are not written alike.

A logarithm of p that is rounded to float64 is wrong by up to 1e-16 of itself, and two rows of which
one is a logarithm may differ by no more. What y = log(p) lacks is log(p / exp(y)); the exponential
has to be exact for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from math import isqrt, ldexp
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.distributions.exact import product, two_diff, two_sum
from kldiv_cli.measures.types import Float64

Parts = tuple[Float64, Float64, Float64]
"""An unevaluated sum; each number is far below the one before."""
_TILE = 1 << 13
"""So many numbers at a time stay in a processor's cache."""
_STEPS = 1 << 12
"""exp(r) is a short polynomial up to log(2) / _STEPS / 2; a table has its factors beyond."""
_HALF = _STEPS // 2
_SIXTH_LOW = 2.0**-54 / 6
_BITS = 240
_LOG_2 = 0xB17217F7D1CF79ABC9E3B39803F2F6AF40F343267298B62D8A0D175B8BAAFA2BE7B876206DEBAC98559552FB
_LOG_2_BITS = 352
_EXP_IS_ZERO = -800.0


def log(p: Float64) -> Parts:
    """Return log(p) within 2**-108, near 1 within 2**-104 of itself; -inf where p is 0."""
    return _in_tiles(_log, p)


def logit(p: Float64) -> Parts:
    """Return log(p / (1 - p)) within 2**-107; infinite at 0 and at 1."""
    return _in_tiles(lambda p: total((*_log(p), *_minus(_log(*two_diff(np.ones(1), p))))), p)


def logit_of_log(log_p: Float64) -> Parts:
    """Return log(p / (1 - p)) within 2**-107 from log(p); infinite at -inf and at 0, else NaN."""
    return _in_tiles(_logit_of_log, log_p)


def _logit_of_log(log_p: Float64) -> Parts:
    possible = log_p <= 0
    y = np.where(possible, log_p, -1.0)
    parts = total((y, *_minus(_log(*_one_less_exp(np.maximum(y, _EXP_IS_ZERO))))))
    return np.where(possible, parts[0], np.nan), parts[1], parts[2]


def total(terms: Iterable[Float64]) -> Parts:
    """Return a sum in three numbers; the sum is infinite where a term is."""
    rest = list(terms)
    for _ in range(2):
        for place in range(len(rest) - 1, 0, -1):
            rest[place - 1], rest[place] = two_sum(rest[place - 1], rest[place])
    high, middle, *rest = rest
    middle, low = two_sum(middle, sum(rest, np.zeros(1)))
    high, middle = two_sum(high, middle)
    return (high, *two_sum(middle, low))


def _minus(parts: Parts) -> Parts:
    return -parts[0], -parts[1], -parts[2]


def _in_tiles(function: Callable[[Float64], Parts], values: Float64) -> Parts:
    flat = values.ravel()
    found = np.empty((3, flat.size))
    with np.errstate(divide="ignore", invalid="ignore", under="ignore"):
        for start in range(0, flat.size, _TILE):
            found[:, start : start + _TILE] = function(flat[start : start + _TILE])
    high, middle, low = found.reshape(3, *values.shape)
    return high, middle, low


def _log(p: Float64, p_low: Float64 | None = None, p_least: Float64 | None = None) -> Parts:
    """Return the logarithm of a sum; its parts after the first are far below that."""
    inner = (p > 0) & (p < np.inf)
    m, k = np.frexp(np.where(inner, p, 1.0))
    low = m < 0.5**0.5
    m, k = np.where(low, 2 * m, m), k - low
    y = np.log(m)
    grown, _ = _expm1(y)
    missing, missing_low = two_diff((m - 1) - grown[0], grown[1])
    missing_low = missing_low - grown[2]
    m_low = np.zeros(1)
    if p_low is not None:
        m_low = np.ldexp(p_low, -k)
        missing, rest = two_sum(missing, m_low)
        missing_low = missing_low + rest
    if p_least is not None:
        missing_low = missing_low + np.ldexp(p_least, -k)
    ratio = missing / m
    back, back_low = product(ratio, m)
    ratio_low = ((missing - back) - back_low + missing_low) / m
    ratio_low += ratio * (0.5 * ratio - m_low / m)
    log_2, log_2_low, log_2_least = _table().log_2
    parts = total((k * log_2, y, k * log_2_low, ratio, k * log_2_least + ratio_low))
    if inner.all():
        return parts
    high, middle, low = (np.where(inner, part, 0.0) for part in parts)
    return np.where(inner, high, np.log(p)), middle, low


def _one_less_exp(y: Float64) -> Parts:
    """Return 1 - exp(y) for y <= 0, with nearly three float64 of digits also near 0."""
    grown, k = _expm1(y)
    power = np.ldexp(1.0, k)
    return total((*two_diff(np.ones(1), power), *(-power * each for each in grown)))


def _expm1(y: Float64) -> tuple[Parts, NDArray[np.int64]]:
    """Return F and k such that exp(y) = 2**k * (1 + F), to 2**-111 and as much of F."""
    table = _table()
    steps = np.rint(y * table.per_unit)
    r, r_low = two_diff(y - steps * table.step, steps * table.step_low)
    r, rest = two_diff(r, steps * table.step_least)
    r_low = r_low + rest
    # q = expm1(r) = r + r**2 * (1/2 + r * (1/6 + r * (1/24 + r/120 + ...)))
    inner, inner_low = two_sum(np.full(1, 1 / 24), r * (1 / 120 + r * (1 / 720 + r / 5040)))
    third, third_low = _times(r, r_low, inner, inner_low + _SIXTH_LOW / 4, 1 / 6)
    half, half_low = _times(r, r_low, third, third_low + _SIXTH_LOW, 0.5)
    square, square_low = product(r, r)
    square_low = square_low + 2 * r * r_low
    bent, bent_low = product(square, half)
    bent_low = bent_low + (square * half_low + square_low * half)
    q, rest = two_sum(r, bent)
    q_low = rest + (r_low + bent_low)

    k = np.rint(steps / _STEPS).astype(np.int64)
    place = steps.astype(np.int64) - k * _STEPS + _HALF
    high, middle, low = (each[place] for each in table.grown)
    factor, factor_low = two_sum(np.ones(1), high)
    more, more_low = product(factor, q)
    more_low = more_low + (factor * q_low + (factor_low + middle) * q)
    high, rest = two_sum(high, more)
    middle, low_rest = two_sum(middle, more_low)
    middle, rest = two_sum(middle, rest)
    high, middle = two_sum(high, middle)
    return (high, middle, rest + (low_rest + low)), k


def _times(
    a: Float64, a_low: Float64, b: Float64, b_low: Float64, more: float
) -> tuple[Float64, Float64]:
    """Return more + a * b, of two sums whose product is below ``more``."""
    high, low = product(a, b)
    found, rest = two_sum(np.full(1, more), high)
    return found, rest + (low + (a * b_low + a_low * b))


class _Table(NamedTuple):
    """What `_expm1` and `_log` take from memory; products of the first parts are exact."""

    per_unit: float
    step: float
    step_low: float
    step_least: float
    log_2: tuple[float, float, float]
    grown: NDArray[np.float64]


@cache
def _table() -> _Table:
    """Return 2**(i / _STEPS) - 1 for i = -_HALF ... _HALF, and log(2)."""
    root = 2 << _BITS
    for _ in range(_STEPS.bit_length() - 1):
        root = isqrt(root << _BITS)
    one = 1 << _BITS
    above, below = [one], [one]
    for _ in range(_HALF):
        above.append(above[-1] * root >> _BITS)
        below.append((below[-1] << _BITS) // root)
    powers = [*below[:0:-1], *above]
    grown = np.array([_parts(power - one, _BITS) for power in powers]).T
    step = _parts(_LOG_2, _LOG_2_BITS + _STEPS.bit_length() - 1, 30)
    log_2 = _parts(_LOG_2, _LOG_2_BITS, 40)
    return _Table(_STEPS / log_2[0], *step, log_2, grown)


def _parts(number: int, bits: int, kept: int = 53) -> tuple[float, float, float]:
    """Return number / 2**bits as three float64, of which the first two have so many bits."""
    found = []
    for _ in range(2):
        drop = max(0, number.bit_length() - kept)
        part = (abs(number) >> drop) << drop
        part = part if number >= 0 else -part
        found.append(ldexp(part >> drop, drop - bits))
        number -= part
    return found[0], found[1], ldexp(float(number), -bits)
