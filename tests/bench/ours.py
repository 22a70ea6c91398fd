"""A worker that compares two files: ``python -m tests.bench.ours mapped|memory A B '{...}'``."""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np

from kldiv_cli import compare, loss
from tests.bench.serve import serve


def main() -> None:
    """Serve comparisons with the options given as JSON, or a loss that they name."""
    where, *paths, words = sys.argv[1:]
    options: dict[str, Any] = json.loads(words)
    sides: list[Any] = [np.load(path) for path in paths] if where == "memory" else paths

    def work() -> float | None:
        if "loss" in options:
            named = {key: value for key, value in options.items() if key != "loss"}
            loss(options["loss"], *sides, **named)
            return None
        found = compare(*sides, **options).measures
        mean: float = next(iter(found.values()))["mean"]
        return mean

    serve(lambda: ("", work))


if __name__ == "__main__":
    main()
