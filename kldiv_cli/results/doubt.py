"""What is not known of a figure, because files hide part of what it is made of."""

from __future__ import annotations

from dataclasses import dataclass
from math import isinf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kldiv_cli.results.comparison import Comparison
    from kldiv_cli.results.language import LanguageResult

_SUBJECTS = {
    "candidate": "PPL(q)",
    "reference": "PPL(p)",
    "ratio": "the ratio",
    "ln-ratio": "the ln ratio",
    "difference": "the difference",
    "correlation": "the correlation",
}
INVALID = "invalid rows decide nothing"
_LIKE_KLD = ("jeffreys", "kl")


@dataclass(frozen=True)
class Doubt:
    """What is not known of a figure.

    Attributes
    ----------
    least, most : float
        The least and the largest value that it may have; the figure lies between them.
    smaller, larger : str
        Why it may be smaller or larger than it was computed.
    subject : str
        What it is called in a sentence.
    instead : str
        Which figure is known; empty where there is none.
    """

    least: float
    most: float
    smaller: str = ""
    larger: str = ""
    subject: str = "it"
    instead: str = ""

    def state(self, value: float) -> str:
        """Say what the computed value is."""
        if value == self.least:
            return "a lower bound"
        return "an upper bound" if value == self.most else "off either way"

    def about(self, *, larger: bool) -> str:
        """Say why it may be larger or smaller, and how much."""
        end, way = (self.most, "larger") if larger else (self.least, "smaller")
        how = f"any {way}" if isinf(end) else f"as {'large' if larger else 'small'} as {end!r}"
        instead = f"; {self.instead}" if self.instead else ""
        return f"{self.larger if larger else self.smaller}: {self.subject} may be {how}{instead}"

    def bounds(self, value: float) -> str:
        """Say what the computed value is, and how far off the true one may be."""
        ends = (("at least", self.least), ("at most", self.most))
        known = [f"{word} {end!r}" for word, end in ends if end != value and not isinf(end)]
        return ", ".join([self.state(value), *known])

    def told(self, value: float) -> str:
        """Say the same, and why."""
        both = ((self.smaller, self.least), (self.larger, self.most))
        reasons = dict.fromkeys(reason for reason, end in both if end != value)
        return f"{self.bounds(value)}: {' and '.join(reasons)}"


def doubt_of_measure(measure: str, name: str, comparison: Comparison) -> Doubt | None:
    """Return what is not known of a statistic of a measure; None where it is exact."""
    found, hidden = comparison.measures[measure].ranges.get(name), comparison.hidden
    if found is None or hidden is None:
        return None
    hides = f"up to {hidden.most:.3g} of a row is censored"
    language = comparison.language if measure in _LIKE_KLD else None
    known = language is not None and name in {"mean", *language.kld.percentiles}
    instead = f"kld:{name} depends on less of it" if known else ""
    return Doubt(*found, hides, hides, instead=instead)


def doubt_of_tokens(stat: str, result: LanguageResult) -> Doubt | None:
    """Return what is not known of a figure of scored tokens; None where it is exact."""
    found = result.ranges.get(stat)
    if found is None:
        return None
    kind, _, name = stat.partition(":")
    if kind == "same-top":
        return Doubt(*found, INVALID, INVALID)
    if kind == "kld":
        return Doubt(*found, larger=f"q's file hides up to {result.blind_max:.3g} of a row of p")
    told = {
        x: f"{side.targets} token{' is' if side.targets == 1 else 's are'} censored in {x}"
        for x, side in zip("pq", result.censored, strict=True)
        if side is not None and side.targets
    }
    in_p, in_q, both = told.get("p", ""), told.get("q", ""), " and ".join(told.values())
    if kind == "delta-p":
        return Doubt(*found, smaller=in_q, larger=in_p)
    smaller, larger = {
        "candidate": ("", in_q),
        "reference": ("", in_p),
        "correlation": (both, both),
    }.get(name, (in_p, in_q))
    known = result.known.tokens
    instead = f"ppl-known:{name} has the {known} that both files know" if known else ""
    return Doubt(*found, smaller, larger, _SUBJECTS[name], instead)
