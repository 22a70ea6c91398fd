"""Runs of rows, and rows that are chosen among them, against sets of numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kldiv_cli.sources.views.choice import Chosen
from kldiv_cli.sources.views.runs import Runs

SIZE = 30
KEPT = st.sets(st.integers(0, SIZE - 1), min_size=1)
ENDS = st.tuples(st.integers(0, SIZE), st.integers(0, SIZE)).map(sorted)


def runs(kept: set[int]) -> Runs:
    return Runs.of(range(i, i + 1) for i in sorted(kept))


@given(KEPT)
def test_ranks_and_places_are_inverse(kept: set[int]) -> None:
    found, every = runs(kept), np.arange(SIZE)
    assert len(found) == len(kept)
    assert found.at(np.arange(len(kept))).tolist() == sorted(kept)
    assert found.ranks(every).tolist() == [sum(x < i for x in kept) for i in every]
    assert found.among(every).tolist() == sorted(kept)


@given(KEPT, ENDS)
def test_runs_between_two_places(kept: set[int], ends: list[int]) -> None:
    inside = [i for run in runs(kept).between(*ends) for i in run]
    assert inside == [i for i in sorted(kept) if ends[0] <= i < ends[1]]


def test_ranges_that_touch_are_one_run() -> None:
    found = Runs.of([range(2), range(2, 2), range(2, 5), range(7, 9)])
    assert (found.firsts.tolist(), found.stops.tolist()) == ([0, 7], [5, 9])


@given(KEPT, ENDS, ENDS)
def test_chosen_rows_that_have_partners(kept: set[int], ends: list[int], part: list[int]) -> None:
    chosen = Chosen(ends[0], ends[1]).with_partners(runs(kept))
    wanted = [i for i in sorted(kept) if ends[0] <= i < ends[1]]
    assert chosen.count == len(wanted)
    assert chosen.between(*part).tolist() == [i for i in wanted if part[0] <= i < part[1]]
    assert chosen.holds(*part) == bool(len(chosen.between(*part)))
    some = chosen.within(range(*part))
    assert (some is None) == (not chosen.holds(*part))
    if some is not None:
        assert some.between(0, SIZE).tolist() == chosen.between(*part).tolist()
    if wanted:
        assert chosen.end == wanted[-1] + 1
        assert [i for run in chosen.pieces(SIZE) for i in run] == wanted


@given(KEPT, st.sets(st.integers(0, SIZE - 1), min_size=1))
def test_a_sample_has_partners(kept: set[int], drawn: set[int]) -> None:
    chosen = Chosen(0, SIZE, drawn=np.array(sorted(drawn))).with_partners(runs(kept))
    assert chosen.count == len(kept & drawn)
    assert chosen.between(0, SIZE).tolist() == sorted(kept & drawn)


@given(KEPT, ENDS, st.booleans(), st.integers(0, 9))
def test_partners_stand_in_the_other_runs(
    kept: set[int], ends: list[int], sampled: bool, gap: int
) -> None:
    """There all rows stand so many places further on, and twice as far apart."""
    theirs = Runs.of(range(2 * i + gap, 2 * i + gap + 1) for i in sorted(kept))
    drawn = np.arange(*ends)[::2] if sampled and ends[0] < ends[1] else None
    chosen = Chosen(ends[0], ends[1], drawn=drawn).with_partners(runs(kept))
    if not chosen.count:
        return
    places = chosen.between(0, SIZE)
    assert chosen.across(theirs).between(0, 4 * SIZE).tolist() == (2 * places + gap).tolist()


def test_rows_without_runs_have_no_partners_in_others() -> None:
    with pytest.raises(ValueError, match="only rows in runs"):
        Chosen(0, 4).across(runs({1}))
