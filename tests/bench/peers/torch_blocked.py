"""The measures in torch on two threads, a block of rows at a time, as fast as torch does it.

``python -m tests.bench.peers.torch_blocked MEASURE float32|float64 mapped|memory A B``. Before the
first answer every spelling is timed with every size of blocks; the fastest serves. Mapped files are
mapped anew within the timed part, as ours are; arrays in memory are there before the clock starts.
"""

import sys
import warnings
from collections.abc import Callable
from functools import partial
from itertools import product
from time import perf_counter
from typing import Any

import numpy as np
import torch  # type: ignore[import-not-found,unused-ignore]

from tests.bench.peers.torch_forms import FORMS, Form
from tests.bench.serve import serve

Way = tuple[str, Callable[[], float]]

BLOCKS = 4, 8, 16, 32, 64


def main() -> None:
    """Serve the mean of the measure, and which spelling computes it."""
    name, dtype, where, *paths = sys.argv[1:]
    torch.set_num_threads(2)
    warnings.filterwarnings("ignore", message=".*not writable")
    held = [torch.from_numpy(np.load(path)) for path in paths] if where == "memory" else None

    def sides() -> list[Any]:
        return held or [torch.from_numpy(np.load(path, mmap_mode="r")) for path in paths]

    kind = getattr(torch, dtype)
    ways: list[Way] = [
        (f"{spelling}, {rows} rows a block", partial(mean_of, form, rows, kind, sides))
        for (spelling, form), rows in product(FORMS[name].items(), BLOCKS)
    ]
    serve(lambda: fastest(ways))


def mean_of(form: Form, rows: int, kind: Any, sides: Callable[[], list[Any]]) -> float:
    """Compute the measures of all rows, and return the mean of the first one."""
    blocks = zip(*(side.split(rows) for side in sides()), strict=True)
    parts = [form(*(side.to(kind) for side in block)) for block in blocks]
    results = [torch.cat(each) for each in zip(*parts, strict=True)]
    means = [float(each.mean()) for each in results]
    return means[0]


def fastest(ways: list[Way]) -> Way:
    """Return the way that takes least of two runs."""

    def seconds(way: Way) -> float:
        taken = []
        for _ in range(2):
            start = perf_counter()
            way[1]()
            taken.append(perf_counter() - start)
        return min(taken)

    return min(ways, key=seconds)


if __name__ == "__main__":
    main()
