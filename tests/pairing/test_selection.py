"""Some rows of files: the numbers are those of the rows alone, and keep their places."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kldiv_cli import Comparison, compare
from kldiv_cli.errors import InputError, KldivError, UsageError
from kldiv_cli.sources.base import Layout
from kldiv_cli.sources.formats.llamacpp import LlamaCppSource
from kldiv_cli.sources.formats.opening import open_source
from kldiv_cli.sources.labels.tokens import Tokens
from kldiv_cli.sources.tables.table import TableSource
from kldiv_cli.sources.views.choice import Choice, Chosen, draw
from kldiv_cli.sources.views.selected import Selected
from tests.command import ROOT, Kldiv
from tests.pairing.test_pairing import logits, save

Array = npt.NDArray[Any]

ROWS, CLASSES = 50, 4
S, T = logits(ROWS, CLASSES), logits(ROWS, CLASSES, 1)
MAGIKA = "samples/magika-fp32.npy", "samples/magika-int8.npy"
PARQUET = "samples/magika-fp32.parquet", "samples/magika-int8-shuffled.parquet"
CSV = "samples/magika-fp32-24.csv", "samples/magika-int8-24.csv"


def write(folder: Path, name: str, kind: str, values: Array) -> str:
    """Save values as a file of some kind, which is a suffix and how the values lie."""
    suffix, _, how = kind.partition("-")
    path = folder / f"{name}.{suffix}"
    if how == "fortran":
        np.save(path, np.asfortranarray(values))
    elif how == "groups":
        columns = {f"c{i}": values[:, i] for i in range(values.shape[1])}
        pq.write_table(pa.table(columns), path, row_group_size=7)
    elif how == "lists":
        pq.write_table(pa.table({"row": list(values)}), path, row_group_size=7)
    elif suffix == "npz":
        (np.savez_compressed if how else np.savez)(path, x=values)
    else:
        save(path, values)
    return str(path)


KINDS = [
    *("npy", "npy-fortran", "npz", "npz-deflated", "csv", "tsv"),
    *("parquet", "parquet-groups", "parquet-lists"),
]
CHOICES = [
    pytest.param({"rows": ":10"}, range(10), id=":10"),
    pytest.param({"rows": "40:"}, range(40, 50), id="40:"),
    pytest.param({"rows": "13:16"}, range(13, 16), id="13:16"),
    pytest.param({"rows": "6:29"}, range(6, 29), id="6:29"),
    pytest.param({"rows": "0:50"}, range(50), id="all"),
    pytest.param({"rows": ":"}, range(50), id=":"),
    pytest.param({"rows": slice(13, 16)}, range(13, 16), id="slice"),
    pytest.param({"rows": "-10:"}, range(40, 50), id="-10:"),
    pytest.param({"rows": "-10:-4"}, range(40, 46), id="-10:-4"),
    pytest.param({"rows": ":-45"}, range(5), id=":-45"),
    pytest.param({"limit": 3}, range(3), id="limit"),
    pytest.param({"limit": 300}, range(50), id="limit-beyond"),
    pytest.param({"rows": "20:", "limit": 3}, range(20, 23), id="rows-limit"),
    pytest.param({"rows": "48:", "limit": 3}, range(48, 50), id="rows-limit-beyond"),
    pytest.param({"sample": 5}, [12, 20, 25, 35, 38], id="sample"),
    pytest.param({"sample": 5, "seed": 1}, [6, 12, 24, 36, 39], id="seed"),
    pytest.param({"sample": 50}, range(50), id="sample-of-all"),
    pytest.param({"rows": "10:20", "sample": 9}, None, id="rows-sample"),
    pytest.param({"rows": "10:30", "limit": 5, "sample": 4}, None, id="rows-limit-sample"),
]


class TestNumbers:
    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize(("choice", "expected"), CHOICES)
    def test_those_of_the_rows_alone(
        self, choice: dict[str, Any], expected: Any, kind: str, tmp_path: Path
    ) -> None:
        paths = write(tmp_path, "s", kind, S), write(tmp_path, "t", kind, T)
        found = compare(*paths, **choice)
        assert found.row_numbers is not None
        numbers = found.row_numbers.tolist()
        if expected is not None:
            assert numbers == list(expected)
        alone = compare(S[numbers], T[numbers])
        np.testing.assert_array_equal(found.values["jeffreys"], alone.values["jeffreys"])
        for name in ("total", "mean", "sem", "p99"):
            assert repr(found.measures["jeffreys"][name]) == repr(alone.measures["jeffreys"][name])
        assert found.agreement == alone.agreement
        assert found.row_shape == (len(numbers),)
        assert found.measures["jeffreys"].max_row == numbers[alone.measures["jeffreys"].max_row]
        assert [row.row for row in found.top] == [numbers[row.row] for row in alone.top]

    @pytest.mark.parametrize("second", KINDS)
    @pytest.mark.parametrize("first", ["npy", "csv", "parquet-groups"])
    @pytest.mark.parametrize("choice", [{"rows": "9:31"}, {"rows": "9:"}, {"sample": 11}])
    def test_of_files_of_two_kinds(
        self, choice: dict[str, Any], first: str, second: str, tmp_path: Path
    ) -> None:
        found = compare(write(tmp_path, "s", first, S), write(tmp_path, "t", second, T), **choice)
        numbers = found.row_numbers
        np.testing.assert_array_equal(
            found.values["jeffreys"], compare(S[numbers], T[numbers]).values["jeffreys"]
        )

    @pytest.mark.parametrize("order", ["C", "F"])
    @pytest.mark.parametrize("choice", [{"rows": "7:19"}, {"sample": 6, "seed": 3}])
    def test_rows_of_several_axes_are_counted_flat(
        self, choice: dict[str, Any], order: Any
    ) -> None:
        s, t = (np.asarray(x[:48].reshape(2, 8, 3, 4), order=order) for x in (S, T))
        found = compare(s, t, **choice)
        numbers = found.row_numbers
        assert numbers is not None
        assert found.row_shape == (len(numbers),)
        assert found.file_row_shape == (2, 8, 3)
        expected = compare(S[numbers], T[numbers]).values["jeffreys"]
        np.testing.assert_array_equal(found.values["jeffreys"], expected)

    @pytest.mark.parametrize("threads", [1, 2])
    def test_of_more_rows_than_a_block_holds(self, threads: int) -> None:
        s, t = logits(40_000, 40), logits(40_000, 40, 1)
        found = compare(s, t, rows="10:39990", sample=30_000, threads=threads)
        numbers = found.row_numbers
        assert numbers is not None
        assert len(numbers) == 30_000
        assert (np.diff(numbers) > 0).all()
        alone = compare(s[numbers], t[numbers])
        np.testing.assert_array_equal(found.values["jeffreys"], alone.values["jeffreys"])

    def test_all_rows_are_not_a_selection(self) -> None:
        found = compare(S, T)
        assert (found.selection, found.row_numbers, found.file_row_shape) == (None, None, None)


class TestDraw:
    def test_is_without_replacement_in_order_and_reproducible(self) -> None:
        found = draw(range(100, 1100), 200, 7)
        assert len(set(found.tolist())) == 200
        assert (np.diff(found) > 0).all()
        assert 100 <= found[0] <= found[-1] < 1100
        assert found.tolist() == draw(range(100, 1100), 200, 7).tolist()
        assert found.tolist() != draw(range(100, 1100), 200, 8).tolist()

    def test_never_changes(self) -> None:
        """Whoever wrote down a seed finds the same rows with any later version."""
        assert draw(range(1000), 5, 0).tolist() == [258, 419, 511, 755, 841]
        assert draw(range(1000), 5, 42).tolist() == [24, 222, 274, 636, 736]

    def test_every_row_is_as_likely_as_any_other(self) -> None:
        """3 of 10, 2000 times: each row 600 times, with a standard deviation of 20.5."""
        counts = np.zeros(10, int)
        for seed in range(2000):
            counts[draw(range(10), 3, seed)] += 1
        assert counts.sum() == 6000
        assert abs(counts - 600).max() < 4 * 20.5


class TestReading:
    """No more of a file is read than the rows need."""

    def test_text_is_not_read_behind_the_last_row(self, tmp_path: Path) -> None:
        path = tmp_path / "s.csv"
        good = "".join(f"{a},{b}\n" for a, b in S[:, :2].tolist())
        path.write_text("a,b\n" + good * 20_000 + "x,y\n")
        found = compare(path, path, rows=":60")
        assert found.rows == 60
        assert found.reference.shape == (None, 2)
        with pytest.raises(InputError, match="expected a number"):
            compare(path, path, rows="60:")

    def test_row_groups_without_a_row_are_skipped(self, tmp_path: Path) -> None:
        path = Path(write(tmp_path, "s", "parquet-groups", S))
        metadata = pq.read_metadata(path)
        damaged = bytearray(path.read_bytes())
        for group in (0, 1, 3, 4):
            column = metadata.row_group(group).column(0)
            start = column.dictionary_page_offset or column.data_page_offset
            stop = start + metadata.row_group(group).total_byte_size
            damaged[start:stop] = b"\xff" * (stop - start)
        path.write_bytes(damaged)
        found = compare(path, T, rows="14:21")
        np.testing.assert_array_equal(
            found.values["jeffreys"], compare(S[14:21], T[14:21]).values["jeffreys"]
        )
        with pytest.raises(InputError):
            compare(path, T, rows="13:21")

    def test_an_array_is_not_read_elsewhere(self, tmp_path: Path) -> None:
        """A stored .npz has a checksum over all of it, which here is wrong."""
        s = logits(5000, CLASSES)
        path = Path(write(tmp_path, "s", "npz", s))
        path.write_bytes(path.read_bytes().replace(s[4000].tobytes(), s[4001].tobytes()))
        assert compare(path, s, rows=":40").rows == 40
        with pytest.raises(InputError, match="CRC-32"):
            compare(path, s)

    def test_the_sample_of_a_huge_array_takes_no_time(self, tmp_path: Path) -> None:
        """64 GB of holes."""
        path = tmp_path / "s.npy"
        np.lib.format.open_memmap(path, "w+", np.float32, (1 << 24, 1000))
        found = compare(path, path, sample=100)
        assert (found.rows, found.measures["jeffreys"]["max"]) == (100, 0.0)
        assert found.selection is not None
        assert found.selection.of == 1 << 24

    @pytest.mark.parametrize("first", [5, 9])
    def test_row_groups_that_do_not_hold_what_they_say_are_an_error(
        self, first: int, tmp_path: Path
    ) -> None:
        source = open_source(write(tmp_path, "s", "parquet-groups", S), Layout())
        assert isinstance(source, TableSource)
        assert source.row_groups is not None
        lying = replace(source.row_groups, sizes=lambda: (first, 14 - first, *[7] * 5, 1))
        selected = Selected(replace(source, row_groups=lying), Chosen(0, 12))
        with pytest.raises(InputError, match=f"expected {first} rows in row group 0, as the"):
            list(selected.blocks(100))

    def test_blocks_carry_the_places(self, tmp_path: Path) -> None:
        source = open_source(write(tmp_path, "s", "parquet-groups", S), Layout())
        drawn = np.array([0, 6, 7, 30, 49])
        blocks = list(Selected(source, Chosen(0, 50, drawn=drawn)).blocks(3))
        places = [block.places for block in blocks if block.places is not None]
        assert np.concatenate(places).tolist() == drawn.tolist()
        np.testing.assert_array_equal(np.concatenate([b.values for b in blocks]), S[drawn])


class TestIds:
    """With ids on both sides rows of the reference are selected, and found in the candidate."""

    IDS = tuple(f"file-{i}" for i in range(ROWS))

    def files(self, folder: Path, order: Any, suffix: str = "parquet") -> tuple[Path, Path]:
        theirs = [self.IDS[i] for i in order]
        return (
            save(folder / f"s.{suffix}", S, list(self.IDS)),
            save(folder / f"t.{suffix}", T[list(order)], theirs),
        )

    @pytest.mark.parametrize("suffix", ["parquet", "csv"])
    @pytest.mark.parametrize("order", [range(ROWS), range(ROWS - 1, -1, -1)], ids=["same", "other"])
    @pytest.mark.parametrize(
        "choice", [{"rows": "10:20"}, {"rows": "-3:"}, {"limit": 7}, {"sample": 9}]
    )
    def test_whatever_their_order(
        self, choice: dict[str, Any], order: range, suffix: str, tmp_path: Path
    ) -> None:
        found = compare(*self.files(tmp_path, order, suffix), **choice)
        numbers = found.row_numbers
        assert numbers is not None
        assert found.paired_by == "id"
        assert found.ids is not None
        assert found.ids.tolist() == [self.IDS[i] for i in numbers]
        expected = compare(S[numbers], T[numbers]).values["jeffreys"]
        np.testing.assert_array_equal(found.values["jeffreys"], expected)

    def test_rows_that_were_not_selected_are_not_missing(self, tmp_path: Path) -> None:
        """The candidate has other rows before and behind, and lacks some that nobody asked for."""
        reference = save(tmp_path / "s.csv", S[:6], list("abcdef"))
        candidate = save(tmp_path / "t.csv", T[:5], list("xcbya"))
        found = compare(reference, candidate, rows=":3")
        expected = compare(S[:3], T[[4, 2, 1]]).values["jeffreys"]
        np.testing.assert_array_equal(found.values["jeffreys"], expected)

    def test_rows_that_were_selected_and_are_not_there_are(self, tmp_path: Path) -> None:
        reference = save(tmp_path / "s.csv", S[:6], list("abcdef"))
        candidate = save(tmp_path / "t.csv", T[:5], list("xcbya"))
        with pytest.raises(InputError) as caught:
            compare(reference, candidate, rows=":5")
        assert caught.value.what == (
            f"{candidate}: expected the same row ids as {reference}, found 2 only in {reference} "
            "('d', 'e')"
        )

    def test_the_candidate_is_read_no_further_than_the_last(self, tmp_path: Path) -> None:
        s = tmp_path / "s.csv"
        s.write_text("id,a,b\n" + "".join(f"{i},1,2\n" for i in range(200_000)))
        t = tmp_path / "t.csv"
        t.write_text("id,a,b\n" + "".join(f"{i},2,1\n" for i in range(200_000)) + "?,x,1\n")
        assert compare(s, t, rows="5:9").rows == 4
        with pytest.raises(InputError, match="expected a number"):
            compare(s, t)


class TestLengths:
    """Without ids, files of different length have the rows in common that both have."""

    @pytest.mark.parametrize("choice", [{"limit": 5}, {"rows": ":5"}, {"rows": "2:5"}])
    @pytest.mark.parametrize("kinds", [("npy", "npy"), ("npy", "csv"), ("csv", "npy")])
    def test_an_end_that_is_said_is_enough(
        self, kinds: tuple[str, str], choice: dict[str, Any], tmp_path: Path
    ) -> None:
        paths = write(tmp_path, "s", kinds[0], S), write(tmp_path, "t", kinds[1], T[:20])
        found = compare(*paths, **choice)
        assert found.row_numbers is not None
        assert found.row_numbers[-1] == 4

    @pytest.mark.parametrize(
        "choice", [{"rows": "2:"}, {"rows": "-5:"}, {"rows": ":-5"}, {"sample": 5}]
    )
    @pytest.mark.parametrize(
        "kinds", [("npy", "npy"), ("npy", "csv"), ("csv", "npy"), ("csv", "csv")]
    )
    def test_otherwise_they_are_an_error(
        self, kinds: tuple[str, str], choice: dict[str, Any], tmp_path: Path
    ) -> None:
        paths = write(tmp_path, "s", kinds[0], S), write(tmp_path, "t", kinds[1], T[:20])
        with pytest.raises(InputError) as caught:
            compare(*paths, **choice)
        assert caught.value.what.startswith(f"{paths[1]}: expected the same ")
        assert "found 50" in caught.value.what
        assert " there and 20" in caught.value.what

    @pytest.mark.parametrize("kinds", [("npy", "npy"), ("npy", "csv"), ("csv", "csv")])
    def test_a_row_that_the_candidate_lacks(self, kinds: tuple[str, str], tmp_path: Path) -> None:
        paths = write(tmp_path, "s", kinds[0], S), write(tmp_path, "t", kinds[1], T[:20])
        with pytest.raises(InputError) as caught:
            compare(*paths, rows="15:25")
        assert caught.value.what == f"{paths[1]}: expected row 24, found 20 rows"

    def test_axes_of_rows_must_be_the_same(self) -> None:
        with pytest.raises(InputError, match="expected the same shapes as reference array"):
            compare(np.zeros((3, 4, 5)), np.zeros((3, 2, 5)), rows=":2")

    def test_the_table_names_both(self, kldiv: Kldiv, tmp_path: Path) -> None:
        paths = write(tmp_path, "s", "npy", S), write(tmp_path, "t", "npy", T[:20])
        out = kldiv("compare", *paths, "--rows", ":5").out
        assert "selected     rows 0..4 of 50 (of 20 in the candidate) (--rows)\n" in out


class TestErrors:
    @pytest.mark.parametrize(
        ("choice", "what"),
        [
            ({"rows": "50:"}, "s.npy: expected rows 50: (--rows), found 50 rows"),
            ({"rows": "40:51"}, "s.npy: expected rows 40:51 (--rows), found 50 rows"),
            ({"rows": "7:-43"}, "s.npy: expected rows 7:-43 (--rows), found 50 rows"),
            ({"rows": "-51:"}, "s.npy: expected rows -51: (--rows), found 50 rows"),
            ({"rows": "60:", "limit": 5}, "s.npy: expected rows 60: (--rows), found 50 rows"),
            ({"sample": 51}, "s.npy: expected 51 rows to draw (--sample), found 50"),
            (
                {"rows": ":9", "sample": 10},
                "s.npy: expected 10 rows to draw (--sample), found 9",
            ),
        ],
    )
    def test_rows_that_are_not_there(
        self, choice: dict[str, Any], what: str, tmp_path: Path
    ) -> None:
        paths = write(tmp_path, "s", "npy", S), write(tmp_path, "t", "npy", T)
        with pytest.raises(InputError) as caught:
            compare(*paths, **choice)
        assert caught.value.what == f"{tmp_path}/{what}"
        assert caught.value.advice

    @pytest.mark.parametrize(
        ("rows", "what"),
        [
            ("50:", "s.csv: expected row 50, found 50 rows"),
            ("40:51", "s.csv: expected row 50, found 50 rows"),
            ("60:70", "s.csv: expected row 69, found 50 rows"),
            ("-51:", "s.csv: expected rows -51: (--rows), found 50 rows"),
            ("7:-43", "s.csv: expected rows 7:-43 (--rows), found 50 rows"),
        ],
    )
    def test_rows_that_are_not_in_a_text(self, rows: str, what: str, tmp_path: Path) -> None:
        paths = write(tmp_path, "s", "csv", S), write(tmp_path, "t", "csv", T)
        with pytest.raises(InputError) as caught:
            compare(*paths, rows=rows)
        assert caught.value.what == f"{tmp_path}/{what}"

    @pytest.mark.parametrize(
        ("words", "what"),
        [
            (("--rows", "x"), "--rows: expected A:B, found 'x'"),
            (("--rows", "1:9:2"), "--rows: expected A:B, found '1:9:2'"),
            (("--rows", "5"), "--rows: expected A:B, found '5'"),
            (("--rows", "7:7"), "--rows: expected A:B with A before B, found 7:7"),
            (("--rows", ":0"), "--rows: expected A:B with A before B, found :0"),
            (("--rows", "9:3"), "--rows: expected A:B with A before B, found 9:3"),
            (("--rows=-3:-9",), "--rows: expected A:B with A before B, found -3:-9"),
            (("--classes", "3:3"), "--classes: expected A:B with A before B, found 3:3"),
            (("--rows", f"{10**20}:"), f"--rows: expected A:B, found '{10**20}:'"),
            (("--limit", "0"), "expected --limit of 1 or more, found 0"),
            (("--limit", "-3"), "expected --limit of 1 or more, found -3"),
            (("--sample", "0"), "expected --sample of 1 or more, found 0"),
            (("--sample", "3", "--seed", "-1"), "expected --seed of 0 or more, found -1"),
            (("--seed", "1"), "--seed says how rows are drawn, and without --sample none are"),
        ],
    )
    def test_usage(self, words: tuple[str, ...], what: str, kldiv: Kldiv) -> None:
        code, out, err = kldiv("compare", *MAGIKA, *words)
        first, advice = err.splitlines()
        assert (code, out, first) == (2, "", f"kldiv: error: {what}")
        assert advice

    @pytest.mark.parametrize("rows", [slice(0, 10, 2), slice(10**18, None)])
    def test_no_slice_of_rows(self, rows: Any) -> None:
        with pytest.raises(UsageError, match="expected A:B"):
            compare(S, T, rows=rows)

    def test_a_row_of_a_selection_is_called_by_its_number_in_the_file(self, tmp_path: Path) -> None:
        holes = S.copy()
        holes[33, 2] = np.nan
        paths = write(tmp_path, "s", "csv", holes), write(tmp_path, "t", "npy", T)
        for choice in ({"rows": "30:40"}, {"rows": "30:40", "sample": 9}):
            with pytest.raises(InputError) as caught:
                compare(*paths, **choice)
            assert caught.value.what == (
                f"{paths[0]}: row 33, line 35, class 'c2': expected a finite logit or -inf, "
                "found NaN"
            )
        assert compare(*paths, rows="34:").rows == 16

    def test_so_is_a_row_that_does_not_sum_to_1(self) -> None:
        p = np.full((8, 4), 0.25)
        p[6] *= 2
        with pytest.raises(InputError, match=r"found a sum of 2\.0 in row 6"):
            compare(p, np.full((8, 4), 0.25), rows="4:", kind="probs")

    def test_so_is_a_masked_cell(self) -> None:
        masked = S.copy()
        masked[45, 1] = -1e9
        (warning,) = compare(masked, T, rows="-10:").warnings
        assert "row 45, class 1 holds -1e+09" in warning


class TestTokens:
    """Labels and token ids are those of the rows that were selected."""

    FILES = "samples/llamacpp/tiny-f32.kld", "samples/llamacpp/tiny-Q8_0.kld"

    @pytest.mark.parametrize("choice", [{"rows": "9:31"}, {"sample": 11}])
    @pytest.mark.parametrize("kind", ["npy", "csv"])
    def test_labels(self, kind: str, choice: dict[str, Any], tmp_path: Path) -> None:
        labels = np.random.default_rng(5).integers(0, CLASSES, ROWS)
        paths = write(tmp_path, "s", kind, S), write(tmp_path, "t", kind, T)
        found = compare(*paths, labels=labels, **choice)
        rows = found.row_numbers
        assert found.language is not None
        assert found.language == compare(S[rows], T[rows], labels=labels[rows]).language

    @pytest.mark.parametrize("choice", [{"rows": "29:64"}, {"sample": 20}])
    def test_tokens_of_llama_cpp(
        self, choice: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(ROOT)
        found, whole = compare(*self.FILES, **choice), compare(*self.FILES)
        rows = found.row_numbers
        assert rows is not None
        np.testing.assert_array_equal(found.values["jeffreys"], whole.values["jeffreys"][rows])
        source = open_source(self.FILES[0], Layout())
        assert isinstance(source, LlamaCppSource)
        (block,) = source.blocks(1000)
        scores = block.values[rows, Tokens("", source.tokens).targets[rows]]
        assert found.language is not None
        assert found.language.perplexity[0].value == pytest.approx(
            np.exp(-scores.mean()), rel=1e-12
        )


class TestGroups:
    def test_rows_of_groups_keep_their_numbers(self) -> None:
        found, alone = compare(S, T, rows="20:", group="argmax"), compare(S[20:], T[20:])
        assert found.groups is not None
        highest = max(group.measures["jeffreys"]["max"] for group in found.groups.each)
        assert highest == alone.measures["jeffreys"]["max"]
        rows = {group.measures["jeffreys"].max_row for group in found.groups.each}
        assert 20 + alone.measures["jeffreys"].max_row in rows
        assert min(rows) >= 20

    @pytest.mark.parametrize("kind", ["npy", "csv"])
    def test_labels_are_those_of_the_rows(self, kind: str, tmp_path: Path) -> None:
        labels = np.array([f"set-{i % 3}" for i in range(ROWS)])
        paths = write(tmp_path, "s", kind, S), write(tmp_path, "t", kind, T)
        found = compare(*paths, group=labels, sample=20)
        assert found.row_numbers is not None
        assert found.groups is not None
        assert found.groups.of_rows.tolist() == labels[found.row_numbers].tolist()

    @pytest.mark.parametrize("choice", [{"rows": "7:19"}, {"sample": 30}])
    def test_positions_are_those_in_the_file(self, choice: dict[str, Any]) -> None:
        s, t = (x[:48].reshape(4, 12, CLASSES) for x in (S, T))
        found = compare(s, t, group="position", **choice)
        assert found.row_numbers is not None
        assert found.groups is not None
        assert found.groups.of_rows.tolist() == [str(row % 12) for row in found.row_numbers]


class TestVerify:
    @pytest.mark.parametrize("files", [MAGIKA, CSV, PARQUET], ids=["npy", "csv", "parquet"])
    def test_some_rows(self, files: tuple[str, str], kldiv: Kldiv) -> None:
        words = ("verify", *files, "--rows", "5:15", "--sample", "6", "--seed", "1")
        code, out, err = kldiv(*words)
        assert (code, err) == (0, "")
        of = 24 if files == CSV else 512
        assert f"\nselected     6 drawn from rows 5..14 of {of}, seed 1 (--rows, --sample)\n" in out
        assert "\nrows         6 counted, paired by " in out
        found = json.loads(kldiv(*words, "--format", "json").out)
        drawn = draw(range(5, 15), 6, 1).tolist()
        assert {entry["max_row"] for entry in found["identities"].values()} <= set(drawn)
        assert found["selection"]["rows"] == "5:15"
        assert found["rows"] == 6

    def test_a_file_that_was_not_read_to_its_end(self, kldiv: Kldiv) -> None:
        out = kldiv("verify", *CSV, "--limit", "3").out
        assert f"reference p  {CSV[0]}  csv float64 ? x 214\n" in out
        assert f"candidate q  {CSV[1]}  csv float64 ? x 214\n" in out
        assert "selection" not in json.loads(kldiv("verify", *CSV, "--format", "json").out)


class TestReports:
    def test_the_table(self, kldiv: Kldiv) -> None:
        code, out, err = kldiv("compare", *MAGIKA, "--rows", "100:130", "--top", "2")
        assert (code, err) == (0, "")
        lines = out.splitlines()
        assert lines[4:6] == [
            "selected     rows 100..129 of 512 (--rows)",
            "rows         30 counted, paired by position",
        ]
        assert "max        0.0551118 in row 102" in lines
        assert lines[-4:] == [
            "2 most divergent of 30 selected rows, counted from 0",
            "row  jeffreys (nats)  argmax p  argmax q",
            "102        0.0551118  33        33",
            "114        0.0108967  83        83",
        ]
        assert max(map(len, lines)) <= 80

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (("--limit", "3"), "rows 0..2 of 512 (--limit)"),
            (("--sample", "9"), "9 drawn from rows 0..511 of 512, seed 0 (--sample)"),
            (
                ("--rows=-100:", "--limit", "50", "--sample", "9", "--seed", "7"),
                f"9 drawn from rows 412..461 of 512, seed 7 (--rows, --limit,\n{'':13}--sample)",
            ),
        ],
    )
    def test_what_was_selected(self, words: tuple[str, ...], said: str, kldiv: Kldiv) -> None:
        assert f"selected     {said}\n" in kldiv("compare", *MAGIKA, *words).out
        markdown = kldiv("compare", *MAGIKA, *words, "--format", "markdown").out
        assert f"- selected: {said.partition(',')[0]}" in markdown

    def test_a_file_that_was_not_read_to_its_end(self, kldiv: Kldiv) -> None:
        out = kldiv("compare", *CSV, "--limit", "3").out
        assert f"reference p  {CSV[0]}  csv float64 ? x 214\n" in out
        assert "selected     rows 0..2 of an unknown number (--limit)\n" in out
        assert "all 3 selected rows, counted from 0\n" in out
        shape = json.loads(kldiv("compare", *CSV, "--limit", "3", "--format", "json").out)
        assert shape["candidate"]["shape"] == [None, 214]

    def test_a_file_that_was(self, kldiv: Kldiv) -> None:
        out = kldiv("compare", *CSV, "--limit", "300").out
        assert "csv float64 24 x 214\n" in out
        assert "selected     rows 0..23 of 24 (--limit)\n" in out

    def test_one_row(self, kldiv: Kldiv) -> None:
        assert "\nthe only selected row\n" in kldiv("compare", *MAGIKA, "--rows=-1:").out

    def test_json(self, kldiv: Kldiv) -> None:
        words = ("--rows", "100:200", "--sample", "20", "--format", "json")
        found = json.loads(kldiv("compare", *MAGIKA, *words).out)
        assert found["selection"] == {
            "first": 100,
            "last": 199,
            "of": 512,
            "of_candidate": 512,
            "rows": "100:200",
            "limit": None,
            "sample": 20,
            "seed": 0,
        }
        assert "selection" not in json.loads(kldiv("compare", *MAGIKA, "--format", "json").out)

    def test_records(self, kldiv: Kldiv, tmp_path: Path) -> None:
        outputs = [tmp_path / f"out.{suffix}" for suffix in ("csv", "jsonl", "parquet", "npy")]
        words = [word for path in outputs for word in ("-o", path)]
        for name, array in (("s", S), ("t", T)):
            np.save(tmp_path / name, array[:48].reshape(4, 12, 4))
        result = kldiv("compare", tmp_path / "s.npy", tmp_path / "t.npy", "--rows", "30:33", *words)
        assert result.code == 0
        values = compare(S[30:33], T[30:33]).values["jeffreys"].tolist()
        assert outputs[0].read_text() == "row,axis0,axis1,jeffreys\n" + "".join(
            f"{row},2,{row - 24},{value!r}\n"
            for row, value in zip((30, 31, 32), values, strict=True)
        )
        lines = [json.loads(line) for line in outputs[1].read_text().splitlines()]
        assert [line["row"] for line in lines] == [30, 31, 32]
        assert pq.read_table(outputs[2])["axis1"].to_pylist() == [6, 7, 8]
        assert np.load(outputs[3]).tolist() == values

    def test_the_top_rows_of_several_axes(self, kldiv: Kldiv, tmp_path: Path) -> None:
        for name, values in (("s", S), ("t", T)):
            np.save(tmp_path / name, values[:48].reshape(4, 12, 4))
        out = kldiv("compare", tmp_path / "s.npy", tmp_path / "t.npy", "--rows", "30:32").out
        rows = out.partition("argmax q\n")[2].splitlines()
        assert [row.partition(")")[0] + ")" for row in rows] == ["30 (2, 6)", "31 (2, 7)"]

    def test_the_columns_of_a_table_by_id(self, kldiv: Kldiv) -> None:
        out = kldiv("compare", *PARQUET, "--rows", "415:416").out
        assert "415        0.0798899  python    asm       cython_special.pxd\n" in out

    def test_progress_counts_the_rows_that_are_read(self) -> None:
        seen: list[tuple[int, int | None]] = []
        compare(S, T, rows="30:40", progress=lambda *found: seen.append(found))
        assert seen == [(10, 10)]


def test_a_choice_names_its_fields_as_the_command_does() -> None:
    assert [field.name for field in fields(Choice)] == ["rows", "limit", "sample", "seed"]
    assert not Choice()
    with pytest.raises(KldivError):
        Choice(limit=0)


def test_a_comparison_of_all_rows_numbers_them_as_ever() -> None:
    found: Comparison = compare(S, T)
    assert found.numbered_shape == (50,)
