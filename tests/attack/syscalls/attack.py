"""Every call of a run fails once, in a run of its own: right numbers, or an error with a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from errno import EINTR
from pathlib import Path
from queue import Queue
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tests.attack.base import Budget, Failure, Tally, each
from tests.attack.runs import Run, harm
from tests.attack.syscalls.scenarios import Scenario, scenarios
from tests.attack.syscalls.server import Server, server
from tests.attack.syscalls.shim import ERRORS, HALF, Fault, clear, counted

FOREVER = 1 << 30


class Case(NamedTuple):
    """A run, what comes of it where nothing fails, and what fails."""

    scenario: Scenario
    quiet: Run
    written: bytes | None
    fault: Fault


def attack(budget: Budget) -> Tally:
    """Let calls fail, in an order that the seed decides."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="kldiv-attack-")))
        (folder / "read").mkdir()
        servers: Queue[Server] = Queue()
        for _ in range(budget.jobs):
            servers.put(stack.enter_context(server()))
        bench = Bench(folder, servers)
        cases = [case for each in scenarios(folder / "read") for case in bench.cases(each)]
        budget.dice(0).shuffle(cases)

        def attempt(number: int) -> str | Failure:
            case = cases[number]
            wrong, outcome = bench.attempt(case)
            if wrong is None:
                return outcome
            return budget.failure(number, f"{case.scenario.name}: {case.fault}: {wrong}")

        return each(budget, attempt, len(cases))


class Bench(NamedTuple):
    """Where runs are made."""

    folder: Path
    servers: Queue[Server]

    def cases(self, scenario: Scenario) -> Iterator[Case]:
        """Run a scenario as it is, and yield a case for each call and each way to fail."""
        quiet, written, counts = self._run(scenario, None)
        assert quiet.code == 0, quiet.err
        for kind, count in counts.items():
            for error in ERRORS[kind]:
                for at in range(count):
                    yield Case(scenario, quiet, written, Fault(kind, at, error))
                if count and kind in ("read", "write") and error not in (HALF, EINTR):
                    yield Case(scenario, quiet, written, Fault(kind, count // 2, error, FOREVER))

    def attempt(self, case: Case) -> tuple[str | None, str]:
        """Return what is wrong with a run in which something fails, and what came of it."""
        done, written, _ = self._run(case.scenario, case.fault)
        wrong = harm(done) or _wrong(case, done, written, self.folder)
        return wrong, "as always" if done.code == 0 else "refused"

    def _run(
        self, scenario: Scenario, fault: Fault | None
    ) -> tuple[Run, bytes | None, dict[str, int]]:
        """Return what came of a run, what it wrote, and how many calls there were."""
        with TemporaryDirectory(dir=self.folder, prefix="run-") as name:
            place, counts = Path(name), Path(f"{name}.counts")
            clear(counts)
            words = list(scenario.words)
            if scenario.output is not None:
                words[words.index(scenario.output)] = str(place / scenario.output)
                if scenario.before is not None:
                    (place / scenario.output).write_bytes(scenario.before)
            runner = self.servers.get()
            try:
                done = runner.run(words, self.folder, counts, fault)
            finally:
                self.servers.put(runner)
            found = counted(counts)
            counts.unlink()
            left = {path.name: path.read_bytes() for path in place.iterdir()}
        written = left.pop(scenario.output, None) if scenario.output is not None else None
        if left and (fault is None or fault.kind != "unlink"):
            done = done._replace(code=-1, err=done.err + f"left {sorted(left)}".encode())
        return done, written, found


def _wrong(case: Case, done: Run, written: bytes | None, folder: Path) -> str | None:
    if written not in (case.written, case.scenario.before):
        return f"wrote {(written or b'nothing')[:100]!r}"
    if done.code == 0:
        if done.out != case.quiet.out or written != case.written:
            return f"exit 0 and printed {done.out[:300]!r}, not {case.quiet.out[:300]!r}"
        return None
    if case.fault.error == HALF:
        return f"a short {case.fault.kind} is no error: {done.err!r}"
    said = done.err.decode()
    if str(folder) not in said and "standard output" not in said:
        return f"names no file: {said}"
    return None
