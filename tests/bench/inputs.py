"""The files that are compared: made once, the same every time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from tests.llamacpp import encode, header, random_tokens

if TYPE_CHECKING:
    import pyarrow as pa

Kind = Literal[
    "float32.npy",
    "far.npy",
    "float16.npy",
    "probs.npy",
    "npz",
    "arrow",
    "parquet",
    "columns.parquet",
    "csv",
    "kld",
]
"""The candidate of far.npy differs by noise of sd 2; probs.npy holds probabilities."""
Noise = Literal["none", "close", "far"]
Blocks = Iterator[NDArray[np.float32]]
Pair = tuple[Path, Path]

_BLOCK = 1 << 22
"""Cells that are made at a time."""


@dataclass(frozen=True)
class Size:
    """The shape of an input, and how many rows of it do for a quick look."""

    rows: int
    classes: int
    quick_rows: int

    def shape(self, *, quick: bool) -> tuple[int, int]:
        """Return rows and classes."""
        return (self.quick_rows if quick else self.rows), self.classes


WIDE = Size(4096, 32000, quick_rows=64)
LONG = Size(32768, 32000, quick_rows=512)
SHORT_ROWS = Size(10_000_000, 10, quick_rows=100_000)
TABLE = Size(20000, 1000, quick_rows=500)
CHUNKS = Size(4080, 32000, quick_rows=255)
"""Rows of llama.cpp's chunks of 512 tokens."""
_ROWS_OF_A_CHUNK = 255


@dataclass(frozen=True)
class Inputs:
    """The folder of the files; one that is there already is taken as it is."""

    folder: Path
    quick: bool

    def pair(self, size: Size, kind: Kind = "float32.npy") -> Pair:
        """Return reference and candidate of this size, made now where they are missing."""
        rows, classes = size.shape(quick=self.quick)
        reference, candidate = (
            self.folder / f"{side}-{rows}x{classes}.{kind}" for side in ("reference", "candidate")
        )
        for path in (reference, candidate):
            if not path.exists():
                part = path.with_name(f"{path.name}.part")
                noise: Noise = (
                    "none" if path == reference else "far" if kind == "far.npy" else "close"
                )
                _WRITERS[kind](part, blocks(rows, classes, noise), rows, classes)
                part.rename(path)
        return reference, candidate

    def labels(self, size: Size) -> Path:
        """Return a class for every row, made now where it is missing."""
        rows, classes = size.shape(quick=self.quick)
        path = self.folder / f"labels-{rows}x{classes}.npy"
        if not path.exists():
            np.save(path, np.random.default_rng(1).integers(0, classes, rows))
        return path

    def mask(self, size: Size) -> Path:
        """Return a mask that keeps nine cells of ten, made now where it is missing."""
        rows, classes = size.shape(quick=self.quick)
        path = self.folder / f"mask-{rows}x{classes}.npy"
        if not path.exists():
            np.save(path, np.random.default_rng(2).random((rows, classes), np.float32) < 0.9)
        return path


def blocks(rows: int, classes: int, noise: Noise) -> Blocks:
    """Yield blocks of logits as models give them: 3 N(0, 1).

    The candidate's have noise too: of 0.01 in some rows to 0.1 in others, as rounding a model's
    weights to 8 or 4 bits leaves it, or far away, of 2.
    """
    source = np.random.default_rng(20250214)
    step = max(1, _BLOCK // classes)
    for start in range(0, rows, step):
        shape = min(step, rows - start), classes
        logits = 3 * source.standard_normal(shape, dtype=np.float32)
        change = source.standard_normal(shape, dtype=np.float32)
        scale = (10 ** source.uniform(-2, -1, (shape[0], 1))).astype(np.float32)
        if noise == "far":
            scale[:] = 2
        yield logits if noise == "none" else logits + scale * change


def _write_npy(path: Path, logits: Blocks, rows: int, classes: int, dtype: str) -> None:
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": dtype, "fortran_order": False, "shape": (rows, classes)}
        )
        for block in logits:
            block.astype(dtype, copy=False).tofile(file)


def _write_float32(path: Path, logits: Blocks, rows: int, classes: int) -> None:
    _write_npy(path, logits, rows, classes, "<f4")


def _write_float16(path: Path, logits: Blocks, rows: int, classes: int) -> None:
    _write_npy(path, logits, rows, classes, "<f2")


def _write_probs(path: Path, logits: Blocks, rows: int, classes: int) -> None:
    def probabilities() -> Blocks:
        for block in logits:
            weights = np.exp(block - block.max(axis=1, keepdims=True))
            yield weights / weights.sum(axis=1, keepdims=True)

    _write_npy(path, probabilities(), rows, classes, "<f4")


def _write_npz(path: Path, logits: Blocks, _rows: int, _classes: int) -> None:
    with path.open("wb") as file:
        np.savez_compressed(file, logits=np.concatenate(list(logits)))


def _write_arrow(path: Path, logits: Blocks, _rows: int, _classes: int) -> None:
    import pyarrow as pa

    columns = _columns(np.concatenate(list(logits)))
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, columns.schema) as writer:
        writer.write_table(columns)


def _columns(cells: NDArray[np.float32]) -> pa.Table:
    import pyarrow as pa

    columns: dict[str, Any] = {f"class{i}": cells[:, i] for i in range(cells.shape[1])}
    return pa.table(columns)


def _write_columns(path: Path, logits: Blocks, _rows: int, _classes: int) -> None:
    from pyarrow import parquet

    parquet.write_table(_columns(np.concatenate(list(logits))), path, compression="zstd")


def _write_kld(path: Path, logits: Blocks, rows: int, classes: int) -> None:
    chunks = rows // _ROWS_OF_A_CHUNK
    tokens = random_tokens(chunks, 2 * _ROWS_OF_A_CHUNK + 2, classes)
    with path.open("wb") as file:
        file.write(header(tokens, classes))
        for block in logits:
            file.writelines(map(encode, block))


def _write_parquet(path: Path, logits: Blocks, _rows: int, classes: int) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    cells = np.concatenate(list(logits)).ravel()
    column = pa.FixedSizeListArray.from_arrays(cells, classes)
    parquet.write_table(pa.table({"logits": column}), path, compression="zstd")


def _write_csv(path: Path, logits: Blocks, _rows: int, _classes: int) -> None:
    from pyarrow import csv

    csv.write_csv(_columns(np.concatenate(list(logits))), path)


_WRITERS: dict[Kind, Callable[[Path, Blocks, int, int], None]] = {
    "float32.npy": _write_float32,
    "far.npy": _write_float32,
    "float16.npy": _write_float16,
    "probs.npy": _write_probs,
    "npz": _write_npz,
    "arrow": _write_arrow,
    "columns.parquet": _write_columns,
    "kld": _write_kld,
    "parquet": _write_parquet,
    "csv": _write_csv,
}
