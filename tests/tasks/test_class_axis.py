"""``class_axis``: the results are those of arrays whose classes were moved to the end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import kldiv_cli
from kldiv_cli.errors import InputError, UsageError
from kldiv_cli.results.comparison import Comparison
from kldiv_cli.tasks.inspect import inspect
from kldiv_cli.tasks.verify import verify
from tests.command import ROOT

Array = npt.NDArray[Any]

RANDOM = np.random.default_rng(4)
P = RANDOM.standard_normal((3, 5, 2, 4))
Q = P + 0.1 * RANDOM.standard_normal(P.shape)
LAST = tuple(np.ascontiguousarray(np.moveaxis(x, 1, -1)) for x in (P, Q))
LABELS = RANDOM.integers(0, 5, (3, 2, 4))
MASK = RANDOM.random(P.shape) < 0.7


def compared(**options: Any) -> Comparison:
    return kldiv_cli.compare(P, Q, class_axis=1, **options)


def moved(**options: Any) -> Comparison:
    return kldiv_cli.compare(*LAST, **options)


def assert_equal(found: Comparison, expected: Comparison) -> None:
    """Hold that nothing differs but where the classes lie."""
    np.testing.assert_array_equal(found.values["jeffreys"], expected.values["jeffreys"])
    sides = tuple(
        replace(ours, shape=theirs.shape, class_axes=theirs.class_axes)
        for ours, theirs in zip(found.head.sides, expected.head.sides, strict=True)
    )
    ours, theirs = (None if x.mask is None else x.mask.cells for x in (found, expected))
    assert ours == theirs
    mask = expected.mask
    assert replace(found.head, sides=sides, mask=mask) == expected.head
    assert (found.measures, found.groups) == (expected.measures, expected.groups)
    assert repr(found.top) == repr(expected.top)  # in which NaN is NaN


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"mode": "sigmoid"},
        {"rows": "3:17"},
        {"limit": 7},
        {"sample": 9},
        {"classes": "1:4"},
        {"labels": LABELS},
        {"labels": LABELS.ravel(), "mask": MASK[:, 0]},
        {"measure": ["js", "kl"]},
    ],
)
def test_a_comparison(options: dict[str, Any], threads: int) -> None:
    found, expected = (run(threads=threads, **options) for run in (compared, moved))
    assert (found.language, found.class_selection) == (expected.language, expected.class_selection)
    if "measure" in options:
        assert found.measures == expected.measures
    else:
        assert_equal(found, expected)


@pytest.mark.parametrize("group", [LABELS, np.array([1, 1, 2]), "argmax"])
def test_groups(group: Any) -> None:
    found, expected = compared(group=group), moved(group=group)
    assert found.groups is not None
    assert expected.groups is not None
    assert found.groups.each == expected.groups.each


@pytest.mark.parametrize("axis", [0, 1, 2, 3, -2])
def test_any_axis_of_files(tmp_path: Path, axis: int) -> None:
    paths = tmp_path / "p.npy", tmp_path / "q.npy"
    for path, values in zip(paths, (P, Q), strict=True):
        np.save(path, values)
    last = (np.ascontiguousarray(np.moveaxis(x, axis, -1)) for x in (P, Q))
    expected = kldiv_cli.compare(*last)
    found = kldiv_cli.compare(*paths, class_axis=axis)
    np.testing.assert_array_equal(found.values["jeffreys"], expected.values["jeffreys"])
    assert found.row_shape == expected.row_shape
    assert found.top == expected.top
    assert found.reference.class_axes == (axis % 4,)
    assert found.reference.shape == P.shape


class TestMasks:
    """A mask lies as the inputs do; with fewer axes it lies along some of them."""

    @pytest.mark.parametrize(
        ("mask", "along"),
        [
            (MASK, np.moveaxis(MASK, 1, -1)),
            (MASK[:, :1], np.moveaxis(MASK[:, :1], 1, -1)),
            (MASK[:, :, :1, :1], np.moveaxis(MASK[:, :, :1, :1], 1, -1)),
            (MASK[:, 0], MASK[:, 0, ..., None]),
            (MASK[:, :, 0, 0], MASK[:, :, 0, 0].reshape(3, 1, 1, 5)),
            (MASK[0], np.moveaxis(MASK[:1], 1, -1)),
            (MASK[0, 0], MASK[:1, 0, ..., None]),
            (MASK[0, :, 0, 0], MASK[0, :, 0, 0].reshape(1, 1, 1, 5)),
            (MASK[0, 0, 0], MASK[0, 0, 0].reshape(1, 1, 4, 1)),
        ],
    )
    @pytest.mark.parametrize("options", [{}, {"rows": "3:17"}, {"sample": 9}, {"threads": 2}])
    def test_fits(self, mask: Array, along: Array, options: dict[str, Any]) -> None:
        assert_equal(compared(mask=mask, **options), moved(mask=along, **options))

    def test_fits_in_no_way(self) -> None:
        with pytest.raises(InputError) as caught:
            compared(mask=MASK[:, :, :, :3])
        assert caught.value.what == (
            "mask: expected a mask that fits the first or the last axes, those of rows or of "
            "classes, of (3, 5, 2, 4), found (3, 5, 2, 3)"
        )

    def test_fits_in_two_ways_and_either_shape_is_taken(self) -> None:
        values = RANDOM.standard_normal((4, 5, 2, 4))
        mask = np.array([True, True, False, True])
        with pytest.raises(InputError) as caught:
            kldiv_cli.compare(values, -values, class_axis=1, mask=mask)
        assert "which fits it in 2" in caught.value.what
        for shape in ((4, 1, 1, 1), (1, 1, 1, 4)):
            assert str(shape) in caught.value.advice
            found = kldiv_cli.compare(values, -values, class_axis=1, mask=mask.reshape(shape))
            assert (found.rows, found.masked) == (24, 8)


def test_a_loss() -> None:
    found = kldiv_cli.loss("torch", P, Q, class_axis=1, reduction="batchmean")
    expected = kldiv_cli.loss("torch", *LAST, reduction="batchmean")
    assert (found.value, found.denominator) == (expected.value, 3)
    labelled = kldiv_cli.loss("dkd", P, Q, class_axis=1, labels=LABELS)
    assert labelled.value == kldiv_cli.loss("dkd", *LAST, labels=LABELS).value


def test_of_samples_too() -> None:
    """GlobalPointer takes a row for a sample, unless an option says which axis is the classes."""
    found = kldiv_cli.loss("globalpointer", P, Q, class_axis=1)
    assert found.value == kldiv_cli.loss("globalpointer", *LAST, row_axes=3).value
    assert (found.classes, kldiv_cli.loss("globalpointer", P, Q).classes) == (5, 40)


def test_a_verification_and_an_inspection() -> None:
    assert verify(P, Q, class_axis=1).findings == verify(*LAST).findings
    found, expected = inspect(P, class_axis=-3), inspect(LAST[0])
    assert (found.entropy, found.leaders, found.rows) == (
        expected.entropy,
        expected.leaders,
        expected.rows,
    )
    assert found.file.class_axes == (1,)


class TestTheOtherSide:
    """An array beside a table: the axis is the array's."""

    def table(self, tmp_path: Path) -> Path:
        lines = ["a,b,c,d,e", *(",".join(map(repr, row)) for row in Q[0, :, 0].T.tolist())]
        (tmp_path / "q.csv").write_text("\n".join(lines) + "\n")
        return tmp_path / "q.csv"

    def test_an_array_of_classes_by_rows(self, tmp_path: Path) -> None:
        found = kldiv_cli.compare(P[0, :, 0], self.table(tmp_path), class_axis=0)
        expected = kldiv_cli.compare(P[0, :, 0].T.copy(), Q[0, :, 0].T.copy())
        np.testing.assert_array_equal(found.values["jeffreys"], expected.values["jeffreys"])
        assert found.reference.class_axes == (0,)
        assert found.candidate.class_axes is None

    def test_two_tables_have_no_axes(self, tmp_path: Path) -> None:
        path = self.table(tmp_path)
        with pytest.raises(UsageError, match="--class-axis names an axis of arrays") as caught:
            kldiv_cli.compare(path, path, class_axis=1)
        assert (
            caught.value.advice
            == "Leave it out: tables and llama.cpp files say what their classes are."
        )
        with pytest.raises(InputError, match="expected an array for --class-axis, found csv"):
            inspect(path, class_axis=0)


@pytest.mark.parametrize("run", [kldiv_cli.compare, verify])
def test_not_with_row_axes(run: Any) -> None:
    with pytest.raises(UsageError) as caught:
        run(P, Q, class_axis=1, row_axes=3)
    assert caught.value.what == (
        "--row-axes says that the last axes index classes, and --class-axis which one does"
    )
    assert caught.value.advice == "Leave one of the two out."


def test_a_segmentation_as_people_have_it() -> None:
    """Classes before height and width; over the width the mean is 0.0023351."""
    cases = ROOT / "tests" / "cases"
    found = kldiv_cli.compare(cases / "seg_p.npy", cases / "seg_q.npy", class_axis=1)
    assert f"{found.measures['jeffreys']['mean']:.7f}" == "0.0080044"
    assert (found.rows, found.classes, found.row_shape) == (12, 4, (1, 2, 6))


@pytest.mark.parametrize(("axis", "last"), [(0, 3), (1, 3), (2, 3), (3, 2)])
def test_positions_are_those_along_an_axis_of_the_file(axis: int, last: int) -> None:
    values = np.random.default_rng(2).normal(size=(2, 3, 4, 5))
    found = kldiv_cli.compare(values, values + 0.1 * values**2, class_axis=axis, group="position")
    assert found.groups is not None
    assert found.groups.by.what == f"position, the index along axis {last}"
    assert len(found.groups.each) == values.shape[last]
