"""Every source answers for its format, so that no other code compares a format's name."""

from __future__ import annotations

import ast
import gzip
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from kldiv_cli.errors import InputError
from kldiv_cli.sources.arrays.array import ArraySource
from kldiv_cli.sources.base import Layout, Source, length_of, sum_tolerance
from kldiv_cli.sources.formats import FORMATS
from kldiv_cli.sources.formats.opening import open_source
from kldiv_cli.sources.views.choice import Chosen
from kldiv_cli.sources.views.derived import Derived
from kldiv_cli.sources.views.selected import Selected
from tests.command import ROOT
from tests.sources.test_recognition import TEXT, arrow, contents, npz, put

KEYED = {"npz", "safetensors", "torch", "hdf5"}
TABLES = {"csv", "tsv", "jsonl", "parquet", "arrow"}
DELIMITED = {"csv", "tsv"}
TEXTS = {"csv", "tsv", "jsonl"}


def sources(folder: Path) -> dict[str, Source]:
    """Return a source of every format, by the format's name."""
    texts = {
        "csv": TEXT,
        "tsv": TEXT.replace(b",", b"\t"),
        "json": b"[[1.5, -2.25, 0.5], [3, 0, -1]]\n",
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
    for name in ("csv", "tsv", "json", "jsonl"):
        assert found[name] == sum_tolerance("float64", text=True)
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


def literals(node: ast.AST) -> Iterator[object]:
    """Yield the constants that an expression compares with: itself, or what a display holds."""
    if isinstance(node, ast.Constant):
        yield node.value
    elif isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        for each in node.elts:
            yield from literals(each)
    elif isinstance(node, ast.Call):  # frozenset({...}), set([...])
        for each in node.args:
            yield from literals(each)


def names_compared(code: str) -> list[int]:
    """Return the lines of code that compare something with the name of a format, or `.format`."""
    found = []
    names = set(FORMATS)
    tables = {  # _ZIPS = {"npz", "torch"}
        target.id
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Assign) and names & set(map(str, literals(node.value)))
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.MatchValue) and names & set(map(str, literals(node.value))):
            found.append(node.value.lineno)
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        if any(isinstance(x, ast.Is | ast.IsNot) for x in node.ops):
            continue
        named = any(names & set(map(str, literals(side))) for side in sides)
        format_of = any(isinstance(side, ast.Attribute) and side.attr == "format" for side in sides)
        by_table = any(isinstance(side, ast.Name) and side.id in tables for side in sides)
        if named or format_of or by_table:
            found.append(node.lineno)
    return found


@pytest.mark.parametrize(
    "code",
    [
        'source.format == "csv"',
        "source.format != NAME",
        'source.format in {"csv", "tsv"}',
        'if "llamacpp" in (reference.format, candidate.format): ...',
        'name not in ["npz"]',
        '_ZIPS = {"npz", "torch"}\nname in _ZIPS',
        '_ZIPS = frozenset({"npz", "torch"})\nname in _ZIPS',
        'match name:\n    case "jsonl": ...',
    ],
)
def test_comparing_the_name_of_a_format_is_found(code: str) -> None:
    assert names_compared(f"x = 1\n{code}")


@pytest.mark.parametrize(
    "code", ["layout.format is None", 'kind == "probs"', 'x = {"csv": 1}', "name in FORMATS"]
)
def test_other_comparisons_are_not(code: str) -> None:
    assert not names_compared(code)


def test_nobody_compares_the_name_of_a_format() -> None:
    package = ROOT / "kldiv_cli"
    own = {package / "sources" / "formats" / f"{name}.py" for name in FORMATS}
    found = {
        str(path.relative_to(package)): lines
        for path in package.rglob("*.py")
        if path not in own and (lines := names_compared(path.read_text()))
    }
    assert found == {}
