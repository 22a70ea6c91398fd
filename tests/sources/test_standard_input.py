"""A stream that is held as far as there is room, and belongs to one reader after that."""

from __future__ import annotations

import io
from io import BytesIO

import pytest

from kldiv_cli.errors import InputError
from kldiv_cli.sources.stores.stdin import Replay

STEP = 1 << 20
"""So much a reader takes at once."""
CONTENT = b"".join(i.to_bytes(4, "big") for i in range(STEP))


@pytest.mark.parametrize("held", [len(CONTENT), 2 * len(CONTENT)])
def test_what_is_held_is_read_from_its_beginning_as_often_as_one_likes(held: int) -> None:
    replay = Replay(BytesIO(CONTENT), held)
    assert [replay.open().read() for _ in range(3)] == [CONTENT] * 3
    assert replay.is_whole


def test_readers_of_what_is_held_do_not_touch_each_other() -> None:
    replay = Replay(BytesIO(CONTENT), len(CONTENT))
    one, other = replay.open(), replay.open()
    found = [(one.read(STEP), other.read(STEP)) for _ in range(4)]
    assert all(mine == theirs for mine, theirs in found)
    assert b"".join(mine for mine, _ in found) == CONTENT


def test_what_is_not_held_goes_to_the_reader_that_is_there() -> None:
    replay = Replay(BytesIO(CONTENT), STEP)
    one, other = replay.open(), replay.open()
    assert one.read(STEP) == other.read(STEP) == CONTENT[:STEP]
    assert one.read(STEP) == CONTENT[STEP : 2 * STEP]
    with pytest.raises(OSError, match="it was read by another reader"):
        other.read(STEP)
    assert one.read() == CONTENT[2 * STEP :]


def test_a_reader_that_begins_after_it_was_let_go_is_told_what_to_do() -> None:
    replay = Replay(BytesIO(CONTENT), len(CONTENT) - 1)
    assert replay.open().read() == CONTENT
    assert not replay.is_whole
    with pytest.raises(InputError) as caught:
        replay.open()
    assert caught.value.what == (
        f"-: expected what can be read twice, found a stream of more than {len(CONTENT) - 1} bytes"
    )
    assert caught.value.advice == "Save it to a file, and name that."


def test_a_reader_can_be_read_and_not_written() -> None:
    reader = Replay(BytesIO(b"x")).open()
    assert reader.readable()
    assert not reader.writable()
    with pytest.raises(io.UnsupportedOperation):
        reader.write(b"y")
