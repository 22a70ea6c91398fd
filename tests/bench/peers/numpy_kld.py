"""Decode two logits files of llama.cpp to float32 and average KL(p||q), on two threads."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

_BLOCK = 16


def rows_of(path: str) -> tuple[Any, int]:
    """Map the rows as they lie in the file, and say how many classes they have."""
    with Path(path).open("rb") as file:
        n_ctx, classes, chunks = np.frombuffer(file.read(20)[8:], "<i4").tolist()
    rows, words = chunks * (n_ctx - 1 - n_ctx // 2), 4 + 2 * ((classes + 1) // 2)
    return np.memmap(path, "<u2", "r", 20 + 4 * chunks * n_ctx, (rows, words)), classes


def log_probabilities(words: Any, classes: int) -> Any:
    """Return scale * q + minimum of a block of rows."""
    scale, least = np.ascontiguousarray(words[:, :4]).view("<f4").T
    values = words[:, 4 : 4 + classes].astype(np.float32)
    values *= scale[:, None]
    values += least[:, None]
    return values


def divergence(start: int) -> float:
    """Return the sum over the rows of a block."""
    log_p, log_q = (log_probabilities(x[start : start + _BLOCK], classes) for x in sides)
    return float((np.exp(log_p) * (log_p - log_q)).sum(axis=1).sum())


sides, (classes, _) = zip(*map(rows_of, sys.argv[1:]), strict=True)
with ThreadPoolExecutor(2) as threads:
    rows = len(sides[0])
    print(sum(threads.map(divergence, range(0, rows, _BLOCK))) / rows)  # noqa: T201
