"""What a file holds that is no logit, and how far the logits of two such rows lie apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.distributions import afresh, logarithms
from kldiv_cli.measures.distributions.exact import two_sum
from kldiv_cli.measures.distributions.kinds import (
    Kind,
    absent_as,
    is_rounded_as_logits,
    logits_in_three,
)
from kldiv_cli.measures.distributions.logarithms import total
from kldiv_cli.measures.types import Float64, Mode

Rows = NDArray[np.intp]
Terms = tuple[Float64, ...]
"""A sum of one, two or three numbers, the largest first."""
Steps = tuple[Float64, NDArray[np.bool_]]
"""Differences of finite logits, float64, shape (rows, cells), and where there are such."""
_LOST = 1e-18
"""Rows whose logits differ by less need more than three float64."""
_LEAST = 1e-290
"""Values below it are not told from 0."""
_BELOW_HALF = float(np.nextafter(-0.6931471805599453, -1))  # exp(-0.693...53) is above 1/2
_DECISIONS = {"logits": 0.0, "probs": 0.5, "log-probs": _BELOW_HALF}
"""The largest number whose logit is not above 0."""


@dataclass(frozen=True)
class Written:
    """The numbers of one side, (rows, classes), float64, and what they are."""

    values: Float64
    kind: Kind
    mode: Mode

    @property
    def is_rounded(self) -> bool:
        """Whether logits are not the numbers themselves."""
        return is_rounded_as_logits(self.kind, self.mode)

    @property
    def absent(self) -> NDArray[np.bool_]:
        """Where a class or a cell has probability 0."""
        absent: NDArray[np.bool_] = self.values == absent_as(self.kind)
        return absent

    @property
    def positive(self) -> NDArray[np.bool_]:
        """Where the logit of a cell is above 0."""
        return self.values > _DECISIONS[self.kind]

    def logits(self, rows: Rows) -> Terms:
        """Return the logits of some rows in three numbers, or in the one that they are."""
        values = self.values[rows]
        return logits_in_three(values, self.kind, self.mode) if self.is_rounded else (values,)

    def logs(self, rows: Rows) -> Terms:
        """Return the logarithms of probabilities in the same way."""
        values = self.values[rows]
        return logarithms.log(values) if self.kind == "probs" else (values,)

    def both(self, rows: Rows) -> tuple[Float64, Float64]:
        """Return p and 1 - p of probabilities or their logarithms."""
        values = self.values[rows]
        if self.kind == "probs":
            return values, 1 - values
        return np.exp(values), -np.expm1(values)


def class_steps(s: Written, t: Written, rows: Rows, weights: Float64, shift: Rows) -> Steps:
    """Return the logits of t less those of s, all less that of one class, to all digits.

    Parameters
    ----------
    s, t : Written
        The reference and the candidate, under softmax.
    rows : integers
        Some rows.
    weights : float64, shape (of rows, classes)
        How much a difference counts.
    shift : integers, shape (of rows,)
        The class of every row; it has logits on both sides.
    """
    parts, known = _differences(*(_less(side.logits(rows), shift) for side in (s, t)))
    found = np.where(known, parts[0], 0.0)
    _mend(found, known, s, t, rows, weights, shift)
    return found, known


def cell_steps(s: Written, t: Written, rows: Rows, weights: Float64) -> Steps:
    """Return the logits of t less those of s under sigmoid in the same way.

    Where neither is a logit, they differ by d = log(q / p) and by log((1 - p) / (1 - q)), which is
    -log1p(-p / (1 - p) * expm1(d)) and has the same sign. Where q is much nearer to 1 than p, the
    logarithm of the quotient has the digits.
    """
    if "logits" in (s.kind, t.kind):
        parts, known = _differences(s.logits(rows), t.logits(rows))
        found = np.where(known, parts[0], 0.0)
    else:
        parts, known = _differences(s.logs(rows), t.logs(rows))
        (p, no_p), (_, no_q) = s.both(rows), t.both(rows)
        fall = -p / no_p * np.expm1(parts[0])
        found = parts[0] - np.where(fall < -0.5, np.log(no_q / no_p), np.log1p(fall))
        known &= np.isfinite(found)
        found = np.where(known, found, 0.0)
    _mend(found, known, s, t, rows, weights, None)
    return found, known


def _less(logits: Terms, shift: Rows) -> Terms:
    """Return logits less that of one class of each row.

    Each side less its own: of [0.25, 0.25] and [0, 1e-140], 1e-140 would be lost beside log 0.25.
    """
    finite = np.isfinite(logits[0])
    terms = [np.where(finite, part, 0.0) for part in logits]
    least = [-np.take_along_axis(part, shift[:, None], axis=1) for part in terms]
    parts = two_sum(*terms, *least) if len(terms) == 1 else total([*terms, *least])
    return np.where(finite, parts[0], logits[0]), *parts[1:]


def _differences(s: Terms, t: Terms) -> tuple[logarithms.Parts, NDArray[np.bool_]]:
    """Return t less s, 0 where it is not finite, and where it is."""
    known = np.isfinite(s[0]) & np.isfinite(t[0])
    terms = [*t, *(-part for part in s)]
    if not known.all():
        terms = [np.where(known, part, 0.0) for part in terms]
    if len(terms) == 2:
        return (*two_sum(*terms), np.zeros(1)), known
    return total(terms), known


def _mend(
    found: Float64,
    known: NDArray[np.bool_],
    s: Written,
    t: Written,
    rows: Rows,
    weights: Float64,
    shift: Rows | None,
) -> None:
    """Compute the differences of the rows afresh whose digits are lost."""
    distance = np.abs(found)
    first, second = ((weights * x).sum(axis=1) for x in (distance, distance**2))
    for place in np.flatnonzero((first * _LOST > second) & (second > _LEAST)):
        cells = known[place]
        found[place, cells] = afresh.steps(
            s.mode,
            s.values[rows[place]][cells],
            t.values[rows[place]][cells],
            (s.kind, t.kind),
            None if shift is None else int(cells[: shift[place]].sum()),
        )
