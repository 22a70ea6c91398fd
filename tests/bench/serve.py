"""The inner side of a worker: a process that does its work when told, and times it itself."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from time import perf_counter

Work = Callable[[], float | None]


def serve(choose: Callable[[], tuple[str, Work]]) -> None:
    """For every line that comes in, work once and write the seconds, what was found, and how.

    The way of working is chosen when the first line comes in.
    """
    how, work = "", None
    for _ in sys.stdin:
        if work is None:
            how, work = choose()
        start = perf_counter()
        value = work()
        seconds = perf_counter() - start
        sys.stdout.write(json.dumps([seconds, value, how]) + "\n")
        sys.stdout.flush()
