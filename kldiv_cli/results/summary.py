"""Rows -> statistics. Summary is a monoid: any split of the rows, joined in order, is the whole.

It keeps the value of every row, as percentiles and per-row results need, so the statistics are
computed once from all of them and do not depend on the split, to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, chain
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.results.column import Column
from kldiv_cli.results.divergent import most_divergent
from kldiv_cli.results.exact_sum import Float64
from kldiv_cli.results.statistics import Statistics, statistics_of

_COUNTED, _SKIPPED, _MASKED = 1, 2, 4
"""What became of a row, in one byte."""
_PIECE = 1 << 16


def _no_flags() -> Column:
    return Column(np.empty(0, np.uint8))


@dataclass(frozen=True)
class Rows:
    """What the measures said of consecutive rows.

    Parameters
    ----------
    values : mapping of measure name to float64, shape (rows,)
        The first measure ranks the rows.
    counted : bool, shape (rows,)
        Which rows enter the statistics.
    skipped, invalid : bool, shape (rows,)
        Which rows have nothing to compare, and which hold no distribution.
    argmax : two integer arrays, shape (rows,)
        The class with the largest logit on each side.
    same, of : integers, shape (rows,)
        How many decisions agree, of how many: same argmax of 1 (softmax), same sign of the cells
        present (sigmoid).
    ids : array, shape (rows,), or None
        The rows' ids.
    keys : array, shape (rows,), or None
        Which group each row is in, where there are groups; see `kldiv_cli.results.groups`.
    masked : bool, shape (rows,), or None
        Which rows a mask leaves out.
    masked_cells : int
        How many cells it leaves out in the rows that are counted.
    padding : int
        Under sigmoid: how many cells decide nothing in the rows that are counted and valid.
    """

    values: Mapping[str, Float64]
    counted: NDArray[np.bool_]
    skipped: NDArray[np.bool_]
    invalid: NDArray[np.bool_]
    argmax: tuple[NDArray[np.intp], NDArray[np.intp]]
    same: NDArray[np.intp]
    of: NDArray[np.intp]
    ids: NDArray[Any] | None = None
    keys: NDArray[Any] | None = None
    masked: NDArray[np.bool_] | None = None
    masked_cells: int = 0
    padding: int = 0


@dataclass(frozen=True)
class Keyed:
    """The fields of `Rows` that only groups need."""

    keys: NDArray[Any]
    invalid: NDArray[np.bool_]
    same: NDArray[np.intp]
    of: NDArray[np.intp]


@dataclass(frozen=True)
class TopRow:
    """A row among the most divergent ones."""

    row: int
    values: Mapping[str, float]
    counted: bool
    skipped: bool
    argmax: tuple[int, int]
    same: int
    of: int
    id: str | int | None
    masked: bool = False

    @property
    def rank(self) -> tuple[int, float, int]:
        """Key of the order: NaN first, then the largest value; rows that do not count last."""
        value = next(iter(self.values.values()))
        if not self.counted:
            return 2, 0.0, self.row
        return (0, 0.0, self.row) if isnan(value) else (1, -value, self.row)


@dataclass(frozen=True)
class Summary:
    """Everything that is kept of the rows seen so far, in order.

    Over the counted rows ``agreeing`` of ``decisions`` agree, ``padding`` cells decide nothing, and
    a mask leaves out ``masked_cells``. ``top`` holds the ``keep`` most divergent rows by the first
    measure, equals in order of row. Where parts keep different numbers of rows, the smallest number
    holds.
    """

    values: Mapping[str, Column]
    flags: Column = field(default_factory=_no_flags)
    ids: tuple[NDArray[Any], ...] = ()
    keyed: tuple[Keyed, ...] = ()
    rows: int = 0
    invalid: int = 0
    agreeing: int = 0
    decisions: int = 0
    keep: int | None = None
    top: tuple[TopRow, ...] = ()
    has_mask: bool = False
    masked_cells: int = 0
    padding: int = 0

    @classmethod
    def empty(cls) -> Summary:
        """Return the summary of no rows, neutral in `join`."""
        return cls({})

    @classmethod
    def from_rows(cls, rows: Rows, keep: int) -> Summary:
        """Return the summary of consecutive rows, keeping so many of the most divergent ones."""
        keyed = () if rows.keys is None else (Keyed(rows.keys, rows.invalid, rows.same, rows.of),)
        return cls(
            values={name: Column(values) for name, values in rows.values.items()},
            flags=Column(_flags(rows)),
            ids=() if rows.ids is None else (rows.ids,),
            keyed=keyed,
            rows=len(rows.counted),
            invalid=int(rows.invalid.sum()),
            agreeing=int(rows.same[rows.counted & ~rows.invalid].sum()),
            decisions=int(rows.of[rows.counted & ~rows.invalid].sum()),
            keep=keep,
            top=_top(rows, keep),
            has_mask=rows.masked is not None,
            masked_cells=rows.masked_cells,
            padding=rows.padding,
        )

    @classmethod
    def join(cls, parts: Sequence[Summary]) -> Summary:
        """Join summaries in order, in a time that grows with their number and no faster."""
        starts = list(accumulate((part.rows for part in parts), initial=0))
        keep = min((part.keep for part in parts if part.keep is not None), default=None)
        names = next((part.values for part in parts if part.values), {})
        ranked = sorted(
            (
                (row.rank[:2], start + row.row, row)
                for part, start in zip(parts, starts, strict=False)
                for row in part.top
            ),
            key=lambda found: found[:2],
        )
        return cls(
            values={n: Column.join([p.values[n] for p in parts if p.values]) for n in names},
            flags=Column.join([part.flags for part in parts]),
            ids=_chained(part.ids for part in parts),
            keyed=_chained(part.keyed for part in parts),
            rows=starts[-1],
            invalid=sum(part.invalid for part in parts),
            agreeing=sum(part.agreeing for part in parts),
            decisions=sum(part.decisions for part in parts),
            keep=keep,
            top=tuple(_moved(row, place) for _, place, row in ranked[:keep]),
            has_mask=any(part.has_mask for part in parts),
            masked_cells=sum(part.masked_cells for part in parts),
            padding=sum(part.padding for part in parts),
        )

    @property
    def counted(self) -> NDArray[np.bool_]:
        """Which rows enter the statistics."""
        return self._flagged(_COUNTED)

    @property
    def skipped(self) -> NDArray[np.bool_]:
        """Which rows have nothing to compare."""
        return self._flagged(_SKIPPED)

    @property
    def masked(self) -> NDArray[np.bool_] | None:
        """Which rows a mask leaves out; None without a mask."""
        return self._flagged(_MASKED) if self.has_mask else None

    def _flagged(self, flag: int) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = (self.flags.array() & flag).view(np.bool_)
        return found if flag == 1 else found != 0

    def result(self, *, spend: bool = False) -> dict[str, Statistics]:
        """Return the statistics of each measure; at least one row must count.

        ``spend`` says that nobody needs the value of a row any more: no copies are made then, and
        the values are in another order afterwards.
        """
        flags = self.flags.array()
        every = all(bool((some & _COUNTED).all()) for some in _pieces(flags))
        found = {}
        for name, column in self.values.items():
            values = column.array()
            if every:
                found[name] = statistics_of(values, spend=spend)
                continue
            each = statistics_of(_packed(values if spend else values.copy(), flags), spend=True)
            found[name] = replace(each, max_row=_place(flags, each.max_row))
        return found


def _flags(rows: Rows) -> NDArray[np.uint8]:
    flags = _COUNTED * rows.counted.astype(np.uint8) + _SKIPPED * rows.skipped.astype(np.uint8)
    return flags if rows.masked is None else flags + _MASKED * rows.masked.astype(np.uint8)


def _pieces(flags: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    for start in range(0, len(flags), _PIECE):
        yield flags[start : start + _PIECE]


def _packed(values: Float64, flags: NDArray[np.uint8]) -> Float64:
    """Move the values of the rows that count to the front, and return these."""
    start = end = 0
    for some in _pieces(flags):
        kept = values[start : start + len(some)][(some & _COUNTED) != 0]
        values[end : end + len(kept)] = kept
        start, end = start + len(some), end + len(kept)
    return values[:end]


def _place(flags: NDArray[np.uint8], number: int) -> int:
    """Return the row that is the so manieth of those that count."""
    start = 0
    for some in _pieces(flags):
        rows = np.flatnonzero(some & _COUNTED)
        if number < len(rows):
            return start + int(rows[number])
        start, number = start + len(some), number - len(rows)
    raise IndexError(number)


def _chained(parts: Iterable[tuple[Any, ...]]) -> tuple[Any, ...]:
    return tuple(chain.from_iterable(parts))


def _top(rows: Rows, keep: int) -> tuple[TopRow, ...]:
    chosen = most_divergent(next(iter(rows.values.values())), rows.counted, keep)
    found = (
        TopRow(
            row=i,
            values={name: float(values[i]) for name, values in rows.values.items()},
            counted=bool(rows.counted[i]),
            skipped=bool(rows.skipped[i]),
            argmax=(int(rows.argmax[0][i]), int(rows.argmax[1][i])),
            same=int(rows.same[i]),
            of=int(rows.of[i]),
            id=None if rows.ids is None else _plain(rows.ids[i]),
            masked=rows.masked is not None and bool(rows.masked[i]),
        )
        for i in chosen.tolist()
    )
    return tuple(sorted(found, key=lambda row: row.rank))


def _moved(row: TopRow, place: int) -> TopRow:
    return row if row.row == place else replace(row, row=place)


def _plain(value: Any) -> Any:
    """Return a Python value for one of NumPy's."""
    return value.item() if isinstance(value, np.generic) else value
