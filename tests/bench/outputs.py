"""What writing a row of results for each of many rows takes."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.bench.base import Benchmark, Rounds, Setting, Side, times_slower
from tests.bench.inputs import SHORT_ROWS
from tests.bench.processes import kldiv, output_of, whole
from tests.bench.sides import Prepare

_SCRIPT = str(Path(__file__).parent / "peers" / "csv_of_rows.py")
_LONG = Rounds(7, 0, 7)


def _written(suffix: str) -> Prepare:
    def prepare(setting: Setting) -> Side:
        pair, path = setting.inputs.pair(SHORT_ROWS), setting.inputs.folder / f"rows.{suffix}"
        return whole(kldiv("compare", *pair, "-o", path))

    return prepare


def _by_pyarrow(setting: Setting) -> Side:
    folder = setting.inputs.folder
    source = folder / "rows.parquet"
    output_of(kldiv("compare", *setting.inputs.pair(SHORT_ROWS), "-o", source))
    return whole([sys.executable, _SCRIPT, str(source), str(folder / "rows-of-pyarrow.csv")])


BENCHMARKS = tuple(
    Benchmark(
        name=f"rows-{suffix}",
        work=f"J of 10 classes, -o rows.{suffix}, process",
        against="PyArrow's CSV writer on the same columns, process",
        target=times_slower(bound),
        ours=_written(suffix),
        peer=_by_pyarrow,
        size=SHORT_ROWS,
        rounds=_LONG,
    )
    for suffix, bound in (("csv", 1.5), ("jsonl", 4))
)
