"""Tables with a text in each row, whose list column holds the text's rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kldiv_cli import compare
from kldiv_cli.errors import InputError
from kldiv_cli.sources.base import Layout
from kldiv_cli.sources.formats.opening import open_source
from tests.command import ROOT, Feed, Kldiv
from tests.sources.test_parquet import read

CASES = ROOT / "tests" / "cases"
LOGITS = np.load(CASES / "right_p.npy").astype(np.float64)
OTHER = np.load(CASES / "right_q.npy").astype(np.float64)
MEAN = 0.012766845035995957
IDS = ['"a, b",0', '"a, b",1', "c,0", "c,1", "c,2", "d,0"]
Text = dict[str, Any]
approx = partial(pytest.approx, rel=1e-14)


def texts(rows: Any, **more: list[Any]) -> list[Text]:
    """Four texts with 2, 0, 3 and 1 rows."""
    cuts = np.split(np.asarray(rows), [2, 2, 5])
    names = ["a, b", "empty", "c", "d"]
    pairs = enumerate(zip(names, cuts, strict=True))
    return [
        {"prompt": name, "logits": cut.tolist(), **{key: x[i] for key, x in more.items()}}
        for i, (name, cut) in pairs
    ]


def lines(path: Path, records: list[Text]) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


def document(path: Path, records: list[Text]) -> None:
    path.write_text(json.dumps(records))


def parquet(path: Path, records: list[Text]) -> None:
    pq.write_table(pa.Table.from_pylist(records), path)


def arrow(path: Path, records: list[Text]) -> None:
    table = pa.Table.from_pylist(records)
    with pa.ipc.new_file(str(path), table.schema) as writer:
        writer.write_table(table, max_chunksize=3)


def fixed(path: Path, records: list[Text]) -> None:
    table = pa.Table.from_pylist(records)
    kind = pa.large_list(pa.list_(pa.float64(), LOGITS.shape[1]))
    column = pa.array([record["logits"] for record in records], kind)
    pq.write_table(table.set_column(1, "logits", column), path)


SAVE: dict[str, tuple[str, Callable[[Path, list[Text]], None]]] = {
    "jsonl": ("jsonl", lines),
    "json": ("json", document),
    "parquet": ("parquet", parquet),
    "arrow": ("arrow", arrow),
    "fixed": ("parquet", fixed),
}


def save(folder: Path, kind: str, records: list[Text], name: str = "x") -> Path:
    suffix, write = SAVE[kind]
    path = folder / f"{name}.{suffix}"
    write(path, records)
    return path


@pytest.mark.parametrize("kind", SAVE)
def test_the_rows_of_texts_are_rows(tmp_path: Path, kind: str) -> None:
    path = save(tmp_path, kind, texts(LOGITS))
    source = open_source(path, Layout())
    assert (source.shape, source.length, source.rows_expected) == ((None, 11), None, None)
    assert (source.id_name, source.class_names) == ("prompt,position", None)
    for rows in (1, 2, 4, 10):
        assert read(path, rows=rows) == (LOGITS.tolist(), IDS)


@pytest.mark.parametrize("kind", ["jsonl", "json", "parquet", "arrow"])
@pytest.mark.parametrize("axis", [0, 1])
def test_one_more_axis_of_length_1_is_none(tmp_path: Path, kind: str, axis: int) -> None:
    records = texts(LOGITS)
    for text in records:
        rows = text["logits"]
        text["logits"] = np.expand_dims(rows, axis).tolist() if rows else []
    assert read(save(tmp_path, kind, records)) == (LOGITS.tolist(), IDS)


@pytest.mark.parametrize("kind", SAVE)
def test_texts_in_another_order_are_found_by_their_ids(tmp_path: Path, kind: str) -> None:
    p = save(tmp_path, kind, texts(LOGITS), "p")
    q = save(tmp_path, kind, texts(OTHER)[::-1], "q")
    assert compare(p, q).measures["jeffreys"]["mean"] == approx(MEAN)


def test_without_ids_a_text_is_called_by_its_number(tmp_path: Path) -> None:
    records = [{"logits": text["logits"]} for text in texts(LOGITS)]
    for kind in SAVE:
        if kind == "fixed":
            continue
        path = save(tmp_path, kind, records)
        assert read(path)[1] == ["0,0", "0,1", "2,0", "2,1", "2,2", "3,0"]
        assert open_source(path, Layout()).id_name == "text,position"
        assert compare(path, OTHER).measures["jeffreys"]["mean"] == approx(MEAN)


def test_other_lengths_of_texts_do_not_shift_rows(tmp_path: Path) -> None:
    p = [{"logits": LOGITS[:2].tolist()}, {"logits": LOGITS[2:].tolist()}]
    q = [{"logits": OTHER[:3].tolist()}, {"logits": OTHER[3:].tolist()}]
    sides = save(tmp_path, "jsonl", p, "p"), save(tmp_path, "jsonl", q, "q")
    with pytest.raises(InputError, match="'0,2'"):
        compare(*sides)


def test_lines_may_be_lists_of_rows(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text("".join(f"{x.tolist()}\n" for x in np.split(LOGITS, [2])))
    assert read(path) == (LOGITS.tolist(), ["0,0", "0,1", "1,0", "1,1", "1,2", "1,3"])


def test_lists_beside_are_left_out_and_said(tmp_path: Path, kldiv: Kldiv) -> None:
    path = save(tmp_path, "parquet", texts(LOGITS, tokens=[[1, 2], [], [3, 4, 5], [6]]))
    code, out, err = kldiv("compare", path, CASES / "right_q.npy")
    assert (code, err) == (0, "")
    assert "left out: 'tokens' (lists beside the rows of each text)\n" in out
    assert "each text is several rows, called prompt,position\n" in out
    assert '  0        0.0176278  9         9         "a, b",0\n' in out


def test_the_file_of_a_text_generator(kldiv: Kldiv) -> None:
    sides = CASES / "gold1_p.jsonl", CASES / "gold1_q.jsonl"
    code, out, err = kldiv("compare", *sides, "--stat", "mean")
    assert (code, err) == (0, "")
    assert float(out) == compare(LOGITS[:4], OTHER[:4]).measures["jeffreys"]["mean"]


def test_a_pipe_holds_texts(kldiv: Kldiv, feed: Feed, tmp_path: Path) -> None:
    path = save(tmp_path, "jsonl", texts(LOGITS))
    feed(path.read_bytes())
    code, out, _ = kldiv("compare", "-", CASES / "right_q.npy", "--stat", "mean")
    assert code == 0
    assert float(out) == approx(MEAN)


def test_a_group_of_texts_is_that_of_their_rows(tmp_path: Path) -> None:
    path = save(tmp_path, "parquet", texts(LOGITS, topic=["x", "x", "y", "x"]))
    found = compare(path, OTHER, group="topic").groups
    assert found is not None
    assert found.of_rows.tolist() == ["x", "x", "y", "y", "y", "x"]


def test_rows_are_chosen_among_those_of_all_texts(tmp_path: Path) -> None:
    path = save(tmp_path, "parquet", texts(LOGITS))
    found = compare(path, OTHER, rows=slice(1, 4)).measures["jeffreys"]["mean"]
    assert found == compare(LOGITS[1:4], OTHER[1:4]).measures["jeffreys"]["mean"]


def test_a_mask_may_be_lists_of_lists_of_rows(tmp_path: Path) -> None:
    rows = [[1] * 11, [0] * 11, *([[1] * 11] * 4)]
    records = [{"prompt": "x", "keep": rows[:2]}, {"prompt": "y", "keep": rows[2:]}]
    mask = save(tmp_path, "parquet", records)
    found = compare(LOGITS, OTHER, mask=f"{mask}:keep").measures["jeffreys"]["mean"]
    keep = [0, 2, 3, 4, 5]
    assert found == compare(LOGITS[keep], OTHER[keep]).measures["jeffreys"]["mean"]


def complaint(folder: Path, kind: str, records: list[Text], **options: Any) -> str:
    path = save(folder, kind, records)
    with pytest.raises(InputError) as caught:
        read(path, Layout(**options))
    assert caught.value.what.startswith(f"{path}: ")
    assert "\n" not in caught.value.what
    return caught.value.what.removeprefix(f"{path}: ")


ROW = [1.0, 2.0]
BAD: dict[str, tuple[list[Any], str]] = {
    "width": ([[ROW], [ROW, [1.0]]], "text 'b': expected lists of 2 entries as in the first row"),
    "null": ([[ROW], None], "text 'b': expected a list of rows, found none"),
    "axes": ([[[ROW, ROW], [ROW, ROW]]], "expected a list of rows, with one more axis of length 1"),
    "empty": ([[], []], ""),
    "no-classes": ([[[], []]], "expected classes, found lists without entries"),
    "deep": ([[[[[1.0]]]]], ""),
}


@pytest.mark.parametrize("kind", ["jsonl", "json", "parquet", "arrow"])
@pytest.mark.parametrize("name", BAD)
def test_what_is_no_text_of_rows_is_said_so(tmp_path: Path, kind: str, name: str) -> None:
    cells, said = BAD[name]
    records = [{"id": "abc"[i], "l": cell} for i, cell in enumerate(cells)]
    found = complaint(tmp_path, kind, records)
    if kind == "json" and found.startswith("record 1: 'l': "):
        assert name in {"width", "null"}
    elif (kind, name) != ("jsonl", "null"):
        assert said in found


def test_the_line_of_a_row_of_another_kind_is_named(tmp_path: Path) -> None:
    many = [{"id": str(i), "l": [ROW, ROW]} for i in range(20_000)]
    found = complaint(tmp_path, "jsonl", [*many, {"id": "z", "l": [ROW, 3]}])
    assert found == "line 20001: 'l': row 1: expected a list, found 3"
    found = complaint(tmp_path, "jsonl", [*many, {"id": "z", "l": [ROW, [2**53 + 1, 2]]}])
    assert found.startswith("line 20001: 'l': row 1: entry 0: expected an integer up to 2**53")


def test_ids_of_texts_have_to_differ(tmp_path: Path) -> None:
    path = save(tmp_path, "jsonl", [{"id": "a", "l": [ROW]}] * 2)
    with pytest.raises(InputError, match="every row id in 'id,position' once, found 'a,0'"):
        compare(path, path)


@pytest.mark.parametrize("kind", ["jsonl", "json", "parquet", "arrow"])
def test_where_a_list_may_be_a_row_too_it_asks(tmp_path: Path, kind: str) -> None:
    records = [{"id": "a", "l": [ROW], "m": [0.5, 2.5, 1.0], "tokens": [1, 2]}]
    path = save(tmp_path, kind, records)
    with pytest.raises(InputError) as caught:
        open_source(path, Layout())
    assert caught.value.what == (
        f"{path}: expected one numeric column per class, found list column 'l', 'm'"
    )
    assert caught.value.advice == (
        "Name the column that holds the logits: --columns l or --columns m"
    )
    assert read(path, Layout(columns=("l",))) == ([ROW], ["a,0"])
    assert read(path, Layout(columns=("m",))) == ([[0.5, 2.5, 1.0]], ["a"])


def test_one_of_several_such_columns_is_named(tmp_path: Path) -> None:
    records = [{"id": "a", "l": [ROW], "m": [[1.0, 2.0, 3.0]]}]
    found = complaint(tmp_path, "parquet", records)
    assert found == "expected one numeric column per class, found list column 'l', 'm'"
    path = tmp_path / "x.parquet"
    assert read(path, Layout(columns=("m",))) == ([[1, 2, 3]], ["a,0"])
