"""Run a benchmark: both sides by turns."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from time import perf_counter

from tests.bench.base import QUICK, Benchmark, FailedError, Rounds, Sample, Setting, Side
from tests.bench.inputs import Inputs

_CLOSE = 0.01
"""How far apart what both sides find may be: torch's float32 and float16 files round."""


@dataclass(frozen=True)
class Result:
    """What a benchmark took, in its unit, round by round; nothing with a reason."""

    benchmark: Benchmark
    quick: bool
    ours: tuple[float, ...] = ()
    peer: tuple[float, ...] = ()
    missing: str | None = None
    how: str = ""
    """Which of several ways of the peer was the fastest."""

    @property
    def judged(self) -> tuple[float, float] | None:
        """Ours and the peer's, of many rounds; None where nothing was measured."""
        judged = self.benchmark.judged
        return None if self.missing else (judged(self.ours), judged(self.peer))

    @property
    def reached(self) -> bool | None:
        """Whether the target is reached; None without one, unmeasured, or of other sizes."""
        target = self.benchmark.target
        other_size = self.quick and self.benchmark.size is not None
        if self.judged is None or target is None or other_size:
            return None
        return target.reached(*self.judged)


def measure(benchmark: Benchmark, inputs: Inputs, torch_python: str) -> Result:
    """Prepare both sides, run each once to warm up, then both by turns.

    Raises
    ------
    FailedError
        A side does not do its work, or they disagree on what they computed.
    """
    rounds, how = benchmark.rounds, ""
    if inputs.quick and rounds.most > QUICK.most:
        rounds = QUICK
    with ExitStack() as processes:
        setting = Setting(inputs, torch_python, processes)
        sides = benchmark.ours(setting), benchmark.peer(setting)
        if rounds.most > 1:
            warm = [side() for side in sides]
            agree(*warm)
            how = warm[1].how
        ours, peer = by_turns(*sides, rounds)
    return Result(benchmark, inputs.quick, ours, peer, how=how)


def agree(ours: Sample, peer: Sample) -> None:
    """Raise a `FailedError` where both sides say what they found and it is not the same."""
    if ours.value is None or peer.value is None:
        return
    if not abs(ours.value - peer.value) <= _CLOSE * abs(peer.value):
        raise FailedError(f"expected a mean of {peer.value}, as the peer has, found {ours.value}")


def by_turns(ours: Side, peer: Side, rounds: Rounds) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Run one side, then the other, and again; return what each round took."""
    taken: list[tuple[float, float]] = []
    start = perf_counter()
    while len(taken) < rounds.least or (
        len(taken) < rounds.most and perf_counter() - start < rounds.seconds
    ):
        taken.append((ours().amount, peer().amount))
    return tuple(each[0] for each in taken), tuple(each[1] for each in taken)
