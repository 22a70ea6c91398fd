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
from kldiv_cli.errors import InputError, UnclearError
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


class TestOneCellThatAMaskKeeps:
    S = np.arange(24.0).reshape(4, 6) % 7
    T = S[::-1]

    @staticmethod
    def kept(*cells: int) -> Any:
        """Return a mask that keeps so many cells of each row."""
        return np.arange(6) < np.array(cells)[:, None]

    def test_is_counted_and_told(self) -> None:
        (warning,) = kldiv_cli.compare(self.S, self.T, mask=self.kept(1, 3, 0, 1)).warnings
        assert warning == (
            "mask: of 2 rows that count the mask keeps one cell, whose probability is 1 on both "
            "sides: they are 0 whatever the files hold"
        )
        (one,) = verify(self.S, self.T, mask=self.kept(2, 3, 2, 1)).warnings
        assert one.startswith("mask: of 1 row that counts the mask keeps one cell")
        assert one.endswith(": it is 0 whatever the files hold")
        assert len(kldiv_cli.loss("kd", self.S, self.T, mask=self.kept(2, 3, 2, 1)).warnings) == 1

    @pytest.mark.parametrize(
        ("mask", "options"),
        [
            (kept(2, 3, 0, 6), {}),
            (kept(1, 3, 0, 1), {"mode": "sigmoid"}),
            (np.array([True, False, True, True]), {}),
        ],
    )
    def test_nothing_to_tell(self, mask: Any, options: dict[str, Any]) -> None:
        assert not kldiv_cli.compare(self.S, self.T, mask=mask, **options).warnings

    def test_rows_that_do_not_count_are_not_told(self) -> None:
        s = self.S.copy()
        s[0] = np.nan
        found = kldiv_cli.compare(s, self.T, mask=self.kept(1, 3, 2, 2), nan_policy="omit")
        assert not found.warnings

    @pytest.mark.parametrize("mask", [kept(1, 1, 0, 1), np.arange(6) == 2])
    def test_of_every_row_is_an_error(self, mask: Any) -> None:
        with pytest.raises(InputError) as caught:
            kldiv_cli.compare(self.S, self.T, mask=mask)
        assert caught.value.what == (
            "mask: expected two cells or more that the mask keeps of a row, found one in every row:"
            " under softmax its probability is always 1"
        )
        assert kldiv_cli.compare(self.S, self.T, mask=mask, mask_means="drop").rows == 4
        assert kldiv_cli.compare(self.S, self.T, mask=mask, mode="sigmoid").rows > 0
