"""Rows of one class: always 0 under softmax, and labels of their own under sigmoid."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import kldiv_cli
from kldiv_cli.errors import UnclearError
from kldiv_cli.tasks.inspect import inspect
from kldiv_cli.tasks.verify import verify
from tests.command import ROOT
from tests.sources.test_safetensors import save as save_safetensors

BIN = tuple(ROOT / "tests" / "cases" / f"bin_{side}.npy" for side in "pq")
P, Q = (np.load(path) for path in BIN)
LABELS = (
    "--mode sigmoid, which takes every number for a label of its own, as a binary classifier "
    "gives them"
)
WHY = ": under softmax its probability is always 1"


def as_csv(path: Path, values: Any) -> None:
    path.write_text("score\n" + "".join(f"{x!r}\n" for x in values[:, 0].tolist()))


def as_jsonl(path: Path, values: Any) -> None:
    path.write_text("".join(f"[{x!r}]\n" for x in values[:, 0].tolist()))


def as_json(path: Path, values: Any) -> None:
    path.write_text(repr(values.tolist()))


def as_parquet(path: Path, values: Any) -> None:
    pq.write_table(pa.table({"logits": values.tolist()}), path)


def as_npz(path: Path, values: Any) -> None:
    np.savez(path, logits=values, other=values[:, 0])


def as_safetensors(path: Path, values: Any) -> None:
    save_safetensors(path, logits=values, other=values[:, 0])


WRITERS: dict[str, Callable[[Path, Any], None]] = {
    ".csv": as_csv,
    ".jsonl": as_jsonl,
    ".json": as_json,
    ".parquet": as_parquet,
    ".npy": np.save,
    ".npz": as_npz,
    ".safetensors": as_safetensors,
}


def question(run: Any, *words: Any, **options: Any) -> UnclearError:
    with pytest.raises(UnclearError) as caught:
        run(*words, **options)
    return caught.value


@pytest.mark.parametrize("suffix", WRITERS)
def test_in_any_file(tmp_path: Path, suffix: str) -> None:
    paths = tmp_path / f"p{suffix}", tmp_path / f"q{suffix}"
    for path, values in zip(paths, (P, Q), strict=True):
        WRITERS[suffix](path, values)
    key: dict[str, Any] = {"key": "logits"} if suffix in {".npz", ".safetensors"} else {}
    found = question(kldiv_cli.compare, *paths, **key)
    assert found.what.startswith(f"{paths[0]}: expected two classes or more, found one (shape ")
    assert found.what.endswith(WHY)
    assert found.advice == f"Say {LABELS}."
    followed = kldiv_cli.compare(*paths, mode="sigmoid", **key)
    assert followed.measures["jeffreys"]["mean"] == pytest.approx(0.0444191933794, rel=1e-6)


def test_in_all_tasks() -> None:
    what = f"{BIN[0]}: expected two classes or more, found one (shape 8 x 1){WHY}"
    for run, says in (
        (kldiv_cli.compare, f"Say {LABELS}."),
        (verify, f"Say {LABELS}."),
        (lambda *sides: kldiv_cli.loss("kd", *sides), f"Say kldiv compare {LABELS}."),
    ):
        found = question(run, *BIN)
        assert (found.what, found.advice) == (what, says)
    assert verify(*BIN, mode="sigmoid").holds
    assert kldiv_cli.loss("globalpointer", *BIN).value > 0
    (remark,) = inspect(BIN[0]).warnings
    assert remark == f"{what}. Say {LABELS}."


def test_probabilities_of_one_class() -> None:
    p, q = (1 / (1 + np.exp(-x.astype(float))) for x in (P, Q))
    assert question(kldiv_cli.compare, p, q, kind="probs").advice == f"Say {LABELS}."
    found = kldiv_cli.compare(p, q, kind="probs", mode="sigmoid")
    assert found.measures["jeffreys"]["mean"] == pytest.approx(0.0444191933794, rel=1e-6)


@pytest.mark.parametrize(
    ("options", "left_by"),
    [
        ({"classes": "2:3"}, "--classes"),
        ({"classes": "1:2", "truncate_classes": True}, "--classes and --truncate-classes"),
    ],
)
def test_a_class_that_is_left(options: dict[str, Any], left_by: str) -> None:
    values = np.arange(12.0).reshape(4, 3)
    found = question(kldiv_cli.compare, values, values[::-1], **options)
    assert found.what.endswith(f"found one, which is left by {left_by}{WHY}")
    assert found.advice == f"Say {LABELS}, or keep more classes."
    assert kldiv_cli.compare(values, values[::-1], mode="sigmoid", **options).rows == 4


def test_another_axis_may_be_the_classes() -> None:
    values = np.arange(12.0).reshape(4, 3, 1)
    found = question(kldiv_cli.compare, values, values[::-1])
    assert found.advice == (
        f"Say {LABELS}, or --class-axis 0 or --class-axis 1 where that axis indexes classes."
    )
    assert kldiv_cli.compare(values, values[::-1], class_axis=1).classes == 3
    told = question(kldiv_cli.compare, values, values[::-1], row_axes=2)
    assert told.advice == f"Say {LABELS}."


def test_an_array_of_one_axis_as_rows() -> None:
    p, q = P[:, 0], Q[:, 0]
    found = question(kldiv_cli.compare, p, q, row_axes=1)
    assert found.what.endswith(f"found one, as --row-axes 1 makes a row of every number{WHY}")
    rows = kldiv_cli.compare(p, q, row_axes=1, mode="sigmoid")
    np.testing.assert_array_equal(
        rows.values["jeffreys"], kldiv_cli.compare(P, Q, mode="sigmoid").values["jeffreys"]
    )
    assert (rows.rows, rows.row_shape, rows.classes) == (8, (8,), 1)
    assert kldiv_cli.compare(p, q).rows == 1
