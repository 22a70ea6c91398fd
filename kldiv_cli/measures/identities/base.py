"""The routes by which one number is computed, and how far apart they may end.

One kind of route is what ``compare`` takes, and promises `TOLERANCE` of its value. The others are
the definitions in sums of two float64. A definition of small numbers as differences of large ones
cannot promise digits of the result: where two rows differ by 1e-12, H(M) - (H(p)+H(q))/2 is 1e-25
and its terms, rounded, are off by 1e-31. So every number says how far rounding can have moved it,
and the residual of two routes is their distance relative to their value plus that, in units of the
tolerance: it stays below the tolerance where both are right, and no digit that either route has is
given away.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kldiv_cli.measures.identities.double import Bools, Double, Number
from kldiv_cli.measures.types import Float64

TOLERANCE = 2e-14
_FLOOR = 1e-270
"""Below 1e-290 float64 runs out of exponents and no digits are promised."""


class Residuals(NamedTuple):
    """How far apart the routes end, per row; float64, shape (rows,).

    ``largest`` is the largest distance of any two, relative to their scale. ``limit`` is what the
    tolerance amounts to, relative to the value itself, between what is measured and the definition
    that is sharpest there: `TOLERANCE`, or more where all lose digits, up to 1.
    """

    largest: Float64
    limit: Float64


class Routes(NamedTuple):
    """All the ways to the same numbers, and which rows have such numbers at all (None: every).

    The numbers of a route have the shape (rows,) or (rows, numbers).
    """

    routes: tuple[Number, ...]
    defined: Bools | None = None

    def residuals(self) -> Residuals:
        """Return the largest distance of any two routes, and the narrowest limit.

        The scale is the larger of both magnitudes, plus the error of both over the tolerance. Equal
        infinities agree; NaN agrees with nothing. Of a number with an infinite error nothing is
        known.
        """
        pairs = [(a, b) for i, a in enumerate(self.routes) for b in self.routes[:i]]
        found = [_residuals(Double.of(a), Double.of(b)) for a, b in pairs]
        mixed = [isinstance(a, Double) != isinstance(b, Double) for a, b in pairs]
        limits = [
            each.limit for each, mix in zip(found, mixed, strict=True) if mix or not any(mixed)
        ]
        return Residuals(np.max([each.largest for each in found], axis=0), np.min(limits, axis=0))


def _residuals(a: Double, b: Double) -> Residuals:
    value = np.maximum(np.abs(a.high), np.abs(b.high)) + _FLOOR
    scale = value + (a.off + b.off) / TOLERANCE
    apart = np.abs((a - b).high)
    equal = (a.high == b.high) & ((apart == 0) | np.isinf(a.high))
    largest = np.where(equal, 0.0, apart / scale)
    largest = np.where(np.isinf(a.high) != np.isinf(b.high), np.inf, largest)
    limit = np.where(equal | np.isinf(value), TOLERANCE, TOLERANCE * (scale / value))
    known = np.isfinite(a.off + b.off)
    largest, limit = np.where(known, largest, 0.0), np.where(known, np.minimum(limit, 1.0), 1.0)
    return Residuals(*(x.reshape(len(x), -1).max(axis=1) for x in (largest, limit)))
