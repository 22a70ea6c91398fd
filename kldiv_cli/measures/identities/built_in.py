"""Rows that every check looks at: far ones, close ones, edges; every width of lanes and every type.

They depend on nothing: their numbers are fractions of multiples of irrational ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from kldiv_cli.measures.distributions.kinds import Kind
from kldiv_cli.measures.identities.double import Bools
from kldiv_cli.measures.identities.rows import Group, Rows
from kldiv_cli.measures.types import Float64, Mode

_WIDTH = 7
_WIDTHS = 2, 3, 17, 40
_FEW = 6
"""So many of the rows come in other widths, types and temperatures."""
_OTHERS = (("float64", 0.7), ("float64", 4.0), ("float32", 1.0), ("float16", 1.0))
"""Types and temperatures beside float64 and 1."""
_DELTAS = 1.0, 1e-3, 1e-6, 1e-9, 1e-12
_CONVERTED: tuple[tuple[Kind, Kind], ...] = (("probs", "logits"), ("log-probs", "log-probs"))
"""Kinds of numbers of which logarithms are taken, or undone."""


def built_in() -> Iterator[Rows]:
    """Yield the rows of every mode and kind of numbers."""
    modes: tuple[Mode, ...] = ("softmax", "sigmoid")
    for mode in modes:
        yield Rows(_groups(_logits, mode), mode, thorough=True)
        yield Rows(_groups(_probabilities, mode), mode, ("probs", "probs"), thorough=True)
        numbers = _probabilities(_WIDTH, mode)
        for kinds in _CONVERTED:
            s, t = (_as(kind, x, mode) for kind, x in zip(kinds, numbers, strict=True))
            yield Rows([Group(s, t, 1.0), Group(s, t, 0.7)], mode, kinds)


def _groups(make: Callable[[int, Mode], tuple[Float64, Float64]], mode: Mode) -> list[Group]:
    groups = [Group(*make(_WIDTH, mode), 1.0)]
    groups += [_few(*make(width, mode)) for width in _WIDTHS]
    return groups + [_few(*make(_WIDTH, mode), *other) for other in _OTHERS]


@np.errstate(divide="ignore")
def _as(kind: Kind, p: Float64, mode: Mode) -> Float64:
    """Return probabilities as numbers of another kind."""
    if kind == "probs":
        return p
    odds = mode == "sigmoid" and kind == "logits"
    numbers: Float64 = np.log(p) - np.log1p(-p) if odds else np.log(p)
    return numbers


def _few(s: Float64, t: Float64, dtype: str = "float64", temperature: float = 1.0) -> Group:
    return Group(s[:_FEW].astype(dtype), t[:_FEW].astype(dtype), temperature)


def _logits(width: int, mode: Mode) -> tuple[Float64, Float64]:
    """Return rows at several distances, with a class far ahead, a tail, an offset, and edges."""
    u, v = _numbers(width, 0), _numbers(width, 1)
    pairs = [(4 * u, 4 * u + delta * v) for delta in _DELTAS]
    pairs.append((20 * u, 20 * v))
    pairs.append((np.where(_first(width), 40.0, u), np.where(_first(width), 41.0, v)))
    tail = np.where(_first(width), -30.0, u)
    pairs.append((tail, tail + np.where(_first(width), 3.0, 1e-9 * v)))
    pairs.append((300 + u, 301 + u + 1e-3 * v))
    last = np.arange(width) == width - 1
    pairs.append((np.where(last, -np.inf, u), np.where(last, -np.inf, v)))
    pairs.append((np.where(last, -1e4, u), np.where(last, -1e4, v)))
    pairs.append((u, np.where(last, -np.inf, v)))
    pairs.append((np.where(last, -np.inf, u), v))
    if mode == "sigmoid":
        pairs.append((np.where(last, np.inf, u), np.where(last, np.inf, v)))
        pairs.append((u, np.where(last, np.inf, v)))
    return _sides(pairs)


def _probabilities(width: int, mode: Mode) -> tuple[Float64, Float64]:
    """Return rows at several distances, and with zeros."""
    u, v = (np.abs(_numbers(width, seed)) for seed in (2, 3))
    pairs = [(u, u * (1 - delta * v)) for delta in _DELTAS]
    pairs.append((u**8, v**8))
    last = np.arange(width) == width - 1
    pairs.append((np.where(last, 0.0, u), np.where(last, 0.0, v)))
    pairs.append((u, np.where(last, 0.0, v)))
    if mode == "sigmoid":
        pairs.append((np.where(last, 1.0, u), np.where(last, 1.0, v)))
        return _sides(pairs)
    return _sides([(p / p.sum(), q / q.sum()) for p, q in pairs])


def _first(width: int) -> Bools:
    found: Bools = np.arange(width) == 0
    return found


def _numbers(width: int, seed: int) -> Float64:
    """Return numbers in [-1, 1) without a pattern."""
    numbers: Float64 = 2 * np.modf((np.arange(1.0, width + 1) + 100 * seed) * 5**0.5)[0] - 1
    return numbers


def _sides(pairs: list[tuple[Float64, Float64]]) -> tuple[Float64, Float64]:
    s, t = (np.stack(side) for side in zip(*pairs, strict=True))
    return s, t
