"""The built-in rows: definitions are right to 30 digits, and no measure can be wrong unnoticed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from mpmath import mp, mpf
from numpy.typing import NDArray

from kldiv_cli.measures import MEASURES, _native
from kldiv_cli.measures.base import Measure
from kldiv_cli.measures.distributions.kinds import KINDS
from kldiv_cli.measures.distributions.pair import Pair
from kldiv_cli.measures.evaluation import Evaluation, Evaluator
from kldiv_cli.measures.identities import IDENTITIES, definitions
from kldiv_cli.measures.identities.base import TOLERANCE, Routes
from kldiv_cli.measures.identities.built_in import built_in
from kldiv_cli.measures.identities.double import Double
from kldiv_cli.measures.identities.rows import Rows
from kldiv_cli.measures.types import Mode
from kldiv_cli.tasks import identities
from kldiv_cli.tasks.identities import names, residual
from tests import oracle
from tests.kernels import spoiled

FACTOR = 1 + 1e-12
KERNELS = {"jeffreys": "jeffreys", "kl": "kl", "reverse-kl": "reverse_kl"}
EVERY_TENTH = 10
LOGITS, PROBS = "logits", "probs"


def about(measure: str) -> list[str]:
    return [name for name, row in IDENTITIES.rows().items() if measure in row.measures]


@pytest.fixture(autouse=True)
def self_test_anew() -> Iterator[None]:
    """A process checks the built-in rows once."""
    identities._checked.cache_clear()
    yield
    identities._checked.cache_clear()


def few() -> list[Rows]:
    """The built-in rows of one width and type: they alone notice what is wrong everywhere."""
    return [replace(rows, groups=rows.groups[:1]) for rows in built_in()]


def failing(asked: list[str]) -> set[str]:
    """Which of some identities fail on a few of the built-in rows."""
    return {
        name
        for rows in few()
        for name in names(rows, None)
        if name in asked and not residual(name, rows, np.arange(len(rows.s))).largest <= TOLERANCE
    }


def test_every_measure_has_an_identity() -> None:
    """A measure without one: add a definition, and a row that names the measure."""
    checked = {name for row in IDENTITIES.rows().values() for name in row.measures}
    assert checked == set(MEASURES.names())


def test_the_built_in_rows_are_the_same_every_time() -> None:
    for one, other in zip(built_in(), built_in(), strict=True):
        assert np.array_equal(one.s, other.s)
        assert np.array_equal(one.t, other.t)
        assert not np.isnan(one.s).any()


def test_every_kind_of_numbers_is_built_in() -> None:
    found = {(rows.mode, kind) for rows in built_in() for kind in rows.kinds}
    assert found == {(mode, kind) for mode in ("softmax", "sigmoid") for kind in KINDS}


def wrong_definition(monkeypatch: pytest.MonkeyPatch, measure: str) -> None:
    def checked(rows: Rows, name: str, *routes: Double) -> Routes:
        factor = FACTOR if name.partition(":")[0] == measure else 1.0
        return right(rows, name, *(route * factor for route in routes))

    right = definitions._checked
    monkeypatch.setattr(definitions, "_checked", checked)
    if measure == "jeffreys":
        terms = definitions.kl_terms, definitions.reverse_terms
        monkeypatch.setattr(definitions, "kl_terms", lambda both: terms[0](both) * FACTOR)
        monkeypatch.setattr(definitions, "reverse_terms", lambda both: terms[1](both) * FACTOR)


def wrong_evaluator(monkeypatch: pytest.MonkeyPatch, measure: str) -> None:
    def evaluate(self: Evaluator, *args: Any) -> Evaluation:
        found = right(self, *args)
        values = {
            name: value * (FACTOR if name.partition(":")[0] == measure else 1)
            for name, value in found.values.items()
        }
        return replace(found, values=values)

    right = Evaluator.evaluate
    monkeypatch.setattr(Evaluator, "evaluate", evaluate)


def wrong_numpy(monkeypatch: pytest.MonkeyPatch, measure: str) -> None:
    def rows(self: Measure, pair: Pair, **how: Any) -> Any:
        factor = FACTOR if self.name.partition(":")[0] == measure else 1
        return right(self, pair, **how) * factor

    right = Measure.rows
    monkeypatch.setattr(Measure, "rows", rows)


@pytest.mark.parametrize("wrong", [wrong_definition, wrong_evaluator, wrong_numpy])
@pytest.mark.parametrize("measure", list(MEASURES))
def test_a_measure_wrong_by_1e_12_in_one_route_fails(
    measure: str,
    wrong: Callable[[pytest.MonkeyPatch, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong(monkeypatch, measure)
    assert failing(about(measure))


@pytest.mark.skipif(not _native.load(), reason="there are no C kernels here")
@pytest.mark.parametrize("alone", [True, False], ids=["alone", "beside"])
@pytest.mark.parametrize("mode", ["softmax", "sigmoid"])
@pytest.mark.parametrize("measure", list(KERNELS))
def test_a_kernel_wrong_by_1e_12_fails(
    measure: str, mode: Mode, alone: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = spoiled(KERNELS[measure], mode, lambda values: values * FACTOR, alone)
    monkeypatch.setattr(_native, "load", wrong)
    assert failing(about(measure))


@pytest.mark.skipif(not _native.load(), reason="there are no C kernels here")
@pytest.mark.parametrize("delta", [1e-3, 1e-6, 1e-9])
def test_close_rows_are_checked_as_sharply(delta: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that is wrong for close rows alone is seen: 1.5 times, or 1e-12 of its value."""

    def spoil(values: NDArray[np.float64]) -> NDArray[np.float64]:
        assert values.size
        return np.where((values > 0) & (values < delta**2), values * FACTOR, values)

    monkeypatch.setattr(_native, "load", spoiled("kl", "softmax", spoil))
    caught = {"kl", "inner-product", "distillation"}
    assert failing([*caught]) == caught


@pytest.mark.parametrize("measure", list(MEASURES))
def test_a_smoothed_measure_wrong_by_1e_12_fails(
    measure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def evaluate(self: Evaluator, *args: Any) -> Evaluation:
        found = right(self, *args)
        for name in found.values:
            if self.smooth and name.partition(":")[0] == measure:
                found.values[name] *= FACTOR
        return found

    right = Evaluator.evaluate
    monkeypatch.setattr(Evaluator, "evaluate", evaluate)
    assert failing(["smoothed"])


def test_the_self_test_is_made_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    found = identities.self_test()
    assert [finding.name for finding in found.findings] == list(IDENTITIES)
    assert found.holds
    assert all(finding.rows for finding in found.findings)
    assert found.rows == sum(len(rows.s) for rows in built_in())
    assert found.routes == ((_native.describe(), "NumPy") if _native.load() else found.routes[:1])
    wrong_evaluator(monkeypatch, "tv")
    assert identities.self_test() == found
    monkeypatch.setattr(identities, "built_in", few)
    identities._checked.cache_clear()
    broken = identities.self_test()
    assert [finding.name for finding in broken.findings if not finding.holds] == ["tv", "smoothed"]
    assert not broken.holds
    assert broken.findings[6].place.startswith("built-in row ")


def test_numpy_alone_is_one_route(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(_native.VARIABLE, "numpy")
    monkeypatch.setattr(identities, "built_in", few)
    _native.load.cache_clear()
    try:
        found = identities.self_test()
        assert found.holds
        assert found.routes == ("NumPy kernels, KLDIV_KERNELS=numpy",)
    finally:
        monkeypatch.undo()
        _native.load.cache_clear()


def test_measures_of_others_are_said_not_to_be_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identities, "built_in", lambda: iter(()))
    assert identities.self_test().unchecked == ()
    monkeypatch.setattr(MEASURES, "_rows", {**MEASURES._rows, "toy": MEASURES["tv"]})
    assert identities.self_test().unchecked == ("toy",)


def sampled(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Rows, str, tuple[Double, ...]]]:
    """Yield what is computed by definition: the rows, the measure, and its routes."""
    found: list[tuple[Rows, str, tuple[Double, ...]]] = []

    def checked(rows: Rows, name: str, *routes: Double) -> Routes:
        found.append((rows, name, routes))
        return Routes((0.0, 0.0))

    monkeypatch.setattr(definitions, "_checked", checked)
    with np.errstate(all="ignore"):
        for rows in built_in():
            if rows.kinds not in ((LOGITS, LOGITS), (PROBS, PROBS)):
                continue  # the oracle knows no others
            for name in names(rows, None):
                if IDENTITIES[name].measures and name not in ("inner-product", "sigmoid-form"):
                    IDENTITIES.load(name)(rows)
            definitions.inner_product_of_shares(rows)
    yield from found


def truth(rows: Rows, name: str, i: int) -> mpf:
    temperature = float(rows.temperature[i, 0])
    s, t = (x[i][rows.kept[i]] for x in (rows.s, rows.t))
    if rows.kinds == ("logits", "logits"):
        return oracle.oracle(name, rows.mode, s, t, temperature)
    if rows.mode == "softmax":
        return oracle.of_probabilities(name, s, t, 0.0, temperature)
    with mp.workdps(120):
        cells = [((mpf(a), 1 - mpf(a)), (mpf(b), 1 - mpf(b))) for a, b in zip(s, t, strict=True)]
        return mp.fsum(oracle.of_probabilities(name, p, q, 0.0, temperature) for p, q in cells)


def test_definitions_are_right_to_what_they_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against 120 digits: within their own error, which leaves all that is promised."""
    seen = set()
    for at, (rows, name, routes) in enumerate(sampled(monkeypatch)):
        seen.add(name.partition(":")[0])
        for i in range(at % EVERY_TENTH, len(rows.s), EVERY_TENTH):
            true = truth(rows, name, i)
            for number, route in enumerate(routes):
                high, low, off = float(route.high[i]), float(route.low[i]), float(route.off[i])
                if not np.isfinite(high):
                    assert mp.isinf(true), (name, i)
                    continue
                with mp.workdps(60):
                    apart = abs(mpf(high) + mpf(low) - true)
                allowed = off + 1e-25 * float(abs(true)) + 1e-100
                assert apart <= allowed, (name, rows.mode, rows.kinds, i, number, float(apart))
                assert number or off <= TOLERANCE / 5 * float(true) + 1e-100, (name, i, off)
    assert seen == set(MEASURES.names())
