"""Arithmetic of numbers in two float64, 32 digits: for the few rows where 16 do not suffice.

A number is a pair (high, low) of arrays: its value is high + low, and high is that value rounded.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.distributions import exact
from kldiv_cli.measures.types import Float64

Doubled = tuple[Float64, Float64]

_LN2 = (0.6931471803691238, 1.9082149288430703e-10, 4.275175589747649e-20)
"""log 2 in three parts; whole numbers below 2**21 times the first two are float64."""
_HALVINGS = 4
_TERMS = 14
"""Of the series of expm1 below log(2) / 2**5; the first one left out is 1e-34 of the sum."""
_EXP_IS_ZERO = -800.0


def single(value: float | Float64) -> Doubled:
    """Return what one float64 holds."""
    return np.atleast_1d(np.asarray(value, dtype=np.float64)), np.zeros(1)


def where(condition: NDArray[np.bool_], a: Doubled, b: Doubled) -> Doubled:
    """Return a where the condition holds, and b elsewhere."""
    return np.where(condition, a[0], b[0]), np.where(condition, a[1], b[1])


def add(a: Doubled, b: Doubled) -> Doubled:
    """Return a + b."""
    high, low = _knuth(a[0], b[0])
    more, rest = _knuth(a[1], b[1])
    high, low = _dekker(high, low + more)
    high, low = _dekker(high, low + rest)
    if np.isfinite(low).all():
        return high, low
    return _add_infinite(a, b)


def _add_infinite(a: Doubled, b: Doubled) -> Doubled:
    """Return a + b where some are infinite: no error can be kept there."""
    high, low = exact.two_sum(a[0], b[0])
    more, rest = exact.two_sum(a[1], b[1])
    high, low = exact.two_sum(high, low + more)
    return exact.two_sum(high, low + rest)


def _knuth(a: Float64, b: Float64) -> Doubled:
    """Return a + b exactly where nothing overflows."""
    high = a + b
    theirs = high - a
    return high, (a - (high - theirs)) + (b - theirs)


def _dekker(a: Float64, b: Float64) -> Doubled:
    """Return the same for abs(a) >= abs(b), or a = 0."""
    high = a + b
    return high, b - (high - a)


def subtract(a: Doubled, b: Doubled) -> Doubled:
    """Return a - b."""
    return add(a, (-b[0], -b[1]))


def multiply(a: Doubled, b: Doubled) -> Doubled:
    """Return a * b."""
    high, low = exact.product(a[0], b[0])
    low = low + (a[0] * b[1] + a[1] * b[0])
    found = _dekker(high, low)
    if np.isfinite(found[1]).all():
        return found
    return exact.two_sum(high, exact.without_nan(low))


def divide(a: Doubled, b: Doubled) -> Doubled:
    """Return a / b."""
    high = a[0] / b[0]
    rest = subtract(a, multiply(b, single(high)))
    return exact.two_sum(high, exact.without_nan(rest[0] / b[0]))


def total(a: Doubled) -> Doubled:
    """Return the sum over the second axis, which stays."""
    while a[0].shape[1] > 1:
        if a[0].shape[1] % 2:
            a = np.pad(a[0], ((0, 0), (0, 1))), np.pad(a[1], ((0, 0), (0, 1)))
        a = add((a[0][:, ::2], a[1][:, ::2]), (a[0][:, 1::2], a[1][:, 1::2]))
    return a


ONE = single(1)


def exp(a: Doubled) -> Doubled:
    """Return exp(a) for a below 700."""
    found, scale = _reduced(a)
    high, low = add(ONE, found)
    return high * scale, low * scale


def expm1(a: Doubled) -> Doubled:
    """Return exp(a) - 1 with all its digits also near 0, for a below 700."""
    found, scale = _reduced(a)
    grown = add((found[0] * scale, found[1] * scale), exact.two_diff(scale, np.ones(1)))
    near = scale == 1
    return where(near, found, grown)


def _reduced(a: Doubled) -> tuple[Doubled, Float64]:
    """Return (x, 2**k) such that exp(a) = (1 + x) * 2**k, with all digits of x also near 0."""
    tiny = a[0] < _EXP_IS_ZERO
    a = where(tiny, single(_EXP_IS_ZERO), a)
    powers = np.rint(a[0] / _LN2[0])
    for part in _LN2:
        a = subtract(a, exact.product(powers, part))
    a = a[0] / 2**_HALVINGS, a[1] / 2**_HALVINGS
    series = ONE
    for k in range(_TERMS, 1, -1):
        series = add(ONE, multiply(divide(a, single(k)), series))
    found = multiply(a, series)
    for _ in range(_HALVINGS):
        found = multiply(found, add(found, single(2)))
    return found, np.ldexp(1.0, powers.astype(np.intp))


def log(a: Doubled) -> Doubled:
    """Return log(a) for a above 0: a step of Newton's."""
    first = np.log(a[0])
    rest = subtract(multiply(a, exp(single(-first))), ONE)
    return _improved(first, rest)


def log1p(a: Doubled) -> Doubled:
    """Return log(1 + a) with all its digits also near 0, for a above -1: a step of Newton's."""
    first = np.log1p(a[0])
    rest = divide(subtract(a, expm1(single(first))), add(ONE, a))
    return _improved(first, rest)


def _improved(first: Float64, rest: Doubled) -> Doubled:
    """Return first + log(1 + rest), rest being as small as the error of first."""
    return add(single(first), (rest[0] * (1 - 0.5 * rest[0]), rest[1]))
