"""Arrays in .npy files, where the arithmetic and the memory are what takes the time."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

from tests.bench.base import Benchmark, Setting, Side, times_faster, times_slower
from tests.bench.inputs import SHORT_ROWS, WIDE, Kind
from tests.bench.processes import kldiv, whole, worker

_PEERS = Path(__file__).parent / "peers"
_ALL_THREE = ("jeffreys", "kl", "reverse-kl")
_BLOCK = 64
_SMALL_BLOCK = 16
"""Rows whose temporaries stay in cache: the fastest of 4, 8, ... 128 for torch."""


def _script(setting: Setting) -> Side:
    return whole(kldiv("compare", *setting.inputs.pair(WIDE), "-m", ",".join(_ALL_THREE)))


def _torch_script(setting: Setting) -> Side:
    script = str(_PEERS / "torch_script.py")
    return whole([setting.torch_python, script, *map(str, setting.inputs.pair(WIDE))])


def _compare(
    kind: Kind = "float32.npy",
    mode: str = "softmax",
    measure: tuple[str, ...] = _ALL_THREE,
    threads: int = 2,
) -> Callable[[Setting], Side]:
    options = json.dumps({"mode": mode, "measure": measure, "threads": threads})

    def prepare(setting: Setting) -> Side:
        paths = setting.inputs.pair(WIDE, kind)
        return worker(setting, sys.executable, "ours", *paths, options)

    return prepare


def _torch(form: str, block: int) -> Callable[[Setting], Side]:
    def prepare(setting: Setting) -> Side:
        paths = setting.inputs.pair(WIDE)
        return worker(setting, setting.torch_python, "peers.torch_blocked", form, block, *paths)

    return prepare


def _sum(setting: Setting) -> Side:
    return worker(setting, sys.executable, "peers.numpy_sum", *setting.inputs.pair(WIDE))


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
        target=times_faster(12),
        ours=_script,
        peer=_torch_script,
        size=WIDE,
        needs_torch=True,
    ),
    Benchmark(
        name="torch",
        work="J and both KLs, 2 threads",
        against=f"torch float32, {_BLOCK} rows a block, 2 threads",
        target=times_faster(1.7),
        ours=_compare(),
        peer=_torch("softmax", _BLOCK),
        size=WIDE,
        needs_torch=True,
    ),
    Benchmark(
        name="torch-small",
        work="J and both KLs, 2 threads",
        against=f"torch float32, {_SMALL_BLOCK} rows a block, 2 threads",
        target=None,
        ours=_compare(),
        peer=_torch("softmax", _SMALL_BLOCK),
        size=WIDE,
        needs_torch=True,
    ),
    Benchmark(
        name="sum",
        work="J and both KLs, 2 threads",
        against="NumPy sums both arrays, 2 threads",
        target=times_slower(6),
        ours=_compare(),
        peer=_sum,
        size=WIDE,
    ),
    Benchmark(
        name="sigmoid",
        work="sigmoid J, 2 threads",
        against=f"torch float32, {_BLOCK} rows a block, 2 threads",
        target=times_faster(2),
        ours=_compare(mode="sigmoid", measure=("jeffreys",)),
        peer=_torch("sigmoid", _BLOCK),
        size=WIDE,
        needs_torch=True,
    ),
    Benchmark(
        name="sigmoid-small",
        work="sigmoid J, 2 threads",
        against=f"torch float32, {_SMALL_BLOCK} rows a block, 2 threads",
        target=None,
        ours=_compare(mode="sigmoid", measure=("jeffreys",)),
        peer=_torch("sigmoid", _SMALL_BLOCK),
        size=WIDE,
        needs_torch=True,
    ),
    Benchmark(
        name="float16",
        work="J and both KLs of float16, 2 threads",
        against="the same of float32",
        target=times_slower(1.3),
        ours=_compare(kind="float16.npy"),
        peer=_compare(),
        size=WIDE,
    ),
    Benchmark(
        name="threads",
        work="J and both KLs, 2 threads",
        against="the same, 1 thread",
        target=times_faster(1.8),
        ours=_compare(),
        peer=_compare(threads=1),
        size=WIDE,
    ),
    Benchmark(
        name="short-rows",
        work="J of 10 classes, process",
        against="NumPy float32, whole arrays, process",
        target=times_slower(1),
        ours=_short_rows,
        peer=_short_rows_in_numpy,
        size=SHORT_ROWS,
    ),
)
