import csv
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kldiv_cli import Comparison, compare
from kldiv_cli.errors import InputError
from kldiv_cli.pairing import Pairing
from kldiv_cli.results.statistics import STATISTICS
from kldiv_cli.sources.arrays.array import ArraySource
from kldiv_cli.sources.base import Layout
from kldiv_cli.sources.base.columns import Columns
from kldiv_cli.sources.tables.table import TableSource

Array = npt.NDArray[Any]

SAMPLES = Path(__file__).parents[2] / "samples"

laws = settings(deadline=None, derandomize=True, database=None, max_examples=200)


def logits(rows: int, classes: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=(rows, classes))


def table(
    values: Array,
    ids: Sequence[Any] | None = None,
    names: Sequence[str] | None = None,
    *,
    cut: Sequence[int] = (),
    known: bool = True,
    path: str = "t.parquet",
) -> TableSource:
    """Return a table in memory, its batches cut at the rows given."""
    classes = tuple(names or (f"c{i}" for i in range(values.shape[1])))
    columns = {name: pa.array(values[:, i]) for i, name in enumerate(classes)}
    if ids is not None:
        columns["id"] = pa.array(ids)
    whole = pa.table(columns)

    def batches(wanted: list[str], _: int) -> Iterator[pa.RecordBatch]:
        bounds = [0, *sorted(cut), whole.num_rows]
        for start, stop in pairwise(bounds):
            yield from whole.slice(start, stop - start).select(wanted).to_batches()

    rows = len(values) if known else None
    roles = Columns(("id",) if ids is not None else (), classes, None, ())
    return TableSource(
        path, "parquet", "float64", roles, len(classes), rows, rows, batches, lambda _: None
    )


def paired(pairing: Pairing) -> tuple[Array, Array, list[Any] | None]:
    """Return all rows of both sides as they were paired, and their ids."""
    blocks = list(pairing.blocks())
    starts = [block.start for block in blocks]
    lengths = [len(block.reference) for block in blocks]
    assert starts == [sum(lengths[:i]) for i in range(len(blocks))]
    assert lengths == [len(block.candidate) for block in blocks]
    ids = [name for block in blocks if block.ids is not None for name in block.ids.tolist()]
    return (
        np.concatenate([block.reference for block in blocks]),
        np.concatenate([block.candidate for block in blocks]),
        ids or None,
    )


def complaint(reference: Any, candidate: Any) -> str:
    """Return the line that says why two sources cannot be paired; it names both files."""
    with pytest.raises(InputError) as caught:
        paired(Pairing(reference, candidate))
    assert caught.value.advice
    return caught.value.what


# By position


def test_rows_without_ids_are_paired_by_position() -> None:
    s, t = logits(7, 3), logits(7, 3, 1)
    pairing = Pairing(table(s, cut=(2, 5)), table(t, cut=(1, 2, 6)))
    left, right, ids = paired(pairing)
    assert (pairing.by, ids) == ("position", None)
    np.testing.assert_array_equal(left, s)
    np.testing.assert_array_equal(right, t)


@pytest.mark.parametrize("side", ["reference", "candidate"])
def test_ids_on_one_side_only_are_carried_along(side: str) -> None:
    s, t, names = logits(3, 2), logits(3, 2, 1), ["x", "y", "z"]
    sides = (table(s, names), table(t)) if side == "reference" else (table(s), table(t, names))
    pairing = Pairing(*sides)
    left, right, ids = paired(pairing)
    assert (pairing.by, ids) == ("position", names)
    np.testing.assert_array_equal(left, s)
    np.testing.assert_array_equal(right, t)


def test_an_array_and_a_table_are_paired_by_position() -> None:
    s, t = logits(5, 3), logits(5, 3, 1)
    pairing = Pairing(ArraySource(s, Layout()), table(t, list("abcde"), ["x", "y", "z"]))
    left, right, ids = paired(pairing)
    assert (pairing.by, pairing.class_names, ids) == ("position", ("x", "y", "z"), list("abcde"))
    np.testing.assert_array_equal(left, s)
    np.testing.assert_array_equal(right, t)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [((4,), (1, 4)), ((1, 4), (4,)), ((4,), (4,))],
    ids=["1-D-first", "1-D-second", "both"],
)
def test_a_1d_array_is_one_row(ours: tuple[int, ...], theirs: tuple[int, ...]) -> None:
    s, t = logits(1, 4), logits(1, 4, 1)
    pairing = Pairing(
        ArraySource(s.reshape(ours), Layout()), ArraySource(t.reshape(theirs), Layout())
    )
    left, right, _ = paired(pairing)
    np.testing.assert_array_equal(left, s)
    np.testing.assert_array_equal(right, t)


@pytest.mark.parametrize("known", [True, False], ids=["parquet", "csv"])
def test_a_1d_array_and_a_table_of_one_row(known: bool) -> None:
    s, t = logits(1, 4), logits(1, 4, 1)
    left, right, _ = paired(Pairing(ArraySource(s[0], Layout()), table(t, known=known)))
    np.testing.assert_array_equal(left, s)
    np.testing.assert_array_equal(right, t)


@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [
        ((3, 4), (3, 5), "shapes"),
        ((3, 4), (4, 4), "shapes"),
        ((6, 4), (2, 3, 4), "shapes"),
        ((2, 3, 4), (3, 2, 4), "shapes"),
        ((4,), (5,), "shapes"),
        ((4,), (2, 4), "shapes"),
        ((4,), (1, 1, 4), ""),
    ],
    ids=lambda value: "x".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_different_shapes_are_an_error(
    ours: tuple[int, ...], theirs: tuple[int, ...], said: str
) -> None:
    said = complaint(
        ArraySource(np.zeros(ours), Layout(), "ours.npy"),
        ArraySource(np.zeros(theirs), Layout(), "theirs.npy"),
    )
    for part in ("theirs.npy: expected the same", "ours.npy", said):
        assert part in said
    for shape in (ours, theirs):
        assert " x ".join(map(str, shape)) in said


ROW_COUNTS = [(5, 7), (7, 5), (1, 2), (1000, 999)]


@pytest.mark.parametrize(("ours", "theirs"), ROW_COUNTS)
@pytest.mark.parametrize(
    ("first", "second"),
    [
        *(("npy", "npy"), ("npy", "csv"), ("npy", "parquet"), ("csv", "npy"), ("csv", "csv")),
        *(("csv", "parquet"), ("parquet", "npy"), ("parquet", "csv"), ("parquet", "parquet")),
        *(("tsv", "csv"), ("csv", "tsv")),
    ],
    ids="-".join,
)
def test_different_numbers_of_rows_are_an_error(
    tmp_path: Path, ours: int, theirs: int, first: str, second: str
) -> None:
    a = save(tmp_path / f"ours.{first}", logits(ours, 2))
    b = save(tmp_path / f"theirs.{second}", logits(theirs, 2))
    with pytest.raises(InputError) as caught:
        compare(a, b)
    what = caught.value.what
    assert what.startswith(f"{b}: expected the same ")
    assert str(a) in what
    found = what.partition(" found ")[2]
    assert f"{ours} " in found
    assert f"{theirs} " in found


def save(
    path: Path, values: Array, ids: Sequence[Any] | None = None, names: Sequence[str] | None = None
) -> Path:
    """Write values in the format of the suffix."""
    names = names or [f"c{i}" for i in range(values.shape[1])]
    if path.suffix == ".npy":
        np.save(path, values)
    elif path.suffix == ".parquet":
        columns = {name: values[:, i] for i, name in enumerate(names)}
        pq.write_table(pa.table(columns if ids is None else {"id": ids, **columns}), path)
    else:
        with path.open("w", newline="") as file:
            writer = csv.writer(file, delimiter="\t" if path.suffix == ".tsv" else ",")
            writer.writerow(names if ids is None else ["id", *names])
            rows = values.tolist()
            writer.writerows(
                rows if ids is None else [[k, *row] for k, row in zip(ids, rows, strict=True)]
            )
    return path


# By name


def test_classes_are_paired_by_name_whatever_their_order() -> None:
    s, t = logits(4, 3), logits(4, 3, 1)
    shuffled = table(t[:, [2, 0, 1]], names=["z", "x", "y"])
    pairing = Pairing(table(s, names=["x", "y", "z"]), shuffled)
    left, right, _ = paired(pairing)
    assert pairing.class_names == ("x", "y", "z")
    np.testing.assert_array_equal(left, s)
    np.testing.assert_array_equal(right, t)


@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [
        ("ab", "ac", "1 only in a.csv ('b') and 1 only in b.csv ('c')"),
        ("abc", "ab", "1 only in a.csv ('c')"),
        ("ab", "abc", "1 only in b.csv ('c')"),
        ("ab", "cd", "2 only in a.csv ('a', 'b') and 2 only in b.csv ('c', 'd')"),
        ("abcdef", "fghijkl", "5 only in a.csv ('a', 'b', 'c', ...)"),
        ("ab", "aB", "1 only in a.csv ('b') and 1 only in b.csv ('B')"),
    ],
)
def test_names_on_one_side_only_are_an_error(ours: str, theirs: str, said: str) -> None:
    what = complaint(
        table(logits(2, len(ours)), names=list(ours), path="a.csv"),
        table(logits(2, len(theirs)), names=list(theirs), path="b.csv"),
    )
    assert what.startswith("b.csv: expected the same class names as a.csv, found ")
    assert said in what


# By id

IDS: dict[str, list[Any]] = {
    "text": [f"file-{i}.txt" for i in range(20)],
    "integers": list(range(100, 120)),
    "negative": list(range(-10, 10)),
    "large": [2**62 + i for i in range(20)],
}


@pytest.mark.parametrize("ids", IDS.values(), ids=IDS)
@pytest.mark.parametrize(
    "cuts",
    [((), ()), ((7,), (13,)), (tuple(range(1, 20)), (4, 8, 12))],
    ids=["whole", "two", "many"],
)
@pytest.mark.parametrize("same", [0, 1, 7, 8, 13, 18], ids=lambda same: f"first-{same}-in-order")
def test_rows_are_paired_by_id_whatever_their_order(
    ids: list[Any], cuts: tuple[tuple[int, ...], tuple[int, ...]], same: int
) -> None:
    s, t = logits(20, 3), logits(20, 3, 1)
    order = [*range(same), *range(19, same - 1, -1)]
    pairing = Pairing(
        table(s, ids, cut=cuts[0]), table(t[order], [ids[i] for i in order], cut=cuts[1])
    )
    left, right, found = paired(pairing)
    assert (pairing.by, found) == ("id", ids)
    np.testing.assert_array_equal(left, s)
    np.testing.assert_array_equal(right, t)


@pytest.mark.parametrize("shuffled", [False, True], ids=["in-order", "shuffled"])
@pytest.mark.parametrize("text_first", [False, True], ids=["integers-first", "text-first"])
def test_integer_ids_meet_text_ids(shuffled: bool, text_first: bool) -> None:
    s, t = logits(12, 2), logits(12, 2, 1)
    order = np.random.default_rng(0).permutation(12) if shuffled else np.arange(12)
    numbers: list[Any] = list(range(-3, 9))
    text: list[Any] = [str(i) for i in numbers]
    ours, theirs = (text, numbers) if text_first else (numbers, text)
    left, right, _ = paired(
        Pairing(table(s, ours, cut=(5,)), table(t[order], [theirs[i] for i in order], cut=(3,)))
    )
    np.testing.assert_array_equal(left, s)
    np.testing.assert_array_equal(right, t)


@pytest.mark.parametrize("kind", ["int8", "uint16", "int32", "uint64"])
def test_integer_ids_of_any_width_meet(kind: str) -> None:
    s, t = logits(6, 2), logits(6, 2, 1)
    ours = pa.array(range(6), pa.int64())
    theirs = pa.array(range(5, -1, -1), getattr(pa, kind)())
    _, right, _ = paired(Pairing(table(s, ours), table(t[::-1], theirs)))
    np.testing.assert_array_equal(right, t)


def test_07_is_not_7() -> None:
    what = complaint(table(logits(1, 2), [7]), table(logits(1, 2), ["07"]))
    assert "1 only in t.parquet ('7') and 1 only in t.parquet ('07')" in what


@pytest.mark.parametrize("cut", [(), (1,), (2,), (3,), (1, 2, 3)], ids=str)
@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [
        ("abcd", "abc", "1 only in a.csv ('d')"),
        ("abc", "abcd", "1 only in b.csv ('d')"),
        ("abc", "ab", "1 only in a.csv ('c')"),
        ("a", "abcde", "4 only in b.csv ('b', 'c', 'd', ...)"),
        ("abcde", "a", "4 only in a.csv ('b', 'c', 'd', ...)"),
        ("abcd", "dcb", "1 only in a.csv ('a')"),
        ("dcb", "abcd", "1 only in b.csv ('a')"),
        ("abcdx", "dcba", "found 1 only in a.csv ('x')"),
        ("dcba", "abcdx", "found 1 only in b.csv ('x')"),
        ("abcxd", "abdc", "found 1 only in a.csv ('x')"),
        ("abcd", "abed", "1 only in a.csv ('c') and 1 only in b.csv ('e')"),
        ("abcd", "efgh", "4 only in a.csv ('a', 'b', 'c', ...) and 4 only in b.csv"),
    ],
    ids=lambda value: value if value.isalpha() else "",
)
def test_ids_on_one_side_only_are_an_error(
    ours: str, theirs: str, said: str, cut: tuple[int, ...]
) -> None:
    what = complaint(
        table(
            logits(len(ours), 2), list(ours), cut=[c for c in cut if c < len(ours)], path="a.csv"
        ),
        table(
            logits(len(theirs), 2),
            list(theirs),
            cut=[c for c in cut if c < len(theirs)],
            path="b.csv",
        ),
    )
    assert what.startswith("b.csv: expected the same row ids as a.csv, found ")
    assert said in what


@pytest.mark.parametrize("cut", [(), (1,), (2,), (1, 2, 3)], ids=str)
@pytest.mark.parametrize(
    ("ours", "theirs", "blamed", "twice"),
    [
        ("abca", "abca", "", "'a'"),
        ("aabc", "aabc", "", "'a'"),
        ("abac", "caab", "", "'a'"),
        ("abcd", "abca", "b.csv", "'a'"),
        ("abca", "abcd", "a.csv", "'a'"),
        ("abcd", "abcdd", "b.csv", "'d'"),
        ("abcdd", "abcd", "a.csv", "'d'"),
        ("abcd", "dcbaa", "b.csv", "'a'"),
        ("abcda", "dcba", "a.csv", "'a'"),
        ("aabbccdd", "aabbccdd", "", "'a', 'b', 'c', ... (4 in all)"),
    ],
    ids=[
        *("same-order-far", "same-order-near", "other-order", "candidate", "reference"),
        *("candidate-longer", "reference-longer", "candidate-shuffled", "reference-shuffled"),
        "many",
    ],
)
def test_ids_that_occur_twice_are_an_error(
    ours: str, theirs: str, blamed: str, twice: str, cut: tuple[int, ...]
) -> None:
    what = complaint(
        table(logits(len(ours), 2), list(ours), cut=cut, path="a.csv"),
        table(logits(len(theirs), 2), list(theirs), cut=cut, path="b.csv"),
    )
    assert what.startswith(blamed)
    assert what.partition(": ")[2] == (
        f"expected every row id in 'id' once, found {twice} more than once"
    )


@laws
@given(st.data())
def test_any_order_of_rows_and_classes_gives_the_same_pairs(data: st.DataObject) -> None:
    rows, classes = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 4))
    s, t = logits(rows, classes), logits(rows, classes, 1)
    names = [f"c{i}" for i in range(classes)]
    down = data.draw(st.permutations(range(rows)))
    across = data.draw(st.permutations(range(classes)))
    ids: list[Any] = data.draw(
        st.sampled_from([list(range(rows)), [f"r{i}" for i in range(rows)]]), label="ids"
    )
    cuts = st.sets(st.integers(1, rows), max_size=rows)
    ours = table(s, ids, names, cut=list(data.draw(cuts)))
    theirs = table(
        t[down][:, across],
        [ids[i] for i in down],
        [names[j] for j in across],
        cut=list(data.draw(cuts)),
        known=data.draw(st.booleans()),
    )
    left, right, found = paired(Pairing(ours, theirs))
    assert found == ids
    np.testing.assert_array_equal(left, s)
    np.testing.assert_array_equal(right, t)


# Through files


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet"])
@pytest.mark.parametrize("ids", [IDS["text"], IDS["integers"]], ids=["text", "integers"])
def test_shuffled_files_give_the_values_of_the_arrays(
    tmp_path: Path, suffix: str, ids: list[Any]
) -> None:
    s, t = logits(20, 5), logits(20, 5, 1)
    down, across = (np.random.default_rng(2).permutation(n) for n in (20, 5))
    expected = compare(s, t)
    names = list("abcde")
    a = save(tmp_path / f"a.{suffix}", s, ids, names)
    b = save(
        tmp_path / f"b.{suffix}",
        t[down][:, across],
        [ids[i] for i in down],
        [names[j] for j in across],
    )
    found = compare(a, b)
    assert (found.paired_by, found.class_names) == ("id", tuple(names))
    assert found.ids is not None
    assert [str(name) for name in found.ids.tolist()] == [str(name) for name in ids]
    assert_same_numbers(found, expected)


def assert_same_numbers(found: Comparison, expected: Comparison) -> None:
    """Compare to the last bit: every value, every statistic, the agreement."""
    for name, values in expected.values.items():
        np.testing.assert_array_equal(found.values[name], values)
        one, other = found.measures[name], expected.measures[name]
        assert {stat: one[stat] for stat in STATISTICS} == {s: other[s] for s in STATISTICS}
        assert one.max_row == other.max_row
    assert found.agreement == expected.agreement


@pytest.mark.parametrize("mode", ["softmax", "sigmoid"])
def test_the_shuffled_sample_gives_exactly_the_numbers_of_the_arrays(mode: Any) -> None:
    expected = compare(SAMPLES / "magika-fp32.npy", SAMPLES / "magika-int8.npy", mode=mode)
    found = compare(
        SAMPLES / "magika-fp32.parquet", SAMPLES / "magika-int8-shuffled.parquet", mode=mode
    )
    assert found.paired_by == "id"
    assert_same_numbers(found, expected)


def test_the_shuffled_sample_may_be_the_reference() -> None:
    expected = compare(SAMPLES / "magika-fp32.npy", SAMPLES / "magika-int8.npy")
    straight = compare(SAMPLES / "magika-fp32.parquet", SAMPLES / "magika-int8-shuffled.parquet")
    found = compare(SAMPLES / "magika-int8-shuffled.parquet", SAMPLES / "magika-fp32.parquet")
    assert found.ids is not None
    assert straight.ids is not None
    by_id = dict(zip(found.ids, found.values["jeffreys"], strict=True))
    np.testing.assert_allclose(
        [by_id[name] for name in straight.ids], expected.values["jeffreys"], rtol=1e-13
    )


@pytest.mark.parametrize(
    "partner", ["magika-fp32.npy", "magika-fp32.parquet", "magika-fp32-24.csv"]
)
def test_the_text_sample_gives_the_first_rows_of_the_arrays(tmp_path: Path, partner: str) -> None:
    expected = compare(
        np.load(SAMPLES / "magika-fp32.npy")[:24], np.load(SAMPLES / "magika-int8.npy")[:24]
    )
    reference = SAMPLES / partner
    if reference.suffix == ".npy":
        np.save(tmp_path / "a.npy", np.load(reference)[:24])
        reference = tmp_path / "a.npy"
    elif reference.suffix == ".parquet":
        pq.write_table(pq.read_table(reference).slice(0, 24), tmp_path / "a.parquet")
        reference = tmp_path / "a.parquet"
    found = compare(reference, SAMPLES / "magika-int8-24.csv")
    # The text holds the shortest decimals of float32, which float64 reads to 1e-8.
    np.testing.assert_allclose(found.values["jeffreys"], expected.values["jeffreys"], rtol=1e-3)
