"""What a file is compressed with."""

from __future__ import annotations

ENOUGH = 1 << 12
"""How many bytes to look at."""


_CODECS = {
    b"\x1f\x8b\x08": "gzip",
    b"BZh": "bz2",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
    b"\xfd7zXZ\0": "xz",
}


def codec_of(first: bytes) -> str | None:
    """Return what a file is compressed with; None if it is not."""
    return next((codec for magic, codec in _CODECS.items() if first.startswith(magic)), None)
