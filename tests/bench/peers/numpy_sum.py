"""Sum two files that are mapped and in memory, one on each of two threads: the memory's speed."""

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from tests.bench.serve import serve


def main() -> None:
    """Serve sums, and do not say them, as they are no divergence."""
    arrays = [np.load(path, mmap_mode="r") for path in sys.argv[1:]]
    with ThreadPoolExecutor(2) as threads:

        def work() -> None:
            list(threads.map(np.sum, arrays))

        serve(work)


if __name__ == "__main__":
    main()
