"""The loop for losses: blocks, labels, class priors, invalid rows, tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import kldiv_cli
from kldiv_cli import LossResult, loss
from kldiv_cli.errors import InputError, KldivError, UsageError
from kldiv_cli.losses import LOSSES
from kldiv_cli.tasks import walk
from tests.losses.definitions import value_of
from tests.oracle import relative_error

Array = np.ndarray[Any, Any]
CLASSES = 6


@pytest.fixture
def sides() -> tuple[Array, Array]:
    source = np.random.default_rng(11)
    m = source.normal(0, 2, (60, CLASSES))
    return m, m + source.normal(0, 0.5, m.shape)


@pytest.fixture
def labels() -> Array:
    return np.arange(60) % CLASSES


def same(a: LossResult, b: LossResult) -> bool:
    numbers = ("value", "components", "denominator", "reference_value", "factor", "rows", "skipped")
    return all(getattr(a, name) == getattr(b, name) for name in numbers)


def refusal(call: Callable[[], object], kind: type[KldivError] = InputError) -> tuple[str, str]:
    with pytest.raises(kind) as error:
        call()
    assert error.value.exit_code == 2
    assert "\n" not in error.value.what + error.value.advice
    return error.value.what, error.value.advice


class TestBlocks:
    @pytest.mark.parametrize("rows", [1, 7, 59])
    @pytest.mark.parametrize("name", LOSSES)
    def test_blocks_can_be_cut_anywhere(
        self,
        name: str,
        rows: int,
        sides: tuple[Array, Array],
        labels: Array,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        m, n = sides
        m[5] = n[5] = -np.inf
        given = labels if name == "dkd" else None
        whole = loss(name, m, n, labels=given)
        monkeypatch.setattr(walk, "BLOCK_BYTES", rows * 8 * CLASSES)
        cut = loss(name, m, n, labels=given)
        assert same(whole, cut)
        assert (cut.rows, cut.skipped) == (59, 1)

    @pytest.mark.parametrize("rows", [1, 7, 59])
    def test_class_priors_too(
        self,
        rows: int,
        sides: tuple[Array, Array],
        labels: Array,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        whole = loss("gkl", *sides, labels=labels, class_prior=True, gamma=0.5)
        monkeypatch.setattr(walk, "BLOCK_BYTES", rows * 8 * CLASSES)
        cut = loss("gkl", *sides, labels=labels, class_prior=True, gamma=0.5)
        assert cut.value == whole.value

    def test_progress_is_told(self, sides: tuple[Array, Array]) -> None:
        told: list[tuple[int, int | None]] = []
        loss("vat", *sides, progress=lambda *x: told.append(x))
        assert told == [(60, 60)]

    def test_leading_axes_are_rows(self, sides: tuple[Array, Array]) -> None:
        flat = loss("kd", *sides, temperature=2.0)
        cube = loss("kd", *(x.reshape(3, 20, CLASSES) for x in sides), temperature=2.0)
        assert same(flat, cube)
        assert cube.reference.shape == (3, 20, CLASSES)

    def test_globalpointer_takes_the_first_axis_for_samples(
        self, sides: tuple[Array, Array]
    ) -> None:
        cubes = [x.reshape(3, 4, 5, CLASSES) for x in sides]
        result = loss("globalpointer", *cubes)
        assert (result.rows, result.classes, result.denominator, result.factor) == (3, 120, 3, 1)
        rows = loss("globalpointer", *cubes, row_axes=3)
        assert (rows.rows, rows.denominator, rows.factor) == (60, 3, 20)
        assert rows.value == pytest.approx(result.value, rel=1e-15)
        cells = loss("globalpointer", *cubes, reduction="cell")
        assert cells.denominator == 360
        assert cells.value == pytest.approx(result.value / 120, rel=1e-15)
        assert loss("globalpointer", *(x[0] for x in sides)).rows == 1

    @pytest.mark.parametrize(
        ("rows", "batch", "count"), [("5:45", 3, 40), (":20", 1, 20), ("20:41", 2, 21)]
    )
    def test_the_first_axis_of_a_selection(
        self, rows: str, batch: int, count: int, sides: tuple[Array, Array]
    ) -> None:
        cubes = [x.reshape(3, 20, CLASSES) for x in sides]
        result = loss("torch", *cubes, reduction="batchmean", rows=rows)
        assert (result.rows, result.denominator) == (count, batch)
        start, stop = (int(end or 0) for end in rows.split(":"))
        flat = loss("torch", *(x[start:stop] for x in sides), reduction="sum")
        assert result.value == flat.value / batch
        mask = np.ones(60)
        mask[20:] = 0
        masked = loss("torch", *cubes, reduction="batchmean", rows="5:45", mask=mask.reshape(3, 20))
        assert (masked.rows, masked.masked, masked.denominator) == (15, 25, 1)

    def test_samples_of_globalpointer_are_selected(self, sides: tuple[Array, Array]) -> None:
        cubes = [x.reshape(10, 2, 3, CLASSES) for x in sides]
        result = loss("globalpointer", *cubes, rows="2:5")
        assert result.value == loss("globalpointer", *(x[2:5] for x in cubes)).value
        assert (result.rows, result.denominator) == (3, 3)
        what, _ = refusal(lambda: loss("globalpointer", *cubes, rows=":11"))
        assert what == "reference array: expected rows :11 (--rows), found 10 rows"

    def test_a_file_is_read_no_further(self, sides: tuple[Array, Array], tmp_path: Path) -> None:
        lines = [",".join(map(repr, row)) for row in sides[0].tolist()]
        (tmp_path / "s.csv").write_text("\n".join(["a,b,c,d,e,f", *lines]) + "\n")
        (tmp_path / "t.csv").write_text("\n".join(["a,b,c,d,e,f", *lines[:30]]) + "\n")
        result = loss("kd", tmp_path / "s.csv", tmp_path / "t.csv", limit=30)
        assert (result.value, result.rows) == (0, 30)
        assert (result.reference.shape, result.candidate.shape) == ((None, 6), (None, 6))

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int8])
    def test_narrow_types_are_widened(self, dtype: type, sides: tuple[Array, Array]) -> None:
        narrow: list[Array] = [(x * 4).astype(dtype) for x in sides]
        wide = [x.astype(np.float64) for x in narrow]
        for name in ("mxnet", "dkl", "gkl"):
            assert same(loss(name, *narrow), loss(name, *wide))


class TestLabels:
    def test_from_array_file_and_column(
        self, sides: tuple[Array, Array], labels: Array, tmp_path: Path
    ) -> None:
        expected = loss("dkd", *sides, labels=labels)
        np.save(tmp_path / "labels.npy", labels.astype(np.int16).reshape(60, 1))
        assert same(loss("dkd", *sides, labels=tmp_path / "labels.npy"), expected)
        assert same(loss("dkd", *sides, labels=str(tmp_path / "labels.npy")), expected)
        assert same(loss("dkd", *sides, labels=labels.astype(float)), expected)

    @pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet"])
    @pytest.mark.parametrize("both", [False, True], ids=["in-one-table", "in-both"])
    def test_a_column_of_labels_is_no_class(
        self, suffix: str, both: bool, sides: tuple[Array, Array], labels: Array, tmp_path: Path
    ) -> None:
        paths = [tmp_path / f"{side}{suffix}" for side in ("reference", "candidate")]
        for path, side, labeled in zip(paths, sides, (True, both), strict=True):
            columns: dict[str, Any] = {"file": [f"f{i}" for i in range(60)]}
            columns |= {f"c{j}": side[:, j] for j in range(CLASSES)}
            write(path, columns | ({"label": labels} if labeled else {}))
        result = loss("dkd", *paths, labels="label")
        assert result.classes == CLASSES
        assert result.paired_by == "id"
        assert same(result, loss("dkd", *sides, labels=labels))
        names = [f"c{j}" for j in range(CLASSES)]
        assert same(loss("dkd", *paths, labels="label", columns=names), result)

    def test_follow_the_reference_where_rows_are_matched_by_id(
        self, sides: tuple[Array, Array], labels: Array, tmp_path: Path
    ) -> None:
        order = np.random.default_rng(0).permutation(60)
        paths = [tmp_path / "p.parquet", tmp_path / "q.parquet"]
        for path, side, rows in zip(paths, sides, (np.arange(60), order), strict=True):
            columns = {f"c{j}": side[rows, j] for j in range(CLASSES)}
            write(path, {"id": rows} | columns)
        assert same(loss("dkd", *paths, labels=labels), loss("dkd", *sides, labels=labels))

    @pytest.mark.parametrize(
        ("wrong", "what"),
        [
            (np.zeros(59, int), "labels: expected 60 labels, one per row, found 59"),
            (np.zeros(61, int), "labels: expected 60 labels, one per row, found 61"),
            (np.full(60, 6), "labels: row 0: expected a label from 0 to 5, found 6"),
            (
                np.r_[np.zeros(59, int), -1],
                "labels: row 59: expected a label from 0 to 5, found -1",
            ),
            (np.full(60, 0.5), "labels: row 0: expected an integer, found 0.5"),
            (np.full(60, np.nan), "labels: row 0: expected an integer, found nan"),
            (np.full(60, "a"), "labels: expected integers, found str32"),
        ],
    )
    def test_wrong_ones_are_named(
        self, wrong: Array, what: str, sides: tuple[Array, Array]
    ) -> None:
        assert refusal(lambda: loss("dkd", *sides, labels=wrong))[0] == what

    def test_a_wrong_file_is_named(
        self, sides: tuple[Array, Array], labels: Array, tmp_path: Path
    ) -> None:
        path = tmp_path / "labels.npy"
        np.save(path, labels[:5])
        what, _ = refusal(lambda: loss("dkd", *sides, labels=path))
        assert what == f"{path}: expected 60 labels, one per row, found 5"
        what, advice = refusal(lambda: loss("dkd", *sides, labels="truth"))
        assert what == (
            "reference array: expected a table with the column of labels 'truth', found an array"
        )
        assert ".npy" in advice
        what, _ = refusal(lambda: loss("dkd", *sides, labels=tmp_path / "none.npy"))
        assert what == f"{tmp_path / 'none.npy'}: expected a file, found nothing there"
        other = tmp_path / "labels.csv"
        write(other, {"label": labels})
        what, _ = refusal(lambda: loss("dkd", *sides, labels=other))
        assert what == f"{other}: expected labels in an .npy file, found csv"

    def test_a_missing_column_is_named(self, sides: tuple[Array, Array], tmp_path: Path) -> None:
        path = tmp_path / "p.csv"
        write(path, {f"c{j}": sides[0][:, j] for j in range(CLASSES)})
        what, _ = refusal(lambda: loss("dkd", path, path, labels="truth"))
        assert what.startswith(f"{path}: expected column 'truth', found 'c0'")

    def test_cannot_be_a_class(self, sides: tuple[Array, Array], tmp_path: Path) -> None:
        call = lambda: loss("dkd", *sides, labels="c", columns=["c", "d"])  # noqa: E731
        what, _ = refusal(call, UsageError)
        assert what == "--id, --columns and --drop are for tables, and neither input is one"
        path = tmp_path / "p.csv"
        write(path, {name: sides[0][:, i] for i, name in enumerate("abcd")})
        what, _ = refusal(lambda: loss("dkd", path, path, labels="c", columns=["c", "d"]))
        assert what == f"{path}: column 'c' cannot hold the labels and be a class"

    def test_nothing_but_labels_is_refused(self, labels: Array, tmp_path: Path) -> None:
        path = tmp_path / "p.parquet"
        write(path, {"label": labels})
        what, _ = refusal(lambda: loss("dkd", path, path, labels="label"))
        assert (
            what == f"{path}: expected one numeric column per class, found none (columns: 'label')"
        )

    @pytest.mark.parametrize(
        ("name", "options", "what"),
        [
            ("kd", {"labels": [0]}, "the loss kd does not take --labels"),
            ("dkl", {"labels": [0]}, "the loss dkl needs --labels for class priors only"),
            ("dkd", {}, "the loss dkd needs the true class of every row"),
            ("ikl", {"class_prior": True}, "the loss ikl needs the true class of every row"),
        ],
    )
    def test_are_asked_for_where_they_are_used(
        self, name: str, options: dict[str, Any], what: str, sides: tuple[Array, Array]
    ) -> None:
        assert refusal(lambda: loss(name, *sides, **options), UsageError)[0] == what


class TestClassPriors:
    def test_are_the_means_over_the_rows_of_a_class(
        self, sides: tuple[Array, Array], labels: Array
    ) -> None:
        for name, options in (
            ("dkl", {"temperature": 3.0}),
            ("ikl", {"weight_temperature": 5.0}),
            ("gkl", {"gamma": 0.3, "temperature": 2.0}),
        ):
            given: dict[str, Any] = {"class_prior": True, **options}
            result = loss(name, *sides, labels=labels, **given)
            true = value_of(name, *sides, given, labels.tolist())
            assert relative_error(result.value, true) < 2e-14

    def test_skipped_rows_are_in_no_prior(self, sides: tuple[Array, Array], labels: Array) -> None:
        m, n = sides
        kept = np.arange(60) != 7
        alone = loss("dkl", m[kept], n[kept], labels=labels[kept], class_prior=True)
        m[7] = n[7] = -np.inf
        assert same(loss("dkl", m[kept], n[kept], labels=labels[kept], class_prior=True), alone)
        result = loss("dkl", m, n, labels=labels, class_prior=True)
        assert result.value == pytest.approx(alone.value, rel=4e-16)

    def test_a_class_without_rows_is_named(self, sides: tuple[Array, Array], labels: Array) -> None:
        labels[labels == 3] = 2
        call = lambda: loss("gkl", *sides, labels=labels, class_prior=True)  # noqa: E731
        assert refusal(call)[0] == "labels: expected rows of every class, found none of class 3"
        labels[labels == 5] = 2
        assert refusal(call)[0].endswith("found none of class 3 (2 such classes in all)")

    def test_a_class_without_rows_is_named_by_its_column(
        self, sides: tuple[Array, Array], tmp_path: Path
    ) -> None:
        path = tmp_path / "p.csv"
        columns: dict[str, Any] = {f"c{j}": sides[0][:, j] for j in range(CLASSES)}
        write(path, columns | {"label": np.zeros(60, int)})
        call = lambda: loss("ikl", path, path, labels="label", class_prior=True)  # noqa: E731
        what, _ = refusal(call)
        assert what.startswith(f"{path}: column 'label': expected rows of every class, found none")
        assert "of class 'c1' (5 such classes in all)" in what


class TestRows:
    def test_an_invalid_row_is_an_error_that_names_it(self, sides: tuple[Array, Array]) -> None:
        m, n = sides
        n[4, 2] = np.nan
        what, advice = refusal(lambda: loss("vat", m, n))
        assert what == "candidate array: row 4, class 2: expected a finite logit or -inf, found NaN"
        assert "--nan-policy omit" in advice

    @pytest.mark.parametrize("name", LOSSES)
    def test_omit_leaves_it_out_of_sums_and_denominators(
        self, name: str, sides: tuple[Array, Array], labels: Array
    ) -> None:
        m, n = sides
        kept = np.arange(60) != 4
        given = labels if name == "dkd" else None
        alone = loss(name, m[kept], n[kept], labels=None if given is None else given[kept])
        n[4, 2] = np.nan
        result = loss(name, m, n, labels=given, nan_policy="omit")
        assert same(result, alone)
        assert (result.rows, result.invalid) == (59, 1)

    def test_propagate_makes_the_result_nan(self, sides: tuple[Array, Array]) -> None:
        m, n = sides
        n[4, 2] = np.nan
        result = loss("dkl", m, n, nan_policy="propagate")
        assert np.isnan([result.value, result.reference_value, *result.components.values()]).all()
        assert (result.rows, result.denominator, result.factor) == (60, 60, None)

    def test_nothing_to_count(self) -> None:
        out = np.full((3, 4), -np.inf)
        what, _ = refusal(lambda: loss("torch", out, out))
        assert what == (
            "reference array: expected rows to compare, found none that counts (3 skipped, nothing "
            "but -inf; 0 invalid)"
        )

    def test_shapes_must_agree(self) -> None:
        what, _ = refusal(lambda: loss("torch", np.zeros((3, 4)), np.zeros((3, 5))))
        assert "expected the same" in what

    def test_an_unknown_policy(self) -> None:
        what, _ = refusal(lambda: loss("vat", [0, 1], [0, 1], nan_policy="no"), UsageError)  # type: ignore[arg-type]
        assert what == "no nan policy is called 'no'"

    def test_columns_of_arrays(self) -> None:
        what, _ = refusal(lambda: loss("vat", [0, 1], [0, 1], columns=["a"]), UsageError)
        assert what == "--id, --columns and --drop are for tables, and neither input is one"


def write(path: Path, columns: dict[str, Any]) -> None:
    if path.suffix == ".parquet":
        pq.write_table(pa.table(columns), path)
        return
    delimiter = "\t" if path.suffix == ".tsv" else ","
    lines = [list(columns), *zip(*(map(str, c) for c in columns.values()), strict=True)]
    path.write_text("\n".join(delimiter.join(line) for line in lines) + "\n", encoding="utf-8")


def test_the_name_is_the_function_also_after_its_module_was_imported() -> None:
    import kldiv_cli.tasks.loss

    assert callable(kldiv_cli.loss)
    assert kldiv_cli.loss is loss


def test_the_example_of_the_documentation() -> None:
    result = kldiv_cli.loss("torch", [[2.0, 1.0, 0.0, -1.0]], [[1.5, 1.2, -0.3, 0.4]])
    line = f"{result.value:.12f} = {result.factor} * {result.reference_value:.12f}"
    assert line == "0.030419045721 = 0.25 * 0.121676182884"
    assert line in (loss.__doc__ or "")
