"""Arrow IPC files of Polars 2, whose first message lacks its length."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from kldiv_cli.errors import InputError
from kldiv_cli.sources.base import Layout
from kldiv_cli.sources.formats.opening import open_source
from tests.command import ROOT, Feed, Kldiv
from tests.sources.test_parquet import complaint, read

CASES = ROOT / "tests" / "cases"
FILES = ROOT / "tests" / "sources" / "foreign_files"
LOGITS = np.load(CASES / "right_p.npy").tolist()
NAMES = [f"text {number}" for number in range(len(LOGITS))]
IDS = {"polars": NAMES, "polars-words": NAMES, "polars-zstd": list(range(len(LOGITS)))}
FOOTER = 10
"""The bytes behind a footer: its length and a magic."""


@pytest.mark.parametrize("name", IDS)
def test_every_layout_is_read(name: str) -> None:
    path = FILES / f"{name}.arrow"
    for rows in (1, 4, 10):
        assert read(path, rows=rows) == (LOGITS, IDS[name])
    assert open_source(path, Layout()).shape == (6, 11)


def test_the_smallest_file_is_read() -> None:
    assert read(CASES / "polars-ipc.arrow") == ([[1, 3], [2, 4]], [])


@pytest.mark.parametrize("name", ["polars", "polars-zstd"])
def test_a_pipe_shows_where_the_schema_ends(kldiv: Kldiv, feed: Feed, name: str) -> None:
    feed((FILES / f"{name}.arrow").read_bytes())
    code, out, err = kldiv("compare", "-", CASES / "right_q.npy", "--stat", "mean")
    assert (code, err) == (0, "")
    assert float(out) == pytest.approx(0.012766845035995957, rel=1e-14)


def test_words_behind_their_rows_cannot_be_read_in_order(kldiv: Kldiv, feed: Feed) -> None:
    feed((FILES / "polars-words.arrow").read_bytes())
    code, out, err = kldiv("compare", "-", CASES / "right_q.npy")
    assert (code, out) == (2, "")
    assert err == (
        "kldiv: error: -: expected dictionaries before the rows that refer to them, found these "
        "behind\nSave it to a file, and name that: its footer tells where they are.\n"
    )


@pytest.mark.parametrize("end", [8, 12, 40, 300])
def test_a_pipe_that_ends_early_is_refused(kldiv: Kldiv, feed: Feed, end: int) -> None:
    feed((FILES / "polars.arrow").read_bytes()[:end])
    code, out, err = kldiv("compare", "-", CASES / "right_q.npy")
    assert (code, out) == (2, "")
    assert err.startswith("kldiv: error: -: ")
    assert "Traceback" not in err


@pytest.mark.parametrize("length", [-1, 0, 1 << 30, 2**31 - 1])
def test_a_footer_of_another_length_is_refused(tmp_path: Path, length: int) -> None:
    whole = (FILES / "polars.arrow").read_bytes()
    path = tmp_path / "x.arrow"
    path.write_bytes(whole[:-FOOTER] + struct.pack("<i", length) + whole[-6:])
    assert complaint(path)


@pytest.mark.parametrize("place", [-8, 1 << 40, -(1 << 62)])
def test_a_footer_that_points_elsewhere_is_refused(tmp_path: Path, place: int) -> None:
    whole = (FILES / "polars.arrow").read_bytes()
    start = whole.index(b"\xff\xff\xff\xff", 300)
    assert whole.count(struct.pack("<q", start)) == 1
    path = tmp_path / "x.arrow"
    path.write_bytes(whole.replace(struct.pack("<q", start), struct.pack("<q", place)))
    with pytest.raises(InputError, match="damaged footer"):
        open_source(path, Layout())
