"""Arrays whose classes lie along another axis are asked about, and every answer is followed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import kldiv_cli
from kldiv_cli.errors import InputError, KldivError, UnclearError
from kldiv_cli.tasks.inspect import inspect
from kldiv_cli.tasks.verify import verify
from tests.command import Feed, Kldiv

Array = npt.NDArray[Any]

RANDOM = np.random.default_rng(2)
S = RANDOM.standard_normal((3, 4, 5, 6))
T = S + 0.1 * RANDOM.standard_normal(S.shape)
LABELS = RANDOM.integers(0, 4, (3, 5, 6))


def softmax(values: Array, axis: int) -> Array:
    weights = np.exp(values)
    found: Array = weights / weights.sum(axis=axis, keepdims=True)
    return found


def mean(p: Any, q: Any, **options: Any) -> float:
    return kldiv_cli.compare(p, q, **options).measures["jeffreys"]["mean"]


def question(run: Callable[..., Any], *words: Any, **options: Any) -> UnclearError:
    with pytest.raises(UnclearError) as caught:
        run(*words, **options)
    return caught.value


def answers(asked: KldivError) -> list[int]:
    return [int(axis) for axis in re.findall(r"--class-axis (-?\d+)", asked.advice)]


class TestSums:
    @pytest.mark.parametrize("kind", [None, "probs", "log-probs"])
    @pytest.mark.parametrize("axis", [0, 1, 2])
    def test_along_another_axis(self, axis: int, kind: Any) -> None:
        p, q = softmax(S, axis), softmax(T, axis)
        if kind == "log-probs":
            p, q = np.log(p), np.log(q)
        asked = question(kldiv_cli.compare, p, q, kind=kind)
        words = "log-probabilities" if kind == "log-probs" else "probabilities"
        assert asked.what == (
            f"reference array: expected classes along the last axis, found {words} that sum to 1 "
            f"along axis {axis} and not along the last"
        )
        assert asked.advice == (
            f"Say --class-axis {axis} where that axis indexes classes, or --class-axis 3 where the "
            "last of 3 x 4 x 5 x 6 does."
        )
        right = mean(p, q, class_axis=axis, kind=kind or "probs")
        np.testing.assert_allclose(right, mean(S, T, class_axis=axis), rtol=1e-9)
        if kind is None:
            question(kldiv_cli.compare, p, q, class_axis=axis)  # what the numbers are
            assert mean(p, q, class_axis=3) == mean(p, q, row_axes=3)
        else:
            with pytest.raises(InputError, match="sum") as other:
                kldiv_cli.compare(p, q, class_axis=3, kind=kind)
            assert not isinstance(other.value, UnclearError)

    @pytest.mark.parametrize("dtype", [np.float16, np.float32])
    def test_of_few_digits(self, dtype: Any) -> None:
        assert answers(question(kldiv_cli.compare, softmax(S, 1).astype(dtype), T)) == [1, 3]
        rounded = softmax(S, 1).round(3)
        assert answers(question(kldiv_cli.compare, rounded, rounded)) == [1, 3]

    def test_of_one_hot_labels(self) -> None:
        labels = np.moveaxis(np.eye(4)[LABELS], -1, 1)
        found = question(kldiv_cli.compare, labels, softmax(S, 1), kind="probs")
        assert answers(found) == [1, 3]

    @pytest.mark.parametrize(
        ("values", "words"),
        [
            (np.log(softmax(S, 1)), "log-probabilities that sum to 1"),
            (100 * softmax(S, 1), "percentages that sum to 100"),
            ((100 * softmax(S, 1)).round(1), "percentages that sum to 100"),
        ],
    )
    def test_that_nobody_calls_so(self, values: Array, words: str) -> None:
        found = question(kldiv_cli.compare, values, values)
        assert f"found {words} along axis 1 and not along the last" in found.what
        assert answers(found) == [1, 3]
        assert kldiv_cli.compare(values, values, kind="logits").rows == 60

    def test_of_a_matrix(self) -> None:
        p = softmax(S[0, :, 0], 0)
        assert answers(question(kldiv_cli.compare, p, p)) == [0, 1]

    def test_of_the_candidate(self) -> None:
        found = question(kldiv_cli.compare, S, softmax(T, 1), kind=("logits", "probs"))
        assert found.what.startswith("candidate array: ")

    def test_along_several_axes(self) -> None:
        p = np.full((2, 2, 3), 0.5)
        found = question(kldiv_cli.compare, p, p)
        assert answers(found) == [0, 1, 2]
        assert "--class-axis 0 or --class-axis 1 where one of these indexes" in found.advice

    def test_in_an_inspection_and_a_loss(self) -> None:
        p, q = softmax(S, 1), softmax(T, 1)
        (remark,) = inspect(p).warnings
        assert "sum to 1 along axis 1" in remark
        assert not [x for x in inspect(p, class_axis=1).warnings if "axis" in x]
        assert answers(question(kldiv_cli.loss, "kd", p, q, kind="probs")) == [1, 3]
        assert verify(p, q).holds

    @pytest.mark.parametrize(
        ("p", "options"),
        [
            (S, {}),
            (softmax(S, 3), {"kind": "probs"}),
            (softmax(S, 1), {"kind": "logits"}),
            (softmax(S, 1), {"mode": "sigmoid", "kind": "probs"}),
            (softmax(S, 1), {"row_axes": 3}),
            (softmax(S, 1), {"class_axis": -1}),
            (np.full((4, 4), 0.25), {"kind": "probs"}),
            (RANDOM.random((5, 6)), {}),
            (-RANDOM.random((5, 6)), {}),
            (90 * RANDOM.random((5, 6)), {}),
            (np.log(softmax(S, 3)), {}),
        ],
    )
    def test_nothing_to_ask(self, p: Array, options: dict[str, Any]) -> None:
        assert kldiv_cli.compare(p, p, **options).measures["jeffreys"]["mean"] == 0

    @pytest.mark.parametrize(
        "save", [np.save, np.savez, np.savez_compressed, "fortran", "shards", "joined", "pipe"]
    )
    def test_whatever_holds_the_array(
        self, tmp_path: Path, kldiv: Kldiv, feed: Feed, save: Any
    ) -> None:
        p, path = softmax(S, 1), tmp_path / "p.npz"
        words = ("--key", "a_*") if save == "joined" else ()
        if save == "joined":
            np.savez_compressed(path, a_0=p[:2], a_1=p[2:])
        elif save in {np.savez, np.savez_compressed}:
            save(path, p)
        else:
            path = tmp_path / "p.npy"
            np.save(path, np.asfortranarray(p) if save == "fortran" else p)
        if save == "shards":
            path = tmp_path / "shards"
            path.mkdir()
            for i, part in enumerate(p):
                np.save(path / f"{i}.npy", part[None])
        if save == "pipe":
            feed(path.read_bytes())
        name = "-" if save == "pipe" else path
        np.save(tmp_path / "q.npy", p)
        other = path if save == "joined" else tmp_path / "q.npy"
        code, out, err = kldiv("compare", name, other, "--input", "probs", *words)
        assert (code, out) == (2, "")
        assert err.startswith(f"kldiv: error: {name}: expected classes along the last axis")


class TestOneForEachRow:
    """Labels, groups and masks of rows that fit another axis of classes only."""

    def asked(self, **options: Any) -> UnclearError:
        return question(kldiv_cli.compare, S, T, **options)

    @pytest.mark.parametrize("name", ["labels", "group"])
    def test_labels(self, name: str) -> None:
        given: dict[str, Any] = {name: LABELS}
        found = self.asked(**given)
        path = "labels" if name == "labels" else "array"
        assert found.what == (
            f"{path}: expected 3 x 4 x 5 labels, one per row, found 3 x 5 x 6, as fits classes "
            "along axis 1"
        )
        assert found.advice == (
            "Say --class-axis 1 where that axis indexes classes, or --class-axis 3 where the last "
            "of 3 x 4 x 5 x 6 does, and give 3 x 4 x 5 labels."
        )
        assert kldiv_cli.compare(S, T, class_axis=1, **given).rows == 90
        with pytest.raises(InputError, match=r"expected (60|3 x 4 x 5) labels") as other:
            kldiv_cli.compare(S, T, class_axis=3, **given)
        assert not isinstance(other.value, UnclearError)
        given = {name: LABELS[:, :4, :5]}
        assert kldiv_cli.compare(S, T, class_axis=3, **given).rows == 60

    def test_flat_labels(self) -> None:
        assert answers(self.asked(labels=LABELS.ravel())) == [1, 3]
        assert answers(question(kldiv_cli.loss, "dkd", S, T, labels=LABELS.ravel())) == [1, 3]

    def test_labels_of_a_file(self, tmp_path: Path) -> None:
        np.save(tmp_path / "labels.npy", LABELS)
        found = self.asked(labels=tmp_path / "labels.npy")
        assert found.what.startswith(f"{tmp_path / 'labels.npy'}: expected 3 x 4 x 5 labels")

    def test_of_selected_rows(self) -> None:
        assert answers(self.asked(labels=LABELS, rows=":5")) == [1, 3]

    def test_groups_of_leading_axes_fit(self) -> None:
        assert kldiv_cli.compare(S, T, group=[1, 2, 2]).rows == 60

    def test_a_mask(self) -> None:
        keep = LABELS > 0
        assert answers(self.asked(mask=keep)) == [1, 3]
        found = kldiv_cli.compare(S, T, class_axis=1, mask=keep)
        assert (found.rows, found.masked) == (int(keep.sum()), int((~keep).sum()))
        with pytest.raises(InputError, match="fits the first or the last axes"):
            kldiv_cli.compare(S, T, class_axis=-1, mask=keep)

    @pytest.mark.parametrize("count", [7, 90 * 6])
    def test_labels_that_fit_no_axis(self, count: int) -> None:
        with pytest.raises(InputError, match="expected 60 labels") as caught:
            kldiv_cli.compare(S, T, labels=np.zeros(count, int))
        assert not isinstance(caught.value, UnclearError)

    def test_nothing_to_ask(self) -> None:
        assert kldiv_cli.compare(S, T, labels=LABELS[:, :4, :5]).rows == 60
        assert kldiv_cli.compare(S, T, mask=LABELS[:, :4, :5] > 0).rows < 60
        square = RANDOM.standard_normal((4, 4))
        assert kldiv_cli.compare(square, -square, labels=[0, 1, 2, 3]).rows == 4


class TestNames:
    """A table names as many classes as an array has along another axis."""

    def table(self, path: Path, rows: Array) -> Path:
        lines = [[f"c{i}" for i in range(rows.shape[1])], *rows.tolist()]
        path.write_text("".join(",".join(map(str, line)) + "\n" for line in lines))
        return path

    def test_fit_another_axis(self, tmp_path: Path) -> None:
        p, q = S[0, :, 0], self.table(tmp_path / "q.csv", T[0, :, 0].T)
        for sides, name in (((p, q), "reference"), ((q, p), "candidate")):
            found = question(kldiv_cli.compare, *sides)
            assert found.what == (
                f"{name} array: expected 4 classes, as {q} names, found 6 along the last axis and "
                "4 along axis 0"
            )
            assert answers(found) == [0, 1]
        expected = mean(p.T.copy(), T[0, :, 0].T.copy())
        assert mean(p, q, class_axis=0) == expected
        with pytest.raises(InputError, match="expected the same shapes") as other:
            kldiv_cli.compare(p, q, class_axis=1)
        assert not isinstance(other.value, UnclearError)

    def test_fit_no_axis(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="expected the same shapes"):
            kldiv_cli.compare(S[0, :, 0], self.table(tmp_path / "q.csv", T[0, 0, :, :5]))
        wide = self.table(tmp_path / "wide.csv", T[0, :, 0])
        assert kldiv_cli.compare(S[0, :, 0], wide).rows == 4
