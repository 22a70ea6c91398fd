"""Tries mutants of a format, and prints a line before and after each.

``python -m tests.attack.mutation FORMAT SEED FOLDER NUMBER...``, which `attack` starts. It ends by
a signal where a mutant takes too long.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
import traceback
import warnings
from pathlib import Path

from tests.attack.base import Budget
from tests.attack.mutation.inputs import mutant
from tests.attack.mutation.trial import attempt

SECONDS = 10.0
"""Of the processor, for one mutant."""
ROOM = 3 << 30
"""How much may be asked for beyond what is taken when the first mutant is tried."""
MEMORY = 300 << 20
"""How much more may be held than ever before because of one mutant."""


def main(name: str, seed: int, folder: Path, numbers: list[int]) -> None:
    """Try these mutants."""
    budget = Budget(f"mutation-{name}", numbers, folder, seed)
    taken = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = taken * resource.getpagesize() + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    warnings.simplefilter("error")
    for number in numbers:
        _say({"begin": number})
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        _say({"end": number, "what": _one(name, budget, number, folder)})
        signal.setitimer(signal.ITIMER_PROF, 0)


def _one(name: str, budget: Budget, number: int, folder: Path) -> str:
    dice = budget.dice(number)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        changed = mutant(name, dice, folder)
    for old in folder.iterdir():
        old.unlink()
    before = _most()
    try:
        outcome = attempt(changed, folder, dice)
    except BaseException as error:  # noqa: BLE001 - that is what this looks for
        last = traceback.extract_tb(error.__traceback__)[-1]
        return f"HARM {type(error).__name__}: {error} ({last.filename}:{last.lineno})"
    more = _most() - before
    return outcome if more < MEMORY else f"HARM took {more >> 20} MB"


def _most() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def _say(line: dict[str, int | str]) -> None:
    sys.__stdout__.write(json.dumps(line) + "\n")  # type: ignore[union-attr]
    sys.__stdout__.flush()  # type: ignore[union-attr]


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), [*map(int, sys.argv[4].split(","))])
