"""Classes along any axis: whatever holds the array, rows are those that NumPy takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kldiv_cli.errors import InputError, LogitsError
from kldiv_cli.sources.arrays.array import ArraySource
from kldiv_cli.sources.arrays.deflated import DeflatedSource
from kldiv_cli.sources.base import Indexed, Layout, Source, beginning
from kldiv_cli.sources.formats.opening import open_source
from kldiv_cli.sources.views.choice import Chosen
from kldiv_cli.sources.views.selected import Selected
from tests.sources.test_safetensors import save as save_safetensors

Array = npt.NDArray[Any]

SHAPE = (3, 4, 5, 6)
VALUES = np.random.default_rng(13).standard_normal(SHAPE).astype(np.float32)
AXES = (0, 1, 2, 3, -1, -4)


def rows_of(array: Array, axis: int) -> Array:
    """Return the rows as NumPy copies them."""
    return np.ascontiguousarray(np.moveaxis(array, axis, -1)).reshape(-1, array.shape[axis])


def npy(path: Path) -> Path:
    np.save(path / "x.npy", VALUES)
    return path / "x.npy"


def npy_in_fortran_order(path: Path) -> Path:
    np.save(path / "x.npy", np.asfortranarray(VALUES))
    return path / "x.npy"


def npz(path: Path) -> Path:
    np.savez(path / "x.npz", VALUES)
    return path / "x.npz"


def npz_deflated(path: Path) -> Path:
    np.savez_compressed(path / "x.npz", VALUES)
    return path / "x.npz"


def npz_deflated_in_fortran_order(path: Path) -> Path:
    np.savez_compressed(path / "x.npz", np.asfortranarray(VALUES))
    return path / "x.npz"


def safetensors(path: Path) -> Path:
    return save_safetensors(path / "x.safetensors", logits=VALUES)


def json_document(path: Path) -> Path:
    (path / "x.json").write_text(json.dumps(VALUES.tolist()))
    return path / "x.json"


HELD = [
    *(npy, npy_in_fortran_order, npz, npz_deflated, npz_deflated_in_fortran_order, safetensors),
    json_document,
]


def read(source: Source, rows: int) -> Array:
    blocks = list(source.blocks(rows))
    assert all(len(block) <= rows for block in blocks)
    return np.concatenate([block.values for block in blocks])


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("held", HELD)
class TestEveryContainer:
    def source(self, tmp_path: Path, held: Callable[[Path], Path], axis: int) -> Source:
        return open_source(held(tmp_path), Layout(class_axis=axis))

    @pytest.mark.parametrize("rows", [1, 7, 1000])
    def test_rows_are_those_that_numpy_takes(
        self, tmp_path: Path, held: Callable[[Path], Path], axis: int, rows: int
    ) -> None:
        source, expected = self.source(tmp_path, held, axis), rows_of(VALUES, axis)
        np.testing.assert_array_equal(read(source, rows), expected)
        assert (source.shape, source.class_axes) == (SHAPE, (axis % 4,))
        assert source.class_shape == (SHAPE[axis],)
        assert source.row_shape == tuple(np.delete(SHAPE, axis))

    def test_some_rows(self, tmp_path: Path, held: Callable[[Path], Path], axis: int) -> None:
        source, expected = self.source(tmp_path, held, axis), rows_of(VALUES, axis)
        drawn = np.array([0, 3, 4, 11, len(expected) - 1])
        for chosen, rows in (
            (Chosen(5, 47), expected[5:47]),
            (Chosen(0, len(expected), drawn=drawn), expected[drawn]),
        ):
            np.testing.assert_array_equal(read(Selected(source, chosen), 8), rows)

    def test_the_first_rows(self, tmp_path: Path, held: Callable[[Path], Path], axis: int) -> None:
        first = next(beginning(self.source(tmp_path, held, axis), 4)).values
        np.testing.assert_array_equal(first, rows_of(VALUES, axis)[: len(first)])
        assert len(first) > 1


@given(
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    order=st.randoms(use_true_random=False),
    axis=st.integers(-4, 3),
    rows=st.integers(1, 40),
)
def test_an_array_of_any_strides(shape: list[int], order: Any, axis: int, rows: int) -> None:
    axis = axis % len(shape)
    laid = order.sample(range(len(shape)), len(shape))
    array = np.arange(4 * prod(shape), dtype=np.int32).reshape([2 * shape[0], 2, *shape[1:]])
    array = array[::-2, 1].reshape(shape).transpose(laid)
    source = ArraySource(array, Layout(class_axis=axis))
    np.testing.assert_array_equal(read(source, rows), rows_of(array, axis))


class TestOneInputOfSeveral:
    @pytest.mark.parametrize("axis", AXES)
    @pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
    def test_arrays_of_an_archive(
        self, tmp_path: Path, axis: int, save: Callable[..., None]
    ) -> None:
        parts = VALUES, np.float32(2) * VALUES
        save(tmp_path / "x.npz", *parts)
        source = open_source(tmp_path / "x.npz", Layout(class_axis=axis, key="arr_*"))
        expected = np.concatenate([rows_of(part, axis) for part in parts])
        np.testing.assert_array_equal(read(source, 7), expected)
        grown = 1 if axis % 4 == 0 else 0
        shape = list(SHAPE)
        shape[grown] *= 2
        assert (source.shape, source.class_axes) == (tuple(shape), (axis % 4,))
        np.testing.assert_array_equal(next(beginning(source, 4)).values[:2], expected[:2])

    def test_arrays_that_differ_in_their_inner_rows(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "x.npz", VALUES, VALUES[:, :, :2])
        source = open_source(tmp_path / "x.npz", Layout(class_axis=1, key="arr_*"))
        assert (source.shape, source.class_axes) == ((90 + 36, 4), (1,))
        expected = np.concatenate([rows_of(VALUES, 1), rows_of(VALUES[:, :, :2], 1)])
        np.testing.assert_array_equal(read(source, 7), expected)

    @pytest.mark.parametrize("axis", [1, -1, 0])
    def test_files_of_a_folder(self, tmp_path: Path, axis: int) -> None:
        for number, part in enumerate((VALUES, -VALUES)):
            np.save(tmp_path / f"{number}.npy", part)
        source = open_source(tmp_path, Layout(class_axis=axis))
        expected = np.concatenate([rows_of(VALUES, axis), rows_of(-VALUES, axis)])
        np.testing.assert_array_equal(read(source, 7), expected)
        assert source.class_axes == (axis % 4,)
        assert source.shape == ((6, 4, 5, 6) if axis else (3, 8, 5, 6))

    def test_single_rows_are_stacked(self, tmp_path: Path) -> None:
        for number in range(3):
            np.save(tmp_path / f"{number}.npy", VALUES[0, 0, number])
        source = open_source(tmp_path, Layout(class_axis=0))
        assert (source.shape, source.class_axes) == ((3, 6), (1,))


class TestAxesOfClasses:
    @pytest.mark.parametrize(
        ("shape", "layout", "axes", "rows"),
        [
            ((6,), Layout(), (0,), (1,)),
            ((6,), Layout(row_axes=0), (0,), (1,)),
            ((6,), Layout(row_axes=1), (), (6,)),
            ((6,), Layout(class_axis=-1), (0,), (1,)),
            ((2, 6), Layout(), (1,), (2,)),
            ((2, 6), Layout(class_axis=0), (0,), (6,)),
            ((2, 3, 6), Layout(row_axes=1), (1, 2), (2,)),
        ],
    )
    def test_are_told(
        self,
        shape: tuple[int, ...],
        layout: Layout,
        axes: tuple[int, ...],
        rows: tuple[int, ...],
    ) -> None:
        source = ArraySource(np.zeros(shape), layout)
        assert (source.class_axes, source.row_shape) == (axes, rows)
        assert source.class_shape == (tuple(shape[axis] for axis in axes) or (1,))

    @pytest.mark.parametrize(("axis", "shape"), [(2, (3, 4)), (-3, (3, 4)), (1, (6,))])
    def test_out_of_range(self, axis: int, shape: tuple[int, ...]) -> None:
        last = len(shape) - 1
        with pytest.raises(LogitsError) as caught:
            ArraySource(np.zeros(shape), Layout(class_axis=axis))
        assert caught.value.what == (
            f"array: expected --class-axis from {-len(shape)} to {last} for shape {shape}, found "
            f"{axis}"
        )
        assert caught.value.advice == "Axes are counted from 0; -1 is the last."


def test_the_first_rows_are_read_alone(tmp_path: Path) -> None:
    """A damaged byte behind them is found by who reads all rows."""
    values, path = np.tile(VALUES, (9, 1, 9, 1)), tmp_path / "x.npz"
    np.savez(path, values)
    content = bytearray(path.read_bytes())
    content[content.index(values.tobytes()) + values.nbytes - 1] ^= 1
    path.write_bytes(content)
    source = open_source(path, Layout(class_axis=1))
    first = beginning(source, 7)
    for start in (0, 7):
        expected = rows_of(values, 1)[start : start + 7]
        np.testing.assert_array_equal(next(first).values, expected)
    with pytest.raises(InputError, match="CRC-32"):
        next(source.blocks(7))


class TestMemory:
    """What has to be read together is bounded."""

    def deflated(self, path: Path, shape: tuple[int, ...], axis: int) -> Source:
        np.savez_compressed(path / "x.npz", np.zeros(shape, np.int8))
        return open_source(path / "x.npz", Layout(class_axis=axis))

    def test_rows_side_by_side_are_held(self, tmp_path: Path) -> None:
        source = self.deflated(tmp_path, (2, 3, 5), 1)
        assert isinstance(source, DeflatedSource)
        assert source.held_bytes == 15
        assert not isinstance(source, Indexed)

    def test_of_far_ends_there_are_no_first_rows(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("kldiv_cli.sources.arrays.deflated._MOST_SKIPPED", 14)
        assert list(beginning(self.deflated(tmp_path, (2, 3, 5), 1), 2)) == []
        assert len(list(beginning(self.deflated(tmp_path, (2, 3, 5), 2), 2))) == 3

    def test_more_than_a_gigabyte_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("kldiv_cli.sources.formats.npz._MOST_INFLATED", 14)
        with pytest.raises(LogitsError, match=r"rows of less than 1 GiB .* found 15 bytes"):
            self.deflated(tmp_path, (2, 3, 5), 1)
        self.deflated(tmp_path, (2, 3, 5), 2)
