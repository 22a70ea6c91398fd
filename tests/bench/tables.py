"""Formats other than .npy, where reading is what takes the time."""

from __future__ import annotations

from pathlib import Path

from tests.bench.base import Benchmark, Setting, Side, Target, times_faster, times_slower
from tests.bench.inputs import CHUNKS, TABLE, Kind, Size
from tests.bench.processes import kldiv, python, whole

_EACH = "import sys; [*map(read, sys.argv[1:])]"
_READ_PARQUET = f"from pyarrow.parquet import read_table as read; {_EACH}"
_READ_CSV = f"from pyarrow.csv import read_csv as read; {_EACH}"
_READ_ARROW = f"""
import pyarrow as pa
from pyarrow import compute
def read(path):
    table = pa.ipc.open_file(pa.memory_map(path)).read_all()
    return [compute.sum(column) for column in table]
{_EACH}"""
_READ_NPZ = f"""
import numpy as np
def read(path):
    return [each for each in np.load(path).values()]
{_EACH}"""
_KLD = str(Path(__file__).parent / "peers" / "numpy_kld.py")


def _row(
    kind: Kind, work: str, against: str, target: Target, code: str, size: Size = TABLE
) -> Benchmark:
    def compare(setting: Setting) -> Side:
        return whole(kldiv("compare", *setting.inputs.pair(size, kind)))

    def read(setting: Setting) -> Side:
        return whole(python(code, *setting.inputs.pair(size, kind)))

    return Benchmark(
        name=kind.replace(".", "-"),
        work=f"{work}, process",
        against=f"{against}, process",
        target=target,
        ours=compare,
        peer=read,
        size=size,
    )


BENCHMARKS = (
    _row(
        "parquet",
        "J of fixed-size lists, zstd",
        "PyArrow read_table of both",
        times_slower(1.4),
        _READ_PARQUET,
    ),
    _row(
        "columns.parquet",
        "J of a column per class, zstd",
        "PyArrow read_table of both",
        times_slower(1.1),
        _READ_PARQUET,
    ),
    _row(
        "arrow",
        "J of a column per class, .arrow",
        "PyArrow maps and sums both",
        times_slower(1.5),
        _READ_ARROW,
    ),
    _row("npz", "J of deflated .npz", "np.load of both", times_slower(0.9), _READ_NPZ),
    _row("csv", "J of .csv", "PyArrow read_csv of both", times_slower(1), _READ_CSV),
    _row(
        "kld",
        "a pair of llama.cpp's files",
        "NumPy float32 decoder and KLD, 2 threads",
        times_faster(1.5),
        f"import runpy; runpy.run_path({_KLD!r})",
        size=CHUNKS,
    ),
)
