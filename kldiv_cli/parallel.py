"""Work on many items at once, with results in the items' order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_IN_FLIGHT = 2
"""Items per thread that are begun before the oldest result is taken."""


def available_threads() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_order(
    work: Callable[[Item], Result], items: Iterable[Item], threads: int
) -> Iterator[tuple[Item, Result]]:
    """Yield each item with what became of it, in order; items are taken in the calling thread.

    An error is raised where its item stands, and nothing of what was begun after it is seen. A
    single item costs no thread.
    """
    waiting = iter(items)
    first = list(islice(waiting, 2)) if threads > 1 else []
    if len(first) < 2:
        for item in chain(first, waiting):
            yield item, work(item)
        return
    from concurrent.futures import Future, ThreadPoolExecutor  # noqa: PLC0415 - takes a while

    pool = ThreadPoolExecutor(threads, thread_name_prefix="kldiv")
    begun: deque[tuple[Item, Future[Result]]] = deque()
    try:
        for item in chain(first, waiting):
            begun.append((item, pool.submit(work, item)))
            if len(begun) > _IN_FLIGHT * threads:
                done, future = begun.popleft()
                yield done, future.result()
        while begun:
            done, future = begun.popleft()
            yield done, future.result()
    finally:
        pool.shutdown(cancel_futures=True)
