import numpy as np
import numpy.typing as npt
import pytest

from kldiv_cli.sources.arrays import strided
from kldiv_cli.sources.arrays.array import ArraySource
from kldiv_cli.sources.base import BFLOAT16, Layout

SHAPE = (3, 4, 5, 6)
ROWS = np.arange(360, dtype=np.float32).reshape(SHAPE)
STORED = {
    "C": ROWS,
    "Fortran": np.asfortranarray(ROWS),
    "classes-before-the-last-axis-of-rows": np.ascontiguousarray(ROWS.swapaxes(2, 3)).swapaxes(
        2, 3
    ),
    "first-axis-last": np.ascontiguousarray(np.moveaxis(ROWS, 0, -1)),
    "a-part-of-longer-rows": np.concatenate([ROWS, ROWS], axis=-1)[..., :6],
    "expanded": np.broadcast_to(ROWS[:1, :1], SHAPE),
    "bfloat16": np.asfortranarray(ROWS.astype("<u2")).view(BFLOAT16),
}
STORED["first-axis-last"] = np.moveaxis(STORED["first-axis-last"], -1, 0)


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut strips where 6 classes have some, and chunks where 60 rows do."""
    monkeypatch.setattr(strided, "_STRIP", 4)
    monkeypatch.setattr(strided, "_TOUCHED", 1 << 10)
    monkeypatch.setattr(strided, "_AROUND", 1 << 7)


@pytest.mark.parametrize("row_axes", [0, 1, 2, 3])
@pytest.mark.parametrize("how", STORED)
class TestAnyOrder:
    def rows(self, how: str, row_axes: int) -> tuple[ArraySource, npt.NDArray[np.uint8]]:
        """Return the source, and the bytes of its rows as they should come out."""
        stored = STORED[how]
        source = ArraySource(stored, Layout(row_axes=row_axes))
        flat = np.ascontiguousarray(stored).reshape(source.rows_expected, -1)
        return source, flat.view(np.uint8)

    def test_every_range_is_what_numpy_takes(self, how: str, row_axes: int) -> None:
        source, rows = self.rows(how, row_axes)
        for start in range(len(rows)):
            for stop in range(start + 1, len(rows) + 1):
                found = source.at(range(start, stop)).values
                assert found.flags.c_contiguous
                np.testing.assert_array_equal(found.view(np.uint8), rows[start:stop])

    @pytest.mark.parametrize("every", [1, 2, 7, 59])
    def test_single_rows_are_what_numpy_takes(self, how: str, row_axes: int, every: int) -> None:
        source, rows = self.rows(how, row_axes)
        places = np.arange(0, len(rows), every)
        np.testing.assert_array_equal(source.at(places).values.view(np.uint8), rows[places])

    @pytest.mark.parametrize("rows", [1, 3, 60, 99])
    def test_blocks_are_no_longer_than_asked(self, how: str, row_axes: int, rows: int) -> None:
        source, whole = self.rows(how, row_axes)
        blocks = list(source.blocks(rows))
        assert {len(block) for block in blocks[:-1]} <= {rows}
        assert 0 < len(blocks[-1]) <= rows
        values = np.concatenate([block.values for block in blocks])
        np.testing.assert_array_equal(values.view(np.uint8), whole)


class TestPages:
    """What was touched is let go, soon enough."""

    ARRAY = np.asfortranarray(np.arange(6000, dtype=np.float64).reshape(1000, 6))

    def released(
        self, array: npt.NDArray[np.float64], places: npt.ArrayLike
    ) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        source = ArraySource(array, Layout(), release=lambda *read: found.append(read))
        chosen = places if isinstance(places, range) else np.asarray(places)
        assert source.at(chosen).release is None
        return found

    def test_of_a_range_strip_by_strip(self) -> None:
        # From row 100 of class 0 to row 199 of class 3, then of classes 4 and 5.
        assert self.released(self.ARRAY, range(100, 200)) == [
            (8 * 100, 8 * 3200),
            (8 * 4100, 8 * 5200),
        ]

    def test_of_single_rows_class_by_class_where_they_lie_far_apart(self) -> None:
        assert self.released(self.ARRAY, [0, 999]) == [(8 * 0, 8 * 4000), (8 * 4000, 8 * 6000)]
        # 1024 bytes are eight values and what comes with them.
        assert self.released(self.ARRAY, np.arange(0, 1000, 100)) == [
            *((8000 * each, 8000 * each + 8 * 701) for each in range(6)),
            (8 * 800, 8 * 3901),
            (8 * 4800, 8 * 5901),
        ]

    def test_of_single_rows_whose_classes_are_in_the_middle(self) -> None:
        rows = np.arange(6000, dtype=np.float64).reshape(100, 6, 10)
        found: list[tuple[int, int]] = []
        layout = Layout(class_axis=1)
        source = ArraySource(rows, layout, release=lambda *read: found.append(read))
        np.testing.assert_array_equal(
            source.at(np.arange(0, 1000, 50)).values[:, 1], rows[::5, 1, 0]
        )
        # 1024 bytes are eight values and what comes with them, of 36 matrices, class by class.
        assert found[:6] == [(80 * each, 480 * 35 + 80 * each + 80) for each in range(6)]
        # Of the last four rows two classes.
        assert len(found) == 6 + 6 + 3

    def test_of_single_rows_in_c_order_chunk_by_chunk(self) -> None:
        rows = np.ascontiguousarray(self.ARRAY)
        # 1024 bytes are six rows and what comes with them.
        assert self.released(rows, np.arange(0, 1000, 100)) == [
            (0, 48 * 401),
            (48 * 500, 48 * 901),
        ]

    def test_nothing_of_an_array_in_memory(self) -> None:
        assert ArraySource(self.ARRAY, Layout()).at(np.array([5])).release is None
