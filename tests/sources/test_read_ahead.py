"""Reading ahead: the items in order, the errors in their place, and no thread left behind."""

import subprocess
import sys
import threading
from collections.abc import Generator, Iterator
from types import FrameType
from typing import Any

import pytest

from kldiv_cli.sources.views import read_ahead as ahead_module
from kldiv_cli.sources.views.read_ahead import Ahead
from tests.cli.test_bad_input import Interrupt

LONG = 30
"""Seconds to wait for what happens at once unless it never does."""


def readers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "kldiv-reader"]


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    for thread in readers():
        thread.join(LONG)
    assert not readers()


class Counter:
    """Counts 0, 1, 2, ... and knows how far it has come, and whether it was closed."""

    def __init__(self, stop: int, error: BaseException | None = None) -> None:
        self.stop = stop
        self.error = error
        self.made = 0
        self.begun = threading.Event()
        self.closed = threading.Event()

    def items(self) -> Generator[int, None, None]:
        self.begun.set()
        try:
            for item in range(self.stop):
                self.made = item + 1
                yield item
            if self.error is not None:
                raise self.error
        finally:
            self.closed.set()


@pytest.mark.parametrize("count", [0, 1, 2, 3, 1000])
@pytest.mark.parametrize("depth", [1, 2, 5])
def test_the_items_come_once_and_in_order(count: int, depth: int) -> None:
    ahead = Ahead(Counter(count).items(), depth)
    assert list(ahead) == list(range(count))
    assert list(ahead) == []


def test_fetching_begins_before_anything_is_asked_for() -> None:
    counter = Counter(3)
    ahead = Ahead(counter.items())
    assert counter.begun.wait(LONG)
    ahead.close()


@pytest.mark.parametrize("depth", [1, 3])
def test_no_more_is_fetched_than_was_said(depth: int) -> None:
    counter = Counter(100)
    ahead = Ahead(counter.items(), depth)
    for item in ahead:
        assert counter.made <= item + 1 + depth


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), MemoryError()], ids=repr)
def test_an_error_comes_in_its_place(error: BaseException) -> None:
    ahead = Ahead(Counter(3, error).items())
    assert [next(ahead), next(ahead), next(ahead)] == [0, 1, 2]
    with pytest.raises(type(error)) as caught:
        next(ahead)
    assert caught.value is error
    assert list(ahead) == []


def test_closing_ends_the_thread_and_closes_the_generator() -> None:
    counter = Counter(10**9)
    ahead = Ahead(counter.items())
    assert next(ahead) == 0
    ahead.close()
    assert counter.closed.is_set()
    assert not readers()
    assert list(ahead) == []


@pytest.mark.parametrize("asked", [0, 1])
def test_letting_go_ends_the_thread(asked: int) -> None:
    counter = Counter(10**9)
    ahead = Ahead(counter.items())
    for _ in range(asked):
        next(ahead)
    del ahead
    assert counter.closed.wait(LONG)


def test_an_error_does_not_keep_what_raised_it_alive() -> None:
    ahead = Ahead(Counter(0, ValueError("x")).items())
    with pytest.raises(ValueError, match="x") as caught:
        next(ahead)
    frames = [entry.frame for entry in caught.traceback]
    assert all("item" not in frame.f_locals for frame in frames)


class InterruptHere(Interrupt):
    """Raises KeyboardInterrupt in the module that is tested, around functions in C too."""

    def __call__(self, frame: FrameType, event: str, function: object) -> None:
        if frame.f_code.co_filename == ahead_module.__file__:
            super().__call__(frame, event, function)


def test_an_interrupt_anywhere_is_raised() -> None:
    lost = []
    for nth in range(1, 1000):
        interrupt = InterruptHere(nth, "call", "c_call", "c_return")
        sys.setprofile(interrupt)
        try:
            list(Ahead(Counter(3).items()))
        except KeyboardInterrupt:
            continue
        finally:
            sys.setprofile(None)
        if interrupt.left > 0:
            break
        lost.append(interrupt.place)
    assert nth > 30
    assert not lost


FOREVER = """
import sys, threading
from kldiv_cli.sources.views import read_ahead as ahead

def items():
    number = 0
    while True:
        yield number
        number += 1

"""
ENDINGS = {
    "end": ("held = ahead.Ahead(items())\nprint(next(held))", 0, "0\n"),
    "error": ("held = ahead.Ahead(items())\nprint(next(held))\n1 / 0", 1, "0\n"),
    "exit": ("held = ahead.Ahead(items())\nprint(next(held))\nsys.exit(3)", 3, "0\n"),
    "two": ("held = [ahead.Ahead(items()) for _ in range(2)]\nprint(next(held[1]))", 0, "0\n"),
    # A thread that reads on when the main thread has ended
    "thread": (
        """
asked = threading.Semaphore(0)
found = ahead._only_readers_are_left
def watched():
    asked.release()
    return found()
ahead._only_readers_are_left = watched
ahead._PATIENCE = 0.001
def read():
    for _ in range(3):
        asked.acquire()
    print([next(held) for _ in range(4)])
held = ahead.Ahead(items())
threading.Thread(target=read).start()
""",
        0,
        "[0, 1, 2, 3]\n",
    ),
}


@pytest.mark.parametrize(("script", "code", "out"), ENDINGS.values(), ids=ENDINGS)
def test_the_interpreter_can_leave(script: str, code: int, out: str) -> None:
    done: Any = subprocess.run(
        [sys.executable, "-c", FOREVER + script],
        capture_output=True,
        text=True,
        check=False,
        timeout=LONG,
    )
    assert (done.returncode, done.stdout) == (code, out), done.stderr
