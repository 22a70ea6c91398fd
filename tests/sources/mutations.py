"""Damaged copies of a small file, and what reading them must come to."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import numpy.typing as npt

from kldiv_cli.errors import InputError
from kldiv_cli.sources.base import Source

Array = npt.NDArray[Any]

MEMORY = 64 << 20
SECONDS = 20.0
_SIZES = (1, 2, 4, 8)


def mutations(whole: bytes, seed: int, count: int = 150) -> Iterator[bytes]:
    """Cut a file at every byte, flip bytes, and put other lengths and pieces of it into it."""
    yield from (whole[:end] for end in range(len(whole)))
    source = random.Random(seed)  # noqa: S311 - damage must be reproducible, not secret
    for _ in range(count):
        at = source.randrange(len(whole))
        yield _put(whole, at, bytes([whole[at] ^ (1 << source.randrange(8))]))
    for _ in range(count):
        at, size = source.randrange(len(whole)), source.choice(_SIZES)
        largest = (1 << 8 * size) - 1
        number = source.choice(
            (0, 1, largest, largest >> 1, len(whole), source.randint(0, largest))
        )
        yield _put(whole, at, min(number, largest).to_bytes(size, "little"))
    for _ in range(count):
        at, start = source.randrange(len(whole)), source.randrange(len(whole))
        piece = whole[start : start + source.randrange(40)]
        yield source.choice((_put(whole, at, piece), whole[:at] + piece + whole[at:]))


def _put(whole: bytes, at: int, piece: bytes) -> bytes:
    return whole[:at] + piece + whole[at + len(piece) :]


def read(source: Source) -> Array:
    """Return all rows."""
    return np.concatenate([block.values for block in source.blocks(2)])


def survive(
    path: Path,
    seed: int,
    opener: Callable[[str], Source],
    is_right: Callable[[bytes, Array], bool],
) -> int:
    """Read damaged copies of a file: each gives an `InputError` or a right answer.

    Returns how many of them gave an answer.
    """
    whole, answers = path.read_bytes(), 0
    tracemalloc.start()
    try:
        for number, damaged in enumerate(mutations(whole, seed)):
            path.write_bytes(damaged)
            began = monotonic()
            found = _attempt(opener, str(path))
            if isinstance(found, InputError):
                assert found.what.startswith(f"{path}: "), f"mutation {number}"
                assert "\n" not in found.what + found.advice, f"mutation {number}"
            else:
                assert is_right(damaged, found), f"mutation {number}"
                answers += 1
            assert monotonic() - began < SECONDS, f"mutation {number}"
            assert tracemalloc.get_traced_memory()[1] < MEMORY, f"mutation {number}"
    finally:
        tracemalloc.stop()
    return answers


def _attempt(opener: Callable[[str], Source], path: str) -> Array | InputError:
    try:
        return read(opener(path))
    except InputError as error:
        return error
