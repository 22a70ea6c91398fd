"""Every loss of rows of which a mask leaves cells out: that of rows without them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from mpmath import fsum, mp, mpf

from kldiv_cli import loss
from kldiv_cli.errors import InputError, UsageError
from kldiv_cli.losses import LOSSES
from tests.losses.definitions import DIGITS, softmax, value_of
from tests.losses.test_definitions import CASES, INPUTS
from tests.oracle import relative_error

Array = np.ndarray[Any, Any]
ROWS, CLASSES = 8, 5
LABELS = np.array([0, 0, 1, 0, 4, 2, 0, 1])
CELLS = [(name, options) for name, options in CASES if "class_prior" not in options]


def ragged() -> Array:
    """A mask that keeps 2 to 4 classes of every row, the label's and another one among them."""
    kept = np.zeros((ROWS, CLASSES), dtype=bool)
    for row, label in enumerate(LABELS):
        kept[row, [label, (label + 3) % CLASSES]] = True
    kept[[0, 1, 4], [4, 2, 3]] = kept[5, 3] = kept[4, 1] = True
    return kept


def labels_of(name: str) -> Array | None:
    return LABELS if name == "dkd" else None


@pytest.mark.parametrize("kind", INPUTS)
@pytest.mark.parametrize(("name", "options"), CELLS, ids=str)
def test_classes_that_no_row_has(name: str, options: dict[str, Any], kind: str) -> None:
    m, n = INPUTS[kind]
    kept = np.array([1, 1, 1, 0, 1], dtype=bool)
    labels = np.array([0, 1, 2, 4, 4, 1, 0, 2])
    found = loss(name, m, n, labels=labels if name == "dkd" else None, mask=kept, **options)
    true = value_of(name, m[:, kept], n[:, kept], options, [0, 1, 2, 3, 3, 1, 0, 2])
    assert relative_error(found.value, true) < 2e-14
    assert found.mask is not None
    assert (found.rows, found.classes, found.mask.cells, found.mask.of) == (8, 5, 8, 40)


@pytest.mark.parametrize("kind", INPUTS)
@pytest.mark.parametrize(("name", "options"), CELLS, ids=str)
def test_cells_of_every_row(name: str, options: dict[str, Any], kind: str) -> None:
    m, n = INPUTS[kind]
    kept = ragged()
    kept[2] = False
    found = loss(name, m, n, labels=labels_of(name), mask=kept, **options)
    if name == "gkl":
        return  # whose denominator is no number of rows; see the next test
    counted = [row for row in range(ROWS) if row != 2]
    each = [
        value_of(
            name,
            m[[row]][:, kept[row]],
            n[[row]][:, kept[row]],
            options,
            [int(kept[row, : LABELS[row]].sum())],
        )
        for row in counted
    ]
    cells = [int(kept[row].sum()) for row in counted]
    how = options.get("reduction", options.get("release", options.get("convention")))
    if how in ("mean", "cell", "1.8") or (name == "torch" and how is None):
        true = fsum(a * b for a, b in zip(each, cells, strict=True)) / sum(cells)
        assert found.denominator == sum(cells) == 19
    elif how == "sum" or (name == "r-drop" and how != "keras"):
        true = fsum(each)
    else:
        true = fsum(each) / 7
    assert relative_error(found.value, true) < 2e-14


@pytest.mark.parametrize("kind", INPUTS)
@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
def test_squared_weights_of_the_cells_that_are_kept_divide(gamma: float, kind: str) -> None:
    m, n = INPUTS[kind]
    kept = ragged()
    kept[2] = False
    found = loss("gkl", m, n, gamma=gamma, weight_temperature=4.0, mask=kept)
    assert (found.rows, found.masked) == (7, 1)
    errors, squares, crosses = [], [], []
    with mp.workdps(DIGITS):
        for row in np.flatnonzero(kept.any(axis=1)):
            a, b = ([mpf(float(x)) for x in side[row, kept[row]]] for side in (m, n))
            d = [x - y for x, y in zip(a, b, strict=True)]
            u = [w**gamma for w in softmax(a, 4.0)]
            total = fsum(u)
            mean = fsum(w * x for w, x in zip(u, d, strict=True)) / total
            spread = fsum(w * (x - mean) ** 2 for w, x in zip(u, d, strict=True))
            errors.append(total * spread / 2)
            squares.append(total**2)
            p, q = softmax(a), softmax(b)
            crosses.append(-fsum(x * mp.log(y) for x, y in zip(p, q, strict=True)))
        error, cross = fsum(errors) / fsum(squares), fsum(crosses) / 7
        assert relative_error(found.components["wmse"], error) < 2e-14
        assert relative_error(found.components["cross_entropy"], cross) < 2e-14
        assert relative_error(found.value, error + cross) < 2e-14


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf, 1e300, -1e12, 0.0], ids=str)
def test_what_stands_in_a_masked_cell_makes_no_difference(name: str, hole: float) -> None:
    m, n = INPUTS["independent"]
    kept = ragged()
    expected = loss(name, m, n, labels=labels_of(name), mask=kept)
    for one, other in ((hole, 0.0), (0.0, hole), (hole, hole)):
        s, t = np.where(kept, m, one), np.where(kept, n, other)
        found = loss(name, s, t, labels=labels_of(name), mask=kept, nan_policy="raise")
        assert (found.value, found.components) == (expected.value, expected.components)
        assert (found.reference_value, found.factor) == (expected.reference_value, expected.factor)
        assert found.notes == expected.notes


@pytest.mark.parametrize("name", ["torch", "mxnet"])
def test_infinities_that_are_kept_are_still_nan(name: str) -> None:
    m, n = (x.copy() for x in INPUTS["independent"])
    m[0, 0] = n[0, 0] = -np.inf
    kept = ragged()
    assert kept[0, 0]
    assert np.isnan(loss(name, m, n, mask=kept).value)
    kept[0, 0] = False
    kept[0, 1] = True
    assert np.isfinite(loss(name, m, n, mask=kept).value)


def test_keras_counts_no_masked_cell_as_clipped() -> None:
    m, n = INPUTS["independent"]
    found = loss("keras", m, n, mask=ragged())
    assert (found.notes, found.factor) == ((), 1.0)
    m = np.where(np.arange(ROWS)[:, None] == [0], m - 100 * np.eye(CLASSES)[4], m)
    (note,) = loss("keras", m, n, mask=ragged()).notes
    assert note == "Classes below 1e-7 on either side, over all rows: 1."


def test_rows_that_do_not_count_have_no_masked_cells() -> None:
    m, n = (x.copy() for x in INPUTS["independent"])
    kept = ragged()
    m[1, 0] = np.nan
    m[3, kept[3]] = n[3, kept[3]] = -np.inf
    found = loss("torch", m, n, mask=kept, nan_policy="omit")
    rest = np.array([0, 2, 4, 5, 6, 7])
    assert found.mask is not None
    assert (found.rows, found.invalid, found.skipped, found.masked) == (6, 1, 1, 0)
    assert (found.mask.cells, found.mask.of) == (int((~kept[rest]).sum()), 30)
    assert found.denominator == kept[rest].sum()
    found = loss("torch", m, n, mask=kept, nan_policy="propagate")
    assert np.isnan(found.value)
    assert found.mask is not None
    assert (found.rows, found.mask.cells) == (7, int((~kept[[1, *rest]]).sum()))


def test_a_single_row_of_torch_has_the_kept_elements_for_its_first_axis() -> None:
    m, n = (x[0] for x in INPUTS["independent"])
    kept = np.array([True, False, True, True, False])
    found = loss("torch", m, n, mask=kept, reduction="batchmean")
    cut = loss("torch", m[kept], n[kept], reduction="batchmean")
    assert (found.value, found.denominator) == (cut.value, 3)


def test_a_label_that_is_masked() -> None:
    kept = ragged()
    kept[5, LABELS[5]] = False
    with pytest.raises(InputError) as caught:
        loss("dkd", *INPUTS["independent"], labels=LABELS, mask=kept)
    assert caught.value.what == (
        "labels: row 5: expected a label that the mask keeps, found 2, which it leaves out"
    )
    assert caught.value.advice == (
        "Keep the class of its label in every row, or leave the row out as a whole."
    )
    kept[5] = False
    assert loss("dkd", *INPUTS["independent"], labels=LABELS, mask=kept).masked == 1


@pytest.mark.parametrize("name", ["dkl", "ikl", "gkl"])
def test_a_class_prior_is_over_all_classes(name: str) -> None:
    sides = INPUTS["independent"]
    with pytest.raises(UsageError) as caught:
        loss(name, *sides, labels=LABELS, class_prior=True, mask=ragged())
    assert caught.value.what == (
        "--class-prior averages distributions over all classes, and --mask leaves some of them out"
    )
    assert caught.value.advice == "Leave one of the two out, or mask whole rows."


@pytest.mark.parametrize("kind", ["probs", "log-probs"])
def test_probabilities_are_divided_by_the_sum_of_what_is_kept(kind: Any) -> None:
    m, n = INPUTS["independent"]
    kept = ragged()
    p, q = (np.exp(x) / np.exp(x).sum(axis=1, keepdims=True) for x in (m, n))
    sides = (p, q) if kind == "probs" else (np.log(p), np.log(q))
    found = loss("kd", *sides, kind=kind, temperature=2.0, mask=kept)
    assert found.value == pytest.approx(
        loss("kd", m, n, temperature=2.0, mask=kept).value, rel=2e-14
    )
