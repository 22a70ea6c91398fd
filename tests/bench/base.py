"""What a benchmark is: two pieces of work, ours and a peer's, and the ratio to reach."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from math import inf
from pathlib import Path
from statistics import median
from typing import Literal

from tests.bench.inputs import Inputs, Size

ROOT = Path(__file__).parent.parent.parent

Unit = Literal["s", "MB"]


class FailedError(Exception):
    """A side of a benchmark did not do its work."""


@dataclass(frozen=True)
class Sample:
    """One run of one side: what it took and, where it tells, the mean that it found, and how."""

    amount: float
    value: float | None = None
    how: str = ""


Side = Callable[[], Sample]
"""One run of one side."""


@dataclass(frozen=True)
class Target:
    """A bound on the ratio of the two sides, and for ours perhaps a limit of its own."""

    of: Literal["peer/ours", "ours/peer"]
    bound: float
    limit: float = inf

    def reached(self, ours: float, peer: float) -> bool:
        """Say whether both bounds hold."""
        ratio = ratio_of(self, ours, peer)
        within = ratio >= self.bound if self.of == "peer/ours" else ratio <= self.bound
        return within and ours < self.limit


def ratio_of(target: Target | None, ours: float, peer: float) -> float:
    """Return the ratio that the target bounds, how many times faster ours is if there is none."""
    return ours / peer if target is not None and target.of == "ours/peer" else peer / ours


def times_faster(bound: float) -> Target:
    """Require the peer to take at least so many times what ours takes."""
    return Target("peer/ours", bound)


def times_slower(bound: float) -> Target:
    """Require ours to take at most so many times what the peer takes."""
    return Target("ours/peer", bound)


@dataclass(frozen=True)
class Rounds:
    """How often: `least` times, on until `seconds` have passed, but no more than `most`."""

    least: int
    seconds: float
    most: int


FULL = Rounds(7, 15, 40)
QUICK = Rounds(2, 0, 2)
ONCE = Rounds(1, 0, 1)
STARTS = Rounds(30, 0, 30)


@dataclass(frozen=True)
class Setting:
    """What the sides work with."""

    inputs: Inputs
    torch_python: str
    processes: ExitStack
    """Closes the processes that a side keeps open between its runs."""


@dataclass(frozen=True)
class Benchmark:
    """A row of the table; `ours` and `peer` prepare a side, which is then run many times."""

    name: str
    work: str
    against: str
    target: Target | None
    """None for a row that is there for information."""
    ours: Callable[[Setting], Side]
    peer: Callable[[Setting], Side]
    size: Size | None = None
    unit: Unit = "s"
    rounds: Rounds = FULL
    needs_torch: bool = False
    judged: Callable[[Sequence[float]], float] = median
    """What of many rounds is held against the target."""
