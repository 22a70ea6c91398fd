"""Long rows, some cells at a time: a signal waits for no more, and no memory is taken for all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import local
from typing import Any

from numpy.typing import NDArray

from kldiv_cli.measures import _native
from kldiv_cli.memory import address_of, let_go

STRETCH = 1 << 22
"""So many cells of each row are looked at at a time."""

_thread = local()


def stretches(values: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield the cells of all rows, shape (rows, classes), in order; one part where they are few."""
    pause: Callable[[int, int], None] | None = getattr(_thread, "pause", None)
    for start in range(0, max(1, values.shape[1]), STRETCH):
        part = values[:, start : start + STRETCH]
        yield part
        if values.shape[1] <= STRETCH:
            continue
        for row in part:
            let_go(row, address_of(row), row.nbytes)
            if pause is not None:
                pause(address_of(row), row.nbytes)


@contextmanager
def asking(pause: Callable[[int, int], None]) -> Iterator[None]:
    """Call a function after each stretch of a long row that this thread looks at, in C or here.

    It is told the address and the bytes of the stretch; what it raises ends the work.
    """
    _thread.pause = pause
    try:
        with _native.asking(pause):
            yield
    finally:
        del _thread.pause
