"""Groups: which rows are in them, and that their statistics are those of these rows alone."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pytest

import kldiv_cli
from kldiv_cli import Comparison
from kldiv_cli.errors import UsageError
from kldiv_cli.results.groups import By, Group, Groups, grouped
from kldiv_cli.results.statistics import STATISTICS, Statistics
from kldiv_cli.results.summary import Rows, Summary
from tests.command import ROOT

INF, NAN = math.inf, math.nan
MAGIKA = tuple(np.load(ROOT / "samples" / f"magika-{x}.npy") for x in ("fp32", "int8"))
BINS = ["(0, 0.25]", "(0.25, 0.5]", "(0.5, 0.75]", "(0.75, 0.95]", "(0.95, 1]"]
NO_CLASS = [-INF, -INF, -INF]


def groups_of(comparison: Comparison) -> Groups:
    assert comparison.groups is not None
    return comparison.groups


def named(comparison: Comparison) -> dict[str | None, Group]:
    return {group.name: group for group in groups_of(comparison).each}


def bits(measures: Mapping[str, Statistics]) -> dict[str, tuple[Any, ...]]:
    """All statistics, such that nan equals nan."""
    return {
        name: (*(float(found[x]).hex() for x in STATISTICS), found.zero, found.infinite)
        for name, found in measures.items()
    }


def summary(values: list[float], keys: Any, **fields: Any) -> Summary:
    n = len(values)
    none, one = np.zeros(n, dtype=bool), np.ones(n, dtype=np.intp)
    rows: dict[str, Any] = {
        "values": {"kl": np.array(values, dtype=float)},
        "counted": ~none,
        "skipped": none,
        "invalid": none,
        "argmax": (one, one),
        "same": one,
        "of": one,
        "keys": np.asarray(keys),
    }
    return Summary.from_rows(Rows(**{**rows, **fields}), keep=3)


class TestStatistics:
    @pytest.mark.parametrize("group", ["argmax", "confidence"])
    def test_they_are_those_of_the_rows_alone_to_the_last_bit(self, group: str) -> None:
        whole = kldiv_cli.compare(*MAGIKA, group=group, measure=["kl", "tv"], unit="bits")
        groups = groups_of(whole)
        for code, found in enumerate(groups.each):
            rows = np.flatnonzero(groups.codes == code)
            alone = kldiv_cli.compare(*(x[rows] for x in MAGIKA), measure=["kl", "tv"], unit="bits")
            assert found.rows == alone.rows == len(rows)
            assert (found.same, found.of) == (alone.agreement.same, alone.agreement.of)
            assert bits(found.measures) == bits(alone.measures)
            for name, statistics in alone.measures.items():
                assert found.measures[name].max_row == rows[statistics.max_row]

    def test_they_add_up_to_the_whole(self) -> None:
        whole = kldiv_cli.compare(*MAGIKA, group="argmax")
        each = groups_of(whole).each
        assert sum(group.rows for group in each) == whole.rows == 512
        assert sum(group.same for group in each) == whole.agreement.same
        totals = math.fsum(group.measures["jeffreys"]["total"] for group in each)
        assert math.isclose(totals, whole.measures["jeffreys"]["total"], rel_tol=1e-14)

    def test_threads_and_splits_change_nothing(self) -> None:
        keys = [2, 0, 2, -1, 0, 1, 2, 2]
        values = [0.1, 0.2, 1e-9, 3.0, 7.0, 0.0, 0.3, 1e5]
        by = By("keys", str)
        whole = grouped(summary(values, keys), by)
        for cut in range(1, len(keys)):
            parts = (slice(None, cut), slice(cut, None))
            joined = Summary.join([summary(values[part], keys[part]) for part in parts])
            split = grouped(joined, by)
            assert [bits(x.measures) for x in split.each] == [bits(x.measures) for x in whole.each]
            assert split.codes.tolist() == whole.codes.tolist()
        one, four = (kldiv_cli.compare(*MAGIKA, group="argmax", threads=n) for n in (1, 4))
        assert [bits(x.measures) for x in groups_of(one).each] == [
            bits(x.measures) for x in groups_of(four).each
        ]

    def test_the_largest_mean_comes_first_and_no_group_last(self) -> None:
        values, keys = [1.0, 9.0, 2.0, 4.0, 50.0, NAN, 7.0], [0, 1, 0, 2, -1, 3, 4]
        counted = np.array([True] * 6 + [False])
        found = grouped(summary(values, keys, counted=counted, skipped=~counted), By("keys", str))
        assert [group.name for group in found.each] == ["3", "1", "2", "0", "4", None]
        assert found.of_rows.tolist() == ["0", "1", "0", "2", None, "3", "4"]
        last = found.each[4]
        assert (last.rows, last.skipped, last.measures, last.of) == (0, 1, {}, 0)
        assert math.isnan(last.share)

    def test_ties_stay_in_order(self) -> None:
        found = grouped(summary([1.0, 1.0, 1.0], [5, 3, 4]), By("keys", str))
        assert [group.name for group in found.each] == ["3", "4", "5"]

    def test_an_infinite_row_is_its_groups_alone(self) -> None:
        found = grouped(summary([INF, 1.0, 2.0], [0, 0, 1]), By("keys", str)).each
        assert [group.measures["kl"]["mean"] for group in found] == [INF, 2.0]
        assert [group.measures["kl"].infinite for group in found] == [1, 0]

    def test_many_groups_take_a_moment(self) -> None:
        rng = np.random.default_rng(0)
        rows = summary(rng.random(200_000).tolist(), rng.integers(0, 2000, 200_000))
        start = time.process_time()
        found = grouped(rows, By("keys", str))
        assert time.process_time() - start < 5
        assert sum(group.rows for group in found.each) == 200_000
        assert len(found.each) == 2000


class TestArgmax:
    def test_the_groups_are_the_references_top_classes(self) -> None:
        found = kldiv_cli.compare(*MAGIKA, group="argmax")
        assert groups_of(found).by.what == "argmax p, the reference's top class"
        assert groups_of(found).of_rows.tolist() == list(map(str, MAGIKA[0].argmax(axis=1)))

    def test_classes_are_named_where_they_have_names(self) -> None:
        path = ROOT / "samples" / "magika-fp32.parquet"
        found = kldiv_cli.compare(
            path, ROOT / "samples" / "magika-int8-shuffled.parquet", group="argmax"
        )
        names = np.array(found.class_names, dtype=object)
        assert (groups_of(found).of_rows == names[MAGIKA[0].argmax(axis=1)]).all()

    def test_a_class_of_several_axes_is_named_by_its_index(self) -> None:
        rows = np.zeros((2, 3, 4))
        rows[1, 2, 3] = 1
        found = kldiv_cli.compare(rows, rows + 1, mode="sigmoid", row_axes=1, group="argmax")
        assert groups_of(found).of_rows.tolist() == ["0,0", "2,3"]
        assert groups_of(found).by.what == "argmax p, the reference's top cell"

    @pytest.mark.parametrize("kind", ["logits", "log-probs", "probs"])
    @pytest.mark.parametrize("mode", ["softmax", "sigmoid"])
    @pytest.mark.parametrize("measure", ["kl", "js"])
    def test_rows_that_do_not_count(
        self,
        kind: Literal["logits", "log-probs", "probs"],
        mode: Literal["softmax", "sigmoid"],
        measure: str,
    ) -> None:
        p = np.array(
            [[0.2, 0.7, 0.1], [0, 0, 0], [NAN, 0.5, 0.5], [0.1, 0.1, 0.8], [0.8, 0.1, 0.1]]
        )
        q = np.array([[0.2, 0.6, 0.2], [0, 0, 0], [0.5, 0.5, 0], [NAN, 0.5, 0.5], [0.7, 0.2, 0.1]])
        if kind != "probs":
            with np.errstate(divide="ignore"):
                p, q = np.log(p), np.log(q)
        for policy in ("omit", "propagate"):
            found = kldiv_cli.compare(
                p,
                q,
                kind=kind,
                mode=mode,
                group="argmax",
                nan_policy=policy,
                measure=measure,
            )
            zeros = "0" if (kind, mode) == ("probs", "sigmoid") else None  # cells that are certain
            assert groups_of(found).of_rows.tolist() == ["1", zeros, None, "2", "0"]
            groups = named(found)
            counts = policy == "propagate"
            none, two = groups[None], groups["2"]
            skipped = zeros is None
            assert (none.rows, none.skipped, none.invalid, none.of) == (counts, skipped, 1, 0)
            assert (two.rows, two.skipped, two.invalid, two.of) == (counts, 0, 1, 0)
            assert bool(two.measures) == counts
            assert not counts or math.isnan(two.measures[measure]["mean"])
            assert sum(group.rows for group in groups.values()) == found.rows
            assert sum(group.skipped for group in groups.values()) == found.skipped
            assert sum(group.invalid for group in groups.values()) == found.invalid


class TestConfidence:
    def test_the_edges_belong_to_the_bin_below(self) -> None:
        edges = (0.5, 0.75, 0.95)
        tops = [*edges, *(float(np.nextafter(edge, 1)) for edge in edges), 1.0]
        rows = [[top, 1 - top, 0, 0] for top in tops]
        step = 2**-54
        rows += [[0.25, 0.25, 0.25, 0.25], [0.25 + step, 0.25, 0.25, 0.25 - step]]
        found = kldiv_cli.compare(rows, rows, kind="probs", group="confidence")
        assert groups_of(found).codes.tolist() == [1, 2, 3, 2, 3, 4, 4, 0, 1]

    def test_exact_quarters_are_in_the_first_bin_also_as_logits(self) -> None:
        s = [[1.0, 1, 1, 1], [2.0, 2, -INF, -INF], [3.0, -INF, -INF, -INF]]
        found = kldiv_cli.compare(s, s, group="confidence")
        assert groups_of(found).of_rows.tolist() == [BINS[0], BINS[1], BINS[4]]

    def test_all_bins_are_there_in_order(self) -> None:
        s = [[9.0, 0, 0], NO_CLASS]
        found = groups_of(kldiv_cli.compare(s, s, group="confidence"))
        assert [group.name for group in found.each] == [*BINS, None]
        assert [group.rows for group in found.each] == [0, 0, 0, 0, 1, 0]
        assert [bool(group.measures) for group in found.each] == [False] * 4 + [True, False]

    @pytest.mark.parametrize("temperature", [1.0, 0.5, 4.0])
    def test_the_bins_are_those_of_p(self, temperature: float) -> None:
        x = MAGIKA[0].astype(np.longdouble) / temperature
        x = np.exp(x - x.max(axis=1, keepdims=True))
        top = x.max(axis=1) / x.sum(axis=1)
        found = kldiv_cli.compare(*MAGIKA, group="confidence", temperature=temperature)
        expected = np.digitize(top, [0.25, 0.5, 0.75, 0.95], right=True)
        assert groups_of(found).codes.tolist() == expected.tolist()

    def test_under_sigmoid_there_is_none(self) -> None:
        with pytest.raises(UsageError) as caught:
            kldiv_cli.compare(*MAGIKA, group="confidence", mode="sigmoid")
        assert caught.value.what == (
            "--group confidence is the probability of the top class, and under sigmoid every cell "
            "is a distribution of its own"
        )


class TestPosition:
    def test_it_is_the_index_along_the_last_axis_of_rows(self) -> None:
        rng = np.random.default_rng(3)
        s, t = rng.normal(size=(2, 5, 3, 4, 6))
        found = kldiv_cli.compare(s, t, group="position", threads=2)
        groups = groups_of(found)
        assert [group.name for group in groups.each] == ["0", "1", "2", "3"]
        assert groups.by.what == "position, the index along axis 2"
        values = found.values["jeffreys"].reshape(5, 3, 4)
        for i, group in enumerate(groups.each):
            assert group.rows == 15
            assert math.isclose(group.measures["jeffreys"]["mean"], values[:, :, i].mean())

    def test_selected_rows_keep_their_positions(self) -> None:
        s, t = np.random.default_rng(3).normal(size=(2, 5, 4, 6))
        found = kldiv_cli.compare(s, t, group="position", rows="3:9")
        assert groups_of(found).of_rows.tolist() == list("301230")
        assert [group.rows for group in groups_of(found).each] == [2, 1, 1, 2]
        drawn = kldiv_cli.compare(s, t, group="position", sample=7)
        assert drawn.row_numbers is not None
        assert groups_of(drawn).of_rows.tolist() == [str(i % 4) for i in drawn.row_numbers]

    def test_rows_of_one_axis_have_none(self) -> None:
        with pytest.raises(UsageError) as caught:
            kldiv_cli.compare(*MAGIKA, group="position")
        assert caught.value.what == (
            "--group position is the index along the last axis of rows, and these rows have one "
            "axis"
        )


def test_without_the_option_there_are_no_groups() -> None:
    assert kldiv_cli.compare(*MAGIKA).groups is None


def test_groups_are_those_of_p_within_the_mask() -> None:
    s = np.array([[0.0, 0, 0, 0], [5.0, 1, 1, 2], [7.0, 7, 7, 7]])
    mask = np.array([[1, 1, 0, 0], [0, 1, 1, 1], [0, 0, 0, 0]])
    confidence = kldiv_cli.compare(s, s + 1, mask=mask, group="confidence")
    assert groups_of(confidence).of_rows.tolist() == ["(0.25, 0.5]", "(0.5, 0.75]", None]
    top = kldiv_cli.compare(s, s + 1, mask=mask, group="argmax")
    assert groups_of(top).of_rows.tolist() == ["0", "3", None]
    labels = named(kldiv_cli.compare(s, s + 1, mask=mask, group=["a", "b", "b"]))
    assert (labels["b"].rows, labels["b"].masked, labels["b"].skipped) == (1, 1, 0)
    assert (labels["a"].rows, labels["a"].masked) == (1, 0)
