"""The identities: they hold for every kind of row, and each fails as soon as a side is wrong."""

from __future__ import annotations

import math
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kldiv_cli.errors import InputError, UnclearError, UsageError
from kldiv_cli.measures import prepare
from kldiv_cli.measures.distributions.pair import Pair
from kldiv_cli.measures.identities import IDENTITIES, distillation, gradients
from kldiv_cli.measures.identities.base import TOLERANCE, Routes
from kldiv_cli.measures.identities.distributions import Both
from kldiv_cli.measures.identities.double import Double
from kldiv_cli.measures.identities.dual import Dual
from kldiv_cli.measures.identities.rows import Rows
from kldiv_cli.measures.types import Float64, Mode
from kldiv_cli.results.verification import Finding, Verification
from kldiv_cli.tasks import verify as task
from kldiv_cli.tasks import walk
from kldiv_cli.tasks.identities import self_test
from kldiv_cli.tasks.verify import verify
from tests.family import MODES, subset
from tests.measures.test_jeffreys import ALL_EDGES, COUNTED, Edge
from tests.regimes import Case

Sides = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]
INF, NAN = math.inf, math.nan


def together() -> list[list[Case]]:
    """Cases of one width and type, at the same temperatures."""
    found: dict[object, list[Case]] = {}
    for case in subset():
        key = case.s.shape[1], case.s.dtype, case.t.dtype, tuple(case.temperatures)
        found.setdefault(key, []).append(case)
    return list(found.values())


TOGETHER = together()
SAMPLES = Path(__file__).parents[2] / "samples"


SELF_TEST = self_test()


@pytest.fixture(autouse=True)
def built_in_rows_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """They take a second; tests/measures/test_identities.py is about them."""
    monkeypatch.setattr(task, "self_test", lambda: SELF_TEST)


@pytest.fixture
def sides() -> Sides:
    source = np.random.default_rng(3)
    s = source.normal(0, 2, (40, 7))
    return s, s + source.normal(0, 0.4, s.shape)


def by_name(found: Verification) -> dict[str, Finding]:
    return {finding.name: finding for finding in found.findings}


def failing(found: Verification) -> set[str]:
    return {finding.name for finding in found.findings if not finding.holds}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("cases", TOGETHER, ids=[cases[0].id for cases in TOGETHER])
def test_every_identity_holds_in_every_kind_of_regime(cases: list[Case], mode: Mode) -> None:
    s, t = (np.concatenate([getattr(case, side) for case in cases]) for side in "st")
    if mode == "softmax" and s.shape[1] == 1:
        with pytest.raises(UnclearError, match="expected two classes or more"):
            verify(s, t, mode=mode, nan_policy="omit")
        return
    one = s[:, :1]
    padding = (s == one).all(1) & (t == one).all(1) & (one[:, 0] <= -1e4)
    for temperature in cases[0].temperatures[::2]:
        counted = prepare(mode, s, t).status == COUNTED
        if mode == "softmax":
            counted &= ~padding
        if counted.any():
            found = verify(s, t, mode=mode, temperature=temperature, nan_policy="omit")
            assert found.rows == counted.sum()
            assert failing(found) == set(), (found, [case.id for case in cases])


@pytest.mark.parametrize(("mode", "edge"), ALL_EDGES)
def test_every_identity_holds_at_every_edge(mode: Mode, edge: Edge) -> None:
    s, t = np.array([[2.0, 1.0, 0.0], edge.s]), np.array([[1.5, 1.25, -0.25], edge.t])
    found = verify(s, t, mode=mode, temperature=0.7, nan_policy="omit")
    assert found.rows == 1 + (edge.status == COUNTED)
    assert found.rows + found.skipped + found.invalid == 2
    assert failing(found) == set(), found


def test_logarithms_of_which_only_the_low_parts_differ() -> None:
    """log p and log q are 1e38 apart, and those of two classes 1e12 in that."""
    s = np.array([[0.40241566, -0.07074355, -0.03524548, 0.1998378, -0.1378431, 0.5402266]])
    t = np.array([[-1.99e-9, -1.06604796e12, -4.76686837e-4, 1.919e-7, 1.02085809e38, 2e-22]])
    assert failing(verify(s, t)) == set()


def spoiled(right: Any, factor: float) -> Any:
    """What is wrong by a factor: a number, a property, or what a function returns."""
    if isinstance(right, Double):
        return Double(right.high * factor, right.low * factor, right.off)
    if isinstance(right, Dual):
        return Dual(spoiled(right.value, factor), spoiled(right.slope, factor))
    if isinstance(right, list | tuple):
        return type(right)(spoiled(x, factor) for x in right)
    if isinstance(right, property | cached_property):
        getter = right.fget if isinstance(right, property) else right.func
        return property(lambda self: spoiled(getter(self), factor))  # type: ignore[misc]
    if callable(right):
        return lambda *args: spoiled(right(*args), factor)
    return right * factor


DISTILLATION = {"distillation", "distillation-at-4"}
GRADIENTS = {"gradient-reference", "gradient-candidate"}
FORMS = {"two-classes", *GRADIENTS}
"""What is about the NumPy forms and no measure."""
MEASURED = {name for name in IDENTITIES if name not in {*FORMS, "excess"}}
OF_KL = {"kl", "inner-product", "sigmoid-form", "excess", *DISTILLATION}
WRONG: list[tuple[str, Any, str, set[str]]] = [
    ("what-is-measured", Rows, "measured", MEASURED),
    ("p-by-numpy", Pair, "p", set(IDENTITIES) - {"inner-product", "sigmoid-form"}),
    ("kl-by-numpy", Pair, "kl_terms", {*OF_KL, "smoothed", "gradient-reference"}),
    ("p-q-by-numpy", Pair, "difference", {"tv", "inner-product", "smoothed", "gradient-candidate"}),
    ("p-by-definition", Both, "p", {"two-classes", "entropies"}),
    ("p-q-by-definition", Both, "difference", {"tv", "hellinger"}),
    ("log-ratio-by-definition", Both, "ratio", {"kl", "inner-product", "sigmoid-form"}),
    ("kl-and-nckd-by-definition", distillation, "kl_terms", DISTILLATION),
    ("tckd-and-the-weight-of-nckd", distillation, "_target", DISTILLATION),
    ("derivatives-of-kl", gradients, "_moved", GRADIENTS),
    ("wmse", gradients, "_wmse", {"gradient-reference"}),
    ("cross-entropy", gradients, "_cross_entropy", {"gradient-candidate"}),
]


@pytest.mark.parametrize("factor", [1 + 1e-11, 1 - 1e-11, 2.0, NAN])
@pytest.mark.parametrize(
    ("place", "name", "caught_by"), [wrong[1:] for wrong in WRONG], ids=[w[0] for w in WRONG]
)
def test_an_identity_fails_when_a_side_is_wrong(
    place: Any,
    name: str,
    caught_by: set[str],
    factor: float,
    sides: Sides,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(place, name, spoiled(vars(place)[name], factor))
    found = verify(*sides)
    assert failing(found) >= caught_by
    assert not found.holds


def test_every_identity_is_made_to_fail_from_more_than_one_side() -> None:
    caught = [name for wrong in WRONG for name in wrong[3]]
    assert min(caught.count(name) for name in IDENTITIES) >= 2


@pytest.mark.parametrize("delta", [1e-3, 1e-6, 1e-9, 1e-12])
def test_close_rows_are_checked_as_sharply(
    delta: float, sides: Sides, monkeypatch: pytest.MonkeyPatch
) -> None:
    s = sides[0]
    t = s + delta * np.random.default_rng(5).normal(size=s.shape)
    assert verify(s, t).holds
    monkeypatch.setattr(Rows, "measured", spoiled(Rows.measured, 1 + 1e-12))
    found = verify(s, t)
    assert failing(found) == MEASURED
    loosest = {name: finding.loosest for name, finding in by_name(found).items()}
    assert max(loosest[name] for name in MEASURED) < 1e-13
    assert loosest["excess"] > 1e-14 / delta


def test_the_row_is_named(sides: Sides, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def wrong_in_two_rows(self: Rows, name: str) -> list[Float64]:
        rows = np.flatnonzero(np.isin(self.s[:, 0], sides[0][[17, 31], 0]))
        factor = np.ones(len(self.s))
        factor[rows] = np.where(self.s[rows, 0] == sides[0][17, 0], 1.001, 1.0001)
        return [values * factor for values in right(self, name)]

    right = Rows.measured
    monkeypatch.setattr(Rows, "measured", wrong_in_two_rows)
    paths = [tmp_path / "s.csv", tmp_path / "t.csv"]
    for path, side in zip(paths, sides, strict=True):
        lines = [f"file{i}," + ",".join(map(repr, row)) for i, row in enumerate(side.tolist())]
        path.write_text("\n".join(["id,a,b,c,d,e,f,g", *lines]), encoding="utf-8")
    for found in (verify(*sides), verify(*paths)):
        finding = by_name(found)["inner-product"]
        assert (finding.row, finding.rows, finding.holds) == (17, 40, False)
        assert finding.residual == pytest.approx(1e-3, rel=0.01)
    assert finding.place == "row 17 (file17), line 19"


def test_a_row_that_is_nan_by_numpy_is_named(sides: Sides, monkeypatch: pytest.MonkeyPatch) -> None:
    """`compare` raises there."""

    def nan_in_a_row(self: Pair) -> Float64:
        wrong = self.p[:, :1] == row
        return np.where(wrong, NAN, right.__get__(self))

    row, right = prepare("softmax", *sides).p[23, 0], vars(Pair)["difference"]
    monkeypatch.setattr(Pair, "difference", property(nan_in_a_row))
    finding = by_name(verify(*sides))["tv"]
    assert (finding.row, finding.rows, finding.holds) == (23, 40, False)
    assert math.isnan(finding.residual)


@pytest.mark.parametrize("rows", [3, 39, 1000])
def test_blocks_do_not_matter(rows: int, sides: Sides, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = by_name(verify(*sides))
    monkeypatch.setattr(walk, "BLOCK_BYTES", rows * sides[0][0].nbytes)
    steps: list[tuple[int, int | None]] = []
    parts = by_name(verify(*sides, progress=lambda *step: steps.append(step)))
    assert steps == [(min(done, 40), 40) for done in range(rows, 40 + rows, rows)]
    assert parts.keys() == whole.keys()
    for name, finding in parts.items():
        assert finding.rows == whole[name].rows == 40
        assert finding.residual == pytest.approx(whole[name].residual, abs=2e-16)


def test_which_rows_are_checked() -> None:
    s = np.array([[2, 1, 0], [-INF] * 3, [2, -INF, 0], [-INF, 1, 0], [2, 1, 0], [NAN, 1, 0]])
    t = np.array([[1, 1, 0], [-INF] * 3, [1, -INF, 3], [2, -INF, 0], [-INF, 1, 0], [2, 1, 0]])
    found = verify(s, t, nan_policy="omit")
    assert (found.rows, found.skipped, found.invalid, found.holds) == (4, 1, 1, True)
    rows = {name: finding.rows for name, finding in by_name(found).items()}
    assert rows == {name: 2 if "gradient" in name else 4 for name in IDENTITIES}
    one_sided = by_name(verify(s[[3, 4]], t[[3, 4]]))["gradient-candidate"]
    assert (one_sided.rows, one_sided.row, one_sided.holds) == (0, None, True)
    assert math.isnan(one_sided.residual)


@pytest.mark.parametrize("mode", MODES)
def test_rows_that_no_definition_can_hold_smoothed(mode: Mode) -> None:
    """At T = 1/2 the least logit is beyond float64; that of -1e300 is not, and -inf is no logit."""
    s = np.array([[2.0, 1, 0], [2, -1e300, 0], [2, -INF, 0], [2, np.finfo(float).min, 0]])
    found = verify(s, s + np.array([0.5, 0, 0]), mode=mode, temperature=0.5)
    assert failing(found) == set()
    rows = {name: finding.rows for name, finding in by_name(found).items()}
    assert rows == {name: 3 if name == "smoothed" else 4 for name in rows}


def test_invalid_rows() -> None:
    s, t = np.array([[2.0, 1, 0], [0, NAN, 1], [1, 1, 1]]), np.zeros((3, 3))
    with pytest.raises(InputError, match=r"row 1, class 1: expected a finite logit .*NaN"):
        verify(s, t)
    found = verify(s, t, nan_policy="propagate")
    assert failing(found) == set(IDENTITIES)
    assert {(finding.row, finding.rows) for finding in found.findings} == {(1, 3)}
    assert all(math.isnan(finding.residual) for finding in found.findings)
    only = verify(s[1:2], t[1:2], nan_policy="propagate")
    assert (only.rows, only.invalid, only.holds) == (0, 1, False)
    with pytest.raises(InputError, match="found none that counts"):
        verify(s[1:2], t[1:2], nan_policy="omit")
    with pytest.raises(InputError, match="found none that counts"):
        verify([[-INF, -INF]], [[-INF, -INF]])


@pytest.mark.parametrize("temperature", [0.0, -1.0, INF, NAN])
def test_a_bad_temperature(temperature: float, sides: Sides) -> None:
    with pytest.raises(UsageError, match="expected a temperature above 0"):
        verify(*sides, temperature=temperature)


def test_which_identities_are_checked(sides: Sides) -> None:
    assert list(by_name(verify(*sides))) == list(IDENTITIES)
    only_softmax = {"inner-product", *DISTILLATION, *GRADIENTS}
    assert set(IDENTITIES) - set(by_name(verify(*sides, mode="sigmoid"))) == only_softmax
    assert set(IDENTITIES) - set(by_name(verify(*sides, temperature=4))) == {"distillation-at-4"}


@pytest.mark.parametrize("classes", [2, 3, 1000])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int8])
def test_any_width_and_type(classes: int, dtype: type[Any]) -> None:
    source = np.random.default_rng(classes)
    s, t = (10 * source.normal(size=(2, 5, classes))).astype(dtype)
    kept = s.copy(), t.copy()
    for side in (s, t):
        side.setflags(write=False)
    assert verify(s, t).holds
    assert np.array_equal(s, kept[0])
    assert np.array_equal(t, kept[1])


def test_residuals_of_routes() -> None:
    """Equal infinities agree; an infinity on one side, and NaN, agree with nothing."""
    left = np.array([INF, INF, NAN, 1, 0, 1])
    right = np.array([INF, 1, 1, 1, 0, 1.5])
    with np.errstate(invalid="ignore"):
        found, limit = Routes((left, right)).residuals()
        slack, wider = Routes((left, Double.of(right, 0.5 * TOLERANCE))).residuals()
        third, narrow = Routes((Double.of(right, 1.0), right, left)).residuals()
    assert found[[0, 1, 3, 4]].tolist() == [0, INF, 0, 0]
    assert np.isnan(found[2])
    assert found[5] == pytest.approx(1 / 3)
    assert slack[5] == pytest.approx(0.25)
    assert limit[[0, 1, 3, 4, 5]].tolist() == [TOLERANCE] * 5
    assert wider[5] == pytest.approx(4 / 3 * TOLERANCE)
    assert narrow[5] == TOLERANCE
    assert np.array_equal(third, found, equal_nan=True)


@pytest.mark.parametrize("file", ["magika", "ocr-det"])
def test_samples(file: str) -> None:
    mode: Mode = "softmax" if file == "magika" else "sigmoid"
    paths = SAMPLES / f"{file}-fp32.npy", SAMPLES / f"{file}-int8.npy"
    found = verify(*paths, mode=mode, limit=40)
    assert found.holds
    assert max(finding.residual for finding in found.findings) < TOLERANCE / 5


class TestMask:
    @pytest.mark.parametrize("mode", MODES)
    def test_the_same_classes_of_every_row(self, sides: Sides, mode: Mode) -> None:
        kept = np.array([1, 0, 1, 1, 0, 1, 1], dtype=bool)
        s, t = (np.where(kept, x, NAN) for x in sides)
        found = verify(s, t, mode=mode, mask=kept)
        expected = verify(*(x[:, kept] for x in sides), mode=mode)
        assert failing(found) == failing(expected) == set()
        assert (found.rows, found.masked) == (40, 0)
        assert found.mask is not None
        assert (found.mask.cells, found.mask.of) == (80, 280)

    def test_rows_and_cells(self, sides: Sides, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(walk, "BLOCK_BYTES", 7 * 8 * 9)
        kept = np.random.default_rng(5).random((40, 7)) < 0.6
        kept[[3, 17]] = False
        kept[5] = np.arange(7) == 2
        s, t = np.where(kept, sides[0], INF), np.where(kept, sides[1], NAN)
        found = verify(s, t, mask=kept, temperature=2.5)
        assert failing(found) == set()
        assert (found.rows, found.skipped, found.invalid, found.masked) == (38, 0, 0, 2)
        assert found.mask is not None
        assert (found.mask.cells, found.mask.of) == (38 * 7 - int(kept.sum()), 38 * 7)
        part = verify(s, t, mask=kept, rows="2:19")
        assert (part.rows, part.masked) == (15, 2)
        dropped = verify(s, t, mask=~kept, mask_means="drop", temperature=2.5)
        assert [x.residual for x in dropped.findings] == [x.residual for x in found.findings]

    def test_what_is_wrong_still_fails(self, sides: Sides, monkeypatch: pytest.MonkeyPatch) -> None:
        kept = np.arange(40) % 2 == 0
        monkeypatch.setattr(Rows, "measured", spoiled(Rows.measured, 1 + 1e-11))
        found = verify(*sides, mask=kept)
        assert failing(found) == MEASURED
        assert all(x.rows == 20 and x.row is not None and x.row % 2 == 0 for x in found.findings)

    def test_rows_that_do_not_count(self, sides: Sides) -> None:
        kept = np.ones((40, 7), dtype=bool)
        kept[:, 6] = kept[2] = False
        s, t = (x.copy() for x in sides)
        s[4, 1] = NAN
        s[9, :6] = t[9, :6] = -INF
        with pytest.raises(InputError, match=r"array: row 4, class 1: expected .*, found NaN"):
            verify(s, t, mask=kept)
        found = verify(s, t, mask=kept, nan_policy="omit")
        assert (found.rows, found.skipped, found.invalid, found.masked) == (37, 1, 1, 1)
        assert found.mask is not None
        assert (found.mask.cells, found.mask.of) == (37, 37 * 7)
        assert failing(verify(s, t, mask=kept, nan_policy="propagate")) == set(IDENTITIES)

    def test_nothing_is_kept(self, sides: Sides) -> None:
        with pytest.raises(InputError, match="found none: the mask leaves out every cell"):
            verify(*sides, mask=np.zeros(40))


@pytest.mark.parametrize("mode", MODES)
def test_the_first_of_rows_that_are_equally_wrong_is_named(
    mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two equal rows, each of which is a block."""
    monkeypatch.setattr(walk, "BLOCK_BYTES", 7 * 8)
    s, t = np.random.default_rng(3).normal(0, 2, (2, 1, 7))
    found = verify(np.tile(s, (2, 1)), np.tile(t, (2, 1)), mode=mode)
    assert any(finding.residual > 0 for finding in found.findings)
    assert {(finding.row, finding.rows) for finding in found.findings} == {(0, 2)}
