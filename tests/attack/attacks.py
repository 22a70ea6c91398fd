"""The registry of attacks. An attack is one file and one row of :data:`ATTACKS`."""

from __future__ import annotations

from kldiv_cli import imported
from kldiv_cli.sources.formats import FORMATS
from tests.attack.base import Attack, Budget, Tally

ATTACKS = {
    **{
        f"mutation-{name}": Attack(
            "tests.attack.mutation.attack:attack",
            f"mutated files of {name}, what is read compared with another reader",
            inputs=7700,
            short=30,
        )
        for name in FORMATS.known()
    },
    "syscalls": Attack(
        "tests.attack.syscalls.attack:attack",
        "each system call on a file fails once: EIO, EINTR, ENOSPC, half of it and others",
        inputs=12000,
        short=100,
    ),
    "threads": Attack(
        "tests.attack.threads:attack",
        "16 threads against 1, bit for bit: all formats, shards, masks, groups",
        inputs=300,
        short=6,
    ),
    "environment": Attack(
        "tests.attack.environment:attack",
        "closed streams, full disks, few descriptors, little memory, odd locales and terminals",
        inputs=600,
        short=24,
    ),
    "signals": Attack(
        "tests.attack.signals:attack",
        "kill -9, Ctrl-C and other signals at any moment, while outputs replace older ones",
        inputs=1000,
        short=15,
    ),
}


def run(budget: Budget) -> Tally:
    """Run the attack that a budget names."""
    tally: Tally = imported(ATTACKS[budget.name].home)(budget)
    return tally
