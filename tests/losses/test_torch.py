"""The torch loss against what torch 2.13 returns in float64; see make_torch_table.py."""

from __future__ import annotations

import json
from math import isinf, isnan
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kldiv_cli import loss
from tests.oracle import oracle, relative_error

TABLE = json.loads(Path(__file__).with_name("torch_table.json").read_text(encoding="utf-8"))
INPUTS = {
    name: tuple(np.array(side, dtype=np.float64) for side in pair)
    for name, pair in TABLE["inputs"].items()
}
OPTIONS = ("reduction", "log_target", "raw_input")


def test_the_table_is_torch_2_13_and_has_every_call() -> None:
    assert TABLE["torch"].startswith("2.13.0")
    calls = {(e["input"], *(e[option] for option in OPTIONS)) for e in TABLE["values"]}
    assert len(calls) == len(TABLE["values"]) == len(INPUTS) * 3 * 2 * 2


def torch_is_right(entry: dict[str, Any]) -> bool:
    """It takes log p of p that are rounded to 1, which test_definitions.py has right."""
    return not (entry["input"] == "far" and entry["raw_input"] and not entry["log_target"])


@pytest.mark.parametrize(
    "entry",
    [entry for entry in TABLE["values"] if torch_is_right(entry)],
    ids=lambda e: "-".join([e["input"], *(str(e[option]) for option in OPTIONS)]),
)
def test_is_what_torch_returns(entry: dict[str, Any]) -> None:
    options = {option: entry[option] for option in OPTIONS}
    value = loss("torch", *INPUTS[entry["input"]], **options).value
    true = float(entry["value"])
    if isnan(true) or isinf(true):
        assert str(value) == str(true)
    elif entry["input"] == "equal" and not entry["raw_input"]:
        assert value == 0
        assert abs(true) < 1e-16
    else:
        assert value == pytest.approx(true, rel=1e-12, abs=0)


@pytest.mark.parametrize("name", ["rows", "three-axes", "far"])
@pytest.mark.parametrize("reduction", ["mean", "batchmean", "sum"])
def test_the_factor_times_the_divergence_is_the_value(name: str, reduction: Any) -> None:
    result = loss("torch", *INPUTS[name], reduction=reduction)
    assert result.factor is not None
    assert result.factor * result.reference_value == pytest.approx(result.value, rel=1e-15)


@pytest.mark.parametrize(
    ("name", "reduction", "denominator", "words"),
    [
        ("rows", "mean", 35, "mean over all elements: sum / (7 rows x 5 classes)"),
        ("rows", "batchmean", 7, "sum / 7, the length of the first axis"),
        ("rows", "sum", 1, "sum over all elements"),
        ("three-axes", "mean", 24, "mean over all elements: sum / (6 rows x 4 classes)"),
        ("three-axes", "batchmean", 2, "sum / 2, the length of the first axis"),
        ("one-axis", "batchmean", 4, "sum / 4, the length of the first axis"),
    ],
)
def test_names_what_it_divides_by(name: str, reduction: Any, denominator: int, words: str) -> None:
    result = loss("torch", *INPUTS[name], reduction=reduction)
    assert (result.denominator, result.reduction) == (denominator, words)


def test_the_denominator_of_batchmean_is_the_first_axis_however_rows_are_cut() -> None:
    whole = loss("torch", *INPUTS["three-axes"], reduction="batchmean", row_axes=0)
    assert whole.denominator == 2
    assert whole.rows == 1


def test_a_sample_without_rows_that_count_is_in_no_denominator() -> None:
    reference, candidate = (side.copy() for side in INPUTS["three-axes"])
    reference[1] = candidate[1] = -np.inf
    reference[0, 0] = candidate[0, 0] = -np.inf
    result = loss("torch", reference, candidate, reduction="batchmean")
    alone = loss("torch", reference[0, 1:], candidate[0, 1:], reduction="sum")
    assert (result.rows, result.skipped, result.denominator) == (2, 4, 1)
    assert result.value == alone.value


@pytest.mark.parametrize(
    ("name", "options", "note"),
    [
        ("rows", {}, "mean divides by the 5 classes too and is not the KL; batchmean is"),
        ("three-axes", {"reduction": "batchmean"}, "the first axis only, 2, for 6 rows"),
        ("rows", {"raw_input": True}, "was not logged"),
        ("both-out", {}, "multiplies 0 by infinity"),
    ],
)
def test_tells_the_pitfall(name: str, options: dict[str, Any], note: str) -> None:
    assert note in " ".join(loss("torch", *INPUTS[name], **options).notes)


def test_has_no_note_where_it_is_the_kl() -> None:
    assert loss("torch", *INPUTS["rows"], reduction="batchmean").notes == ()


def test_has_no_factor_where_the_logarithm_was_forgotten_or_the_value_is_nan() -> None:
    assert loss("torch", *INPUTS["rows"], raw_input=True).factor is None
    result = loss("torch", *INPUTS["both-out"])
    assert result.factor is None
    true = oracle("kl", "softmax", *(side[0] for side in INPUTS["both-out"]))
    assert relative_error(result.reference_value, true) < 2e-14
