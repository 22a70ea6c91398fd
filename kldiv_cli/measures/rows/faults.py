"""The cell that makes a row invalid, and cells that hold a mask value on one side only."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.distributions.kinds import Kind
from kldiv_cli.measures.types import MASK, Mode

UNMASKED = -1e3
"""Logits above it are no masks."""


class Fault(NamedTuple):
    """A cell of one side; ``cell`` is None where the whole row is meant."""

    side: str
    row: int
    cell: int | None
    found: str
    expected: str = ""


def first_invalid(
    mode: Mode,
    s: NDArray[Any],
    t: NDArray[Any],
    row: int,
    kinds: tuple[Kind, Kind] = ("logits", "logits"),
) -> Fault:
    """Return what makes an invalid row invalid: the first wrong cell, the reference's first.

    Parameters
    ----------
    mode : {"softmax", "sigmoid"}
        The link function.
    s, t : array, shape (rows, classes), of any real dtype
        The reference's and the candidate's numbers.
    row : int
        The row.
    kinds : pair of {"logits", "probs", "log-probs"}
        What the numbers of each side are.

    Raises
    ------
    ValueError
        The row is valid.
    """
    for side, values, kind in zip(("reference", "candidate"), (s[row], t[row]), kinds, strict=True):
        wrong, expected = _wrong_cells(mode, values, kind)
        if wrong.any():
            cell = int(wrong.argmax())
            return Fault(side, row, cell, f"{values[cell]:g}".replace("nan", "NaN"), expected)
        nothing = 0 if kind == "probs" else -np.inf
        if mode == "softmax" and (values == nothing).all():
            return Fault(side, row, None, f"nothing but {nothing:g}", "a distribution")
    raise ValueError(f"row {row} is valid")


def _wrong_cells(mode: Mode, values: NDArray[Any], kind: Kind) -> tuple[NDArray[np.bool_], str]:
    if kind == "logits":
        if mode == "sigmoid":
            return np.isnan(values), "a logit"
        return ~(values < np.inf), "a finite logit or -inf"
    if kind == "probs":
        high = 1.0 if mode == "sigmoid" else np.finfo(np.float64).max
        return ~((values >= 0) & (values <= high)), "a probability from 0 to 1"
    high = 0.0 if mode == "sigmoid" else np.finfo(np.float64).max
    return ~(values <= high), "the logarithm of a probability, at most 0"


def mask_mismatches(s: NDArray[Any], t: NDArray[Any]) -> tuple[int, Fault | None]:
    """Count the cells that hold a mask value on one side only, and return the first.

    A mask value is finite and at most -1e4. The other side is then above -1e3, or it is -inf where
    the mask value overflowed in a narrower type. A cell of -inf beside an ordinary logit is no
    mismatch: measures give it a meaning.

    Parameters
    ----------
    s, t : array, shape (rows, classes), of any real dtype
        The reference's and the candidate's logits.
    """
    lows = np.fmin.reduce(s, axis=None), np.fmin.reduce(t, axis=None)
    if not any(low <= MASK for low in lows):
        return 0, None
    wrong = np.zeros(s.shape, dtype=bool)
    for one, other in ((s, t), (t, s)):
        masked = np.isfinite(one) & (one <= MASK)
        wrong |= masked & ((other > UNMASKED) | np.isneginf(other))
    count = int(wrong.sum())
    if count == 0:
        return 0, None
    row, cell = (int(i) for i in np.unravel_index(int(wrong.argmax()), wrong.shape))
    side = "reference" if np.isfinite(s[row, cell]) and s[row, cell] <= MASK else "candidate"
    return count, Fault(
        side,
        row,
        cell,
        "{:g} and {:g}".format(
            *(x[row, cell] for x in ((s, t) if side == "reference" else (t, s)))
        ),
    )
