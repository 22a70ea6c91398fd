"""Which rows are wanted: a choice as the user says it, and the places that it means in a file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.errors import InputError, UsageError

if TYPE_CHECKING:
    from kldiv_cli.sources.views.runs import Runs

_SLICE = re.compile(r"\s*(-?\d{1,18})?\s*:\s*(-?\d{1,18})?\s*", re.ASCII)
_FAR = 10**18
"""Numbers below it fit an index of NumPy."""
_EXAMPLES = "Say for example :100, 100:200, 100: or -10: as in Python, without a step."


@dataclass(frozen=True)
class Chosen:
    """Places of rows, ascending.

    They are the places from ``start`` to before ``stop``; None is the end of the file. ``at_most``
    says that the file may end before ``stop``. ``drawn`` holds a sample of these places; None wants
    all of them. ``runs`` are the places that have partners; None where all have. ``drawn`` holds
    only such places.
    """

    start: int
    stop: int | None
    at_most: bool = False
    drawn: NDArray[np.intp] | None = None
    runs: Runs | None = None

    @property
    def count(self) -> int | None:
        """How many rows these are, None where only the end of the file tells."""
        if self.drawn is not None:
            return len(self.drawn)
        if self.runs is not None and self.stop is not None:
            return self.runs.rank(self.stop) - self.runs.rank(self.start)
        return None if self.stop is None or self.at_most else self.stop - self.start

    @property
    def end(self) -> int | None:
        """The place behind the last of them, None for the end of the file."""
        if self.drawn is not None:
            return int(self.drawn[-1]) + 1
        if self.runs is None or self.stop is None:
            return self.stop
        last = np.array([self.runs.rank(self.stop) - 1], np.intp)
        return int(self.runs.at(last)[0]) + 1

    def within(self, rows: range) -> Chosen | None:
        """Return which of these rows lie in a range; None where none does."""
        if self.drawn is not None:
            drawn = self.between(rows.start, rows.stop)
            return replace(self, drawn=drawn) if len(drawn) else None
        stop = rows.stop if self.stop is None else min(rows.stop, self.stop)
        start = max(rows.start, self.start)
        some = replace(self, start=start, stop=stop, at_most=False)
        return some if some.holds(start, stop) else None

    def between(self, start: int, stop: int) -> NDArray[np.intp]:
        """Return which of the places from ``start`` on and before ``stop`` are wanted."""
        if self.drawn is not None:
            first, last = np.searchsorted(self.drawn, (start, stop))
            return self.drawn[first:last]
        stop = stop if self.stop is None else min(stop, self.stop)
        start, stop = max(start, self.start), max(start, stop)
        if self.runs is None:
            return np.arange(start, stop, dtype=np.intp)
        some = (np.arange(run.start, run.stop) for run in self.runs.between(start, stop))
        return np.concatenate([np.empty(0, np.intp), *some])

    def holds(self, start: int, stop: int) -> bool:
        """Tell whether any place from ``start`` on and before ``stop`` is wanted."""
        if self.drawn is not None:
            return bool(len(self.between(start, stop)))
        start = max(start, self.start)
        stop = stop if self.stop is None else min(stop, self.stop)
        return start < stop and (
            self.runs is None or next(self.runs.between(start, stop), None) is not None
        )

    def pieces(self, count: int) -> Iterator[range | NDArray[np.intp]]:
        """Yield the places in a file of so many rows, as they are read together."""
        rows = range(self.start, min(count, self.end or count))
        if self.drawn is not None:
            yield self.drawn
        elif self.runs is None:
            yield rows
        else:
            yield from self.runs.between(rows.start, rows.stop)

    def with_partners(self, runs: Runs) -> Chosen:
        """Return those of these places that stand in the runs."""
        drawn = None if self.drawn is None else runs.among(self.drawn)
        return replace(self, drawn=drawn, runs=runs)

    def across(self, theirs: Runs) -> Chosen:
        """Return the places of the partners, which stand in the other side's runs."""
        if self.runs is None or self.stop is None:
            raise ValueError("only rows in runs have partners in others")
        drawn = None if self.drawn is None else theirs.at(self.runs.ranks(self.drawn))
        ends = [self.runs.rank(self.start), self.runs.rank(self.stop) - 1]
        first, last = theirs.at(np.array(ends, np.intp)).tolist()
        return Chosen(first, last + 1, drawn=drawn, runs=theirs)


@dataclass(frozen=True)
class Choice:
    """The rows that the user wants: a slice of all rows, its first rows, or a sample of it.

    Parameters
    ----------
    rows : slice or None
        Places from 0 on, negative ones from the end; without a step.
    limit : int or None
        How many at most, from the first on.
    sample, seed : int or None
        How many to draw without replacement, and what the draw depends on; 0 if not said.

    Raises
    ------
    UsageError
        A number is out of its range, or a seed is said and no sample.
    """

    rows: slice | None = None
    limit: int | None = None
    sample: int | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        if self.rows is not None:
            check_slice(self.rows, "--rows")
        for name, value, least, default in (
            ("--limit", self.limit, 1, "for all rows"),
            ("--sample", self.sample, 1, "for all rows"),
            ("--seed", self.seed, 0, "for 0"),
        ):
            if value is not None and value < least:
                raise UsageError(
                    f"expected {name} of {least} or more, found {value}", f"Leave it out {default}."
                )
        if self.seed is not None and self.sample is None:
            raise UsageError(
                "--seed says how rows are drawn, and without --sample none are",
                "Add --sample N, or leave it out.",
            )

    @classmethod
    def of(
        cls, rows: slice | str | None, limit: int | None, sample: int | None, seed: int | None
    ) -> Choice:
        """Return a choice whose slice may be written as ``A:B``."""
        found = parse_slice(rows, "--rows") if isinstance(rows, str) else rows
        return cls(found, limit, sample, seed)

    def __bool__(self) -> bool:
        return any(x is not None for x in (self.rows, self.limit, self.sample))

    @property
    def needs_count(self) -> bool:
        """Whether the number of rows has to be known first."""
        ends = () if self.rows is None else (self.rows.start, self.rows.stop)
        return self.sample is not None or any(end is not None and end < 0 for end in ends)

    @property
    def says_where_it_ends(self) -> bool:
        """Whether the rows are the same ones in a file with more of them."""
        stop = None if self.rows is None else self.rows.stop
        ends = stop is not None or self.limit is not None
        return ends and (self.rows is None or (self.rows.start or 0) >= 0 <= (stop or 0))

    @property
    def end(self) -> int | None:
        """The place behind the last of the rows, where it is the same in a file with more."""
        if not self.says_where_it_ends:
            return None
        first = 0 if self.rows is None else self.rows.start or 0
        stop = None if self.rows is None else self.rows.stop
        ends = (stop, None if self.limit is None else first + self.limit)
        return min(end for end in ends if end is not None)

    def resolve(self, path: str, count: int | None) -> Chosen:
        """Return the places, given how many rows there are; None where that is not known.

        Raises
        ------
        InputError
            There are fewer rows than that, or none is left.
        """
        start, stop = 0, count
        if self.rows is not None:
            start, stop = self._ends(path, self.rows, count)
        at_most = False
        if self.limit is not None and (stop is None or stop > start + self.limit):
            at_most, stop = count is None and stop is None, start + self.limit
        if self.sample is None:
            return Chosen(start, stop, at_most)
        rows = range(start, stop if stop is not None else start)
        if self.sample > len(rows):
            raise InputError(
                f"{path}: expected {self.sample} rows to draw (--sample), found {len(rows)}",
                "Draw fewer, or leave --sample out for all of them.",
            )
        return Chosen(start, stop, drawn=draw(rows, self.sample, self.seed or 0))

    def _ends(self, path: str, rows: slice, count: int | None) -> tuple[int, int | None]:
        ends = [
            end + count if end is not None and end < 0 and count is not None else end
            for end in (rows.start, rows.stop)
        ]
        start, stop = ends[0] or 0, count if ends[1] is None else ends[1]
        beyond = count is not None and (start >= count or (stop is not None and stop > count))
        if beyond or start < 0 or (stop is not None and stop <= start):
            raise no_such_rows(path, shown(rows), count)
        return start, stop


def is_slice(text: str) -> bool:
    """Tell whether a text is written like a slice, and not like the name of a file."""
    return _SLICE.fullmatch(text) is not None


def parse_slice(text: str, option: str) -> slice:
    """Read ``A:B``; a `UsageError` for anything else."""
    found = _SLICE.fullmatch(text)
    if found is None:
        raise UsageError(f"{option}: expected A:B, found {text!r}", _EXAMPLES)
    start, stop = (None if end is None else int(end) for end in found.groups())
    return slice(start, stop)


def check_slice(rows: slice, option: str) -> None:
    """Raise a `UsageError` for a slice that is empty, has a step, or ends at no integers."""
    if rows.step is not None or any(
        end is not None and (not isinstance(end, int) or abs(end) >= _FAR)
        for end in (rows.start, rows.stop)
    ):
        raise UsageError(f"{option}: expected A:B, found {rows}", _EXAMPLES)
    start, stop = rows.start or 0, rows.stop
    if stop is not None and (start < 0) == (stop < 0) and start >= stop:
        raise UsageError(f"{option}: expected A:B with A before B, found {shown(rows)}", _EXAMPLES)


def shown(rows: slice) -> str:
    """Write a slice as the user types it."""
    start, stop = ("" if end is None else str(end) for end in (rows.start, rows.stop))
    return f"{start}:{stop}"


def draw(rows: range, count: int, seed: int) -> NDArray[np.intp]:
    """Draw so many of the rows without replacement, ascending.

    Floyd's algorithm over Python's `random.random`, whose numbers are promised never to change.

    References
    ----------
    .. [1] J. Bentley, R. Floyd, A sample of brilliance, Comm. ACM 30 (1987).
    """
    from random import Random  # noqa: PLC0415 - few draw

    random = Random(seed).random  # noqa: S311 - no secret
    found: set[int] = set()
    for last in range(len(rows) - count, len(rows)):
        place = int(random() * (last + 1))
        found.add(last if place in found else place)
    return np.sort(np.fromiter(found, np.intp, count)) + rows.start


def no_such_rows(path: str, rows: str, count: int | None) -> InputError:
    """Return the error of rows that a file lacks."""
    found = "none" if count is None else "1 row" if count == 1 else f"{count} rows"
    return InputError(
        f"{path}: expected rows {rows} (--rows), found {found}",
        "Rows are counted from 0, and the last number is not included.",
    )
