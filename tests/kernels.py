"""The plans of the C kernels, each of which takes another way through them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.measures import _native, load
from kldiv_cli.measures.types import Mode

THREE = ("jeffreys", "kl", "reverse-kl")
ONE = ("jeffreys",)
PLANS: tuple[tuple[Mode, tuple[str, ...]], ...] = (
    ("softmax", THREE),
    ("sigmoid", ONE),
    ("sigmoid", THREE),
)


def plan_of(
    mode: Mode,
    names: tuple[str, ...],
    instruction_set: str | None = None,
    temperature: float = 1.0,
) -> _native.Plan:
    """The plan of some measures, all of which C computes."""
    kernels = _native.load(instruction_set)
    assert kernels is not None
    forms = [load(name).form for name in names]
    return kernels.plan(mode, temperature, [form for form in forms if form is not None])


def plans(instruction_set: str | None = None, temperature: float = 1.0) -> list[_native.Plan]:
    """A plan of each kind; none without kernels."""
    if _native.load(instruction_set) is None:
        return []
    return [plan_of(*each, instruction_set, temperature) for each in PLANS]


def all_of(found: tuple[_native.Values, _native.Counts]) -> list[NDArray[Any]]:
    """Every array of what a plan says."""
    values, counts = found
    return [*values, *counts]


@dataclass(frozen=True)
class Spoiled(_native.Kernels):
    """Kernels with another value in the rows of one form, under one mode."""

    form: str = ""
    mode: Mode = "softmax"
    spoil: Callable[[NDArray[np.float64]], NDArray[np.float64]] = np.copy
    alone: bool | None = None
    """Whether only where the form is alone in the plan, or is not; None for both."""

    def plan(
        self, way: _native.Way, temperature: float, forms: Any, smooth: float = 0.0
    ) -> _native.Plan:
        """The plan of the right kernels, and what spoils its values."""
        right = super().plan(way, temperature, forms, smooth)
        names = [form.name for form in forms]
        meant = way == self.mode and self.alone in {None, len(set(names)) == 1}

        def plan(s: NDArray[Any], t: NDArray[Any]) -> tuple[_native.Values, _native.Counts]:
            values, counts = right(s, t)
            spoiled = [
                self.spoil(value) if meant and name == self.form else value
                for name, value in zip(names, values, strict=True)
            ]
            return spoiled, counts

        return plan


def spoiled(
    form: str,
    mode: Mode,
    spoil: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    alone: bool | None = None,
) -> Callable[[], Spoiled]:
    """What to put for `_native.load`."""
    kernels = _native.load()
    assert kernels is not None
    found = Spoiled(kernels.module, kernels.instruction_set, form, mode, spoil, alone)
    return lambda: found
