"""Losses and identities of some classes, and of the rows that both sides have: as of cut files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kldiv_cli import loss
from kldiv_cli.errors import InputError, UsageError
from kldiv_cli.losses import LOSSES
from kldiv_cli.results.loss import LossResult
from kldiv_cli.tasks.executors.threads import available_threads, in_order
from kldiv_cli.tasks.inspect import inspect
from kldiv_cli.tasks.verify import verify

RNG = np.random.default_rng(20261128)
S = 3 * RNG.normal(size=(30, 9))
T = S + 0.3 * RNG.normal(size=S.shape)
S[4] = T[4] = -np.inf
S[7, 2] = T[7, 2] = -np.inf
CLASSES = [1, 2, 6, 8]


NAMES = [name for name in LOSSES if name != "dkd"]
"""The losses that need no labels."""


def numbers(result: LossResult) -> list[str]:
    """All that a loss comes to, to the last bit; torch and mxnet make NaN of -inf."""
    found = (
        *(result.value, dict(result.components), result.reduction, result.denominator),
        *(result.reference_value, result.factor, result.rows, result.skipped, result.classes),
    )
    return list(map(repr, found))


def softmax(values: Any) -> Any:
    weights = np.exp(values - values.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


class TestClasses:
    @pytest.mark.parametrize("name", NAMES)
    def test_a_loss_is_that_of_files_of_these_classes(self, name: str) -> None:
        found = loss(name, S, T, classes=CLASSES)
        cut = loss(name, S[:, CLASSES], T[:, CLASSES])
        assert numbers(found) == numbers(cut)
        assert numbers(found) != numbers(loss(name, S, T))
        assert found.head.class_selection is not None
        assert found.head.class_selection.options == ("--classes",)
        assert found.head.class_selection.reference.of == 9

    @pytest.mark.parametrize("name", ["torch", "kd", "globalpointer"])
    def test_with_rows_masked_and_selected(self, name: str) -> None:
        mask = np.arange(30) % 3 != 0
        found = loss(name, S, T, classes=slice(2, 6), rows=slice(3, 20), mask=mask)
        cut = loss(name, S[3:20, 2:6], T[3:20, 2:6], mask=mask[3:20])
        assert numbers(found) == numbers(cut)

    def test_one_row(self) -> None:
        found = loss("torch", S[0], T[0], classes=slice(3), reduction="batchmean")
        assert numbers(found) == numbers(loss("torch", S[0, :3], T[0, :3], reduction="batchmean"))

    def test_probabilities_are_those_of_all_classes(self) -> None:
        p, q = softmax(S[:4]), softmax(T[:4])
        found = loss("kd", p, q, kind="probs", classes=CLASSES)
        cut = loss("kd", p[:, CLASSES], q[:, CLASSES], kind="probs", normalize=True)
        assert numbers(found) == numbers(cut)
        with pytest.raises(InputError, match="expected rows of probs that sum to 1"):
            loss("kd", p[:, CLASSES], q, kind="probs", truncate_classes=True)

    def test_what_is_left_out_is_measured_at_the_temperature_of_the_loss(self) -> None:
        selection = loss("kd", S[:4], T[:4], classes=CLASSES, temperature=4.0).head.class_selection
        assert selection is not None
        mass = 1 - softmax(S[:4] / 4)[:, CLASSES].sum(axis=1)
        assert selection.reference.mean == pytest.approx(mass.mean(), rel=1e-12)

    @pytest.mark.parametrize("name", NAMES)
    def test_what_one_side_lacks(self, name: str) -> None:
        found = loss(name, S, T[:, :6], truncate_classes=True)
        assert numbers(found) == numbers(loss(name, S[:, :6], T[:, :6]))
        with pytest.raises(InputError, match="expected the same shapes"):
            loss(name, S, T[:, :6])

    @pytest.mark.parametrize("said", [{"classes": CLASSES}, {"truncate_classes": True}])
    def test_labels_are_of_all_classes(self, said: Any) -> None:
        with pytest.raises(UsageError) as caught:
            loss("dkd", S, T, labels=np.zeros(30, int), **said)
        assert caught.value.what == (
            "--labels name classes of the whole file, and --classes and --truncate-classes leave "
            "some of them out"
        )

    @pytest.mark.parametrize("mode", ["softmax", "sigmoid"])
    def test_identities_are_those_of_these_classes(self, mode: Any) -> None:
        found = verify(S, T, classes=CLASSES, mode=mode)
        assert found.findings == verify(S[:, CLASSES], T[:, CLASSES], mode=mode).findings
        assert found.findings != verify(S, T, mode=mode).findings
        assert found.head.class_selection is not None

    def test_what_is_left_out_is_measured_at_the_temperature(self) -> None:
        selection = verify(S[:4], T[:4], classes=CLASSES, temperature=4.0).head.class_selection
        assert selection is not None
        mass = 1 - softmax(S[:4] / 4)[:, CLASSES].sum(axis=1)
        assert selection.reference.mean == pytest.approx(mass.mean(), rel=1e-12)


class TestMissing:
    @pytest.fixture
    def sides(self, tmp_path: Path) -> tuple[Path, Path]:
        """Rows a to f and c to h, the candidate's in another order."""
        paths = tmp_path / "s.csv", tmp_path / "t.csv"
        for path, values, ids in zip(paths, (S[8:], T[8:]), ("abcdef", "hgfedc"), strict=True):
            at = {name: values["abcdefgh".index(name)].tolist() for name in ids}
            lines = [",".join([name, *map(repr, row)]) for name, row in at.items()]
            path.write_text("\n".join(["id,a,b,c,d,e,f,g,h,i", *lines, ""]))
        return paths

    @pytest.mark.parametrize("name", NAMES)
    def test_a_loss_is_that_of_the_rows_in_common(
        self, name: str, sides: tuple[Path, Path]
    ) -> None:
        found = loss(name, *sides, on_missing="skip")
        assert numbers(found) == numbers(loss(name, S[10:14], T[10:14]))
        assert found.head.missing is not None
        assert (found.head.missing.only_reference, found.head.missing.only_candidate) == (2, 2)
        with pytest.raises(InputError, match="expected the same row ids"):
            loss(name, *sides)

    def test_identities_are_those_of_the_rows_in_common(self, sides: tuple[Path, Path]) -> None:
        found = verify(*sides, on_missing="skip")
        expected = verify(S[10:14], T[10:14])
        assert [x.residual for x in found.findings] == [x.residual for x in expected.findings]
        assert found.rows == 4
        with pytest.raises(InputError, match="expected the same row ids"):
            verify(*sides)


class TestThreads:
    @pytest.mark.parametrize("threads", [1, 2, 5])
    def test_as_many_as_are_said(self, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
        """The results are the same; see tests of the walk."""
        asked: list[int] = []

        def spy(work: Any, items: Any, threads: int) -> Any:
            asked.append(threads)
            return in_order(work, items, threads)

        monkeypatch.setattr("kldiv_cli.tasks.walk.in_order", spy)
        assert numbers(loss("kd", S, T, threads=threads)) == numbers(loss("kd", S, T))
        assert verify(S, T, threads=threads).holds
        assert inspect(S, threads=threads) == inspect(S)
        assert asked == [threads, available_threads(), threads, threads, available_threads()]
