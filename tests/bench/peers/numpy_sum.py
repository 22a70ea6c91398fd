"""Map two files and sum them, half of each on each of two threads: the memory's speed."""

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from tests.bench.serve import serve


def main() -> None:
    """Serve sums, and do not say them, as they are no divergence."""
    where, *paths = sys.argv[1:]
    held: list[Any] = [np.load(path) for path in paths] if where == "memory" else []
    with ThreadPoolExecutor(2) as threads:

        def work() -> None:
            arrays = held or [np.load(path, mmap_mode="r") for path in paths]
            list(threads.map(np.sum, arrays))

        serve(lambda: ("", work))


if __name__ == "__main__":
    main()
