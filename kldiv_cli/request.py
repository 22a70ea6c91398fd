"""What the caller asks of a comparison, checked."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, isnan, log
from typing import Literal

from kldiv_cli.errors import UsageError
from kldiv_cli.measures.base import Mode
from kldiv_cli.summary import STATISTICS

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
    limits: tuple[tuple[str, float], ...]

    def __post_init__(self) -> None:
        for name, value, known in (
            ("mode", self.mode, ("softmax", "sigmoid")),
            ("unit", self.unit, ("nats", "bits")),
            ("nan policy", self.nan_policy, ("raise", "omit", "propagate")),
            *(("statistic", stat, STATISTICS) for stat, _ in self.limits),
        ):
            if value not in known:
                raise UsageError(f"no {name} is called {value!r}", f"Known: {', '.join(known)}.")
        if not (isfinite(self.temperature) and self.temperature > 0):
            raise UsageError(
                f"expected a temperature above 0, found {self.temperature:g}",
                "1 leaves the logits alone.",
            )
        if self.top < 0:
            raise UsageError(
                f"expected --top of 0 or more, found {self.top}", "--top 10 is the default."
            )
        for stat, above in self.limits:
            if isnan(above):
                raise UsageError(
                    f"expected a number as the limit of {stat}, found nan",
                    "Say for example mean=0.01.",
                )

    @property
    def nats_per_unit(self) -> float:
        """What values in nats are divided by."""
        return 1.0 if self.unit == "nats" else log(2)
