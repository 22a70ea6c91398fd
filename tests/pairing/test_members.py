"""Inputs of several files or arrays: which of them belong together, by name or by place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kldiv_cli import compare
from kldiv_cli.errors import InputError, UnclearError, UsageError
from kldiv_cli.pairing.members import align
from kldiv_cli.pairing.names import match
from kldiv_cli.results.comparison import Comparison
from kldiv_cli.results.members import PairedMembers
from kldiv_cli.results.selection import Missing
from kldiv_cli.sources.base import Layout, Member
from kldiv_cli.sources.formats.opening import open_source
from kldiv_cli.sources.stores.folders import stem_of
from kldiv_cli.tasks import options
from kldiv_cli.tasks.compare import opened
from kldiv_cli.tasks.loss import loss
from kldiv_cli.tasks.verify import verify

Array = npt.NDArray[Any]
ROWS = (5, 3, 4, 6, 2, 7)
"""How many rows each layer has."""
CLASSES = ("a", "b", "c", "d")
RNG = np.random.default_rng(3)
LAYERS = [RNG.normal(size=(rows, 4)).astype(np.float32) for rows in ROWS]
OTHERS = [layer + RNG.normal(size=layer.shape).astype(np.float32) / 9 for layer in LAYERS]


def npy(path: Path, values: Array) -> None:
    np.save(path.with_name(f"{path.name}.npy"), values)


def npz(path: Path, values: Array) -> None:
    np.savez_compressed(path.with_name(f"{path.name}.npz"), logits=values)


def csv(path: Path, values: Array) -> None:
    lines = [",".join(CLASSES), *(",".join(map(repr, row)) for row in values.tolist())]
    path.with_name(f"{path.name}.csv").write_text("\n".join(lines) + "\n")


def parquet(path: Path, values: Array) -> None:
    table = pa.table(dict(zip(CLASSES, values.T, strict=True)))
    pq.write_table(table, path.with_name(f"{path.name}.parquet"))


FORMATS: dict[str, Callable[[Path, Array], None]] = {
    "npy": npy,
    "npz": npz,
    "csv": csv,
    "parquet": parquet,
}


def save(folder: Path, parts: Mapping[str, Array], kind: str = "npy") -> Path:
    for name, values in parts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        FORMATS[kind](folder / name, values)
    return folder


def layers(
    parts: list[Array], numbers: range | list[int], name: str = "layer_{}"
) -> dict[str, Array]:
    return {name.format(number): parts[number] for number in numbers}


def shifted(folder: Path, kind: str = "npy", name: str = "layer_{}") -> tuple[Path, Path]:
    """Layers 0 to 4, against 1 to 5."""
    return (
        save(folder / "p", layers(LAYERS, range(5)), kind),
        save(folder / "q", layers(OTHERS, range(1, 6), name), kind),
    )


def right(numbers: range | list[int]) -> Comparison:
    """Compare the layers as arrays."""
    return compare(
        np.concatenate([LAYERS[i] for i in numbers]), np.concatenate([OTHERS[i] for i in numbers])
    )


def asked(*pair: Path, **said: Any) -> UnclearError:
    with pytest.raises(UnclearError) as caught:
        compare(*pair, **said)
    return caught.value


class TestNames:
    @pytest.mark.parametrize(
        ("ours", "theirs", "pairs"),
        [
            ("a b c", "a b c", [(0, 0), (1, 1), (2, 2)]),
            ("layer_1 layer_2", "layer_2 layer_3", [(1, 0)]),
            (
                "fp32-00001-of-00002 fp32-00002-of-00002",
                "int8-1-of-2 int8-2-of-2",
                [(0, 0), (1, 1)],
            ),
            ("fp32_enc fp32_dec", "INT8_Enc INT8_Dec", [(0, 0), (1, 1)]),
            ("x_9 x_10 x_11", "y_10 y_11 y_12", [(1, 0), (2, 1)]),
            ("layer_09 layer_10", "Layer_9 Layer_10", [(0, 0), (1, 1)]),
            ("a/x b/x", "b/x c/x", [(1, 0)]),
        ],
    )
    def test_those_that_mean_the_same(
        self, ours: str, theirs: str, pairs: list[tuple[int, int]]
    ) -> None:
        found = match(*([Member(x, x, 1) for x in names.split()] for names in (ours, theirs)))
        assert found is not None
        assert list(found.pairs) == pairs

    @pytest.mark.parametrize(
        ("ours", "theirs"), [("a b", "c d"), ("x", "y"), ("x_1", "y_1"), ("a_1 a_2", "b_3 b_4")]
    )
    def test_those_that_do_not(self, ours: str, theirs: str) -> None:
        assert match(*([Member(x, x, 1) for x in y.split()] for y in (ours, theirs))) is None

    def test_a_name_without_what_differs_within_it(self) -> None:
        """One name begins with the other: words of both sides are compared, and not letters."""
        ours = [Member(x, x, 1) for x in ("run", "run_2")]
        theirs = [Member(x, x, 1) for x in ("old_2", "old")]
        found = match(ours, theirs)
        assert found is not None
        assert found.pairs == ((0, 1), (1, 0))

    @pytest.mark.parametrize(
        ("name", "stem"),
        [
            ("a.npy", "a"),
            ("layer.3.csv.gz", "layer.3"),
            ("layer.3", "layer.3"),
            ("v1.2.npy", "v1.2"),
            ("d.x/.npy", "d.x/.npy"),
            ("logits.zst", "logits"),
        ],
    )
    def test_suffixes(self, name: str, stem: str) -> None:
        assert stem_of(name) == stem

    def test_below_the_folder_or_the_glob(self, tmp_path: Path) -> None:
        save(tmp_path / "run", {"a/x": LAYERS[0], "b/x": LAYERS[1]})
        for glob, names in (
            ("run/**/*.npy", ("a/x.npy", "b/x.npy")),
            ("run/*/x.npy", ("a/x.npy", "b/x.npy")),
            ("r*/?/x.npy", ("run/a/x.npy", "run/b/x.npy")),
            ("run/a", ("x.npy",)),
            ("run/a/", ("x.npy",)),
        ):
            source = open_source(f"{tmp_path}/{glob}", Layout())
            assert getattr(source, "member_names") == names  # noqa: B009


class TestQuestion:
    @pytest.mark.parametrize("kind", FORMATS)
    def test_names_on_one_side_only(self, tmp_path: Path, kind: str) -> None:
        p, q = shifted(tmp_path, kind)
        error = asked(p, q)
        assert error.what == (
            f"{q}: expected the files of {p}, found 1 only there ('layer_0.{kind}') and 1 only "
            f"here ('layer_5.{kind}') beside 4 that both have"
        )
        skip = "--on-missing skip compares the 4 files that both have, name by name"
        if kind == "csv":
            assert error.advice == f"{skip}; --by-place pairs all rows in the order of the files."
        else:
            assert error.advice == f"{skip}."

    def test_as_many_rows_on_both_sides(self, tmp_path: Path) -> None:
        parts = [np.ones((2, 3), np.float32)] * 4
        p = save(tmp_path / "p", layers(parts, [0, 1, 2]))
        q = save(tmp_path / "q", layers(parts, [1, 2, 3]))
        assert asked(p, q).advice.endswith("; --by-place pairs all rows in the order of the files.")
        assert compare(p, q, by_place=True).rows == 6

    def test_every_side_may_lack_some(self, tmp_path: Path) -> None:
        p = save(tmp_path / "p", layers(LAYERS, range(6)))
        q = save(tmp_path / "q", layers(OTHERS, [0, 1, 2, 4, 5]))
        assert "found 1 only there ('layer_3.npy') beside 5 that both have" in asked(p, q).what
        assert "found 1 only here ('layer_3.npy') beside 5 that both have" in asked(q, p).what

    def test_one_common_name_is_enough(self, tmp_path: Path) -> None:
        p = save(tmp_path / "p", {"extra": LAYERS[0], "logits": LAYERS[1]})
        q = save(tmp_path / "q", {"logits": OTHERS[1], "more": LAYERS[0]})
        assert asked(p, q).what.endswith("beside 1 that both have")
        found = compare(p, q, on_missing="skip")
        np.testing.assert_array_equal(found.values["jeffreys"], right([1]).values["jeffreys"])

    def test_many_names_are_listed_to_ten(self, tmp_path: Path) -> None:
        parts = {f"x{i}": LAYERS[0] for i in range(13)}
        p, q = save(tmp_path / "p", parts), save(tmp_path / "q", {"x0": LAYERS[0]})
        assert "'x10.npy', ... (12 in all)" in asked(p, q).what

    def test_names_that_differ_by_a_prefix(self, tmp_path: Path) -> None:
        p, q = shifted(tmp_path, name="int8_layer_{}")
        assert "only here ('int8_layer_5.npy') beside 4" in asked(p, q).what

    def test_verify_and_loss_ask_too(self, tmp_path: Path) -> None:
        pair = shifted(tmp_path)
        with pytest.raises(UnclearError):
            verify(*pair)
        with pytest.raises(UnclearError):
            loss("torch", *pair)
        assert verify(*pair, on_missing="skip").rows == 15
        assert loss("torch", *pair, on_missing="skip").value == pytest.approx(
            loss("torch", np.concatenate(LAYERS[1:5]), np.concatenate(OTHERS[1:5])).value,
            rel=1e-12,
        )

    def test_rows_of_files_with_one_name_decide(self, tmp_path: Path) -> None:
        p = save(tmp_path / "p", layers(LAYERS, [0, 1, 2]))
        short = [*OTHERS[:2], OTHERS[2][:-1]]
        q = save(tmp_path / "q", layers(short, [0, 1, 2]))
        with pytest.raises(InputError) as caught:
            compare(p, q)
        assert caught.value.what == (
            f"{q}: expected as many rows as {p} has, found 12 there and 11 here, of 'layer_2.npy' "
            "4 and 3"
        )


class TestSkip:
    @pytest.mark.parametrize("kind", FORMATS)
    @pytest.mark.parametrize("threads", [1, 3])
    def test_files_of_one_name_are_paired(self, tmp_path: Path, kind: str, threads: int) -> None:
        found = compare(*shifted(tmp_path, kind), on_missing="skip", threads=threads)
        expected = right(range(1, 5))
        np.testing.assert_array_equal(found.values["jeffreys"], expected.values["jeffreys"])
        assert found.missing == Missing(ROWS[0], ROWS[5])
        assert found.paired_members == PairedMembers(
            "name", ("file", "file"), (5, 5), (f"layer_0.{kind}",), (f"layer_5.{kind}",)
        )
        assert found.row_numbers is not None
        assert found.row_numbers.tolist() == list(range(5, 20))
        row = found.measures["jeffreys"].max_row
        assert row == expected.measures["jeffreys"].max_row + ROWS[0]

    @pytest.mark.parametrize("kind", FORMATS)
    @pytest.mark.parametrize("both", [[0, 2, 5], [0, 1, 2], [3, 4, 5], [4], [1, 3]], ids=str)
    def test_any_of_them(self, tmp_path: Path, kind: str, both: list[int]) -> None:
        p = save(tmp_path / "p", layers(LAYERS, range(6)), kind)
        q = save(tmp_path / "q", layers(OTHERS, both), kind)
        for pair in ((p, q), (q, p)):
            found = compare(*pair, on_missing="skip")
            np.testing.assert_allclose(
                found.values["jeffreys"], right(both).values["jeffreys"], rtol=1e-12
            )

    def test_nothing_is_missing(self, tmp_path: Path) -> None:
        p = save(tmp_path / "p", layers(LAYERS, range(3)))
        q = save(tmp_path / "q", layers(OTHERS, range(3)))
        found = compare(p, q, on_missing="skip")
        assert (found.missing, found.rows) == (Missing(0, 0), 12)

    def test_rows_that_are_paired_by_place_cannot_be_missing(self, tmp_path: Path) -> None:
        p = save(tmp_path / "p", {"a": LAYERS[0], "b": LAYERS[1]})
        q = save(tmp_path / "q", {"c": OTHERS[0], "d": OTHERS[1]})
        for said in ({}, {"by_place": True}):
            with pytest.raises(UsageError) as caught:
                compare(p, q, on_missing="skip", **said)  # type: ignore[arg-type]
            assert caught.value.what == (
                "--on-missing skip is for rows with ids and for files of one name with as many "
                "rows, and these files are paired by place"
            )

    @pytest.mark.parametrize("kind", ["npy", "csv"])
    @pytest.mark.parametrize(
        "said",
        [
            {"rows": "3:9"},
            {"rows": "5:"},
            {"rows": "-3:"},
            {"limit": 7},
            {"sample": 9, "seed": 2},
            {"rows": "2:18", "sample": 6},
        ],
        ids=str,
    )
    def test_some_rows_of_the_reference(
        self, tmp_path: Path, kind: str, said: dict[str, Any]
    ) -> None:
        """They are chosen among all rows of the reference, and those without partners left out."""
        whole = np.concatenate(LAYERS[:5]), np.concatenate([LAYERS[0], *OTHERS[1:5]])
        wanted = compare(*whole, **said)
        assert wanted.row_numbers is not None
        partnered = wanted.row_numbers >= ROWS[0]
        found = compare(*shifted(tmp_path, kind), on_missing="skip", **said)
        assert found.row_numbers is not None
        assert found.row_numbers.tolist() == wanted.row_numbers[partnered].tolist()
        np.testing.assert_array_equal(
            found.values["jeffreys"], wanted.values["jeffreys"][partnered]
        )
        assert found.missing == Missing(int((~partnered).sum()), 0)
        assert found.selection is not None

    def test_no_wanted_row_has_a_partner(self, tmp_path: Path) -> None:
        p, q = shifted(tmp_path)
        with pytest.raises(InputError) as caught:
            compare(p, q, on_missing="skip", limit=5)
        assert caught.value.what == (
            f"{p}: expected rows in files that {q} has too, found none of 5 there"
        )

    def test_ranges_of_rows_join_to_the_whole(self, tmp_path: Path) -> None:
        p = save(tmp_path / "p", layers(LAYERS, [0, 1, 3, 5]))
        q = save(tmp_path / "q", layers(OTHERS, [1, 2, 3, 4, 5]))
        job = opened(options.Compare(reference=p, candidate=q, on_missing="skip"))
        whole = job.finish(job.part())
        parts = [job.part(range(start, start + 4)) for start in range(0, 24, 4)]
        joined = job.finish(type(parts[0]).join(parts))
        np.testing.assert_array_equal(joined.values["jeffreys"], whole.values["jeffreys"])
        assert joined.top == whole.top
        assert joined.missing == whole.missing == Missing(ROWS[0], ROWS[2] + ROWS[4])

    def test_labels_masks_and_groups_are_of_the_reference(self, tmp_path: Path) -> None:
        pair = shifted(tmp_path)
        count = sum(ROWS[:5])
        labels, mask = np.arange(count) % 4, np.arange(count) % 3 > 0
        group = np.array([f"g{i % 2}" for i in range(count)])
        found = compare(*pair, on_missing="skip", labels=labels, mask=mask, group=group)
        kept = slice(ROWS[0], count)
        arrays = np.concatenate(LAYERS[1:5]), np.concatenate(OTHERS[1:5])
        expected = compare(*arrays, labels=labels[kept], mask=mask[kept], group=group[kept])
        assert found.language == expected.language
        assert found.measures["jeffreys"].values == expected.measures["jeffreys"].values
        assert found.groups is not None
        assert expected.groups is not None
        assert [x.rows for x in found.groups.each] == [x.rows for x in expected.groups.each]
        np.testing.assert_array_equal(found.tokens["label"], labels[kept])
        with pytest.raises(InputError, match=r"expected 20 labels, one per row, found 15"):
            compare(*pair, on_missing="skip", labels=labels[kept])

    def test_rows_along_several_axes(self, tmp_path: Path) -> None:
        parts = [RNG.normal(size=(2, 3, 4)) for _ in range(4)]
        others = [part + 0.1 for part in parts]
        p = save(tmp_path / "p", layers(parts, [0, 1, 2]))
        q = save(tmp_path / "q", layers(others, [1, 2, 3]))
        found = compare(p, q, on_missing="skip")
        assert (found.rows, found.numbered_shape) == (12, (6, 3))
        assert found.row_numbers is not None
        assert found.row_numbers[0] == 6

    def test_an_invalid_row_is_named_on_its_own_side(self, tmp_path: Path) -> None:
        bad = [x.copy() for x in OTHERS]
        bad[2][1, 3] = np.nan
        p = save(tmp_path / "p", layers(LAYERS, range(5)))
        q = save(tmp_path / "q", layers(bad, range(1, 6)))
        with pytest.raises(InputError) as caught:
            compare(p, q, on_missing="skip")
        assert caught.value.what == (
            f"{q}: row 9, row 1 of {q}/layer_2.npy, class 3: expected a finite logit or -inf, "
            "found NaN"
        )

    def test_a_text_file_that_is_left_out_is_not_compared(self, tmp_path: Path) -> None:
        found = compare(*shifted(tmp_path, "csv"), on_missing="skip")
        assert found.reference.shape == (sum(ROWS[:5]), 4)


class TestMask:
    @pytest.fixture
    def masks(self, tmp_path: Path) -> Path:
        """A mask for each of the layers 1 to 5."""
        parts = [RNG.random(layer.shape) < 0.7 for layer in LAYERS]
        return save(tmp_path / "m", layers(parts, range(1, 6)))

    def test_its_files_are_those_of_the_reference(self, tmp_path: Path) -> None:
        parts = [np.ones((4, 3), np.float32)] * 3
        p = save(tmp_path / "a", layers(parts, [0, 1, 2]))
        m = save(tmp_path / "b", layers([part > 0 for part in parts] * 2, [1, 2, 3]))
        error = asked(p, p, mask=m)
        assert error.what == (
            f"{m}: expected the files of {p}, found 1 only there ('layer_0.npy') and 1 only here "
            "('layer_3.npy') beside 2 that both have"
        )
        assert error.advice == (
            "Say --by-place to take the mask in the order of its files, or give these the names of "
            "the reference's."
        )
        for candidate in (p, np.concatenate(parts)):
            assert compare(p, candidate, mask=m, by_place=True).rows == 12

    def test_it_is_of_all_rows_of_the_reference(self, tmp_path: Path, masks: Path) -> None:
        """Those of layer 5 have no partner, and the mask has them."""
        p = save(tmp_path / "p", layers(LAYERS, range(1, 6)))
        q = save(tmp_path / "q", layers(OTHERS, range(5)))
        found = compare(p, q, mask=masks, on_missing="skip")
        mask = np.concatenate([np.load(masks / f"layer_{i}.npy") for i in range(1, 5)])
        arrays = np.concatenate(LAYERS[1:5]), np.concatenate(OTHERS[1:5])
        np.testing.assert_array_equal(
            found.values["jeffreys"], compare(*arrays, mask=mask).values["jeffreys"]
        )

    def test_a_wrong_cell_is_named_in_its_file(self, tmp_path: Path) -> None:
        p = save(tmp_path / "p", layers(LAYERS, [0, 1]))
        mask = [np.ones(layer.shape) for layer in LAYERS]
        mask[1][2, 3] = 7
        m = save(tmp_path / "m", layers(mask, [0, 1]))
        with pytest.raises(InputError) as caught:
            compare(p, p, mask=m)
        assert caught.value.what == (
            f"{m}: cell [7, 3], row 2 of {m}/layer_1.npy: expected 0 or 1, found 7"
        )

    def test_its_files_in_another_order(self, tmp_path: Path) -> None:
        mask = [np.arange(5 * 4).reshape(5, 4) % 3 > 0, np.arange(3 * 4).reshape(3, 4) % 2 > 0]
        p = save(tmp_path / "p", {"a": LAYERS[0], "a.n": LAYERS[1]})
        m = save(tmp_path / "m", {"a": mask[0] * 1, "a.n": mask[1] * 1}, "csv")
        found = compare(p, p, mask=m)
        expected = compare(
            np.concatenate([LAYERS[1], LAYERS[0]]),
            np.concatenate([LAYERS[1], LAYERS[0]]),
            mask=np.concatenate([mask[1], mask[0]]),
        )
        assert found.mask is not None
        assert expected.mask is not None
        assert found.mask.cells == expected.mask.cells == int((~mask[0]).sum() + (~mask[1]).sum())


class TestLabels:
    """Labels in a folder of tables, one for each file of the reference."""

    @pytest.fixture
    def sides(self, tmp_path: Path) -> tuple[Path, Path]:
        parts = [np.ones((4, 3), np.float32) * [1, 2, 4]] * 3
        others = [part + np.array([0.5, 0.3, 0.2], np.float32) for part in parts]
        return (
            save(tmp_path / "p", layers(parts, [0, 1, 2])),
            save(tmp_path / "q", layers(others, [0, 1, 2])),
        )

    def tables(self, folder: Path, numbers: range) -> str:
        folder.mkdir()
        for i in numbers:
            columns = {"y": [i % 3] * 4, "lang": [f"l{i}"] * 4}
            pq.write_table(pa.table(columns), folder / f"layer_{i}.parquet")
        return str(folder)

    @pytest.mark.parametrize(("option", "key"), [("labels", "y"), ("group", "lang")])
    def test_their_files_are_those_of_the_reference(
        self, tmp_path: Path, sides: tuple[Path, Path], option: str, key: str
    ) -> None:
        right = f"{self.tables(tmp_path / 'right', range(3))}:{key}"
        wrong = f"{self.tables(tmp_path / 'wrong', range(1, 4))}:{key}"
        fitting: Any = {option: right}
        shifted: Any = {option: wrong}
        assert compare(*sides, **fitting).rows == 12
        error = asked(*sides, **shifted)
        assert "only there ('layer_0.npy') and 1 only here ('layer_3.parquet')" in error.what
        assert error.advice.startswith("Say --by-place to take the labels in the order of its")
        found = compare(*sides, by_place=True, **shifted)
        if option == "labels":
            assert found.tokens["label"].tolist() == [1] * 4 + [2] * 4 + [0] * 4
            with pytest.raises(UnclearError):
                loss("dkd", *sides, labels=wrong)
        else:
            assert found.groups is not None
            assert [group.name for group in found.groups.each] == ["l1", "l2", "l3"]

    @pytest.mark.parametrize("lengths", [(4, 4, 4), (2, 7, 3)])
    def test_a_number_for_each_row(self, tmp_path: Path, lengths: tuple[int, ...]) -> None:
        """Files of one axis beside files of two, all of one length or not."""
        rng = np.random.default_rng(5)
        places = range(len(lengths))
        parts = [rng.normal(size=(rows, 5)) for rows in lengths]
        others = [part + rng.normal(size=part.shape) / 5 for part in parts]
        labels = [rng.integers(0, 5, size=rows) for rows in lengths]
        kept = [np.arange(rows) % 2 == 0 for rows in lengths]
        sides = (
            save(tmp_path / "p", layers(parts, places)),
            save(tmp_path / "q", layers(others, places)),
        )
        beside: Any = {
            "labels": str(save(tmp_path / "y", layers(labels, places)) / "*.npy"),
            "mask": str(save(tmp_path / "mask", layers(kept, places))),
        }
        found = compare(*sides, **beside)
        expected = compare(
            np.concatenate(parts),
            np.concatenate(others),
            labels=np.concatenate(labels),
            mask=np.concatenate(kept),
        )
        np.testing.assert_array_equal(found.values["jeffreys"], expected.values["jeffreys"])
        np.testing.assert_array_equal(found.tokens["label"], expected.tokens["label"])
        assert found.rows == sum(-(-rows // 2) for rows in lengths)


class TestPlace:
    @pytest.mark.parametrize("kind", FORMATS)
    def test_the_same_rows_cut_otherwise(self, tmp_path: Path, kind: str) -> None:
        p = save(tmp_path / "p", layers(LAYERS, range(6)), kind)
        whole = np.concatenate(OTHERS)
        q = save(tmp_path / "q", {"layer_0": whole[:9], "layer_1": whole[9:]}, kind)
        found = compare(p, q)
        np.testing.assert_array_equal(found.values["jeffreys"], right(range(6)).values["jeffreys"])
        assert found.paired_members == PairedMembers("place", ("file", "file"), (6, 2))

    @pytest.mark.parametrize("kind", FORMATS)
    def test_the_same_names_and_other_cuts(self, tmp_path: Path, kind: str) -> None:
        p = save(tmp_path / "p", layers(LAYERS, range(2)), kind)
        whole = np.concatenate(OTHERS[:2])
        q = save(tmp_path / "q", {"layer_0": whole[:1], "layer_1": whole[1:]}, kind)
        found = compare(p, q)
        assert found.paired_members == PairedMembers("place", ("file", "file"), (2, 2))
        np.testing.assert_array_equal(found.values["jeffreys"], right(range(2)).values["jeffreys"])

    def test_no_name_in_common(self, tmp_path: Path) -> None:
        p = save(tmp_path / "p", layers(LAYERS, range(2), "a_{}"))
        q = save(tmp_path / "q", layers(OTHERS, range(2), "b_{}"))
        found = compare(p, q)
        assert found.paired_members == PairedMembers("place", ("file", "file"), (2, 2))
        assert found.rows == 8

    def test_it_is_for_several_files(self, tmp_path: Path) -> None:
        p, _ = shifted(tmp_path)
        with pytest.raises(UsageError) as caught:
            compare(p, np.concatenate(OTHERS[1:6]), by_place=True)
        assert caught.value.what == (
            "--by-place is for two inputs of several files or arrays, and one of these is a single "
            "one"
        )

    def test_one_file_against_many_is_paired_by_position(self, tmp_path: Path) -> None:
        p, _ = shifted(tmp_path)
        found = compare(p, np.concatenate(OTHERS[:5]))
        assert found.paired_members is None
        np.testing.assert_array_equal(found.values["jeffreys"], right(range(5)).values["jeffreys"])


class TestName:
    @pytest.mark.parametrize(("ours", "theirs"), [("npy", "npz"), ("csv", "parquet")])
    def test_suffixes_say_nothing(self, tmp_path: Path, ours: str, theirs: str) -> None:
        p = save(tmp_path / "p", layers(LAYERS, range(3)), ours)
        q = save(tmp_path / "q", layers(OTHERS, range(3)), theirs)
        found = compare(p, q)
        assert found.paired_members == PairedMembers("name", ("file", "file"), (3, 3))
        (tmp_path / "q" / f"layer_0.{theirs}").unlink()
        assert f"only there ('layer_0.{ours}')" in asked(p, q).what

    def test_names_in_another_order(self, tmp_path: Path) -> None:
        """``a.n.npy`` stands before ``a.npy``, and ``a.n.csv`` behind ``a.csv``."""
        p = save(tmp_path / "p", {"a": LAYERS[0], "a.n": LAYERS[1]}, "npy")
        q = save(tmp_path / "q", {"a": OTHERS[0], "a.n": OTHERS[1]}, "csv")
        assert open_source(p, Layout()).place_of(0) == f"row 0 of {p}/a.n.npy"
        found, expected = compare(p, q), right([1, 0])
        np.testing.assert_allclose(
            found.values["jeffreys"], expected.values["jeffreys"], rtol=1e-12
        )
        np.testing.assert_allclose(
            compare(q, p).values["jeffreys"],
            compare(np.concatenate(OTHERS[:2]), np.concatenate(LAYERS[:2])).values["jeffreys"],
            rtol=1e-12,
        )

    def test_a_way_that_finds_more_pairs_comes_first(self, tmp_path: Path) -> None:
        p = save(tmp_path / "p", {"a": LAYERS[0], "b": LAYERS[1], "z": LAYERS[2]})
        q = save(tmp_path / "q", {"A": OTHERS[0], "B": OTHERS[1], "z": OTHERS[2]})
        assert compare(p, q).rows == 12

    def test_ids_decide_alone(self, tmp_path: Path) -> None:
        def with_ids(folder: Path, parts: list[Array], numbers: range) -> Path:
            folder.mkdir()
            for i in numbers:
                columns = {"id": [f"{i}-{row}" for row in range(len(parts[i]))]}
                columns |= dict(zip(CLASSES, parts[i].T, strict=True))
                pq.write_table(pa.table(columns), folder / f"layer_{i}.parquet")
            return folder

        p = with_ids(tmp_path / "p", LAYERS, range(5))
        q = with_ids(tmp_path / "q", OTHERS, range(1, 6))
        with pytest.raises(InputError, match="expected the same row ids"):
            compare(p, q)
        found = compare(p, q, on_missing="skip")
        assert (found.missing, found.paired_members) == (Missing(5, 7), None)
        np.testing.assert_array_equal(
            found.values["jeffreys"], right(range(1, 5)).values["jeffreys"]
        )
        with pytest.raises(UsageError, match="and these rows are paired by id"):
            compare(p, q, by_place=True)

    @pytest.mark.parametrize("said", [{"limit": 8}, {"rows": "2:8"}], ids=str)
    @pytest.mark.parametrize("kind", ["npy", "csv"])
    def test_rows_of_files_that_stand_first_on_both_sides(
        self, tmp_path: Path, kind: str, said: dict[str, Any]
    ) -> None:
        p = save(tmp_path / "p", layers(LAYERS, range(6)), kind)
        q = save(tmp_path / "q", layers(OTHERS, [0, 1, 3]), kind)
        found = compare(p, q, **said)
        expected = compare(np.concatenate(LAYERS[:2]), np.concatenate(OTHERS[:2]), **said)
        np.testing.assert_allclose(
            found.values["jeffreys"], expected.values["jeffreys"], rtol=1e-12
        )
        asked(p, q, limit=9)


class TestArrays:
    def archives(self, folder: Path, ours: list[int], theirs: list[int]) -> tuple[Path, Path]:
        pair = folder / "p.npz", folder / "q.npz"
        for path, parts, numbers in zip(pair, (LAYERS, OTHERS), (ours, theirs), strict=True):
            np.savez(path, **layers(parts, numbers, "arr_{}"))  # type: ignore[arg-type]
        return pair

    def test_arrays_on_one_side_only(self, tmp_path: Path) -> None:
        p, q = self.archives(tmp_path, [0, 1, 2], [1, 2, 3])
        assert asked(p, q, key="arr_*").what == (
            f"{q}: expected the arrays of {p}, found 1 only there ('arr_0') and 1 only here "
            "('arr_3') beside 2 that both have"
        )
        found = compare(p, q, key="arr_*", on_missing="skip")
        np.testing.assert_array_equal(found.values["jeffreys"], right([1, 2]).values["jeffreys"])
        assert found.paired_members == PairedMembers(
            "name", ("array", "array"), (3, 3), ("arr_0",), ("arr_3",)
        )

    def test_arrays_in_folders_of_files(self, tmp_path: Path) -> None:
        for side, parts, numbers in (("p", LAYERS, [0, 1, 2]), ("q", OTHERS, [1, 2, 3])):
            (tmp_path / side).mkdir()
            for name in ("x", "y"):
                arrays = layers(parts, numbers, "arr_{}")
                np.savez(tmp_path / side / f"{name}.npz", **arrays)  # type: ignore[arg-type]
        pair = tmp_path / "p", tmp_path / "q"
        assert "2 only there ('x.npz: arr_0', 'y.npz: arr_0')" in asked(*pair, key="arr_*").what
        found = compare(*pair, key="arr_*", on_missing="skip")
        expected = right([1, 2]).values["jeffreys"]
        np.testing.assert_array_equal(found.values["jeffreys"], np.tile(expected, 2))
        assert found.members is not None
        assert found.members.place(12) == ("y.npz", 0)

    def test_arrays_against_files(self, tmp_path: Path) -> None:
        p, _ = self.archives(tmp_path, [0, 1], [])
        q = save(tmp_path / "q", layers(OTHERS, [0, 1], "arr_{}"))
        found = compare(p, q, key="arr_*")
        assert found.paired_members == PairedMembers("name", ("array", "file"), (2, 2))


class TestMany:
    def test_names_are_matched_in_a_time_that_grows_with_their_number(self) -> None:
        """Of 20,000 files; all pairs of names are 400 million."""
        ours = [Member(f"a/{i}.npy", f"a/{i}", 1) for i in range(20_000)]
        theirs = [Member(f"b/{i}.npz", f"b/{i}", 1) for i in range(1, 20_001)]
        found = match(ours, theirs)
        assert found is not None
        assert len(found.pairs) == 19_999

    def test_no_file_is_opened_to_pair_arrays(self, tmp_path: Path) -> None:
        p, q = shifted(tmp_path)
        left, other = open_source(p, Layout()), open_source(q, Layout())
        for path in (*p.iterdir(), *q.iterdir()):
            path.unlink()
        found = align(left, other, skip=True, by_place=False, wanted=None)
        assert found.aligned is not None
        assert len(found.aligned.only[0]) == 1
