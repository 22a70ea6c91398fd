"""``--class-axis`` typed, and what is said of axes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.command import Feed, Kldiv

SEG = "tests/cases/seg_p.npy", "tests/cases/seg_q.npy"
MEAN = "0.00800438659120606\n"


@pytest.mark.parametrize("axis", ["1", "-3"])
def test_a_segmentation(kldiv: Kldiv, axis: str) -> None:
    assert kldiv("compare", *SEG, "--class-axis", axis, "--stat", "mean") == (0, MEAN, "")


def test_from_a_pipe(kldiv: Kldiv, feed: Feed) -> None:
    feed(Path(SEG[0]).read_bytes())
    done = kldiv("compare", "-", SEG[1], "--class-axis", 1, "--stat", "mean")
    assert done == (0, MEAN, "")


@pytest.mark.parametrize("command", ["compare", "verify", "loss"])
def test_what_is_said_of_it(kldiv: Kldiv, command: str) -> None:
    words = (command, *(("torch",) if command == "loss" else ()), *SEG, "--class-axis", 1)
    code, out, err = kldiv(*words)
    assert (code, err) == (0, "")
    assert "axes         classes on axis 1\n" in out
    found = json.loads(kldiv(*words, "--format", "json").out)
    assert found["reference"]["class_axes"] == found["candidate"]["class_axes"] == [1]


def test_a_row_is_named_by_the_other_axes(kldiv: Kldiv) -> None:
    out = kldiv("compare", *SEG, "--class-axis", 1).out
    assert "max        0.0274429 in row 10 (0, 1, 4)\n" in out


def test_rows_are_written_in_the_shape_of_the_other_axes(kldiv: Kldiv, tmp_path: Path) -> None:
    assert kldiv("compare", *SEG, "--class-axis", 1, "-o", tmp_path / "rows.npy").code == 0
    assert np.load(tmp_path / "rows.npy").shape == (1, 2, 6)


@pytest.mark.parametrize(
    ("shape", "options", "said", "axes"),
    [
        ((6,), (), "one row, as the array has one axis", [0]),
        ((6,), ("--mode", "sigmoid", "--row-axes", 1), "every number is a row of one cell", []),
        ((2, 6), (), None, [1]),
        ((2, 6), ("--class-axis", 0), "classes on axis 0", [0]),
        ((2, 6), ("--row-axes", 0), "classes on axes 0 and 1", [0, 1]),
        ((2, 3, 6), (), "classes on axis 2", [2]),
        ((2, 3, 6, 2), ("--row-axes", 1), "classes on axes 1 to 3", [1, 2, 3]),
    ],
)
def test_axes_of_an_array(
    kldiv: Kldiv,
    tmp_path: Path,
    shape: tuple[int, ...],
    options: tuple[object, ...],
    said: str | None,
    axes: list[int],
) -> None:
    for name, factor in (("p", 1.0), ("q", 0.5)):
        np.save(tmp_path / f"{name}.npy", factor * np.arange(np.prod(shape)).reshape(shape))
    words = ("compare", tmp_path / "p.npy", tmp_path / "q.npy", *options)
    code, out, err = kldiv(*words)
    assert (code, err) == (0, "")
    told = [line[13:] for line in out.splitlines() if line.startswith("axes")]
    assert told == ([] if said is None else [said])
    assert json.loads(kldiv(*words, "--format", "json").out)["reference"]["class_axes"] == axes


def test_the_sides_may_differ(kldiv: Kldiv, tmp_path: Path) -> None:
    """A matrix beside a table: only the matrix has axes to be told."""
    np.save(tmp_path / "p.npy", np.arange(6.0).reshape(3, 2))
    (tmp_path / "q.csv").write_text("a,b,c\n1,2,3\n2,0,1\n")
    out = kldiv("compare", tmp_path / "p.npy", tmp_path / "q.csv", "--class-axis", 0).out
    assert "axes         p: classes on axis 0\n" in out


@pytest.mark.parametrize(
    ("words", "error", "advice"),
    [
        (
            ("--class-axis", 4),
            f"{SEG[0]}: expected --class-axis from -4 to 3 for shape (1, 4, 2, 6), found 4",
            "Axes are counted from 0; -1 is the last.",
        ),
        (
            ("--class-axis", 1, "--row-axes", 3),
            "--row-axes says that the last axes index classes, and --class-axis which one does",
            "Leave one of the two out.",
        ),
    ],
)
@pytest.mark.parametrize("command", ["compare", "verify", "inspect"])
def test_wrong_usage(
    kldiv: Kldiv, command: str, words: tuple[object, ...], error: str, advice: str
) -> None:
    files = SEG[:1] if command == "inspect" else SEG
    done = kldiv(command, *files, *words)
    assert done == (2, "", f"kldiv: error: {error}\n{advice}\n")
