"""What is said of files: on one line off a terminal, whatever their names; folded on one."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from rich.cells import cell_len

from kldiv_cli import loss
from kldiv_cli.reports import load
from kldiv_cli.reports.inspection import write_table as write_inspection
from kldiv_cli.reports.loss import write_table as write_loss
from kldiv_cli.reports.verification import write_table as write_verification
from kldiv_cli.reports.words.parts import written
from kldiv_cli.reports.words.sides import file_lines, inputs
from kldiv_cli.results.head import Side
from kldiv_cli.tasks.inspect import inspect
from kldiv_cli.tasks.verify import verify
from tests.reports import MASKED, SOFTMAX, Terminal, side
from tests.results import changed

FOLDER = "/data/a folder of runs/2026-11-24/experiment-with-quantised-attention"
LONG = f"{FOLDER}/checkpoint-120000/logits.npy"
HOLDS = "npy float32 24 x 4"


def lines(path: str, room: int | None) -> list[tuple[str, str]]:
    return file_lines("reference p", side(path), room)


@pytest.mark.parametrize("path", ["x.npy", LONG, 100 * LONG, "\u7334\u5b50/" * 30])
def test_off_a_terminal_a_file_is_one_line(path: str) -> None:
    assert lines(path, None) == [("reference p", f"{path}  {HOLDS}")]


def test_what_fits_is_one_line() -> None:
    line = f"x.npy  {HOLDS}"
    assert lines("x.npy", len(line)) == [("reference p", line)]
    assert lines("x.npy", len(line) - 1) == [("reference p", "x.npy"), ("", HOLDS)]


def test_only_what_was_divided_is_said_to_be() -> None:
    ours, theirs = side("x", kind="probs"), side("y", kind="log-probs", sum_error=1e-9)
    assert inputs(ours, theirs, masked=True) == [
        ("input", "p: probs"),
        ("input", "q: log-probs, rows sum to 1 within 1e-09"),
        ("", "divided by their sums within the kept classes"),
    ]


def test_a_longer_path_is_folded_after_a_slash() -> None:
    assert lines(LONG, 67) == [
        ("reference p", "/data/a folder of runs/2026-11-24/"),
        ("", "experiment-with-quantised-attention/checkpoint-120000/logits.npy"),
        ("", HOLDS),
    ]


def test_a_longer_name_is_folded_where_the_line_ends() -> None:
    assert lines("x" * 100 + ".npy", 67) == [
        ("reference p", "x" * 67),
        ("", "x" * 33 + ".npy"),
        ("", HOLDS),
    ]


@pytest.mark.parametrize("room", [1, 2, 3, 20, 67])
@pytest.mark.parametrize(
    "path", [LONG, "\u7334\u5b50" * 40, "e\u0301" * 90, "\u7334/" * 40], ids=ascii
)
def test_nothing_of_a_path_is_lost_and_no_line_is_too_wide(path: str, room: int) -> None:
    *names, _ = (text for _, text in lines(path, room))
    assert "".join(names) == path
    assert max(map(cell_len, names)) <= max(room, 2)
    assert "" not in names


def test_a_mask_says_what_it_means_beside_what_it_holds() -> None:
    assert MASKED.mask is not None
    mask = replace(MASKED.mask, path=LONG)
    assert file_lines("mask", mask, 67)[-1] == ("", "npy bool 5 x 4, true drops")
    assert file_lines("mask", mask, None) == [("mask", f"{LONG}  npy bool 5 x 4, true drops")]


def reports(path: str) -> dict[str, str]:
    """What each command prints of a file of that name, on a terminal."""

    def named(found: Side) -> Side:
        return replace(found, path=path)

    x = [[1.0, 2.0, 4.0], [0.0, -1.0, 2.0]]
    computed, checked, seen = loss("torch", x, x[::-1]), verify(x, x[::-1]), inspect(SAMPLE)
    compared = changed(SOFTMAX, reference=side(path), candidate=side(path))
    written = {name: Terminal() for name in ("compare", "loss", "verify", "inspect")}
    load("table")(compared, written["compare"])
    both: dict[str, Any] = {
        "reference": named(computed.reference),
        "candidate": named(computed.candidate),
    }
    write_loss(changed(computed, **both), written["loss"])
    write_verification(changed(checked, **both), written["verify"])
    write_inspection([changed(seen, file=named(seen.file))], written["inspect"])
    return {name: stream.getvalue() for name, stream in written.items()}


SAMPLE = "samples/magika-fp32-24.csv"


def test_every_report_folds_paths_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    for name, text in reports(LONG).items():
        assert max(map(len, text.splitlines())) <= 80, name
        folder, rest = (part for _, part in lines(LONG, 67)[:2])
        below = [line.strip() for line in text.splitlines()]
        assert below[below.index(rest) - 1].endswith(f"  {folder}"), name


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("a" * 27, ["a" * 27]),
        ("one word " + "a" * 27, ["one word", "a" * 27]),
        ("a" * 30 + " b", ["a" * 27, "aaa b"]),
        ("  10 %,  4 of 40 rows: class x", ["  10 %,  4 of 40 rows:", "class x"]),
        ("'" + "\u7334\u5b50" * 7 + "', x", ["'" + "\u7334\u5b50" * 6 + "\u7334", "\u5b50', x"]),
    ],
)
def test_other_lines_are_folded_between_words(text: str, folded: list[str]) -> None:
    assert list(written([("label", text)], 40)) == [
        f"{'' if i else 'label':<13}{line}\n" for i, line in enumerate(folded)
    ]
    assert list(written([("label", text)], None)) == [f"label        {text}\n"]


def test_no_report_folds_them_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Terminal, "isatty", StringIO.isatty)
    monkeypatch.setenv("COLUMNS", "80")
    for name, text in reports(LONG).items():
        whole = [line for line in text.splitlines() if f"  {LONG}  " in line]
        assert len(whole) == (1 if name == "inspect" else 2), name
