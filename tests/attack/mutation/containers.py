"""Changes of files that hold other things: archives, pickles, messages, compressed streams."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickletools
import zipfile
import zlib
from collections.abc import Iterator
from random import Random

import pyarrow as pa

from tests.attack.mutation.arrays import npy
from tests.attack.mutation.bytewise import Change, changed, extreme, within
from tests.attack.mutation.trees import word

CODECS = ".gz", ".bz2", ".xz", ".zst", ".lz4"


def archive(content: bytes, dice: Random) -> bytes:
    """Change a member, the order, names or methods of an archive, or its directory."""
    if dice.random() < 0.25:
        at = content.rfind(b"PK\1\2", 0, dice.randrange(len(content)) + 1)
        return within(content, slice(max(at, 0), None), dice)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            members = [(info.filename, file.read(info)) for info in file.infolist()]
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, ValueError, zlib.error):
        return changed(content, dice)
    for _ in range(dice.choice((1, 1, 1, 2))):
        members = _members(members, dice)
    return _zipped(members, dice)


def _members(members: list[tuple[str, bytes]], dice: Random) -> list[tuple[str, bytes]]:
    if not members:
        return [("data.pkl", b"")]
    at = dice.randrange(len(members))
    name, value = members[at]
    folder = name.rpartition("/")[0]
    new = dice.choice(
        (
            *([(name, _member(name, value, dice))] for _ in range(6)),
            [],
            [(name, value)] * 2,
            [(word(dice).encode("utf-8", "replace").decode(), value)],
            [
                (f"{folder}/{dice.choice(('byteorder', 'version', 'x', 'data/9'))}", b"big"),
                (name, value),
            ],
            [(dice.choice(members)[0], value)],
            [(name, dice.choice(members)[1])],
        )
    )
    members = [*members[:at], *new, *members[at + 1 :]]
    if dice.random() < 0.1:
        dice.shuffle(members)
    return members


def _member(name: str, value: bytes, dice: Random) -> bytes:
    if name.endswith(".npy"):
        return npy(value, dice) if dice.random() < 0.8 else changed(value, dice)
    if name.endswith(".pkl"):
        return pickled(value, dice) if dice.random() < 0.8 else changed(value, dice)
    return changed(value, dice)


def _zipped(members: list[tuple[str, bytes]], dice: Random) -> bytes:
    stream = io.BytesIO()
    kinds = (zipfile.ZIP_STORED,) * 6 + (zipfile.ZIP_DEFLATED,) * 3 + (zipfile.ZIP_BZIP2,)
    with zipfile.ZipFile(stream, "w") as file:
        for name, value in members:
            info = zipfile.ZipInfo(name[:9000])
            file.writestr(info, value, dice.choice(kinds[:6] if dice.random() < 0.5 else kinds))
        if dice.random() < 0.1:
            file.comment = dice.randbytes(dice.choice((1, 22, 300, 65535)))
    return dice.choice((b"", b"", b"", b"", b"junk")) + stream.getvalue()


def pickled(content: bytes, dice: Random) -> bytes:
    """Leave out, double, swap or change opcodes of a pickle."""
    try:
        places = [place or 0 for _, _, place in pickletools.genops(content)]
    except (ValueError, IndexError, AttributeError):
        return changed(content, dice)
    ends = [*places[1:], len(content)]
    codes = [content[start:stop] for start, stop in zip(places, ends, strict=True)]
    for _ in range(dice.choice((1, 1, 2))):
        at = dice.randrange(len(codes))
        new = dice.choice(
            ([], [codes[at]] * 2, [dice.choice(codes)], *[[_code(codes[at], dice)]] * 4)
        )
        codes[at : at + 1] = new
        if not codes:
            break
    return b"".join(codes)


_CODES = (
    *(b"N.", b"K\0", b"K\1", b"M\xff\xff", b"J\xff\xff\xff\xff", b"J\xff\xff\xff\x7f", b")", b"]"),
    *(b"}", b"\x88", b"\x89", b"\x8a\x08" + b"\xff" * 7 + b"\x7f", b"\x8a\x09" + b"\0" * 8 + b"\1"),
    *(
        b"G\x7f\xf8\0\0\0\0\0\0",
        b"X\1\0\0\0a",
        b"0",
        b"1",
        b"2",
        b"(",
        b"t",
        b"u",
        b"R",
        b"Q",
        b"b",
    ),
    *(b"cos\nsystem\n", b"cbuiltins\neval\n", b"ctorch\nfloat64\n", b"ccollections\nOrderedDict\n"),
    *(b"b", b"h\0", b"h\xff", b"j\xff\xff\xff\x7f", b"\x93", b"\x81", b"\x8b\xff\xff\xff\x7f"),
)


def _code(code: bytes, dice: Random) -> bytes:
    if len(code) == 1 or dice.random() < 0.4:
        return dice.choice(_CODES)
    size = len(code) - 1
    if size <= 8 and dice.random() < 0.7:
        near = int.from_bytes(code[1:], "little")
        return code[:1] + extreme(dice, (1 << 8 * size) - 1, near).to_bytes(size, "little")
    return code[:1] + changed(code[1:], dice)


def message(content: bytes, dice: Random) -> bytes:
    """Change a field of a protobuf message; lengths around it are right again."""
    found = list(fields(content))
    if not found:
        return changed(content, dice)
    at = dice.randrange(len(found))
    number, wire, value = found[at]
    new: list[tuple[int, int, bytes]] = dice.choice(
        (
            *([(number, wire, _value(wire, value, dice))] for _ in range(5)),
            [],
            [found[at]] * 2,
            [dice.choice(found)],
            [(dice.choice((0, 1, 2, 4, 5, 7, 9, 10, 11, 13, 14, 99)), wire, value)],
            [(number, dice.choice((0, 1, 2, 3, 4, 5, 6, 7)), value)],
        )
    )
    found[at : at + 1] = new
    if dice.random() < 0.1:
        dice.shuffle(found)
    return b"".join(_written(*field) for field in found)


def _value(wire: int, value: bytes, dice: Random) -> bytes:
    if wire:
        return changed(value, dice)
    near = sum((byte & 127) << 7 * i for i, byte in enumerate(value))
    return _varint(extreme(dice, dice.choice((17, 255, (1 << 31) - 1, (1 << 64) - 1)), near))


def fields(content: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield number, wire type and bytes of the fields, up to the first that is none."""
    at = 0
    while at < len(content):
        tag, at = read_varint(content, at)
        wire = tag & 7
        start = at
        if wire == 0:
            _, at = read_varint(content, at)
        elif wire == 2:
            size, start = read_varint(content, at)
            at = start + size
        elif wire in (1, 5):
            at += 8 if wire == 1 else 4
        else:
            return
        if at > len(content):
            return
        yield tag >> 3, wire, content[start:at]


def _written(number: int, wire: int, value: bytes) -> bytes:
    length = _varint(len(value)) if wire == 2 else b""
    return _varint(number << 3 | wire) + length + value


def read_varint(content: bytes, at: int) -> tuple[int, int]:
    number = 0
    for i, byte in enumerate(content[at : at + 10]):
        number |= (byte & 127) << 7 * i
        if byte < 128:
            return number, at + i + 1
    return number, len(content) + 1


def _varint(number: int) -> bytes:
    found = []
    while number >= 128:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


def compressed(content: bytes, suffix: str, dice: Random, change: Change) -> bytes:
    """Change what a compressed file holds, or the compressed bytes; or join two of them."""
    if dice.random() < 0.3:
        return changed(_packed(content, suffix), dice)
    inner = change(content, dice)
    packed = _packed(inner, suffix)
    if dice.random() < 0.1:
        at = dice.randint(0, len(inner))
        packed = _packed(inner[:at], suffix) + _packed(inner[at:], suffix)
    return packed + dice.choice((b"",) * 8 + (b"\0" * 9, b"junk"))


def _packed(content: bytes, suffix: str) -> bytes:
    if suffix == ".gz":
        return gzip.compress(content, mtime=0)
    if suffix in (".bz2", ".xz"):
        return bz2.compress(content) if suffix == ".bz2" else lzma.compress(content, preset=0)
    return bytes(pa.compress(content, "zstd" if suffix == ".zst" else "lz4", asbytes=True))
