"""Pairs of rows for `tests.search`: made from every regime, and changed at random."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from kldiv_cli.measures.distributions.kinds import Kind
from tests.family import Mode
from tests.regimes import CASES

Array = npt.NDArray[np.float64]
Random = np.random.Generator

EXTREMES = (-np.inf, 0.0, 5e-324, -5e-324, 1e308, -1e308, -1.797e308, -1e12, -1e4, 745.0, -745.0)
"""Logits at which something in float64 ends."""
SHARES = (0.0, 1.0, 0.5, 5e-324, 1e-323, 1e-310, 1e-300, 1e-16, 1 - 2**-53)
"""Probabilities at which something in float64 ends."""
WIDEST = 700


@dataclass(frozen=True)
class Trial:
    """A pair of rows and how it is compared; written out it can be pasted into a test."""

    measure: str
    mode: Mode
    kinds: tuple[Kind, Kind]
    s: tuple[float, ...]
    t: tuple[float, ...]
    temperature: float = 1.0
    smooth: float = 0.0
    dtype: str = "float64"

    @property
    def rows(self) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Both rows, in the type that the file would have."""
        with np.errstate(over="ignore"):
            s, t = (np.array([row], dtype=self.dtype) for row in (self.s, self.t))
        return s, t

    def holding(self, s: Array, t: Array) -> "Trial":
        """The same of other numbers, made fit for the kinds of input and the type."""
        s, t = (
            _fit(row, kind, self.mode, self.dtype)
            for row, kind in zip((s, t), self.kinds, strict=True)
        )
        return replace(self, s=tuple(s.tolist()), t=tuple(t.tolist()))


def _fit(row: Array, kind: Kind, mode: Mode, dtype: str) -> Array:
    """Numbers that a file of this kind and type may hold, and make a row that counts."""
    if kind == "probs":
        row = np.clip(np.nan_to_num(row, nan=0.5), 0.0, 1.0)
    elif kind == "log-probs":
        row = -np.abs(row)
    with np.errstate(over="ignore", invalid="ignore"):
        row = row.astype(dtype).astype(np.float64)
    if mode == "softmax" and kind == "logits":
        row = np.where(row == np.inf, 1e4, row)
    least = 0.0 if kind == "probs" else -np.inf
    return row if (row > least).any() else np.full_like(row, 0.5 if kind == "probs" else -1.0)


def fresh(random: Random, measure: str, mode: Mode, kinds: tuple[Kind, Kind]) -> Trial:
    """A pair of rows from a regime, or of random numbers of a random size."""
    dtype = str(random.choice(["float64"] * 4 + ["float32", "float16"]))
    empty = Trial(measured(random, measure), mode, kinds, (), (), dtype=dtype)
    if random.random() < 0.5:
        case = CASES[random.integers(len(CASES))]
        row = random.integers(len(case.s))
        s, t = (x[row, :WIDEST].astype(np.float64) for x in (case.s, case.t))
    else:
        classes = int(random.choice([2, 3, 4, 5, 8, 10, 33, 64, 80, 300]))
        s = spread(random, 3) * random.normal(size=classes)
        t = s + spread(random, 16, -3) * random.normal(size=classes)
    s, t = (_written(row, kind, mode) for row, kind in zip((s, t), kinds, strict=True))
    return heated(random, empty.holding(s, t))


def _written(row: Array, kind: Kind, mode: Mode) -> Array:
    """Logits as this kind of input."""
    if kind == "logits":
        return row
    row = np.clip(row, -np.inf, 1e308)
    if not np.isfinite(row).any():
        row = np.zeros_like(row)
    with np.errstate(all="ignore"):
        total = np.logaddexp(0, row) if mode == "sigmoid" else np.logaddexp.reduce(row)
        row = np.minimum(row - total, 0.0)
        return np.exp(row) if kind == "probs" else row


def spread(random: Random, below: float, above: float = 3) -> float:
    """A positive number of any size from 10**-below to 10**above."""
    return float(10 ** random.uniform(-below, above))


def measured(random: Random, measure: str) -> str:
    """The measure, with a parameter where it needs one and has none."""
    family, _, parameter = measure.partition(":")
    if parameter or family not in {"renyi", "gjs", "skew-kl", "skew-reverse-kl"}:
        return measure
    if family == "renyi":
        one = 1 + float(random.choice([-1, 1])) * spread(random, 16, 0)
        order = float(random.choice([one, 2.0, 0.5, spread(random, 12, 17), spread(random, 2, 2)]))
        return f"renyi:{order if order > 0 and order != 1 else 3.0!r}"
    weight = float(
        random.choice([random.random(), spread(random, 17, -1), 1 - spread(random, 16, -1)])
    )
    return f"{family}:{weight if 0 < weight < 1 else 0.3!r}"


def heated(random: Random, trial: Trial) -> Trial:
    """The same at another temperature, or smoothed."""
    if random.random() < 0.5:
        return replace(trial, temperature=1.0, smooth=0.0)
    temperature = float(random.choice([1.0, 2.0, 0.5, 0.7, 0.01, 3.0, spread(random, 4)]))
    smooth = float(random.choice([0.0, 0.0, 0.0, 0.1, spread(random, 16, 0)]))
    return replace(trial, temperature=temperature, smooth=smooth)


def mutated(random: Random, trial: Trial, other: Trial, measure: str) -> Trial:
    """A pair of rows that differs a little, in one thing or two; `other` lends some classes."""
    for _ in range(int(random.integers(1, 3))):
        if random.random() < 0.15:
            trial = heated(random, trial)
        elif random.random() < 0.1:
            trial = replace(trial, measure=measured(random, measure))
        else:
            s, t = np.array(trial.s), np.array(trial.t)
            change = _CHANGES[random.integers(len(_CHANGES))]
            with np.errstate(all="ignore"):
                s, t = change(random, s, t, other)
            trial = trial.holding(s[:WIDEST], t[:WIDEST])
    return trial


def _one_cell(random: Random, s: Array, t: Array, _: Trial) -> tuple[Array, Array]:
    """A cell of one side by a share of itself."""
    side = s if random.random() < 0.5 else t
    side[random.integers(len(side))] *= 1 + random.normal() * spread(random, 16, 1)
    return s, t


def _one_cell_moves(random: Random, s: Array, t: Array, _: Trial) -> tuple[Array, Array]:
    at = random.integers(len(s))
    t[at] = s[at] + random.normal() * spread(random, 16)
    return s, t


def _both_move(random: Random, s: Array, t: Array, _: Trial) -> tuple[Array, Array]:
    at, step = random.integers(len(s)), random.normal() * spread(random, 3)
    s[at], t[at] = s[at] + step, t[at] + step
    return s, t


def _all_move(random: Random, s: Array, t: Array, _: Trial) -> tuple[Array, Array]:
    return s, t + spread(random, 16, 1) * np.abs(t).clip(1e-300, 1e300) * random.normal(size=len(t))


def _closer(random: Random, s: Array, t: Array, _: Trial) -> tuple[Array, Array]:
    step = random.choice([0.5, 0.1, 1e-3, 2.0, 10.0])
    return s, np.where(np.isfinite(s) & np.isfinite(t), s + (t - s) * step, t)


def _scaled(random: Random, s: Array, t: Array, _: Trial) -> tuple[Array, Array]:
    factor = random.choice([0.5, 0.9, 1.1, 2.0, spread(random, 2, 2)])
    return s * factor, t * (factor if random.random() < 0.8 else 1.0)


def _shifted(random: Random, s: Array, t: Array, _: Trial) -> tuple[Array, Array]:
    return s, t + random.normal() * spread(random, 16)


def _ulps(random: Random, s: Array, t: Array, _: Trial) -> tuple[Array, Array]:
    at = random.integers(len(s))
    t[at] = s[at] + float(random.integers(-3, 4)) * np.spacing(s[at])
    return s, t


def _extreme(random: Random, s: Array, t: Array, other: Trial) -> tuple[Array, Array]:
    at = random.integers(len(s))
    values = [float(random.choice(SHARES if kind == "probs" else EXTREMES)) for kind in other.kinds]
    if random.random() < 0.5:
        values[1] = values[0] if other.kinds[0] == other.kinds[1] else values[1]
    if random.random() < 0.7:
        s[at] = values[0]
    if random.random() < 0.7:
        t[at] = values[1]
    return s, t


def _deep(random: Random, s: Array, t: Array, other: Trial) -> tuple[Array, Array]:
    """A class far below the others, on both sides."""
    at, depth, more = random.integers(len(s)), random.uniform(0, 750), random.normal()
    more *= spread(random, 3)
    for side, kind, below in zip((s, t), other.kinds, (depth, depth + more), strict=True):
        top = side.max()
        side[at] = top * np.exp(-below) if kind == "probs" else top - below
    return s, t


def _fewer(random: Random, s: Array, t: Array, _: Trial) -> tuple[Array, Array]:
    if len(s) < 3:
        return s, t
    keep = random.random(len(s)) < random.choice([0.5, 0.9])
    return (s[keep], t[keep]) if keep.sum() > 1 else (s[:2], t[:2])


def _more(random: Random, s: Array, t: Array, other: Trial) -> tuple[Array, Array]:
    if random.random() < 0.3:
        return np.concatenate([s, s]), np.concatenate([t, t])
    count = int(random.integers(1, 1 + min(8, len(other.s))))
    return np.concatenate([s, other.s[:count]]), np.concatenate([t, other.t[:count]])


def _exchanged(_: Random, s: Array, t: Array, __: Trial) -> tuple[Array, Array]:
    return t, s


_CHANGES: tuple[Callable[[Random, Array, Array, Trial], tuple[Array, Array]], ...] = (
    *(_one_cell, _one_cell_moves, _both_move, _all_move, _closer, _scaled, _shifted, _ulps),
    *(_extreme, _deep, _fewer, _more, _exchanged),
)
