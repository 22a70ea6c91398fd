"""What an attack is: so many inputs, each of them survived or a failure that can be repeated."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from time import monotonic
from typing import NamedTuple

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Budget:
    """How much of an attack is to be run.

    Parameters
    ----------
    name : str
        The attack.
    numbers : sequence of int
        The inputs to try: an input is a function of its number and the seed.
    kept : Path
        A folder that takes the inputs that fail.
    seed : int
        Which inputs there are.
    seconds : float
        After so long no further input is tried.
    jobs : int
        How many processes may run at a time.
    """

    name: str
    numbers: Sequence[int]
    kept: Path
    seed: int = 0
    seconds: float = inf
    jobs: int = 1
    began: float = field(default_factory=monotonic)

    @property
    def is_over(self) -> bool:
        """Whether the time is used up."""
        return monotonic() - self.began > self.seconds

    def dice(self, number: int) -> random.Random:
        """Return what decides all that is random in an input."""
        return random.Random(f"{self.name}:{self.seed}:{number}")  # noqa: S311 - to be repeated

    def again(self, number: int) -> str:
        """Return the command that tries one input again."""
        return f"python -m tests.attack {self.name} --seed {self.seed} --number {number}"

    def failure(self, number: int, what: str, *inputs: Path) -> Failure:
        """Return a failure of an input, whose files are kept."""
        self.kept.mkdir(parents=True, exist_ok=True)
        kept = []
        for path in inputs:
            copy = self.kept / f"{self.name}-{self.seed}-{number}-{path.name}"
            copy.write_bytes(path.read_bytes())
            kept.append(str(copy))
        return Failure(what, "; ".join([self.again(number), *kept]))


class Failure(NamedTuple):
    """What went wrong, and how to see it again."""

    what: str
    again: str


@dataclass(frozen=True)
class Tally:
    """What came of the inputs that were tried; of any two parts the sum is that of the whole."""

    outcomes: Counter[str] = field(default_factory=Counter)
    """How many inputs survived, by what came of them: "read", "refused"."""
    failures: tuple[Failure, ...] = ()

    @property
    def survived(self) -> int:
        """How many inputs did no harm."""
        return self.outcomes.total()

    @property
    def tried(self) -> int:
        """How many inputs there were."""
        return self.survived + len(self.failures)

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.outcomes + other.outcomes, self.failures + other.failures)


def one(outcome: str | Failure) -> Tally:
    """Return the tally of one input."""
    if isinstance(outcome, Failure):
        return Tally(failures=(outcome,))
    return Tally(Counter([outcome]))


class Attack(NamedTuple):
    """A row of the registry."""

    home: str
    """The import path of a function `Budget` -> `Tally`."""
    description: str
    inputs: int
    """How many inputs a full run tries."""
    short: int
    """How many of them the suite tries."""


def each(budget: Budget, attempt: Callable[[int], str | Failure], most: int | None = None) -> Tally:
    """Try one input after the other, as many at a time as the budget allows.

    ``most`` is how many there are at all, where their number has an end.
    """

    def tried(number: int) -> Tally:
        return Tally() if budget.is_over else one(attempt(number))

    with ThreadPoolExecutor(budget.jobs) as pool:
        numbers = [number for number in budget.numbers if most is None or number < most]
        return sum(pool.map(tried, numbers), Tally())
