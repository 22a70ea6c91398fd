"""The most memory that a comparison holds, pages of mapped files among it."""

from __future__ import annotations

from collections.abc import Callable

from tests.bench.base import ONCE, Benchmark, Setting, Side, Target
from tests.bench.inputs import LONG, WIDE, Size
from tests.bench.processes import kldiv, peak


def _compare(size: Size) -> Callable[[Setting], Side]:
    return lambda setting: peak(kldiv("compare", *setting.inputs.pair(size)))


BENCHMARKS = (
    Benchmark(
        name="memory",
        work="peak memory of J, process",
        against="the same, an eighth of the rows",
        target=Target("ours/peer", 1.1, limit=300),
        ours=_compare(LONG),
        peer=_compare(WIDE),
        size=LONG,
        unit="MB",
        rounds=ONCE,
    ),
)
