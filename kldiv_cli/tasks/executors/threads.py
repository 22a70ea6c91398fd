"""Work on many items at once, with results in the items' order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import chain, islice
from threading import Event, local
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_IN_FLIGHT = 2
"""Items per thread that are begun before the oldest result is taken."""


_running = local()


class Stopped(Exception):  # noqa: N818 - nobody is told
    """Nobody waits for this thread's result any more."""


def check() -> None:
    """Raise `Stopped` where nobody waits for this thread's result any more."""
    stop: Event | None = getattr(_running, "stop", None)
    if stop is not None and stop.is_set():
        raise Stopped


def available_threads() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_flight(threads: int) -> int:
    """Return how many items `in_order` has in hand at most."""
    return 1 if threads == 1 else _IN_FLIGHT * threads + 1


def in_order(
    work: Callable[[Item], Result], items: Iterable[Item], threads: int
) -> Generator[tuple[Item, Result], None, None]:
    """Yield each item with what became of it, in order; items are taken in the calling thread.

    An error, of the work or of the items, is raised where it stands, and nothing of what was begun
    after it is seen. A single item costs no thread.
    """
    waiting = _UntilError(items)
    coming = iter(waiting)
    first = list(islice(coming, 2 if threads > 1 else 0))
    coming = chain(first, coming)
    if len(first) < 2:
        for item in coming:
            yield item, work(item)
    else:
        yield from _pooled(work, coming, threads)
    if waiting.error is not None:
        raise waiting.error


def _pooled(
    work: Callable[[Item], Result], items: Iterator[Item], threads: int
) -> Generator[tuple[Item, Result], None, None]:
    from concurrent.futures import Future, ThreadPoolExecutor  # noqa: PLC0415 - takes a while

    stop = Event()
    pool = ThreadPoolExecutor(
        threads, "kldiv", initializer=setattr, initargs=(_running, "stop", stop)
    )
    begun: deque[tuple[Item, Future[Result]]] = deque()
    try:
        for item in items:
            begun.append((item, pool.submit(work, item)))
            if len(begun) == in_flight(threads):
                done, future = begun.popleft()
                yield done, future.result()
        while begun:
            done, future = begun.popleft()
            yield done, future.result()
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


class _UntilError(Generic[Item]):
    """Items up to the first that cannot be had, and why."""

    def __init__(self, items: Iterable[Item]) -> None:
        self.items = items
        self.error: Exception | None = None

    def __iter__(self) -> Iterator[Item]:
        try:
            yield from self.items
        except Exception as error:  # noqa: BLE001 - raised when all before it is told
            self.error = error
