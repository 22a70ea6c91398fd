"""The first rows of a side: few, cheap, and without a word on what is wrong with the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kldiv_cli.sources.arrays.array import ArraySource
from kldiv_cli.sources.base import Layout, Source
from kldiv_cli.sources.formats.opening import open_source
from kldiv_cli.tasks.opening.first_rows import first_rows

ROWS = np.random.default_rng(1).normal(size=(3000, 7))


def of_array(values: Any) -> Source:
    return ArraySource(np.asarray(values), Layout())


def text(rows: Any, header: str) -> str:
    return "".join(",".join(map(str, row)) + "\n" for row in [header.split(","), *rows])


def test_at_most_512_rows_of_an_array() -> None:
    assert np.array_equal(first_rows(of_array(ROWS)).values, ROWS[:512])


def test_at_most_1_mb_and_two_rows_of_what_is_wide() -> None:
    assert len(first_rows(of_array(np.zeros((9, 30_000))))) == 4
    assert len(first_rows(of_array(np.zeros((9, 1 << 20), np.int8)))) == 2


def test_they_are_read_once(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text(ROWS[:5].tolist(), "a,b,c,d,e,f,g"))
    source = open_source(path, Layout())
    found = first_rows(source)
    path.unlink()
    assert first_rows(source) is found
    assert np.array_equal(found.values, ROWS[:5])


def test_ids_come_with_them(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        text([[f"r{i}", *row] for i, row in enumerate(ROWS[:3, :3].tolist())], "id,a,b,c")
    )
    found = first_rows(open_source(path, Layout()))
    assert found.ids is not None
    assert found.ids.tolist() == ["r0", "r1", "r2"]


def test_a_folder_of_single_rows(tmp_path: Path) -> None:
    for i in range(20):
        np.save(tmp_path / f"{i:02}.npy", ROWS[i : i + 1])
    assert np.array_equal(first_rows(open_source(tmp_path, Layout())).values, ROWS[:8])


def test_what_is_wrong_is_left_for_the_walk(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [[*map(str, row)] for row in ROWS]
    rows[7][2] = "x"
    path.write_text(text(rows, "a,b,c,d,e,f,g"))
    assert len(first_rows(open_source(path, Layout()))) == 0


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_no_thread_is_left(tmp_path: Path, suffix: str) -> None:
    import threading

    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet as pq

    table = pa.table({name: np.tile(ROWS[:, i], 40) for i, name in enumerate("abcdefg")})
    path = tmp_path / f"a.{suffix}"
    write = pq.write_table if suffix == "parquet" else pyarrow.csv.write_csv
    write(table, path)
    before = threading.active_count()
    assert np.array_equal(first_rows(open_source(path, Layout())).values, ROWS[:512])
    assert threading.active_count() == before
