"""The files of the benchmarks hold what they are said to hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pyarrow import csv, ipc, parquet

from kldiv_cli import compare
from tests.bench.inputs import Inputs, Size


def test_every_kind_of_file_holds_the_same_numbers(tmp_path: Path) -> None:
    inputs, size = Inputs(tmp_path, quick=False), Size(5, 3, quick_rows=2)
    sides = [np.load(path) for path in inputs.pair(size)]
    assert [(side.dtype, side.shape) for side in sides] == [("float32", (5, 3))] * 2
    assert 0.001 < np.abs(sides[1] - sides[0]).max() < 0.4
    for side, path in zip(sides, inputs.pair(size, "float16.npy"), strict=True):
        assert np.array_equal(np.load(path), side.astype(np.float16))
    for side, path in zip(sides, inputs.pair(size, "parquet"), strict=True):
        assert parquet.read_table(path).to_pydict() == {"logits": side.tolist()}
    for side, path in zip(sides, inputs.pair(size, "csv"), strict=True):
        columns = csv.read_csv(path).to_pydict()
        assert list(columns) == ["class0", "class1", "class2"]
        assert np.array_equal(np.array(list(columns.values()), dtype=np.float32).T, side)
    columns = [
        parquet.read_table(path).to_pydict() for path in inputs.pair(size, "columns.parquet")
    ]
    for path, expected in zip(inputs.pair(size, "arrow"), columns, strict=True):
        assert ipc.open_file(path).read_all().to_pydict() == expected
    for side, path, expected in zip(sides, inputs.pair(size, "npz"), columns, strict=True):
        assert np.array_equal(np.load(path)["logits"], side)
        assert np.array_equal(np.array(list(expected.values()), dtype=np.float32).T, side)
    for side, path in zip(sides, inputs.pair(size, "probs.npy"), strict=True):
        weights = np.exp(side.astype(float))
        np.testing.assert_allclose(np.load(path), weights / weights.sum(1, keepdims=True), 1e-6)
    far = [np.load(path) for path in inputs.pair(size, "far.npy")]
    assert np.array_equal(far[0], sides[0])
    assert 1 < np.abs(far[1] - far[0]).std() < 3


def test_a_logits_file_of_llama_cpp_is_one(tmp_path: Path) -> None:
    size = Size(510, 7, quick_rows=255)
    for path in Inputs(tmp_path, quick=True).pair(size, "kld"):
        assert compare(path, path).rows == 255


def test_labels_and_masks_fit(tmp_path: Path) -> None:
    inputs, size = Inputs(tmp_path, quick=False), Size(50, 30, quick_rows=2)
    labels, mask = np.load(inputs.labels(size)), np.load(inputs.mask(size))
    assert labels.shape == (50,)
    assert 0 <= labels.min() <= labels.max() < 30
    assert (mask.shape, mask.dtype) == ((50, 30), "bool")
    assert 0.85 < mask.mean() < 0.95
