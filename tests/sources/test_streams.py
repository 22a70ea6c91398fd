"""Compressed files: told by their first bytes, read as they were, or refused."""

import bz2
import gzip
import json
import lzma
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from kldiv_cli.sources.base import Layout
from kldiv_cli.sources.formats.opening import open_source
from kldiv_cli.sources.stores.streams import codec_of, open_stream

TEXT = b"".join(b"%d,%d\n" % (i, i * i) for i in range(50_000))


def with_pyarrow(codec: str) -> bytes:
    return bytes(pa.compress(TEXT, codec, asbytes=True))


COMPRESSED = {
    "gzip": gzip.compress(TEXT),
    "bz2": bz2.compress(TEXT),
    "xz": lzma.compress(TEXT),
    "zstd": with_pyarrow("zstd"),
    "lz4": with_pyarrow("lz4"),
}


def read(path: Path, step: int = 1 << 16) -> bytes:
    with open_stream(str(path), codec_of(str(path))) as file:
        return b"".join(iter(lambda: file.read(step), b""))


def save(folder: Path, content: bytes) -> Path:
    path = folder / "x.csv"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("codec", COMPRESSED)
@pytest.mark.parametrize("step", [1000, 1 << 20])
def test_what_was_compressed_comes_back(tmp_path: Path, codec: str, step: int) -> None:
    path = save(tmp_path, COMPRESSED[codec])
    assert codec_of(str(path)) == codec
    assert read(path, step) == TEXT


@pytest.mark.parametrize("codec", COMPRESSED)
def test_several_streams_in_one_file_are_one(tmp_path: Path, codec: str) -> None:
    assert read(save(tmp_path, COMPRESSED[codec] * 3)) == TEXT * 3


@pytest.mark.parametrize("text", [b"", b"a,b\n1,2\n", b"BZ,b\n1,2\n", b"x\x1f\x8b\x08"])
def test_what_is_not_compressed_is_read_as_it_is(tmp_path: Path, text: bytes) -> None:
    path = save(tmp_path, text)
    assert codec_of(str(path)) is None
    assert read(path) == text


@pytest.mark.parametrize("codec", COMPRESSED)
@pytest.mark.parametrize("kept", [0.5, -1])
def test_a_cut_stream_is_an_error(tmp_path: Path, codec: str, kept: float) -> None:
    whole = COMPRESSED[codec]
    path = save(tmp_path, whole[: int(kept * len(whole)) if kept == 0.5 else -1])
    with pytest.raises(OSError, match="Truncated compressed stream"):
        read(path)


@pytest.mark.parametrize("codec", ["gzip", "bz2", "xz"])
def test_a_wrong_checksum_is_an_error(tmp_path: Path, codec: str) -> None:
    damaged = bytearray(COMPRESSED[codec])
    damaged[len(damaged) // 2] ^= 4
    with pytest.raises(OSError, match=r"\w+ (decompress|inflate) failed"):
        read(save(tmp_path, bytes(damaged)))


def test_a_stream_that_ends_in_another_is_an_error(tmp_path: Path) -> None:
    """PyArrow says of the end that bz2 was called in a wrong sequence, and raises no OSError."""
    path = save(tmp_path, COMPRESSED["bz2"] + bz2.compress(b"") + bytes(11))
    with pytest.raises(OSError, match="bz2 decompress failed"):
        read(path)


def test_a_stream_that_asks_for_gigabytes_is_an_error(tmp_path: Path) -> None:
    """The header of an xz block says how much memory it takes to unpack it."""
    content = bytearray(lzma.compress(TEXT))
    content[16] = 39  # 3 GiB
    content[20:24] = zlib.crc32(content[12:20]).to_bytes(4, "little")
    with pytest.raises(OSError, match="xz decompress failed: Memory usage limit exceeded"):
        read(save(tmp_path, bytes(content)))


def test_a_read_of_several_xz_streams_is_short_at_the_end_alone(tmp_path: Path) -> None:
    """Zeros between and after streams are padding; a reader takes fewer bytes for the end."""
    streams = lzma.compress(TEXT[:9]), lzma.compress(TEXT[9:])
    path = save(tmp_path, bytes(4).join(streams) + bytes(8))
    with open_stream(str(path), "xz") as stream:
        assert stream.read(len(TEXT) + 1) == TEXT
    with pytest.raises(OSError, match="Truncated compressed stream"):
        read(save(tmp_path, streams[0] + b"more"))


def test_a_large_document_under_xz_is_read_whole(tmp_path: Path) -> None:
    """It takes more than one piece of compressed bytes."""
    values = np.random.default_rng(0).normal(size=(40, 400)).tolist()
    path = tmp_path / "x.json.xz"
    path.write_bytes(lzma.compress(json.dumps(values).encode()))
    source = open_source(path, Layout())
    np.testing.assert_array_equal(np.concatenate([x.values for x in source.blocks(9)]), values)
