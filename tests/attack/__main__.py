"""Attacks kldiv: ``python -m tests.attack [CLASS ...]``, from the project's folder.

Prints how many inputs of each class were tried and how many survived; exits 1 where one did not,
with how to see it again. A class is named whole or by its first words: ``mutation`` is all classes
that begin with ``mutation-``.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from math import inf
from pathlib import Path

from tests.attack.attacks import ATTACKS, run
from tests.attack.base import Budget, Tally
from tests.attack.report import failures, table


def main(words: Sequence[str] | None = None) -> int:
    """Run what was asked for and print it; 1 where something did not survive, else 0."""
    told = _parser().parse_args(words)
    names = dict.fromkeys(name for chosen in told.classes or [list(ATTACKS)] for name in chosen)
    tallies: dict[str, Tally] = {}
    for name in names:
        numbers = range(_count(name, told)) if told.number is None else [told.number]
        if sys.stderr.isatty():
            sys.stderr.write(f"{name}: {ATTACKS[name].description}, {len(numbers):,} inputs\n")
        tallies[name] = run(Budget(name, numbers, told.keep, told.seed, told.seconds, told.jobs))
    sys.stdout.write(table(tallies) + failures(tallies))
    return int(any(tally.failures for tally in tallies.values()))


def _count(name: str, told: argparse.Namespace) -> int:
    if told.inputs is not None:
        return int(told.inputs)
    return ATTACKS[name].short if told.short else ATTACKS[name].inputs


def _classes(word: str) -> list[str]:
    found = [name for name in ATTACKS if f"{name}-".startswith(f"{word}-")]
    if not found:
        raise argparse.ArgumentTypeError(
            f"no attack is called {word!r}; known: {', '.join(ATTACKS)}"
        )
    return found


def _parser() -> argparse.ArgumentParser:
    rows = (f"  {name}: {row.description}" for name, row in ATTACKS.items())
    parser = argparse.ArgumentParser(
        prog="python -m tests.attack",
        description=__doc__,
        epilog="\n".join(["the classes:", *rows]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "classes", nargs="*", type=_classes, metavar="CLASS", help="run these (default: all)"
    )
    parser.add_argument("--inputs", type=int, metavar="N", help="of each class")
    parser.add_argument("--short", action="store_true", help="as few inputs as the suite tries")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="which inputs")
    parser.add_argument("--seconds", type=float, default=inf, metavar="S", help="of each class")
    parser.add_argument("--number", type=int, metavar="N", help="that input alone")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, metavar="J", help="processes at a time"
    )
    parser.add_argument(
        "--keep",
        type=Path,
        default=Path(".attack"),
        metavar="DIR",
        help="takes the inputs that did not survive (default: .attack)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
