"""Mutants of a format, tried in processes that may die."""

from __future__ import annotations

import json
import select
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile

from tests.attack.base import ROOT, Budget, Failure, Tally
from tests.attack.runs import ENVIRONMENT

SECONDS = 120.0
"""A process that says nothing for so long hangs."""
_HARM = "HARM "


def attack(budget: Budget) -> Tally:
    """Try mutants of the format in the budget's name."""
    stripes = [budget.numbers[i :: budget.jobs] for i in range(budget.jobs)]
    with ThreadPoolExecutor(budget.jobs) as pool:
        return sum(pool.map(lambda numbers: _stripe(budget, numbers), stripes), Tally())


def _stripe(budget: Budget, numbers: Sequence[int]) -> Tally:
    """Try these mutants one after the other; after one that ends the process, in a new one."""
    outcomes, failures, at = Counter[str](), list[Failure](), 0
    while at < len(numbers) and not budget.is_over:
        for what in _process(budget, numbers[at:]):
            number, at = numbers[at], at + 1
            if what.startswith(_HARM):
                failures.append(_failure(budget, number, what.removeprefix(_HARM)))
            else:
                outcomes[what] += 1
            if at == len(numbers) or budget.is_over:
                break
    return Tally(outcomes, tuple(failures))


def _process(budget: Budget, numbers: Sequence[int]) -> Iterator[str]:
    """Yield what came of these mutants, up to one that ended the process."""
    name = budget.name.removeprefix("mutation-")
    with TemporaryDirectory(prefix="kldiv-attack-") as folder, TemporaryFile() as said:
        process = subprocess.Popen(
            [
                *(sys.executable, "-X", "faulthandler", "-m", "tests.attack.mutation", name),
                *(str(budget.seed), folder, ",".join(map(str, numbers[:5000]))),
            ],
            cwd=ROOT,
            env={**ENVIRONMENT, "MALLOC_ARENA_MAX": "2"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
        )
        assert process.stdout is not None
        begun = False
        try:
            while select.select([process.stdout], [], [], SECONDS)[0]:
                line = process.stdout.readline()
                if not line:
                    break
                found = json.loads(line)
                begun = "begin" in found
                if not begun:
                    yield found["what"]
            else:
                yield f"{_HARM}hangs"
                return
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
        said.seek(0)
        if begun or process.returncode:
            tail = said.read().decode("utf-8", "replace")[-1500:]
            yield f"{_HARM}ends with {process.returncode}: {tail}"


def _failure(budget: Budget, number: int, what: str) -> Failure:
    from tests.attack.mutation.inputs import mutant

    with TemporaryDirectory(prefix="kldiv-attack-") as name:
        folder = Path(name)
        changed = mutant(budget.name.removeprefix("mutation-"), budget.dice(number), folder)
        path = folder / changed.name
        path.write_bytes(changed.content)
        return budget.failure(number, what, path)
