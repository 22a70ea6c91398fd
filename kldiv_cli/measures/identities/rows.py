"""Rows to check, what ``compare`` computes of them, and their distributions by definition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from kldiv_cli import measures
from kldiv_cli.measures import MEASURES
from kldiv_cli.measures.distributions import exact
from kldiv_cli.measures.distributions.kinds import Kind
from kldiv_cli.measures.distributions.pair import Pair
from kldiv_cli.measures.evaluation import Evaluator
from kldiv_cli.measures.identities.distributions import Both, Smoothed, scaled, weights_of
from kldiv_cli.measures.identities.double import Bools
from kldiv_cli.measures.types import Float64, Mode

T = TypeVar("T")


@dataclass(frozen=True)
class Group:
    """Counted rows of one width and one type, as files hold them, at one temperature.

    ``kept`` are the cells that a mask keeps, shape (rows, classes); None for all.
    """

    s: NDArray[Any]
    t: NDArray[Any]
    temperature: float
    kept: Bools | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and classes."""
        return len(self.s), self.s.shape[1]


@dataclass(frozen=True)
class Rows:
    """Groups of rows, checked together: each is a block for ``compare``, all one by definition.

    Attributes
    ----------
    groups : sequence of Group
        The rows.
    mode : {"softmax", "sigmoid"}
        The link function.
    kinds : pair of {"logits", "probs", "log-probs"}
        What the numbers of each side are.
    smooth : float
        The weight of the uniform distribution that the candidate is mixed with.
    thorough : bool
        Whether measures with a parameter are checked at several, and not at one.
    """

    groups: Sequence[Group]
    mode: Mode
    kinds: tuple[Kind, Kind] = ("logits", "logits")
    smooth: float = 0.0
    thorough: bool = False
    _found: dict[object, Any] = field(default_factory=dict, compare=False, repr=False)

    def under(self, mode: Mode | None = None, smooth: float | None = None) -> Rows:
        """Return the same rows under another link function, or smoothed; not to be thorough."""
        mode = self.mode if mode is None else mode
        smooth = self.smooth if smooth is None else smooth
        if (mode, smooth) == (self.mode, self.smooth):
            return self
        return self._once(
            (mode, smooth),
            lambda: replace(self, mode=mode, smooth=smooth, thorough=False, _found={}),
        )

    def at(self, temperature: float) -> Rows:
        """Return the same rows at another temperature."""
        groups = [replace(group, temperature=temperature) for group in self.groups]
        return self._once(temperature, lambda: replace(self, groups=groups, _found={}))

    @cached_property
    def s(self) -> Float64:
        """The reference's numbers; rows that are narrower than others end in what is absent."""
        return self._side("s", self.kinds[0])

    @cached_property
    def t(self) -> Float64:
        """The candidate's numbers in the same way."""
        return self._side("t", self.kinds[1])

    @cached_property
    def temperature(self) -> Float64:
        """One per row, a column."""
        each = [np.full((len(group.s), 1), group.temperature) for group in self.groups]
        return np.concatenate(each)

    @cached_property
    def kept(self) -> Bools:
        """The cells that exist, shape (rows, classes)."""
        return self._wide(
            lambda group: np.ones(group.shape, bool) if group.kept is None else group.kept, False
        )

    @cached_property
    def known(self) -> Bools:
        """The rows of which definitions are in the range of float64, shape (rows,).

        A logit next to the largest of all numbers may lie beyond it over T, on one side alone.
        """
        beyond = [np.isfinite(x) & np.isinf(2 * x / self.temperature) for x in (self.s, self.t)]
        found: Bools = (beyond[0] == beyond[1]).all(axis=1)
        return found

    @cached_property
    def both(self) -> Both:
        """The distributions by definition."""
        if self.smooth:
            return Smoothed(self.under(smooth=0.0).both, self.smooth, self.kept)
        s, t, temperature = self.s, self.t, self.temperature
        if self.kinds == ("logits", "logits"):
            s, t, temperature = scaled(s, t, temperature)
        column = temperature if self.mode == "softmax" else temperature[:, None]
        ours, theirs = (
            weights_of(x, kind, self.mode) for x, kind in zip((s, t), self.kinds, strict=True)
        )
        return Both(ours, theirs, column)

    def parameters(self, name: str) -> tuple[float, ...]:
        """Return at which parameters a measure is checked, those that are said to have one."""
        few, more = _PARAMETERS[name]
        return few + more if self.thorough else few

    def measured(self, name: str) -> list[Float64]:
        """Return a measure of the rows in all ways that it is computed here.

        The first is that of ``compare`` with other measures. Then, where C computes it, alone, and
        by NumPy. NaN is left for an identity to fail by, with its row.
        """
        together = _FIRST if name in _FIRST else self._others
        found = [self._by_evaluator(together, name)]
        measure = measures.load(name)
        if any(self._evaluator((name,), group).by_kernel for group in self.groups):
            found.append(self._by_evaluator((name,), name))
            found.append(np.concatenate([measure.rows(pair, lenient=True) for pair in self._pairs]))
        return found

    @cached_property
    def _others(self) -> tuple[str, ...]:
        """The other measures, at every parameter."""
        plain = [name for name, row in MEASURES.rows().items() if row.parameter is None]
        typed = (f"{name}:{x:g}" for name in _PARAMETERS for x in self.parameters(name))
        return tuple(dict.fromkeys([*plain, *typed, _HALF]))

    def by_numpy(self, attribute: str) -> Float64:
        """Return what the NumPy form of the rows has under a name, rows as wide as the widest."""
        pairs = self._once("wide", lambda: self.holding(self.s, self.t))._pairs
        return np.concatenate([getattr(pair, attribute) for pair in pairs])

    def holding(self, s: Float64, t: Float64) -> Rows:
        """Return rows of other numbers at the same temperatures, as many for each row here."""
        each = len(s) // len(self.s)
        ends = np.cumsum([each * len(group.s) for group in self.groups])[:-1]
        parts = zip(self.groups, np.split(s, ends), np.split(t, ends), strict=True)
        groups = [Group(ours, theirs, group.temperature) for group, ours, theirs in parts]
        return replace(self, groups=groups, _found={})

    @cached_property
    def _pairs(self) -> list[Pair]:
        return [
            measures.prepare(
                self.mode,
                exact.real(group.s),
                exact.real(group.t),
                group.temperature,
                self.kinds,
                self.smooth,
                group.kept,
            )
            for group in self.groups
        ]

    def _by_evaluator(self, names: tuple[str, ...], name: str) -> Float64:
        def values() -> list[dict[str, Float64]]:
            return [
                self._evaluator(names, group).evaluate(group.s, group.t, group.kept).values
                for group in self.groups
            ]

        return np.concatenate([found[name] for found in self._once(names, values)])

    def _evaluator(self, names: tuple[str, ...], group: Group) -> Evaluator:
        asked = [measures.load(name) for name in names]
        return Evaluator(asked, self.mode, group.temperature, self.kinds, self.smooth, lenient=True)

    def _once(self, key: object, make: Callable[[], T]) -> T:
        if key not in self._found:
            self._found[key] = make()
        found: T = self._found[key]
        return found

    def _side(self, name: str, kind: Kind) -> Float64:
        absent = 0.0 if kind == "probs" else -np.inf
        return self._wide(lambda group: exact.widen(getattr(group, name)), absent)

    def _wide(self, part: Callable[[Group], NDArray[Any]], instead: float) -> NDArray[Any]:
        width = max(group.shape[1] for group in self.groups)
        return np.concatenate(
            [
                np.pad(part(group), ((0, 0), (0, width - group.shape[1])), constant_values=instead)
                for group in self.groups
            ]
        )


_FIRST = ("jeffreys", "kl", "reverse-kl")
"""What the pass over the rows that goes first has."""
_HALF = "renyi:0.5"
_PARAMETERS: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "gjs": ((0.1,), (0.5, 0.9)),
    "skew-kl": ((0.1,), (0.0, 0.9)),
    "skew-reverse-kl": ((0.1,), (0.0, 0.9)),
    "renyi": ((2.0, 0.1, np.inf), (0.5, 0.999, 10.0)),
}
"""The parameters at which measures are always checked, and those of thorough checks beside them."""
