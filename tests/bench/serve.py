"""The inner side of a worker: a process that does its work when told, and times it itself."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from time import perf_counter


def serve(work: Callable[[], float | None]) -> None:
    """For every line that comes in, work once and write the seconds and what was found."""
    for _ in sys.stdin:
        start = perf_counter()
        value = work()
        seconds = perf_counter() - start
        sys.stdout.write(json.dumps([seconds, value]) + "\n")
        sys.stdout.flush()
