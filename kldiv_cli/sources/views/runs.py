"""Which rows of an input stand in files, or arrays, that enter: runs of consecutive places."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Runs:
    """Runs of places, ascending, with gaps between them.

    Parameters
    ----------
    firsts, stops : array of int, shape (runs,)
        The first place of each run, and the place behind its last.
    """

    firsts: Places
    stops: Places

    @classmethod
    def of(cls, ranges: Iterable[range]) -> Runs:
        """Return the runs of ascending ranges; ranges that touch are one run."""
        ends: list[list[int]] = []
        for each in ranges:
            if ends and each and ends[-1][1] == each.start:
                ends[-1][1] = each.stop
            elif each:
                ends.append([each.start, each.stop])
        firsts, stops = np.array(ends, np.intp).reshape(-1, 2).T
        return cls(firsts, stops)

    @cached_property
    def _before(self) -> Places:
        """How many places stand in the runs before each, and in all."""
        return np.concatenate([[0], np.cumsum(self.stops - self.firsts)]).astype(np.intp)

    def __len__(self) -> int:
        return int(self._before[-1])

    def ranks(self, places: Places) -> Places:
        """Return how many places of the runs stand before each of these."""
        run = np.searchsorted(self.firsts, places, side="right") - 1
        inside = np.minimum(places, self.stops[run]) - self.firsts[run]
        return np.where(run < 0, 0, self._before[run] + inside)

    def rank(self, place: int) -> int:
        """Return how many places of the runs stand before this one."""
        return int(self.ranks(np.array([place], np.intp))[0])

    def at(self, ranks: Places) -> Places:
        """Return the places of these ranks."""
        run = np.searchsorted(self._before, ranks, side="right") - 1
        found: Places = self.firsts[run] + ranks - self._before[run]
        return found

    def among(self, places: Places) -> Places:
        """Return those of some ascending places that stand in the runs."""
        run = np.searchsorted(self.firsts, places, side="right") - 1
        return places[(run >= 0) & (places < self.stops[run])]

    def between(self, start: int, stop: int) -> Iterator[range]:
        """Yield what of the runs lies from one place to before another."""
        first = int(np.searchsorted(self.stops, start, side="right"))
        last = int(np.searchsorted(self.firsts, stop))
        for run in range(first, last):
            some = range(max(start, int(self.firsts[run])), min(stop, int(self.stops[run])))
            if some:
                yield some
