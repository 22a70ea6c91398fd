"""The registry of attacks. An attack is one file and one row of :data:`ATTACKS`."""

from __future__ import annotations

from kldiv_cli import imported
from tests.attack.base import Attack, Budget, Tally

ATTACKS = {
    "environment": Attack(
        "tests.attack.environment:attack",
        "closed streams, full disks, few descriptors, little memory, odd locales and terminals",
        inputs=500,
        short=24,
    ),
}


def run(budget: Budget) -> Tally:
    """Run the attack that a budget names."""
    tally: Tally = imported(ATTACKS[budget.name].home)(budget)
    return tally
