"""What a file is, as text and as JSON: golden text, no digit lost, no name that escapes."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO
from typing import Any

import numpy as np
import pytest

from kldiv_cli.reports.inspection import write_json, write_table
from kldiv_cli.results.inspection import (
    Cells,
    Entropy,
    Guess,
    Inspection,
    Leaders,
    MaskLike,
    Rows,
    Span,
    Unreadable,
)
from tests.command import Golden
from tests.reports import HOSTILE, INF, MARKUP, NAN, side
from tests.results import changed, head

CLEAN = Inspection(
    head=head(side("fp32.npy")),
    ids=(),
    guess=Guess("logits", None, "", "some cells lie outside [0, 1], and so on"),
    cells=Cells(96, 0, 0, 0, Span(-1 / 3, 12.5)),
    mask_like=MaskLike(-1e4, 0, None, (), complete=True),
    rows=Rows(24, 0, 0, 0, None, None, None),
    sums=Span(-2.0, 30.25),
    log_sums=Span(0.1, 12.75),
    leaders=Leaders(3, ((2, 15), (0, 8), (1, 1))),
    entropy=Entropy("softmax(row)", 2 / 3, 1e-17, 1.25),
)
"""A plain array of 24 rows and 4 classes."""

FULL = changed(
    CLEAN,
    file=side(
        "heads.parquet",
        format="parquet",
        dtype="float64",
        shape=(6, 4),
        id="file",
        notes=("row id: column 'file', the only one that is not numeric", "column 'n' left out"),
    ),
    row_shape=(2, 3),
    class_names=("python", "c", "rust", "zig"),
    ids=("a.txt", "b.txt", 3),
    guess=Guess("probs", "softmax", "--input probs --normalize", "every row sums to 1"),
    cells=Cells(12, 6, 2, 4, None),
    mask_like=MaskLike(
        -1e4,
        12,
        Span(float(np.finfo(np.float64).min), -1e4),
        (
            (-1e12, 5),
            (float(np.finfo(np.float32).min), 2),
            (-65504.0, 2),
            (-3.3895313892515355e38, 1),
            (float(np.finfo(np.float64).min), 1),
            (-1e4, 1),
        ),
        complete=True,
    ),
    rows=Rows(3, 1, 1, 1, 5, 0, 4),
    sums=Span(-INF, NAN),
    leaders=Leaders(2, ((1, 2), (3, 1))),
    entropy=Entropy("row", 0.5, 0.25, 0.75),
)
"""Everything there can be: names, ids, masks, rows without a distribution."""

UNKNOWN = changed(
    CLEAN,
    class_shape=(2, 2),
    guess=Guess(None, None, "", "no row holds a distribution"),
    cells=Cells(0, 0, 0, 96, None),
    mask_like=MaskLike(-1e4, 1004, Span(-11000.0, -1e4), ((-1e4, 2),) * 1000, complete=False),
    rows=Rows(0, 24, 0, 0, 0, None, None),
    sums=None,
    log_sums=None,
    leaders=Leaders(0, ()),
    entropy=None,
)
"""Nothing but NaN, were it not for too many masks."""


def table(found: Inspection) -> str:
    stream = StringIO()
    write_table([found], stream)
    return stream.getvalue()


def objects(*found: Inspection | Unreadable) -> Any:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    stream = StringIO()
    write_json(found, stream)
    assert stream.getvalue().endswith("]\n")
    return json.loads(stream.getvalue(), parse_constant=refuse)


EVERY = {"clean": CLEAN, "full": FULL, "unknown": UNKNOWN}


class TestTable:
    @pytest.mark.parametrize("name", EVERY)
    def test_shown(self, name: str, golden: Golden) -> None:
        golden(table(EVERY[name]))

    def test_a_class_of_several_axes_is_named_by_its_place(self) -> None:
        text = table(changed(CLEAN, class_shape=(2, 2)))
        assert "rows: class 1,0\n" in text

    @pytest.mark.parametrize(
        ("names", "line"),
        [
            (("a", "b", "c"), "3: a, b, c"),
            (("no", "yes"), "2: no, yes"),
            (("x",), "1: x"),
        ],
    )
    def test_few_class_names(self, names: tuple[str, ...], line: str) -> None:
        leaders = Leaders(1, ((0, 24),))
        found = changed(CLEAN, class_names=names, class_shape=(len(names),), leaders=leaders)
        assert f"classes      {line}\n" in table(found)

    def test_as_many_ids_as_rows(self) -> None:
        found = changed(FULL, ids=(7, 8), rows=Rows(2, 0, 0, 0, None, None, None))
        assert "ids          7, 8\n" in table(found)

    def test_what_is_seen_wraps(self) -> None:
        guess = replace(CLEAN.guess, why=" ".join(["word"] * 40))
        text = table(changed(CLEAN, guess=guess))
        assert max(map(len, text.splitlines())) <= 80
        assert text.count("word") == 40

    @pytest.mark.parametrize("name", [*HOSTILE, *MARKUP], ids=ascii)
    def test_names_cannot_escape(self, name: str) -> None:
        text = table(with_name(name))
        assert len(text.splitlines()) == len(table(with_name("plain")).splitlines())
        assert all(line.isprintable() for line in text.split("\n"))
        if name in MARKUP and "\\" not in name:
            assert text.count(name) == 1 + 1 + 3 + 4 + 2


def with_name(name: str) -> Inspection:
    """FULL, the name standing wherever a user's text can stand."""
    file = replace(FULL.file, path=name, notes=(f"row id: column {name}",), id=name)
    return changed(FULL, file=file, class_names=(name,) * 4, ids=(name,) * 3)


class TestJson:
    @pytest.mark.parametrize("name", EVERY)
    def test_shown(self, name: str, golden: Golden) -> None:
        stream = StringIO()
        write_json([EVERY[name]], stream)
        golden(stream.getvalue(), "json")

    def test_what_the_full_one_holds_more(self) -> None:
        (found,) = objects(FULL)
        assert found["class_names"] == ["python", "c", "rust", "zig"]
        assert found["id"] == {"column": "file", "first": ["a.txt", "b.txt", 3]}
        assert found["notes"] == list(FULL.file.notes)
        assert (found["shape"], found["row_shape"]) == ([6, 4], [2, 3])
        assert found["rows"]["first_nan"] == 5
        assert found["rows"]["first_plus_inf"] == 0
        assert found["rows"]["first_nothing_but_minus_inf"] == 4
        assert found["range"] is None
        assert found["row_sums"] == {"min": "-inf", "max": "nan"}
        assert found["argmax"]["most_frequent"][0]["name"] == "c"
        assert found["entropy"]["of"] == "row"
        masks = found["mask_like"]
        assert masks["range"] == {"min": float(np.finfo(np.float64).min), "max": -1e4}
        assert [(each["value"], each["cells"]) for each in masks["values"]] == [
            *FULL.mask_like.values
        ]

    def test_nothing_known(self) -> None:
        (found,) = objects(UNKNOWN)
        assert [found[key] for key in ("row_sums", "logsumexp", "entropy")] == [None] * 3
        assert found["argmax"] == {"distinct": 0, "most_frequent": []}
        assert found["guess"]["input"] is None
        assert found["mask_like"]["complete"] is False

    def test_labels_are_no_input(self) -> None:
        found = changed(CLEAN, guess=Guess("labels", None, "", "every cell is 0 or 1"))
        assert "looks like   labels or a mask: every cell is 0 or 1\n" in table(found)
        (shown,) = objects(found)
        assert shown["guess"]["input"] is None

    def test_one_object_per_file_in_order(self) -> None:
        found = objects(UNKNOWN, Unreadable("x.npy", "x.npy: expected a, found b", "Do c."), CLEAN)
        assert [one["path"] for one in found] == ["fp32.npy", "x.npy", "fp32.npy"]
        assert found[1] == {
            "schema": 1,
            "path": "x.npy",
            "error": "x.npy: expected a, found b",
            "advice": "Do c.",
        }

    @pytest.mark.parametrize("name", HOSTILE, ids=ascii)
    def test_names_are_kept_whole(self, name: str) -> None:
        (found,) = objects(with_name(name))
        assert (found["path"], found["class_names"][3]) == (name, name)
        assert found["id"] == {"column": name, "first": [name] * 3}
