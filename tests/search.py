"""Searches for the row on which a measure is worst: ``python -m tests.search --measure kl``.

An evolutionary search. A population of pairs of rows is changed step by step, and those with fewer
right digits stay; the true values are `tests.oracle`'s, from the definitions. Prints the worst pair
found for every measure, mode, kind of input and route, where a route is NumPy or the C kernels of
one instruction set; returns 1 where a value has a relative error above 2e-14.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import inf, isnan
from time import monotonic
from unittest.mock import patch

import numpy as np
from mpmath import mp

from kldiv_cli.measures import MEASURES, _native, load
from kldiv_cli.measures.distributions.kinds import KINDS, Kind
from kldiv_cli.measures.evaluation import Evaluator
from kldiv_cli.measures.types import Status
from tests.family import MODES, SMALLEST, Mode
from tests.oracle import oracle, relative_error
from tests.trials import Random, Trial, fresh, mutated

LIMIT = 2e-14
POPULATION = 24
INPUTS: dict[str, tuple[Kind, Kind]] = {
    a if a == b else f"{a},{b}": (a, b) for a, b in product(KINDS, KINDS)
}
_SIDE_BY_SIDE = 9
"""Kernels take several rows at once, and those that are left by another way."""


@dataclass(frozen=True)
class Route:
    """A way by which values come about: kernels or none, and what is asked for beside."""

    name: str
    kernels: _native.Kernels | None
    beside: tuple[str, ...] = ()

    def value(self, trial: Trial) -> float | None:
        """The value of a pair, nan where it is not counted; None where the route is not taken.

        -inf, as wrong as anything below 0, where equal rows differ or a row that counts is nan.
        """
        names = trial.measure, *self.beside
        with patch.object(_native, "load", lambda: self.kernels):
            evaluator = Evaluator(
                [load(name) for name in names],
                trial.mode,
                trial.temperature,
                trial.kinds,
                trial.smooth,
            )
            if self.kernels and not evaluator.by_kernel_alone:
                return None
            rows = (np.repeat(x, _SIDE_BY_SIDE, axis=0) for x in trial.rows)
            try:
                found = evaluator.evaluate(*rows)
            except AssertionError:
                return -inf
        values = found.values[trial.measure]
        counted = bool(found.status[0] == Status.COUNTED)
        if len({x.tobytes() for x in values}) > 1 or (counted and isnan(values[0])):
            return -inf
        return float(values[0])


def routes() -> list[Route]:
    """NumPy, and the kernels of each instruction set, those for three measures and for one."""
    kernels = [
        Route(f"C {each}{' beside kl' if beside else ''}", _native.load(each), beside)
        for each in _native.instruction_sets()
        for beside in ((), ("kl",))
    ]
    return [Route("NumPy", None), *kernels]


@dataclass
class Worst:
    """The worst pairs of one measure, by route."""

    measure: str
    mode: Mode
    kinds: tuple[Kind, Kind]
    tried: int = 0
    found: dict[str, tuple[float, Trial]] = field(default_factory=dict)

    def judge(self, trial: Trial, ways: Sequence[Route]) -> float:
        """The largest error of a pair by any route, which is kept where it is the worst."""
        self.tried += 1
        s, t = trial.rows
        true = oracle(
            trial.measure,
            trial.mode,
            s[0],
            t[0],
            trial.temperature,
            kind=trial.kinds,
            smooth=trial.smooth,
        )
        if not (mp.isnan(true) or true == 0 or true > SMALLEST):
            return 0.0
        errors = [0.0]
        for way in ways:
            value = way.value(trial)
            if value is not None:
                errors.append(inf if value < 0 else relative_error(value, true))
                if errors[-1] > self.found.get(way.name, (-1.0, trial))[0]:
                    self.found[way.name] = errors[-1], trial
        return max(errors)

    @property
    def error(self) -> float:
        """The largest of all."""
        return max((error for error, _ in self.found.values()), default=0.0)


def search(
    measure: str,
    mode: Mode,
    kinds: tuple[Kind, Kind],
    seconds: float,
    seed: int,
    trials: int | None = None,
) -> Worst:
    """Change a population for so many seconds, or so many trials, and return its worst."""
    random = np.random.default_rng(seed)
    worst, ways, end = Worst(measure, mode, kinds), routes(), monotonic() + seconds
    population: list[tuple[float, Trial]] = []
    for trial in _proposals(random, worst, population):
        population.append((worst.judge(trial, ways), trial))
        if len(population) > POPULATION:
            population.sort(key=lambda each: -each[0])
            # One that is better may lead on; all but the worst would soon be its copies.
            del population[POPULATION - int(random.integers(8))]
        if (worst.tried >= trials) if trials else monotonic() > end:
            break
    return worst


def _proposals(
    random: Random, worst: Worst, population: Sequence[tuple[float, Trial]]
) -> Iterator[Trial]:
    while True:
        if len(population) < POPULATION or random.random() < 0.1:
            yield fresh(random, worst.measure, worst.mode, worst.kinds)
        else:
            parents = random.choice(len(population), 4)
            # The worse of two; the other two lend what is missing.
            first = min(parents[:2])
            trial, other = population[first][1], population[parents[2]][1]
            yield mutated(random, trial, other, worst.measure)


def main(words: Sequence[str] | None = None) -> int:
    """Search, print the worst and return 1 where a limit is exceeded."""
    told = _parser().parse_args(words)
    plans = list(product(told.measure or MEASURES, told.mode or MODES, told.input or INPUTS))
    each = told.seconds / len(plans)
    wrong = 0
    for i, (measure, mode, kinds) in enumerate(plans):
        worst = search(measure, mode, INPUTS[kinds], each, told.seed + i, told.trials)
        sys.stdout.write(f"{measure} {mode} {kinds}: {worst.tried} pairs\n")
        for name, (error, trial) in worst.found.items():
            sys.stdout.write(f"  {name:24}{error:.1e}\n")
            if error > LIMIT or told.verbose:
                sys.stdout.write(f"    {trial}\n")
        sys.stdout.flush()
        wrong += worst.error > LIMIT
    sys.stdout.write(f"{len(plans) - wrong} of {len(plans)} within {LIMIT:g}\n")
    return int(wrong > 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.search", description=__doc__)
    parser.add_argument("--measure", action="append", help="such as kl, renyi or renyi:2; all")
    parser.add_argument("--mode", action="append", choices=MODES)
    parser.add_argument("--input", action="append", choices=INPUTS)
    parser.add_argument("--seconds", type=float, default=600.0, help="for all together; 600")
    parser.add_argument("--trials", type=int, help="so many pairs each, whatever the time")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--verbose", action="store_true", help="print all rows, not only the wrong")
    return parser


if __name__ == "__main__":
    sys.exit(main())
