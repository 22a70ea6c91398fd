"""The mean distribution of every class, computed from the rows themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures.types import Counts, Float64

_BITS = 32
"""How many bits of every probability a word holds; the sum of 2**31 rows of a class fits int64."""
_WORDS = 11
"""What is below 2**-320 is left out of each row."""


@dataclass(frozen=True)
class ClassPriors:
    """Sums of distributions by class: a monoid. They are exact, and so the same in any order.

    Parameters
    ----------
    classes : int
        How many classes there are.
    found : int, shape (found,)
        The classes that some row has, ascending.
    rows : int, shape (found,)
        How many rows each of them has.
    words : tuple of int64, shape (found, classes)
        The sums in base 2**32: word i holds multiples of 2**(-32 * i).
    """

    classes: int
    found: NDArray[np.intp]
    rows: NDArray[np.intp]
    words: tuple[NDArray[np.int64], ...] = ()

    @classmethod
    def of(cls, p: Float64, labels: Counts) -> ClassPriors:
        """Return the sums of the rows of a block, 2**20 at most, whose classes are given."""
        order = np.argsort(labels, kind="stable")
        found, starts, rows = np.unique(labels[order], return_index=True, return_counts=True)
        return cls(p.shape[1], found, rows, tuple(_words(p[order], starts)) if len(p) else ())

    @classmethod
    def join(cls, parts: Sequence[ClassPriors]) -> ClassPriors:
        """Return the sums of all rows."""
        classes = parts[0].classes
        found = np.unique(np.concatenate([part.found for part in parts]))
        rows = np.zeros(len(found), np.intp)
        longest = max(len(part.words) for part in parts)
        words = [np.zeros((len(found), classes), np.int64) for _ in range(longest)]
        for part in parts:
            here = np.searchsorted(found, part.found)
            rows[here] += part.rows
            for whole, word in zip(words, part.words, strict=False):
                whole[here] += word
        return cls(classes, found, rows, tuple(words))

    @property
    def missing(self) -> NDArray[np.intp]:
        """The classes that no row has."""
        return np.setdiff1d(np.arange(self.classes), self.found)

    def mean(self, labels: Counts) -> Float64:
        """Return the mean distribution of the class of every row."""
        here = np.searchsorted(self.found, labels)
        sums = np.zeros((len(labels), self.classes))
        for i in reversed(range(len(self.words))):  # the smallest first
            sums += self.words[i][here] * 2.0 ** (-_BITS * i)
        return sums / self.rows[here][:, None]


def _words(p: Float64, starts: NDArray[np.intp]) -> list[NDArray[np.int64]]:
    """Return the digits of rows, added up from each start to the next."""
    words = []
    for _ in range(_WORDS):
        digits = np.floor(p)
        words.append(np.add.reduceat(digits, starts, axis=0).astype(np.int64))
        p = (p - digits) * 2.0**_BITS
        if not p.any():
            break
    return words
