"""Pieces of whole lines: nothing lost, nothing cut, nothing of gigabytes in memory."""

import csv
import io
import random

import pyarrow as pa
import pytest

from kldiv_cli.sources.text import lines
from kldiv_cli.sources.text.lines import LongLineError, growing, piece_size, whole_lines


def pieces(text: bytes, size: int, delimiter: str | None = None) -> list[bytes]:
    return [bytes(piece) for piece in whole_lines(pa.BufferReader(text), size, delimiter)]


def test_a_piece_ends_with_a_line() -> None:
    assert pieces(b"ab\ncd\nef\n", 7) == [b"ab\ncd\n", b"ef\n"]


@pytest.mark.parametrize("end", [b"", b"\n", b"\n\n"])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 100])
def test_the_pieces_are_the_file(end: bytes, size: int) -> None:
    text = b"a,b\n\n1,2\r\nlonger,line\n3,4" + end
    found = pieces(text, size, ",")
    assert b"".join(found) == text
    assert all(piece.endswith((b"\n", b"\r")) for piece in found[:-1])


def test_nothing_has_no_pieces() -> None:
    assert pieces(b"", 8) == []


def test_a_line_longer_than_a_piece_is_one_piece() -> None:
    text = b"a\n" + b"x" * 1500 + b"\n" + b"b\n" * 400
    assert pieces(text, 4)[:2] == [b"a\n", b"x" * 1500 + b"\n" + b"b\n" * 273]


def test_lines_may_end_in_carriage_returns_alone() -> None:
    assert pieces(b"ab\rcd\ref\r", 7, ",") == [b"ab\rcd\r", b"ef\r"]


def test_a_quoted_line_end_ends_no_piece() -> None:
    text = b'id,a\n"x\ny",1\n"z\nw",2\n'
    assert pieces(text, 9, ",")[:2] == [b"id,a\n", b'"x\ny",1\n']


def test_a_quote_within_a_cell_opens_nothing() -> None:
    assert pieces(b'id,a\n5" pipe,1\n6" pipe,2\n', 16, ",")[0] == b'id,a\n5" pipe,1\n'


@pytest.mark.parametrize("delimiter", [",", "\t", "|", "]", "^"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_pieces_hold_whole_records(delimiter: str, newline: str) -> None:
    """As Python's csv module tells records, whatever the cells hold and wherever a piece ends."""
    dice = random.Random(delimiter + newline)  # noqa: S311
    spice = ["", "1.5", "x", "\n", "\r\n", '"', '""', delimiter, "long " * 20, "ü"]
    cells = ["".join(dice.choices(spice, k=dice.randrange(3))) for _ in range(300)]
    rows = [[cell, "1", "-2"] for cell in cells]
    lines = [delimiter.join([quoted(cell), *rest]) for cell, *rest in rows]
    whole = newline.join([*lines, ""]).encode()
    for size in (1, 30, 97, 256, 1000, 5000):
        found = pieces(whole, size, delimiter)
        assert b"".join(found) == whole
        assert [row for piece in found for row in records(piece, delimiter)] == rows


def quoted(cell: str) -> str:
    return cell if cell.isalnum() else '"' + cell.replace('"', '""') + '"'


def records(piece: bytes, delimiter: str) -> list[list[str]]:
    lines = io.StringIO(piece.decode(), newline="")
    return [row for row in csv.reader(lines, delimiter=delimiter) if row]


@pytest.mark.parametrize(
    "text",
    [b"x" * 5000, b"a\n" + b"x" * 5000 + b"\n", b'a\n"' + b"x\n" * 3000],
    ids=["only", "later", "quoted"],
)
def test_a_line_without_end_is_given_up(text: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LONGEST_LINE", 2048)
    with pytest.raises(LongLineError):
        pieces(text, 64, ",")


def test_what_is_read_first_grows_until_it_is_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "_SIZES", (2, 5, 16))
    found = list(growing(pa.BufferReader(b'ab\n"c\nd'), ","))
    assert found == [(b"ab", 0, False), (b'ab\n"c', 3, False), (b'ab\n"c\nd', 7, True)]


@pytest.mark.parametrize(
    ("longest", "size"),
    [(20, 1 << 20), (10_000, 2_560_000), (200_000, 1 << 24), (20_000_000, 40_000_000)],
    ids=["short", "middle", "wide", "very-wide"],
)
def test_a_piece_holds_many_lines_and_stays_small(longest: int, size: int) -> None:
    assert piece_size(longest) == size
