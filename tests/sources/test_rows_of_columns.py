"""Columns of Arrow as rows: the C code, and PyArrow and NumPy where it is not or cannot be used."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from kldiv_cli.measures import _native
from kldiv_cli.sources.tables.rows import as_rows, fill

BUILT = find_spec("kldiv_cli.sources.tables._columns") is not None
KINDS = {"float16": pa.float16(), "float32": pa.float32(), "float64": pa.float64()}

native = pytest.mark.skipif(not BUILT, reason="the extension is not built")


def columns(rows: int, count: int, dtype: str, *, nulls: bool = False) -> pa.RecordBatch:
    cells = np.random.default_rng(0).normal(size=(count, rows)).astype(dtype)
    mask = np.arange(count * rows).reshape(count, rows) % 7 == 0 if nulls else None
    made = [pa.array(cells[i], mask=None if mask is None else mask[i]) for i in range(count)]
    return pa.RecordBatch.from_arrays(made, [str(i) for i in range(count)])


def expected(batch: pa.RecordBatch) -> np.ndarray[Any, Any]:
    lists = [[np.nan if x is None else float(x) for x in c.to_pylist()] for c in batch.columns]
    return np.array(lists, np.float64).reshape(batch.num_columns, len(batch)).T


@pytest.mark.skipif(not _native.instruction_sets(), reason="the C kernels are not built either")
def test_the_extension_is_there() -> None:
    assert BUILT, "built before there was one: pip install -e ."


@native
@pytest.mark.parametrize("nulls", [False, True], ids=["full", "nulls"])
@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize(("rows", "count"), [(0, 3), (1, 1), (3, 33), (256, 8), (600, 70)])
def test_columns_are_copied(rows: int, count: int, dtype: str, nulls: bool) -> None:
    batch = columns(rows, count, dtype, nulls=nulls)
    found = np.zeros((rows, count), dtype)
    assert fill(found, batch)
    np.testing.assert_array_equal(found, expected(batch))


@native
def test_slices_are_copied_into_a_part_of_rows() -> None:
    batch = columns(100, 20, "float32", nulls=True).slice(13, 50)
    whole = np.full((52, 24), -1, np.float32)
    assert fill(whole[1:51, 3:23], batch)
    np.testing.assert_array_equal(whole[1:51, 3:23], expected(batch))
    whole[1:51, 3:23] = -1
    assert (whole == -1).all()


@native
@pytest.mark.parametrize(
    "batch",
    [
        columns(4, 2, "float64"),
        columns(3, 2, "float32"),
        columns(4, 3, "float32"),
        pa.record_batch({"a": pa.array([1.0] * 4, pa.float32()), "b": pa.nulls(4)}),
        pa.record_batch({"a": pa.array([1] * 4, pa.int32()), "b": pa.array([1] * 4, pa.int32())}),
    ],
    ids=["type", "rows", "columns", "nothing", "integers"],
)
def test_what_does_not_fit_is_left_alone(batch: pa.RecordBatch) -> None:
    found = np.zeros((4, 2), np.float32)
    assert not fill(found, batch)
    assert not found.any()


@pytest.mark.parametrize("kernels", ["", "numpy"])
@pytest.mark.parametrize("dtype", KINDS)
def test_numpy_gives_the_same(dtype: str, kernels: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLDIV_KERNELS", kernels)
    batch = columns(9, 5, dtype, nulls=True)
    found = as_rows(batch)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, expected(batch))
