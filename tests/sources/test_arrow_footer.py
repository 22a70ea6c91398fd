"""Arrow files on a pipe: what they hold in order, and what their footer says of it."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from kldiv_cli.sources.base import Layout
from kldiv_cli.sources.formats.arrow_messages import FILE, listed_in, schema_in
from kldiv_cli.sources.formats.opening import open_source
from tests.command import ROOT, Feed, Kldiv
from tests.sources import test_arrow as arrow
from tests.sources import test_parquet as parquet

ROWS = np.arange(12.0).reshape(4, 3)
FOOTER = 10
"""The bytes behind a footer: its length and a magic."""
SAYS_OTHERWISE = (
    "kldiv: error: -: expected a footer that lists the columns and batches before it, found "
    "one that says otherwise\nSave it to a file, and name that: what its footer lists is what "
    "counts.\n"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of two batches and a dictionary."""
    names = pa.array(["u", "v", "w", "x"]).dictionary_encode()
    return arrow.save(tmp_path, {"id": names, **dict(zip("abc", ROWS.T, strict=True))}, rows=2)


def places(whole: bytes) -> list[int]:
    """Return where the footer of a file says that its batches are: places in the file."""
    end = len(whole) - FOOTER
    (length,) = struct.unpack_from("<i", whole, end)
    starts = [struct.pack("<q", block.start) for block in listed_in(pa.py_buffer(whole)).batches]
    assert [whole.count(start, end - length) for start in starts] == [1, 1]
    return [whole.index(start, end - length) for start in starts]


def fewer(whole: bytes) -> bytes:
    first = places(whole)[0]
    assert whole[first - 4 : first] == struct.pack("<I", 2)
    return whole[: first - 4] + struct.pack("<I", 1) + whole[first:]


def swapped(whole: bytes) -> bytes:
    first, second = places(whole)
    one, two = whole[first : first + 24], whole[second : second + 24]
    return whole[:first] + two + one + whole[second + 24 :]


def twice(whole: bytes) -> bytes:
    first, second = places(whole)
    return whole[:second] + whole[first : first + 24] + whole[second + 24 :]


def longer(whole: bytes) -> bytes:
    body = places(whole)[1] + 16
    (size,) = struct.unpack_from("<q", whole, body)
    return whole[:body] + struct.pack("<q", size + 8) + whole[body + 8 :]


def renamed(whole: bytes) -> bytes:
    """Call the columns of the footer a, c, b."""
    end = len(whole) - FOOTER
    (length,) = struct.unpack_from("<i", whole, end)
    footer = whole[end - length : end]
    names = [b"\1\0\0\0" + name + b"\0\0\0" for name in (b"b", b"c")]
    assert [footer.count(name) for name in names] == [1, 1]
    one, two = map(footer.index, names)
    changed = bytearray(footer)
    changed[one + 4], changed[two + 4] = footer[two + 4], footer[one + 4]
    return whole[: end - length] + bytes(changed) + whole[end:]


@pytest.mark.parametrize("change", [fewer, swapped, twice, renamed])
def test_a_footer_that_says_otherwise_is_refused_on_a_pipe(
    kldiv: Kldiv, feed: Feed, path: Path, change: object
) -> None:
    assert callable(change)
    whole = path.read_bytes()
    other = path.with_name("other.arrow")
    other.write_bytes(change(whole))
    feed(other.read_bytes())
    assert kldiv("compare", "-", path, "--stat", "mean") == (2, "", SAYS_OTHERWISE)
    names = [open_source(each, Layout()).class_names for each in (other, path)]
    rows = [parquet.read(each) for each in (other, path)]
    assert (names[0], rows[0]) != (names[1], rows[1])  # what the footer lists


def test_a_footer_of_other_lengths_is_refused_on_a_pipe(
    kldiv: Kldiv, feed: Feed, path: Path
) -> None:
    feed(longer(path.read_bytes()))
    assert kldiv("compare", "-", path, "--stat", "mean") == (2, "", SAYS_OTHERWISE)


@pytest.mark.parametrize("kind", ["file", "zstd", "feather", "feather-lz4"])
def test_a_footer_that_agrees_is_none_of_the_users_business(
    kldiv: Kldiv, feed: Feed, tmp_path: Path, kind: str
) -> None:
    names = pa.array(["u", "v", "w", "x"]).dictionary_encode()
    columns = {"id": names, **dict(zip("abc", ROWS.T, strict=True))}
    whole = pa.table(columns).replace_schema_metadata({"k": "v"})
    path = arrow.save(tmp_path, whole, kind, rows=2)
    feed(path.read_bytes())
    assert kldiv("compare", "-", path, "--stat", "mean", "--no-warn")[:2] == (0, "0.0\n")


@pytest.mark.parametrize("name", ["polars", "polars-words", "polars-zstd"])
def test_the_schema_of_a_footer_is_that_of_the_file(name: str) -> None:
    whole = (ROOT / "tests" / "sources" / "foreign_files" / f"{name}.arrow").read_bytes()
    assert schema_in(pa.py_buffer(whole)) == pa.ipc.open_file(pa.py_buffer(whole)).schema


@pytest.mark.parametrize("length", [-1, 0, 1 << 30])
def test_a_footer_of_another_length_is_damaged(path: Path, length: int) -> None:
    whole = path.read_bytes()
    end = pa.py_buffer(whole[:-FOOTER] + struct.pack("<i", length) + FILE)
    for read in (listed_in, schema_in):
        with pytest.raises(pa.ArrowInvalid, match="damaged footer"):
            read(end)
