"""Datasets of HDF5 files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from kldiv_cli import compare
from kldiv_cli.errors import InputError
from kldiv_cli.sources.base import Indexed, Layout
from kldiv_cli.sources.formats.opening import open_source
from tests.command import ROOT, Kldiv

h5py = pytest.importorskip("h5py")

Array = npt.NDArray[Any]

CASES = ROOT / "tests" / "cases"
LOGITS = np.load(CASES / "right_p.npy")
DEEP = np.arange(2 * 3 * 5 * 4.0).reshape(2, 3, 5, 4)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with datasets of many kinds, and groups."""
    found = tmp_path / "x.h5"
    with h5py.File(found, "w") as file:
        file["run/logits"] = LOGITS
        file["run/part_10"], file["run/part_9"] = LOGITS[2:], LOGITS[:2]
        file["big-endian"] = LOGITS.astype(">f8")
        for codec in ("gzip", "lzf"):
            file.create_dataset(
                codec, data=LOGITS, chunks=(4, 3), compression=codec, fletcher32=True, shuffle=True
            )
        file.create_dataset("deep", data=DEEP, chunks=(1, 2, 2, 3), compression="gzip")
        file.create_dataset("grown", data=LOGITS, maxshape=(None, 11))
        file["link"] = h5py.SoftLink("/run/logits")
        file["words"], file["yes"], file["one"] = ["a", "b"], LOGITS > 0, 3.0
        file["complex"], file["none"] = LOGITS + 1j, np.empty((0, 4))
        file["nothing"] = h5py.Empty("f4")
    return found


def read(path: Path, rows: int = 4, **layout: Any) -> Array:
    source = open_source(path, Layout(**layout))
    return np.concatenate([block.values for block in source.blocks(rows)])


@pytest.mark.parametrize("key", ["run/logits", "big-endian", "gzip", "lzf", "grown"])
def test_a_dataset_is_read(path: Path, key: str) -> None:
    source = open_source(path, Layout(key=key))
    assert (source.format, source.shape, source.has_keys) == ("hdf5", (6, 11), True)
    for rows in (1, 4, 100):
        np.testing.assert_array_equal(read(path, rows, key=key), LOGITS)


def test_the_only_dataset_needs_no_key() -> None:
    found = compare(CASES / "h_p.h5", CASES / "right_q.npy").measures["jeffreys"]["mean"]
    assert found == pytest.approx(0.012766845035995957, rel=1e-14)


def test_what_lies_in_one_piece_is_mapped(path: Path) -> None:
    assert isinstance(open_source(path, Layout(key="run/logits")), Indexed)
    assert not isinstance(open_source(path, Layout(key="gzip")), Indexed)


def test_a_file_behind_a_userblock_is_read(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w", userblock_size=512) as file:
        file["x"] = LOGITS
    np.testing.assert_array_equal(read(tmp_path / "x.h5", format="hdf5"), LOGITS)


@pytest.mark.parametrize("row_axes", [0, 1, 2, 3])
@pytest.mark.parametrize("step", [1, 64, 1 << 22])
def test_rows_end_where_the_layout_says(
    path: Path, monkeypatch: pytest.MonkeyPatch, row_axes: int, step: int
) -> None:
    monkeypatch.setattr("kldiv_cli.sources.formats.hdf5._STEP", step)
    right = DEEP.reshape(int(np.prod(DEEP.shape[:row_axes])), -1)
    for rows in (1, 7, 100):
        np.testing.assert_array_equal(read(path, rows, key="deep", row_axes=row_axes), right)


def test_classes_lie_along_any_axis(path: Path) -> None:
    right = np.moveaxis(DEEP, 1, -1).reshape(-1, 3)
    np.testing.assert_array_equal(read(path, key="deep", class_axis=1), right)


def test_a_glob_joins_datasets(path: Path, kldiv: Kldiv) -> None:
    np.testing.assert_array_equal(read(path, key="run/part_*"), LOGITS)
    code, out, err = kldiv("compare", path, CASES / "right_q.npy", "--key", "run/part_*")
    assert (code, err) == (0, "")
    assert "2 arrays" in out


@pytest.mark.parametrize("key", [None, "link", "nothing", "nope"])
def test_of_several_datasets_one_is_named(path: Path, key: str | None) -> None:
    with pytest.raises(InputError) as caught:
        open_source(path, Layout(key=key))
    assert "'run/logits' float32 (6, 11)" in caught.value.what
    assert "'link'" not in caught.value.what.partition(", found ")[2]
    assert caught.value.advice == (
        "Say which array with --key NAME; --key 'run/part_*' takes those that it matches, one "
        "after the other."
    )


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("words", "'words': expected real numbers, found text"),
        ("yes", "'yes': expected real numbers, found bool"),
        ("complex", "'complex': expected real numbers, found complex64"),
        ("one", "expected an array of logits, found a single number"),
        ("none", "expected rows and classes, found none (shape (0, 4))"),
    ],
)
def test_what_are_no_logits_is_said_so(path: Path, key: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        open_source(path, Layout(key=key))
    assert caught.value.what.startswith(f"{path}: {said}")


def test_values_in_other_files_are_not_looked_for(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        raw = [(str(tmp_path / "raw"), 0, h5py.h5f.UNLIMITED)]
        file.create_dataset("raw", (2, 3), "f4", external=raw)
        layout = h5py.VirtualLayout((1, 2, 3), "f4")
        layout[0] = h5py.VirtualSource(str(tmp_path / "y.h5"), "x", (2, 3))
        file.create_virtual_dataset("virtual", layout)
    for key in ("raw", "virtual"):
        with pytest.raises(InputError, match="whose values lie in other files") as caught:
            open_source(tmp_path / "x.h5", Layout(key=key))
        assert caught.value.advice == (
            'Write it as .npy with h5py: python -c "import h5py, numpy, sys; numpy.save('
            f"sys.argv[2], h5py.File(sys.argv[1])['{key}'][()])\" {tmp_path}/x.h5 {tmp_path}/x.npy"
        )


def test_a_chunk_has_to_fit_in_memory(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("x", (1 << 20, 1 << 10), "f4", chunks=(1 << 19, 1 << 10))
    with pytest.raises(InputError, match="chunks and rows of at most 1073741824 bytes, found 2147"):
        open_source(tmp_path / "x.h5", Layout())


def test_a_changed_chunk_is_told(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        data = file.create_dataset("x", data=LOGITS, chunks=(6, 11), fletcher32=True)
        place = data.id.get_chunk_info(0).byte_offset
    content = bytearray((tmp_path / "x.h5").read_bytes())
    content[place + 5] ^= 1
    (tmp_path / "x.h5").write_bytes(content)
    with pytest.raises(
        InputError, match="expected an HDF5 file that can be read, found: "
    ) as found:
        read(tmp_path / "x.h5")
    assert found.value.advice == "Write it again with h5py, or check that its copy was complete."


def test_without_h5py_it_says_what_to_install(
    kldiv: Kldiv, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    path = CASES / "h_p.h5"
    code, out, err = kldiv("inspect", path)
    assert (code, out) == (2, "")
    first, second = err.splitlines()
    assert first.startswith(f"kldiv: error: {path}: expected h5py, which reads HDF5, found none (")
    assert second == "Install it: pip install 'kldiv-cli[hdf5]'"


def test_a_chunk_that_is_nowhere_is_told(tmp_path: Path) -> None:
    """HDF5 itself ends by a signal where it unpacks a chunk of no bytes."""
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        data = file.create_dataset("x", data=LOGITS, chunks=(3, 11), compression="gzip")
        chunk = data.id.get_chunk_info(1)
    place = chunk.size.to_bytes(4, "little") + bytes(4)  # and the mask of filters, in the index
    whole = path.read_bytes()
    at = whole.rindex(place)
    for size in (0, 1 << 20):
        path.write_bytes(whole[:at] + size.to_bytes(4, "little") + whole[at + 4 :])
        with pytest.raises(InputError, match=rf"found one of {size} bytes at {chunk.byte_offset}"):
            read(path)
