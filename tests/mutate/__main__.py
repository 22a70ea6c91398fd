"""Proves the suite by mutation: ``python -m tests.mutate --folder measures --count 100``.

Changes one thing in a module, a comparison, a constant, an operator, a statement, and runs the
tests that call the function; a change under which all pass survives, and shows a hole. Nothing in
the checkout is touched: everything runs in copies. The first run watches the tests once to see what
each of them calls, which takes about twice as long as they do. What was judged is kept in
``--state``, and a later run with the same seed goes on with the mutants that follow; with
``--again --seconds 600`` those that survived are judged once more, by more tests.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path
from queue import SimpleQueue
from typing import TypedDict

from tests.mutate.forks import LATE
from tests.mutate.mutants import Mutant, mutants
from tests.mutate.run import Chooser, Copy, Verdict, read_seen, watch

PROJECT = Path(__file__).parents[2]


class Judged(TypedDict):
    """A line of the log: a mutant, and what became of it."""

    key: str
    path: str
    line: int
    what: str
    killed_by: str | None
    tests: int
    diff: str


def main(arguments: Sequence[str] | None = None, project: Path = PROJECT) -> int:
    """Judge mutants, tell of those that survive, and return 1 if there are any."""
    told = _parser().parse_args(arguments)
    state = Path(told.state)
    state.mkdir(parents=True, exist_ok=True)
    seen, log = state / "seen.jsonl", state / "judged.jsonl"
    wanted = _choose(project, told)
    with tempfile.TemporaryDirectory() as folder:
        copies = [Copy(project, Path(folder) / str(i), told.package) for i in range(told.jobs)]
        if not read_seen(seen):
            tests = told.tests or ["tests"]
            watch(copies[0].folder, told.package, tests, seen.resolve(), told.jobs)
        chooser = Chooser(read_seen(seen), told.seconds)
        before = _read(log)
        done = {key for key, line in before.items() if line["killed_by"] or not told.again}
        try:
            _judge([mutant for mutant in wanted if mutant.key not in done], copies, chooser, log)
        finally:
            for copy in copies:
                copy.close()
    found = _read(log)
    judged = [found[mutant.key] for mutant in wanted]
    sys.stdout.writelines(f"{line}\n" for line in _report(judged))
    return int(any(line["killed_by"] is None for line in judged))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.mutate", description=__doc__)
    parser.add_argument("--folder", action="append", help="of the package, or a module; several")
    parser.add_argument("--count", type=int, default=100, help="how many mutants")
    parser.add_argument("--seed", type=int, default=0, help="which mutants")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time")
    parser.add_argument("--seconds", type=float, default=60, help="of tests for each mutant")
    parser.add_argument("--tests", action="append", help="that are watched; by default all")
    parser.add_argument("--again", action="store_true", help="judge those that survived anew")
    parser.add_argument("--words", action="store_true", help="change the words of messages too")
    parser.add_argument("--state", default=".mutate", help="where to keep what is known")
    parser.add_argument("--package", default="kldiv_cli")
    return parser


def _choose(project: Path, told: argparse.Namespace) -> list[Mutant]:
    """Return so many mutants of the folders, the same ones for the same seed and text."""
    package = project / told.package
    roots = [package / name for name in told.folder or [""]]
    every: list[Mutant] = []
    for path in sorted({p for root in roots for p in (root, *root.rglob("*.py")) if p.is_file()}):
        source = path.read_text(encoding="utf-8")
        every += mutants(str(path.relative_to(project)), source, words=told.words)
    return sorted(every, key=lambda mutant: _drawn(told.seed, mutant))[: told.count]


def _drawn(seed: int, mutant: Mutant) -> bytes:
    """Return what orders mutants at random; a change elsewhere leaves their order as it is."""
    return blake2b(f"{seed}:{mutant.key}".encode(), digest_size=8).digest()


def _judge(wanted: Sequence[Mutant], copies: Sequence[Copy], chooser: Chooser, log: Path) -> None:
    """Judge mutants, and write what becomes of each."""
    idle: SimpleQueue[Copy] = SimpleQueue()
    for copy in copies:
        idle.put(copy)

    def judge(mutant: Mutant) -> Verdict:
        copy = idle.get()
        try:
            return copy.judge(mutant, chooser.tests_of(mutant))
        finally:
            idle.put(copy)

    with ThreadPoolExecutor(len(copies)) as pool, log.open("a", encoding="utf-8") as file:
        for done, verdict in enumerate(pool.map(judge, wanted), 1):
            file.write(json.dumps(_line(verdict)) + "\n")
            file.flush()
            sign = "survived" if verdict.killed_by is None else "killed"
            place = f"{verdict.mutant.path}:{verdict.mutant.line}"
            sys.stderr.write(f"{done}/{len(wanted)} {sign} {place}\n")


def _line(verdict: Verdict) -> Judged:
    mutant = verdict.mutant
    return Judged(
        key=mutant.key,
        path=mutant.path,
        line=mutant.line,
        what=mutant.what,
        killed_by=verdict.killed_by,
        tests=verdict.tests,
        diff=verdict.diff,
    )


def _read(log: Path) -> dict[str, Judged]:
    """Return what was judged by the mutant's key, the last verdict of each."""
    if not log.exists():
        return {}
    lines: list[Judged] = [json.loads(x) for x in log.read_text(encoding="utf-8").splitlines()]
    return {line["key"]: line for line in lines}


def _report(judged: Sequence[Judged]) -> Iterator[str]:
    """Yield the survivors, and how many were killed in each folder."""
    for line in judged:
        if line["killed_by"] is None:
            yield f"survived {line['tests']} tests: {line['what']}, line {line['line']}"
            yield from line["diff"].splitlines()
            yield ""
    folders = Counter(_folder(line) for line in judged)
    killed = Counter(_folder(line) for line in judged if line["killed_by"] is not None)
    late = Counter(_folder(line) for line in judged if line["killed_by"] == LATE)
    for folder, count in sorted(folders.items()):
        yield _share(folder, killed[folder], count, late[folder])
    yield _share("all", killed.total(), len(judged), late.total())


def _folder(line: Judged) -> str:
    return "/".join(line["path"].split("/")[:2])


def _share(name: str, part: int, whole: int, late: int) -> str:
    share = f"{100 * part / max(whole, 1):.1f} %"
    return f"{name:<24}{part:>5} of {whole:>4} killed, {share}, {late} of them by time"


if __name__ == "__main__":
    sys.exit(main())
