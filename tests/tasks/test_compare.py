"""The Python API: published figures, every option, and what a comparison says of its rows."""

from __future__ import annotations

import doctest
import importlib
import math
import pkgutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import FrozenInstanceError, replace
from decimal import Decimal
from inspect import signature
from pathlib import Path
from typing import Any, Literal, assert_type

import numpy as np
import numpy.typing as npt
import pytest
from mpmath import mpf

import kldiv_cli
from kldiv_cli import Comparison
from kldiv_cli.errors import InputError, KldivError, UsageError
from kldiv_cli.measures.types import Mode
from kldiv_cli.results.comparison import Agreement
from kldiv_cli.results.statistics import STATISTICS
from kldiv_cli.sources.base import STREAM_BYTES
from tests.oracle import oracle, relative_error

Array = npt.NDArray[np.float64]
NanPolicy = Literal["raise", "omit", "propagate"]

SAMPLES = Path(__file__).parents[2] / "samples"
MAGIKA = SAMPLES / "magika-fp32.npy", SAMPLES / "magika-int8.npy"
OCR = SAMPLES / "ocr-det-fp32.npy", SAMPLES / "ocr-det-int8.npy"
INF, NAN = math.inf, math.nan
LEAST32 = float(np.finfo(np.float32).min)
MODES: tuple[Mode, ...] = ("softmax", "sigmoid")


def jeffreys(comparison: Comparison) -> Array:
    return comparison.values["jeffreys"]


def draw(*shape: int, seed: int = 1, scale: float = 2.0) -> Array:
    return np.random.default_rng(seed).normal(0, scale, shape)


def is_figure(value: float, published: str) -> bool:
    """Whether a value differs from a published one in its last two digits at most."""
    exponent = Decimal(published).as_tuple().exponent
    assert isinstance(exponent, int)
    return abs(Decimal(value) - Decimal(published)) <= 99 * Decimal(10) ** exponent


class TestShownBy:
    """The figures that the issue publishes, computed there in extended precision."""

    @pytest.mark.parametrize(
        ("stat", "published"),
        [
            ("total", "2.6587168207143135"),
            ("mean", "0.0051928062904576435"),
            ("median", "0.0002295191737666417"),
            ("max", "0.09577034745214086"),
        ],
        ids=str,
    )
    def test_magika(self, stat: str, published: str) -> None:
        found = kldiv_cli.compare(*MAGIKA).measures["jeffreys"]
        assert is_figure(found[stat], published)

    def test_magika_rows(self) -> None:
        found = kldiv_cli.compare(*MAGIKA)
        assert (found.rows, found.classes, found.skipped, found.invalid) == (512, 214, 0, 0)
        assert found.measures["jeffreys"].max_row == 145
        assert found.agreement == Agreement("argmax", 505, 512)
        assert found.agreement.share == 0.986328125
        assert found.warnings == ()

    def test_magika_sigmoid(self) -> None:
        found = kldiv_cli.compare(*MAGIKA, mode="sigmoid")
        assert is_figure(found.measures["jeffreys"]["total"], "344.0939696655427")

    def test_ocr(self) -> None:
        found = kldiv_cli.compare(*OCR, mode="sigmoid", row_axes=1)
        assert found.rows == 6
        assert found.row_shape == (6,)
        assert found.class_shape == (1, 64, 96)
        assert is_figure(found.measures["jeffreys"]["total"], "36004.26809904779")
        assert round(float(jeffreys(found)[0]), 8) == 8102.78545829
        assert found.agreement.kind == "sign"
        assert found.agreement.share == 0.9424099392361112

    def test_a_figure_with_a_fault_is_none(self) -> None:
        assert is_figure(2.6587168207143135, "2.6587168207143135")
        assert not is_figure(2.6587168207143135 * (1 + 1e-14), "2.6587168207143135")

    def test_shuffled_parquet_gives_exactly_the_numbers_of_the_npy_pair(self) -> None:
        npy = kldiv_cli.compare(*MAGIKA)
        parquet = kldiv_cli.compare(
            SAMPLES / "magika-fp32.parquet", SAMPLES / "magika-int8-shuffled.parquet"
        )
        assert parquet.paired_by == "id"
        assert jeffreys(parquet).tobytes() == jeffreys(npy).tobytes()
        assert parquet.measures == npy.measures
        assert parquet.agreement == npy.agreement

    def test_csv_holds_the_first_rows(self) -> None:
        found = kldiv_cli.compare(SAMPLES / "magika-fp32-24.csv", SAMPLES / "magika-int8-24.csv")
        assert found.rows == 24
        np.testing.assert_allclose(
            jeffreys(found), jeffreys(kldiv_cli.compare(*MAGIKA))[:24], rtol=1e-3
        )


class TestInputs:
    S: tuple[tuple[float, ...], ...] = ((2.0, 1.0, 0.0, -1.0), (0.5, 0.0, 3.0, 1.0))
    T: tuple[tuple[float, ...], ...] = ((1.5, 1.2, -0.3, 0.4), (0.5, 0.25, 2.0, 1.0))

    @pytest.mark.parametrize("kind", ["lists", "tuples", "str", "pathlib", "mixed", "fortran"])
    def test_the_same_logits_in_any_form(self, kind: str, tmp_path: Path) -> None:
        expected = kldiv_cli.compare(np.array(self.S), np.array(self.T))
        paths = tmp_path / "s.npy", tmp_path / "t.npy"
        for path, logits in zip(paths, (self.S, self.T), strict=True):
            np.save(path, np.array(logits))
        forms: Mapping[str, tuple[Any, Any]] = {
            "lists": ([list(row) for row in self.S], [list(row) for row in self.T]),
            "tuples": (self.S, self.T),
            "str": (str(paths[0]), str(paths[1])),
            "pathlib": paths,
            "mixed": (paths[0], self.T),
            "fortran": (np.asfortranarray(self.S), np.asfortranarray(self.T)),
        }
        found = kldiv_cli.compare(*forms[kind])
        assert jeffreys(found).tobytes() == jeffreys(expected).tobytes()
        assert found.measures == expected.measures

    def test_sides_say_where_they_came_from(self, tmp_path: Path) -> None:
        path = tmp_path / "s.npy"
        np.save(path, np.array(self.S, dtype=np.float32))
        found = kldiv_cli.compare(path, np.array(self.T))
        assert (found.reference.path, found.reference.format) == (str(path), "npy")
        assert (found.reference.dtype, found.reference.shape) == ("float32", (2, 4))
        assert (found.candidate.format, found.candidate.dtype) == ("array", "float64")
        assert found.candidate.shape == (2, 4)

    @pytest.mark.parametrize(
        "dtype", ["float16", "float32", "float64", ">f4", ">f8", "int8", "int64", "uint16"]
    )
    def test_every_real_dtype_widens(self, dtype: str) -> None:
        s, t = np.array([[3, 1, 0], [7, 2, 2]], dtype), np.array([[1, 1, 2], [7, 3, 2]], dtype)
        found = kldiv_cli.compare(s, t)
        expected = kldiv_cli.compare(s.astype(np.float64), t.astype(np.float64))
        assert jeffreys(found).tobytes() == jeffreys(expected).tobytes()

    def test_arrays_are_left_alone(self) -> None:
        s, t = np.array(self.S), np.array(self.T)
        s[0, 0] = -INF
        before = s.copy(), t.copy()
        kldiv_cli.compare(s, t, temperature=0.7)
        np.testing.assert_array_equal(s, before[0])
        np.testing.assert_array_equal(t, before[1])

    def test_a_file_that_is_missing_is_an_input_error(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"nothing\.npy: expected a file, found nothing there"):
            kldiv_cli.compare(tmp_path / "nothing.npy", self.S)


class TestOptions:
    @pytest.mark.parametrize("mode", MODES)
    def test_bits_are_nats_over_ln_2(self, mode: Mode) -> None:
        s, t = draw(30, 7), draw(30, 7, seed=2)
        nats, bits = (kldiv_cli.compare(s, t, mode=mode, unit=unit) for unit in ("nats", "bits"))
        assert (nats.unit, bits.unit) == ("nats", "bits")
        np.testing.assert_allclose(jeffreys(bits) * math.log(2), jeffreys(nats), rtol=4e-16)
        for stat in STATISTICS:
            expected = nats.measures["jeffreys"][stat] / math.log(2)
            assert bits.measures["jeffreys"][stat] == pytest.approx(expected, rel=2e-15), stat

    def test_a_bit_is_a_bit(self) -> None:
        """p = (1/2, 1/2) and q = (2/3, 1/3): J = log2(2) / 6, the log-ratio of odds is 1 bit."""
        found = kldiv_cli.compare([[0.0, 0.0]], [[math.log(2), 0.0]], unit="bits")
        assert jeffreys(found)[0] == pytest.approx(1 / 6, rel=1e-15)

    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize("temperature", [0.25, 2.0, 4.0])
    def test_temperature_divides_both_sides(self, mode: Mode, temperature: float) -> None:
        """By a power of two, which is exact: only a sigmoid cell's form may change, a last bit."""
        s, t = draw(5, 6), draw(5, 6, seed=2)
        found = kldiv_cli.compare(s, t, mode=mode, temperature=temperature)
        expected = kldiv_cli.compare(s / temperature, t / temperature, mode=mode)
        assert found.temperature == temperature
        tolerance = 0.0 if mode == "softmax" else 1e-15
        np.testing.assert_allclose(jeffreys(found), jeffreys(expected), rtol=tolerance)
        assert jeffreys(found).tobytes() != jeffreys(kldiv_cli.compare(s, t, mode=mode)).tobytes()

    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize("temperature", [0.7, 3.0])
    def test_temperature_against_the_oracle(self, mode: Mode, temperature: float) -> None:
        s, t = draw(4, 5), draw(4, 5, seed=2)
        found = kldiv_cli.compare(s, t, mode=mode, temperature=temperature)
        for row, value in enumerate(jeffreys(found)):
            true: mpf = oracle("jeffreys", mode, s[row], t[row], temperature)
            assert relative_error(float(value), true) <= 2e-14

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"mode": "relu"}, "no mode is called 'relu'"),
            ({"unit": "hartleys"}, "no unit is called 'hartleys'"),
            ({"nan_policy": "ignore"}, "no nan policy is called 'ignore'"),
            ({"temperature": 0.0}, "expected a temperature above 0, found 0"),
            ({"temperature": -1.0}, "expected a temperature above 0, found -1"),
            ({"temperature": INF}, "expected a temperature above 0, found inf"),
            ({"temperature": NAN}, "expected a temperature above 0, found nan"),
            ({"top": -1}, "expected --top of 0 or more, found -1"),
            ({"limits": {"average": 1.0}}, "no statistic is called 'average'"),
            ({"limits": [("mean", NAN)]}, "expected a number as the limit of mean, found nan"),
            (
                {"id_column": "file"},
                "--id, --columns and --drop are for tables, and neither input is",
            ),
            ({"columns": ["a"]}, "--id, --columns and --drop are for tables, and neither input is"),
        ],
        ids=str,
    )
    def test_a_bad_option_is_a_usage_error(self, options: Mapping[str, Any], message: str) -> None:
        with pytest.raises(UsageError) as caught:
            kldiv_cli.compare([[1.0, 2.0]], [[1.0, 2.0]], **options)
        assert caught.value.what.startswith(message)
        assert caught.value.advice
        assert caught.value.exit_code == 2

    def test_bad_options_are_reported_before_a_file_is_opened(self) -> None:
        with pytest.raises(UsageError):
            kldiv_cli.compare("missing.npy", "missing.npy", temperature=0)

    @pytest.mark.parametrize("form", [dict, list, tuple])
    def test_limits(self, form: type[Any]) -> None:
        total = kldiv_cli.compare(*MAGIKA).measures["jeffreys"]["total"]
        limits = form({"mean": 1.0, "total": total, "max": 0.01, "p99.9": INF}.items())
        found = kldiv_cli.compare(*MAGIKA, limits=limits)
        assert [(limit.stat, limit.above, limit.exceeded) for limit in found.limits] == [
            ("mean", 1.0, False),
            ("total", total, False),
            ("max", 0.01, True),
            ("p99.9", INF, False),
        ]
        assert [limit.value for limit in found.limits] == [
            found.measures["jeffreys"][limit.stat] for limit in found.limits
        ]
        assert found.exceeded
        assert not kldiv_cli.compare(*MAGIKA, limits={"mean": 1.0}).exceeded
        assert not kldiv_cli.compare(*MAGIKA).exceeded

    def test_nan_exceeds_any_limit(self) -> None:
        found = kldiv_cli.compare([[1.0, 2.0]], [[1.0, 2.5]], limits={"sem": INF})
        assert math.isnan(found.limits[0].value)
        assert found.exceeded

    def test_progress_is_told_the_rows_done_and_expected(self) -> None:
        rows = 3 * STREAM_BYTES // (8 * 64) + 5
        told: list[tuple[int, int | None]] = []
        logits = np.zeros((rows, 64))
        kldiv_cli.compare(logits, logits, progress=lambda done, of: told.append((done, of)))
        assert len(told) >= 4
        assert told == sorted(told)
        assert told[-1] == (rows, rows)
        assert {of for _, of in told} == {rows}


class TestThreads:
    @pytest.mark.parametrize("measure", [("jeffreys", "kl", "reverse-kl"), ("js", "jeffreys")])
    @pytest.mark.parametrize("mode", MODES)
    def test_not_a_bit_depends_on_them(self, mode: Mode, measure: Sequence[str]) -> None:
        rows = 5 * STREAM_BYTES // (8 * 64) + 3
        s, t = draw(rows, 64), draw(rows, 64, seed=2)
        s[7] = t[7] = -INF
        t[rows - 2, 5] = math.nan
        one, *others = (
            kldiv_cli.compare(s, t, mode=mode, measure=measure, nan_policy="omit", threads=threads)
            for threads in (1, 2, 5)
        )
        for other in others:
            assert other.values.keys() == one.values.keys()
            for name, values in one.values.items():
                assert other.values[name].tobytes() == values.tobytes()
            assert (other.measures, other.agreement) == (one.measures, one.agreement)
            assert (other.skipped, other.invalid) == (one.skipped, one.invalid) == (1, 1)
            assert (other.top, other.warnings) == (one.top, one.warnings)

    @pytest.mark.parametrize("threads", [1, 4])
    def test_the_first_invalid_row_is_named(self, threads: int) -> None:
        rows = 3 * STREAM_BYTES // (8 * 64)
        s = draw(rows, 64)
        t = s.copy()
        t[[rows // 2, rows - 1], 3] = math.nan
        with pytest.raises(InputError, match=rf"row {rows // 2}, class 3: expected .* found NaN"):
            kldiv_cli.compare(s, t, threads=threads)

    @pytest.mark.parametrize("threads", [0, -2])
    def test_there_is_at_least_one(self, threads: int) -> None:
        with pytest.raises(UsageError) as error:
            kldiv_cli.compare([[1.0]], [[1.0]], threads=threads)
        assert error.value.what == (
            f"expected a whole number of --threads, 1 or more, found {threads}"
        )
        assert error.value.advice == "Leave it out to use all cores."


class TestRows:
    @pytest.mark.parametrize("mode", MODES)
    def test_each_row_is_measured_alone(self, mode: Mode) -> None:
        s, t = draw(9, 5), draw(9, 5, seed=2)
        together = jeffreys(kldiv_cli.compare(s, t, mode=mode))
        alone = [jeffreys(kldiv_cli.compare(s[i], t[i], mode=mode))[0] for i in range(9)]
        assert together.tolist() == alone
        assert len(set(alone)) == 9

    def test_blocks_do_not_show(self) -> None:
        rows = 2 * STREAM_BYTES // (8 * 64) + 3
        s, t = draw(rows, 64), draw(rows, 64, seed=2)
        s[-2] = t[-2] = -INF
        found = kldiv_cli.compare(s, t, top=4)
        parts = [kldiv_cli.compare(s[i : i + 100], t[i : i + 100]) for i in range(0, rows, 100)]
        expected = np.concatenate([jeffreys(part) for part in parts])
        assert jeffreys(found).tobytes() == expected.tobytes()
        assert np.flatnonzero(found.skipped_rows).tolist() == [rows - 2]
        order = np.argsort(-np.nan_to_num(expected), kind="stable")[:4]
        assert [row.row for row in found.top] == order.tolist()
        assert found.measures["jeffreys"].max_row == order[0]
        assert found.agreement.same == sum(part.agreement.same for part in parts)

    def test_many_rows_show_the_most_divergent_first(self) -> None:
        t = np.zeros((21, 2))
        t[:, 0] = np.arange(21) % 7
        found = kldiv_cli.compare(np.zeros((21, 2)), t, top=5)
        assert [row.row for row in found.top] == [6, 13, 20, 5, 12]
        assert [row.values["jeffreys"] for row in found.top] == jeffreys(found)[
            [6, 13, 20, 5, 12]
        ].tolist()

    def test_twenty_rows_are_all_shown_in_order(self) -> None:
        t = draw(20, 3)
        t[4] = -INF
        s = np.zeros((20, 3))
        s[4] = -INF
        found = kldiv_cli.compare(s, t, top=2)
        assert [row.row for row in found.top] == list(range(20))
        assert [row.row for row in found.top if row.skipped] == [4]
        assert [row.row for row in found.top if not row.counted] == [4]

    def test_rows_that_do_not_count_are_not_among_the_most_divergent(self) -> None:
        s, t = draw(30, 3), draw(30, 3, seed=2)
        s[:28] = t[:28] = -INF
        assert {row.row for row in kldiv_cli.compare(s, t).top} == {28, 29}

    @pytest.mark.parametrize(("top", "shown"), [(0, 0), (1, 1), (25, 25), (40, 30)])
    def test_top_is_how_many(self, top: int, shown: int) -> None:
        found = kldiv_cli.compare(draw(30, 3), draw(30, 3, seed=2), top=top)
        assert len(found.top) == shown
        values = [row.values["jeffreys"] for row in found.top]
        assert values == sorted(values, reverse=True)

    def test_infinite_rows_lead(self) -> None:
        s, t = draw(30, 3), draw(30, 3, seed=2)
        t[17, 1] = -INF
        found = kldiv_cli.compare(s, t, top=2)
        assert found.top[0].row == 17
        assert found.top[0].values["jeffreys"] == INF
        assert found.measures["jeffreys"].infinite == 1

    def test_top_rows_name_their_classes(self) -> None:
        found = kldiv_cli.compare([[0.0, 1.0, 5.0]], [[3.0, 1.0, 2.0]])
        assert [(row.argmax, row.same, row.of, row.id) for row in found.top] == [
            ((2, 0), 0, 1, None)
        ]

    def test_ids_come_with_the_rows(self) -> None:
        found = kldiv_cli.compare(
            SAMPLES / "magika-fp32.parquet", SAMPLES / "magika-int8-shuffled.parquet"
        )
        assert found.ids is not None
        assert [row.id for row in found.top] == [found.ids[row.row] for row in found.top]
        assert found.top[0].id == "IN2-HeadsetMic.conf"
        assert found.class_names is not None
        assert found.class_names[found.top[1].argmax[0]] == "python"
        assert found.class_names[found.top[1].argmax[1]] == "asm"


class TestRowAxes:
    SHAPE = (2, 3, 4, 5)

    @pytest.mark.parametrize(
        ("row_axes", "row_shape", "class_shape"),
        [
            (None, (2, 3, 4), (5,)),
            (3, (2, 3, 4), (5,)),
            (2, (2, 3), (4, 5)),
            (1, (2,), (3, 4, 5)),
            (0, (1,), (2, 3, 4, 5)),
        ],
        ids=str,
    )
    @pytest.mark.parametrize("mode", MODES)
    def test_the_rest_is_one_row(
        self,
        mode: Mode,
        row_axes: int | None,
        row_shape: tuple[int, ...],
        class_shape: tuple[int, ...],
    ) -> None:
        s, t = draw(*self.SHAPE), draw(*self.SHAPE, seed=2)
        found = kldiv_cli.compare(s, t, mode=mode, row_axes=row_axes)
        flat = math.prod(row_shape), math.prod(class_shape)
        expected = kldiv_cli.compare(s.reshape(flat), t.reshape(flat), mode=mode)
        assert (found.row_shape, found.class_shape) == (row_shape, class_shape)
        assert (found.rows, found.classes) == flat
        assert jeffreys(found).tobytes() == jeffreys(expected).tobytes()
        assert found.agreement == expected.agreement
        assert found.top == expected.top

    def test_one_axis_is_one_row(self) -> None:
        found = kldiv_cli.compare([2.0, 1.0, 0.0, -1.0], [1.5, 1.2, -0.3, 0.4])
        assert (found.rows, found.classes, found.row_shape) == (1, 4, (1,))
        assert jeffreys(found)[0] == pytest.approx(0.284691230256762, rel=2e-14)

    @pytest.mark.parametrize("row_axes", [-1, 4, 5])
    def test_some_axis_must_be_left_for_the_classes(self, row_axes: int) -> None:
        with pytest.raises(InputError, match=f"--row-axes from 0 to 3 .* found {row_axes}"):
            kldiv_cli.compare(draw(*self.SHAPE), draw(*self.SHAPE), row_axes=row_axes)

    @pytest.mark.parametrize("row_axes", [1, 2])
    def test_global_pointer(self, row_axes: int) -> None:
        """Span scores (batch, heads, L, L) with the lower triangle masked and one row of padding.

        What is masked on both sides adds nothing and decides nothing: the divergence is the sum
        over the upper triangle alone, which the oracle computes from its definition.
        """
        batch, heads, length = 2, 3, 4
        s, t = draw(batch, heads, length, length), draw(batch, heads, length, length, seed=2)
        below = np.tril(np.ones((length, length), dtype=bool), k=-1)
        s[..., below] = t[..., below] = -INF
        s[1, :, :, 3] = t[1, :, :, 3] = -INF
        found = kldiv_cli.compare(s, t, mode="sigmoid", row_axes=row_axes)
        rows = [s.reshape(*s.shape[:row_axes], -1), t.reshape(*t.shape[:row_axes], -1)]
        for index in np.ndindex(*found.row_shape):
            ours, theirs = rows[0][index], rows[1][index]
            upper = np.isfinite(ours)
            true: mpf = oracle("jeffreys", "sigmoid", ours[upper], theirs[upper])
            value = float(jeffreys(found).reshape(found.row_shape)[index])
            assert relative_error(value, true) <= 2e-14
        upper = np.isfinite(s)
        assert found.agreement == Agreement(
            "sign",
            int(((s > 0) == (t > 0))[upper].sum()),
            int(upper.sum()),
            padding=int((~upper).sum()),
        )
        assert found.classes == math.prod(s.shape[row_axes:])
        assert found.warnings == ()


class TestSkippedAndInvalid:
    GOOD: Sequence[Sequence[float]] = ((2.0, 1.0, 0.0), (0.0, 0.5, 3.0), (1.0, 1.0, 1.0))
    NEAR: Sequence[Sequence[float]] = ((1.0, 2.0, 0.0), (0.0, 0.5, 2.0), (1.0, 1.0, 1.0))

    @pytest.mark.parametrize("mode", MODES)
    def test_skipped_rows_are_in_no_denominator(self, mode: Mode) -> None:
        nothing = (-INF, -INF, -INF)
        plain = kldiv_cli.compare(self.GOOD, self.NEAR, mode=mode)
        found = kldiv_cli.compare(
            [nothing, *self.GOOD, nothing], [nothing, *self.NEAR, nothing], mode=mode
        )
        assert (found.rows, found.skipped, found.invalid) == (3, 2, 0)
        assert found.measures["jeffreys"].values == plain.measures["jeffreys"].values
        assert found.agreement == plain.agreement
        assert found.measures["jeffreys"].zero == 1
        assert found.measures["jeffreys"].max_row == plain.measures["jeffreys"].max_row + 1
        assert found.skipped_rows.tolist() == [True, False, False, False, True]
        assert np.isnan(jeffreys(found)).tolist() == found.skipped_rows.tolist()

    @pytest.mark.parametrize("mode", MODES)
    def test_nothing_to_count_is_an_error(self, mode: Mode) -> None:
        nothing = [[-INF, -INF]] * 3
        with pytest.raises(InputError, match=r"none that counts.*3 skipped"):
            kldiv_cli.compare(nothing, nothing, mode=mode)
        with pytest.raises(InputError, match=r"none that counts.*1 invalid"):
            kldiv_cli.compare([[NAN, 0.0]], [[0.0, 0.0]], mode=mode, nan_policy="omit")

    INVALID = (
        pytest.param("softmax", (NAN, 0.0, 0.0), (0.0, 0.0, 0.0), id="softmax-nan"),
        pytest.param("softmax", (0.0, 0.0, 0.0), (0.0, NAN, 0.0), id="softmax-nan-candidate"),
        pytest.param("softmax", (INF, 0.0, 0.0), (INF, 0.0, 0.0), id="softmax-inf"),
        pytest.param("softmax", (-INF, -INF, -INF), (0.0, 0.0, 0.0), id="softmax-empty"),
        pytest.param("softmax", (-INF, NAN, -INF), (-INF, -INF, -INF), id="softmax-nan-empty"),
        pytest.param("sigmoid", (NAN, 0.0, 0.0), (0.0, 0.0, 0.0), id="sigmoid-nan"),
        pytest.param("sigmoid", (-INF, -INF, -INF), (-INF, NAN, -INF), id="sigmoid-nan-empty"),
    )

    @pytest.mark.parametrize(("mode", "s", "t"), INVALID)
    def test_raise_names_row_and_cell(
        self, mode: Mode, s: Sequence[float], t: Sequence[float]
    ) -> None:
        with pytest.raises(InputError, match="row 3") as caught:
            kldiv_cli.compare([*self.GOOD, s, s], [*self.NEAR, t, t], mode=mode)
        if NAN in (*s, *t) or INF in s:
            assert ", class " in caught.value.what

    @pytest.mark.parametrize(("mode", "s", "t"), INVALID)
    def test_omit_leaves_the_row_out_and_counts_it(
        self, mode: Mode, s: Sequence[float], t: Sequence[float]
    ) -> None:
        plain = kldiv_cli.compare(self.GOOD, self.NEAR, mode=mode)
        found = kldiv_cli.compare([*self.GOOD, s], [*self.NEAR, t], mode=mode, nan_policy="omit")
        assert (found.rows, found.skipped, found.invalid) == (3, 0, 1)
        assert found.measures["jeffreys"] == plain.measures["jeffreys"]
        assert found.agreement == plain.agreement
        assert np.isnan(jeffreys(found)).tolist() == [False, False, False, True]
        assert not found.skipped_rows.any()
        assert not found.top[3].counted
        assert not found.top[3].skipped

    @pytest.mark.parametrize(("mode", "s", "t"), INVALID)
    def test_propagate_makes_every_statistic_nan(
        self, mode: Mode, s: Sequence[float], t: Sequence[float]
    ) -> None:
        plain = kldiv_cli.compare(self.GOOD, self.NEAR, mode=mode)
        found = kldiv_cli.compare(
            [*self.GOOD, s], [*self.NEAR, t], mode=mode, nan_policy="propagate"
        )
        assert (found.rows, found.skipped, found.invalid) == (4, 0, 1)
        statistics = found.measures["jeffreys"]
        assert [stat for stat in STATISTICS if not math.isnan(statistics[stat])] == []
        assert statistics.max_row == 3
        assert statistics.zero == 1
        assert jeffreys(found)[:3].tolist() == jeffreys(plain).tolist()
        assert math.isnan(jeffreys(found)[3])
        undecided = 1 if mode == "softmax" else len(s)
        assert found.agreement == replace(plain.agreement, undecided=undecided)

    @pytest.mark.parametrize("policy", ["raise", "omit", "propagate"])
    def test_the_policy_does_not_touch_valid_rows(self, policy: NanPolicy) -> None:
        found = kldiv_cli.compare(self.GOOD, self.NEAR, nan_policy=policy)
        assert (found.rows, found.invalid, found.nan_policy) == (3, 0, policy)
        assert (
            jeffreys(found).tolist() == jeffreys(kldiv_cli.compare(self.GOOD, self.NEAR)).tolist()
        )

    def test_plus_infinity_is_a_certain_label_under_sigmoid(self) -> None:
        found = kldiv_cli.compare([[INF, 0.0]], [[INF, 0.0]], mode="sigmoid")
        assert (found.invalid, jeffreys(found).tolist()) == (0, [0.0])


class TestAgreement:
    @pytest.mark.parametrize(
        ("s", "t", "same"),
        [
            pytest.param((1.0, 3.0, 2.0), (0.0, 9.0, 0.0), 1, id="same"),
            pytest.param((3.0, 1.0, 2.0), (0.0, 9.0, 0.0), 0, id="other"),
            pytest.param((2.0, 2.0, 0.0), (5.0, 1.0, 0.0), 1, id="tie-goes-to-the-first"),
            pytest.param((2.0, 2.0, 0.0), (1.0, 5.0, 0.0), 0, id="tie-does-not-go-to-the-last"),
            pytest.param((1.0, 1.0, 1.0), (2.0, 2.0, 2.0), 1, id="all-tied"),
            pytest.param((-INF, 0.0, 0.0), (-INF, 0.0, 0.0), 1, id="tie-after-a-mask"),
        ],
    )
    def test_argmax(self, s: Sequence[float], t: Sequence[float], same: int) -> None:
        assert kldiv_cli.compare([s], [t]).agreement == Agreement("argmax", same, 1)

    @pytest.mark.parametrize(
        ("s", "t", "same", "of"),
        [
            pytest.param((1.0, -1.0), (2.0, -0.5), 2, 2, id="same"),
            pytest.param((1.0, -1.0), (-2.0, 0.5), 0, 2, id="opposite"),
            pytest.param((0.0, 0.0), (-1.0, 1.0), 1, 2, id="zero-is-no-label"),
            pytest.param((-INF, 1.0), (-INF, 1.0), 1, 1, id="padding-is-left-out"),
            pytest.param((-INF, 1.0), (-3.0, 1.0), 2, 2, id="masked-on-one-side-counts"),
            pytest.param((-INF, 1.0), (3.0, 1.0), 1, 2, id="masked-on-one-side-differs"),
            pytest.param((INF, 1.0), (INF, 1.0), 2, 2, id="plus-infinity-is-a-label"),
        ],
    )
    def test_sign(self, s: Sequence[float], t: Sequence[float], same: int, of: int) -> None:
        found = kldiv_cli.compare([s], [t], mode="sigmoid")
        assert found.agreement == Agreement("sign", same, of, padding=2 - of)
        assert (found.top[0].same, found.top[0].of) == (same, of)

    def test_the_share_of_nothing_is_nan(self) -> None:
        assert math.isnan(Agreement("sign", 0, 0).share)


class TestMasks:
    SIDES = np.array([[2.0, 1.0, 0.5], [0.0, 1.0, 4.0]]), np.array([[1.0, 1.5, 0.5], [1.0, 0, 3]])

    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize("mask", [-1e4, -1e9, -1e12, LEAST32, -INF], ids=str)
    def test_on_both_sides_it_adds_nothing(self, mode: Mode, mask: float) -> None:
        plain = kldiv_cli.compare(*self.SIDES, mode=mode)
        masked = [np.insert(side, 3, mask, axis=1) for side in self.SIDES]
        found = kldiv_cli.compare(*masked, mode=mode)
        tolerance = 0.0 if mode == "softmax" else 4e-16
        np.testing.assert_allclose(jeffreys(found), jeffreys(plain), rtol=tolerance)
        assert found.warnings == ()

    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize("side", ["reference", "candidate"])
    @pytest.mark.parametrize(
        ("mask", "other"),
        [(-1e12, 0.5), (-1e4, 2.0), (LEAST32, -5.0), (-1e12, -INF), (-1e12, -999.0)],
        ids=str,
    )
    def test_on_one_side_it_warns_and_names_the_cell(
        self, mode: Mode, side: str, mask: float, other: float, tmp_path: Path
    ) -> None:
        sides = [np.insert(each, 1, -2.0, axis=1) for each in self.SIDES]
        masked = 0 if side == "reference" else 1
        sides[masked][1, 1], sides[1 - masked][1, 1] = mask, other
        paths = [tmp_path / "p.npy", tmp_path / "q.npy"]
        for path, logits in zip(paths, sides, strict=True):
            np.save(path, logits)
        found = kldiv_cli.compare(*paths, mode=mode)
        (warning,) = found.warnings
        assert "mask mismatch" in warning
        assert str(paths[masked]) in warning
        assert "row 1, class 1" in warning
        assert f"{mask:g}" in warning
        assert f"{other:g}" in warning
        assert "1 such cell" in warning
        if other > -10:
            assert found.measures["jeffreys"].infinite == 0
            assert jeffreys(found)[1] > 100

    def test_every_such_cell_is_counted_and_the_first_named(self) -> None:
        s, t = np.zeros((2000, 64)), np.zeros((2000, 64))
        s[7, 3] = t[7, 9] = s[1999, 5] = -1e12
        s[8, 8] = t[8, 8] = -1e12
        (warning,) = kldiv_cli.compare(s, t).warnings
        assert "row 7, class 3" in warning
        assert "3 such cells" in warning

    def test_a_cell_of_several_axes_is_named_by_all_of_them(self) -> None:
        s, t = np.zeros((2, 3, 4)), np.zeros((2, 3, 4))
        s[1, 2, 3] = -1e12
        (warning,) = kldiv_cli.compare(s, t, mode="sigmoid", row_axes=1).warnings
        assert "row 1, cell (2, 3)" in warning

    def test_minus_infinity_against_a_logit_is_no_mismatch(self) -> None:
        found = kldiv_cli.compare([[0.0, -INF]], [[0.0, 3.0]])
        assert found.warnings == ()
        assert jeffreys(found).tolist() == [INF]

    def test_two_masks_of_different_depth_are_no_mismatch(self) -> None:
        found = kldiv_cli.compare([[0.0, -1e12, -1e4]], [[0.0, -1e9, -2e3]])
        assert found.warnings == ()

    def test_low_logits_are_no_masks(self) -> None:
        assert kldiv_cli.compare([[0.0, -900.0]], [[0.0, 3.0]]).warnings == ()


class TestPackage:
    def test_the_api_is_listed_before_it_is_loaded(self) -> None:
        check = "import kldiv_cli; print(set(kldiv_cli.__all__) - set(dir(kldiv_cli)))"
        done = subprocess.run([sys.executable, "-c", check], capture_output=True, check=True)
        assert done.stdout == b"set()\n"

    @pytest.mark.parametrize(
        "imports",
        [
            "from kldiv_cli import compare; import kldiv_cli.tasks.compare",
            "import kldiv_cli.tasks.compare; from kldiv_cli import compare",
            "import kldiv_cli; kldiv_cli.compare; import kldiv_cli.tasks.compare",
            "import kldiv_cli.cli.commands.compare; import kldiv_cli.cli",
        ],
    )
    def test_compare_is_the_function_whatever_was_imported_first(self, imports: str) -> None:
        check = (
            "; import sys; f = kldiv_cli.compare; assert callable(f), f; "
            "assert f is sys.modules['kldiv_cli.tasks.compare'].compare; "
            "from kldiv_cli import compare as g; assert g is f; "
            "print(f([[0.0, 1.0]], [[0.0, 1.0]]).rows)"
        )
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", imports + check],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")

    def test_names(self) -> None:
        assert {"Comparison", "__version__", "compare"} <= set(kldiv_cli.__all__)
        assert all(getattr(kldiv_cli, name) for name in kldiv_cli.__all__)
        with pytest.raises(AttributeError, match="has no attribute 'compute'"):
            kldiv_cli.compute  # noqa: B018

    def test_types_are_visible(self) -> None:
        """mypy, which checks this file, must see the function behind the lazy name."""
        found = kldiv_cli.compare([[1.0, 0.0]], [[0.0, 1.0]])
        assert_type(found, Comparison)
        assert_type(found.measures["jeffreys"]["mean"], float)
        assert_type(found.values["jeffreys"], Array)
        assert_type(found.agreement.share, float)
        assert isinstance(found, Comparison)
        assert (Path(kldiv_cli.__file__).parent / "py.typed").is_file()

    def test_types_are_checked(self) -> None:
        """Under strict mypy an ignore that is not needed is an error."""
        with pytest.raises(UsageError):
            kldiv_cli.compare([[1.0]], [[1.0]], mode="relu")  # type: ignore[arg-type]
        by_place: Any = "sigmoid"
        with pytest.raises(TypeError):
            kldiv_cli.compare([[1.0]], [[1.0]], by_place)  # type: ignore[call-arg]

    def test_results_are_frozen(self) -> None:
        found = kldiv_cli.compare([[1.0, 0.0]], [[0.0, 1.0]])
        with pytest.raises(FrozenInstanceError):
            found.rows = 2  # type: ignore[misc]

    def test_errors_are_one_family(self) -> None:
        with pytest.raises(KldivError):
            kldiv_cli.compare([[1.0, 0.0]], [[0.0, 1.0, 2.0]])
        assert issubclass(InputError, KldivError)
        assert issubclass(UsageError, KldivError)

    def test_docstring_examples_run(self) -> None:
        attempted: dict[str, int] = {}
        for module in pkgutil.walk_packages(kldiv_cli.__path__, "kldiv_cli."):
            if module.name == "kldiv_cli.__main__":
                continue
            importlib.import_module(module.name)
            result = doctest.testmod(sys.modules[module.name], raise_on_error=True)
            attempted[module.name] = result.attempted
        assert attempted["kldiv_cli.tasks.compare"] >= 2
        assert attempted["kldiv_cli.results.comparison"] >= 3

    @pytest.mark.parametrize("documented", [kldiv_cli.compare, Comparison], ids=["call", "result"])
    def test_docstrings_name_every_option_and_field(self, documented: Any) -> None:
        names = list(signature(documented).parameters)
        assert len(names) > 10
        assert [name for name in names if name not in documented.__doc__] == []


def test_a_temperature_that_leaves_only_certainty_is_no_nan() -> None:
    found = kldiv_cli.compare([[1.0, 2.0]], [[1.0, 3.0]], temperature=5e-324, mode="sigmoid")
    assert found.values["jeffreys"].tolist() == [0.0]


def test_rows_of_different_lengths_are_an_input_error() -> None:
    with pytest.raises(InputError, match="expected rows of one length"):
        kldiv_cli.compare([[1.0, 2.0], [3.0]], [[1.0, 2.0], [3.0, 4.0]])
