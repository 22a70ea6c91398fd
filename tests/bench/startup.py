"""Small work, where starting is what takes the time."""

from __future__ import annotations

from collections.abc import Callable

from tests.bench.base import STARTS, Benchmark, Setting, Side, times_slower
from tests.bench.processes import kldiv, on_terminal, python, whole

_MAGIKA = ("samples/magika-fp32.npy", "samples/magika-int8.npy")


def _each_time(command: list[str]) -> Callable[[Setting], Side]:
    return lambda _: whole(command)


BENCHMARKS = (
    Benchmark(
        name="sample",
        work="kldiv compare of the Magika sample",
        against='python -c "import numpy"',
        target=times_slower(1.7),
        ours=_each_time(kldiv("compare", *_MAGIKA)),
        peer=_each_time(python("import numpy")),
        rounds=STARTS,
        judged=min,
    ),
    Benchmark(
        name="terminal",
        work="the same, on a terminal",
        against='python -c "import numpy"',
        target=times_slower(1.9),
        ours=lambda _: on_terminal(kldiv("compare", *_MAGIKA)),
        peer=_each_time(python("import numpy")),
        rounds=STARTS,
        judged=min,
    ),
    Benchmark(
        name="help",
        work="kldiv --help",
        against='python -c "import typer"',
        target=times_slower(2.6),
        ours=_each_time(kldiv("--help")),
        peer=_each_time(python("import typer")),
        rounds=STARTS,
        judged=min,
    ),
    Benchmark(
        name="version",
        work="kldiv --version",
        against='python -c "import typer"',
        target=times_slower(1.3),
        ours=_each_time(kldiv("--version")),
        peer=_each_time(python("import typer")),
        rounds=STARTS,
        judged=min,
    ),
)
