"""Arithmetic whose rounding error is kept beside the result instead of being lost."""

from __future__ import annotations

from math import factorial
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.types import Float64


@runtime_checkable
class Decoded(Protocol):
    """Numbers that are computed where they are needed."""

    def decoded(self) -> Float64:
        """Return them."""


_SERIES_BELOW = 0.3
_PHI_SERIES = [1 / factorial(k) for k in range(2, 16)]
"""phi(x) / x**2 as a power series; at 0.3 the first term left out is 4e-21 of the sum."""
_EXP_IS_ZERO = 800.0
_ROOT_HALF = 0.5**0.5
_LOG_2, _LOG_2_LOW = 0.6931471803691238, 1.9082149292705877e-10
"""The first has 33 bits, for products without an error (as in fdlibm)."""


def real(values: NDArray[Any]) -> NDArray[Any]:
    """Return numbers that NumPy can compute with: bfloat16, of field "bfloat16", as float32.

    An array that says its numbers by a method ``decoded`` is asked for them.
    """
    if values.dtype.names is None:
        return values
    if isinstance(values, Decoded):
        return values.decoded()
    return (values["bfloat16"].astype(np.uint32) << 16).view(np.float32)


def widen(values: NDArray[Any]) -> Float64:
    """Return float64, exactly; a signalling NaN becomes a quiet one without a warning."""
    with np.errstate(invalid="ignore"):
        return real(values).astype(np.float64, copy=False)


def rescale(s: Float64, t: Float64, temperature: float) -> tuple[Float64, Float64, float]:
    """Return s / 4, t / 4 and T / 4 where a difference of the logits could overflow.

    All quotients stay the same: the type's minimum on one side and its maximum on the other would
    else make inf - inf in a row whose divergence is finite.

    Parameters
    ----------
    s, t : float64, shape (rows, classes)
        Finite logits; any number of rows, none included.
    temperature : float
        T.
    """
    safe = np.finfo(np.float64).max / 4
    if all(abs(bound) <= safe for x in (s, t) if x.size for bound in (x.min(), x.max())):
        return s, t, temperature
    return s * 0.25, t * 0.25, temperature * 0.25


def two_diff(a: Float64, b: Float64) -> tuple[Float64, Float64]:
    """Return ``high, low`` with ``high + low == a - b`` exactly, ``high`` being ``a - b`` rounded.

    Logits in float64 around 1000 lose three digits of their differences without ``low``; a class at
    1e-9 below one at 300 loses the last digit of its probability. Where the difference overflows,
    ``low`` is 0.

    Parameters
    ----------
    a, b : float64
        Arrays whose shapes broadcast.

    References
    ----------
    .. [1] D. E. Knuth, The Art of Computer Programming, vol. 2, section 4.2.2, theorem B.
    """
    high = a - b
    negated_b = high - a
    low = (a - (high - negated_b)) - (b + negated_b)
    return high, without_nan(low)


def two_sum(a: Float64, b: Float64) -> tuple[Float64, Float64]:
    """Return ``high, low`` with ``high + low == a + b`` exactly, ``high`` the rounded sum."""
    return two_diff(a, -b)


def divide(high: Float64, low: Float64, divisor: float) -> tuple[Float64, Float64]:
    """Return ``(high + low) / divisor`` as an unevaluated sum, with twice the digits of float64.

    exp(-300.7 / 0.7) needs them: the quotient's rounding error alone is 3e-14 of the result.

    Parameters
    ----------
    high, low : float64
        An unevaluated sum, of shapes that broadcast; ``low`` is far below ``high``.
    divisor : float
        Not 0.

    References
    ----------
    .. [1] T. J. Dekker, A floating-point technique for extending the available precision,
       Numerische Mathematik 18 (1971), section 5.
    """
    if divisor == 1:
        return high, low
    quotient = high / divisor
    back, back_error = product(quotient, divisor)
    remainder = (high - back) - back_error + low
    return quotient, without_nan(remainder / divisor)


def exp(high: Float64, low: Float64) -> Float64:
    """Return exp(high + low) for ``low`` far below 1, accurate to the last digit or two."""
    result = np.exp(high)
    if low.any():
        result += result * low
    return result


def log(x: Float64) -> tuple[Float64, Float64]:
    """Return ``high, low`` with ``high + low`` equal to log(x) within 1e-16, whatever its size.

    -inf at 0, NaN below it, +inf at infinity.
    """
    fraction, exponent = np.frexp(x)
    halved = fraction < _ROOT_HALF
    return log_scaled(np.where(halved, 2 * fraction, fraction), exponent - halved)


def log_scaled(x: Float64, power: NDArray[np.integer]) -> tuple[Float64, Float64]:
    """Return log(x * 2**power) in the same way for an x near 1."""
    whole = power.astype(np.float64)
    return two_sum(whole * _LOG_2, np.log(x) + whole * _LOG_2_LOW)


def phi(x: Float64) -> Float64:
    """Return expm1(x) - x, >= 0, for x <= 1; near 0 by its series, where the difference cancels."""
    near = np.abs(x) < _SERIES_BELOW
    value = np.expm1(x) - x
    if near.any():
        small = np.where(near, x, 0.0)
        tail = np.full_like(small, _PHI_SERIES[-1])
        for coefficient in _PHI_SERIES[-2::-1]:
            tail *= small
            tail += coefficient
        value = np.where(near, tail * small * small, value)
    return value


def psi(x: Float64) -> Float64:
    """Return 1 - exp(-x) - x * exp(-x) for x >= 1; 1 at infinity."""
    value: Float64 = -np.expm1(-x) - np.minimum(x, _EXP_IS_ZERO) * np.exp(-x)
    return value


def product(a: Float64, b: Float64 | float) -> tuple[Float64, Float64]:
    """Return the rounded product and its error, exact where nothing over- or underflows."""
    rounded = a * b
    a_high, a_low = _split(a)
    b_high, b_low = _split(np.asarray(b))
    error = a_low * b_low - (((rounded - a_high * b_high) - a_low * b_high) - a_high * b_low)
    return rounded, error


def _split(a: Float64) -> tuple[Float64, Float64]:
    """Cut a float64 into two halves of 26 bits (Veltkamp)."""
    scaled = a * 134217729.0
    high = scaled - (scaled - a)
    return high, a - high


def without_nan(low: Float64) -> Float64:
    """Drop the inf - inf that an overflow leaves behind: no error term can be kept there."""
    finite = np.isfinite(low)
    return low if finite.all() else np.where(finite, low, 0.0)
