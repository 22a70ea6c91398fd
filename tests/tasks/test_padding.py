"""Rows that hold one number on both sides: which are told, warned of, skipped, left out."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from kldiv_cli import compare
from kldiv_cli.errors import InputError
from kldiv_cli.measures import _native
from kldiv_cli.pairing import BlockPair
from kldiv_cli.pairing.masks.below import without_low
from kldiv_cli.results.padding import ConstantRows, MaskBelow
from kldiv_cli.sources.base import BFLOAT16
from kldiv_cli.tasks.kept.seen import Constants, OneNumber
from tests.family import MODES, Mode

Array = npt.NDArray[Any]
RNG = np.random.default_rng(3)
S = RNG.normal(size=(8, 5))
T = S + 0.1 * RNG.normal(size=S.shape)
ROWS = [2, 5, 6]
INF = np.inf


def padded(value: float, dtype: str = "float64", other: float | None = None) -> tuple[Array, Array]:
    """Both sides, with three rows of one number."""
    s, t = S.astype(dtype), T.astype(dtype)
    s[ROWS], t[ROWS] = value, value if other is None else other
    return s, t


@pytest.fixture(params=["kernels", "numpy"], autouse=True)
def kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "numpy":
        monkeypatch.setattr(_native, "load", lambda: None)


class TestTold:
    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize("value", [-100.0, 0.0, 3.5, -9999.0])
    def test_rows_that_count(self, value: float, mode: Mode) -> None:
        found = compare(*padded(value), mode=mode)
        assert found.constant_rows == ConstantRows(3, value, 0, ignored=False)
        assert (found.rows, found.skipped) == (8, 0)
        assert len(found.warnings) == (value == -100)

    @pytest.mark.parametrize(
        ("value", "dtype"),
        [(-1e4, "f4"), (-65504.0, "f2"), (-1e9, "f8"), (float(np.finfo("f4").min), "f4")],
    )
    def test_mask_values(self, value: float, dtype: str) -> None:
        """They are skipped under softmax, under sigmoid they count, and both are warned of."""
        s, t = padded(value, dtype)
        found = compare(s, t)
        assert found.constant_rows == ConstantRows(3, value, 3, ignored=False)
        assert (found.rows, found.skipped) == (5, 3)
        (warning,) = found.warnings
        assert warning == (
            f"reference array and candidate array: 3 rows hold {value:g} alone on both sides, as "
            "padding does, and are skipped: say --ignore-constant-rows if they are padding"
        )
        assert compare(s, t, ignore_constant_rows=True).warnings == ()
        others = np.delete(s, ROWS, axis=0), np.delete(t, ROWS, axis=0)
        assert found.measures["jeffreys"]["mean"] == compare(*others).measures["jeffreys"]["mean"]
        assert np.isnan(found.values["jeffreys"][ROWS]).all()
        found = compare(s, t, mode="sigmoid")
        assert found.constant_rows == ConstantRows(3, value, 0, ignored=False)
        assert (found.rows, found.skipped, len(found.warnings)) == (8, 0, 1)
        assert (found.agreement.of, found.agreement.padding) == (25, 15)

    @pytest.mark.parametrize(
        ("value", "other"), [(-100.0, 0.0), (-100.0, 4.5), (-1e9, -1e12), (-INF, None)]
    )
    def test_two_numbers_are_none(self, value: float, other: float | None) -> None:
        assert compare(*padded(value, other=other)).constant_rows is None

    def test_a_row_on_one_side_only_is_a_row(self) -> None:
        s, t = padded(-100.0)
        t[ROWS] = T[ROWS]
        found = compare(s, t)
        assert (found.constant_rows, found.rows, found.warnings) == (None, 8, ())

    def test_a_single_row(self) -> None:
        s, t = S.copy(), T.copy()
        s[4] = t[4] = -100
        found = compare(s, t)
        assert (found.constant_rows, found.warnings) == (None, ())
        assert compare(s, t, ignore_constant_rows=True).rows == 7

    def test_rows_of_two_cells(self) -> None:
        s, t = (x[:, :2] for x in padded(-100.0))
        assert compare(s, t).constant_rows is None
        found = compare(s, t, ignore_constant_rows=True)
        assert (found.rows, found.constant_rows) == (8, ConstantRows(0, None, 0, ignored=True))
        assert compare(*(x[:, :2] for x in padded(-1e9))).skipped == 3

    def test_several_numbers(self) -> None:
        s, t = padded(-100.0)
        s[0] = t[0] = 0
        s[1] = t[1] = -1e9
        found = compare(s, t)
        assert found.constant_rows == ConstantRows(5, None, 1, ignored=False)
        (warning,) = found.warnings  # of a single row of -1e9 there is none
        assert warning == (
            "reference array and candidate array: 3 rows hold -100 alone on both sides, as padding "
            "does, and count: --ignore-constant-rows leaves them out"
        )
        found = compare(s, t, mode="sigmoid")
        assert "4 rows hold -100 or a mask value alone" in found.warnings[0]

    def test_honest_logits_far_down(self) -> None:
        found = compare(S - 12000, T - 12000)
        assert (found.rows, found.skipped, found.constant_rows) == (8, 0, None)

    def test_a_row_with_nan_is_invalid(self) -> None:
        s, t = padded(-100.0)
        s[2, 3] = np.nan
        for policy, rows in (("omit", 5), ("propagate", 6)):
            found = compare(s, t, nan_policy=policy, ignore_constant_rows=True)  # type: ignore[arg-type]
            assert (found.rows, found.skipped, found.invalid) == (rows, 2, 1)

    def test_probabilities(self) -> None:
        """Uniform rows are told, and rows of 0 are skipped as ever; no warning is of them."""
        p, q = (np.exp(x) / np.exp(x).sum(axis=1, keepdims=True) for x in (S, T))
        p[ROWS] = q[ROWS] = 0.2
        p[[0, 1]] = q[[0, 1]] = 0
        found = compare(p, q, kind="probs")
        assert found.constant_rows == ConstantRows(3, 0.2, 0, ignored=False)
        assert (found.rows, found.skipped, found.warnings) == (6, 2, ())
        found = compare(p, q, kind="probs", ignore_constant_rows=True)
        assert (found.rows, found.skipped) == (3, 5)
        with np.errstate(divide="ignore"):
            found = compare(p, np.log(q), kind=("probs", "log-probs"), ignore_constant_rows=True)
        assert (found.rows, found.skipped) == (6, 2)


class TestUnderAMask:
    def test_the_cells_that_are_kept_count(self) -> None:
        s, t = padded(-100.0)
        s[ROWS, 4] = 7
        mask = np.array([True, True, True, False, False])
        found = compare(s, t, mask=mask, ignore_constant_rows=True)
        assert found.constant_rows == ConstantRows(3, -100.0, 3, ignored=True)
        assert compare(s, t, mask=mask[[2, 1, 3, 4, 0]]).constant_rows is None

    def test_minus_inf_is_no_mask(self) -> None:
        """-inf beside one number on both sides may be classes that cannot be."""
        s, t = padded(-2e4)
        s[ROWS, :2] = t[ROWS, :2] = -INF
        found = compare(s, t)
        assert (found.rows, found.skipped, found.constant_rows) == (8, 0, None)
        mask = np.array([False, False, True, True, True])
        assert compare(s, t, mask=mask).constant_rows == ConstantRows(3, -2e4, 3, ignored=False)


class TestLowCells:
    @pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
    @pytest.mark.parametrize("value", [-1e4, -65504.0, -1e9, -1e12, float(np.finfo("f4").min)])
    def test_the_number_is_that_of_the_type(self, value: float, dtype: str) -> None:
        """-1e12 in float32 is -999999995904; in half precision it overflows to -inf."""
        with np.errstate(over="ignore"):
            s, t = S.astype(dtype), T.astype("f4")
            s[:, 3], t[:, 3] = value, value
        keep = np.array([True, True, True, False, True])
        found = compare(s, t, mask_below=value, mode="sigmoid")
        by_hand = compare(s, t, mask=keep, mode="sigmoid")
        assert found.mask_below == MaskBelow(value, 8, 40)
        assert found.values["jeffreys"].tobytes() == by_hand.values["jeffreys"].tobytes()

    def test_bfloat16(self) -> None:
        """-1e4 is -9984 in bfloat16, and -1e12 is -1000727379968."""
        for value, rounded in ((-1e4, -9984.0), (-1e12, -1000727379968.0), (-INF, -INF)):
            s = S.astype(np.float32)
            s[:, 3] = rounded
            bits = (s.view(np.uint32) >> 16).astype("<u2").view(BFLOAT16)
            block = BlockPair(0, bits, bits, None)
            kept = without_low(block, value).kept
            assert kept is not None
            assert kept.tolist() == (s > rounded).tolist()
            assert not kept.all()

    def test_integers(self) -> None:
        s = np.array([[1, 2, -100], [3, 1, -101]])
        found = compare(s, s[::-1], mask_below=-100)
        assert found.mask_below == MaskBelow(-100.0, 2, 6)

    def test_on_one_side_only(self) -> None:
        s, t = S.copy(), T.copy()
        s[:, 1] = t[:4, 1] = -1e9
        found = compare(s, t, mask_below=-1e4)
        assert found.mask_below == MaskBelow(-1e4, 4, 40)
        assert "mask mismatch" in found.warnings[0]

    def test_padding_of_two_numbers(self) -> None:
        for pads in ((-1e9, -1e12), (-1e9, -INF), (-INF, -1e4)):
            s, t = padded(*pads[:1], other=pads[1])
            found = compare(s, t, mask_below=-1e4)
            assert (found.rows, found.masked, found.skipped, found.warnings) == (5, 3, 0, ())
            others = np.delete(s, ROWS, axis=0), np.delete(t, ROWS, axis=0)
            mean = compare(*others).measures["jeffreys"]["mean"]
            assert found.measures["jeffreys"]["mean"] == mean

    def test_nan_stays(self) -> None:
        s, t = padded(-1e9)
        s[2, 0] = np.nan
        with pytest.raises(InputError, match="found NaN"):
            compare(s, t, mask_below=-1e4)

    @pytest.mark.parametrize("mode", MODES)
    def test_among_some_classes(self, mode: Mode) -> None:
        s, t = S.copy(), T.copy()
        s[:, 1] = t[:, 1] = -1e9
        found = compare(s, t, mask_below=-1e4, classes=[0, 1, 2], mode=mode)
        cut = compare(s[:, :3], t[:, :3], mask=np.array([True, False, True]), mode=mode)
        assert found.values["jeffreys"].tobytes() == cut.values["jeffreys"].tobytes()
        assert found.mask_below == MaskBelow(-1e4, 8, 24)
        logs = [x - np.log(np.exp(x).sum(axis=1, keepdims=True)) for x in (s, t)]
        found = compare(*logs, kind="log-probs", mask_below=-1e4, classes=[0, 1, 2], mode=mode)
        assert found.masked == 0

    def test_with_rows_of_one_number(self) -> None:
        """What is left of a row is what counts."""
        s, t = padded(-100.0)
        s[ROWS, 4] = t[ROWS, 4] = -1e9
        assert compare(s, t).constant_rows is None
        found = compare(s, t, mask_below=-1e4, ignore_constant_rows=True)
        assert found.constant_rows == ConstantRows(3, -100.0, 3, ignored=True)
        found = compare(s, t, mask_below=-100, ignore_constant_rows=True)
        assert (found.rows, found.masked, found.skipped) == (5, 3, 0)


class TestNothingLeft:
    @pytest.mark.parametrize("shape", [(4, 5), (1, 5), (5,)])
    def test_all_rows_are_left_out(self, shape: tuple[int, ...]) -> None:
        rows = np.prod(shape) // 5
        with pytest.raises(InputError) as error:
            compare(np.zeros(shape), np.zeros(shape), ignore_constant_rows=True)
        assert str(error.value) == (
            "reference array: expected rows to compare, found none that counts "
            f"({rows} skipped, nothing but -inf or one number; 0 invalid)"
        )
        assert error.value.advice == (
            "Leave --ignore-constant-rows out to count rows of one number as well."
        )
        assert compare(np.zeros(shape), np.zeros(shape)).rows == rows

    def test_all_rows_are_of_a_mask_value(self) -> None:
        with pytest.raises(InputError, match="4 skipped, nothing but -inf or one number"):
            compare(np.full((4, 5), -1e9), np.full((4, 5), -1e9))


def test_parts_join_in_any_split() -> None:
    values = [-100.0, -100.0, 0.0, -1e9]
    parts = [
        Constants(*(OneNumber.of(np.array([x])[:some]) for some in (1, rest, 1 - rest)))
        for x, rest in zip(values, (1, 1, 0, 1), strict=True)
    ]
    whole = Constants.join(parts)
    several = OneNumber(4, -100.0, alike=False)
    assert whole == Constants(several, several._replace(rows=3), OneNumber(1, 0.0))
    for cut in range(5):
        halves = [Constants.join(parts[:cut]), Constants.join(parts[cut:])]
        assert Constants.join(halves) == whole
    assert Constants.join(parts[:2]).every.number == -100.0
    assert whole.every.number is None
    assert Constants.join([]).every.number is None
