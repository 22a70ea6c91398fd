"""Changes of files that are a header and an array."""

from __future__ import annotations

import ast
import json
import struct
from collections.abc import Callable
from math import prod
from random import Random

import numpy as np

from tests.attack.mutation.bytewise import changed, extreme, within
from tests.attack.mutation.trees import Json, dumped, encoded, text_changed, tree_changed

KINDS = (
    *("<f2", "<f4", "<f8", ">f2", ">f4", ">f8", "|i1", "<i2", "<i4", "<i8", "|u1", "<u8", ">u4"),
    *(
        "|b1",
        "<c8",
        "|V2",
        "|V1",
        "|O",
        "<U3",
        "|S4",
        "<M8[s]",
        "<f16",
        "f4",
        "<f3",
        "|f4",
        "float32",
    ),
)
LONGEST = 1 << 20


def npy(content: bytes, dice: Random) -> bytes:
    """Change type, shape, order, or the text of the header, which gets its length anew."""
    size = 10 + int.from_bytes(content[8:10], "little")
    text, values = content[10:size].decode("latin-1"), content[size:]
    try:
        header = ast.literal_eval(text.strip())
        kind, shape, order = header["descr"], header["shape"], header["fortran_order"]
    except (ValueError, SyntaxError, KeyError, TypeError):
        return changed(content, dice)
    if dice.random() < 0.25:
        text = text_changed(text, dice, ("True", "False", "None", *KINDS))
    else:
        if dice.random() < 0.4:
            kind = dice.choice((*KINDS, [("a", "<f4")], [("", "<f4")], [("a", "<f4", (2,))]))
        if dice.random() < 0.5:
            shape = _shape(shape, dice)
        if dice.random() < 0.3:
            order = dice.choice((True, False, 1, None))
        if dice.random() < 0.6:
            values = _filled(values, kind, shape, dice)
        text = str({"descr": kind, "fortran_order": order, "shape": shape})
    version = dice.choice((1, 1, 1, 1, 2, 3, 0, 4))
    width = 2 if version == 1 else 4
    text += " " * (-(8 + width + len(text) + 1) % dice.choice((64, 64, 64, 16, 1))) + "\n"
    raw = text.encode("latin-1", "replace")
    length = len(raw) if dice.random() < 0.9 else extreme(dice, (1 << 8 * width) - 1, len(raw))
    magic = b"\x93NUMPY" + bytes([version, 0])
    return magic + min(length, (1 << 8 * width) - 1).to_bytes(width, "little") + raw + values


def _shape(shape: object, dice: Random) -> object:
    lengths = [*shape] if isinstance(shape, tuple) else [1]
    if not all(isinstance(length, int) for length in lengths):  # of a member changed before
        lengths = [1]
    total = prod(lengths)
    at = dice.randrange(len(lengths) + 1)
    return dice.choice(
        (
            lambda: (total,),
            lambda: (1, total),
            lambda: (total, 1),
            lambda: tuple(lengths[::-1]),
            lambda: (*lengths[:at], 1, *lengths[at:]),
            lambda: (*lengths[:at], 0, *lengths[at + 1 :]),
            lambda: (
                *lengths[:at],
                dice.choice((-1, 2, 3, 1 << 31, 1 << 62, 10**300)),
                *lengths[at:],
            ),
            lambda: (*lengths[:at], dice.choice((2.0, True, None, "2", ())), *lengths[at + 1 :]),
            lambda: (1,) * dice.choice((31, 32, 33, 64, 65)) + tuple(lengths),
            lambda: (),
            lambda: total,
            lambda: lengths,
        )
    )()


def _filled(values: bytes, kind: object, shape: object, dice: Random) -> bytes:
    """Return as many bytes as the header will promise, as far as that can be said."""
    try:
        wanted = np.dtype(kind).itemsize * prod(shape)  # type: ignore[call-overload]
    except (TypeError, ValueError, OverflowError):
        return values
    if not isinstance(wanted, int) or not 0 <= wanted <= LONGEST:
        return values
    source = dice.choice((values or b"\0", values or b"\0", dice.randbytes(64)))
    return bytes((source * (wanted // len(source) + 1))[:wanted])


def safetensors(content: bytes, dice: Random) -> bytes:
    """Change the header's JSON, its length, or both."""
    size = int.from_bytes(content[:8], "little")
    text, values = content[8 : 8 + size], content[8 + size :]
    try:
        header = json.loads(text)
    except ValueError:
        return changed(content, dice)
    if dice.random() < 0.4:
        text = encoded(text_changed(text.decode("utf-8"), dice, ("F32", "BF16", "F8_E4M3", "I64")))
    elif dice.random() < 0.5:
        text = encoded(dumped(_tensors(header, values, dice), dice))
    else:
        text = encoded(dumped(tree_changed(header, dice), dice))
    text += b" " * dice.choice((0, 0, -len(text) % 8, 100))
    length = len(text) if dice.random() < 0.9 else extreme(dice, (1 << 64) - 1, len(text))
    return length.to_bytes(8, "little") + text + values


def _tensors(header: dict[str, Json], values: bytes, dice: Random) -> Json:
    """Give the bytes to tensors of other types and shapes, which fit or nearly do."""
    kind, size = dice.choice(
        (("F64", 8), ("F32", 4), ("BF16", 2), ("F16", 2), ("I8", 1), ("BOOL", 1))
    )
    count = len(values) // size
    shape = dice.choice(([count], [1, count], [count, 1], [count // 2, 2], [count // 4, 4], [0, 4]))
    stop = len(values) + dice.choice((0, 0, 0, 0, 1, -1, 8))
    start = dice.choice((0, 0, 0, 0, 1, 8, -8))
    entry: Json = {"dtype": kind, "shape": shape, "data_offsets": [start, stop]}
    made: dict[str, Json] = {"__metadata__": {"made by": "hand"}}
    beside = dice.choice((header, made, made))
    return {**beside, "x": entry}


def llamacpp(content: bytes, dice: Random) -> bytes:
    """Change the lengths, a token, or scale and minimum of a row."""
    n_ctx, n_vocab, chunks = struct.unpack_from("<3i", content, 8)
    begin = 20 + 4 * chunks * n_ctx
    row = 2 * (2 * ((n_vocab + 1) // 2) + 4)
    count = (len(content) - begin) // row if row > 0 else 0
    where = dice.random()
    if where < 0.3 or count <= 0:
        return within(content, slice(8, 20), dice, _number)
    if where < 0.4:
        return within(content, slice(20, begin), dice, _number)
    at = begin + row * dice.randrange(count)
    if where < 0.7:
        value = dice.choice(
            (0.0, -0.0, 1.0, -1.0, 1e30, 3e38, 1e-45, -50.0, np.inf, -np.inf, np.nan)
        )
        return within(
            content, slice(*dice.choice(((at, at + 4), (at + 4, at + 8)))), dice, _float(value)
        )
    if where < 0.8:
        return within(content, slice(at + 8, at + row), dice)
    lengths = n_ctx, n_vocab, chunks + dice.choice((-1, 0, 1))
    whole = content[:8] + struct.pack("<3i", *lengths) + content[20:]
    return whole[: dice.choice((len(whole), begin, begin + row, len(whole) - row, len(whole) - 1))]


def _number(content: bytes, dice: Random) -> bytes:
    at = 4 * dice.randrange(max(1, len(content) // 4))
    near = int.from_bytes(content[at : at + 4], "little")
    return (
        content[:at] + extreme(dice, (1 << 32) - 1, near).to_bytes(4, "little") + content[at + 4 :]
    )


def _float(value: float) -> Callable[[bytes, Random], bytes]:
    return lambda content, dice: struct.pack("<f", value)  # noqa: ARG005 - a change has both
