"""Arithmetic whose rounding error is kept beside the result instead of being lost."""

from __future__ import annotations

import numpy as np

from kldiv_cli.measures.base import Float64


def two_diff(a: Float64, b: Float64) -> tuple[Float64, Float64]:
    """Return ``high, low`` with ``high + low == a - b`` exactly, ``high`` being ``a - b`` rounded.

    Logits in float64 around 1000 lose three digits of their differences without ``low``; a class at
    1e-9 below one at 300 loses the last digit of its probability. Where the difference overflows,
    ``low`` is 0.

    References
    ----------
    .. [1] D. E. Knuth, The Art of Computer Programming, vol. 2, section 4.2.2, theorem B.
    """
    high = a - b
    negated_b = high - a
    low = (a - (high - negated_b)) - (b + negated_b)
    return high, _without_nan(low)


def divide(high: Float64, low: Float64, divisor: float) -> tuple[Float64, Float64]:
    """Return ``(high + low) / divisor`` as an unevaluated sum, with twice the digits of float64.

    exp(-300.7 / 0.7) needs them: the quotient's rounding error alone is 3e-14 of the result.

    References
    ----------
    .. [1] T. J. Dekker, A floating-point technique for extending the available precision,
       Numerische Mathematik 18 (1971), section 5.
    """
    if divisor == 1:
        return high, low
    quotient = high / divisor
    product, product_error = _two_product(quotient, divisor)
    remainder = (high - product) - product_error + low
    return quotient, _without_nan(remainder / divisor)


def exp(high: Float64, low: Float64) -> Float64:
    """Return exp(high + low) for ``low`` far below 1, accurate to the last digit or two."""
    result = np.exp(high)
    if low.any():
        result += result * low
    return result


def _two_product(a: Float64, b: float) -> tuple[Float64, Float64]:
    """Return the rounded product and its error, exact where nothing over- or underflows."""
    product = a * b
    a_high, a_low = _split(a)
    b_high, b_low = _split(np.asarray(b))
    error = a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)
    return product, error


def _split(a: Float64) -> tuple[Float64, Float64]:
    """Cut a float64 into two halves of 26 bits (Veltkamp)."""
    scaled = a * 134217729.0
    high = scaled - (scaled - a)
    return high, a - high


def _without_nan(low: Float64) -> Float64:
    """Drop the inf - inf that an overflow leaves behind: no error term can be kept there."""
    finite = np.isfinite(low)
    return low if finite.all() else np.where(finite, low, 0.0)
