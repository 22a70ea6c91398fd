"""What the caller asks of a comparison, checked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite, isnan, log
from typing import Literal

from kldiv_cli.errors import UsageError
from kldiv_cli.measures.base import Measure
from kldiv_cli.measures.distributions.kinds import KINDS, Kind
from kldiv_cli.measures.types import Float64, Mode
from kldiv_cli.results.limits import Bounds, check

Unit = Literal["nats", "bits"]
NanPolicy = Literal["raise", "omit", "propagate"]


@dataclass(frozen=True)
class Request:
    """The options of a comparison, as `kldiv_cli.compare` documents them.

    Raises
    ------
    UsageError
        An option has no such value.
    """

    mode: Mode
    temperature: float
    unit: Unit
    nan_policy: NanPolicy
    top: int
    measures: tuple[Measure, ...]
    kinds: tuple[Kind, Kind]
    normalize: bool
    smooth: float
    limits: Bounds
    lower_limits: Bounds
    threads: int = 1

    def __post_init__(self) -> None:
        check_mode(self.mode)
        _check_known("unit", self.unit, ("nats", "bits"))
        check_nan_policy(self.nan_policy)
        check_kinds(self.kinds)
        check_temperature(self.temperature)
        if not 0 <= self.smooth < 1:
            raise UsageError(
                f"expected --smooth of 0 or more and below 1, found {self.smooth:g}",
                "It is the weight of the uniform distribution in the candidate.",
            )
        check_normalize(self.mode, self.kinds, normalize=self.normalize)
        if self.top < 0:
            raise UsageError(
                f"expected --top of 0 or more, found {self.top}", "--top 10 is the default."
            )
        if self.threads < 1:
            raise UsageError(
                f"expected a whole number of --threads, 1 or more, found {self.threads}",
                "Leave it out to use all cores.",
            )
        if not self.measures:
            raise UsageError(
                "expected at least one measure, found none", "jeffreys is the default."
            )
        for stat, bound in (*self.limits, *self.lower_limits):
            check(stat, [measure.name for measure in self.measures], self.mode)
            if isnan(bound):
                raise UsageError(
                    f"expected a number as the limit of {stat}, found nan",
                    "Say for example mean=0.01.",
                )

    def in_unit(self, nats: Float64, measure: Measure) -> Float64:
        """Return values in the unit asked for; those of a measure without a unit as they are."""
        return nats / log(2) if self.unit == "bits" and measure.has_unit else nats


def check_mode(mode: str) -> None:
    """Raise a `UsageError` for an unknown mode."""
    _check_known("mode", mode, ("softmax", "sigmoid"))


def check_nan_policy(policy: str) -> None:
    """Raise a `UsageError` for an unknown thing to do with invalid rows."""
    _check_known("nan policy", policy, ("raise", "omit", "propagate"))


def check_temperature(temperature: float) -> None:
    """Raise a `UsageError` for what logits cannot be divided by."""
    if not (isfinite(temperature) and temperature > 0):
        raise UsageError(
            f"expected a temperature above 0, found {temperature:g}", "1 leaves the logits alone."
        )


def check_kinds(kinds: tuple[Kind, Kind]) -> None:
    """Raise a `UsageError` for an unknown kind of input."""
    for kind in kinds:
        _check_known("kind of input", kind, KINDS)


def _check_known(what: str, value: str, known: Iterable[str]) -> None:
    if value not in known:
        raise UsageError(f"no {what} is called {value!r}", f"Known: {', '.join(known)}.")


def check_normalize(mode: Mode, kinds: tuple[Kind, Kind], *, normalize: bool) -> None:
    """Raise a `UsageError` where there are no rows of probabilities to normalise."""
    if normalize and kinds == ("logits", "logits"):
        raise UsageError(
            "--normalize is for probabilities, and there are none",
            "Leave it out, or say --input probs.",
        )
    if normalize and mode == "sigmoid":
        raise UsageError(
            "--normalize is for rows that sum to 1, and under sigmoid none has to",
            "Leave it out.",
        )
