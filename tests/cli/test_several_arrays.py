"""Files whose arrays are one input together, as people write them."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from kldiv_cli import compare
from kldiv_cli.sources.arrays.keys import choose
from kldiv_cli.sources.base import Indexed, Layout
from kldiv_cli.sources.formats.opening import open_source
from tests.command import ROOT, Kldiv
from tests.sources import test_safetensors
from tests.sources.mutations import read

Array = npt.NDArray[Any]

CASES = ROOT / "tests" / "cases"
RIGHT = CASES / "right_p.npy", CASES / "right_q.npy"
MEAN = 0.012766845035995957


approx = partial(pytest.approx, rel=1e-14, abs=0)


def save_npz(path: Path, **arrays: Array) -> Path:
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


def save_deflated(path: Path, **arrays: Array) -> Path:
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]
    return path


SAVE: dict[str, tuple[str, Callable[..., Path]]] = {
    "npz": ("x.npz", save_npz),
    "npz-deflated": ("x.npz", save_deflated),
    "safetensors": ("x.safetensors", test_safetensors.save),
}


def parts(prefix: str = "arr_") -> dict[str, Array]:
    """The rows of right_p.npy as twelve arrays of unequal lengths, in another order."""
    rows = np.repeat(np.load(RIGHT[0]), 3, axis=0)
    cuts = np.split(rows, [2, 3, 5, 6, 7, 9, 11, 12, 13, 15, 17])
    return {f"{prefix}{number}": cuts[number] for number in (3, 11, 1, 0, 10, 2, *range(4, 10))}


def test_the_arrays_of_one_run_are_joined_by_a_glob(kldiv: Kldiv) -> None:
    files = CASES / "many_p.npz", CASES / "many_q.npz"
    code, out, err = kldiv("compare", *files)
    assert (code, out) == (2, "")
    assert err.splitlines()[1] == (
        "Say which array with --key NAME; --key 'arr_*' takes those that it matches, one after "
        "the other."
    )
    code, out, err = kldiv("compare", *files, "--key", "arr_*", "--format", "json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found["measures"]["jeffreys"]["mean"] == approx(MEAN)
    assert (found["reference"]["arrays"], found["candidate"]["arrays"]) == (3, 3)
    table = kldiv("compare", *files, "--key", "arr_*").out
    assert "many_p.npz  npz float32 6 x 11 in 3 arrays\n" in table
    assert "npz float32 6 x 11 in 3 arrays\n" in kldiv("inspect", files[0], "--key", "*").out


@pytest.mark.parametrize("kind", SAVE)
def test_arrays_follow_each_other_in_natural_order(tmp_path: Path, kind: str) -> None:
    name, save = SAVE[kind]
    path = save(tmp_path / name, **parts(), other=np.ones(3))
    source = open_source(path, Layout(key="arr_*"))
    rows = np.repeat(np.load(RIGHT[0]), 3, axis=0)
    assert (source.shape, source.length, source.arrays) == ((18, 11), 18, 12)
    assert np.array_equal(read(source), rows)
    assert np.array_equal(read(source), rows)
    assert max(len(block) for block in source.blocks(2)) == 2
    assert source.place_of(17) == "row 0 of 'arr_11'"
    assert source.place_of(2) == "row 0 of 'arr_1'"


@pytest.mark.parametrize("kind", SAVE)
def test_parts_of_joined_arrays_are_read(kldiv: Kldiv, tmp_path: Path, kind: str) -> None:
    name, save = SAVE[kind]
    path = save(tmp_path / name, **parts())
    whole = tmp_path / "whole.npy"
    np.save(whole, np.repeat(np.load(RIGHT[0]), 3, axis=0))
    other = tmp_path / "other.npy"
    np.save(other, np.repeat(np.load(RIGHT[1]), 3, axis=0))
    for words in (("--rows", "4:13"), ("--limit", 5), ("--sample", 7), ("--rows", "-3:")):
        found = kldiv("compare", path, other, "--key", "arr_*", "--stat", "total", *words)
        assert found == kldiv("compare", whole, other, "--stat", "total", *words)
        assert float(found.out) > 0


def test_single_rows_of_mapped_arrays_are_read_where_they_lie(tmp_path: Path) -> None:
    source = open_source(save_npz(tmp_path / "x.npz", **parts()), Layout(key="*"))
    assert isinstance(source, Indexed)
    places = np.array([0, 4, 5, 12, 17])
    rows = np.repeat(np.load(RIGHT[0]), 3, axis=0)
    assert np.array_equal(source.at(places).values, rows[places])
    deflated = open_source(save_deflated(tmp_path / "x.npz", **parts()), Layout(key="*"))
    assert not isinstance(deflated, Indexed)


@pytest.mark.parametrize("more", ["mapped", "deflated"])
def test_threads_change_nothing(tmp_path: Path, more: str) -> None:
    rng = np.random.default_rng(1)
    save = save_npz if more == "mapped" else save_deflated
    arrays = {f"a{i}": rng.normal(size=(50 + i, 300)) for i in range(9)}
    path = save(tmp_path / "x.npz", **arrays)
    other = tmp_path / "other.npy"
    np.save(other, rng.normal(size=(486, 300)))
    found = [
        compare(path, other, key="a*", threads=threads).measures["jeffreys"] for threads in (1, 3)
    ]
    assert found[0] == found[1]


def test_axes_of_rows_stay_where_all_arrays_have_them(tmp_path: Path) -> None:
    alike = save_npz(tmp_path / "a.npz", x1=np.ones((2, 3, 4)), x2=np.ones((1, 3, 4)))
    assert open_source(alike, Layout(key="x*")).shape == (3, 3, 4)
    ragged = save_npz(tmp_path / "r.npz", x1=np.ones((2, 3, 4)), x2=np.ones((2, 5, 4)))
    assert open_source(ragged, Layout(key="x*")).shape == (16, 4)
    single = save_npz(tmp_path / "s.npz", x1=np.ones(4), x2=np.ones(4))
    assert open_source(single, Layout(key="x*")).shape == (2, 4)
    maps = open_source(alike, Layout(key="x*", row_axes=1))
    assert (maps.row_shape, maps.class_shape) == ((3,), (3, 4))


def test_a_glob_that_is_a_name_is_that_name_and_one_match_is_taken_as_it_is(
    tmp_path: Path,
) -> None:
    path = save_npz(tmp_path / "x.npz", **{"a*": np.ones((1, 3)), "ab": np.zeros((2, 3))})
    assert open_source(path, Layout(key="a*")).shape == (1, 3)
    only = open_source(path, Layout(key="?b"))
    assert (only.shape, only.arrays) == ((2, 3), None)


@pytest.mark.parametrize(
    ("other", "found"),
    [
        (
            np.ones((2, 4), np.float32),
            "expected rows of 3 classes in 'x2' as in 'x1', found rows",
        ),
        (np.ones((2, 3)), "expected type float32 in 'x2' as in 'x1', found type float64"),
    ],
)
def test_arrays_that_do_not_agree_are_not_joined(
    kldiv: Kldiv, tmp_path: Path, other: Array, found: str
) -> None:
    path = save_npz(tmp_path / "x.npz", x1=np.ones((2, 3), np.float32), x2=other)
    code, out, err = kldiv("inspect", path, "--key", "x*")
    assert (code, out) == (2, "")
    what, advice = err.splitlines()
    assert what.startswith(f"kldiv: error: {path}: {found}")
    assert advice == "Name those that belong together by another glob; --key NAME takes one."


def advice(tmp_path: Path, *names: str, layout: Layout | None = None) -> str:
    path = save_npz(tmp_path / "x.npz", **{name: np.ones((2, 3)) for name in names})
    with pytest.raises(Exception, match="expected one array") as caught:
        open_source(path, layout or Layout())
    return str(getattr(caught.value, "advice", ""))


def test_only_arrays_that_are_told_apart_by_numbers_are_offered_together(tmp_path: Path) -> None:
    plain = "Say which array with --key NAME."
    assert advice(tmp_path, "teacher", "student") == plain
    assert advice(tmp_path, "x1", "y1") == plain
    assert advice(tmp_path, "x1", "x[2]") == plain
    assert advice(tmp_path, "x1", "x2", "xy") == plain  # which x* would match
    assert "; --key 'x*' takes those" in advice(tmp_path, "y", "x1", "x2")
    assert "; --key 'l*_h*' takes those" in advice(tmp_path, "l1_h1", "l1_h2", "l2_h10")
    candidate = Layout(side="candidate")
    assert "; --candidate-key 'x*' takes" in advice(tmp_path, "x1", "x2", layout=candidate)


def test_a_folder_of_such_files_counts_all_arrays(kldiv: Kldiv, tmp_path: Path) -> None:
    for number, count in enumerate((2, 1, 3)):
        arrays = {f"x{i}": np.eye(3) + i for i in range(count)}
        save_npz(tmp_path / f"{number}.npz", **arrays)
    out = kldiv("inspect", tmp_path, "--key", "x*").out
    assert "npz float64 18 x 3 in 3 files of 6 arrays\n" in out
    found = json.loads(kldiv("inspect", tmp_path, "--key", "x*", "--format", "json").out)
    assert (found[0]["shards"], found[0]["arrays"]) == (3, 6)


def test_a_mask_in_several_arrays(kldiv: Kldiv, tmp_path: Path) -> None:
    kept = np.ones((6, 11), bool)
    kept[3, 2:5] = False
    mask = save_npz(tmp_path / "m.npz", m0=kept[:2], m1=kept[2:])
    whole = tmp_path / "whole.npy"
    np.save(whole, kept)
    found = kldiv("compare", *RIGHT, "--mask", f"{mask}:m*", "--stat", "mean")
    assert found == kldiv("compare", *RIGHT, "--mask", whole, "--stat", "mean")
    assert found.code == 0


def test_damage_in_one_of_them_is_found(tmp_path: Path) -> None:
    path = save_npz(tmp_path / "x.npz", **parts())
    whole = bytearray(path.read_bytes())
    whole[whole.rindex(b"\x93NUMPY") + 140] ^= 1
    path.write_bytes(whole)
    with pytest.raises(Exception, match="CRC-32"):
        read(open_source(path, Layout(key="*")))


def test_names_without_arrays_choose_nothing() -> None:
    with pytest.raises(Exception, match="expected arrays, found none"):
        choose("x", Layout(key="*"), [], lambda _: pytest.fail("nothing to describe"))
