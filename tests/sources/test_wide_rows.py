"""Rows that are larger than what is read of a table at a time."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from kldiv_cli.sources.base import Layout
from kldiv_cli.sources.formats.opening import open_source
from tests.sources import test_arrow as arrow
from tests.sources import test_parquet as parquet

ROWS = 3
BATCH_BYTES = 1 << 22


def lists(width: int, kind: str) -> pa.Array:
    """Make rows of which each number is its place, from one list to the next."""
    flat = pa.array(np.arange(ROWS * width, dtype=np.float32))
    fixed = pa.FixedSizeListArray.from_arrays(flat, width)
    return fixed if kind == "fixed" else fixed.cast(pa.list_(pa.float32()))


def save(folder: Path, column: pa.Array, kind: str) -> Path:
    table = {"id": ["u", "v", "w"], "logits": column}
    if kind == "parquet":
        return parquet.save(folder, table)
    return arrow.save(folder, table, kind)


@pytest.mark.parametrize("rows", [1, 2, 8])
@pytest.mark.parametrize("listing", ["list", "fixed"])
@pytest.mark.parametrize("kind", ["parquet", "file", "stream", "zstd"])
def test_lists_may_be_wider_than_a_batch(
    tmp_path: Path, kind: str, listing: str, rows: int
) -> None:
    width = BATCH_BYTES // 4 + 1
    source = open_source(save(tmp_path, lists(width, listing), kind), Layout())
    blocks = list(source.blocks(rows))
    assert source.class_shape == (width,)
    assert sum(map(len, blocks)) == ROWS
    for row, values in enumerate(row for block in blocks for row in block.values):
        first = np.float32(row * width)
        assert (values[0], values[-1]) == (first, np.float32((row + 1) * width - 1))


@pytest.mark.parametrize("kind", ["parquet", "file"])
def test_a_text_may_be_wider_than_a_batch(tmp_path: Path, kind: str) -> None:
    width = BATCH_BYTES // 4 + 1
    rows = lists(width, "list")
    texts = pa.ListArray.from_arrays(pa.array([0, 1, ROWS], pa.int32()), rows)
    table = {"id": ["u", "v"], "logits": texts}
    path = (parquet if kind == "parquet" else arrow).save(tmp_path, table)
    blocks = list(open_source(path, Layout()).blocks(1))
    assert [block.values.shape for block in blocks] == [(1, width)] * ROWS
    assert [block.ids.tolist() for block in blocks if block.ids is not None] == [
        ["u,0"],
        ["v,0"],
        ["v,1"],
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory from /proc")
@pytest.mark.parametrize("kind", ["parquet", "file"])
def test_a_few_wide_rows_are_in_memory(tmp_path: Path, kind: str) -> None:
    rows, width = 40, 1 << 20  # 160 MB
    flat = np.random.default_rng(0).standard_normal(rows * width, dtype=np.float32)
    whole = pa.table({"l": pa.FixedSizeListArray.from_arrays(flat, width)})
    if kind == "parquet":
        small = parquet.save(tmp_path, whole.slice(0, 2), "small.parquet")
        large = parquet.save(tmp_path, whole, "large.parquet")
    else:
        small = arrow.save(tmp_path, whole.slice(0, 2), kind, "small.arrow")
        large = arrow.save(tmp_path, whole, kind, "large.arrow", rows=rows)
    assert arrow.peak(large) < arrow.peak(small) + 80
