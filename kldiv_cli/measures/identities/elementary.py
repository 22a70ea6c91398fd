"""Exponentials, logarithms and roots of sums of two float64, with all their digits."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction
from math import factorial

import numpy as np

from kldiv_cli.measures.distributions import exact
from kldiv_cli.measures.distributions.doubled import Doubled, add, multiply, single, subtract
from kldiv_cli.measures.identities.double import ROUNDING, Double, either, made
from kldiv_cli.measures.types import Float64

_STEPS = 256
"""exp() has a table in steps of 1/256."""
_REACH = 90
"""So many steps reach log(2)/2."""
_TERMS_IN_TWO = 5
"""So many terms of the series of exp() are carried in two float64; the rest are below 1e-16."""
_TERMS = 11
_OVERFLOW = 800.0


def exp(x: Double) -> Double:
    """Return exp(x); 0 and inf beyond the range of float64."""
    found, plain = _exp((x.high, x.low)), np.exp(x.high)
    return made(found, plain * (x.off + ROUNDING * np.minimum(np.abs(x.high), _OVERFLOW)), plain)


def expm1(x: Double) -> Double:
    """Return exp(x) - 1 with all its digits near 0."""
    near = np.abs(x.high) < 1 / _STEPS
    return either(near, lambda at: _near_0(x[at]), lambda at: exp(x[at]) - 1.0)


def _near_0(x: Double) -> Double:
    return made(_expm1_near((x.high, x.low)), x.off, x.high)


def log1p(x: Double) -> Double:
    """Return log(1 + x) with all its digits near 0; -inf at -1."""
    found = _log1p((x.high, x.low))
    return _of_logarithm(found, x.off / np.abs(1 + x.high), np.log1p(x.high))


def log(x: Double) -> Double:
    """Return log(x) with all its digits near 1; -inf at 0."""
    mantissa, exponent = np.frexp(x.high)
    half = mantissa < np.sqrt(0.5)
    mantissa, exponent = np.where(half, 2 * mantissa, mantissa), exponent - half
    found = _log1p(add(single(mantissa - 1), single(np.ldexp(x.low, -exponent))))
    powers = multiply(single(exponent.astype(np.float64)), _LN2)
    return _of_logarithm(add(found, powers), x.off / np.abs(x.high), np.log(x.high))


def _of_logarithm(found: Doubled, off: Float64, plain: Float64) -> Double:
    """Return a result; beyond the series Newton's step loses as much as exp() does of 1."""
    return made(found, off + np.where(np.abs(plain) < 1 / _STEPS, 0.0, ROUNDING), plain)


def sqrt(x: Double) -> Double:
    """Return the square root; x >= 0."""
    root = np.sqrt(x.high)
    square = multiply(single(root), single(root))
    divisor = np.where(root > 0, root, 1.0)
    rest = subtract((x.high, x.low), square)[0] / (2 * divisor)
    return made(exact.two_sum(root, rest), x.off / divisor, root)


def _exp(x: Doubled) -> Doubled:
    """Return 2**k * exp(j/256) * exp(rest), x = k*log(2) + j/256 + rest."""
    inside = np.abs(x[0]) < _OVERFLOW
    high = np.where(inside, x[0], np.sign(x[0]) * _OVERFLOW)
    low = np.where(inside, x[1], 0.0)
    k = np.rint(high / _LN2[0])
    rest = subtract((high, low), multiply(single(k), _LN2))
    j = np.rint(rest[0] * _STEPS)
    rest = subtract(rest, single(j / _STEPS))
    known = ~np.isnan(high)
    at = np.where(known, j + _REACH, 0).astype(np.intp)
    power = np.where(known, k, 0).astype(np.intc)
    table = _TABLE[0][at], _TABLE[1][at]
    found = add(table, multiply(table, _expm1_near(rest)))
    return np.ldexp(found[0], power), np.ldexp(found[1], power)


def _expm1_near(x: Doubled) -> Doubled:
    """Return exp(x) - 1 for abs(x) <= 1/256, by its series."""
    tail = np.full_like(x[0], 1 / factorial(_TERMS))
    for n in range(_TERMS - 1, _TERMS_IN_TWO, -1):
        tail = tail * x[0] + 1 / factorial(n)
    found = single(tail)
    for n in range(_TERMS_IN_TWO, 0, -1):
        found = add(multiply(found, x), _RECIPROCALS[n])
    return multiply(found, x)


def _log1p(x: Doubled) -> Doubled:
    """Return Newton's step from the logarithm in float64."""
    first = np.log1p(x[0])
    back = expm1(Double.of(first))
    step = subtract(x, (back.high, back.low))[0] / (1 + back.high)
    return exact.two_sum(first, step - 0.5 * step * step)


def _in_two(number: Fraction) -> Doubled:
    high = float(number)
    return np.asarray(high), np.asarray(float(number - Fraction(high)))


def _constants() -> tuple[Doubled, Doubled]:
    """Return log(2), and exp(j/256) around 0."""
    with localcontext() as context:
        context.prec = 50
        ln2 = _in_two(Fraction(Decimal(2).ln()))
        steps = range(-_REACH, _REACH + 1)
        some = [_in_two(Fraction((Decimal(j) / _STEPS).exp())) for j in steps]
    return ln2, (np.array([x[0] for x in some]), np.array([x[1] for x in some]))


_LN2, _TABLE = _constants()
_RECIPROCALS = [_in_two(Fraction(1, factorial(n))) for n in range(_TERMS_IN_TWO + 1)]
