"""Options that leave rows and cells out, together: as if the inputs had been cut by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import kldiv_cli
from kldiv_cli.comparison import Comparison
from kldiv_cli.errors import InputError
from kldiv_cli.summary import Statistics

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
        self.labels = source.integers(CLASSES, size=ROWS)
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
