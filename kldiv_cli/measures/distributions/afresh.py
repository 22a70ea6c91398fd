"""Logits of numbers of any kind in decimal arithmetic, for the few rows that need it."""

from __future__ import annotations

from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal

import numpy as np

from kldiv_cli.measures.distributions.kinds import Kind, is_rounded_as_logits
from kldiv_cli.measures.types import Float64, Mode

_DIGITS = 50
"""Of a logit; logits of two float64 do not differ by less than 1e-34 but by being equal."""

_DEEPEST = 750.0
"""exp(-x) of what is larger is below all float64."""


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
    digits = Context(prec=_DIGITS + _depth(mode, s, t, kinds), Emax=MAX_EMAX, Emin=MIN_EMIN)
    logits = (
        [_logit(digits, mode, x, kind) for x in side.tolist()]
        for side, kind in zip((s, t), kinds, strict=True)
    )
    ours, theirs = (
        [digits.subtract(x, Decimal(0) if shift is None else side[shift]) for x in side]
        for side in logits
    )
    return np.array([float(digits.subtract(y, x)) for x, y in zip(ours, theirs, strict=True)])


def _depth(mode: Mode, s: Float64, t: Float64, kinds: tuple[Kind, Kind]) -> int:
    """Return how many digits log(p) and the logit of p share: -200 is also that of exp(-200)."""
    logs = [x for x, kind in zip((s, t), kinds, strict=True) if kind == "log-probs"]
    if mode == "softmax" or not logs:
        return 0
    return int(min(_DEEPEST, -min(float(x.min()) for x in logs)) / np.log(10))


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
