"""Numbers of rows that grow in place, and statistics that take no memory of their own."""

from __future__ import annotations

import pickle

import numpy as np

from kldiv_cli.results.column import Column
from kldiv_cli.results.statistics import percentiles, statistics_of


def column(*values: float) -> Column:
    return Column(np.array(values))


class TestColumn:
    def test_any_split_is_the_whole(self) -> None:
        rng = np.random.default_rng(1)
        values = rng.normal(size=1000)
        for _ in range(20):
            pieces = np.split(values, np.sort(rng.integers(0, 1000, 7)))
            found = Column.join([column(), column()])
            for i in range(0, 8, 2):
                found = Column.join([found, *map(Column, pieces[i : i + 2])])
            assert found.array().tobytes() == values.tobytes()

    def test_what_was_joined_stays_as_it_was(self) -> None:
        first = Column.join([column(1), column(2)])
        one, other = (Column.join([first, column(x)]) for x in (3, 4))
        assert [x.array().tolist() for x in (first, one, other)] == [[1, 2], [1, 2, 3], [1, 2, 4]]

    def test_joined_with_itself(self) -> None:
        twice = Column.join([column(1), column(2)])
        assert Column.join([twice, twice]).array().tolist() == [1, 2, 1, 2]

    def test_what_was_shown_does_not_move(self) -> None:
        many = Column(np.zeros(3 << 22, np.uint8))
        found = Column.join([many, many, many])
        shown = found.array()
        more = Column.join([found, *[many] * 20])
        shown[:] = 1
        assert len(more) == 23 * len(many)
        assert int(more.array().sum()) in {0, len(shown)}
        assert int(found.array().sum()) == len(shown)

    def test_more_than_was_reserved(self) -> None:
        many = Column(np.arange(3 << 20, dtype=np.float64))
        found = column()
        for _ in range(5):
            found = Column.join([found, many])
        assert found.array().tobytes() == np.tile(many.array(), 5).tobytes()

    def test_it_pickles(self) -> None:
        found = Column.join([column(1), column(2)])
        assert pickle.loads(pickle.dumps(found)).array().tolist() == [1, 2]  # noqa: S301 - its own


class TestStatistics:
    def test_spent_values_have_the_same_statistics(self) -> None:
        x = np.random.default_rng(3).exponential(size=100_001)
        x[[5, 70_000]] = np.inf, 0.0
        kept = x.copy()
        found = statistics_of(x, spend=False)
        assert x.tobytes() == kept.tobytes()
        assert repr(statistics_of(x, spend=True)) == repr(found)
        assert sorted(x) == sorted(kept)
        assert (found.max_row, found.zero, found.infinite) == (5, 1, 1)

    def test_percentiles_of_kept_values_leave_them_in_order(self) -> None:
        x = np.array([3.0, 1.0, 2.0])
        assert percentiles(x, {"median": (1, 2)}) == {"median": 2.0}
        assert x.tolist() == [3, 1, 2]
