"""Where the rows that were walked over stand in the reference: small where they are consecutive."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.pairing import BlockPair

Run = range | NDArray[np.intp]


@dataclass(frozen=True)
class Places:
    """Ascending places of rows: runs of consecutive ones, and single ones."""

    runs: tuple[Run, ...] = ()

    @classmethod
    def of(cls, block: BlockPair) -> Places:
        """Return those of a block's rows."""
        if block.places is not None:
            return cls.of_rows(block.places)
        return cls((range(block.start, block.start + len(block.reference)),))

    @classmethod
    def of_rows(cls, places: NDArray[np.intp]) -> Places:
        """Return some places, at least one."""
        first, last = int(places[0]), int(places[-1])
        return cls((range(first, last + 1) if last - first == len(places) - 1 else places,))

    @classmethod
    def join(cls, parts: Iterable[Places]) -> Places:
        """Return the places of all rows."""
        runs: list[Run] = []
        for run in (run for part in parts for run in part.runs):
            before = runs[-1] if runs else None
            if isinstance(run, range) and isinstance(before, range) and before.stop == run.start:
                runs[-1] = range(before.start, run.stop)
            else:
                runs.append(run)
        return cls(tuple(runs))

    def __len__(self) -> int:
        return sum(map(len, self.runs))

    def __getitem__(self, row: int) -> int:
        for run in self.runs:
            if row < len(run):
                return int(run[row])
            row -= len(run)
        raise IndexError(row)

    @property
    def first(self) -> int:
        """The place of the first row."""
        return int(self.runs[0][0])

    @property
    def last(self) -> int:
        """The place of the last row."""
        return int(self.runs[-1][-1])

    def array(self) -> NDArray[np.intp]:
        """Return all of them, shape (rows,)."""
        each = (
            np.arange(run.start, run.stop, dtype=np.intp) if isinstance(run, range) else run
            for run in self.runs
        )
        return np.concatenate([np.empty(0, np.intp), *each])
