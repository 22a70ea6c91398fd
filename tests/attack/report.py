"""What was tried and what survived, as a table."""

from __future__ import annotations

from collections.abc import Mapping

from tests.attack.attacks import ATTACKS
from tests.attack.base import Tally

HEADER = "attack", "tried", "survived", "what came of them"


def table(tallies: Mapping[str, Tally]) -> str:
    """Return a line for each attack below a header, and the sums."""
    lines = [HEADER, *(_cells(name, tally) for name, tally in tallies.items())]
    total = sum(tallies.values(), Tally())
    lines.append(("all", f"{total.tried:,}", f"{total.survived:,}", ""))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = ""
    for name, tried, survived, outcomes in lines:
        cells = name.ljust(widths[0]), tried.rjust(widths[1]), survived.rjust(widths[2]), outcomes
        text += "  ".join(cells).rstrip() + "\n"
    return text


def failures(tallies: Mapping[str, Tally]) -> str:
    """Return what failed, each with how to see it again."""
    return "".join(
        f"\n{name} ({ATTACKS[name].description}): {failure.what}\n  {failure.again}\n"
        for name, tally in tallies.items()
        for failure in tally.failures
    )


def _cells(name: str, tally: Tally) -> tuple[str, str, str, str]:
    outcomes = ", ".join(f"{count:,} {what}" for what, count in sorted(tally.outcomes.items()))
    return name, f"{tally.tried:,}", f"{tally.survived:,}", outcomes
