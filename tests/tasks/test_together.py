"""Options that leave rows and cells out, together: as if the inputs had been cut by hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import kldiv_cli
from kldiv_cli.errors import InputError
from kldiv_cli.results.comparison import Comparison
from kldiv_cli.results.statistics import Statistics

ROWS, CLASSES = 300, 11
MEASURES = ["jeffreys", "kl", "tv"]


class _Inputs:
    """Logits with a mask, labels and groups for each row."""

    def __init__(self, seed: int) -> None:
        source = np.random.default_rng(seed)
        self.s = source.normal(scale=3, size=(ROWS, CLASSES)).astype(np.float32)
        self.t = (self.s + source.normal(scale=0.3, size=self.s.shape)).astype(np.float32)
        self.mask = source.random(self.s.shape) < 0.8
        self.mask[source.integers(ROWS, size=9)] = False
        self.labels = np.where(self.mask, source.random(self.s.shape), -1).argmax(axis=1)
        self.group = source.choice(["news", "code", "chat"], size=ROWS)

    def compare(self, cut: NDArray[np.intp] | slice, **options: Any) -> Comparison:
        """Compare these rows alone, cut by hand."""
        for name in ("mask", "labels", "group"):
            if name in options and not isinstance(options[name], str):
                options[name] = options[name][cut]
        return kldiv_cli.compare(self.s[cut], self.t[cut], measure=MEASURES, **options)


def same(found: Comparison, expected: Comparison, rows: NDArray[np.intp]) -> None:
    """Check all numbers of a result, and that its rows are known by their places in the files."""
    assert numbers(found.measures) == numbers(expected.measures)
    for name in MEASURES:
        np.testing.assert_array_equal(found.values[name], expected.values[name])
    assert (found.rows, found.skipped, found.masked) == (
        expected.rows,
        expected.skipped,
        expected.masked,
    )
    assert found.agreement == expected.agreement
    assert found.language == expected.language
    assert [row.row for row in found.top] == [int(rows[row.row]) for row in expected.top]
    if expected.groups is None:
        assert found.groups is None
        return
    assert found.groups is not None
    assert len(found.groups.each) == len(expected.groups.each)
    for ours, theirs in zip(found.groups.each, expected.groups.each, strict=True):
        assert (ours.name, ours.rows, ours.same) == (theirs.name, theirs.rows, theirs.same)
        assert numbers(ours.measures) == numbers(theirs.measures)


def numbers(measures: Mapping[str, Statistics]) -> dict[str, dict[str, str]]:
    """Return statistics as text, in which nan is nan."""
    return {
        measure: {name: repr(value) for name, value in each.values.items()}
        for measure, each in measures.items()
    }


SELECTIONS: dict[str, dict[str, Any]] = {
    "slice": {"rows": slice(37, 251)},
    "tail": {"rows": "-60:"},
    "limit": {"limit": 45},
    "rows and limit": {"rows": slice(100, None), "limit": 33},
    "sample": {"sample": 70, "seed": 5},
    "sample of rows": {"rows": slice(20, 220), "sample": 50, "seed": 1},
}
LEFT_OUT: dict[str, list[str]] = {
    "mask": ["mask"],
    "mask and labels": ["mask", "labels"],
    "mask, labels and groups": ["mask", "labels", "group"],
    "labels": ["labels"],
    "groups": ["group"],
    "mask and groups": ["mask", "group"],
    "labels and groups": ["labels", "group"],
}


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("selection", SELECTIONS.values(), ids=SELECTIONS.keys())
@pytest.mark.parametrize("names", LEFT_OUT.values(), ids=LEFT_OUT.keys())
def test_a_selection_takes_the_rest_along(
    names: list[str], selection: dict[str, Any], threads: int
) -> None:
    inputs = _Inputs(len(names))
    options = {name: getattr(inputs, name) for name in names}
    found = inputs.compare(slice(None), **options, **selection, threads=threads)
    rows = chosen(selection)
    same(found, inputs.compare(rows, **options), rows)


def chosen(selection: dict[str, Any]) -> NDArray[np.intp]:
    """Return the rows that a selection takes, read off a comparison that holds their numbers."""
    numbers = np.arange(ROWS, dtype=float)
    logits = np.stack([np.zeros(ROWS), numbers / 1000], axis=1)
    found = kldiv_cli.compare(logits, np.zeros_like(logits), top=ROWS, **selection)
    return np.sort([row.row for row in found.top])


@pytest.mark.parametrize("selection", SELECTIONS.values(), ids=SELECTIONS.keys())
@pytest.mark.parametrize("group", ["argmax", "confidence"])
def test_groups_of_a_selection(selection: dict[str, Any], group: str) -> None:
    inputs = _Inputs(7)
    rows = chosen(selection)
    same(
        inputs.compare(slice(None), group=group, mask=inputs.mask, **selection),
        inputs.compare(rows, group=group, mask=inputs.mask),
        rows,
    )


@pytest.mark.parametrize("selection", SELECTIONS.values(), ids=SELECTIONS.keys())
def test_classes_of_a_selection(selection: dict[str, Any]) -> None:
    inputs = _Inputs(8)
    rows = chosen(selection)
    found = inputs.compare(slice(None), classes=slice(2, 9), group=inputs.group, **selection)
    expected = kldiv_cli.compare(
        inputs.s[rows, 2:9], inputs.t[rows, 2:9], measure=MEASURES, group=inputs.group[rows]
    )
    same(found, expected, rows)


@pytest.mark.parametrize("selection", [{}, *SELECTIONS.values()], ids=["all", *SELECTIONS])
@pytest.mark.parametrize("nothing", [-100, CLASSES, -1])
def test_rows_that_do_not_count_may_have_any_label(selection: dict[str, Any], nothing: int) -> None:
    inputs = _Inputs(9)
    rows = chosen(selection) if selection else np.arange(ROWS)
    inputs.mask = inputs.mask[:, :1]
    inputs.s[rows[3]] = inputs.t[rows[3]] = -np.inf
    inputs.s[rows[4], 2] = np.nan
    expected = inputs.compare(
        rows, mask=inputs.mask, labels=inputs.labels, group=inputs.group, nan_policy="omit"
    )
    counts = (
        inputs.mask[:, 0] & ~np.isnan(inputs.s).any(axis=1) & ~np.isneginf(inputs.s).all(axis=1)
    )
    others = np.setdiff1d(np.arange(ROWS), rows[counts[rows]])
    assert len(others) > 50
    inputs.labels[others] = nothing
    found = inputs.compare(
        slice(None),
        mask=inputs.mask,
        labels=inputs.labels,
        group=inputs.group,
        nan_policy="omit",
        **selection,
    )
    same(found, expected, rows)
    np.testing.assert_array_equal(found.tokens["label"], inputs.labels[rows])
    first = int(rows[counts[rows]][0])
    inputs.labels[first] = nothing
    with pytest.raises(InputError) as caught:
        inputs.compare(
            slice(None), mask=inputs.mask, labels=inputs.labels, nan_policy="omit", **selection
        )
    assert caught.value.what == (
        f"labels: row {first}: expected a label from 0 to {CLASSES - 1}, found {nothing}"
    )


LOSSES: dict[str, dict[str, Any]] = {
    "torch": {"reduction": "mean"},
    "mxnet": {"release": "1.9"},
    "keras": {},
    "r-drop": {"convention": "keras"},
    "vat": {},
    "globalpointer": {"reduction": "cell"},
    "kd": {"temperature": 2.0},
    "dkd": {},
    "gjsd": {"beta": 0.3},
    "distillm": {},
    "dkl": {"class_prior": True},
    "ikl": {},
    "gkl": {"gamma": 0.5},
}


@pytest.mark.parametrize("by_id", [False, True], ids=["position", "id"])
@pytest.mark.parametrize("selection", SELECTIONS.values(), ids=SELECTIONS.keys())
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_of_a_selection(
    name: str, selection: dict[str, Any], by_id: bool, tmp_path: Path
) -> None:
    inputs, options, rows = _Inputs(10), LOSSES[name], chosen(selection)
    s, t, mask = inputs.s, inputs.t, inputs.mask
    given: dict[str, Any] = {}
    if name in ("dkd", "dkl"):
        mask = mask[:, :1]
        given = {"labels": np.where(mask[:, 0], np.arange(ROWS) % CLASSES, -100)}
    cut = {key: values[rows] for key, values in given.items()}
    expected = kldiv_cli.loss(name, s[rows], t[rows], mask=mask[rows], **cut, **options)
    sides: tuple[Any, Any] = (s, t)
    if by_id:
        order = np.random.default_rng(1).permutation(ROWS)
        sides = (
            write_csv(tmp_path / "s.csv", s, np.arange(ROWS)),
            write_csv(tmp_path / "t.csv", t[order], order),
        )
    found = kldiv_cli.loss(name, *sides, mask=mask, **given | options | selection)
    assert found.paired_by == ("id" if by_id else "position")
    for field in ("value", "components", "denominator", "reference_value", "factor", "notes"):
        assert getattr(found, field) == getattr(expected, field), field
    assert (found.rows, found.masked) == (expected.rows, expected.masked)
    assert found.mask is not None
    assert expected.mask is not None
    assert (found.mask.cells, found.mask.of) == (expected.mask.cells, expected.mask.of)
    assert found.selection is not None
    first, last = int(rows[0]), int(rows[-1])
    if "sample" in selection:
        first, last = (20, 219) if "rows" in selection else (0, 299)
    counted = not by_id or "sample" in selection or selection.get("rows") == "-60:"
    of = ROWS if counted else None  # of text nobody knows who has not read it
    assert (found.selection.first, found.selection.last, found.selection.of) == (first, last, of)
    assert found.reference.shape == (of, CLASSES)


def write_csv(path: Path, values: NDArray[Any], ids: NDArray[np.intp]) -> Path:
    """Write a table with ids."""
    lines = [",".join(["id", *(f"c{i}" for i in range(CLASSES))])]
    lines += [
        f"{i}," + ",".join(map(repr, row.tolist())) for i, row in zip(ids, values, strict=True)
    ]
    path.write_text("\n".join(lines) + "\n")
    return path
