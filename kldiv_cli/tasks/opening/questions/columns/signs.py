"""Signs that a column of numbers is no class."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.tasks.opening.questions.columns.families import numbered
from kldiv_cli.tasks.opening.questions.columns.names import meanings_of

Flags = NDArray[np.bool_]

_RISES = 3
"""So many rows rise by chance in one column of six: whole numbers do not."""
_FRACTIONS_RISE = 6
"""So many rows of fractions rise by chance in one column of 720; it takes a second sign."""
_EQUAL = 3
"""So many rows of fractions are not the same on both sides by chance, however they are rounded."""
_RISES_FOR_SURE = 8
_FAR = 2.0
"""How many times the range of all others a column lies outside of it."""
_MASKED = -1e4
"""Cells at or below this are masked classes."""
_SUMS = 1e-3


@dataclass(frozen=True)
class Signs:
    """The columns of a table that may be classes, as their first rows show them.

    Parameters
    ----------
    names : tuple of str
        The columns.
    rows : array, shape (rows, columns)
        Their first values.
    integers : collection of str
        The columns of an integer type.
    other : array, shape (rows, columns), or None
        The values of the same rows and columns on the other side, where these are known.
    kind : str
        What the numbers are: "logits", "probs" or "log-probs".
    sums : bool
        Whether rows of probabilities sum to 1.
    sides : int
        How many files there are.
    """

    names: tuple[str, ...]
    rows: NDArray[np.float64]
    integers: frozenset[str]
    other: NDArray[np.float64] | None
    kind: str
    sums: bool
    sides: int

    @cached_property
    def meanings(self) -> list[str | None]:
        """What people mean by the names."""
        return meanings_of(self.names)

    @cached_property
    def named(self) -> Flags:
        """The columns whose names are used for other things."""
        return np.array([meaning is not None for meaning in self.meanings])

    @cached_property
    def whole_type(self) -> Flags:
        """The columns of an integer type."""
        return np.array([name in self.integers for name in self.names])

    @cached_property
    def constant(self) -> Flags:
        """The columns with one value in several rows: padded classes."""
        if len(self.rows) == 1:
            padded: Flags = (self.rows[0] == 0) | (self.rows[0] <= _MASKED)
            return padded
        same = (self.rows == self.rows[:1]) | (np.isnan(self.rows) & np.isnan(self.rows[:1]))
        return _all(same)

    @cached_property
    def integral(self) -> Flags:
        """The columns of integers where most others are none."""
        others = self.whole_type & ~self.named
        of = (~self.named).sum()
        rest = np.maximum(of - ~self.named, 1)
        few = 2 * (others.sum() - others) < rest
        found: Flags = self.whole_type & few & ~self.constant & ~self._truths
        return found if len(self.rows) > 1 else found & self.named

    @cached_property
    def whole(self) -> Flags:
        """The columns of whole numbers of another type, where most others have fractions."""
        finite = np.isfinite(self.rows)
        whole = _all(~finite | (self.rows == np.rint(self.rows))) & ~_all(~finite)
        found: Flags = whole & ~self.constant & ~self._truths
        return found if 2 * found.sum() < len(found) else np.zeros_like(found)

    @cached_property
    def rising(self) -> Flags:
        """The columns that rise row by row."""
        if len(self.rows) < _RISES:
            return np.zeros(len(self.names), dtype=bool)
        found = _all(self.rows[1:] > self.rows[:-1])
        return found if len(self.rows) >= _FRACTIONS_RISE else found & self._integers

    @cached_property
    def far(self) -> Flags:
        """The columns all of whose values lie far outside the range of all others."""
        cells = np.where(np.isfinite(self.rows) & (self.rows > _MASKED), self.rows, np.nan)
        filled = ~np.isnan(cells).all(axis=0)
        low, high = np.fmin.reduce(cells, axis=0), np.fmax.reduce(cells, axis=0)
        usual = filled & ~self.named & ~self.integral
        if usual.sum() < _RISES:
            return np.zeros(len(self.names), dtype=bool)
        lows, highs = np.where(usual, low, np.inf), np.where(usual, high, -np.inf)
        least, most = _least_of_others(lows), -_least_of_others(-highs)
        room = _FAR * (most - least)
        found: Flags = filled & ((low > most + room) | (high < least - room))
        return found & (room > 0) & ~self.constant

    @cached_property
    def equal(self) -> Flags:
        """The columns that are the same on both sides where most others differ."""
        if self.other is None:
            return np.zeros(len(self.names), dtype=bool)
        paired = ~np.isnan(self.other).all(axis=1)
        if not paired.any():
            return np.zeros(len(self.names), dtype=bool)
        found = _all((self.rows == self.other)[paired])
        others = ~self.named & ~self.integral
        if 2 * (found & others).sum() >= others.sum():
            return np.zeros_like(found)
        if paired.sum() < _EQUAL:
            found &= self._integers
        return found if paired.sum() > 1 else found & self.named

    @cached_property
    def strange(self) -> Flags:
        """The columns that are not of the family of numbered names that most are of."""
        family = numbered(self.names)
        if family is None:
            return np.zeros(len(self.names), dtype=bool)
        members = set(family.names)
        return np.array([name not in members for name in self.names])

    @cached_property
    def unsummed(self) -> Flags:
        """The columns without which rows of probabilities sum to 1, and with which they do not."""
        none = np.zeros(len(self.names), dtype=bool)
        if not self.sums or self.kind not in ("probs", "log-probs") or not len(self.rows):
            return none
        cells = np.exp(self.rows) if self.kind == "log-probs" else self.rows
        over = cells.sum(axis=1) - 1
        if not (np.abs(over) > _SUMS).any():
            return none
        suspects = self.named | self.integral
        if suspects.any() and _near(cells[:, suspects].sum(axis=1), over):
            return suspects
        return _all(np.abs(cells - over[:, None]) <= _SUMS)

    @property
    def found(self) -> Flags:
        """The columns for which two signs agree."""
        signs = (self.named, self.integral, self.rising | self.far, self.equal)
        agree = np.sum(signs, axis=0) > 1
        sure = self.rising & self.far & (len(self.rows) >= _RISES_FOR_SURE)
        found: Flags = (
            agree
            | (self.integral & self.rising)
            | (self.strange & (self.named | self.integral))
            | (self.named & self.whole)
            | sure
            | self.unsummed
        )
        return found

    def reasons(self, place: int) -> str:
        """Say what makes a column look like no class."""
        if self.unsummed[place]:
            return "without it rows sum to 1"
        words = (
            (self.integral, "integers where other columns have fractions"),
            (self.whole & ~self.integral, "whole numbers where other columns have fractions"),
            (self.rising, "rising from row to row"),
            (self.far, "far from all other columns"),
            (self.equal, "the same on both sides where others differ"),
            (self.named, f"a name of {self.meanings[place]}"),
        )
        return ", ".join([word for flags, word in words if flags[place]][:2])

    @cached_property
    def _integers(self) -> Flags:
        """The columns of whole numbers."""
        return _all(self.rows == np.rint(self.rows))

    @property
    def _truths(self) -> Flags:
        """The columns of 0 and 1, which are probabilities where the others are."""
        if self.kind != "probs":
            return np.zeros(len(self.names), dtype=bool)
        return _all((self.rows == 0) | (self.rows == 1))


def _all(flags: Flags) -> Flags:
    """Return which columns are true in all rows."""
    found: Flags = np.logical_and.reduce(flags, axis=0)
    return found


def _least_of_others(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each column the least value among all others."""
    order = np.partition(values, 1)[:2]
    found: NDArray[np.float64] = np.where(values == order[0], order[1], order[0])
    return found


def _near(left: NDArray[np.float64], right: NDArray[np.float64]) -> bool:
    return bool((np.abs(left - right) <= _SUMS).all())
