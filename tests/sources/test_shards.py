"""Many files as one input: which ones, in which order, and whether they belong together."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kldiv_cli import compare
from kldiv_cli.errors import InputError
from kldiv_cli.sources.base import Layout, Shards, Source
from kldiv_cli.sources.formats.opening import files_of, open_source
from kldiv_cli.sources.views.choice import Chosen
from kldiv_cli.sources.views.selected import Selected
from kldiv_cli.tasks.inspect import inspect
from kldiv_cli.tasks.loss import loss
from kldiv_cli.tasks.verify import verify

Array = npt.NDArray[Any]
LOGITS = np.random.default_rng(5).normal(size=(23, 4)).astype(np.float32)
OTHER = LOGITS + np.random.default_rng(6).normal(size=LOGITS.shape).astype(np.float32) / 9
NAMES = ("a", "b", "c", "d")
CUTS = (0, 7, 8, 20, 23)


def npy(path: Path, values: Array, _: int = 0) -> None:
    np.save(path.with_suffix(".npy"), values)


def npz(path: Path, values: Array, _: int = 0) -> None:
    np.savez_compressed(path.with_suffix(".npz"), logits=values)


def csv(path: Path, values: Array, start: int = 0) -> None:
    rows = [f"r{start + i}," + ",".join(map(repr, row)) for i, row in enumerate(values.tolist())]
    path.with_suffix(".csv").write_text("\n".join([",".join(("name", *NAMES)), *rows]) + "\n")


def parquet(path: Path, values: Array, start: int = 0) -> None:
    columns: dict[str, Any] = {"name": [f"r{start + i}" for i in range(len(values))]}
    columns |= dict(zip(NAMES, values.T, strict=True))
    names = list(columns)[:: -1 if start else 1]  # all but the first file backwards
    pq.write_table(pa.table({name: columns[name] for name in names}), path.with_suffix(".parquet"))


Write = Callable[..., None]
FORMATS: dict[str, Write] = {"npy": npy, "npz": npz, "csv": csv, "parquet": parquet}


def shard(folder: Path, values: Array, write: Write = npy, cuts: Sequence[int] = CUTS) -> Path:
    folder.mkdir()
    for i, (start, stop) in enumerate(pairwise(cuts)):
        write(folder / f"part-{i * 5}", values[start:stop], start)
    return folder


def rows_of(source: Source, rows: int = 3) -> Array:
    return np.concatenate([block.values for block in source.blocks(rows)])


def complaint(path: object, **layout: Any) -> tuple[str, str]:
    with pytest.raises(InputError) as caught:
        rows_of(open_source(str(path), Layout(**layout)))
    return caught.value.what, caught.value.advice


class TestFiles:
    def test_numbers_in_names_count_as_numbers(self, tmp_path: Path) -> None:
        names = [
            "a-2.npy",
            "a-10.npy",
            "a-10b.npy",
            "a-010.npy",
            "a.npy",
            "a-1-9.npy",
            "a-1-10.npy",
        ]
        for name in names:
            (tmp_path / name).touch()
        assert [Path(name).name for name in files_of(str(tmp_path))] == [
            *("a-1-9.npy", "a-1-10.npy", "a-2.npy", "a-010.npy", "a-10.npy", "a-10b.npy", "a.npy")
        ]

    def test_folders_are_ordered_by_their_numbers_too(self, tmp_path: Path) -> None:
        for step in (10, 9):
            (tmp_path / f"step{step}").mkdir()
            for part in (2, 11):
                (tmp_path / f"step{step}" / f"{part}.npy").touch()
        found = files_of(f"{tmp_path}/**/*.npy")
        assert [str(Path(name).relative_to(tmp_path)) for name in found] == [
            *("step9/2.npy", "step9/11.npy", "step10/2.npy", "step10/11.npy")
        ]

    def test_a_file_is_one_whatever_its_name(self, tmp_path: Path) -> None:
        path = tmp_path / "a[0-9]*.npy"
        np.save(path, LOGITS)
        np.save(tmp_path / "a1.npy", LOGITS)
        assert files_of(str(path)) == (str(path),)
        assert open_source(path, Layout()).shards is None

    def test_a_directory_of_such_a_name_is_one(self, tmp_path: Path) -> None:
        folder = shard(tmp_path / "a[1]", LOGITS)
        assert open_source(folder, Layout()).shards == Shards(4)

    def test_hidden_files_are_left_out_and_told(self, tmp_path: Path) -> None:
        folder = shard(tmp_path / "p", LOGITS)
        (folder / "_SUCCESS").touch()
        (folder / ".part-0.npy.crc").touch()
        (folder / "_temporary").mkdir()
        source = open_source(folder, Layout())
        assert source.shards == Shards(4, (".part-0.npy.crc", "_SUCCESS", "_temporary"))
        np.testing.assert_array_equal(rows_of(source), LOGITS)

    def test_a_glob_takes_what_it_names(self, tmp_path: Path) -> None:
        folder = shard(tmp_path / "p", LOGITS)
        (folder / "README.md").touch()
        assert open_source(f"{folder}/part-?.npy", Layout()).shards == Shards(2)

    def test_an_empty_directory(self, tmp_path: Path) -> None:
        assert complaint(tmp_path) == (
            f"{tmp_path}: expected files of logits, found a directory without any",
            "Check the path.",
        )

    def test_a_directory_of_hidden_files(self, tmp_path: Path) -> None:
        (tmp_path / "_SUCCESS").touch()
        assert complaint(tmp_path)[0] == (
            f"{tmp_path}: expected files of logits, found a directory without any but '_SUCCESS'"
        )

    @pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
    def test_links_that_lead_back_give_no_file_twice(self, tmp_path: Path) -> None:
        (tmp_path / "a" / "b").mkdir(parents=True)
        for name in ("a/1.npy", "a/b/2.npy"):
            np.save(tmp_path / name, LOGITS)
        (tmp_path / "a" / "b" / "up").symlink_to("..")
        (tmp_path / "a" / "here").symlink_to(".")
        (tmp_path / "link").symlink_to("a")
        (tmp_path / "about").write_text("no folder")
        every = tuple(f"{tmp_path}/a/{name}" for name in ("1.npy", "b/2.npy"))
        assert files_of(f"{tmp_path}/a*/**/*.npy") == every
        for start in ("a", "link", "a/b/up/here"):
            expected = tuple(f"{tmp_path}/{start}/{name}" for name in ("1.npy", "b/2.npy"))
            assert files_of(f"{tmp_path}/{start}/**/*.npy") == expected

    def test_a_glob_without_a_match(self, tmp_path: Path) -> None:
        assert complaint(tmp_path / "x*.npy")[0] == (
            f"{tmp_path}/x*.npy: expected files of logits, found nothing there, and none that it "
            "matches as a glob"
        )

    @pytest.mark.parametrize("glob", ["", "/*"])
    def test_a_folder_among_them(self, tmp_path: Path, glob: str) -> None:
        folder = shard(tmp_path / "p", LOGITS)
        (folder / "more").mkdir()
        what, advice = complaint(f"{folder}{glob}")
        assert what == (
            f"{folder}{glob}: expected files of logits, found the directory {folder}/more among "
            "them"
        )
        assert advice == (
            f"Name the files that belong together by a quoted glob, as in '{folder}/**/*.npy'."
        )

    def test_a_foreign_file_among_them(self, tmp_path: Path) -> None:
        folder = shard(tmp_path / "p", LOGITS)
        (folder / "README.md").write_text("# Logits")
        what, advice = complaint(folder)
        assert what.startswith(f"{folder}/README.md: expected logits that content or suffix tells")
        assert what.endswith("found text with suffix '.md'")
        assert advice == (
            f"Name the files that belong together by a quoted glob, as in '{folder}/*.npy'."
        )

    def test_a_broken_link(self, tmp_path: Path) -> None:
        folder = shard(tmp_path / "p", LOGITS)
        (folder / "part-7.npy").symlink_to("nowhere")
        what = f"{folder}/part-7.npy: expected a file, found a link to nowhere, where nothing is"
        assert complaint(folder)[0] == what
        assert complaint(folder / "part-7.npy") == (what, "Mend the link, or remove it.")

    @pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
    @pytest.mark.parametrize("as_uri", [False, True], ids=["path", "uri"])
    def test_a_file_under_two_names(self, tmp_path: Path, as_uri: bool) -> None:
        """Its rows would count twice."""
        folder = shard(tmp_path / "p", LOGITS)
        root = folder.as_uri() if as_uri else str(folder)
        (folder / "part-7.npy").symlink_to("part-5.npy")
        what, advice = complaint(root)
        assert what == (
            f"{root}: expected every file once, found {root}/part-5.npy and {root}/part-7.npy, "
            "which are the same one"
        )
        assert advice == "Remove the link, or name the files that belong together by a quoted glob."
        assert files_of(f"{root}/part-[05].npy") == (f"{folder}/part-0.npy", f"{folder}/part-5.npy")

    @pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
    def test_a_folder_under_two_names(self, tmp_path: Path) -> None:
        shard(tmp_path / "p", LOGITS)
        (tmp_path / "q").symlink_to("p")
        assert complaint(tmp_path / "*" / "*.npy")[0] == (
            f"{tmp_path}/*/*.npy: expected every file once, found {tmp_path}/p/part-0.npy and "
            f"{tmp_path}/q/part-0.npy, which are the same one"
        )
        assert complaint(f"{tmp_path}/**/*.npy")[0].startswith(f"{tmp_path}/**/*.npy: expected ev")

    @pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
    def test_links_to_different_files_are_files(self, tmp_path: Path) -> None:
        """As the cache of a hub lays them out."""
        folder = shard(tmp_path / "p", LOGITS)
        (tmp_path / "q").mkdir()
        for i, path in enumerate(sorted(folder.iterdir())):
            (tmp_path / "q" / f"{i}.npy").symlink_to(path)
        assert open_source(tmp_path / "q", Layout()).shape == (23, 4)


class TestRows:
    @pytest.mark.parametrize("name", FORMATS)
    def test_they_are_those_of_one_file(self, tmp_path: Path, name: str) -> None:
        source = open_source(shard(tmp_path / "p", LOGITS, FORMATS[name]), Layout())
        assert (source.path, source.format) == (str(tmp_path / "p"), name)
        assert source.shape == (None if name == "csv" else 23, 4)
        assert source.rows_expected == (28 if name == "csv" else 23)
        for rows in (1, 5, 100):
            np.testing.assert_array_equal(rows_of(source, rows).astype(np.float32), LOGITS)

    @pytest.mark.parametrize("shape", [(23, 2, 2), (23, 1, 4)])
    @pytest.mark.parametrize("row_axes", [1, 2])
    def test_more_axes(self, tmp_path: Path, shape: tuple[int, ...], row_axes: int) -> None:
        array = LOGITS.reshape(shape)
        source = open_source(shard(tmp_path / "p", array), Layout(row_axes=row_axes))
        assert source.shape == shape
        assert (source.row_shape, source.class_shape) == (shape[:row_axes], shape[row_axes:])
        np.testing.assert_array_equal(rows_of(source).ravel(), LOGITS.ravel())

    def test_files_of_one_row_are_stacked(self, tmp_path: Path) -> None:
        def one_row(path: Path, values: Array, _: int) -> None:
            npy(path, values[0])

        source = open_source(shard(tmp_path / "p", LOGITS, one_row, range(24)), Layout())
        assert (source.shape, source.row_shape, source.class_shape) == ((23, 4), (23,), (4,))
        np.testing.assert_array_equal(rows_of(source), LOGITS)

    def test_files_of_either_order_and_either_byte_order(self, tmp_path: Path) -> None:
        def either(path: Path, values: Array, start: int) -> None:
            npy(path, np.asfortranarray(values) if start == 7 else values.astype(">f4"))

        source = open_source(shard(tmp_path / "p", LOGITS, either), Layout())
        np.testing.assert_array_equal(rows_of(source), LOGITS)

    def test_classes_are_matched_by_name(self, tmp_path: Path) -> None:
        source = open_source(shard(tmp_path / "p", LOGITS, parquet), Layout())
        assert (source.class_names, source.id_name) == (NAMES, "name")
        blocks = list(source.blocks(5, ("d", "a", "b", "c")))
        np.testing.assert_array_equal(
            np.concatenate([block.values for block in blocks]), LOGITS[:, [3, 0, 1, 2]]
        )
        ids = np.concatenate([block.ids for block in blocks if block.ids is not None])
        assert ids.tolist() == [f"r{i}" for i in range(23)]

    def test_one_file_is_mapped_at_a_time(self, tmp_path: Path) -> None:
        folder = shard(tmp_path / "p", np.repeat(LOGITS, 20, axis=0), cuts=range(0, 461, 2))
        most = 0
        source = open_source(folder, Layout())
        for _ in source.blocks(1):
            maps = Path("/proc/self/maps").read_text()
            most = max(most, len(set(re.findall(rf"{re.escape(str(folder))}/\S+", maps))))
        assert 1 <= most <= 3

    def test_a_file_that_grew_since_it_was_opened(self, tmp_path: Path) -> None:
        source = open_source(shard(tmp_path / "p", LOGITS), Layout())
        np.save(tmp_path / "p" / "part-5.npy", LOGITS[:3])
        with pytest.raises(InputError) as caught:
            rows_of(source)
        assert caught.value.what == (
            f"{tmp_path}/p/part-5.npy: expected 1 rows as when it was first opened, found 3"
        )


class TestUnlike:
    """The third of four files is unlike the others."""

    def folder(self, tmp_path: Path, write: Write, odd: Write, values: Array = LOGITS) -> Path:
        def mixed(path: Path, values: Array, start: int) -> None:
            (odd if start == 8 else write)(path, values, start)

        return shard(tmp_path / "p", values, mixed)

    @pytest.mark.parametrize(
        ("odd", "said"),
        [
            (lambda x: x.astype(np.float16), "type float32 as in {}, found type float16"),
            (lambda x: x[:, :3], "shape ? x 4 as in {}, found shape ? x 3"),
            (lambda x: x[:, None], "shape ? x 4 as in {}, found shape ? x 1 x 4"),
        ],
        ids=["type", "classes", "axes"],
    )
    def test_arrays(self, tmp_path: Path, odd: Callable[[Array], Array], said: str) -> None:
        folder = self.folder(tmp_path, npy, lambda path, x, _: npy(path, odd(x)))
        assert complaint(folder) == (
            f"{folder}/part-10.npy: expected {said.format(folder / 'part-0.npy')}",
            f"Name the files that belong together by a quoted glob, as in '{folder}/*.npy'.",
        )

    def test_formats(self, tmp_path: Path) -> None:
        folder = self.folder(tmp_path, npy, npz)
        assert complaint(folder)[0] == (
            f"{folder}/part-10.npz: expected format npy as in {folder}/part-0.npy, found format npz"
        )

    @pytest.mark.parametrize("write", [csv, parquet], ids=["csv", "parquet"])
    @pytest.mark.parametrize(
        ("names", "said"),
        [
            (("name", "a", "b", "c", "e"), "the classes of {}, found 'd' missing and 'e' besides"),
            (("name", "a", "b", "c"), "the classes of {}, found 'd' missing"),
            (("name", "a", "b", "c", "d", "e"), "the classes of {}, found 'e' besides"),
            (
                ("who", "a", "b", "c", "d"),
                "row-id column 'name' as in {}, found row-id column 'who'",
            ),
            (("a", "b", "c", "d"), "row-id column 'name' as in {}, found no row-id column"),
        ],
        ids=["other", "fewer", "more", "id", "no-id"],
    )
    def test_tables(self, tmp_path: Path, write: Write, names: Sequence[str], said: str) -> None:
        def odd(path: Path, values: Array, _: int) -> None:
            columns = {
                name: np.arange(len(values)).astype(str)
                if name in {"name", "who"}
                else values[:, 0]
                for name in names
            }
            if write is csv:
                lines = [",".join(map(str, row)) for row in zip(*columns.values(), strict=True)]
                text = "\n".join([",".join(names), *lines])
                if names[0] != "a":
                    text = re.sub(r"^(\d+),", r"r\1,", text, flags=re.MULTILINE)
                path.with_suffix(".csv").write_text(text)
            else:
                pq.write_table(pa.table(columns), path.with_suffix(".parquet"))

        folder = self.folder(tmp_path, write, odd)
        suffix = "csv" if write is csv else "parquet"
        first = folder / f"part-0.{suffix}"
        assert complaint(folder)[0] == (f"{folder}/part-10.{suffix}: expected {said.format(first)}")

    def test_ids_of_two_types(self, tmp_path: Path) -> None:
        def with_ids(path: Path, values: Array, start: int) -> None:
            ids = range(start, start + len(values))
            column = list(map(str, ids)) if start == 8 else list(ids)
            table = {"id": column, **dict(zip(NAMES, values.T, strict=True))}
            pq.write_table(pa.table(table), path.with_suffix(".parquet"))

        folder = shard(tmp_path / "p", LOGITS, with_ids)
        assert complaint(folder)[0] == (
            f"{folder}/part-10.parquet: expected row ids of one type in all files, found another "
            f"one than in {folder}/part-0.parquet"
        )

    def test_an_id_that_two_files_hold(self, tmp_path: Path) -> None:
        def same_ids(path: Path, values: Array, _: int) -> None:
            csv(path, values)

        folder = shard(tmp_path / "p", LOGITS, same_ids)
        with pytest.raises(InputError, match=r"expected every row id in 'name' once, found 'r0'"):
            compare(folder, folder)


class TestPlaces:
    def faulty(self, tmp_path: Path, write: Write) -> Path:
        values = OTHER.copy()
        values[19, 2] = np.nan
        return shard(tmp_path / "q", values, write)

    @pytest.mark.parametrize(
        ("name", "place"),
        [
            ("npy", "row 19, row 11 of {}/part-10.npy, class 2"),
            ("csv", "row 19 (r19), row 11 of {}/part-10.csv, line 13, class 'c'"),
            ("parquet", "row 19 (r19), row 11 of {}/part-10.parquet, class 'c'"),
        ],
    )
    @pytest.mark.parametrize("both", [True, False], ids=["shards", "file"])
    def test_of_an_invalid_row(self, tmp_path: Path, name: str, place: str, both: bool) -> None:
        folder = self.faulty(tmp_path, FORMATS[name])
        write = FORMATS[name]
        if both:
            reference = shard(tmp_path / "p", LOGITS, write, (0, 3, 23))
        else:
            write(tmp_path / "p", LOGITS)
            reference = tmp_path / f"p.{name}"
        with pytest.raises(InputError) as caught:
            compare(folder, reference)
        assert caught.value.what == (
            f"{folder}: {place.format(folder)}: expected a finite logit or -inf, found NaN"
        )
        with pytest.raises(InputError) as caught:
            compare(reference, folder)
        if name == "npy":
            assert caught.value.what == (
                f"{folder}: {place.format(folder)}: expected a finite logit or -inf, found NaN"
            )

    def test_of_a_row_that_is_no_distribution(self, tmp_path: Path) -> None:
        probs = np.full((23, 4), 0.25)
        probs[20] /= 2
        folder = shard(tmp_path / "p", probs)
        with pytest.raises(InputError) as caught:
            compare(folder, np.full((23, 4), 0.25), kind="probs")
        assert "found a sum of 0.5 in row 20, row 0 of" in caught.value.what
        assert caught.value.what.endswith(f"{folder}/part-15.npy")

    def test_of_a_mask_mismatch(self, tmp_path: Path) -> None:
        masked = OTHER.copy()
        masked[8, 1] = -1e30
        folder = shard(tmp_path / "q", masked)
        (warning,) = compare(LOGITS, folder).warnings
        assert warning.startswith(
            f"{folder}: mask mismatch: row 8, row 0 of {folder}/part-10.npy, class 1 holds"
        )

    def test_of_a_damaged_file(self, tmp_path: Path) -> None:
        folder = shard(tmp_path / "p", LOGITS)
        part = folder / "part-15.npy"
        part.write_bytes(part.read_bytes()[:-1])
        assert complaint(folder)[0] == (
            f"{part}: expected 48 bytes of float32 for shape (3, 4), found 47"
        )

    def test_of_a_bad_cell(self, tmp_path: Path) -> None:
        folder = shard(tmp_path / "p", LOGITS, csv)
        part = folder / "part-15.csv"
        part.write_text(part.read_text().replace("r21,", "r21,x"))
        assert complaint(folder)[0].startswith(f"{part}: line 3, column 'a': expected a number")


class TestUse:
    @pytest.mark.parametrize("name", FORMATS)
    def test_compare_gives_what_it_gives_for_one_file(self, tmp_path: Path, name: str) -> None:
        write = FORMATS[name]
        write(tmp_path / "p", LOGITS)
        write(tmp_path / "q", OTHER)
        whole = tmp_path / f"p.{name}", tmp_path / f"q.{name}"
        parts = (
            shard(tmp_path / "p", LOGITS, write),
            shard(tmp_path / "q", OTHER, write, (0, 9, 23)),
        )
        expected = compare(*whole)
        for pair in (parts, (whole[0], parts[1]), (parts[0], whole[1])):
            found = compare(*pair)
            np.testing.assert_array_equal(found.values["jeffreys"], expected.values["jeffreys"])
            assert found.measures["jeffreys"]["mean"] == expected.measures["jeffreys"]["mean"]
            assert found.agreement == expected.agreement
        assert (found.reference.shards, found.candidate.shards) == (4, None)

    def test_verify(self, tmp_path: Path) -> None:
        found = verify(shard(tmp_path / "p", LOGITS), OTHER).findings
        expected = verify(LOGITS, OTHER).findings
        assert [(x.residual, x.row) for x in found] == [(x.residual, x.row) for x in expected]

    def test_inspect(self, tmp_path: Path) -> None:
        found, expected = inspect(shard(tmp_path / "p", LOGITS)), inspect(LOGITS)
        assert (found.cells, found.rows, found.guess) == (
            expected.cells,
            expected.rows,
            expected.guess,
        )
        assert (found.file.shards, found.file.shape) == (4, (23, 4))

    def test_inspect_refuses_columns_of_arrays(self, tmp_path: Path) -> None:
        folder = shard(tmp_path / "p", LOGITS)
        with pytest.raises(InputError, match="expected a table for --id, --columns"):
            inspect(folder, id_column="x")

    def test_labels_of_a_loss(self, tmp_path: Path) -> None:
        labels = np.arange(23) % 4

        def labelled(path: Path, values: Array, start: int) -> None:
            classes = dict(zip(NAMES, values.T, strict=True))
            label = labels[start : start + len(values)]
            pq.write_table(pa.table({**classes, "label": label}), path.with_suffix(".parquet"))

        parts = (shard(tmp_path / name, x, labelled) for name, x in (("p", LOGITS), ("q", OTHER)))
        found = loss("dkd", *parts, labels="label")
        assert found.value == loss("dkd", LOGITS, OTHER, labels=labels).value

    @pytest.mark.parametrize("name", FORMATS)
    def test_some_rows(self, tmp_path: Path, name: str) -> None:
        parts = shard(tmp_path / "p", LOGITS, FORMATS[name]), OTHER
        found = compare(*parts, rows="6:21", sample=7, seed=3)
        expected = compare(LOGITS, OTHER, rows="6:21", sample=7, seed=3)
        np.testing.assert_array_equal(
            found.values["jeffreys"].astype(np.float32),
            expected.values["jeffreys"].astype(np.float32),
        )
        assert found.reference.shards == 4

    def test_files_without_a_wanted_row_are_not_read_again(self, tmp_path: Path) -> None:
        source = open_source(shard(tmp_path / "p", LOGITS), Layout())
        for name in ("part-0", "part-5"):
            (tmp_path / "p" / f"{name}.npy").unlink()
        blocks = list(Selected(source, Chosen(9, 22)).blocks(4))
        np.testing.assert_array_equal(np.concatenate([x.values for x in blocks]), LOGITS[9:22])
