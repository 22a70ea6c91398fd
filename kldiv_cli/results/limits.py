"""Limits on figures, and whether they hold."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING, Literal

from kldiv_cli.results.figures import Figure, figure

if TYPE_CHECKING:
    from kldiv_cli.results.comparison import Comparison

Bounds = tuple[tuple[str, float], ...]
Verdict = Literal["holds", "exceeded", "not reached", "not proved"]


@dataclass(frozen=True)
class Limit:
    """A limit on a figure, and the figure.

    Attributes
    ----------
    stat : str
        The figure's name: ``p99`` of the first measure, ``kl:p99``, ``same-argmax``, ``ppl:ratio``.
    above, below : float or None
        The figure may not be above the one, or not below the other. One of the two is None.
    figure : Figure
        The figure, its unit, and what is not known of it.
    when_unsure : {"pass", "fail"}
        What becomes of a limit that is not proved.
    """

    stat: str
    above: float | None
    figure: Figure
    below: float | None = None
    when_unsure: Literal["pass", "fail"] = "fail"

    @property
    def value(self) -> float:
        """The figure as it was computed."""
        return self.figure.value

    @property
    def unit(self) -> str | None:
        """Its unit."""
        return self.figure.unit

    @property
    def verdict(self) -> Verdict:
        """Whether the limit holds.

        "exceeded" and "not reached" say that the computed figure is beyond the limit, or NaN. "not
        proved" says that it is not, and that the true one may be.
        """
        if isnan(self.value) or self._beyond(self.value):
            return "exceeded" if self.below is None else "not reached"
        doubt = self.figure.doubt
        if doubt is None or not self._beyond(doubt.most if self.below is None else doubt.least):
            return "holds"
        return "not proved"

    @property
    def reservation(self) -> str:
        """What is to be said of a figure that is not exact, in words; empty for one that is."""
        doubt = self.figure.doubt
        if doubt is None:
            return ""
        if self.verdict == "not proved":
            return doubt.about(larger=self.below is None)
        return doubt.bounds(self.value)

    @property
    def exceeded(self) -> bool:
        """Whether the limit fails: True above it, below a lower one, for NaN, and in doubt.

        A limit that is not proved passes where ``when_unsure`` is "pass".
        """
        if self.verdict == "not proved":
            return self.when_unsure == "fail"
        return self.verdict != "holds"

    def _beyond(self, value: float) -> bool:
        if self.above is not None:
            return value > self.above
        return self.below is not None and value < self.below


def judged(
    comparison: Comparison,
    limits: Bounds,
    lower: Bounds,
    when_unsure: Literal["pass", "fail"] = "fail",
) -> tuple[Limit, ...]:
    """Return the limits with the verdict on each, those from above first."""
    above = [(stat, bound, None) for stat, bound in limits]
    below = [(stat, None, bound) for stat, bound in lower]
    return tuple(
        Limit(stat, most, figure(stat, comparison), least, when_unsure)
        for stat, most, least in above + below
    )
