"""Probabilities that nobody calls so are asked about, and every answer is followed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import kldiv_cli
from kldiv_cli.errors import InputError, UnclearError
from kldiv_cli.sources.arrays.array import ArraySource
from kldiv_cli.sources.base import Layout
from kldiv_cli.tasks.inspect import inspect
from kldiv_cli.tasks.opening.questions.opened import Opened
from kldiv_cli.tasks.opening.questions.probabilities import taken_for_logits
from kldiv_cli.tasks.options import Compare
from tests.command import Kldiv

Array = npt.NDArray[Any]

RIGHT = 0.012766845035995957
CASES = Path(__file__).parents[2] / "cases"
S, T = (np.load(CASES / f"right_{side}.npy").astype(float) for side in "pq")


def softmax(values: Array) -> Array:
    weights = np.exp(values - values.max(axis=-1, keepdims=True))
    found: Array = weights / weights.sum(axis=-1, keepdims=True)
    return found


P, Q = softmax(S), softmax(T)


def as_csv(path: Path, rows: Array) -> None:
    lines = [[f"c{i}" for i in range(rows.shape[1])], *rows.tolist()]
    path.write_text("".join(",".join(map(str, line)) + "\n" for line in lines))


def as_jsonl(path: Path, rows: Array) -> None:
    path.write_text("".join(json.dumps({"scores": row}) + "\n" for row in rows.tolist()))


def as_json(path: Path, rows: Array) -> None:
    path.write_text(json.dumps(rows.tolist()))


def as_parquet(path: Path, rows: Array) -> None:
    pq.write_table(pa.table({f"c{i}": column for i, column in enumerate(rows.T)}), path)


def as_shards(path: Path, rows: Array) -> None:
    path.mkdir()
    for i, row in enumerate(rows):
        np.save(path / f"{i}.npy", row[None])


WRITERS: dict[str, Callable[[Path, Array], Any]] = {
    "npy": np.save,
    "csv": as_csv,
    "jsonl": as_jsonl,
    "json": as_json,
    "parquet": as_parquet,
    "shards": as_shards,
}
ROUNDED: dict[str, Callable[[Array], Array]] = {
    "float64": lambda p: p,
    "float32 in float64": lambda p: p.astype(np.float32).astype(float),
    "float16 in float64": lambda p: p.astype(np.float16).astype(float),
    "float16 as printed": lambda p: p.astype(np.float16).astype("U").astype(float),
    "4 decimals": lambda p: p.round(4),
    "2 decimals": lambda p: p.round(2),
    "percentages": lambda p: 100 * p,
    "percentages of 2 decimals": lambda p: (100 * p).round(2),
}
CLOSE = {"float64": 1e-12, "float32 in float64": 1e-6, "percentages": 1e-12}


@pytest.mark.parametrize("written", ROUNDED)
@pytest.mark.parametrize("suffix", WRITERS)
def test_every_answer_leads_to_a_number(
    suffix: str, written: str, tmp_path: Path, kldiv: Kldiv
) -> None:
    for name, rows in (("p", P), ("q", Q)):
        WRITERS[suffix](tmp_path / f"{name}.{suffix}", ROUNDED[written](rows))
    files = [str(tmp_path / f"{name}.{suffix}") for name in "pq"]
    code, out, err = kldiv("compare", *files, "--stat", "mean")
    assert (code, out) == (2, "")
    what, advice = err.splitlines()
    kind = "percentages" if "percent" in written else "probabilities"
    assert what.startswith(
        f"kldiv: error: {files[0]} and {files[1]}: expected logits, found {kind}"
    )
    probs, logits = re.findall(r"--input [a-z]+(?: --normalize)?", advice)
    found = kldiv("compare", *files, "--stat", "mean", *probs.split())
    assert (found.code, found.err) == (0, "")
    rounded = kldiv_cli.compare(
        *(ROUNDED[written](rows) for rows in (P, Q)), kind="probs", normalize=True
    )
    assert float(found.out) == pytest.approx(rounded.measures["jeffreys"]["mean"], rel=1e-12)
    assert float(found.out) == pytest.approx(RIGHT, rel=CLOSE.get(written, 0.1))
    insisted = kldiv("compare", *files, "--stat", "mean", *logits.split(), "--strict")
    assert (insisted.code, insisted.err) == (0, "")


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("classes", [2, 11, 5000])
def test_probabilities_of_any_type_and_number_of_classes(dtype: Any, classes: int) -> None:
    rng = np.random.default_rng(1)
    p, q = (softmax(rng.normal(size=(9, classes))).astype(dtype) for _ in range(2))
    with pytest.raises(UnclearError, match=r"Say --input probs to"):
        raise_with_advice(p, q)
    assert kldiv_cli.compare(p, q, kind="probs").rows == 9


def test_many_small_probabilities_are_rounded_away() -> None:
    rng = np.random.default_rng(2)
    p, q = (softmax(rng.normal(0, 2.5, (5, 20_000))).round(3) for _ in range(2))
    assert (p.sum(axis=1) < 0.95).any()
    assert (p.sum(axis=1) > 0.5).all()
    with pytest.raises(UnclearError, match="Say --input probs --normalize to"):
        raise_with_advice(p, q)
    assert kldiv_cli.compare(p, q, kind="probs", normalize=True, measure="js").rows == 5


def raise_with_advice(p: Array, q: Array, **options: Any) -> None:
    try:
        kldiv_cli.compare(p, q, **options)
    except UnclearError as error:
        raise UnclearError(f"{error.what}\n{error.advice}", error.advice) from error


@pytest.mark.parametrize(
    ("sides", "side"),
    [((P, T), "reference"), ((S, Q), "candidate")],
    ids=["reference", "candidate"],
)
def test_one_side(sides: tuple[Array, Array], side: str) -> None:
    with pytest.raises(UnclearError, match=f"Say --{side}-input probs to"):
        raise_with_advice(*sides)
    kinds: Any = ("probs", None) if side == "reference" else (None, "probs")
    found = kldiv_cli.compare(*sides, kind=kinds)
    assert found.measures["jeffreys"]["mean"] == pytest.approx(RIGHT, rel=1e-9)


def test_who_insists_on_one_side_is_asked_about_the_other() -> None:
    with pytest.raises(UnclearError, match="Say --candidate-input probs to"):
        raise_with_advice(P, Q, kind=("logits", None))


def test_one_hot_labels() -> None:
    with pytest.raises(UnclearError, match="expected logits, found probabilities"):
        kldiv_cli.compare(np.eye(11)[:6], T)
    with pytest.raises(UnclearError, match="expected logits, found probabilities"):
        kldiv_cli.compare(np.eye(11, dtype=np.int8)[:6], T)


@pytest.mark.parametrize("padding", [0.0, -100.0, -np.inf])
def test_padding_and_invalid_rows_hide_nothing(padding: float) -> None:
    p = P.copy()
    p[0], p[1] = padding, np.nan
    with pytest.raises(UnclearError, match="expected logits, found probabilities"):
        kldiv_cli.compare(p, T, nan_policy="omit")


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (S, "logits"),
        (P - 1e-3, "negative"),
        (1.01 * P, "sums of 1.01"),
        (np.log(P), "log-probabilities"),
        (np.vstack([P, 2 * P[:1]]), "one sum of 2"),
        (np.zeros((6, 11)), "zeros"),
        (np.ones((6, 1)), "one class"),
        (P[:1], "one row"),
        (np.full((6, 11), np.nan), "nothing"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_what_is_not_asked_about(rows: Array, why: str) -> None:
    asked = Compare(reference=rows, candidate=T)
    sides = ArraySource(rows, Layout()), ArraySource(np.tile(T, (2, 1))[: len(rows)], Layout())
    assert taken_for_logits(Opened(asked, sides)) is None, why


class TestSigmoid:
    P, Q = 1 / (1 + np.exp(-S)), 1 / (1 + np.exp(-T))

    def test_cells_in_0_to_1(self) -> None:
        with pytest.raises(
            UnclearError, match=r"found one probability per cell.*\nSay --input probs"
        ):
            raise_with_advice(self.P, self.Q, mode="sigmoid")
        found = kldiv_cli.compare(self.P, self.Q, mode="sigmoid", kind="probs")
        wanted = kldiv_cli.compare(S, T, mode="sigmoid").measures["jeffreys"]["mean"]
        assert found.measures["jeffreys"]["mean"] == pytest.approx(wanted, rel=1e-12)

    def test_few_cells_may_be_logits(self) -> None:
        assert kldiv_cli.compare(self.P[:5], self.Q[:5], mode="sigmoid").warnings == ()

    def test_0_and_1_may_be_anything(self) -> None:
        bits = np.random.default_rng(1).integers(0, 2, (20, 11)).astype(float)
        assert kldiv_cli.compare(bits, bits[::-1], mode="sigmoid").warnings == ()

    def test_a_single_row_of_many_cells(self) -> None:
        with pytest.raises(UnclearError, match="found one probability per cell"):
            kldiv_cli.compare(self.P.ravel(), self.Q.ravel(), mode="sigmoid")


@pytest.mark.parametrize("name", ["kd", "torch", "r-drop"])
def test_losses_ask_the_same(name: str) -> None:
    with pytest.raises(UnclearError, match="expected logits, found probabilities"):
        kldiv_cli.loss(name, P, Q)
    assert kldiv_cli.loss(name, P, Q, kind="logits").warnings == ()
    wanted = kldiv_cli.loss(name, S, T).reference_value
    assert kldiv_cli.loss(name, P, Q, kind="probs").reference_value == pytest.approx(wanted)


def test_a_single_row_is_a_warning() -> None:
    (warning,) = kldiv_cli.compare(P[:1].round(2), T[:1]).warnings
    assert warning.endswith("sums to 1): say --reference-input probs")
    (warning,) = kldiv_cli.compare(S[:1], 100 * Q[:1]).warnings
    assert warning.endswith("sums to 100): say --candidate-input probs --normalize")


def test_inspect_knows_percentages() -> None:
    found = inspect((100 * P).round(2))
    assert found.guess.options == "--input probs --normalize"
    assert found.guess.why == (
        "no cell is below 0 and every row sums to 100 within 0.01: percentages"
    )
    wanted = inspect(P).entropy
    assert found.entropy is not None
    assert wanted is not None
    assert found.entropy.of == "row"
    assert found.entropy.mean == pytest.approx(wanted.mean, rel=1e-3)


class TestCellsThatAreNone:
    def advice(self, values: Array, **options: Any) -> str:
        with pytest.raises(InputError) as caught:
            kldiv_cli.compare(values, Q, **{"kind": ("probs", "probs"), **options})
        return caught.value.advice

    def test_logits(self) -> None:
        assert self.advice(S) == "Say --reference-input logits if these are logits."

    def test_one_row(self) -> None:
        values = P.copy()
        values[3, 2] = -0.1
        found = self.advice(values)
        assert found.startswith("Most rows are right")
        assert kldiv_cli.compare(values, Q, kind="probs", nan_policy="omit").rows == 5

    def test_nan(self) -> None:
        values = P.copy()
        values[3, 2] = np.nan
        assert self.advice(values).startswith("Leave such rows out with --nan-policy omit")

    def test_logarithms(self) -> None:
        assert self.advice(np.log(P)).endswith("say --reference-input log-probs.")

    def test_a_column_that_is_no_class(self) -> None:
        labels = np.array([[-1], [2], [0], [3], [1], [1]])
        found = self.advice(np.hstack([labels, P[:, 1:] + P[:, :1] / 10]))
        assert found.startswith("Without class 0 they do")


class TestSumsThatAreOff:
    def advice(self, values: Array, kind: Any = "probs") -> str:
        with pytest.raises(InputError) as caught:
            kldiv_cli.compare(values, Q, kind=kind)
        return caught.value.advice

    def test_all_rows(self) -> None:
        assert self.advice(1.02 * P) == (
            "Say --normalize to divide every row by its sum, or --input logits if these are logits."
        )

    def test_all_rows_of_one_side(self) -> None:
        assert "--reference-input logits" in self.advice(1.02 * P, ("probs", "log-probs"))

    def test_one_row(self) -> None:
        off = P.copy()
        off[4] *= 1.02
        assert self.advice(off).startswith("Most rows do: check what wrote this one")

    def test_one_class_that_is_none(self) -> None:
        labelled = P.copy()
        labelled[:, 3] += np.arange(6)
        found = self.advice(labelled)
        assert "--normalize" in found, "a class is mixed with something, and nothing tells"
        labelled[:, 3] = np.arange(6)
        other = P.copy()
        other[:, [2, 3]] = P[:, 2:4].sum(axis=1, keepdims=True) * [1, 0]
        other[:, 3] = np.arange(6)
        assert self.advice(other).startswith("Without class 3 they do")

    def test_columns_that_are_none(self, kldiv: Kldiv) -> None:
        files = [str(CASES / f"lab_{side}.csv") for side in "pq"]
        done = kldiv("compare", *files, "--input", "probs")
        assert done.code == 2
        assert "--normalize" not in done.err
        assert "--drop label,pred " in done.err
        told = kldiv("compare", *files, "--input", "probs", "--columns", "*")
        assert told.err.endswith(
            "Without 'label', 'pred' they do: --drop label,pred leaves them out.\n"
        )
        done = kldiv(
            "compare", *files, "--input", "probs", "--columns", "*", "--drop", "label,pred"
        )
        assert done.code == 0


class TestInfinite:
    def test_a_rounded_zero_is_told(self, tmp_path: Path, kldiv: Kldiv) -> None:
        files = [str(tmp_path / f"{name}.csv") for name in "pq"]
        as_csv(Path(files[0]), P)
        as_csv(Path(files[1]), softmax(2 * T).round(2))
        done = kldiv("compare", *files, "--input", "probs", "-m", "kl", "--stat", "mean")
        assert (done.code, done.out) == (0, "inf\n")
        assert done.err == (
            f"kldiv: warning: {files[1]}: a 0 with 2 decimals is anything below 0.005, and makes 6 "
            "rows infinite: -m js stays finite, as -m kl does with --smooth 0.01\n"
        )
        for more in (["-m", "js"], ["-m", "kl", "--smooth", "0.01"]):
            done = kldiv("compare", *files, "--input", "probs", "--stat", "mean", *more)
            assert (done.code, done.err) == (0, "")
            assert 0 < float(done.out) < 1

    def test_of_a_loss(self) -> None:
        found = kldiv_cli.loss("kd", P, softmax(2 * T).round(2), kind="probs")
        assert found.reference_value == np.inf
        (warning,) = found.warnings
        assert "6 rows infinite: kldiv compare -m js stays finite" in warning

    def test_a_zero_among_many_digits_is_one(self) -> None:
        q = Q.copy()
        q[0, :2] = 0, q[0, :2].sum()
        found = kldiv_cli.compare(P, q, kind="probs")
        assert found.measures["jeffreys"].infinite == 1
        assert found.warnings == ()

    def test_labels_are_no_rounded_probabilities(self) -> None:
        found = kldiv_cli.compare(np.eye(11)[:6], Q, kind="probs")
        assert found.measures["jeffreys"].infinite == 6
        assert found.warnings == ()
