"""Arrays in .npy files, where the arithmetic and the memory are what takes the time."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.bench.base import Benchmark, Setting, Side, times_faster, times_slower
from tests.bench.inputs import SHORT_ROWS, WIDE
from tests.bench.processes import kldiv, whole, worker
from tests.bench.sides import ALL_THREE, compared

_PEERS = Path(__file__).parent / "peers"


def _script(setting: Setting) -> Side:
    return whole(kldiv("compare", *setting.inputs.pair(WIDE), "-m", ",".join(ALL_THREE)))


def _torch_script(setting: Setting) -> Side:
    script = str(_PEERS / "torch_script.py")
    return whole([setting.torch_python, script, *map(str, setting.inputs.pair(WIDE))])


def _sum(setting: Setting) -> Side:
    return worker(setting, sys.executable, "peers.numpy_sum", "mapped", *setting.inputs.pair(WIDE))


def _short_rows(setting: Setting) -> Side:
    return whole(kldiv("compare", *setting.inputs.pair(SHORT_ROWS)))


def _short_rows_in_numpy(setting: Setting) -> Side:
    script = str(_PEERS / "numpy_whole.py")
    return whole([sys.executable, script, *map(str, setting.inputs.pair(SHORT_ROWS))])


BENCHMARKS = (
    Benchmark(
        name="script",
        work="J and both KLs, process",
        against="torch as people write it, process",
        target=times_faster(9),
        ours=_script,
        peer=_torch_script,
        size=WIDE,
        needs_torch=True,
    ),
    Benchmark(
        name="sum",
        work="J and both KLs, 2 threads",
        against="NumPy sums both maps, 2 threads",
        target=times_slower(4.5),
        ours=compared(*ALL_THREE),
        peer=_sum,
        size=WIDE,
    ),
    Benchmark(
        name="float16",
        work="J and both KLs of float16, 2 threads",
        against="the same of float32",
        target=times_slower(1.3),
        ours=compared(*ALL_THREE, files_of="float16.npy"),
        peer=compared(*ALL_THREE),
        size=WIDE,
    ),
    Benchmark(
        name="short-rows",
        work="J of 10 classes, process",
        against="NumPy float32, whole arrays, process",
        target=times_faster(6),
        ours=_short_rows,
        peer=_short_rows_in_numpy,
        size=SHORT_ROWS,
    ),
)
