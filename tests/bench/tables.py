"""Tables, where reading the format is what takes the time."""

from __future__ import annotations

from collections.abc import Callable

from tests.bench.base import Benchmark, Setting, Side, times_slower
from tests.bench.inputs import TABLE, Kind
from tests.bench.processes import kldiv, python, whole

_READ_PARQUET = "import sys; from pyarrow.parquet import read_table as r; [*map(r, sys.argv[1:])]"
_READ_CSV = "import sys; from pyarrow.csv import read_csv as r; [*map(r, sys.argv[1:])]"


def _compare(kind: Kind) -> Callable[[Setting], Side]:
    return lambda setting: whole(kldiv("compare", *setting.inputs.pair(TABLE, kind)))


def _read(kind: Kind, code: str) -> Callable[[Setting], Side]:
    return lambda setting: whole(python(code, *setting.inputs.pair(TABLE, kind)))


BENCHMARKS = (
    Benchmark(
        name="parquet",
        work="J of fixed-size lists, zstd, process",
        against="pyarrow read_table of both, process",
        target=times_slower(1.4),
        ours=_compare("parquet"),
        peer=_read("parquet", _READ_PARQUET),
        size=TABLE,
    ),
    Benchmark(
        name="csv",
        work="J of .csv, process",
        against="pyarrow read_csv of both, process",
        target=times_slower(1),
        ours=_compare("csv"),
        peer=_read("csv", _READ_CSV),
        size=TABLE,
    ),
)
