"""Columns that are no classes: what is asked, and that each way out ends at the right number."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kldiv_cli import compare
from kldiv_cli.errors import UnclearError
from kldiv_cli.tasks.opening.questions.columns.names import meaning_of, say_kinds
from tests.command import ROOT, Kldiv

CASES = ROOT / "tests" / "cases"
RIGHT = np.load(CASES / "right_p.npy"), np.load(CASES / "right_q.npy")
MEAN = 0.012766845035995957
ROWS, CLASSES = RIGHT[0].shape
NAMES = ["cat", "dog", "cow", "pig", "hen", "owl", "fox", "bee", "ant", "elk", "emu"]
ALL = "*"

Columns = Mapping[str, Any]


def classes(side: int, names: Iterable[str] = NAMES) -> dict[str, Any]:
    return dict(zip(names, RIGHT[side].astype(np.float64).T.tolist(), strict=True))


def write(path: Path, columns: Columns) -> Path:
    if path.suffix == ".parquet":
        pq.write_table(pa.table(dict(columns)), path)
    else:
        rows = zip(*columns.values(), strict=True)
        path.write_text("".join(",".join(map(str, row)) + "\n" for row in [columns, *rows]))
    return path


def sides(folder: Path, before: Columns, after: Columns | None = None, **said: Any) -> list[Path]:
    """Write both sides with the same columns before and behind the classes."""
    suffix, names = said.get("suffix", "csv"), said.get("names", NAMES)
    return [
        write(folder / f"{name}.{suffix}", {**before, **classes(side, names), **(after or {})})
        for side, name in enumerate("pq")
    ]


def question(*files: Path | str, **options: Any) -> UnclearError:
    with pytest.raises(UnclearError) as caught:
        compare(*files, **options)
    return caught.value


WAYS = re.compile(r"(--(?:drop|id|columns)) ((?:'[^']*'|[^\s,;'.]|,(?=\S)|\.(?=\S))+)")
KEYWORDS = {"--drop": "drop", "--id": "id_column", "--columns": "columns"}


def ways(advice: str) -> list[tuple[str, str]]:
    """Return the options that an advice names, as a shell reads them."""
    return [(option, shlex.split(value)[0]) for option, value in WAYS.findall(advice)]


def follow(files: Iterable[Any], error: UnclearError, **options: Any) -> dict[str, float]:
    """Follow every way out but the one that takes all as classes, and return the means."""
    reference, candidate = files
    found = {}
    for option, value in ways(error.advice):
        if value != ALL:
            said: dict[str, Any] = {**options, KEYWORDS[option]: value}
            found[option] = compare(reference, candidate, **said).measures["jeffreys"]["mean"]
    return found


class TestCases:
    """Files as people have them."""

    def test_a_sample_id_before_the_classes(self, kldiv: Kldiv) -> None:
        files = str(CASES / "col3_p.csv"), str(CASES / "col3_q.csv")
        error = question(*files)
        assert error.what == (
            f"{files[0]} and {files[1]}: expected a class in every numeric column, found one that "
            "looks like something else: 'sample_id' = 1000, 1001, 1002, ... (integers where other "
            "columns have fractions, rising from row to row)"
        )
        assert error.advice == (
            "--drop sample_id leaves it out, --id sample_id pairs the rows by it; --columns "
            "cat..emu names the classes, --columns '*' takes all as classes."
        )
        assert kldiv("compare", *files) == (
            2,
            "",
            f"kldiv: error: {error.what}\n{error.advice}\n",
        )
        found = follow(files, error)
        assert set(found) == {"--drop", "--id", "--columns"}
        assert list(found.values()) == pytest.approx([MEAN] * 3, rel=1e-7)
        assert compare(*files, columns=ALL).classes == CLASSES + 1

    def test_the_index_that_the_file_names(self) -> None:
        found = compare(CASES / "pidx_p.parquet", CASES / "pidx_q.parquet")
        assert found.measures["jeffreys"]["mean"] == pytest.approx(MEAN, rel=1e-12)
        assert (found.paired_by, found.reference.id) == ("id", "sample_id")

    def test_rows_that_r_names(self) -> None:
        found = compare(CASES / "R_p.csv", CASES / "R_q.csv")
        assert found.measures["jeffreys"]["mean"] == pytest.approx(MEAN, rel=1e-12)
        assert (found.paired_by, found.reference.id) == ("id", "")

    def test_labels_among_probabilities(self) -> None:
        files = CASES / "lab_p.csv", CASES / "lab_q.csv"
        error = question(*files, kind="probs")
        assert "'label' = 3, 1, 2, ..." in error.what
        assert "'pred' = 9, 2, 3, ..." in error.what
        assert "normalize" not in error.advice
        found = follow(files, error, kind="probs")
        assert found == {"--drop": found["--drop"], "--columns": found["--drop"]}
        assert found["--drop"] == pytest.approx(MEAN, rel=1e-6)

    def test_a_second_family(self) -> None:
        files = CASES / "both_p.csv", CASES / "both_q.csv"
        error = question(*files)
        assert error.what.endswith("found 2 for each of 11: 'logit_0' ... and 'prob_0' ...")
        assert ways(error.advice) == [
            ("--columns", "logit_*"),
            ("--columns", "prob_*"),
            ("--columns", ALL),
        ]
        found = compare(*files, columns="logit_*").measures["jeffreys"]["mean"]
        assert found == pytest.approx(MEAN, rel=1e-7)
        found = compare(*files, columns="prob_*", kind="probs").measures["jeffreys"]["mean"]
        assert found == pytest.approx(MEAN, rel=1e-6)


LABELS = [3, 1, 2, 7, 0, 3]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("label", LABELS),
        ("y_true", LABELS),
        ("pred", LABELS),
        ("target", LABELS),
        ("sample_index", [7, 2, 9, 4, 1, 6]),
        ("docId", [7, 2, 9, 4, 1, 6]),
        ("study_id", [1, 1, 2, 2, 3, 3]),
        ("fold", [0, 1, 2, 0, 1, 2]),
        ("epoch", [3, 3, 3, 3, 3, 3]),
        ("correct", [1, 0, 1, 1, 0, 1]),
        ("is_valid", [1, 0, 1, 1, 0, 1]),
        ("timestamp", [1.7e9, 1.7e9 + 0.5, 1.7e9 + 1, 1.7e9 + 2, 1.7e9 + 2.5, 1.7e9 + 4]),
        ("weight", [0.5, 1.0, 0.5, 2.0, 1.0, 1.0]),
        ("id", [1, 1, 2, 2, 3, 3]),
        ("index", [1.0, 5.0, 2.0, 4.0, 3.0, 6.0]),
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("place", ["before", "behind"])
def test_what_people_write_beside_logits(
    name: str, values: list[float], suffix: str, place: str, tmp_path: Path
) -> None:
    column = {name: values}
    before, after = (column, {}) if place == "before" else ({}, column)
    files = sides(tmp_path, before, after, suffix=suffix)
    error = question(*files)
    assert repr(name) in error.what
    found = follow(files, error)
    assert {"--drop", "--columns"} <= set(found)
    assert list(found.values()) == pytest.approx([MEAN] * len(found), rel=1e-12)


def test_a_loss_beside_a_family_of_logits(tmp_path: Path) -> None:
    """It differs on both sides and lies among the logits: only its name stands out."""
    names = [f"logit_{i}" for i in range(CLASSES)]
    files = [
        write(tmp_path / f"{x}.csv", {**classes(side, names), "loss": RIGHT[side][:, 0] ** 2})
        for side, x in enumerate("pq")
    ]
    error = question(*files)
    assert "'loss'" in error.what
    assert ("--columns", "logit_*") in ways(error.advice)
    assert list(follow(files, error).values()) == pytest.approx([MEAN] * 2, rel=1e-12)


def test_the_columns_of_catboost(tmp_path: Path) -> None:
    names = [f"RawFormulaVal:Class={i}" for i in range(CLASSES)]
    before, after = {"SampleId": range(ROWS)}, {"Label": LABELS}
    files = sides(tmp_path, before, after, names=names)
    error = question(*files)
    assert "found 2 that look like something else: 'SampleId' = 0, 1, 2, ..." in error.what
    assert ("--columns", "RawFormulaVal:Class=*") in ways(error.advice)
    assert ("--drop", "SampleId,Label") in ways(error.advice)
    again = question(*files, id_column="SampleId")
    assert "'Label' = 3, 1, 2, ..." in again.what
    assert "--id" not in again.advice
    found = compare(*files, id_column="SampleId", drop="Label")
    assert found.measures["jeffreys"]["mean"] == pytest.approx(MEAN, rel=1e-12)
    assert found.paired_by == "id"


@pytest.mark.parametrize("both", ["{}_logit {}_prob", "{}.logit {}.prob", "{} prob_{}", "{} {}-p"])
def test_a_second_family_of_named_classes(both: str, tmp_path: Path) -> None:
    """The words of a name are told apart by other marks too, and one family may have no stem."""
    first, second = ([name.format(x) for x in NAMES] for name in both.split())
    files = []
    for side, rows in enumerate(RIGHT):
        exps = np.exp(rows.astype(np.float64))
        probs = (exps / exps.sum(axis=1, keepdims=True)).T.tolist()
        columns = {**classes(side, first), **dict(zip(second, probs, strict=True))}
        files.append(write(tmp_path / f"{side}.csv", columns))
    error = question(*files)
    assert error.what.endswith(f"found 2 for each of 11: '{first[0]}' ... and '{second[0]}' ...")
    taken, others = (value for _, value in ways(error.advice)[:2])
    assert compare(*files, columns=taken).measures["jeffreys"]["mean"] == pytest.approx(MEAN)
    found = compare(*files, columns=others, kind="probs")
    assert found.measures["jeffreys"]["mean"] == pytest.approx(MEAN)


def test_integers_beside_a_family_of_logits(tmp_path: Path) -> None:
    """Two ids together tell the rows apart, and the other side has these in another order."""
    names = [f"logit_{i}" for i in range(CLASSES)]
    ids = {"site": [1, 1, 2, 2, 3, 3], "obs": [0, 1, 0, 1, 0, 1]}
    order = [3, 0, 5, 1, 4, 2]
    p = write(tmp_path / "p.csv", {**ids, **classes(0, names)})
    q = {**ids, **classes(1, names)}
    moved = write(tmp_path / "q.csv", {name: [x[i] for i in order] for name, x in q.items()})
    assert "'site' = 1, 1, 2, ... (integers where other" in question(p, moved).what
    found = compare(p, moved, id_column="site,obs")
    assert found.measures["jeffreys"]["mean"] == pytest.approx(MEAN)


class TestNoQuestion:
    """A name alone is no reason, and neither is a type alone."""

    @pytest.mark.parametrize(
        "names",
        [
            "win draw loss",
            "thumb index middle",
            "android covid grid",
            "step label token",
            "length weight height",
        ],
    )
    def test_floats_with_odd_names_are_classes(self, names: str, tmp_path: Path) -> None:
        files = [
            write(tmp_path / f"{x}.csv", dict(zip(names.split(), RIGHT[side].T, strict=False)))
            for side, x in enumerate("pq")
        ]
        assert compare(*files).class_names == tuple(names.split())

    @pytest.mark.parametrize("rows", [1, 2, 3, 4, 5])
    def test_what_a_few_rows_of_fractions_may_do_by_chance(self, rows: int, tmp_path: Path) -> None:
        """They rise, or are rounded to the same number on both sides."""
        columns = {
            "win": ([0.7, 0.3, 2.9, 0.1, 1.2], [0.8, 0.1, 2.7, 0.3, 1.1]),
            "draw": ([1.3, 1.2, -0.4, 2.5, 0.6], [1.4, 1.1, -0.2, 2.2, 0.7]),
            "loss": ([-1.2, 0.8, 1.4, 1.9, 2.3], [-1.4, 0.6, 1.3, 2.1, 2.2]),
            "index": ([0.4, -2.1, 0.9, 0.2, 0.3], [0.4, -2.1, 0.7, 0.2, 0.3]),
        }
        files = [
            write(tmp_path / f"{side}.csv", {name: x[side][:rows] for name, x in columns.items()})
            for side in (0, 1)
        ]
        assert compare(*files).classes == 4

    @pytest.mark.parametrize("suffix", ["csv", "parquet"])
    def test_integers_all_over(self, suffix: str, tmp_path: Path) -> None:
        files = [
            write(
                tmp_path / f"{x}.{suffix}",
                dict(zip(NAMES, np.rint(RIGHT[side] * 10).astype(int).T, strict=True)),
            )
            for side, x in enumerate("pq")
        ]
        assert compare(*files).classes == CLASSES

    @pytest.mark.parametrize("value", [0, -1000000000, "-1e9", "-inf", -10000])
    @pytest.mark.parametrize("name", ["pad", "unused_3", "zebra"])
    def test_padded_classes(self, name: str, value: Any, tmp_path: Path) -> None:
        files = sides(tmp_path, {}, {name: [value] * ROWS})
        assert compare(*files).classes == CLASSES + 1

    def test_one_integer_column_that_does_not_rise(self, tmp_path: Path) -> None:
        values = [[3, 1, 2, 7, 0, 3], [3, 1, 2, 7, 0, 4]]
        files = [
            write(tmp_path / f"{x}.csv", {**classes(side), "zebra": values[side]})
            for side, x in enumerate("pq")
        ]
        assert compare(*files).classes == CLASSES + 1

    def test_probabilities_of_0_and_1(self, tmp_path: Path) -> None:
        files = [
            write(
                tmp_path / f"{x}.csv",
                {"a": [p, 0, 0, 0.25], "b": [1 - p, 0, 0, 0.75], "zebra": [0, 1, 1, 0]},
            )
            for x, p in (("p", 0.5), ("q", 0.625))
        ]
        assert compare(*files, kind="probs").classes == 3

    def test_of_whom_names_the_classes(self, tmp_path: Path) -> None:
        files = sides(tmp_path, {"sample_id": range(1000, 1000 + ROWS)})
        assert compare(*files, columns=["sample_id", *NAMES]).classes == CLASSES + 1
        assert compare(*files, columns="sample_id..emu").classes == CLASSES + 1
        assert compare(*files, columns=NAMES[:3]).classes == 3
        assert compare(*files, classes=NAMES[:3]).classes == 3

    def test_stems_that_are_no_kinds_of_numbers(self, tmp_path: Path) -> None:
        names = ["noun_one", "noun_many", "verb_one", "verb_many", "name_one", "name_many"]
        files = [
            write(tmp_path / f"{x}.csv", dict(zip(names, RIGHT[side].T, strict=False)))
            for side, x in enumerate("pq")
        ]
        assert compare(*files).classes == 6


@pytest.mark.parametrize("kind", ["logits", "probs", "log-probs"])
@pytest.mark.parametrize("value", ["inf", "-inf", "nan", "1e308", ""])
def test_strange_numbers_are_left_for_the_walk(kind: Any, value: str, tmp_path: Path) -> None:
    """They may make a question impossible, but neither a warning nor another error."""
    files = sides(tmp_path, {"label": LABELS}, {"far": [value, "-1e308"] * (ROWS // 2)})
    with pytest.raises(UnclearError, match="'label'"):
        compare(*files, kind=kind, mode="sigmoid")


class TestSides:
    """One side may have the column, and the other not."""

    def test_a_table_beside_an_array(self, tmp_path: Path) -> None:
        """Told to cut the classes to 11, an id would count and the last class not."""
        table = sides(tmp_path, {"sample_id": range(1000, 1000 + ROWS)})[0]
        error = question(table, CASES / "right_q.npy")
        assert error.what.startswith(f"{table}: expected")
        assert "--id" not in error.advice
        found = compare(table, CASES / "right_q.npy", drop="sample_id")
        assert found.measures["jeffreys"]["mean"] == pytest.approx(MEAN, rel=1e-12)

    def test_a_column_of_one_table(self, tmp_path: Path) -> None:
        files = sides(tmp_path, {"label": LABELS})
        write(files[1], classes(1))
        error = question(*files)
        assert list(follow(files, error).values()) == pytest.approx([MEAN] * 2, rel=1e-12)

    def test_rows_in_another_order(self, tmp_path: Path) -> None:
        """What is the same on both sides is told from rows with the same id."""
        order = [4, 2, 0, 5, 1, 3]
        files = []
        for side, x in enumerate("pq"):
            rows = order if side else range(ROWS)
            columns = {
                "id": range(10, 10 + ROWS),
                **classes(side),
                "weight": np.arange(ROWS) % 3 / 8,
            }
            shuffled = {name: [cells[i] for i in rows] for name, cells in columns.items()}
            files.append(write(tmp_path / f"{x}.csv", shuffled))
        error = question(*files)
        assert "'weight'" in error.what
        assert "the same on both sides where others differ" in error.what
        assert list(follow(files, error).values()) == pytest.approx([MEAN] * 2, rel=1e-12)

    def test_all_commands_ask(self, kldiv: Kldiv, tmp_path: Path) -> None:
        files = sides(tmp_path, {"sample_id": range(1000, 1000 + ROWS)})
        for words in (("compare", *files), ("verify", *files), ("loss", "torch", *files)):
            code, out, err = kldiv(*words)
            assert (code, out) == (2, "")
            assert "'sample_id' = 1000, 1001, 1002" in err
        code, out, err = kldiv("inspect", files[0])
        assert code == 0
        assert "'sample_id' = 1000, 1001, 1002" in err + out


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("sampleId", "row ids"),
        ("Sample ID", "row ids"),
        ("doc-id", "row ids"),
        ("Pred_Class", "labels"),
        ("isCorrect", "figures of the row"),
        ("seq_len", "lengths and times"),
        ("", "row ids"),
        *(
            (name, None)
            for name in ("android", "covid", "valid_cat", "cat", "logit_3", "class_3", "12")
        ),
    ],
)
def test_what_a_name_means(name: str, meaning: str | None) -> None:
    assert meaning_of(name) == meaning


@pytest.mark.parametrize(
    ("stems", "kinds"),
    [
        (["logit_", "prob_"], True),
        (["_logit", "_prob"], True),
        (["cat_logit", "cat_prob"], True),
        (["", "prob_"], True),
        (["logProb", "rank"], True),
        (["noun_", "verb_"], False),
        (["a", "prob"], False),
        (["", "class_a"], False),
        (["x_logit", "y_logit"], False),
    ],
    ids=repr,
)
def test_what_stems_say(stems: list[str], kinds: bool) -> None:
    assert say_kinds(stems) == kinds
