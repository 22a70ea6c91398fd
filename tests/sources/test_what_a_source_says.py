"""Every source answers for its format, so that no other code compares a format's name."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from kldiv_cli.errors import InputError
from kldiv_cli.sources import FORMATS, open_source
from kldiv_cli.sources.arrays.array import ArraySource
from kldiv_cli.sources.base import Layout, Source, length_of, sum_tolerance
from kldiv_cli.sources.views.choice import Chosen
from kldiv_cli.sources.views.derived import Derived
from kldiv_cli.sources.views.selected import Selected
from tests.sources.test_recognition import TEXT, arrow, contents, npz, put

KEYED = {"npz", "safetensors", "torch"}
TABLES = {"csv", "tsv", "jsonl", "parquet", "arrow"}
DELIMITED = {"csv", "tsv"}
TEXTS = {"csv", "tsv", "jsonl"}


def sources(folder: Path) -> dict[str, Source]:
    """Return a source of every format, by the format's name."""
    texts = {
        "csv": TEXT,
        "tsv": TEXT.replace(b",", b"\t"),
        "jsonl": b"[1.5, -2.25, 0.5]\n[3, 0, -1]\n",
    }
    files = contents(folder) | texts
    assert set(files) == set(FORMATS)
    return {
        name: open_source(put(folder / f"x{FORMATS[name].suffixes[0]}", content), Layout())
        for name, content in files.items()
    }


def test_by_format(tmp_path: Path) -> None:
    every = sources(tmp_path)
    assert {name for name, source in every.items() if source.has_keys} == KEYED
    assert {name for name, source in every.items() if source.is_table} == TABLES
    assert {name for name, source in every.items() if source.is_delimited} == DELIMITED
    assert {name for name, source in every.items() if source.length is None} == TEXTS
    for answer in ("kind", "bounds", "tokens"):
        assert [x for x, each in every.items() if getattr(each, answer) is not None] == ["llamacpp"]


@pytest.mark.parametrize("name", ["npz-stored", "npz-fortran"])
def test_every_array_of_an_archive_has_a_key(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x.npz"
    if name == "npz-stored":
        path.write_bytes(npz())
    else:
        np.savez_compressed(path, logits=np.asfortranarray(np.ones((3, 4))))
    assert open_source(path, Layout()).has_keys


def test_an_array_in_memory() -> None:
    source = ArraySource(np.ones((2, 3, 4), np.float16), Layout())
    assert not any((source.has_keys, source.is_table, source.is_delimited))
    assert (source.kind, source.bounds, source.tokens, source.length) == (None, None, None, 6)
    assert source.sum_tolerance == sum_tolerance("float16")


@pytest.mark.parametrize("name", ["arrow-stream", "csv-gzip"])
def test_only_reading_to_the_end_tells_the_length(tmp_path: Path, name: str) -> None:
    content = arrow(stream=True) if name == "arrow-stream" else gzip.compress(TEXT)
    source = open_source(put(tmp_path / "x", content), Layout(format=name.partition("-")[0]))
    assert source.length is None
    assert sum(map(len, source.blocks(1))) == 2


def test_the_length_of_axes() -> None:
    assert length_of((2, 3)) == 6
    assert length_of((None, 3)) is None


def test_how_far_rows_of_probabilities_may_be_off(tmp_path: Path) -> None:
    found = {name: source.sum_tolerance for name, source in sources(tmp_path).items()}
    assert found["npy"] == found["parquet"] == sum_tolerance("float32")
    assert found["csv"] == found["tsv"] == sum_tolerance("float64", text=True)
    assert found["jsonl"] == sum_tolerance("float64")
    assert 2e-4 < found["llamacpp"] < 1e-3


def answers(source: Source) -> tuple[object, ...]:
    tokens = None if source.tokens is None else source.tokens.tolist()
    return (
        *(source.has_keys, source.is_table, source.is_delimited, source.kind, source.bounds),
        *(source.sum_tolerance, tokens),
    )


def test_selected_rows_answer_as_the_whole_file_does(tmp_path: Path) -> None:
    for name, source in sources(tmp_path).items():
        part = Selected(source, Chosen(1, 2))
        assert isinstance(part, Derived)
        assert answers(part) == answers(source), name
        assert part.length == 1


def test_several_files_answer_as_each_does(tmp_path: Path) -> None:
    for name, source in sources(tmp_path).items():
        folder = tmp_path / name
        folder.mkdir()
        for number in (1, 2):
            (folder / f"{number}{Path(source.path).suffix}").write_bytes(
                Path(source.path).read_bytes()
            )
        both = open_source(folder, Layout())
        assert answers(both)[:-1] == answers(source)[:-1], name
        assert both.length == (None if source.length is None else 2 * source.length)
        if source.tokens is not None:
            assert both.tokens is not None
            assert both.tokens.tolist() == source.tokens.tolist() * 2


def test_a_damaged_file_is_told_when_its_tokens_are_wanted(tmp_path: Path) -> None:
    content = contents(tmp_path)["llamacpp"]
    folder = tmp_path / "p"
    folder.mkdir()
    for number in (1, 2):
        (folder / f"{number}.kld").write_bytes(content)
    both = open_source(folder, Layout())
    (folder / "2.kld").write_bytes(content[:-1])
    with pytest.raises(InputError, match=r"2\.kld: expected"):
        _ = both.tokens
