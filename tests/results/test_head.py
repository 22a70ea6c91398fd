"""The head of a result: what was compared, once, in every result and every report."""

from __future__ import annotations

import json
import pickle
from dataclasses import FrozenInstanceError, fields, replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kldiv_cli
from kldiv_cli.reports import inspection as inspection_report
from kldiv_cli.reports import loss as loss_report
from kldiv_cli.reports import verification as verification_report
from kldiv_cli.reports.formats.json import write as write_comparison
from kldiv_cli.reports.formats.table import write as write_table
from kldiv_cli.reports.words import head as words
from kldiv_cli.reports.words import objects
from kldiv_cli.results.base import PairResult, Result
from kldiv_cli.results.head import Head, Side
from kldiv_cli.tasks.inspect import inspect
from kldiv_cli.tasks.verify import verify

S = np.random.default_rng(0).normal(size=(24, 4))
T = np.random.default_rng(1).normal(size=(24, 4))
S[2] = T[2] = -np.inf
S[3, 1] = np.nan
MASK = np.arange(24) % 5 != 0
NAMES = {field.name for field in fields(Head)}


def results() -> dict[str, Any]:
    """What every task says of the same rows: 2 to 17, some masked, one of them invalid."""
    options: dict[str, Any] = {"rows": "2:18", "mask": MASK, "nan_policy": "omit"}
    return {
        "compare": kldiv_cli.compare(S, T, **options),
        "loss": kldiv_cli.loss("torch", S, T, **options),
        "verify": verify(S, T, **options),
        "inspect": inspect(S, rows=slice(2, 18)),
    }


RESULTS = results()
PAIRS = {name: result for name, result in RESULTS.items() if name != "inspect"}
WRITERS: dict[str, tuple[Any, Any]] = {
    "compare": (write_comparison, write_table),
    "loss": (loss_report.write_json, loss_report.write_table),
    "verify": (verification_report.write_json, verification_report.write_table),
    "inspect": (
        lambda found, stream: inspection_report.write_json([found], stream),
        lambda found, stream: inspection_report.write_table([found], stream),
    ),
}


def written(name: str, result: Any, kind: int) -> str:
    stream = StringIO()
    WRITERS[name][kind](result, stream)
    return stream.getvalue()


@pytest.mark.parametrize("name", RESULTS)
def test_every_result_has_a_frozen_head(name: str) -> None:
    result = RESULTS[name]
    assert isinstance(result, Result)
    assert isinstance(result.head, Head)
    assert not NAMES & vars(result).keys() - {"rows"}
    assert pickle.loads(pickle.dumps(result)).head == result.head  # noqa: S301 - made here
    for place, attribute in ((result, "head"), (result.head, "rows")):
        with pytest.raises(FrozenInstanceError):
            setattr(place, attribute, getattr(place, attribute))


@pytest.mark.parametrize("name", PAIRS)
def test_the_attributes_of_the_head_are_those_of_the_result(name: str) -> None:
    result = PAIRS[name]
    assert isinstance(result, PairResult)
    assert (result.reference, result.candidate) == result.head.sides
    assert result.classes == 4
    for field in NAMES - {"sides", "file_row_shape"}:
        assert getattr(result, field) is getattr(result.head, field), field
        assert getattr(PairResult, field).__doc__, field


def test_all_tasks_say_the_same_of_the_same_rows() -> None:
    """Of rows 2 to 17 four are masked, one has nothing but -inf and one has NaN."""
    compared, computed, checked = (result.head for result in PAIRS.values())
    assert (compared.rows, compared.skipped, compared.invalid, compared.masked) == (11, 1, 1, 3)
    assert compared == computed == checked
    alone = RESULTS["inspect"].head
    assert (alone.rows, alone.skipped, alone.invalid) == (14, 0, 2)
    assert compared.selection is not None
    assert alone.selection == replace(compared.selection, of_candidate=None)


@pytest.mark.parametrize("name", RESULTS)
def test_all_json_holds_the_same_object(name: str) -> None:
    result = RESULTS[name]
    (found,) = (
        [json.loads(written(name, result, 0))]
        if name in PAIRS
        else json.loads(written(name, result, 0))
    )
    of_head = json.loads(json.dumps(objects.valid(objects.head_object(result.head))))
    shared = found.keys() & of_head.keys() - ({"rows"} if name == "inspect" else set())
    assert shared >= {"schema", "selection"}
    if name in PAIRS:
        assert shared >= {"reference", "candidate", "paired_by", "rows", "mask", "warnings"}
    assert {key: found[key] for key in shared} == {key: of_head[key] for key in shared}


@pytest.mark.parametrize("name", RESULTS)
def test_the_words_of_it_are_one_block(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report has no words of its own for what the block says."""
    result = RESULTS[name]
    before = written(name, result, 1)
    said = [text for label, text in words.lines(result.head, None) if label != "rows"]
    assert len(said) >= 2
    assert all(text in before for text in said)
    monkeypatch.setattr(words, "lines", lambda *given: given[2])
    after = written(name, result, 1)
    assert not any(text in after for text in said)
    for text in ("paired by", "--rows", "24 x 4", "bool 24"):
        assert text not in after, text


def test_the_numbers_of_a_single_side_are_those_of_its_file(tmp_path: Path) -> None:
    np.save(tmp_path / "s.npy", S)
    result = inspect(str(tmp_path / "s.npy"))
    assert isinstance(result.file, Side)
    assert result.head.sides == (result.file,)
    assert result.selection is None
