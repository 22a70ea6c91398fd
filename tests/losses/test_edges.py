"""What zeros and infinities give: as the framework prints it, or as the formula's limit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from mpmath import mp, mpf

from kldiv_cli import compare, loss
from kldiv_cli.losses import LOSSES
from kldiv_cli.losses.priors import ClassPriors
from tests.losses.definitions import softmax, value_of
from tests.oracle import relative_error

INF = np.inf
PLAIN = [[1.0, 0.5, -0.5, 0.2]]
OUT = [[1.0, 0.5, -INF, 0.2]]
OTHER_OUT = [[0.3, 0.1, -INF, 0.9]]
BOTH = (OUT, OTHER_OUT)
SHORT = ([[1.0, 0.5, 0.2]], [[0.3, 0.1, 0.9]])


def value(name: str, reference: Any, candidate: Any, **options: Any) -> float:
    labels = [0] * len(reference) if name == "dkd" else None
    return loss(name, reference, candidate, labels=labels, **options).value


@pytest.mark.parametrize("name", set(LOSSES) - {"torch", "mxnet", "gkl", "globalpointer"})
def test_a_class_that_both_sides_exclude_adds_nothing(name: str) -> None:
    assert value(name, *BOTH) == pytest.approx(value(name, *SHORT), rel=1e-15)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0])
def test_a_class_that_both_sides_exclude_has_no_weight(gamma: float) -> None:
    assert value("gkl", *BOTH, gamma=gamma) == pytest.approx(
        value("gkl", *SHORT, gamma=gamma), rel=1e-15
    )


def test_a_cell_that_both_sides_exclude_adds_nothing() -> None:
    assert value("globalpointer", *BOTH) == value("globalpointer", *SHORT)
    assert value("globalpointer", OUT, PLAIN) == INF


@pytest.mark.parametrize(
    ("name", "options", "reference_out", "candidate_out", "both_out"),
    [
        ("torch", {"reduction": "sum"}, "finite", "inf", "nan"),
        ("torch", {"reduction": "sum", "log_target": True}, "nan", "inf", "nan"),
        ("torch", {"reduction": "sum", "raw_input": True}, "finite", "finite", "finite"),
        ("mxnet", {}, "finite", "inf", "nan"),
        ("mxnet", {"from_logits": True}, "finite", "inf", "nan"),
        ("keras", {}, "finite", "finite", "finite"),
        ("r-drop", {}, "inf", "inf", "finite"),
        ("vat", {}, "finite", "inf", "finite"),
        ("kd", {}, "finite", "inf", "finite"),
        ("dkd", {}, "finite", "inf", "finite"),
        ("gjsd", {}, "finite", "finite", "finite"),
        ("gjsd", {"beta": 0.0}, "finite", "inf", "finite"),
        ("gjsd", {"beta": 1.0}, "inf", "finite", "finite"),
        ("distillm", {}, "finite", "finite", "finite"),
        ("distillm", {"reverse": True}, "finite", "finite", "finite"),
        ("dkl", {}, "finite", "inf", "finite"),
        ("gkl", {"gamma": 0.0}, "inf", "inf", "finite"),
    ],
)
def test_exclusion(
    name: str, options: dict[str, Any], reference_out: str, candidate_out: str, both_out: str
) -> None:
    found = [
        value(name, *sides, **options) for sides in ((OUT, PLAIN), (PLAIN, OUT), (OUT, OTHER_OUT))
    ]
    words = [str(x) if not np.isfinite(x) else "finite" for x in found]
    assert words == [reference_out, candidate_out, both_out]


@pytest.mark.parametrize("name", sorted(set(LOSSES) - {"distillm", "dkl", "ikl", "gkl", "mxnet"}))
def test_equal_input_gives_exactly_zero(name: str) -> None:
    rows = np.random.default_rng(1).normal(0, 5, (20, 6))
    assert value(name, rows, rows) == 0


@pytest.mark.parametrize("name", ["dkl", "ikl", "gkl"])
def test_equal_input_leaves_the_entropy(name: str) -> None:
    result = loss(name, PLAIN, PLAIN)
    p = np.exp(PLAIN[0]) / np.exp(PLAIN[0]).sum()
    assert result.components["wmse"] == 0
    assert result.value == pytest.approx(-(p * np.log(p)).sum(), rel=1e-15)
    assert result.factor is None
    assert result.reference_value == 0


def test_distillm_of_equal_input_is_the_entropy() -> None:
    result = loss("distillm", PLAIN, PLAIN)
    assert result.value == result.components["entropy"] > 0
    assert result.components["skew_kl"] == 0


def test_distillm_puts_zero_where_only_the_student_excludes() -> None:
    p, q = np.exp(PLAIN[0]), np.exp(OTHER_OUT[0])
    p, q = p / p.sum(), q / q.sum()
    true = -(p * np.log(0.1 * p + 0.9 * q))[q > 0].sum()
    assert value("distillm", PLAIN, OTHER_OUT) == pytest.approx(true, rel=1e-14)


def test_distillm_reverse_leaves_out_what_only_the_teacher_excludes() -> None:
    p, q = np.exp(OUT[0]), np.exp(PLAIN[0])
    p, q = p / p.sum(), q / q.sum()
    kept = p > 0
    terms = q * (np.log(q) - np.log(0.1 * q + 0.9 * p))
    found = value("distillm", OUT, PLAIN, reverse=True)
    assert found == pytest.approx(terms[kept].sum(), rel=1e-14)


class TestDKD:
    def test_without_other_classes_there_is_no_nckd(self) -> None:
        result = loss("dkd", [[1.0, -INF]], [[2.0, -INF]], labels=[0])
        assert (result.value, result.components) == (0, {"tckd": 0, "nckd": 0})

    def test_where_one_side_has_no_others_it_is_undefined(self) -> None:
        result = loss("dkd", [[1.0, -INF, -INF]], [[1.0, 2.0, 3.0]], labels=[0])
        assert np.isnan(result.value)
        assert np.isnan(result.components["nckd"])
        assert np.isfinite(result.components["tckd"])
        alone = loss("dkd", [[1.0, -INF, -INF]], [[1.0, 2.0, 3.0]], labels=[0], beta=0.0)
        assert np.isfinite(alone.value)

    def test_a_target_that_is_excluded(self) -> None:
        assert loss("dkd", PLAIN, OUT, labels=[2]).components["tckd"] == INF
        assert np.isfinite(loss("dkd", OUT, PLAIN, labels=[2]).value)
        assert loss("dkd", OUT, OTHER_OUT, labels=[2]).components["tckd"] == 0

    @pytest.mark.parametrize("ahead", [50.0, 800.0, 3000.0])
    def test_a_target_far_ahead(self, ahead: float) -> None:
        sides = [[ahead, 0.0, 1.0]], [[2 * ahead, 1.0, 0.0]]
        result = loss("dkd", *sides, labels=[0], temperature=1.0)
        gap = ahead + np.log((1 + np.e) / (1 + np.e))
        rest = np.exp(-ahead) * (1 + np.e)
        assert result.components["tckd"] == pytest.approx(rest * (gap - 1), rel=1e-12)
        assert result.components["nckd"] == pytest.approx(0.46211715726001, rel=1e-13)

    def test_targets_that_differ_by_1e_12_keep_their_digits(self) -> None:
        m = np.array([[2.0, 1.0, 0.0, -1.0]])
        n = m + np.array([[1e-12, 0, 0, 0]])
        step = float(n[0, 0]) - 2.0
        p = float(np.exp(2.0) / np.exp(m).sum())
        true = 0.5 * p * (1 - p) * step**2
        found = loss("dkd", m, n, labels=[0], temperature=1.0).components
        assert found["tckd"] == pytest.approx(true, rel=1e-11)
        assert found["nckd"] == 0


class TestMXNet:
    def test_the_epsilon_is_seen(self) -> None:
        rows = np.zeros((1, 4))
        assert value("mxnet", rows, rows, release="1.9") == pytest.approx(4e-12, rel=1e-6)

    def test_the_offset_of_logits_taken_for_log_probabilities(self) -> None:
        m, n = [[2.0, 1.0, 0.0, -1.0]], np.array([[1.5, 1.2, -0.3, 0.4]])
        total = np.log(np.exp(n).sum())
        right = value("mxnet", m, n, release="1.9")
        assert value("mxnet", m, n, release="1.9", from_logits=True) == pytest.approx(
            right - total, rel=1e-14
        )
        assert value("mxnet", m, n - total, release="1.9", from_logits=True) == pytest.approx(
            right, rel=1e-14
        )

    def test_tells_where_nan_and_infinity_come_from(self) -> None:
        assert "multiplies 0 by infinity" in loss("mxnet", *BOTH).notes[-1]
        assert "releases up to 1.6 print nan" in loss("mxnet", PLAIN, OUT).notes[-1]
        assert len(loss("mxnet", OUT, PLAIN).notes) == 1

    def test_says_nothing_of_nan_in_the_rows_themselves(self) -> None:
        result = loss("mxnet", [*PLAIN, [math.nan] * 4], [*PLAIN, *PLAIN], nan_policy="propagate")
        assert math.isnan(result.value)
        assert len(result.notes) == 1

    def test_the_batch_is_the_first_axis(self) -> None:
        sides = np.random.default_rng(0).normal(size=(2, 2, 3, 4))
        result = loss("mxnet", *sides, release="1.9")
        assert result.denominator == 2
        assert result.factor == 3
        assert loss("mxnet", *sides).denominator == 24


class TestWeights:
    def test_common_offsets_leave_the_error_alone(self) -> None:
        source = np.random.default_rng(3)
        m = source.integers(-40, 40, (6, 5)) / 8
        n = m + source.integers(-8, 9, (6, 5)) / 2**40
        near = loss("dkl", m, n).components["wmse"]
        assert loss("dkl", m + 1024, n - 512).components["wmse"] == near > 0

    def test_differences_keep_the_digits_that_an_offset_of_1000_rounds_away(self) -> None:
        source = np.random.default_rng(4)
        m = 1000 + source.normal(0, 1, (3, 5))
        n = (m - 1000) + 1e-10 * source.normal(0, 1, m.shape)
        options: dict[str, Any] = {"alpha": 0.0}
        true = value_of("dkl", m, n, options)
        assert relative_error(value("dkl", m, n, **options), true) < 2e-14

    def test_one_class_with_all_the_weight(self) -> None:
        m, n = [[100.0, 0.0, 1.0]], [[90.0, 3.0, 1.0]]
        u = np.exp([0.0, -100.0, -99.0])
        true = 0.5 * (u[1] * 13.0**2 + u[2] * 10.0**2)
        assert loss("dkl", m, n).components["wmse"] == pytest.approx(true, rel=1e-13)

    def test_theorem_1(self) -> None:
        """dDKL/dm of wMSE with constant weights is dKL/dm = p * (d - sum p d)."""
        m, n = np.array([[2.0, 1.0, 0.0, -1.0]]), np.array([[1.5, 1.2, -0.3, 0.4]])
        p = np.exp(m) / np.exp(m).sum()
        step = 1e-5
        kl, error = [], []
        for j in range(4):
            move = step * np.eye(4)[[j]]
            ends = (m + move, m - move)
            up, down = (value("vat", x, n) for x in ends)
            kl.append((up - down) / (2 * step))
            d = [x - n for x in ends]
            up, down = (0.5 * (p * (x - (p * x).sum()) ** 2).sum() for x in d)
            error.append((up - down) / (2 * step))
        assert error == pytest.approx(kl, rel=1e-8)


def test_class_priors_lose_no_digits_over_blocks() -> None:
    label = np.zeros(1, np.intp)
    first, more = (ClassPriors.of(np.array([p]), label) for p in ([1.0, 0.0], [1e-17, 1.0]))
    priors = ClassPriors.join([first, *[more] * 1000])
    assert priors.mean(label)[0, 0] == (1 + 1e-14) / 1001
    assert priors.missing.tolist() == [1]


def test_class_priors_are_the_same_for_any_split_in_any_order() -> None:
    rng = np.random.default_rng(5)
    p, labels = np.exp(-rng.exponential(100, (300, 7))), rng.integers(0, 7, 300)
    whole = ClassPriors.of(p, labels)
    for _ in range(20):
        cuts = np.split(rng.permutation(300), np.sort(rng.integers(0, 300, 9)))
        joined = ClassPriors.join([ClassPriors.of(p[cut], labels[cut]) for cut in cuts])
        assert joined.mean(labels).tobytes() == whole.mean(labels).tobytes()
        assert joined.rows.tolist() == whole.rows.tolist()
    exact = [[math.fsum(p[labels == j, k]) / (labels == j).sum() for k in range(7)] for j in labels]
    assert whole.mean(labels) == pytest.approx(np.array(exact), rel=4e-16)


def test_keras_counts_what_was_clipped() -> None:
    result = loss("keras", OUT, PLAIN)
    assert result.notes == ("Classes below 1e-7 on either side, over all rows: 1.",)
    assert result.factor is None
    assert loss("keras", PLAIN, OTHER_OUT).value == pytest.approx(
        loss("keras", PLAIN, [[0.3, 0.1, -60.0, 0.9]]).value, rel=1e-14
    )


EXTREMES = np.array(
    [1.7e308, -1.7e308, 5e-324, -INF, 0, 1e4, -1e4, -1e12, 1, 2, 700, -745, 3.5e38, -3.5e38]
)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        *((name, {}) for name in LOSSES),
        ("torch", {"raw_input": True, "log_target": True}),
        ("mxnet", {"from_logits": True}),
        ("dkd", {"temperature": 1e-3}),
        ("gjsd", {"beta": 1e-300}),
        ("distillm", {"lam": 1e-300, "reverse": True}),
        ("gkl", {"gamma": 1000.0}),
        ("gkl", {"gamma": 0.0}),
    ],
)
def test_extreme_logits_raise_no_warning(name: str, options: dict[str, Any]) -> None:
    source = np.random.default_rng(2)
    for _ in range(50):
        m, n = source.choice(EXTREMES, (2, 3, 4))
        m[0], n[0] = 1.0, source.choice([0.0, 2.0], 4)
        labels = source.integers(0, 4, 3) if name == "dkd" else None
        result = loss(name, m, n, labels=labels, nan_policy="omit", **options)
        assert result.rows >= 1
        if name in {"vat", "kd", "gjsd", "globalpointer", "r-drop"}:
            assert result.value >= 0


@pytest.mark.parametrize("reverse", [False, True])
def test_distillm_leaves_out_what_either_side_excludes(reverse: bool) -> None:
    """The code masks `isinf(student_logits)`, in reverse also `isinf(teacher_logits)`."""
    s = [[0.5, -INF, 1.0, 0.0, -0.3], [1.0, 2.0, -INF, 0.5, 0.1], [0.3, 0.2, 0.1, 0.0, -0.1]]
    t = [[-INF, 0.7, 0.2, 1.0, 0.4], [0.1, 0.2, -INF, -INF, 0.6], [0.1, 0.7, 0.3, -0.5, 0.2]]
    total = mpf(0)
    with mp.workdps(60):
        lam = mpf(0.1)
        for row, other in zip(s, t, strict=True):
            p, q = softmax([mpf(x) for x in row]), softmax([mpf(x) for x in other])
            p, q = (q, p) if reverse else (p, q)
            for j, (a, b) in enumerate(zip(p, q, strict=True)):
                if a > 0 and not (np.isinf(row[j]) or np.isinf(other[j])):
                    total -= a * mp.log(lam * a + (1 - lam) * b)
                    total += a * mp.log(a) if reverse else 0
        true = total / 3
    assert relative_error(value("distillm", s, t, reverse=reverse), true) <= 2e-14


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("lam", [0.1, 0.7, 1e-9])
def test_distillm_has_the_digits_of_what_little_is_left(lam: float, reverse: bool) -> None:
    """Nearly all the weight lies where the other side is -inf."""
    p_row, q_row = [30.0, 0.0, 1.0], [-INF, 0.5, 0.25]
    with mp.workdps(60):
        weight = mpf(lam)
        p, q = softmax([mpf(x) for x in p_row]), softmax([mpf(x) for x in q_row])
        kept = [(a, weight * a + (1 - weight) * b) for a, b in zip(p, q, strict=True) if b > 0]
        true = mp.fsum(-a * mp.log(m) + (a * mp.log(a) if reverse else 0) for a, m in kept)
    sides = ([q_row], [p_row]) if reverse else ([p_row], [q_row])
    assert relative_error(value("distillm", *sides, lam=lam, reverse=reverse), true) <= 2e-14


@pytest.mark.parametrize(
    ("beta", "name", "measure"),
    [(0.0, "KL(p||q)", "kl"), (0.5, "KL(p||q)", "kl"), (1.0, "KL(q||p)", "reverse-kl")],
)
def test_gjsd_stands_beside_the_divergence_that_it_names(
    beta: float, name: str, measure: str
) -> None:
    m, n = [[1.0, 0.5, -0.5]], [[0.0, 1.5, 0.25]]
    found = loss("gjsd", m, n, beta=beta)
    assert found.reference_name == name
    value = compare(m, n, measure=measure).values[measure][0]
    assert found.reference_value == pytest.approx(value, rel=1e-14)
