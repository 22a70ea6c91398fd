"""An assembler of pickles, and of the archives in which torch keeps them."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

STOP = b"."
NONE, TRUE, FALSE = b"N", b"\x88", b"\x89"
VALUES = np.arange(6, dtype="<f4").tobytes()


def text(value: str) -> bytes:
    encoded = value.encode()
    return b"X" + len(encoded).to_bytes(4, "little") + encoded


def number(value: int) -> bytes:
    return b"\x8a\x10" + value.to_bytes(16, "little", signed=True)


def values(*items: bytes) -> bytes:
    """A tuple."""
    return b"(" + b"".join(items) + b"t"


def numbers(*items: int) -> bytes:
    return values(*map(number, items))


def mapping(items: Mapping[str, bytes]) -> bytes:
    return b"}(" + b"".join(text(name) + value for name, value in items.items()) + b"u"


def name(full: str) -> bytes:
    module, _, last = full.rpartition(".")
    return f"c{module}\n{last}\n".encode()


def call(full: str, *arguments: bytes) -> bytes:
    return name(full) + values(*arguments) + b"R"


def storage(kind: str = "torch.FloatStorage", key: str = "0", count: int = 6) -> bytes:
    return values(text("storage"), name(kind), text(key), text("cpu"), number(count)) + b"Q"


def tensor(
    shape: tuple[int, ...] = (2, 3),
    strides: tuple[int, ...] = (3, 1),
    offset: int = 0,
    held: bytes | None = None,
    *more: bytes,
) -> bytes:
    return call(
        "torch._utils._rebuild_tensor_v2",
        storage() if held is None else held,
        number(offset),
        numbers(*shape),
        numbers(*strides),
        FALSE,
        call("collections.OrderedDict"),
        *more,
    )


def archive(
    path: Path,
    pickle: bytes,
    members: Mapping[str, bytes] | None = None,
    *,
    folder: str = "archive",
    compression: int = zipfile.ZIP_STORED,
) -> Path:
    """Write a file as torch.save does, of a pickle and storage "0" unless others are given."""
    with zipfile.ZipFile(path, "w", compression) as file:
        file.writestr(f"{folder}/data.pkl", pickle + STOP)
        for key, content in ({"data/0": VALUES} if members is None else members).items():
            file.writestr(f"{folder}/{key}", content)
    return path
