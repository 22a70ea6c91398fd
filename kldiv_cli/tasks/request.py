"""What the pass of a comparison needs of its options."""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import Self

from kldiv_cli import measures
from kldiv_cli.measures.base import Measure
from kldiv_cli.measures.distributions.kinds import Kind
from kldiv_cli.measures.types import Float64, Mode
from kldiv_cli.results.limits import check
from kldiv_cli.tasks.executors.threads import available_threads
from kldiv_cli.tasks.options import Compare, checks
from kldiv_cli.tasks.options.typed import NanPolicy, Unit


@dataclass(frozen=True, kw_only=True)
class Request:
    """The measures, loaded, and what they are computed from."""

    mode: Mode
    temperature: float
    unit: Unit
    nan_policy: NanPolicy
    top: int
    measures: tuple[Measure, ...]
    kinds: tuple[Kind, Kind]
    normalize: bool
    smooth: float
    threads: int

    @classmethod
    def of(cls, asked: Compare) -> Self:
        """Return what the pass needs of what was asked.

        Raises
        ------
        UsageError
            There is no such measure or figure, or options cannot be together.
        """
        checks.normalize(asked.mode, asked.kind, normalize=asked.normalize)
        found = tuple(measures.load(name) for name in asked.measure)
        for stat, _ in asked.limits + asked.lower_limits:
            check(stat, [measure.name for measure in found], asked.mode)
        return cls(
            mode=asked.mode,
            temperature=asked.temperature,
            unit=asked.unit,
            nan_policy=asked.nan_policy,
            top=asked.top,
            measures=found,
            kinds=asked.kind,
            normalize=asked.normalize,
            smooth=asked.smooth,
            threads=asked.threads or available_threads(),
        )

    def in_unit(self, nats: Float64, measure: Measure) -> Float64:
        """Return values in the unit asked for; those of a measure without a unit as they are."""
        return nats / log(2) if self.unit == "bits" and measure.has_unit else nats
