"""What training code's losses take beside the comparison itself."""

from __future__ import annotations

from tests.bench.base import Benchmark, Setting, Side, times_slower
from tests.bench.inputs import TABLE
from tests.bench.processes import kldiv, whole
from tests.bench.sides import Prepare


def _loss(name: str) -> Prepare:
    def prepare(setting: Setting) -> Side:
        words = [*setting.inputs.pair(TABLE)]
        if name == "dkd":
            return whole(kldiv("loss", name, *words, "--labels", setting.inputs.labels(TABLE)))
        return whole(kldiv("loss", name, *words))

    return prepare


def _compare(setting: Setting) -> Side:
    return whole(kldiv("compare", *setting.inputs.pair(TABLE)))


BENCHMARKS = tuple(
    Benchmark(
        name=f"loss-{name}",
        work=f"loss {name}, process",
        against="compare of the same files, process",
        target=times_slower(bound),
        ours=_loss(name),
        peer=_compare,
        size=TABLE,
    )
    for name, bound in (("kd", 1.5), ("dkd", 1.5), ("gkl", 2))
)
