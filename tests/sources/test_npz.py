import io
import struct
import threading
import tracemalloc
import zipfile
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from numpy.lib import format as npy_format

from kldiv_cli.errors import InputError
from kldiv_cli.sources.base import BFLOAT16, Layout, Source
from kldiv_cli.sources.formats.npz import open_npz
from tests.sources.mutations import read, survive

Array = npt.NDArray[Any]

FILES = Path(__file__).parent / "torch_files"
ADVICE = "Write it again with numpy.savez(path, logits=logits)."
KEY = "Say which array with --key NAME."


def numbered(*shape: int, dtype: str = "<f4") -> Array:
    return np.arange(prod(shape)).reshape(shape).astype(dtype)


def save(path: Path, *, compressed: bool = False, **arrays: Any) -> Path:
    (np.savez_compressed if compressed else np.savez)(path, **arrays)
    return path


def open_file(path: Path, **layout: Any) -> Source:
    return open_npz(str(path), Layout(**layout))


def complaint(path: Path, **layout: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        read(open_file(path, **layout))
    assert caught.value.what.startswith(f"{path}: ")
    return caught.value


def what(path: Path, **layout: Any) -> str:
    return complaint(path, **layout).what.removeprefix(f"{path}: ")


either = pytest.mark.parametrize("compressed", [False, True], ids=["stored", "compressed"])


@either
@pytest.mark.parametrize("fortran", [False, True], ids=["C", "Fortran"])
@pytest.mark.parametrize("shape", [(11, 4), (3, 5, 4), (2, 3, 5, 4), (1, 4), (11, 1), (5,)])
def test_an_array_is_read_as_it_was_saved(
    tmp_path: Path, shape: tuple[int, ...], fortran: bool, compressed: bool
) -> None:
    array = numbered(*shape)
    saved = np.asfortranarray(array) if fortran else array
    source = open_file(save(tmp_path / "x.npz", compressed=compressed, logits=saved))
    assert (source.format, source.dtype, source.shape) == ("npz", "float32", shape)
    assert (source.row_shape, source.class_shape) == (shape[:-1] or (1,), shape[-1:])
    assert source.rows_expected == prod(shape[:-1])
    assert (source.class_names, source.id_name, source.notes) == (None, None, ())
    assert source.place_of(0) is None
    np.testing.assert_array_equal(read(source), array.reshape(-1, shape[-1]))


@either
@pytest.mark.parametrize("order", ["<", ">"], ids=["little", "big"])
@pytest.mark.parametrize("kind", ["f2", "f4", "f8", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"])
def test_every_real_type_in_either_byte_order(
    tmp_path: Path, kind: str, order: str, compressed: bool
) -> None:
    array = numbered(2, 3, dtype=order + kind)
    source = open_file(save(tmp_path / "x.npz", compressed=compressed, a=array))
    assert source.dtype == np.dtype(kind).name
    assert read(source).tolist() == array.tolist()


@either
@pytest.mark.parametrize("rows", [1, 2, 7, 59, 60, 61, 10_000])
@pytest.mark.parametrize("fortran", [False, True], ids=["C", "Fortran"])
def test_blocks_of_any_size_can_be_read_again(
    tmp_path: Path, rows: int, fortran: bool, compressed: bool
) -> None:
    array = np.random.default_rng(0).normal(size=(3, 20, 500))
    saved = np.asfortranarray(array) if fortran else array
    source = open_file(save(tmp_path / "x.npz", compressed=compressed, a=saved))
    for _ in range(2):
        kept = list(source.blocks(rows))
        assert all(0 < len(block) <= rows for block in kept)
        found = np.concatenate([block.values for block in kept])
        np.testing.assert_array_equal(found, array.reshape(60, 500))


@either
@pytest.mark.parametrize("row_axes", [0, 1, 2])
def test_row_axes_say_where_a_row_ends(tmp_path: Path, row_axes: int, compressed: bool) -> None:
    array = numbered(2, 3, 4)
    path = save(tmp_path / "x.npz", compressed=compressed, a=array)
    source = open_file(path, row_axes=row_axes)
    assert source.class_shape == (2, 3, 4)[row_axes:]
    assert read(source).tolist() == array.reshape(prod((2, 3, 4)[:row_axes]), -1).tolist()
    assert what(path, row_axes=3) == "expected --row-axes from 0 to 2 for shape (2, 3, 4), found 3"


@either
def test_arrays_are_taken_by_their_key(tmp_path: Path, compressed: bool) -> None:
    path = save(
        tmp_path / "x.npz",
        compressed=compressed,
        teacher=numbered(2, 3),
        student=numbered(4, 3, dtype=">f2"),
        names=np.array(["x"]),
    )
    assert read(open_file(path, key="teacher")).shape == (2, 3)
    assert read(open_file(path, key="student")).shape == (4, 3)
    listed = "found 'teacher' float32 (2, 3), 'student' float16 (4, 3), 'names' str32 (1,)"
    error = complaint(path)
    assert error.what == f"{path}: expected one array, {listed}"
    assert error.advice == KEY
    error = complaint(path, key="x")
    assert error.what == f"{path}: expected array 'x', {listed}"
    assert error.advice == KEY
    assert what(path, key="names") == "'names': expected real numbers, found <U1 (text)"


def test_many_arrays_are_listed_in_part(tmp_path: Path) -> None:
    arrays: dict[str, Any] = {f"a{i}": numbered(1, 2) for i in range(30)}
    path = save(tmp_path / "x.npz", **arrays)
    assert what(path).endswith("'a19' float32 (1, 2), ... (30 in all)")


def test_an_array_that_was_given_no_name(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", numbered(2, 3))
    assert read(open_file(tmp_path / "x.npz")).shape == (2, 3)
    assert read(open_file(tmp_path / "x.npz", key="arr_0")).shape == (2, 3)


def test_an_archive_without_arrays_is_an_error(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz")
    assert what(tmp_path / "x.npz") == "expected arrays, found none"
    with zipfile.ZipFile(tmp_path / "y.npz", "w") as file:
        file.writestr("data.pkl", b"")
    assert what(tmp_path / "y.npz") == "expected arrays, found none"


@either
def test_bfloat16_has_to_be_said(tmp_path: Path, compressed: bool) -> None:
    raw = np.load(FILES / "bfloat16.npy")
    path = save(tmp_path / "x.npz", compressed=compressed, a=raw)
    error = complaint(path)
    assert error.what == (
        f"{path}: 'a': expected real numbers, found |V2 (two raw bytes per value: bfloat16 as "
        "ml_dtypes saves it)"
    )
    assert error.advice == "Say --dtype bfloat16 if that is what they are."
    source = open_file(path, dtype="bfloat16")
    assert source.dtype == "bfloat16"
    found = read(source)
    assert found.dtype == BFLOAT16
    assert found.tobytes() == raw.tobytes()


@either
@pytest.mark.parametrize(
    ("array", "found"),
    [
        (np.ones((2, 3), complex), "complex128 (complex numbers)"),
        (np.ones((2, 3), bool), "bool"),
        (np.array([[None]]), "objects, which only unpickling could read"),
    ],
    ids=["complex", "bool", "objects"],
)
def test_what_holds_no_real_numbers_is_refused(
    tmp_path: Path, array: Array, found: str, compressed: bool
) -> None:
    path = save(tmp_path / "x.npz", compressed=compressed, a=array)
    assert what(path) == f"'a': expected real numbers, found {found}"


@either
@pytest.mark.parametrize(
    ("shape", "found"),
    [
        ((), "expected an array of logits, found a single number (shape ())"),
        ((0, 3), "expected rows and classes, found none (shape (0, 3))"),
    ],
    ids=["number", "empty"],
)
def test_nothing_to_compare_is_an_error(
    tmp_path: Path, shape: tuple[int, ...], found: str, compressed: bool
) -> None:
    path = save(tmp_path / "x.npz", compressed=compressed, a=np.ones(shape))
    assert what(path) == f"'a': {found}"


@either
def test_integers_that_float64_would_round_are_refused(tmp_path: Path, compressed: bool) -> None:
    path = save(tmp_path / "x.npz", compressed=compressed, a=np.array([[1, 2**53 + 1]]))
    assert "integers beyond 2**53" in what(path)


@either
def test_arrays_have_no_class_names(tmp_path: Path, compressed: bool) -> None:
    source = open_file(save(tmp_path / "x.npz", compressed=compressed, a=numbered(2, 3)))
    with pytest.raises(ValueError, match="an array has no class names"):
        list(source.blocks(1, ["a"]))


def test_what_is_stored_is_mapped(tmp_path: Path) -> None:
    source = open_file(save(tmp_path / "x.npz", a=numbered(2, 3)))
    block = next(iter(source.blocks(2)))
    assert not block.values.flags.owndata
    assert not block.values.flags.writeable


def test_what_precedes_the_archive_does_not_matter(tmp_path: Path) -> None:
    path = save(tmp_path / "x.npz", a=numbered(2, 3))
    path.write_bytes(b"#!/bin/sh\n" + path.read_bytes())
    assert read(open_file(path)).tolist() == numbered(2, 3).tolist()


def npy(header_shape: tuple[int, ...], values: bytes, *, fortran: bool = False) -> bytes:
    """An .npy file whose header may lie."""
    file = io.BytesIO()
    described = {"descr": "<f4", "fortran_order": fortran, "shape": header_shape}
    npy_format.write_array_header_1_0(file, described)
    return file.getvalue() + values


def write(path: Path, content: bytes, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as file:
        file.writestr("a.npy", content)
    return path


DIRECTORY = {"flags": (8, "H"), "method": (10, "H"), "packed": (20, "I"), "size": (24, "I")}


def patch(path: Path, **fields: int) -> Path:
    """Change what the directory says of the only member."""
    whole = bytearray(path.read_bytes())
    entry = whole.rindex(b"PK\1\2")
    for field, value in fields.items():
        offset, kind = DIRECTORY[field]
        struct.pack_into(f"<{kind}", whole, entry + offset, value)
    path.write_bytes(whole)
    return path


@either
@pytest.mark.parametrize("change", [-24, -1, 1, 4, 4096])
def test_the_header_and_the_directory_agree(tmp_path: Path, change: int, compressed: bool) -> None:
    method = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    path = write(tmp_path / "x.npz", npy((2, 3), bytes(24 + change)), method)
    assert what(path) == (
        f"'a': expected 24 bytes of float32 for shape (2, 3), found {24 + change}"
    )


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compression_is_refused(tmp_path: Path, method: int) -> None:
    path = write(tmp_path / "x.npz", npy((2, 3), bytes(24)), method)
    error = complaint(path)
    assert error.what == (
        f"{path}: 'a': expected a zip member stored or deflated, as NumPy writes them, found "
        f"compression method {method}"
    )
    assert error.advice == ADVICE


@either
@pytest.mark.parametrize(
    ("flags", "what"),
    [(1, "an encrypted"), (0x40, "an encrypted"), (0x2000, "an encrypted"), (0x20, "a patched")],
)
def test_encrypted_members_are_refused(
    tmp_path: Path, compressed: bool, flags: int, what: str
) -> None:
    path = patch(save(tmp_path / "x.npz", compressed=compressed, a=numbered(2, 3)), flags=flags)
    error = complaint(path)
    assert error.what == f"{path}: 'a': expected a plain zip member, found {what} one"
    assert error.advice == ADVICE


def test_a_directory_that_promises_too_much_is_refused(tmp_path: Path) -> None:
    content = npy((1 << 28, 3), bytes(24))
    promised = len(content) - 24 + 12 * (1 << 28)
    path = patch(write(tmp_path / "x.npz", content), size=promised)
    packed = zipfile.ZipFile(path).infolist()[0].compress_size
    assert what(path) == (
        f"'a': expected what inflates by 1032 at most, found {promised} bytes said to be in "
        f"{packed}"
    )


def test_an_archive_that_is_shorter_than_it_says_is_an_error(tmp_path: Path) -> None:
    content = npy((3, 3), bytes(24))
    path = patch(write(tmp_path / "x.npz", content), size=len(content) + 12)
    assert what(path).startswith("'a': expected a whole zip archive, found a damaged one (")


@pytest.mark.parametrize("field", ["packed", "size"])
def test_a_member_that_does_not_fit_the_file_is_an_error(tmp_path: Path, field: str) -> None:
    content = npy((3, 3), bytes(36))
    path = write(tmp_path / "x.npz", content, zipfile.ZIP_STORED)
    assert what(patch(path, **{field: 1 << 20})) == (
        "'a': expected a whole zip archive, found a damaged one (it is not as long as the "
        "directory says)"
    )


@either
@pytest.mark.parametrize("at", [0, 30], ids=["signature", "name"])
def test_a_member_that_is_not_where_it_should_be_is_an_error(
    tmp_path: Path, at: int, compressed: bool
) -> None:
    path = save(tmp_path / "x.npz", compressed=compressed, a=numbered(2, 3))
    whole = bytearray(path.read_bytes())
    whole[at] ^= 1
    path.write_bytes(whole)
    assert what(path).startswith("'a': expected a whole zip archive, found a damaged one (")


def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "x.npz", a=numbered(2, 3))
    with zipfile.ZipFile(path, "a") as file, pytest.warns(UserWarning, match="Duplicate name"):
        file.writestr("a.npy", npy((2, 3), bytes(24)))
    assert what(path) == "expected every zip member once, found 'a.npy' more than once"


def test_a_directory_of_megabytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w") as file:
        for number in range(70):
            file.writestr(f"{number}{'x' * 60_000}.npy", b"")
    assert what(path) == (
        "expected a whole zip archive, found a damaged one (its directory is longer than 4194304 "
        "bytes)"
    )


@pytest.mark.parametrize("content", [b"", b"PK\3\4", b"\x93NUMPY", bytes(100)])
def test_what_is_no_archive_is_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.npz"
    path.write_bytes(content)
    error = complaint(path)
    assert error.what.startswith(f"{path}: expected a whole zip archive, found a damaged one (")
    assert error.advice == ADVICE


@pytest.mark.parametrize("rows", [100, 5000])
def test_a_bomb_is_inflated_piece_by_piece(tmp_path: Path, rows: int) -> None:
    path = save(tmp_path / "x.npz", compressed=True, a=np.zeros((1 << 16, 256), np.float32))
    assert path.stat().st_size < 70_000
    tracemalloc.start()
    try:
        assert sum(len(block) for block in open_file(path).blocks(rows)) == 1 << 16
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("shape", "fortran", "expected"),
    [((2, (1 << 28) + 1), False, "rows of less than 1 GiB"), ((2, 1 << 28), True, "C order")],
    ids=["long-row", "Fortran"],
)
def test_what_would_have_to_be_held_at_once_is_bounded(
    tmp_path: Path, shape: tuple[int, ...], fortran: bool, expected: str
) -> None:
    noise = np.random.default_rng(0).bytes(3_000_000)
    content = npy(shape, noise, fortran=fortran)
    promised = len(content) - len(noise) + 4 * prod(shape)
    path = patch(write(tmp_path / "x.npz", content), size=promised)
    error = complaint(path)
    assert expected in error.what
    held = prod(shape) if fortran else shape[1]
    assert error.what.endswith(f"found {4 * held} bytes to be held at once")
    assert error.advice == (
        "Write it uncompressed, with numpy.savez(path, logits=logits): then it is mapped."
    )


def flip_last_value(path: Path) -> Path:
    """Change a bit of what is stored for the last value."""
    whole = bytearray(path.read_bytes())
    whole[whole.index(b"PK\1\2") - 1] ^= 1
    path.write_bytes(whole)
    return path


@pytest.mark.parametrize("fortran", [False, True], ids=["C", "Fortran"])
def test_a_damaged_value_is_an_error_before_the_last_block(tmp_path: Path, fortran: bool) -> None:
    array = numbered(4, 3000)
    saved = np.asfortranarray(array) if fortran else array
    path = flip_last_value(save(tmp_path / "x.npz", a=saved))
    blocks = open_file(path).blocks(1)
    for row in range(0 if fortran else 3):
        assert next(blocks).values.tolist() == array[row : row + 1].tolist()
    with pytest.raises(InputError, match=r"x.npz: expected bytes with the CRC-32 \w{8}, as the"):
        next(blocks)


@pytest.mark.parametrize(("rows", "ahead"), [(1000, True), (100, False)])
def test_a_thread_inflates_what_is_not_small(tmp_path: Path, rows: int, ahead: bool) -> None:
    array = numbered(rows, 1000)
    source = open_file(save(tmp_path / "x.npz", compressed=True, logits=array))
    blocks = source.blocks(7)
    found = [next(blocks).values]
    names = [thread.name for thread in threading.enumerate()]
    assert ("kldiv-reader" in names) == ahead
    found += [block.values for block in blocks]
    np.testing.assert_array_equal(np.concatenate(found), array)


@either
@pytest.mark.parametrize("fortran", [False, True], ids=["C", "Fortran"])
def test_a_damaged_file_gives_an_error_or_what_was_written(
    tmp_path: Path, fortran: bool, compressed: bool
) -> None:
    array = numbered(3, 4)
    saved = np.asfortranarray(array) if fortran else array
    path = save(tmp_path / "x.npz", compressed=compressed, logits=saved)
    answers = survive(
        path,
        2 * fortran + compressed,
        lambda path: open_npz(path, Layout()),
        lambda _, found: found.tolist() == array.tolist(),
    )
    assert answers > 0
