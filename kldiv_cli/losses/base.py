"""What a loss is, and how it is summed over blocks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import inf, isfinite, nan
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from kldiv_cli import measures
from kldiv_cli.errors import UsageError
from kldiv_cli.measures.distributions.exact import real, widen
from kldiv_cli.measures.distributions.kinds import Kind, absent_as
from kldiv_cli.measures.distributions.pair import Pair
from kldiv_cli.measures.distributions.written import Written
from kldiv_cli.measures.types import Counts, Float64, Mode
from kldiv_cli.results.exact_sum import ExactSum


@dataclass(frozen=True)
class Rows:
    """Rows that count: their numbers, what is measured of them, and what labels give.

    ``reference`` and ``candidate`` are as files hold them. ``kinds`` says what the numbers of the
    two sides are, ``mode`` and ``temperature`` how they become distributions. ``values`` are the
    measures that the loss has named, one float64 per row.
    ``labels`` is the true class per row, ``prior`` the mean distribution of that class; None where
    the loss asks for neither. ``kept`` says which cells a mask keeps, shape (rows, classes), None
    where it keeps all of these rows: the others are absent on both sides, and a loss is that of
    rows without them.
    """

    reference: NDArray[Any]
    candidate: NDArray[Any]
    mode: Mode = "softmax"
    temperature: float = 1.0
    kinds: tuple[Kind, Kind] = ("logits", "logits")
    values: Mapping[str, Float64] = field(default_factory=dict)
    labels: Counts | None = None
    prior: Float64 | None = None
    kept: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.reference)

    def __getitem__(self, rows: NDArray[Any]) -> Rows:
        """Return some of them, given as booleans or by their places."""

        def some(each: NDArray[Any] | None) -> Any:
            return None if each is None else each[rows]

        return replace(
            self,
            reference=self.reference[rows],
            candidate=self.candidate[rows],
            values={name: each[rows] for name, each in self.values.items()},
            labels=some(self.labels),
            prior=some(self.prior),
            kept=some(self.kept),
        )

    def measured(self, name: str) -> Float64:
        """Return a measure of every row, in nats."""
        found = self.values.get(name)
        return measures.load(name).rows(self.pair) if found is None else found

    @cached_property
    def m(self) -> Float64:
        """The reference's numbers."""
        return widen(self.reference)

    @cached_property
    def n(self) -> Float64:
        """The candidate's."""
        return widen(self.candidate)

    @cached_property
    def pair(self) -> Pair:
        """Both sides as distributions."""
        return measures.prepare(self.mode, self.m, self.n, self.temperature, self.kinds)

    def absent(self, side: int) -> NDArray[np.bool_]:
        """Return which rows have a cell of probability 0 on a side, whatever a mask keeps."""
        values = real((self.reference, self.candidate)[side])
        found: NDArray[np.bool_] = values.min(axis=1) <= absent_as(self.kinds[side])
        return found

    def kept_of(self, cells: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return which of these cells the mask keeps."""
        return cells if self.kept is None else cells & self.kept

    @cached_property
    def written(self) -> tuple[Written, Written]:
        """The numbers of both sides, with what they are."""
        ours, theirs = self.kinds
        return Written(self.m, ours, self.mode), Written(self.n, theirs, self.mode)


@dataclass(frozen=True)
class Size:
    """What a reduction can divide by.

    ``batch`` is the length of the array's first axis, ``cells`` the number of elements: rows *
    classes, but for those that a mask leaves out.
    """

    rows: int
    classes: int
    batch: int
    cells: int

    @property
    def masked(self) -> bool:
        """Whether a mask leaves cells out."""
        return self.cells < self.rows * self.classes


@dataclass(frozen=True)
class Outcome:
    """What a loss comes to; see `kldiv_cli.results.loss.LossResult`."""

    value: float
    reduction: str
    denominator: float
    reference_name: str
    reference_value: float
    factor: float | None = None
    components: Mapping[str, float] | None = None
    notes: tuple[str, ...] = ()


class Loss(ABC):
    """A loss with its options: terms per row, whose sums make its value."""

    mode: ClassVar[Mode] = "softmax"
    temperature: float = 1.0
    """Both sides' logits are divided by it."""
    streams: ClassVar[bool] = False
    """Whether it needs no array of a block's size beside the measures."""
    whole_samples: ClassVar[bool] = False
    """Whether all axes but the first are one sample's, unless the user says otherwise."""

    @property
    def options(self) -> Mapping[str, Any]:
        """The values of the options, those that were left out filled in."""
        return vars(self)

    @property
    def needs_labels(self) -> bool:
        """Whether every row needs its true class."""
        return False

    @property
    def needs_prior(self) -> bool:
        """Whether every row needs the mean distribution of its class."""
        return False

    @property
    def measures(self) -> tuple[str, ...]:
        """The measures that it is made of."""
        return ()

    def weights(self, rows: Rows) -> Float64:
        """Return the distributions whose mean is a class's prior."""
        return rows.pair.p

    @abstractmethod
    def rows(self, rows: Rows) -> dict[str, Float64]:
        """Return the terms of each row, by name, to be summed."""

    @abstractmethod
    def result(self, sums: Mapping[str, float], size: Size) -> Outcome:
        """Return what the sums over all rows come to."""


class Softened(Loss):
    """A loss whose distributions are those of the logits over a temperature."""

    def at(self, divergence: str) -> str:
        """Say at which temperature a divergence is taken, where it is not 1."""
        at = "" if self.temperature == 1 else f" at T = {self.temperature:g}"
        return divergence + at


@dataclass(frozen=True)
class Sums:
    """The exact sums of a loss's terms over some rows: a monoid, whatever its order."""

    terms: Mapping[str, ExactSum]

    @classmethod
    def of(cls, loss: Loss, rows: Rows) -> Sums:
        """Return the sums over the rows of one block."""
        with np.errstate(over="ignore", invalid="ignore", under="ignore", divide="ignore"):
            terms = loss.rows(rows)
        return cls({name: ExactSum.of(values) for name, values in terms.items()})

    @classmethod
    def join(cls, parts: Sequence[Sums]) -> Sums:
        """Return the sums over all rows."""
        names = parts[0].terms
        return cls({name: ExactSum.join(part.terms[name] for part in parts) for name in names})

    def result(self, loss: Loss, size: Size, *, invalid: bool = False) -> Outcome:
        """Return the outcome; ``invalid`` makes it NaN, as one invalid row does in training."""
        sums = {name: nan if invalid else float(term) for name, term in self.terms.items()}
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            return loss.result(sums, size)


def weighted(*terms: tuple[float, float]) -> float:
    """Return the sum of weight * value; a term of weight 0 is left out, also where infinite."""
    return sum((weight * value for weight, value in terms if weight != 0), 0.0)


def over_elements(size: Size) -> str:
    """Say a mean over rows and classes."""
    if size.masked:
        return f"mean over the elements that are kept: sum / {size.cells}"
    return f"mean over all elements: sum / ({size.rows} rows x {size.classes} classes)"


def over_rows(size: Size) -> str:
    """Say a mean over rows."""
    return f"mean over rows: sum / {size.rows}"


def check_number(flag: str, value: float, low: float = -inf, high: float = inf) -> None:
    """Raise unless a number is finite and from ``low`` to ``high``."""
    if isfinite(value) and low <= value <= high:
        return
    bounds = ""
    if isfinite(low):
        bounds = f" from {low:g} to {high:g}" if isfinite(high) else f" of {low:g} or more"
    raise UsageError(
        f"expected {flag} to be a finite number{bounds}, found {value:g}",
        "Leave it out for the default.",
    )


def check_temperature(flag: str, value: float) -> None:
    """Raise unless a temperature is above 0."""
    if not (isfinite(value) and value > 0):
        raise UsageError(f"expected {flag} above 0, found {value:g}", "1 leaves the logits alone.")


def check_known(flag: str, value: str, known: Iterable[str]) -> None:
    """Raise unless a word is one of the known ones."""
    if value not in known:
        raise UsageError(f"no {flag} is called {value!r}", f"Known: {', '.join(known)}.")
