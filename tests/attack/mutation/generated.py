"""Tables and datasets of random types, written in random ways by PyArrow and h5py."""

from __future__ import annotations

import datetime as dt
import decimal
from pathlib import Path
from random import Random
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq

from tests.attack.mutation.bytewise import changed, extreme, within
from tests.attack.mutation.trees import WORDS

VALUES = (0.0, -0.0, 1.5, -3.25, 1e300, -1e300, 5e-324, 65504.0, 1e38, np.inf, -np.inf, np.nan)
FLOATS = pa.float16(), pa.float32(), pa.float64()
WHOLE = pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint32(), pa.uint64()
CLASS_TYPES = (*FLOATS * 4, *WHOLE, pa.decimal128(20, 3), pa.bool_(), pa.string())
COMPRESSIONS = "none", "snappy", "zstd", "gzip", "lz4", "brotli"


def parquet(content: bytes, dice: Random, path: Path) -> bytes:
    """Change the footer, or any bytes, or write another table."""
    kind = dice.random()
    if kind < 0.4:
        return _parquet(_table(dice), path, dice)
    if kind < 0.5:
        content = _parquet(_table(dice), path, dice)
    size = int.from_bytes(content[-8:-4], "little")
    begin = max(4, len(content) - 8 - size)
    if dice.random() < 0.3 or len(content) < 12:
        return changed(content, dice)
    footer = changed(content[begin:-8], dice)
    length = len(footer) if dice.random() < 0.9 else extreme(dice, (1 << 32) - 1, len(footer))
    return content[:begin] + footer + length.to_bytes(4, "little") + content[-4:]


def arrow(content: bytes, dice: Random, path: Path) -> bytes:
    """Change bytes, mostly those of the last message or footer, or write another table."""
    kind = dice.random()
    if kind < 0.4:
        return _arrow(_table(dice), path, dice)
    if kind < 0.5:
        content = _arrow(_table(dice), path, dice)
    start = max(0, len(content) - 400) if dice.random() < 0.4 else 0
    return within(content, slice(start, None), dice)


def hdf5(content: bytes, dice: Random, path: Path) -> bytes:
    """Change bytes, mostly those before the values, or write another dataset."""
    kind = dice.random()
    if kind < 0.35:
        return _hdf5(path, dice)
    if kind < 0.5:
        content = _hdf5(path, dice)
    stop = 1000 if dice.random() < 0.6 else None
    return within(content, slice(0, stop), dice)


def _parquet(table: pa.Table, path: Path, dice: Random) -> bytes:
    pq.write_table(
        table,
        path,
        compression=dice.choice(COMPRESSIONS),
        row_group_size=dice.choice((None, 1, 3, 1000)),
        use_dictionary=dice.random() < 0.5,
        version=dice.choice(("1.0", "2.4", "2.6")),
        data_page_version=dice.choice(("1.0", "2.0")),
        store_schema=dice.random() < 0.7,
        write_statistics=dice.random() < 0.7,
        write_page_index=dice.random() < 0.3,
        data_page_size=dice.choice((None, 16)),
        write_page_checksum=dice.random() < 0.3,
    )
    return path.read_bytes()


def _arrow(table: pa.Table, path: Path, dice: Random) -> bytes:
    options = pa.ipc.IpcWriteOptions(
        compression=dice.choice((None, None, "lz4", "zstd")),
        allow_64bit=dice.random() < 0.5,
        emit_dictionary_deltas=dice.random() < 0.5,
        metadata_version=dice.choice((pa.ipc.MetadataVersion.V4, pa.ipc.MetadataVersion.V5)),
        unify_dictionaries=dice.random() < 0.7,
    )
    new = pa.ipc.new_stream if dice.random() < 0.4 else pa.ipc.new_file
    with new(str(path), table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=dice.choice((None, 1, 3)))
    return path.read_bytes()


def _table(dice: Random) -> pa.Table:
    """Return a table, which mostly is one that can be read."""
    rows = dice.choice((0, 1, 2, 5, 5, 5, 5, 40))
    kind = dice.choice(CLASS_TYPES)
    width = dice.choice((1, 2, 4, 4, 4, 7))
    if dice.random() < 0.4:
        names, columns = ["row"], [_lists(kind, rows, width, dice)]
    else:
        names = [f"c{j}" for j in range(width)]
        mixed = dice.random() < 0.2
        columns = [
            _column(dice.choice(CLASS_TYPES) if mixed else kind, rows, dice) for _ in range(width)
        ]
    for _ in range(dice.choice((0, 0, 1, 1, 2))):
        at = dice.randint(0, len(names))
        names.insert(
            at, dice.choice(("id", "id", "name", "label", "c0", "group", dice.choice(WORDS)))
        )
        columns.insert(at, _words(rows, dice))
    if dice.random() < 0.1:
        names[dice.randrange(len(names))] = dice.choice(WORDS)
    table = pa.Table.from_arrays(columns, names)
    if dice.random() < 0.2 and rows > 1:
        table = pa.concat_tables([table.slice(1), table.slice(0, 1)])
    return table


def _numbers(count: int, dice: Random) -> list[Any]:
    wild = dice.random() < 0.2
    found: list[Any] = [dice.choice(VALUES) if wild else dice.gauss(0, 3) for _ in range(count)]
    if dice.random() < 0.15 and found:
        found[dice.randrange(count)] = None
    return found


def _column(kind: pa.DataType, rows: int, dice: Random) -> pa.Array:
    return pa.array(_fitting(_numbers(rows, dice), kind), kind)


def _fitting(values: list[Any], kind: pa.DataType) -> list[Any]:
    """Return the values as the type takes them."""
    if pa.types.is_float16(kind):
        with np.errstate(over="ignore"):
            return [None if x is None else np.float16(x) for x in values]
    if pa.types.is_floating(kind):
        return values
    finite = [None if x is None else x if abs(x) < 1e17 else 7.0 for x in values]
    if pa.types.is_string(kind):
        return [None if x is None else repr(x) for x in values]
    if pa.types.is_boolean(kind):
        return [None if x is None else x > 0 for x in finite]
    if pa.types.is_decimal(kind):
        return [None if x is None else decimal.Decimal(f"{x:.3f}") for x in finite]
    low, high = (0, 200) if pa.types.is_unsigned_integer(kind) else (-100, 100)
    if kind.bit_width == 64:
        high = 1 << 62
    return [None if x is None else min(max(int(x), low), high) for x in finite]


def _lists(kind: pa.DataType, rows: int, width: int, dice: Random) -> pa.Array:
    flat = _fitting(_numbers(rows * width, dice), kind)
    cells: list[list[Any] | None] = [flat[i * width : (i + 1) * width] for i in range(rows)]
    if dice.random() < 0.1 and rows:
        cells[dice.randrange(rows)] = dice.choice((None, [], flat[: width + 1]))
    holder = dice.choice((pa.list_, pa.list_, pa.large_list, lambda t: pa.list_(t, width)))
    fixed = holder(kind)
    if pa.types.is_fixed_size_list(fixed):
        cells = [cell if cell is not None and len(cell) == width else None for cell in cells]
    if dice.random() < 0.15:
        return pa.array(
            [None if cell is None else [cell, cell] for cell in cells], pa.list_(pa.list_(kind))
        )
    return pa.array(cells, fixed)


def _words(rows: int, dice: Random) -> pa.Array:
    """Return a column of ids, groups, or of something that is neither."""
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    texts = [f"r{i}" for i in range(rows)]
    return dice.choice(
        (
            lambda: pa.array(texts),
            lambda: pa.array(texts, pa.large_string()),
            lambda: pa.array(range(rows), pa.int64()),
            lambda: pa.array([dice.choice(WORDS) for _ in range(rows)]),
            lambda: pa.array(texts).dictionary_encode(),
            lambda: pa.array([dice.choice("ab") for _ in range(rows)]).dictionary_encode(),
            lambda: pa.array([start + dt.timedelta(days=i) for i in range(rows)]),
            lambda: pa.array([None] * rows, pa.string()),
            lambda: pa.array([text.encode() for text in texts]),
            lambda: pa.array([{"a": 1}] * rows, pa.struct([("a", pa.int8())])),
            lambda: pa.nulls(rows),
        )
    )()


def _hdf5(path: Path, dice: Random) -> bytes:
    shape = dice.choice(((5, 4), (5, 4), (2, 3, 4), (4,), (0, 4), (5, 0), (), (40, 3)))
    kind = dice.choice(("<f4", "<f4", "<f8", "<f2", ">f4", "<i4", "<u8", "|b1", "<c8", "S3"))
    values = np.array([dice.gauss(0, 3) for _ in range(int(np.prod(shape)))]).reshape(shape)
    options: dict[str, Any] = {}
    if shape and 0 not in shape and dice.random() < 0.5:
        options["chunks"] = tuple(dice.randint(1, length) for length in shape)
        options["compression"] = dice.choice((None, "gzip", "lzf"))
        options["shuffle"] = dice.random() < 0.5
        options["fletcher32"] = dice.random() < 0.3
        options["maxshape"] = dice.choice((None, (None, *shape[1:])))
    with h5py.File(path, "w", libver=dice.choice(("earliest", "latest", "v110"))) as file:
        name = dice.choice(("logits", "a/b/logits", "x"))
        with np.errstate(invalid="ignore"):
            file.create_dataset(name, data=values.astype(kind), **options)
        extra = dice.random()
        if extra < 0.1:
            file["link"] = h5py.SoftLink(dice.choice(("/logits", "/gone", "/link")))
        elif extra < 0.15:
            file["out"] = h5py.ExternalLink(dice.choice(("gone.h5", path.name)), "/logits")
        elif extra < 0.25:
            file["other"] = np.arange(dice.choice((3, 4, 20)))
        elif extra < 0.3:
            file.create_dataset("grown", shape, "<f4", chunks=True if shape else None, fillvalue=7)
        file.attrs["made by"] = "hand"
    return path.read_bytes()
