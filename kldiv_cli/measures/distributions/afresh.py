"""Logits of numbers of any kind in decimal arithmetic, for the few rows that need it."""

from __future__ import annotations

from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal

import numpy as np

from kldiv_cli.measures.distributions.kinds import Kind, is_rounded_as_logits
from kldiv_cli.measures.types import Float64, Mode

_DIGITS = 50
"""Of a logit; logits of two float64 do not differ by less than 1e-34 but by being equal."""


def steps(
    mode: Mode, s: Float64, t: Float64, kinds: tuple[Kind, Kind], shift: int | None
) -> Float64:
    """Return the candidate's logits less the reference's, right to the last digit.

    Parameters
    ----------
    mode : {"softmax", "sigmoid"}
        The link function.
    s, t : float64, shape (cells,)
        The numbers of one row on both sides, all of them finite logits.
    kinds : pair of {"logits", "probs", "log-probs"}
        What they are.
    shift : int or None
        The class whose difference is taken from all of them, if any.
    """
    digits = Context(prec=_DIGITS, Emax=MAX_EMAX, Emin=MIN_EMIN)
    found = [
        digits.subtract(_logit(digits, mode, y, kinds[1]), _logit(digits, mode, x, kinds[0]))
        for x, y in zip(s.tolist(), t.tolist(), strict=True)
    ]
    least = Decimal(0) if shift is None else found[shift]
    return np.array([float(digits.subtract(each, least)) for each in found])


def _logit(digits: Context, mode: Mode, number: float, kind: Kind) -> Decimal:
    exact = Decimal(number)
    if not is_rounded_as_logits(kind, mode):
        return exact
    if mode == "softmax":
        return digits.ln(exact)
    if kind == "probs":
        return digits.subtract(digits.ln(exact), digits.ln(digits.subtract(Decimal(1), exact)))
    more = digits.copy()
    more.prec -= min(0, exact.adjusted())  # exp(-1e-300) differs from 1
    other = more.subtract(Decimal(1), more.exp(exact))
    return digits.subtract(exact, digits.ln(other))
