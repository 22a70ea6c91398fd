"""Rows -> statistics per group, cut from what the summary keeps of every row.

The statistics of a group are those of its rows alone, to the last bit; they do not depend on
threads, nor on how the rows were split.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import inf, isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kldiv_cli.results.statistics import Statistics, renumbered, statistics
from kldiv_cli.results.summary import Summary

Codes = NDArray[np.intp]


@dataclass(frozen=True)
class By:
    """What the groups are.

    Keys are integers or texts. A row without a group has the key -1 or None.

    Parameters
    ----------
    what : str
        What the rows are grouped by, in words.
    name : callable
        Key -> the group's name.
    in_order : bool
        Whether groups are listed in the order of their keys; if not, the largest mean comes first.
    known : int
        The keys below this have a group even without rows.
    """

    what: str
    name: Callable[[Any], str]
    in_order: bool = False
    known: int = 0


@dataclass(frozen=True)
class Group:
    """The statistics of one group.

    Attributes
    ----------
    name : str or None
        None for the rows without a group.
    measures : mapping of str to Statistics
        By measure, over its rows that count; empty without such rows.
    rows, skipped, invalid : int
        As in `kldiv_cli.Comparison`: how many of its rows count, were skipped, are invalid.
    same, of : int
        ``same`` of ``of`` decisions agree over its rows that count and are valid.
    masked : int
        How many of its rows a mask leaves out.
    """

    name: str | None
    measures: Mapping[str, Statistics]
    rows: int
    skipped: int
    invalid: int
    same: int
    of: int
    masked: int = 0

    @property
    def share(self) -> float:
        """How many decisions agree, from 0 to 1; NaN where there was nothing to decide."""
        return self.same / self.of if self.of else float("nan")


@dataclass(frozen=True)
class Groups:
    """All groups of a comparison.

    Attributes
    ----------
    by : By
        What they are.
    each : tuple of Group
        Groups by position or confidence stand in order. Other groups stand by their mean of the
        first measure, the largest first, and groups without a row that counts behind these. Rows
        without a group come last.
    codes : integer array, shape (rows,)
        The place in ``each`` of every row's group.
    """

    by: By
    each: tuple[Group, ...]
    codes: Codes

    @property
    def of_rows(self) -> NDArray[Any]:
        """The name of every row's group: objects, shape (rows,); None for a row without one."""
        names = np.empty(len(self.each), dtype=object)
        names[:] = [group.name for group in self.each]
        return names[self.codes]

    def renumbered(self, numbers: NDArray[np.intp]) -> Groups:
        """Return the groups with rows called by these numbers."""
        each = (replace(group, measures=renumbered(group.measures, numbers)) for group in self.each)
        return replace(self, each=tuple(each))


def grouped(summary: Summary, by: By) -> Groups:
    """Return the groups of all rows; every row of the summary must have a key."""
    keys, codes = _coded(np.concatenate([part.keys for part in summary.keyed]), by.known)
    each = _each(summary, [None if _is_none(key) else by.name(key) for key in keys], codes)
    order = sorted(range(len(each)), key=lambda i: _rank(each[i], in_order=by.in_order))
    place = np.empty(len(order), dtype=np.intp)
    place[order] = np.arange(len(order))
    return Groups(by, tuple(each[i] for i in order), place[codes])


def _is_none(key: Any) -> bool:
    return key is None or key == -1


def _coded(keys: NDArray[Any], known: int) -> tuple[list[Any], Codes]:
    """Return the keys that occur, and the place among them of every row's."""
    if keys.dtype == object:
        # Sorting a million strings takes seconds.
        place = {key: i for i, key in enumerate(dict.fromkeys(keys.tolist()))}
        return list(place), np.fromiter(map(place.__getitem__, keys.tolist()), np.intp, len(keys))
    found, codes = np.unique(np.concatenate([np.arange(known), keys]), return_inverse=True)
    return found.tolist(), codes[known:]


def _each(summary: Summary, names: list[str | None], codes: Codes) -> list[Group]:
    counted, skipped, masked = summary.counted, summary.skipped, summary.masked
    invalid = np.concatenate([part.invalid for part in summary.keyed])
    same = np.concatenate([part.same for part in summary.keyed])
    of = np.concatenate([part.of for part in summary.keyed])
    decided = counted & ~invalid
    numbers = [_totals(codes, x, len(names)) for x in (counted, skipped, invalid)]
    numbers += [_totals(codes[decided], x[decided], len(names)) for x in (same, of)]
    if masked is not None:
        numbers.append(_totals(codes, masked, len(names)))
    values = {name: column.array() for name, column in summary.values.items()}
    ordered = np.flatnonzero(counted)
    ordered = ordered[np.argsort(codes[ordered], kind="stable")]
    each, stop = [], 0
    for name, counts in zip(names, np.stack(numbers, axis=1).tolist(), strict=True):
        start, stop = stop, stop + counts[0]
        chosen = ordered[start:stop]
        measures = {n: statistics(x, chosen) for n, x in values.items()} if len(chosen) else {}
        each.append(Group(name, measures, *counts))
    return each


def _totals(codes: Codes, values: NDArray[Any], groups: int) -> Codes:
    """Return the sum of the values of each group."""
    totals = np.zeros(groups, dtype=np.intp)
    np.add.at(totals, codes, values)
    return totals


def _rank(group: Group, *, in_order: bool) -> tuple[bool, float]:
    """Sorts rows without a group last; else NaN first, then the largest mean; ties stay as are."""
    if in_order:
        return group.name is None, 0.0
    if not group.measures:
        return group.name is None, inf
    mean = next(iter(group.measures.values()))["mean"]
    return group.name is None, -inf if isnan(mean) else -mean
