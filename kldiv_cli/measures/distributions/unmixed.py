"""Smoothed candidates that mixing brings back to the reference: what is left of both moves."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from kldiv_cli.measures.distributions import doubled
from kldiv_cli.measures.distributions.prepared import Prepared
from kldiv_cli.measures.distributions.sharp import sharpened
from kldiv_cli.measures.types import Float64

if TYPE_CHECKING:
    from kldiv_cli.measures.distributions.pair import Pair

_DEAR = 4.0
"""So many times smaller the move that is left may be, before digits are missed."""
_HELD = 690.0
"""exp of what is larger may leave float64."""


def sharply_mixed(pair: Pair, found: Prepared, mixed: Prepared) -> Prepared:
    """Return the mixture with all digits of e = log(m / p) where p lies between q and uniform.

    Parameters
    ----------
    pair : Pair
        The rows, without a mask.
    found : Prepared
        Both sides before they are smoothed.
    mixed : Prepared
        The reference and the mixture m.
    """
    lost = _moved(mixed) * _DEAR < (1 - pair.smooth) * _moved(found)
    if not lost.any():
        return mixed
    logs = sharpened(replace(pair, smooth=0.0), lost)
    weight, outcomes = doubled.single(pair.smooth), doubled.single(float(mixed.e.shape[1]))
    near = np.abs(np.moveaxis(mixed.e, 1, -1)[lost]) < 0.5
    near &= (logs.log_p[0] > -_HELD) & (np.abs(logs.e[0]) < _HELD)
    nothing = doubled.single(0)
    log_p, log_ratio = (doubled.where(near, x, nothing) for x in logs)
    log_uniform = doubled.subtract(nothing, doubled.add(log_p, doubled.log(outcomes)))
    excess = doubled.add(
        doubled.multiply(doubled.subtract(doubled.ONE, weight), doubled.expm1(log_ratio)),
        doubled.multiply(weight, doubled.expm1(log_uniform)),
    )
    e = mixed.e.copy()
    along = np.moveaxis(e, 1, -1)
    along[lost] = np.where(
        near, doubled.log1p(doubled.where(near, excess, nothing))[0], along[lost]
    )
    return replace(mixed, e=e)


def _moved(found: Prepared) -> Float64:
    """Return how far the candidates are from the references, roughly."""
    rows: Float64 = (found.reference.p * np.minimum(np.abs(found.e), 1.0)).sum(axis=1)
    return rows
