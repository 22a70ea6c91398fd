"""The probability of classes of which a file has only a bound, and what measures make of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from kldiv_cli import compare, measures
from kldiv_cli.measures import MEASURES
from kldiv_cli.measures.rows.hidden import hidden
from kldiv_cli.results.hidden import spread
from kldiv_cli.results.ranges import HIDDEN_NATS, HIDDEN_SHARE

Array = npt.NDArray[Any]
LOGITS: Any = ("logits", "logits")
BOUNDED = [name for name in map(MEASURES.example, MEASURES) if measures.load(name).hidden]


def softmax(x: Array) -> Array:
    weights: Array = np.exp(x - x.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    return weights


def rows(seed: int, n: int = 200, classes: int = 12) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    s = 5 * rng.normal(size=(n, classes))
    return s, s + 0.3 * rng.normal(size=s.shape)


class TestHidden:
    @pytest.mark.parametrize("temperature", [1.0, 2.5])
    @pytest.mark.parametrize("sides", ["p", "q", "pq"])
    def test_by_its_definition(self, sides: str, temperature: float) -> None:
        s, t = rows(0)
        floors = [
            np.quantile(x, 0.3, axis=1) if name in sides else None
            for name, x in (("p", s), ("q", t))
        ]
        found = hidden((s, t), (floors[0], floors[1]), LOGITS, temperature)
        p, q = softmax(s / temperature), softmax(t / temperature)
        for row in range(len(s)):
            expected = sum(
                max(p[row, i], q[row, i])
                for i in range(s.shape[1])
                if any(
                    floor is not None and side[row, i] <= floor[row]
                    for side, floor in zip((s, t), floors, strict=True)
                )
            )
            assert found[row] == pytest.approx(expected, rel=1e-13)

    def test_nothing_is_hidden_below_every_value(self) -> None:
        s, t = rows(1)
        floors = np.full(len(s), -np.inf)
        assert (hidden((s, t), (floors, floors), LOGITS, 1.0) == 0).all()

    def test_probabilities_of_the_other_side(self) -> None:
        s, t = rows(2)
        floors = np.quantile(s, 0.3, axis=1)
        kinds: Any = ("logits", "probs")
        found = hidden((s, softmax(t)), (floors, None), kinds, 1.0)
        np.testing.assert_allclose(found, hidden((s, t), (floors, None), LOGITS, 1.0), rtol=1e-12)

    def test_rows_that_are_no_distributions(self) -> None:
        s = np.array([[0.0, np.nan], [-np.inf, -np.inf], [0.0, -np.inf]])
        floors = np.array([np.nan, -np.inf, -np.inf])
        found = hidden((s, s), (floors, floors), LOGITS, 1.0)
        assert np.isnan(found[1])
        assert found[2] == 0


@pytest.mark.parametrize("name", BOUNDED)
@pytest.mark.parametrize("seed", range(3))
def test_a_true_value_lies_where_the_spread_says(name: str, seed: int) -> None:
    """Of models that agree with the files but for classes up to 24 nats below their bounds."""
    s, t = rows(seed)
    floors = [np.sort(x, axis=1)[:, 3] for x in (s, t)]
    files = [np.maximum(x, floor[:, None]) for x, floor in zip((s, t), floors, strict=True)]
    share = hidden((files[0], files[1]), (floors[0], floors[1]), LOGITS, 1.0)
    kind = measures.load(name).hidden
    factor = HIDDEN_NATS if kind == "logarithm" else HIDDEN_SHARE
    within = spread(compare(*files, measure=name).values[name], share, factor)
    rng = np.random.default_rng(seed)
    for depth in (0.1, 3.0, 20.0):
        true = []
        for x, floor in zip(files, floors, strict=True):
            lower = (x <= floor[:, None]) * depth * rng.random(x.shape)
            true.append(x - lower)
        found = compare(*true, measure=name).values[name]
        assert (within.least <= found * (1 + 1e-12)).all()
        assert (found <= within.most * (1 + 1e-12)).all()


def test_what_is_hidden_may_make_anything_of_other_measures() -> None:
    values, share = np.array([0.5, 0.25, np.inf]), np.array([1e-9, 0.0, 1e-9])
    found = spread(values, share, None)
    assert found.least.tolist() == [0.0, 0.25, 0.0]
    assert found.most.tolist() == [np.inf, 0.25, np.inf]
