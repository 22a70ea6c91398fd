"""Damaged files of every format: a right answer or one line that names the file, and no more."""

from __future__ import annotations

import bz2
import csv
import gzip
import json
import lzma
import os
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kldiv_cli.sources.formats import FORMATS
from tests import llamacpp
from tests.command import ROOT
from tests.sources import test_arrow, test_safetensors
from tests.sources.damage import Kind

Array = npt.NDArray[Any]

LOGITS = np.round(np.random.default_rng(2).normal(0, 3, (5, 4)), 3)
IDS = ["v", "w", "x", "y", "z"]
TABLE: dict[str, Any] = {"id": IDS, **dict(zip("abcd", LOGITS.T, strict=True))}
TEXTS: dict[str, Any] = {"id": ["v", "w"], "l": [LOGITS[:2].tolist(), LOGITS[2:].tolist()]}
LISTS: dict[str, Any] = {"id": IDS, "l": LOGITS.tolist()}


def text(delimiter: str) -> bytes:
    file = StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter)
    writer.writerow(["id", *"abcd"])
    writer.writerows([name, *row] for name, row in zip(IDS, LOGITS.tolist(), strict=True))
    return file.getvalue().encode()


def json_lines(*, lists: bool) -> bytes:
    rows = LOGITS.tolist()
    values = [[*row] if lists else dict(zip("abcd", row, strict=True)) for row in rows]
    return "".join(json.dumps(value) + "\n" for value in values).encode()


def hdf5(**options: Any) -> Callable[[Path], object]:
    def write(path: Path) -> None:
        with pytest.importorskip("h5py").File(path, "w") as file:
            file.create_dataset("run/logits", data=FLOAT32, **options)

    return write


def texts() -> bytes:
    """Two texts of two and three rows."""
    rows = LOGITS.tolist()
    values = [{"id": "v", "l": rows[:2]}, {"id": "w", "l": rows[2:]}]
    return "".join(json.dumps(value) + "\n" for value in values).encode()


def records() -> bytes:
    """A document of one object per row."""
    lines = json_lines(lists=False).splitlines()
    return b"[" + b",".join(lines) + b"]"


def npy_bytes(array: Array) -> bytes:
    file = BytesIO()
    np.save(file, array)
    return file.getvalue()


def save(array: Array) -> Callable[[Path], object]:
    return lambda path: np.save(path, array)


def parquet(columns: dict[str, Any], **options: Any) -> Callable[[Path], object]:
    return lambda path: pq.write_table(pa.table(columns), path, **options)


def arrow(columns: dict[str, Any], kind: str) -> Callable[[Path], object]:
    return lambda path: test_arrow.save(path.parent, columns, kind, path.name)


def kld(path: Path) -> None:
    tokens = llamacpp.random_tokens(2, 6, 5)
    llamacpp.write(path, llamacpp.random_logits(2, 2, 5), tokens)


def gzipped(write: Callable[[Path], object]) -> Callable[[Path], object]:
    def written(path: Path) -> None:
        write(path)
        path.write_bytes(gzip.compress(path.read_bytes()))

    return written


class Sample(NamedTuple):
    """A small file, how it is written, and what the format knows of damage."""

    name: str
    write: Callable[[Path], object] | bytes
    kind: Kind


FLOAT32 = LOGITS.astype(np.float32)
CASES = ROOT / "tests" / "cases"
FOREIGN = ROOT / "tests" / "sources" / "foreign_files"
TORCH = (ROOT / "tests" / "sources" / "torch_files" / "parameter.pt").read_bytes()
SAMPLES: dict[str, Sample] = {
    "npy": Sample("x.npy", save(FLOAT32), "sized"),
    "npy-fortran": Sample("x.npy", save(np.asfortranarray(LOGITS)), "sized"),
    "npy-gzip": Sample("x.npy.gz", gzip.compress(npy_bytes(FLOAT32)), "checked"),
    "npz": Sample("x.npz", lambda path: np.savez(path, l=FLOAT32), "checked"),
    "npz-deflated": Sample("x.npz", lambda path: np.savez_compressed(path, l=FLOAT32), "checked"),
    "torch": Sample("x.pt", TORCH, "checked"),
    "torch-list": Sample("x.pt", (CASES / "list_p.pt").read_bytes(), "checked"),
    "torch-numpy": Sample(
        "x.pt", (ROOT / "tests" / "cases" / "nparr_p.pt").read_bytes(), "checked"
    ),
    "safetensors": Sample("x.safetensors", lambda p: test_safetensors.save(p, l=FLOAT32), "sized"),
    "llamacpp": Sample("x.kld", kld, "sized"),
    "hdf5": Sample("x.h5", hdf5(), "sized"),
    "hdf5-chunks": Sample(
        "x.h5", hdf5(compression="gzip", chunks=(2, 3), fletcher32=True), "sized"
    ),
    "onnx": Sample("x.pb", (FOREIGN / "onnx-raw.pb").read_bytes(), "sized"),
    "onnx-integers": Sample("x.pb", (FOREIGN / "onnx-bfloat16.pb").read_bytes(), "sized"),
    "parquet": Sample("x.parquet", parquet(TABLE), "sized"),
    "parquet-list": Sample("x.parquet", parquet(LISTS, compression="zstd"), "sized"),
    "parquet-texts": Sample("x.parquet", parquet(TEXTS), "sized"),
    "arrow": Sample("x.arrow", arrow(TABLE, "file"), "sized"),
    "arrow-zstd": Sample("x.feather", arrow(LISTS, "feather-zstd"), "sized"),
    "arrow-polars": Sample("x.arrow", (FOREIGN / "polars-zstd.arrow").read_bytes(), "sized"),
    "arrow-stream-gzip": Sample("x.ipc.gz", gzipped(arrow(LISTS, "stream")), "checked"),
    "arrow-stream": Sample("x.ipc", arrow(LISTS, "stream"), "text"),
    "csv": Sample("x.csv", text(","), "text"),
    "tsv": Sample("x.tsv", text("\t"), "text"),
    "csv-gzip": Sample("x.csv.gz", gzip.compress(text(",")), "text"),
    "csv-bz2": Sample("x.csv.bz2", bz2.compress(text(",")), "text"),
    "csv-xz": Sample("x.csv.xz", lzma.compress(text(",")), "text"),
    "jsonl": Sample("x.jsonl", json_lines(lists=False), "text"),
    "json": Sample("x.json", json.dumps(LOGITS.tolist()).encode(), "text"),
    "json-records": Sample("x.json", records(), "text"),
    "json-polygraphy": Sample("x.json", (CASES / "poly_p.json").read_bytes(), "text"),
    "jsonl-lists": Sample("x.jsonl", json_lines(lists=True), "text"),
    "jsonl-texts": Sample("x.jsonl", texts(), "text"),
    "jsonl-zstd": Sample("x.jsonl.zst", pa.compress(json_lines(lists=True), "zstd", True), "text"),
}


def test_every_format_is_here() -> None:
    assert {name.partition("-")[0] for name in SAMPLES} == set(FORMATS)


@pytest.mark.skipif(sys.platform != "linux", reason="limits memory as Linux does")
@pytest.mark.parametrize("name", SAMPLES)
def test_damage_is_refused_or_does_no_harm(tmp_path: Path, name: str) -> None:
    sample = SAMPLES[name]
    path = tmp_path / sample.name
    if isinstance(sample.write, bytes):
        path.write_bytes(sample.write)
    else:
        sample.write(path)
    done = subprocess.run(
        [sys.executable, "-m", "tests.sources.damage", path, sample.kind],
        cwd=ROOT,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert (done.returncode, done.stderr) == (0, "")
    outcomes = json.loads(done.stdout)
    assert set(outcomes) == {"read", "refused"}, outcomes
    assert sum(outcomes.values()) > 300
