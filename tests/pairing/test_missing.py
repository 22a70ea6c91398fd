"""Rows whose id is on one side only, and rows that are to be looked up in memory."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from kldiv_cli import compare
from kldiv_cli.errors import InputError, UsageError
from kldiv_cli.memory import available
from kldiv_cli.pairing import Pairing
from kldiv_cli.results.selection import Missing
from tests.command import Kldiv
from tests.pairing.test_pairing import logits, paired, save, table

Array = npt.NDArray[Any]

S, T = logits(8, 3), logits(8, 3, 1)
MAGIKA = "samples/magika-fp32.npy", "samples/magika-int8.npy"
CSV = "samples/magika-fp32-24.csv", "samples/magika-int8-24.csv"


def files(
    folder: Path, ours: Sequence[Any], theirs: Sequence[Any], suffix: str = "csv"
) -> tuple[Path, Path]:
    return (
        save(folder / f"a.{suffix}", S[: len(ours)], list(ours)),
        save(folder / f"b.{suffix}", T[: len(theirs)], list(theirs)),
    )


CASES = [
    pytest.param("abcd", "abcd", [0, 1, 2, 3], [0, 1, 2, 3], (0, 0), id="same"),
    pytest.param("abcd", "dcba", [0, 1, 2, 3], [3, 2, 1, 0], (0, 0), id="other-order"),
    pytest.param("abcd", "abc", [0, 1, 2], [0, 1, 2], (1, 0), id="candidate-ends"),
    pytest.param("abc", "abcde", [0, 1, 2], [0, 1, 2], (0, 2), id="reference-ends"),
    pytest.param("abcd", "bcd", [1, 2, 3], [0, 1, 2], (1, 0), id="first"),
    pytest.param("abcd", "abd", [0, 1, 3], [0, 1, 2], (1, 0), id="middle"),
    pytest.param("abxcd", "abcyd", [0, 1, 3, 4], [0, 1, 2, 4], (1, 1), id="both"),
    pytest.param("xaby", "zbua", [1, 2], [3, 1], (2, 2), id="shuffled"),
    pytest.param([7, 9, 8], [8, 10, 7], [0, 2], [2, 0], (1, 1), id="integers"),
]


class TestSkip:
    @pytest.mark.parametrize("suffix", ["csv", "parquet"])
    @pytest.mark.parametrize(("ours", "theirs", "left", "right", "only"), CASES)
    def test_rows_with_a_partner_are_compared(
        self,
        ours: Sequence[Any],
        theirs: Sequence[Any],
        left: list[int],
        right: list[int],
        only: tuple[int, int],
        suffix: str,
        tmp_path: Path,
    ) -> None:
        found = compare(*files(tmp_path, ours, theirs, suffix), on_missing="skip")
        assert found.missing == Missing(*only)
        expected = compare(S[left], T[right])
        np.testing.assert_array_equal(found.values["jeffreys"], expected.values["jeffreys"])
        assert found.ids is not None
        assert list(map(str, found.ids)) == [str(ours[i]) for i in left]
        numbers = range(len(ours)) if found.row_numbers is None else found.row_numbers
        assert list(numbers) == left
        assert found.row_shape == (len(left),)
        assert found.reference.shape == (len(ours), 3)
        assert found.candidate.shape == (len(theirs), 3)

    @pytest.mark.parametrize("cut", [(), (1,), (2, 5), (3,), (1, 2, 3, 4, 5, 6, 7)])
    def test_wherever_blocks_end(self, cut: Sequence[int]) -> None:
        ours, theirs = list("abcdefgh"), list("abxdhfyg")
        pairing = Pairing(
            table(S, ours, cut=cut), table(T, theirs, cut=cut[::2]), on_missing="skip"
        )
        pairs = list(pairing.blocks())
        np.testing.assert_array_equal(
            np.concatenate([pair.reference for pair in pairs]), S[[0, 1, 3, 5, 6, 7]]
        )
        np.testing.assert_array_equal(
            np.concatenate([pair.candidate for pair in pairs]), T[[0, 1, 3, 5, 7, 4]]
        )
        assert np.concatenate([pair.numbers for pair in pairs]).tolist() == [0, 1, 3, 5, 6, 7]
        assert (pairing.missing.reference, pairing.missing.candidate) == (2, 2)

    def test_it_counts_anew_in_every_pass(self) -> None:
        pairing = Pairing(table(S, list("abcdefgh")), table(T, list("abcdefgx")), on_missing="skip")
        for _ in range(2):
            assert sum(len(pair.reference) for pair in pairing.blocks()) == 7
            assert (pairing.missing.reference, pairing.missing.candidate) == (1, 1)

    def test_of_selected_rows_those_count_that_are_not_in_the_candidate(
        self, tmp_path: Path
    ) -> None:
        paths = files(tmp_path, "abcdef", "xbyfda")
        found = compare(*paths, rows="1:5", on_missing="skip")
        assert found.missing == Missing(2, 0)
        assert found.row_numbers is not None
        assert found.row_numbers.tolist() == [1, 3]
        np.testing.assert_array_equal(
            found.values["jeffreys"], compare(S[[1, 3]], T[[1, 4]]).values["jeffreys"]
        )

    def test_nothing_in_common_is_an_error(self, tmp_path: Path) -> None:
        paths = files(tmp_path, "abc", "wxyz")
        with pytest.raises(InputError) as caught:
            compare(*paths, on_missing="skip")
        assert caught.value.what == (
            f"{paths[1]}: expected row ids of {paths[0]}, found none in common "
            "(3 only there, 4 only here)"
        )

    @pytest.mark.parametrize(
        ("ours", "theirs", "side"), [("abca", "abc", 0), ("abcx", "abcc", 1), ("xaa", "ab", 0)]
    )
    def test_an_id_that_stands_twice_is_an_error_all_the_same(
        self, ours: str, theirs: str, side: int, tmp_path: Path
    ) -> None:
        paths = files(tmp_path, ours, theirs)
        with pytest.raises(InputError) as caught:
            compare(*paths, on_missing="skip")
        assert caught.value.what.startswith(f"{paths[side]}: expected every row id in 'id' once")

    def test_an_invalid_row_without_a_partner_does_no_harm(self, tmp_path: Path) -> None:
        holes = S[:4].copy()
        holes[2] = np.nan
        paths = (
            save(tmp_path / "a.csv", holes, list("abcd")),
            save(tmp_path / "b.csv", T[:3], list("abd")),
        )
        assert compare(*paths, on_missing="skip").rows == 3


class TestCommand:
    def test_the_table(self, kldiv: Kldiv, tmp_path: Path) -> None:
        lines = Path(CSV[1]).read_text(encoding="utf-8").splitlines(keepends=True)
        path = tmp_path / "b.csv"
        path.write_text("".join([*lines[:4], *lines[6:]]), encoding="utf-8")
        error = kldiv("compare", CSV[0], path)
        assert error.code == 2
        assert f"found 2 only in {CSV[0]} (" in error.err
        code, out, err = kldiv("compare", CSV[0], path, "--on-missing", "skip")
        assert (code, err) == (0, "")
        assert "\nleft out     2 rows only in p, 0 only in q\n" in out
        assert "rows         22 counted, paired by id\n" in out
        assert "csv float64 24 x 214\n" in out
        assert "csv float64 22 x 214\n" in out
        records = kldiv("compare", CSV[0], path, "--on-missing", "skip", "--format", "csv").out
        rows = [line.partition(",")[0] for line in records.splitlines()[1:]]
        assert rows == [str(i) for i in range(24) if i not in (3, 4)]
        whole = kldiv("compare", *CSV, "--format", "csv").out.splitlines()
        assert records.splitlines() == [x for i, x in enumerate(whole) if i not in (4, 5)]

    def test_json_and_markdown(self, kldiv: Kldiv, tmp_path: Path) -> None:
        words = ("compare", *files(tmp_path, "abcd", "acdxy"), "--on-missing", "skip", "--format")
        found = json.loads(kldiv(*words, "json").out)
        assert found["missing"] == {"only_reference": 1, "only_candidate": 2}
        assert found["rows"] == 3
        assert "- left out: 1 row only in p, 2 only in q\n" in kldiv(*words, "markdown").out

    def test_nothing_missing_is_said_too(self, kldiv: Kldiv) -> None:
        plain = kldiv("compare", *CSV).out.splitlines()
        out = kldiv("compare", *CSV, "--on-missing", "skip").out.splitlines()
        assert [line for line in out if line not in plain] == [
            "left out     0 rows only in p, 0 only in q",
        ]

    def test_without_ids_it_is_refused(self, kldiv: Kldiv) -> None:
        code, out, err = kldiv("compare", *MAGIKA, "--on-missing", "skip")
        assert (code, out) == (2, "")
        assert err == (
            "kldiv: error: --on-missing skip is for rows with ids, and these are paired by "
            "position\nLeave it out, or name the row-id column with --id.\n"
        )
        assert kldiv("compare", *MAGIKA, "--limit", "3", "--on-missing", "skip").code == 2

    def test_a_mask_is_of_all_rows_of_the_reference(self, tmp_path: Path) -> None:
        paths = files(tmp_path, "abcdef", "fbdxyzu")
        mask = np.array([True, True, False, False, True, True])
        found = compare(*paths, on_missing="skip", mask=mask)
        every = compare(*paths, on_missing="skip")
        assert found.ids is not None
        assert found.ids.tolist() == ["b", "d", "f"]
        assert found.masked_rows is not None
        assert found.masked_rows.tolist() == [False, True, False]
        np.testing.assert_array_equal(
            found.values["jeffreys"][[0, 2]], every.values["jeffreys"][[0, 2]]
        )
        with pytest.raises(InputError, match=r"expected 6 rows or more, .* found 4"):
            compare(*paths, on_missing="skip", mask=mask[:4])

    def test_other_words_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="no way with missing rows is called 'warn'"):
            compare(*files(tmp_path, "ab", "ab"), on_missing="warn")  # type: ignore[arg-type]


class TestRoom:
    """What is looked up is held in memory, and there is not always enough of it."""

    IDS = tuple(f"file-{i}" for i in range(2000))
    VALUES = logits(2000, 50)
    BYTES = 2000 * 50 * 8 + 2000 * 250

    def pairing(self, order: Sequence[int], room: int) -> Pairing:
        theirs = [self.IDS[i] for i in order]
        cut = range(100, 2000, 100)
        return Pairing(
            table(self.VALUES, self.IDS, path="a.parquet", cut=cut),
            table(self.VALUES[list(order)], theirs, path="b.parquet", cut=cut),
            room=room,
        )

    def test_the_same_order_needs_none(self) -> None:
        left, right, _ = paired(self.pairing(range(2000), 0))
        np.testing.assert_array_equal(left, right)

    def test_just_enough(self) -> None:
        left, right, _ = paired(self.pairing(range(1999, -1, -1), self.BYTES))
        np.testing.assert_array_equal(left, right)

    def test_only_what_follows_the_first_difference_is_held(self) -> None:
        order = [*range(1900), *range(1999, 1899, -1)]
        left, right, _ = paired(self.pairing(order, self.BYTES // 20))
        np.testing.assert_array_equal(left, right)

    def test_too_little(self) -> None:
        with pytest.raises(InputError) as caught:
            paired(self.pairing(range(1999, -1, -1), self.BYTES - 1))
        assert caught.value.what == (
            "b.parquet: expected its rows in the order of a.parquet, or room to look them up, "
            "found 0.0013 GB of memory for 0.0013 GB or more"
        )
        assert caught.value.advice == (
            "Sort both by id, for example: duckdb -c \"COPY (FROM 'b.parquet' ORDER BY id) TO "
            "'sorted.parquet'\""
        )

    def test_too_little_where_rows_without_a_partner_are_left_out(self) -> None:
        """Sorting alone does not help there: from the first such row on the rest is looked up."""
        pairing = Pairing(
            table(S, list("abcdefgh"), path="a.csv"),
            table(T, list("bcdefghi"), path="b.csv"),
            on_missing="skip",
            room=100,
        )
        with pytest.raises(InputError) as caught:
            list(pairing.blocks())
        assert caught.value.advice == (
            "Sort both by id without the rows that only one has, for example: duckdb -c "
            "\"COPY (FROM 'b.csv' SEMI JOIN 'a.csv' USING (id) ORDER BY id) TO 'sorted.parquet'\""
        )

    def test_no_more_is_read_than_there_is_room_for(self) -> None:
        read: list[int] = []
        pairing = self.pairing(range(1999, -1, -1), self.BYTES // 4)
        whole = pairing.candidate.batches  # type: ignore[attr-defined]

        def batches(names: list[str], rows: int) -> Any:
            for batch in whole(names, rows):
                read.append(batch.num_rows)
                yield batch

        object.__setattr__(pairing.candidate, "batches", batches)
        with pytest.raises(InputError, match="room to look them up"):
            paired(pairing)
        assert 500 < sum(read) <= 500 + 300 + 100

    def test_rows_behind_the_end_of_the_reference_take_none(self) -> None:
        theirs = table(self.VALUES, self.IDS)
        pairing = Pairing(
            table(self.VALUES[:5], self.IDS[:5]), theirs, on_missing="skip", room=2000 * 250
        )
        assert sum(len(pair.reference) for pair in pairing.blocks()) == 5
        assert pairing.missing.candidate == 1995

    def test_what_is_available_decides(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        paths = files(tmp_path, "abcd", "dcba")
        monkeypatch.setattr("kldiv_cli.pairing.by_id.available", lambda: 100)
        with pytest.raises(InputError) as caught:
            compare(*paths)
        assert "found 7.5e-08 GB of memory" in caught.value.what
        assert "\n" not in caught.value.what + caught.value.advice


class TestAvailable:
    def system(self, folder: Path, **content: str) -> Path:
        for name, text in content.items():
            path = folder / name.replace("__", "/").replace("_dot_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return folder

    def test_is_some_of_this_machine(self) -> None:
        assert 1 << 20 < available() < 1 << 60

    def test_what_linux_says(self, tmp_path: Path) -> None:
        text = "MemTotal:  9000 kB\nMemFree:  100 kB\nMemAvailable:  2000 kB\n"
        assert available(self.system(tmp_path, proc__meminfo=text)) == 2000 * 1024

    @pytest.mark.parametrize(
        ("limit", "expected"), [("900000", 900000 - 500000 + 20000), ("max", 2000 * 1024)]
    )
    def test_the_group_of_a_container(self, limit: str, expected: int, tmp_path: Path) -> None:
        system = self.system(
            tmp_path,
            proc__meminfo="MemAvailable:  2000 kB\n",
            proc__self__cgroup="0::/\n",
            sys__fs__cgroup__memory_dot_max=f"{limit}\n",
            sys__fs__cgroup__memory_dot_current="500000\n",
            sys__fs__cgroup__memory_dot_stat="file 70000\ninactive_file 20000\n",
        )
        assert available(system) == expected

    def test_the_groups_around_it(self, tmp_path: Path) -> None:
        system = self.system(
            tmp_path,
            proc__meminfo="MemAvailable:  2000 kB\n",
            proc__self__cgroup="0::/job/step\n",
            sys__fs__cgroup__job__memory_dot_max="70000\n",
            sys__fs__cgroup__job__memory_dot_current="30000\n",
            sys__fs__cgroup__job__memory_dot_stat="\n",
            sys__fs__cgroup__job__step__memory_dot_max="max\n",
        )
        assert available(system) == 40000

    def test_the_older_groups(self, tmp_path: Path) -> None:
        system = self.system(
            tmp_path,
            proc__self__cgroup="5:cpu:/x\n4:memory:/\n",
            proc__meminfo="MemAvailable:  2000 kB\n",
            sys__fs__cgroup__memory__memory_dot_limit_in_bytes="600000\n",
            sys__fs__cgroup__memory__memory_dot_usage_in_bytes="500000\n",
            sys__fs__cgroup__memory__memory_dot_stat="inactive_file 9\ntotal_inactive_file 1000\n",
        )
        assert available(system) == 101000

    def test_a_group_that_is_over_its_limit(self, tmp_path: Path) -> None:
        system = self.system(
            tmp_path,
            proc__self__cgroup="0::/\n",
            sys__fs__cgroup__memory_dot_max="100\n",
            sys__fs__cgroup__memory_dot_current="500\n",
            sys__fs__cgroup__memory_dot_stat="inactive_file 20\n",
        )
        assert available(system) == 0

    def test_another_system_has_the_memory_of_its_machine(self, tmp_path: Path) -> None:
        assert available(tmp_path) > 1 << 20
