"""Row ids and groups of long text that takes little room in a file: it takes little in memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from kldiv_cli.errors import InputError
from kldiv_cli.sources.base import Layout
from kldiv_cli.sources.formats.opening import open_source
from tests.command import ROOT, Kldiv
from tests.sources import test_arrow as arrow
from tests.sources import test_parquet as parquet

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")

READ_LABELS = """
import sys
from pathlib import Path
from kldiv_cli.sources.labels.groups import read_row_labels
print((read_row_labels(sys.argv[1]).values == "y").sum(), end=" ")
print(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
"""
ROWS, LENGTH = 1000, 1 << 19  # 500 MB, were each cell held for itself
LONG = "x" * LENGTH
READ = """
import resource, sys
from pathlib import Path
from kldiv_cli.errors import InputError
from kldiv_cli.sources.base import Layout
from kldiv_cli.sources.formats.opening import open_source
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
group = sys.argv[2] or None
source = open_source(sys.argv[1], Layout(id=() if group else ("n",), group=group))
try:
    held = [text for block in source.blocks(64) for text in (block.ids, block.groups)]
    print(sum(0 if text is None else len(text) for text in held), end=" ")
except InputError as error:
    print(error.what, end=" ")
print(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
"""
"""Reads and holds all ids or groups; prints their number or an error, and the peak in KiB."""


def read(path: Path, group: str = "") -> tuple[str, int]:
    """Return what is printed of a file, and the peak of memory in MB."""
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path), group],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    said, peak = done.stdout.rsplit(maxsplit=1)
    return said, int(peak) >> 10


def repeated(words: pa.Array, rows: int = ROWS) -> dict[str, Any]:
    codes = pa.array(np.arange(rows, dtype=np.int32) % len(words))
    return {"n": pa.DictionaryArray.from_arrays(codes, words), "a": np.arange(rows) / 2}


def in_parquet(folder: Path) -> Path:
    return parquet.save(folder, repeated(pa.array([LONG, "y"])), compression="zstd")


def in_parquet_without_schema(folder: Path) -> Path:
    """As other writers than PyArrow leave it, which do not call a column a dictionary."""
    words = pa.array([LONG, "y"])
    return parquet.save(folder, repeated(words), compression="zstd", store_schema=False)


def in_parquet_of_fixed_length(folder: Path) -> Path:
    words = pa.array([LONG[1:].encode()], pa.binary(LENGTH - 1))  # more would be no dictionary
    return parquet.save(folder, repeated(words), store_schema=False)


def in_parquet_by_differences(folder: Path) -> Path:
    """Each cell is stored as what it shares with the one before it."""
    return parquet.save(
        folder,
        repeated(pa.array([LONG])),
        store_schema=False,
        use_dictionary=False,
        column_encoding={"n": "DELTA_BYTE_ARRAY"},
    )


def in_arrow(folder: Path) -> Path:
    return arrow.save(folder, repeated(pa.array([LONG, "y"])), rows=ROWS)


def in_views(folder: Path) -> Path:
    """Every view is of the same place."""
    view = np.array([LENGTH, int.from_bytes(b"xxxx", "little"), 0, 0], np.int32)
    buffers = [None, pa.py_buffer(np.tile(view, ROWS)), pa.py_buffer(LONG.encode())]
    try:
        ids = pa.Array.from_buffers(pa.string_view(), ROWS, buffers)
    except ValueError:
        pytest.skip("this PyArrow makes no views of more than two buffers")
    return arrow.save(folder, {"n": ids, "a": np.arange(ROWS) / 2}, rows=ROWS)


def in_csv(folder: Path) -> Path:
    return compressed(folder / "x.csv.zst", b"n,a\n", f"{LONG},0.5\n")


def in_json_lines(folder: Path) -> Path:
    return compressed(folder / "x.jsonl.zst", b"", json.dumps({"n": LONG, "a": 0.5}) + "\n")


def compressed(path: Path, first: bytes, line: str) -> Path:
    step = 40
    first, lines = (
        pa.compress(text, "zstd", asbytes=True) for text in (first, line.encode() * step)
    )
    path.write_bytes(first + lines * (ROWS // step))
    return path


CASES: dict[str, Callable[[Path], Path]] = {
    case.__name__.removeprefix("in_"): case
    for case in (
        in_parquet,
        in_parquet_without_schema,
        in_parquet_of_fixed_length,
        in_parquet_by_differences,
        in_arrow,
        in_views,
        in_csv,
        in_json_lines,
    )
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_stored_once_is_held_once(tmp_path: Path, case: str) -> None:
    path = CASES[case](tmp_path)
    said, peak = read(path)
    assert (said, peak < 400) == (str(ROWS), True), peak
    said, peak = read(path, "n")
    assert (said, peak < 400) == (str(ROWS), True), peak


def test_text_that_takes_much_more_than_its_file_is_refused(tmp_path: Path, kldiv: Kldiv) -> None:
    words = pa.array([f"{i}{LONG}{LONG}" for i in range(300)])
    path = parquet.save(
        tmp_path, {"n": words, "a": np.arange(300) / 2}, compression="zstd", use_dictionary=False
    )
    said, peak = read(path)
    assert said == f"{path}: expected row ids and groups of at most 256 MB, found more"
    assert peak < 300
    code, out, err = kldiv("compare", path, path, "--mode", "sigmoid", "--stat", "mean")
    assert (code, out) == (2, "")
    assert err == (
        f"kldiv: error: {said}\nName another column with --id or --group, or leave this one out "
        "with --drop.\n"
    )
    code, out, _ = kldiv(
        "compare", path, path, "--mode", "sigmoid", "--stat", "mean", "--drop", "n"
    )
    assert (code, out) == (0, "0.0\n")


def test_joined_ids_count_too(tmp_path: Path) -> None:
    """Each is another text, of which the file holds nearly all once."""
    columns = {**repeated(pa.array([LONG])), "m": [str(i) for i in range(ROWS)]}
    path = parquet.save(tmp_path, columns, compression="zstd")
    source = open_source(path, Layout(id=("n", "m")))
    with pytest.raises(InputError, match="expected row ids and groups of at most 256 MB"):
        list(source.blocks(64))


def test_labels_of_an_archive_are_held_as_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    labels = np.full(ROWS, "y", f"U{LENGTH // 4}")
    np.savez_compressed(path, labels=labels, other=labels[:1])
    del labels
    done = subprocess.run(
        [sys.executable, "-c", READ_LABELS, f"{path}:labels"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    found, peak = done.stdout.split()
    assert (found, int(peak) >> 10 < 300) == (str(ROWS), True), peak


def test_a_damaged_chunk_is_an_error_and_not_the_end_of_the_process() -> None:
    """PyArrow does not catch what its own reader throws where it is asked for such a chunk."""
    path = ROOT / "tests" / "sources" / "damaged_sizes.parquet"
    source = open_source(path, Layout())
    with pytest.raises(InputError, match="damaged_sizes"):
        list(source.blocks(50))
