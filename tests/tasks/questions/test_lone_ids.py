"""Rows that one side alone numbers are not paired by position in silence where they were moved."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import kldiv_cli
from kldiv_cli.errors import UnclearError
from tests.command import Kldiv

P = np.random.default_rng(2).normal(0, 2, (6, 4))
Q = P + 0.1
Q[:, 1] -= 0.3


def table(path: Path, ids: list[object], rows: np.ndarray) -> str:
    pq.write_table(pa.table({"id": ids} | {f"c{i}": rows[:, i] for i in range(4)}), path)
    return str(path)


@pytest.mark.parametrize("side", [0, 1])
def test_numbers_that_fall(tmp_path: Path, kldiv: Kldiv, side: int) -> None:
    order = [3, 1, 5, 0, 2, 4]
    moved = table(tmp_path / "moved.parquet", list(order), Q[order])
    np.save(tmp_path / "plain.npy", P)
    pair = [str(tmp_path / "plain.npy"), moved]
    code, out, err = kldiv("compare", *(pair if side else pair[::-1]))
    assert (code, out) == (2, "")
    assert "found '3', '1', '5', ... in 'id'" in err
    assert "--drop id pairs the rows by position" in err
    found = kldiv_cli.compare(*pair, drop=["id"])
    assert found.measures == kldiv_cli.compare(P, Q[order]).measures
    both = table(tmp_path / "p.parquet", list(range(6)), P), moved
    assert (
        kldiv_cli.compare(*both).measures["jeffreys"]["total"]
        == kldiv_cli.compare(P, Q).measures["jeffreys"]["total"]
    )


@pytest.mark.parametrize(
    "ids", [[0, 1, 2, 3, 4, 5], [7, 9, 30, 31, 32, 40], list("dcbafe"), list("12x435")]
)
def test_numbers_that_rise_and_text(tmp_path: Path, ids: list[object]) -> None:
    found = kldiv_cli.compare(P, table(tmp_path / "q.parquet", ids, Q))
    assert found.values["jeffreys"].tolist() == kldiv_cli.compare(P, Q).values["jeffreys"].tolist()


def test_files_that_number_their_rows_anew(tmp_path: Path) -> None:
    (tmp_path / "q").mkdir()
    for name, rows in (("a", Q[:3]), ("b", Q[3:])):
        table(tmp_path / "q" / f"{name}.parquet", [0, 1, 2], rows)
    found = kldiv_cli.compare(P, str(tmp_path / "q"))
    assert found.rows == 6


def test_the_question_is_one_of_meaning(tmp_path: Path) -> None:
    with pytest.raises(UnclearError):
        kldiv_cli.compare(P, table(tmp_path / "q.parquet", [5, 4, 3, 2, 1, 0], Q))
