"""What a file is: every count, range and guess, on rows where they are known."""

from __future__ import annotations

import sys
import tracemalloc
from dataclasses import replace
from math import inf, log, nan
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from kldiv_cli.errors import InputError
from kldiv_cli.results.head import ClassColumns, Side
from kldiv_cli.results.inspection import Cells, Guess, Leaders, MaskLike, Rows, Span
from kldiv_cli.sources.arrays.array import ArraySource
from kldiv_cli.sources.base import BFLOAT16, BLOCK_BYTES, Layout
from kldiv_cli.sources.views.choice import draw
from kldiv_cli.tasks.inspect import inspect
from kldiv_cli.tasks.jobs.inspecting import Alone, Looking, Tallies
from kldiv_cli.tasks.jobs.tallies import CellTally, SpanTally
from kldiv_cli.tasks.options.typed import InspectOptions
from tests.oracle import oracle, relative_error
from tests.regimes import CASES, Case
from tests.results import changed
from tests.sources.test_npy import peak_mib, save_sparse

Array = npt.NDArray[np.float64]

ODD = np.array(
    [
        [2.0, 1.0, 0.0, -1.0],
        [nan, inf, 0.0, 0.5],
        [0.0, inf, -inf, 0.0],
        [-inf, -inf, -inf, -inf],
        [-1e12, 3.0, -1e4, -inf],
        [0.25, nan, -1e12, 0.0],
        [-0.5, 7.0, -9999.0, 7.0],
    ]
)
"""Every kind of cell and of row."""


def logits(rows: int = 50, classes: int = 7, seed: int = 1) -> Array:
    return 3 * np.random.default_rng(seed).normal(size=(rows, classes))


def softmax(values: Array) -> Array:
    weights = np.exp(values)
    found: Array = weights / weights.sum(axis=1, keepdims=True)
    return found


def kept_of(values: npt.NDArray[Any], rows: int) -> Tallies:
    """What is kept of an array that is looked at so many rows at a time."""
    source = ArraySource(values, Layout())
    found, look = Tallies(), Looking(source)
    for block in Alone(source).blocks(8 * rows * values.shape[1]):
        found = Tallies.join([found, look(block).kept or Tallies()])
    return found


SELECTIONS: dict[str, tuple[InspectOptions, npt.NDArray[np.intp]]] = {
    "slice": ({"rows": slice(10, 40)}, np.arange(10, 40)),
    "tail": ({"rows": slice(-8, None)}, np.arange(42, 50)),
    "limit": ({"limit": 13}, np.arange(13)),
    "sample": ({"rows": slice(5, 45), "sample": 9, "seed": 4}, draw(range(5, 45), 9, 4)),
}


class TestSelection:
    @pytest.mark.parametrize("name", SELECTIONS)
    @pytest.mark.parametrize("kind", ["array", "csv", "parquet"])
    def test_as_if_the_rows_were_cut(self, name: str, kind: str, tmp_path: Path) -> None:
        choice, rows = SELECTIONS[name]
        values = logits()
        side: Any = values
        if kind != "array":
            table = pa.table({f"c{i}": values[:, i] for i in range(7)})
            side = tmp_path / f"s.{kind}"
            write = csv.write_csv if kind == "csv" else pq.write_table
            write(table, side)
        found, expected = inspect(side, **choice), inspect(values[rows])
        assert changed(
            found,
            file=expected.file,
            class_names=None,
            selection=None,
            file_row_shape=None,
            holds=(),
        ) == changed(expected, selection=None)
        counted = kind != "csv" or name in ("tail", "sample")
        first, last = (5, 44) if name == "sample" else (int(rows[0]), int(rows[-1]))
        assert found.selection is not None
        assert (found.selection.first, found.selection.last) == (first, last)
        assert found.selection.of == (50 if counted else None)
        assert found.file.shape == (50 if counted else None, 7)
        assert expected.selection is None

    def test_rows_are_called_by_their_places(self) -> None:
        rows = np.tile(ODD, (3, 1))
        found = inspect(rows, rows=slice(6, 20), sample=10, seed=2).rows
        places = draw(range(6, 20), 10, 2)
        kinds = [np.flatnonzero(places % 7 == kind) for kind in (2, 3)]
        nan_rows = places[np.isin(places % 7, (1, 5))]
        assert found.total == 10
        assert found.first_nan == nan_rows[0]
        assert [found.first_plus_inf, found.first_empty] == [places[at[0]] for at in kinds]

    def test_rows_that_there_are_not(self) -> None:
        with pytest.raises(InputError) as caught:
            inspect(logits(), rows=slice(0, 51))
        assert caught.value.what == "array: expected rows 0:51 (--rows), found 50 rows"


class TestCounts:
    def test_cells(self) -> None:
        expected = Cells(finite=18, minus_inf=6, plus_inf=2, nan=2, span=Span(-9999.0, 7.0))
        assert inspect(ODD).cells == expected
        assert expected.total == ODD.size

    def test_masks(self) -> None:
        """-1e4 is one, -9999 is none, -inf is counted by itself."""
        values = ((-1e12, 2), (-1e4, 1))
        assert inspect(ODD).mask_like == MaskLike(-1e4, 3, Span(-1e12, -1e4), values, complete=True)

    def test_rows(self) -> None:
        """A row with both NaN and +inf is one with NaN."""
        expected = Rows(
            valid=3, nan=2, plus_inf=1, empty=1, first_nan=1, first_plus_inf=2, first_empty=3
        )
        assert inspect(ODD).rows == expected
        assert expected.total == len(ODD)

    def test_argmax_is_of_valid_rows_and_ties_go_to_the_first_class(self) -> None:
        assert inspect(ODD).leaders == Leaders(2, ((1, 2), (0, 1)))

    def test_the_five_most_frequent_classes(self) -> None:
        often = {3: 9, 11: 7, 0: 7, 5: 4, 8: 4, 1: 2, 2: 1}
        rows = np.zeros((sum(often.values()), 12))
        rows[np.arange(len(rows)), np.repeat([*often], [*often.values()])] = 1.5
        assert inspect(rows).leaders == Leaders(7, ((3, 9), (0, 7), (11, 7), (5, 4), (8, 4)))

    def test_equally_frequent_classes_stand_in_order(self) -> None:
        rows = np.eye(64)[[*range(63, -1, -1), *range(0, 64, 2)]]
        assert inspect(rows).leaders == Leaders(64, tuple((i, 2) for i in range(0, 10, 2)))

    def test_the_largest_mask_alone(self) -> None:
        found = inspect(np.array([[-1e4, 5.0]]))
        assert found.mask_like.values == ((-1e4, 1),)
        assert found.cells.span == Span(5.0, 5.0)

    def test_equally_frequent_masks_stand_in_order(self) -> None:
        cells = CellTally.join([CellTally.of(np.array([[x, 0.0]])) for x in (-1e4, -1e12, -1e9)])
        assert cells.masks.result().values == ((-1e12, 1), (-1e9, 1), (-1e4, 1))

    def test_nothing_special(self) -> None:
        found = inspect(np.array([[0.5, -3.0], [9.0, 2.0]]))
        assert found.cells == Cells(4, 0, 0, 0, Span(-3.0, 9.0))
        assert found.mask_like == MaskLike(-1e4, 0, None, (), complete=True)
        assert found.rows == Rows(2, 0, 0, 0, None, None, None)
        assert found.sums == Span(-2.5, 11.0)

    def test_only_nan(self) -> None:
        found = inspect(np.full((2, 3), nan))
        assert found.cells == Cells(0, 0, 0, 6, None)
        assert found.rows == Rows(0, 2, 0, 0, 0, None, None)
        assert (found.sums, found.log_sums, found.entropy) == (None, None, None)
        assert found.leaders == Leaders(0, ())
        assert found.guess == Guess(None, None, "", "no row holds a distribution")

    def test_many_different_masks_are_not_all_counted(self) -> None:
        values = -1e4 - np.arange(1001.0)
        found = inspect(np.concatenate([values, values[:3]])).mask_like
        assert (found.cells, found.span) == (1004, Span(-11000.0, -1e4))
        assert (len(found.values), found.complete) == (1000, False)

    def test_a_thousand_different_masks_are(self) -> None:
        values = -1e4 - np.arange(1000.0)
        found = inspect(np.concatenate([values, values[:2]])).mask_like
        assert (len(found.values), found.complete) == (1000, True)
        assert found.values[:3] == ((-10001.0, 2), (-1e4, 2), (-10999.0, 1))

    def test_sums_beyond_the_type_are_infinite(self) -> None:
        least = np.finfo(np.float64).min
        found = inspect(np.array([[least, least, 1.0], [1.0, 2.0, 3.0]]))
        assert found.sums == Span(-inf, 6.0)

    def test_a_range_with_nan_is_nan_and_stays_so(self) -> None:
        """As a row of the type's largest and smallest may sum to inf - inf."""
        ranges = ((1.0, 2.0), (nan, nan), (0.0, 3.0))
        found = SpanTally.join([SpanTally.of(low, high) for low, high in ranges]).result()
        assert found is not None
        assert np.isnan([found.low, found.high]).all()


class TestWhatTheFileSays:
    def test_an_array(self, tmp_path: Path) -> None:
        path = str(tmp_path / "heads.npy")
        np.save(path, np.zeros((2, 3, 4, 5), dtype=">f4"))
        found = inspect(path, row_axes=2)
        assert found.file == Side(
            path=path, format="npy", dtype="float32", shape=(2, 3, 4, 5), class_axes=(2, 3)
        )
        assert (found.row_shape, found.class_shape) == ((2, 3), (4, 5))
        assert (found.class_names, found.ids) == (None, ())
        assert found.rows.total == 6

    def test_a_table(self, tmp_path: Path) -> None:
        path = str(tmp_path / "named.parquet")
        columns = {"file": [*"abcd"], "x": [0.0, 1, 2, 3], "y": [3.0, 1, 4, 1], "z": [0.5] * 4}
        pq.write_table(pa.table(columns), path)
        found = inspect(path)
        note = "row id: column 'file', the only one that is not numeric"
        assert found.file == Side(
            path=path,
            format="parquet",
            dtype="float64",
            shape=(4, 3),
            id="file",
            class_columns=ClassColumns(3, "x", "z"),
            notes=(note,),
        )
        assert [one.role for one in found.holds] == ["id", "class", "class", "class"]
        assert found.class_names == ("x", "y", "z")
        assert found.ids == ("a", "b", "c")
        assert found.leaders == Leaders(2, ((0, 2), (1, 2)))

    def test_a_table_as_it_is_told(self, tmp_path: Path) -> None:
        path = str(tmp_path / "numbers.csv")
        Path(path).write_text("n,x,y,z\n5,1,2,3\n7,4,5,6\n", encoding="utf-8")
        found = inspect(path, id_column="n", columns=("z", "x"))
        assert (found.class_names, found.ids) == (("z", "x"), ("5", "7"))
        assert found.cells.span == Span(1.0, 6.0)
        assert found.leaders == Leaders(1, ((0, 2),))

    def test_a_text_file_has_as_many_rows_as_were_read(self, tmp_path: Path) -> None:
        path = str(tmp_path / "x.csv")
        Path(path).write_text("a,b\n" + "1,2\n" * 7 + "3,\n", encoding="utf-8")
        found = inspect(path)
        assert (found.file.shape, found.row_shape) == ((8, 2), (8,))
        assert found.rows == Rows(7, 1, 0, 0, 7, None, None)

    def test_the_first_ids_of_several_blocks(self) -> None:
        parts = [Tallies(ids=names) for names in (("a", "b"), ("c", "d"), ("e",))]
        assert Tallies.join(parts).ids == ("a", "b", "c")

    def test_ids_that_are_integers(self, tmp_path: Path) -> None:
        path = str(tmp_path / "x.parquet")
        pq.write_table(pa.table({"id": [31, 12], "a": [0.0, 1], "b": [1.0, 0]}), path)
        assert inspect(path).ids == (31, 12)


def guess(rows: Any, dtype: str = "float64") -> Guess:
    return inspect(np.asarray(rows, dtype=dtype)).guess


P = softmax(logits())
ONE_OFF = "every cell lies in [0, 1] and every row sums to 1 within "


class TestGuess:
    def test_logits(self) -> None:
        rows = [[0.0, -3.0], [1.0, 1.0]]
        why = (
            "some cells lie outside [0, 1], and log(sum(exp(row))) is not 0 (0.0485874 to 1.69315)"
        )
        assert guess(rows) == Guess("logits", None, "", why)
        integers = guess(rows, "int16")
        assert integers.kind == "logits"
        assert integers.why == f"{why}; but all are integers: labels or token ids?"

    def test_probabilities(self) -> None:
        found = guess([[0.25, 0.75], [0.5, 0.5]])
        assert found == Guess("probs", "softmax", "--input probs", f"{ONE_OFF}0")

    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
    def test_rounded_probabilities(self, dtype: str) -> None:
        found = guess(P, dtype)
        assert (found.kind, found.mode, found.options) == ("probs", "softmax", "--input probs")

    def test_probabilities_that_lost_their_tail(self) -> None:
        """What compare takes after --normalize only."""
        found = guess([[0.9375, 0.0, 0.0], [0.5, 0.25, 0.25]])
        assert found == Guess("probs", "softmax", "--input probs --normalize", f"{ONE_OFF}0.062")

    def test_probabilities_of_cells(self) -> None:
        why = (
            "every cell lies in [0, 1], but rows do not sum to 1 (0.5 to 1.75): one probability "
            "per cell"
        )
        expected = Guess("probs", "sigmoid", "--input probs --mode sigmoid", why)
        assert guess([[0.875, 0.875], [0.0, 0.5]]) == expected

    @pytest.mark.parametrize("dtype", ["uint8", "int64", "float64"])
    def test_nothing_but_0_and_1(self, dtype: str) -> None:
        why = "every cell is 0 or 1, and rows do not sum to 1 (0 to 3); --mask takes such files"
        rows = [[1, 1, 1], [0, 1, 0], [0, 0, 0]]
        assert guess(rows, dtype) == Guess("labels", None, "", why)

    @pytest.mark.parametrize("dtype", ["uint8", "float32"])
    def test_one_hot(self, dtype: str) -> None:
        why = "every cell is 0 or 1 and every row holds a single 1: one-hot labels"
        found = guess(np.eye(3)[[2, 0, 0, 1]], dtype)
        assert found == Guess("probs", "softmax", "--input probs", why)

    def test_a_column_of_zeros_is_no_log_probability(self) -> None:
        assert guess([[0], [0]], "int64").kind == "labels"

    def test_only_one_cell_is_neither_0_nor_1(self) -> None:
        rows = np.zeros((BLOCK_BYTES // 8, 2))
        rows[-1, 0] = 0.5
        assert guess(rows).kind == "probs"

    def test_log_probabilities(self) -> None:
        found = guess(np.log([[0.25, 0.75], [0.5, 0.5]]))
        assert (found.kind, found.mode) == ("log-probs", "softmax")
        assert found.options == "--input log-probs"
        start, end = "no cell is above 0 and exp(row) sums to 1 within ", " in every row"
        assert found.why.startswith(start)
        assert found.why.endswith(end)
        assert 0 <= float(found.why[len(start) : -len(end)]) < 1e-15

    def test_log_probabilities_with_zeros_of_probability(self) -> None:
        assert guess([[0.0, -inf], [-log(2), -log(2)]]).kind == "log-probs"

    def test_log_probabilities_that_are_rounded(self) -> None:
        """To 8 digits of significand, as bfloat16 has them: no need to say that sums are off."""
        bits = np.log(P).astype(np.float32).view(np.uint32) & 0xFFFF0000
        found = guess(bits.view(np.float32))
        assert (found.kind, found.options) == ("log-probs", "--input log-probs")

    @pytest.mark.parametrize(
        ("rows", "kind", "mode"),
        [
            ([[0.875, 0.21875], [0.5, 0.5]], "probs", "softmax"),
            ([[0.875, 0.25], [0.5, 0.5]], "probs", "sigmoid"),
            ([[0.90625, 0.0], [0.5, 0.5]], "probs", "softmax"),
            ([[0.875, 0.0], [0.5, 0.5]], "probs", "sigmoid"),
            ([[1.5, -0.5]], "logits", None),
            ([[-log(2), -log(2)], [-5.0, -6.0]], "logits", None),
            ([[-0.3, -2.0], [0.1, -2.5]], "logits", None),
            ([[1.0, 0.0]] * 3 + [[0.0, -1e-9]], "logits", None),
        ],
        ids=[
            *("sum-1.09", "sum-1.125", "sum-0.91", "sum-0.875", "sums-to-1-anyhow"),
            *("one-row-off", "above-0", "below-0"),
        ],
    )
    def test_one_cell_or_row_decides(
        self, rows: list[list[float]], kind: str, mode: str | None
    ) -> None:
        found = guess(rows)
        assert (found.kind, found.mode) == (kind, mode)

    def test_rows_without_a_distribution_do_not_speak(self) -> None:
        rows = [[0.25, 0.75], [nan, 5.0], [inf, 1.0], [-inf, -inf], [0.5, 0.5]]
        assert guess(rows) == Guess("probs", "softmax", "--input probs", f"{ONE_OFF}0")

    def test_only_the_last_block_says_otherwise(self) -> None:
        rows = np.full((BLOCK_BYTES // 8, 2), 0.5)
        assert guess(rows).mode == "softmax"
        rows[-1] = 0.25
        assert guess(rows).mode == "sigmoid"
        rows[-1] = -0.25
        assert guess(rows).kind == "logits"


NARROW = [case for case in CASES if case.s.shape[1] <= 10]


class TestEntropy:
    @pytest.mark.parametrize("case", NARROW[::7], ids=lambda case: case.id)
    def test_against_the_definition(self, case: Case) -> None:
        for row in case.s:
            if not np.isfinite(row.max()):
                continue
            found = inspect(row).entropy
            assert found is not None
            assert (found.of, found.low, found.high) == ("softmax(row)", found.mean, found.mean)
            true = oracle("entropy", "softmax", row, row)
            assert found.mean == float(true) or relative_error(found.mean, true) <= 2e-14

    def test_of_several_rows(self) -> None:
        found = inspect(np.array([[5.0, 5.0, 5.0], [0.0, -inf, -inf]])).entropy
        assert found is not None
        assert found.low == 0
        assert found.high == pytest.approx(log(3), rel=1e-15)
        assert found.mean == pytest.approx(log(3) / 2, rel=1e-15)

    def test_of_probabilities_is_not_of_their_softmax(self) -> None:
        """What the rows' sums are off by does not count."""
        found = inspect(np.array([[0.5, 0.5, 0.0], [0.48, 0.48, 0.0]])).entropy
        assert found is not None
        assert found.of == "row"
        assert (found.mean, found.low, found.high) == pytest.approx((log(2),) * 3, rel=1e-15)

    def test_of_probabilities_per_cell_is_of_softmax(self) -> None:
        found = inspect(np.array([[0.5, 0.5, 0.5]])).entropy
        assert found is not None
        assert found.of == "softmax(row)"
        assert found.mean == pytest.approx(log(3), rel=1e-15)

    def test_of_log_probabilities_is_of_both(self) -> None:
        p, log_p = inspect(P).entropy, inspect(np.log(P)).entropy
        assert p is not None
        assert log_p is not None
        assert (p.of, log_p.of) == ("row", "softmax(row)")
        assert (p.mean, p.low, p.high) == pytest.approx(
            (log_p.mean, log_p.low, log_p.high), rel=1e-13
        )

    @pytest.mark.parametrize("lead", [0, 70_000, 150_000])
    def test_of_a_row_longer_than_a_step(self, lead: int) -> None:
        row = np.zeros(200_000)
        row[lead] = 10.0
        found = inspect(row)
        assert found.leaders.top == ((lead, 1),)
        total = np.exp(10.0) + 199_999
        assert found.log_sums is not None
        assert found.entropy is not None
        assert found.log_sums.low == found.log_sums.high == pytest.approx(log(total), rel=1e-14)
        true = log(total) - 10 * np.exp(10.0) / total
        assert found.entropy.mean == pytest.approx(true, rel=1e-13)

    def test_the_widest_span_there_is(self) -> None:
        most = np.finfo(np.float64).max
        found = inspect(np.array([[most, -most, most]])).entropy
        assert found is not None
        assert found.mean == pytest.approx(log(2), rel=1e-15)


INSPECT = """
import sys
from pathlib import Path
from kldiv_cli.tasks.inspect import inspect
from kldiv_cli.tasks.jobs.inspecting import Alone, Looking, Tallies
from kldiv_cli.tasks.options.typed import InspectOptions

rows = inspect(sys.argv[1]).rows.total
print(rows, Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
"""


class TestStream:
    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64", ">f8", "int32"])
    def test_the_type_does_not_matter(self, dtype: str) -> None:
        rows = np.round(logits(), 1) if dtype != "int32" else np.round(10 * logits())
        narrow = rows.astype(dtype)
        found, wide = inspect(narrow), inspect(narrow.astype(np.float64))
        assert (found.cells, found.sums, found.log_sums) == (wide.cells, wide.sums, wide.log_sums)
        assert (found.entropy, found.leaders) == (wide.entropy, wide.leaders)

    def test_bfloat16(self) -> None:
        """As sources hand it out: two bytes under a name."""
        bits = logits().astype(np.float32).view(np.uint32)
        narrow = (bits >> 16).astype(np.uint16).view(BFLOAT16)
        wide = (bits & 0xFFFF0000).view(np.float32)
        found, expected = inspect(narrow), inspect(wide)
        assert found.file.dtype == "bfloat16"
        assert found == changed(expected, file=replace(expected.file, dtype="bfloat16"))

    def test_blocks_do_not_matter(self) -> None:
        rows = np.tile(ODD, (50, 1))
        whole, single = (kept_of(rows, size) for size in (1000, 1))
        assert (whole.cells, whole.rows) == (single.cells, single.rows)
        ours, theirs = whole.distributions, single.distributions
        assert ours.leaders.result() == theirs.leaders.result()
        assert (ours.sums, ours.log_sums) == (theirs.sums, theirs.log_sums)
        assert ours.entropy == theirs.entropy

    def test_the_input_is_left_as_it_was(self) -> None:
        rows = np.array(ODD)
        inspect(rows)
        assert np.array_equal(rows, ODD, equal_nan=True)

    def test_progress_is_told_after_each_block(self) -> None:
        told: list[tuple[int, int | None]] = []
        block = BLOCK_BYTES // (8 * 8)
        inspect(np.zeros((2 * block + 5, 8)), progress=lambda *done: told.append(done))
        total = 2 * block + 5
        assert told == [(block, total), (2 * block, total), (total, total)]

    def test_memory_does_not_grow_with_the_rows(self) -> None:
        rows = np.zeros((1 << 15, 128), dtype=np.float32)
        rows[:, 0] = -1e9
        tracemalloc.start()
        try:
            tallies = kept_of(rows, BLOCK_BYTES // (8 * 128))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert tallies.rows.total == len(rows)
        assert peak < 16 * BLOCK_BYTES < rows.nbytes

    @pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory from /proc")
    def test_a_mapped_file_is_never_in_memory_at_once(self, tmp_path: Path) -> None:
        shape = (25_000, 1000)
        path = save_sparse(tmp_path / "200-MB.npy", shape)
        assert peak_mib(INSPECT, path, rows=shape[0]) < 120


class TestErrors:
    def test_no_such_file(self) -> None:
        with pytest.raises(InputError) as caught:
            inspect("no-such.npy")
        assert caught.value.what == "no-such.npy: expected a file, found nothing there"

    @pytest.mark.parametrize("said", [{"id_column": "file"}, {"columns": ("a", "b")}])
    def test_columns_of_an_array(self, said: InspectOptions) -> None:
        with pytest.raises(InputError) as caught:
            inspect(np.zeros((2, 3)), **said)
        assert (
            caught.value.what
            == "array: expected a table for --id, --columns and --drop, found array"
        )
        assert caught.value.advice == "Leave them out: an array has no columns."

    def test_too_many_row_axes(self) -> None:
        with pytest.raises(InputError, match="expected --row-axes from 0 to 1"):
            inspect(np.zeros((2, 3)), row_axes=2)

    def test_ragged_rows(self) -> None:
        with pytest.raises(InputError, match="expected rows of one length"):
            inspect([[1.0, 2.0], [3.0]])
