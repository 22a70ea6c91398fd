"""Summary as a monoid, and its statistics against computations that share no code with it."""

from __future__ import annotations

import math
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import reduce
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from mpmath import mp

from kldiv_cli.results.statistics import STATISTICS, Statistics
from kldiv_cli.results.summary import Rows, Summary

INF, NAN = math.inf, math.nan
LARGEST = float(np.finfo(np.float64).max)
TINIEST = 5e-324

laws = settings(deadline=None, derandomize=True, database=None)

PERCENTILES = {
    "median": Fraction(1, 2),
    "p90": Fraction(90, 100),
    "p95": Fraction(95, 100),
    "p99": Fraction(99, 100),
    "p99.9": Fraction(999, 1000),
}


class Row(NamedTuple):
    """One row as the measures see it."""

    status: Literal["counted", "skipped", "invalid"]
    value: float
    argmax: tuple[int, int]
    same: int
    of: int
    id: str


def summary(rows: Sequence[Row], keep: int, policy: str = "omit", *, ids: bool = True) -> Summary:
    """What the loop makes of consecutive rows."""
    invalid = np.array([row.status == "invalid" for row in rows], dtype=bool)
    counted = np.array([row.status == "counted" for row in rows], dtype=bool)
    if policy == "propagate":
        counted |= invalid
    values = [row.value if row.status == "counted" else NAN for row in rows]
    return Summary.from_rows(
        Rows(
            values={"jeffreys": np.array(values, dtype=np.float64)},
            counted=counted,
            skipped=np.array([row.status == "skipped" for row in rows], dtype=bool),
            invalid=invalid,
            argmax=(
                np.array([row.argmax[0] for row in rows], dtype=np.intp),
                np.array([row.argmax[1] for row in rows], dtype=np.intp),
            ),
            same=np.array([row.same for row in rows], dtype=np.intp),
            of=np.array([row.of for row in rows], dtype=np.intp),
            ids=np.array([row.id for row in rows], dtype=object) if ids else None,
        ),
        keep,
    )


def bits(value: Any) -> Any:
    """Everything that a summary holds, comparable to the last bit: NaN equals NaN, 0 is not -0."""
    if isinstance(value, Summary):
        return {
            "values": {name: join([part.array()]) for name, part in value.values.items()},
            "counted": value.counted.tolist(),
            "skipped": value.skipped.tolist(),
            "ids": join(value.ids),
            "numbers": (
                value.rows,
                value.invalid,
                value.agreeing,
                value.decisions,
            ),
            "top": [repr(row) for row in value.top],
        }
    if isinstance(value, Statistics):
        numbers = {name: number.hex() for name, number in value.values.items()}
        return numbers, value.max_row, value.zero, value.infinite
    raise TypeError(type(value))


def join(parts: Sequence[Any]) -> list[Any]:
    whole: list[Any] = [entry for part in parts for entry in part.tolist()]
    return [entry.hex() if isinstance(entry, float) else entry for entry in whole]


VALUES = st.one_of(
    st.sampled_from([0.0, 0.25, 0.25, 1.0, 1e300, 1e-300, TINIEST, INF]),
    st.floats(min_value=0, max_value=1e300),
)
ROWS = st.builds(
    Row,
    status=st.sampled_from(["counted", "counted", "counted", "skipped", "invalid"]),
    value=VALUES,
    argmax=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    same=st.integers(0, 4),
    of=st.just(4),
    id=st.text(max_size=3),
)
POLICIES = st.sampled_from(["omit", "propagate"])


def joined(*parts: Summary) -> Summary:
    return Summary.join(parts)


class TestMonoid:
    @laws
    @given(st.lists(ROWS, min_size=1), st.integers(0, 6), POLICIES)
    def test_empty_is_neutral(self, rows: list[Row], keep: int, policy: str) -> None:
        some = summary(rows, keep, policy)
        assert bits(joined(Summary.empty(), some)) == bits(some)
        assert bits(joined(some, Summary.empty())) == bits(some)
        assert bits(joined(Summary.empty(), Summary.empty())) == bits(Summary.empty())

    @laws
    @given(st.lists(st.lists(ROWS), min_size=3, max_size=3), st.integers(0, 6), POLICIES)
    def test_join_is_associative(self, parts: list[list[Row]], keep: int, policy: str) -> None:
        a, b, c = (summary(rows, keep, policy) for rows in parts)
        assert bits(joined(joined(a, b), c)) == bits(joined(a, joined(b, c)))

    @laws
    @given(st.lists(ROWS, min_size=1, max_size=60), st.integers(0, 25), POLICIES, st.data())
    def test_any_split_of_the_rows_is_the_whole(
        self, rows: list[Row], keep: int, policy: str, data: st.DataObject
    ) -> None:
        cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=6)))
        parts = [rows[a:b] for a, b in pairwise([0, *cuts, len(rows)])]
        whole = summary(rows, keep, policy)
        merged = reduce(joined, (summary(part, keep, policy) for part in parts))
        assert bits(merged) == bits(whole)
        if any(row.status == "counted" for row in rows):
            assert bits(merged.result()["jeffreys"]) == bits(whole.result()["jeffreys"])

    @laws
    @given(st.lists(ROWS, min_size=1, max_size=60), st.integers(0, 25), POLICIES)
    def test_top_rows_are_those_of_a_full_sort(
        self, rows: list[Row], keep: int, policy: str
    ) -> None:
        def rank(index: int) -> tuple[int, float, int]:
            row = rows[index]
            if row.status == "counted":
                return (1, -row.value, index)
            return (0 if row.status == "invalid" and policy == "propagate" else 2, 0.0, index)

        expected = sorted(range(len(rows)), key=rank)[:keep]
        top = summary(rows, keep, policy).top
        assert [row.row for row in top] == expected
        for row in top:
            source = rows[row.row]
            value = source.value if source.status == "counted" else NAN
            assert row.values["jeffreys"].hex() == value.hex()
            assert row.skipped == (source.status == "skipped")
            assert row.counted == (
                source.status == "counted" or (source.status, policy) == ("invalid", "propagate")
            )
            assert (row.argmax, row.same, row.of, row.id) == (
                source.argmax,
                source.same,
                source.of,
                source.id,
            )

    def test_ties_keep_the_order_of_the_rows_across_a_join(self) -> None:
        tied = [Row("counted", value, (0, 0), 1, 1, "") for value in (1.0, 2.0, 2.0, 1.0, 2.0, 2.0)]
        merged = joined(summary(tied[:2], 3), summary(tied[2:], 3))
        assert [row.row for row in merged.top] == [1, 2, 4]

    def test_parts_that_keep_different_numbers_do_not_invent_a_ranking(self) -> None:
        first = [Row("counted", value, (0, 0), 1, 1, "") for value in (5.0, 4.0)]
        second = [Row("counted", value, (0, 0), 1, 1, "") for value in (2.0, 1.0)]
        merged = joined(summary(first, 1), summary(second, 2))
        most_divergent = [5.0, 4.0, 2.0, 1.0]
        shown = [row.values["jeffreys"] for row in merged.top]
        assert shown
        assert shown == most_divergent[: len(shown)]

    @settings(laws, phases=[Phase.generate])
    @given(
        st.lists(st.lists(ROWS), min_size=3, max_size=3),
        st.lists(st.integers(0, 6), min_size=3, max_size=3),
    )
    def test_join_is_associative_whatever_number_each_part_keeps(
        self, parts: list[list[Row]], keep: list[int]
    ) -> None:
        a, b, c = (summary(rows, k) for rows, k in zip(parts, keep, strict=True))
        assert bits(joined(joined(a, b), c)) == bits(joined(a, joined(b, c)))

    @laws
    @given(st.lists(ROWS, min_size=1), POLICIES)
    def test_counts_leave_out_what_does_not_count(self, rows: list[Row], policy: str) -> None:
        some = summary(rows, 3, policy)
        counted = [row for row in rows if row.status == "counted"]
        assert some.rows == len(rows)
        assert some.invalid == sum(row.status == "invalid" for row in rows)
        assert some.agreeing == sum(row.same for row in counted)
        assert some.decisions == sum(row.of for row in counted)

    def test_rows_without_ids_stay_without(self) -> None:
        row = Row("counted", 1.0, (0, 1), 0, 1, "unused")
        merged = joined(summary([row], 1, ids=False), summary([row], 1, ids=False))
        assert merged.ids == ()
        assert merged.top[0].id is None

    def test_measures_are_summarised_one_by_one_and_the_first_ranks(self) -> None:
        def two(first: list[float], second: list[float]) -> Summary:
            count = len(first)
            rows = Rows(
                values={"one": np.array(first), "two": np.array(second)},
                counted=np.ones(count, dtype=bool),
                skipped=np.zeros(count, dtype=bool),
                invalid=np.zeros(count, dtype=bool),
                argmax=(np.zeros(count, dtype=np.intp), np.zeros(count, dtype=np.intp)),
                same=np.ones(count, dtype=np.intp),
                of=np.ones(count, dtype=np.intp),
            )
            return Summary.from_rows(rows, 2)

        merged = joined(two([1.0, 3.0], [9.0, 0.0]), two([2.0], [4.0]))
        found = merged.result()
        assert {name: (each["total"], each.max_row) for name, each in found.items()} == {
            "one": (6.0, 1),
            "two": (13.0, 0),
        }
        assert [row.values for row in merged.top] == [{"one": 3, "two": 0}, {"one": 2, "two": 4}]


def statistics_of(values: Sequence[float], counted: Sequence[bool] | None = None) -> Statistics:
    mask = [True] * len(values) if counted is None else counted
    rows = [
        Row("counted" if counts else "skipped", value, (0, 0), 1, 1, "")
        for value, counts in zip(values, mask, strict=True)
    ]
    return summary(rows, 0).result()["jeffreys"]


def exact_percentile(values: Sequence[float], fraction: Fraction) -> Fraction:
    """Linear interpolation at f * (n - 1), without any rounding."""
    ordered = sorted(map(Fraction, values))
    place = fraction * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def close(value: float, exact: Fraction | float, ulps: int) -> bool:
    """Whether a float is the exact number but for so many units of its last place."""
    return abs(Fraction(value) - Fraction(exact)) <= ulps * Fraction(math.ulp(float(exact)))


FINITE = st.lists(
    st.one_of(
        st.floats(min_value=0, max_value=1e300),
        st.floats(min_value=0.5, max_value=0.5000001),
        st.sampled_from([0.0, 1.0, 1e300, 1e-300, TINIEST]),
    ),
    min_size=1,
    max_size=50,
)


class TestStatistics:
    def test_the_names_are_complete(self) -> None:
        assert set(STATISTICS) == {"total", "mean", "sem", "min", "max", *PERCENTILES}
        assert set(statistics_of([1.0]).values) == set(STATISTICS)

    @laws
    @given(FINITE)
    def test_total_mean_and_extremes(self, values: list[float]) -> None:
        found = statistics_of(values)
        total = sum(map(Fraction, values))
        assert close(found["total"], total, 16)
        assert close(found["mean"], total / len(values), 16)
        assert found["min"] == min(values)
        assert found["max"] == max(values)
        assert found.max_row == values.index(max(values))
        assert found.zero == values.count(0.0)
        assert found.infinite == 0

    @laws
    @given(FINITE.filter(lambda values: len(values) > 1))
    def test_standard_error(self, values: list[float]) -> None:
        expected = statistics.stdev(map(Fraction, values)) / math.sqrt(len(values))
        found = statistics_of(values)["sem"]
        assert found == pytest.approx(expected, rel=1e-12, abs=4 * TINIEST)

    def test_standard_error_of_close_values_far_from_zero(self) -> None:
        """The sum of squares loses all of it: 1e8 +- 1e-7 has 30 digits between the two."""
        values = [1e8 + step * 2.0**-23 for step in (0, 1, 2, 5)]
        with mp.workdps(60):
            exact = [mp.mpf(value) for value in values]
            mean = mp.fsum(exact) / 4
            expected = mp.sqrt(mp.fsum((x - mean) ** 2 for x in exact) / 3 / 4)
            assert abs(statistics_of(values)["sem"] / expected - 1) < 1e-14

    @laws
    @given(FINITE)
    def test_percentiles_against_exact_interpolation(self, values: list[float]) -> None:
        found = statistics_of(values)
        for name, fraction in PERCENTILES.items():
            assert close(found[name], exact_percentile(values, fraction), 4), name

    @laws
    @given(FINITE)
    def test_percentiles_against_numpy(self, values: list[float]) -> None:
        found = statistics_of(values)
        for name, fraction in PERCENTILES.items():
            theirs = float(np.percentile(values, float(100 * fraction), method="linear"))
            assert found[name] == pytest.approx(theirs, rel=1e-12, abs=4 * TINIEST), name

    @laws
    @given(FINITE)
    def test_percentiles_are_in_order(self, values: list[float]) -> None:
        found = statistics_of(values)
        ladder = [found[name] for name in ("min", *PERCENTILES, "max")]
        assert ladder == sorted(ladder)

    @pytest.mark.parametrize("count", [1, 2, 3, 10, 11, 100, 101, 1000, 1001], ids=str)
    def test_percentiles_fall_on_the_rows_they_should(self, count: int) -> None:
        """Of 0, 1, ..., n - 1 the percentile f is f * (n - 1) itself."""
        found = statistics_of([float(i) for i in reversed(range(count))])
        for name, fraction in PERCENTILES.items():
            assert close(found[name], fraction * (count - 1), 1), name

    @laws
    @given(st.lists(VALUES, min_size=1, max_size=50))
    def test_infinite_rows_never_make_a_percentile_nan(self, values: list[float]) -> None:
        found = statistics_of(values)
        ordered = sorted(values)
        for name, fraction in PERCENTILES.items():
            place = fraction * (len(values) - 1)
            upper = ordered[math.ceil(place)]
            assert math.isinf(found[name]) == math.isinf(upper), name
            assert not math.isnan(found[name]), name
        assert found.infinite == values.count(INF)
        assert math.isinf(found["total"]) == math.isinf(found["mean"]) == (INF in values)

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            pytest.param([0.0, INF], {"median": INF, "p90": INF}, id="half-way-to-inf"),
            pytest.param([INF, 0.0, 0.0], {"median": 0.0, "p90": INF}, id="on-a-row-below-inf"),
            pytest.param([INF, INF], {"median": INF, "p99.9": INF}, id="inf-minus-inf"),
            pytest.param(
                [1.0] * 10 + [INF], {"median": 1.0, "p90": 1.0, "p95": INF}, id="on-the-last-finite"
            ),
            pytest.param(
                [2.0] * 2 + [INF] * 3, {"min": 2.0, "median": INF, "max": INF}, id="mostly-inf"
            ),
        ],
    )
    def test_between_a_number_and_infinity_lies_infinity(
        self, values: list[float], expected: Mapping[str, float]
    ) -> None:
        found = statistics_of(values)
        assert {name: found[name] for name in expected} == expected
        assert math.isnan(found["sem"])
        assert found.max_row == values.index(INF)

    @pytest.mark.parametrize("value", [0.0, TINIEST, 0.1, 1e300, LARGEST], ids=repr)
    def test_one_row(self, value: float) -> None:
        found = statistics_of([value])
        assert math.isnan(found["sem"])
        assert {name: found[name] for name in STATISTICS if name != "sem"} == dict.fromkeys(
            [name for name in STATISTICS if name != "sem"], value
        )
        assert (found.max_row, found.zero, found.infinite) == (0, int(value == 0), 0)

    def test_one_infinite_row(self) -> None:
        found = statistics_of([INF])
        assert math.isnan(found["sem"])
        assert [found[name] for name in ("total", "mean", "min", "max", *PERCENTILES)] == [INF] * 9
        assert (found.max_row, found.zero, found.infinite) == (0, 0, 1)

    @pytest.mark.parametrize("count", [2, 3, 7, 10, 49, 1000], ids=str)
    @pytest.mark.parametrize("value", [0.0, TINIEST, 1e-300, 0.1, 1e300], ids=repr)
    def test_equal_rows(self, value: float, count: int) -> None:
        found = statistics_of([value] * count)
        assert found["sem"] == 0
        for name in ("min", "max", *PERCENTILES):
            assert found[name] == value, name
        assert found["mean"] == pytest.approx(value, rel=1e-15, abs=0)
        assert found.max_row == 0
        assert found.zero == (count if value == 0 else 0)

    @pytest.mark.parametrize("scale", [1e300, 1e-300], ids=repr)
    def test_huge_and_tiny_values_scale(self, scale: float) -> None:
        plain = [0.5, 3.0, 1.25, 8.0, 2.0]
        one, other = statistics_of(plain), statistics_of([value * scale for value in plain])
        for name in STATISTICS:
            assert other[name] == pytest.approx(one[name] * scale, rel=4e-16, abs=0), name

    def test_sum_of_squares_may_overflow_where_the_deviation_does_not(self) -> None:
        assert statistics_of([1e300, 3e300])["sem"] == pytest.approx(1e300, rel=1e-15)
        assert statistics_of([1e-300, 3e-300])["sem"] == pytest.approx(1e-300, rel=1e-15)

    @pytest.mark.parametrize("name", PERCENTILES)
    def test_percentile_of_the_largest_numbers_stays_finite(self, name: str) -> None:
        exact = exact_percentile([0.0, LARGEST], PERCENTILES[name])
        assert statistics_of([0.0, LARGEST])[name] == pytest.approx(float(exact), rel=1e-15)

    @pytest.mark.parametrize(
        ("values", "row"),
        [
            pytest.param([1.0, 3.0, 2.0, 3.0], 1, id="first-of-two"),
            pytest.param([0.0, 0.0], 0, id="all-zero"),
            pytest.param([1.0, INF, INF], 1, id="first-infinite"),
        ],
    )
    def test_max_row_is_the_first_maximum(self, values: list[float], row: int) -> None:
        assert statistics_of(values).max_row == row

    def test_rows_that_do_not_count_are_in_no_statistic_but_in_the_numbering(self) -> None:
        counted = [False, True, False, True, True, False]
        values = [9.0, 1.0, 9.0, 4.0, 1.0, INF]
        found, alone = statistics_of(values, counted), statistics_of([1.0, 4.0, 1.0])
        assert {name: found[name] for name in STATISTICS} == dict(alone.values)
        assert (found.max_row, alone.max_row) == (3, 1)
        assert (found.zero, found.infinite) == (0, 0)


class TestPropagatedNaN:
    ROWS = (
        Row("counted", INF, (0, 0), 1, 1, "a"),
        Row("skipped", 0.0, (0, 0), 1, 1, "b"),
        Row("invalid", 0.0, (2, 0), 0, 1, "c"),
        Row("counted", 0.0, (1, 0), 0, 1, "d"),
        Row("invalid", 0.0, (0, 0), 1, 1, "e"),
    )

    def test_every_statistic_is_nan_and_max_row_the_first_such_row(self) -> None:
        found = summary(self.ROWS, 5, "propagate").result()["jeffreys"]
        assert [name for name in STATISTICS if not math.isnan(found[name])] == []
        assert found.max_row == 2
        assert (found.zero, found.infinite) == (1, 1)

    def test_omitted_they_are_in_no_statistic(self) -> None:
        found = summary(self.ROWS, 5, "omit").result()["jeffreys"]
        assert (found["total"], found["min"], found["max"], found["median"]) == (INF, 0, INF, INF)
        assert found.max_row == 0

    def test_they_lead_the_top_rows_and_decide_nothing(self) -> None:
        some = summary(self.ROWS, 5, "propagate")
        assert [row.id for row in some.top] == ["c", "e", "a", "d", "b"]
        assert (some.agreeing, some.decisions, some.invalid) == (1, 2, 2)


def test_a_large_block_ranks_like_a_small_one() -> None:
    """The top rows of a block are cut out by a partition: thousands of ties must not confuse it."""
    rng = np.random.default_rng(7)
    values = rng.integers(0, 5, 5000).astype(float)
    rows = [Row("counted", value, (0, 0), 1, 1, "") for value in values.tolist()]
    expected = sorted(range(5000), key=lambda i: (-values[i], i))[:20]
    assert [row.row for row in summary(rows, 20).top] == expected


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda s: setattr(s, "rows", 1), id="attribute"),
        pytest.param(lambda s: setattr(s, "top", ()), id="top"),
    ],
)
def test_a_summary_is_frozen(change: Callable[[Summary], None]) -> None:
    with pytest.raises(AttributeError):
        change(Summary.empty())


@pytest.mark.parametrize(
    ("values", "mean"),
    [
        ([1e308, 1e308], 1e308),
        ([1.7e308, 1.7e308, 0.0], 2 * (1.7e308 / 3)),
        ([sys.float_info.max] * 9, sys.float_info.max),
    ],
)
def test_the_mean_of_values_whose_sum_is_no_float64(values: list[float], mean: float) -> None:
    found = statistics_of(values)
    assert found["total"] == INF
    assert close(found["mean"], sum(map(Fraction, values)) / len(values), 16)
    assert found["mean"] == pytest.approx(mean, rel=1e-15)
    spread = statistics.stdev(map(Fraction, values)) / math.sqrt(len(values))
    assert found["sem"] == pytest.approx(spread, rel=1e-12, abs=0)
    assert found.infinite == 0
