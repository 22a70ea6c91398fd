"""A worker that compares two files: ``python -m tests.bench.ours A B '{"threads": 2}'``."""

from __future__ import annotations

import json
import sys
from inspect import signature
from typing import Any

from kldiv_cli import compare
from tests.bench.serve import serve


def main() -> None:
    """Serve comparisons with the options given as JSON."""
    reference, candidate, words = sys.argv[1:]
    options: dict[str, Any] = json.loads(words)
    if "threads" not in signature(compare).parameters:
        del options["threads"]

    def work() -> float:
        return compare(reference, candidate, **options).measures["jeffreys"]["mean"]

    serve(work)


if __name__ == "__main__":
    main()
