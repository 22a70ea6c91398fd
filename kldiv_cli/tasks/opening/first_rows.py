"""The first rows of a side: what questions about a file are decided on."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.errors import KldivError
from kldiv_cli.measures.distributions.exact import real
from kldiv_cli.sources.base import Block, Indexed, Source, beginning
from kldiv_cli.sources.views.read_ahead import ahead
from kldiv_cli.sources.views.selected import whole

_ROWS = 1 << 9
_BYTES = 1 << 20
_BLOCKS = 8
"""How many blocks are read at most: every file of a folder may hold a single row."""
_WIDEST = 1 << 24
"""A row of more bytes is not read twice; an array is there anyway."""


@dataclass(frozen=True)
class FirstRows:
    """The first rows of a source, in the order of the file.

    Parameters
    ----------
    values : array, shape (rows, classes)
        The rows, in the file's type; float32 for bfloat16. There are none where they cannot be
        read, or would have to be read twice and are very wide.
    ids : array, shape (rows,), or None
        The row ids, where the file has them.
    """

    values: NDArray[Any]
    ids: NDArray[Any] | None = None

    def __len__(self) -> int:
        return len(self.values)


_READ: dict[int, tuple[ref[Source], FirstRows]] = {}
"""What was read of the sources that still are."""


def first_rows(source: Source) -> FirstRows:
    """Return the first rows of a source, at most 512 and about 1 MB of them.

    They are read once. Of selected rows they are the first ones of the whole file. What is wrong
    with the file is left to say for the walk over all rows.
    """
    source = whole(source)
    if id(source) not in _READ:
        # A callback in C: in one that is written in Python an interrupt would be lost.
        forget = partial(_READ.pop, id(source))
        _READ[id(source)] = ref(source, forget), _read(source)
    return _READ[id(source)][1]


def read_both(left: Source, right: Source) -> None:
    """Read the first rows of two tables at the same time: those of many columns take a while."""
    left, right = whole(left), whole(right)
    if left.is_table and right.is_table and left is not right:
        other = ahead(_alone(right), _size(right), depth=1)
        first_rows(left)
        next(other)


def _alone(source: Source) -> Generator[FirstRows, None, None]:
    yield first_rows(source)


def _size(source: Source) -> int | None:
    rows = source.rows_expected
    return None if rows is None else rows * prod(source.class_shape) * 4


def _read(source: Source) -> FirstRows:
    width = prod(source.class_shape)
    row_bytes = max(1, width) * 8
    if row_bytes > _WIDEST and not isinstance(source, Indexed):
        return FirstRows(np.empty((0, width)))
    rows = min(_ROWS, max(2, _BYTES // row_bytes))
    blocks: list[Block] = []
    try:
        with closing(beginning(source, rows)) as found:
            for block in found:
                blocks.append(block)
                if sum(map(len, blocks)) >= rows or len(blocks) == _BLOCKS:
                    break
    except KldivError:
        pass  # raised again in the walk, where it is known which rows are wanted
    if not blocks:
        return FirstRows(np.empty((0, width)))
    ids = [block.ids for block in blocks if block.ids is not None]
    return FirstRows(
        _joined([real(block.values) for block in blocks])[:rows],
        _joined(ids)[:rows] if ids else None,
    )


def _joined(parts: list[NDArray[Any]]) -> NDArray[Any]:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
