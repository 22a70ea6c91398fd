"""Some rows of a source, which is read no further than they lie."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from math import prod

import numpy as np

from kldiv_cli.errors import InputError
from kldiv_cli.sources.base import BLOCK_BYTES, Block, Grouped, Indexed, Source
from kldiv_cli.sources.views.choice import Chosen
from kldiv_cli.sources.views.derived import Derived


@dataclass(eq=False)
class Selected(Derived):
    """Some rows of a source, flattened to one axis, with their places in the file.

    Arrays are read where the rows lie. Groups of rows (Parquet) without a wanted row are skipped.
    Any other source is read up to the last wanted row.

    Parameters
    ----------
    source : Source
        The whole file.
    chosen : Chosen
        The places of the rows.
    total : int or None
        How many rows the file has. Where the file does not say, None until its end was read.

    Raises
    ------
    InputError
        The file is known to have too few rows.
    """

    source: Source
    chosen: Chosen
    total: int | None = None

    def __post_init__(self) -> None:
        self.total = self.source.length if self.total is None else self.total
        end = None if self.chosen.at_most else self.chosen.end
        if self.total is not None and max(self.chosen.start + 1, end or 0) > self.total:
            raise missing_row(self.path, max(self.chosen.start, (end or 0) - 1), self.total)

    @property
    def origin(self) -> Source:
        """The whole file."""
        return self.source

    @property
    def shape(self) -> tuple[int | None, ...]:
        """The shape of the whole file."""
        first, *rest = self.source.shape
        return (self.total if first is None else first, *rest)

    @property
    def row_shape(self) -> tuple[int | None]:
        """The number of rows that are wanted."""
        return (self.chosen.count,)

    @property
    def rows_expected(self) -> int | None:
        """The number of rows that are wanted, or a guess."""
        count, guess = self.chosen.count, self.source.rows_expected
        if count is not None or guess is None:
            return count
        end = guess if self.chosen.end is None else min(guess, self.chosen.end)
        return max(1, end - self.chosen.start)

    def blocks(self, rows: int, classes: Sequence[str] | None = None) -> Iterator[Block]:
        """Yield the rows that are wanted, with their places.

        Raises
        ------
        InputError
            The file ends before the last of them, unless fewer will do, or before the first.
        """
        if isinstance(self.source, Indexed) and self.total is not None:
            yield from self._by_index(self.source, self.total, rows)
            return
        end = self.chosen.end
        after = 0
        for start, block in self._pieces(rows, classes):
            after = start + len(block)
            places = self.chosen.between(start, after)
            if len(places):
                consecutive = places[-1] - places[0] == len(places) - 1
                first = int(places[0]) - start
                here = slice(first, first + len(places)) if consecutive else places - start
                yield replace(block[here], places=places)
            if end is not None and after >= end:
                return
        self._check_end(after)

    def _by_index(self, source: Indexed, count: int, rows: int) -> Iterator[Block]:
        for places in self.chosen.pieces(count):
            done = 0
            for block in source.blocks_at(places, rows):
                here = np.asarray(places[done : done + len(block)], np.intp)
                yield replace(block, places=here)
                done += len(block)

    def _pieces(self, rows: int, classes: Sequence[str] | None) -> Iterator[tuple[int, Block]]:
        """Yield the blocks that are read, each with the place of its first row."""
        sizes = self.source.groups if isinstance(self.source, Grouped) else ()
        if not isinstance(self.source, Grouped) or sum(sizes) != self.total:
            start = 0
            for block in self.source.blocks(rows, classes):
                yield start, block
                start += len(block)
            return
        for group, (start, stop) in enumerate(pairwise(accumulate(sizes, initial=0))):
            if not self.chosen.holds(start, stop):
                continue
            place = start
            for block in self.source.blocks_of([group], rows, classes):
                yield place, block
                place += len(block)
            if place != stop:
                raise InputError(
                    f"{self.path}: expected {stop - start} rows in row group {group}, as the file "
                    f"says, found {place - start}",
                    "The file is damaged: write it again, or check that its copy was complete.",
                )

    def _check_end(self, count: int) -> None:
        """Raise where the file ended before rows that are wanted."""
        if self.total is None:
            self.total = count
        end = self.chosen.end
        if count > self.chosen.start and (end is None or self.chosen.at_most):
            return
        last = self.chosen.start if end is None or self.chosen.at_most else end - 1
        raise missing_row(self.path, last, count)


def whole(source: Source) -> Source:
    """Return the whole source of selected rows; any other source as it is."""
    return source.source if isinstance(source, Selected) else source


def count_rows(source: Source) -> int:
    """Return the number of rows, reading to the end of a file that does not say."""
    if source.length is not None:
        return source.length
    return sum(map(len, source.blocks(max(1, BLOCK_BYTES // (8 * prod(source.class_shape))))))


def missing_row(path: str, row: int, count: int) -> InputError:
    """Return the error of a file that lacks a chosen row."""
    return InputError(
        f"{path}: expected row {row}, found {count} {'row' if count == 1 else 'rows'}",
        "Rows are counted from 0; choose among those that the file has.",
    )
