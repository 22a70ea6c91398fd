"""Parquet of many columns: groups of rows, a few columns at a time, and read once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kldiv_cli.errors import InputError
from kldiv_cli.sources.base import Block, Layout
from kldiv_cli.sources.formats.opening import open_source
from kldiv_cli.sources.formats.parquet_text import TextReader
from kldiv_cli.sources.tables import row_groups
from kldiv_cli.sources.tables.begun import Begun
from kldiv_cli.sources.tables.table import TableSource

ROWS, CLASSES = 50, 70
Cells = np.ndarray[Any, np.dtype[np.float64]]


def write(path: Path, group: int = 8, dtype: str = "float32", **beside: Any) -> Cells:
    cells = np.random.default_rng(1).normal(size=(ROWS, CLASSES)).astype(dtype)
    masks = cells < -2
    table = {f"c.{i}": pa.array(cells[:, i], mask=masks[:, i]) for i in range(CLASSES)}
    pq.write_table(pa.table(beside | table), path, row_group_size=group)
    cells[masks] = np.nan
    return cells


def opened(path: Path, **layout: Any) -> TableSource:
    found = open_source(path, Layout(**layout))
    assert isinstance(found, TableSource)
    return found


def values(blocks: Iterator[Block]) -> Cells:
    return np.concatenate([block.values for block in blocks])


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """The columns that were asked for in batches of rows."""
    found: list[Sequence[str]] = []
    batches = TextReader.batches

    def watched(self: TextReader, groups: Any, names: list[str], *rest: Any, **more: Any) -> Any:
        found.append(names)
        return batches(self, groups, names, *rest, **more)

    monkeypatch.setattr(TextReader, "batches", watched)
    return found


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("group", [1, 8, 50])
def test_groups_are_read_whole(
    tmp_path: Path, dtype: str, group: int, asked: list[Sequence[str]]
) -> None:
    path = tmp_path / "x.parquet"
    ids, languages = [f"r{i}" for i in range(ROWS)], ["de", "en"] * (ROWS // 2)
    cells = write(path, group, dtype, file=ids, language=languages)
    source = opened(path, group="language")
    blocks = list(source.blocks(7))
    assert max(map(len, blocks)) <= 7
    assert {block.values.dtype for block in blocks} == {np.dtype(dtype)}
    np.testing.assert_array_equal(values(iter(blocks)), cells)
    assert np.concatenate([block.ids for block in blocks if block.ids is not None]).tolist() == ids
    found = [block.groups for block in blocks if block.groups is not None]
    assert np.concatenate(found).tolist() == languages
    assert not any("c.3" in names for names in asked)


def test_columns_come_in_any_order(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    cells = write(path)
    order = np.random.default_rng(2).permutation(CLASSES)
    found = values(opened(path).blocks(9, [f"c.{i}" for i in order]))
    np.testing.assert_array_equal(found, cells[:, order])


def test_some_groups_are_read_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    cells = write(path)
    found = values(opened(path).blocks_of([1, 5], 9))
    np.testing.assert_array_equal(found, cells[[*range(8, 16), *range(40, 48)]])


def test_large_groups_are_read_a_batch_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list[Sequence[str]]
) -> None:
    path = tmp_path / "x.parquet"
    cells = write(path)
    monkeypatch.setattr(row_groups, "MOST_BYTES", 8 * CLASSES * 4 - 1)
    np.testing.assert_array_equal(values(opened(path).blocks(9)), cells)
    assert len(asked) == 1


def test_a_group_that_lacks_rows_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    write(path)
    source = opened(path)
    groups = source.row_groups
    assert groups is not None
    with pytest.raises(pa.ArrowInvalid, match="expected 9 rows in a column, found 8"):
        groups.filled([0], list(source.columns.classes), 9, "float32")


@pytest.mark.parametrize("looked_at", [1, 20, ROWS])
def test_a_beginning_is_read_once(
    tmp_path: Path, looked_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.parquet"
    cells = write(path)
    source = opened(path)
    read: list[int] = []
    filled = row_groups.RowGroups.filled

    def watched(self: Any, groups: Sequence[int], *rest: Any) -> Any:
        read.extend(groups)
        return filled(self, groups, *rest)

    monkeypatch.setattr(row_groups.RowGroups, "filled", watched)
    first = source.beginning(3)
    done = 0
    for block in first:
        np.testing.assert_array_equal(block.values, cells[done : done + len(block)])
        done += len(block)
        if done >= looked_at:
            break
    first.close()
    for _ in range(2):  # another pass begins anew
        np.testing.assert_array_equal(values(source.blocks(9)), cells)
        assert read == list(range(7))
        read.clear()


def test_an_error_in_the_beginning_is_one_of_the_pass() -> None:
    def blocks() -> Any:
        yield Block(np.zeros((1, 2)))
        raise InputError("what", "advice")

    begun = Begun(blocks())
    with pytest.raises(InputError):
        list(begun.look())
    taken = begun.take()
    assert len(next(taken)) == 1
    with pytest.raises(InputError, match="what"):
        next(taken)
