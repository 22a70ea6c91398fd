"""The files that are compared: made once, the same every time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["float32.npy", "float16.npy", "parquet", "csv"]
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
                _WRITERS[kind](part, blocks(rows, classes, noisy=path == candidate), rows, classes)
                part.rename(path)
        return reference, candidate


def blocks(rows: int, classes: int, *, noisy: bool) -> Blocks:
    """Yield blocks of logits as models give them: 3 N(0, 1).

    The noisy ones are the candidate's: the same plus noise, of 0.01 in some rows to 0.1 in others,
    as rounding a model's weights to 8 or 4 bits leaves it.
    """
    source = np.random.default_rng(20250214)
    step = max(1, _BLOCK // classes)
    for start in range(0, rows, step):
        shape = min(step, rows - start), classes
        logits = 3 * source.standard_normal(shape, dtype=np.float32)
        noise = source.standard_normal(shape, dtype=np.float32)
        scale = (10 ** source.uniform(-2, -1, (shape[0], 1))).astype(np.float32)
        yield logits + scale * noise if noisy else logits


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


def _write_parquet(path: Path, logits: Blocks, _rows: int, classes: int) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    cells = np.concatenate(list(logits)).ravel()
    column = pa.FixedSizeListArray.from_arrays(cells, classes)
    parquet.write_table(pa.table({"logits": column}), path, compression="zstd")


def _write_csv(path: Path, logits: Blocks, _rows: int, classes: int) -> None:
    import pyarrow as pa
    from pyarrow import csv

    cells = np.concatenate(list(logits))
    columns: dict[str, Any] = {f"class{i}": cells[:, i] for i in range(classes)}
    csv.write_csv(pa.table(columns), path)


_WRITERS: dict[Kind, Callable[[Path, Blocks, int, int], None]] = {
    "float32.npy": _write_float32,
    "float16.npy": _write_float16,
    "parquet": _write_parquet,
    "csv": _write_csv,
}
