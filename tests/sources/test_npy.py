import os
import subprocess
import sys
from io import BytesIO
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from numpy.lib import format as npy_format

from kldiv_cli.errors import InputError
from kldiv_cli.sources.base import BFLOAT16, Layout
from kldiv_cli.sources.formats.npy import open_npy
from kldiv_cli.sources.formats.opening import open_source
from tests.sources.mutations import survive

Array = npt.NDArray[Any]

SAMPLES = Path(__file__).parents[2] / "samples"
SAVED_BY_ML_DTYPES = Path(__file__).parent / "torch_files" / "bfloat16.npy"


def save(
    path: Path, array: Array, *, version: tuple[int, int] = (1, 0), fortran: bool = False
) -> Path:
    with path.open("wb") as file:
        npy_format.write_array(
            file, np.asfortranarray(array) if fortran else array, version, allow_pickle=False
        )
    return path


def save_raw(path: Path, header: str, values: bytes = bytes(24), version: int = 1) -> Path:
    """Write a header as it is, with a length that fits."""
    text = header.encode("latin1")
    length = len(text).to_bytes(2 if version == 1 else 4, "little")
    path.write_bytes(npy_format.MAGIC_PREFIX + bytes([version, 0]) + length + text + values)
    return path


def rows_of(path: Path, rows: int = 7, row_axes: int | None = None) -> Array:
    source = open_source(path, Layout(row_axes=row_axes))
    blocks = [block.values.copy() for block in source.blocks(rows)]
    assert all(0 < len(block) <= rows for block in blocks)
    return np.concatenate(blocks)


def numbered(shape: tuple[int, ...], dtype: str = "<f4") -> Array:
    return np.arange(prod(shape)).reshape(shape).astype(dtype)


@pytest.mark.parametrize("fortran", [False, True], ids=["C", "Fortran"])
@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize(
    "shape",
    [(11, 4), (3, 5, 4), (2, 3, 5, 4), (1, 4), (11, 1), (1, 1, 1)],
    ids=["1-axis", "2-axes", "3-axes", "one-row", "one-class", "ones"],
)
def test_every_version_and_order_gives_the_same_rows(
    tmp_path: Path, shape: tuple[int, ...], version: int, fortran: bool
) -> None:
    array = numbered(shape)
    path = save(tmp_path / "x.npy", array, version=(version, 0), fortran=fortran)
    source = open_source(path, Layout())
    assert source.shape == shape
    assert source.row_shape == shape[:-1]
    assert source.class_shape == shape[-1:]
    assert source.rows_expected == prod(shape[:-1])
    assert source.format == "npy"
    np.testing.assert_array_equal(rows_of(path), array.reshape(-1, shape[-1]))


@pytest.mark.parametrize("order", ["<", ">"], ids=["little", "big"])
@pytest.mark.parametrize("kind", ["f2", "f4", "f8", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"])
def test_every_real_type_in_either_byte_order_keeps_its_values(
    tmp_path: Path, kind: str, order: str
) -> None:
    dtype = np.dtype(order + kind)
    info = np.iinfo(dtype) if dtype.kind in "iu" else np.finfo(dtype)
    low, high = (max(float(info.min), -(2.0**53)), min(float(info.max), 2.0**53))
    if dtype.kind == "f":
        low, high = float(info.min), float(info.max)
    array = np.array([[low, high, 1], [3, 2, 0]]).astype(dtype)
    path = save(tmp_path / "x.npy", array)
    assert open_source(path, Layout()).dtype == np.dtype(kind).name
    values = rows_of(path)
    assert values.dtype.itemsize == dtype.itemsize
    np.testing.assert_array_equal(values.astype(np.float64), array.astype(np.float64))
    assert values[0, :2].astype(np.float64).tolist() == [low, high]


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 7, 59, 60, 61, 10_000])
@pytest.mark.parametrize("fortran", [False, True], ids=["C", "Fortran"])
def test_blocks_of_any_size_give_the_same_rows(tmp_path: Path, rows: int, fortran: bool) -> None:
    array = numbered((3, 4, 5, 6))
    path = save(tmp_path / "x.npy", array, fortran=fortran)
    np.testing.assert_array_equal(rows_of(path, rows), array.reshape(60, 6))


@pytest.mark.parametrize("rows", [1, 33, 500, 4096])
@pytest.mark.parametrize("fortran", [False, True], ids=["C", "Fortran"])
def test_pages_that_were_let_go_can_be_read_again(tmp_path: Path, rows: int, fortran: bool) -> None:
    array = np.random.default_rng(0).normal(size=(1500, 33))
    source = open_source(save(tmp_path / "x.npy", array, fortran=fortran), Layout())
    for _ in range(2):
        kept = list(source.blocks(rows))
        np.testing.assert_array_equal(np.concatenate([block.values for block in kept]), array)


@pytest.mark.parametrize("row_axes", [None, 0], ids=["default", "row-axes-0"])
def test_a_1d_array_is_one_row(tmp_path: Path, row_axes: int | None) -> None:
    path = save(tmp_path / "x.npy", numbered((5,)))
    source = open_source(path, Layout(row_axes=row_axes))
    assert (source.shape, source.row_shape, source.class_shape) == ((5,), (1,), (5,))
    assert rows_of(path, row_axes=row_axes).tolist() == [[0, 1, 2, 3, 4]]


@pytest.mark.parametrize("fortran", [False, True], ids=["C", "Fortran"])
@pytest.mark.parametrize(
    ("row_axes", "row_shape", "class_shape"),
    [
        (None, (2, 3, 4), (5,)),
        (0, (1,), (2, 3, 4, 5)),
        (1, (2,), (3, 4, 5)),
        (2, (2, 3), (4, 5)),
        (3, (2, 3, 4), (5,)),
    ],
)
def test_row_axes_say_where_a_row_ends(
    tmp_path: Path,
    row_axes: int | None,
    row_shape: tuple[int, ...],
    class_shape: tuple[int, ...],
    fortran: bool,
) -> None:
    array = numbered((2, 3, 4, 5))
    path = save(tmp_path / "x.npy", array, fortran=fortran)
    source = open_source(path, Layout(row_axes=row_axes))
    assert (source.row_shape, source.class_shape) == (row_shape, class_shape)
    np.testing.assert_array_equal(
        rows_of(path, 2, row_axes), array.reshape(prod(row_shape), prod(class_shape))
    )


@pytest.mark.parametrize("row_axes", [-1, 2, 3])
def test_row_axes_leave_at_least_one_axis_for_classes(tmp_path: Path, row_axes: int) -> None:
    path = save(tmp_path / "x.npy", numbered((2, 3)))
    with pytest.raises(InputError, match="expected --row-axes from 0 to 1") as caught:
        open_source(path, Layout(row_axes=row_axes))
    assert str(path) in caught.value.what


@pytest.mark.parametrize(
    ("value", "dtype"),
    [(2**53, "<i8"), (-(2**53), "<i8"), (2**53, "<u8"), (2**53, ">i8")],
    ids=["largest", "smallest", "unsigned", "big-endian"],
)
def test_integers_that_float64_holds_are_taken(tmp_path: Path, value: int, dtype: str) -> None:
    path = save(tmp_path / "x.npy", np.array([[value, 1]], dtype))
    assert rows_of(path).tolist() == [[value, 1]]


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (2**53 + 1, "<i8"),
        (-(2**53) - 1, "<i8"),
        (-(2**63), "<i8"),
        (2**53 + 1, "<u8"),
        (2**64 - 1, "<u8"),
        (2**53 + 1, ">u8"),
    ],
)
def test_integers_that_float64_would_round_are_refused(
    tmp_path: Path, value: int, dtype: str
) -> None:
    path = save(tmp_path / "x.npy", np.array([[0, 1], [value, 1]], dtype))
    with pytest.raises(InputError, match=r"integers beyond 2\*\*53") as caught:
        rows_of(path)
    assert caught.value.what.startswith(f"{path}: ")


@pytest.mark.parametrize("change", [-24, -5, -1, 1, 4, 4096])
def test_a_size_that_is_not_what_the_header_says_is_refused(tmp_path: Path, change: int) -> None:
    path = save(tmp_path / "x.npy", numbered((2, 3)))
    whole = path.read_bytes()
    path.write_bytes(whole[:change] if change < 0 else whole + bytes(change))
    with pytest.raises(InputError) as caught:
        open_source(path, Layout())
    assert caught.value.what == (
        f"{path}: expected 24 bytes of float32 for shape (2, 3), found {24 + change}"
    )


def header(descr: str = "'<f4'", shape: str = "(2, 3)", order: str = "False") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("\0\0\0\0", id="nul"),
        pytest.param("(", id="open"),
        pytest.param(header()[:-3], id="unclosed"),
        pytest.param(header(shape="(2, 3"), id="unclosed-shape"),
        pytest.param(header(descr="'<f4"), id="unclosed-text"),
        pytest.param(header(descr="'''<f4"), id="unclosed-long-text"),
        pytest.param(header()[1:], id="unopened"),
        pytest.param("if 1:\n   a\n  b", id="indented"),
        pytest.param("{[]: 1}", id="unhashable-list"),
        pytest.param("{{}}", id="unhashable-dict"),
        pytest.param("[]", id="no-dict"),
        pytest.param("{}", id="no-keys"),
        pytest.param(header()[:-2] + "'x': 1}", id="one-key-more"),
        pytest.param("__import__('os').abort()", id="code"),
        pytest.param(header(shape="2"), id="shape-number"),
        pytest.param(header(shape="[2, 3]"), id="shape-list"),
        pytest.param(header(shape="(2.0, 3)"), id="shape-float"),
        pytest.param(header(shape="(-2, -3)"), id="shape-negative"),
        pytest.param(header(shape=f"(2, {'9' * 30})"), id="shape-huge"),
        pytest.param(header(shape=f"(2, {'9' * 5000})"), id="shape-absurd"),
        pytest.param(header(shape=f"(2, 3, {'1, ' * 63})"), id="shape-of-65-axes"),
        pytest.param(header(shape="(" * 3000 + ")" * 3000), id="shape-nested"),
        pytest.param(header(shape="-" * 9000 + "1"), id="shape-of-signs"),
        pytest.param(header(order="1"), id="order-number"),
        pytest.param(header(descr="'x'"), id="type-unknown"),
        pytest.param(header(descr="3"), id="type-number"),
        pytest.param(header(descr="None"), id="type-none"),
        pytest.param(header(descr="('<f4',)"), id="type-short-tuple"),
        pytest.param(header(descr="[('a',)]"), id="type-short-field"),
        pytest.param(header(descr="'<a0'"), id="type-deprecated"),
    ],
)
@pytest.mark.parametrize("version", [1, 2])
def test_a_header_that_cannot_be_read_is_an_input_error(
    tmp_path: Path, text: str, version: int
) -> None:
    path = save_raw(tmp_path / "x.npy", text, version=version)
    with pytest.raises(InputError) as caught:
        open_source(path, Layout())
    assert caught.value.what.startswith(f"{path}: expected ")


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        pytest.param("(True, True)", 4, id="bools"),
        pytest.param(f"({'1, ' * 65})", 4, id="65-axes"),
        pytest.param(f"({'0, ' * 65})", 0, id="65-empty-axes"),
        pytest.param(f"(0, {'9' * 30})", 0, id="empty-and-huge"),
        pytest.param(f"(0, {2**62}, {2**62})", 0, id="empty-and-overflowing"),
    ],
)
def test_a_shape_that_numpy_cannot_make_is_an_input_error(
    tmp_path: Path, shape: str, size: int
) -> None:
    path = save_raw(tmp_path / "x.npy", header(shape=shape), bytes(size))
    with pytest.raises(InputError) as caught:
        open_source(path, Layout())
    assert caught.value.what.startswith(f"{path}: expected ")


def test_a_header_of_python_2_is_read_without_a_warning(tmp_path: Path) -> None:
    path = save_raw(tmp_path / "x.npy", header(shape="(2L, 3L)"), numbered((2, 3)).tobytes())
    np.testing.assert_array_equal(rows_of(path), numbered((2, 3)))


@pytest.mark.parametrize(
    ("array", "found"),
    [
        pytest.param(np.ones((2, 3), complex), "complex", id="complex128"),
        pytest.param(np.ones((2, 3), "c8"), "complex", id="complex64"),
        pytest.param(np.full((2, 3), "1.5"), "text", id="text"),
        pytest.param(np.full((2, 3), b"1.5"), "bytes", id="bytes"),
        pytest.param(np.ones((2, 3), bool), "bool", id="bool"),
        pytest.param(np.ones((2, 3), "M8[s]"), "datetime64[s]", id="datetime"),
        pytest.param(np.ones((2, 3), "m8[s]"), "timedelta64[s]", id="timedelta"),
        pytest.param(np.ones((2, 3), [("a", "f4"), ("b", "f4")]), "'a'", id="structured"),
        pytest.param(np.ones((2, 3), np.longdouble), np.dtype("g").name, id="longdouble"),
        pytest.param(np.ones((2, 3), "V4"), "|V4", id="void"),
        pytest.param(np.ones((2, 3), "V2"), "bfloat16", id="bfloat16"),
    ],
)
def test_what_holds_no_real_numbers_is_refused_by_name(
    tmp_path: Path, array: Array, found: str
) -> None:
    path = save(tmp_path / "x.npy", array)
    with pytest.raises(InputError, match="expected real numbers, found ") as caught:
        open_source(path, Layout())
    assert found in caught.value.what


def test_two_bytes_with_fields_are_not_called_bfloat16(tmp_path: Path) -> None:
    path = save(tmp_path / "x.npy", np.ones((2, 3), [("a", "i1"), ("b", "i1")]))
    with pytest.raises(InputError, match="expected real numbers, found ") as caught:
        open_source(path, Layout())
    assert "bfloat16" not in caught.value.what


def test_bfloat16_has_to_be_said() -> None:
    with pytest.raises(InputError) as caught:
        open_source(SAVED_BY_ML_DTYPES, Layout())
    assert caught.value.what == (
        f"{SAVED_BY_ML_DTYPES}: expected real numbers, found |V2 (two raw bytes per value: "
        "bfloat16 as ml_dtypes saves it)"
    )
    assert caught.value.advice == "Say --dtype bfloat16 if that is what they are."
    with pytest.raises(InputError, match="two raw bytes per value"):
        open_source(SAVED_BY_ML_DTYPES, Layout(dtype="float16"))


def test_bfloat16_keeps_its_bits() -> None:
    source = open_source(SAVED_BY_ML_DTYPES, Layout(dtype="bfloat16"))
    assert (source.dtype, source.shape) == ("bfloat16", (2, 3))
    (block,) = source.blocks(7)
    assert block.values.dtype == BFLOAT16
    bits = block.values["bfloat16"].astype(np.uint32) << 16
    assert bits.view(np.float32).tolist() == [[1.5, 2.25, 0.5], [3.0, 0.0, 1.0]]
    with pytest.raises(TypeError):
        np.add(block.values, block.values)


@pytest.mark.parametrize("fortran", [False, True], ids=["C", "Fortran"])
@pytest.mark.parametrize("row_axes", [1, 2])
def test_bfloat16_has_rows_like_any_type(tmp_path: Path, row_axes: int, fortran: bool) -> None:
    array = numbered((3, 4, 5), "<u2")
    path = save(tmp_path / "x.npy", array.view("V2"), fortran=fortran)
    source = open_source(path, Layout(row_axes=row_axes, dtype="bfloat16"))
    found = np.concatenate([block.values["bfloat16"] for block in source.blocks(2)])
    np.testing.assert_array_equal(found, array.reshape(prod(array.shape[:row_axes]), -1))


@pytest.mark.parametrize("order", ["<", ">"], ids=["little", "big"])
def test_a_type_that_the_file_says_is_believed(tmp_path: Path, order: str) -> None:
    array = numbered((2, 3), f"{order}f4")
    source = open_source(save(tmp_path / "x.npy", array), Layout(dtype="bfloat16"))
    assert source.dtype == "float32"
    np.testing.assert_array_equal(next(iter(source.blocks(2))).values, array)


def as_numpy_loads_it(whole: bytes, found: Array) -> bool:
    array = np.load(BytesIO(whole))
    return bool(found.dtype == array.dtype) and found.tobytes() == array.tobytes()


@pytest.mark.parametrize("fortran", [False, True], ids=["C", "Fortran"])
def test_a_damaged_file_gives_an_error_or_what_it_says(tmp_path: Path, fortran: bool) -> None:
    path = save(tmp_path / "x.npy", numbered((3, 4)), fortran=fortran)
    answers = survive(path, int(fortran), lambda path: open_npy(path, Layout()), as_numpy_loads_it)
    assert answers > 0


@pytest.mark.parametrize(
    "shape", [(0, 4), (3, 0), (0, 0), (2, 0, 4), (0,)], ids=lambda s: "x".join(map(str, s))
)
def test_no_rows_or_no_classes_is_an_error(tmp_path: Path, shape: tuple[int, ...]) -> None:
    path = save(tmp_path / "x.npy", np.ones(shape))
    with pytest.raises(InputError, match="expected rows and classes, found none"):
        open_source(path, Layout())


def test_a_single_number_is_no_array_of_logits(tmp_path: Path) -> None:
    path = save(tmp_path / "x.npy", np.array(1.5))
    with pytest.raises(InputError, match="found a single number"):
        open_source(path, Layout())


def test_the_array_is_mapped_and_its_file_may_have_any_name(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff ~\n.NPY"))
    save(path, numbered((2, 3)))
    values = next(iter(open_source(path, Layout()).blocks(2))).values
    assert not values.flags.owndata
    assert not values.flags.writeable
    np.testing.assert_array_equal(values, numbered((2, 3)))


@pytest.mark.parametrize("name", ["magika-fp32.npy", "ocr-det-int8.npy"])
def test_the_samples_are_read_as_numpy_reads_them(name: str) -> None:
    array = np.load(SAMPLES / name)
    np.testing.assert_array_equal(rows_of(SAMPLES / name, 13), array.reshape(-1, array.shape[-1]))


WALK = """
import sys
from pathlib import Path
from kldiv_cli.pairing import Pairing
from kldiv_cli.sources.formats.opening import open_source
from kldiv_cli.sources.base import Layout

sides = [open_source(path, Layout()) for path in sys.argv[1:]]
rows = 0
for block in Pairing(*sides).blocks():
    assert block.reference.max() == block.candidate.max() == 0
    rows += len(block.reference)
    block.release()
print(rows, Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
"""
"""Touches every value of both sides; prints the rows seen and the peak of memory in KiB."""

COMPARE = """
import sys
from pathlib import Path
from kldiv_cli import compare

rows = compare(*sys.argv[1:]).rows
print(rows, Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
"""


def save_sparse(path: Path, shape: tuple[int, ...], *, fortran: bool = False) -> Path:
    """Write an array of zeros that takes no room on the disk."""
    described = {"descr": "<f8", "fortran_order": fortran, "shape": shape}
    with path.open("wb") as file:
        npy_format.write_array_header_1_0(file, described)
        file.truncate(file.tell() + 8 * prod(shape))
    return path


def peak_mib(program: str, *paths: Path, rows: int) -> float:
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, paths)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    seen, peak = map(int, done.stdout.split())
    assert seen == rows
    return peak / 1024


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory from /proc")
@pytest.mark.parametrize(
    ("shape", "fortran"),
    [((50_000, 1000), False), ((500_000, 100), True), ((1000, 50_000), True)],
    ids=["C", "Fortran-of-few-classes", "Fortran-of-many-classes"],
)
def test_a_large_file_is_never_in_memory_at_once(
    tmp_path: Path, shape: tuple[int, int], fortran: bool
) -> None:
    sides = [save_sparse(tmp_path / f"{name}.npy", shape, fortran=fortran) for name in "ab"]
    peak = peak_mib(WALK, *sides, rows=shape[0])
    assert peak < (210 if fortran else 150), "of 763 MiB"


SAMPLED = COMPARE.replace("argv[1:])", "argv[1:], sample=2000)")


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory from /proc")
@pytest.mark.parametrize("fortran", [False, True], ids=["C", "Fortran"])
def test_a_sample_leaves_the_rest_of_a_large_file_alone(tmp_path: Path, fortran: bool) -> None:
    sides = [
        save_sparse(tmp_path / f"{name}.npy", (500_000, 100), fortran=fortran) for name in "ab"
    ]
    assert peak_mib(SAMPLED, *sides, rows=2000) < 120


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory from /proc")
def test_memory_does_not_grow_with_what_is_compared(tmp_path: Path) -> None:
    small, large = (
        [save_sparse(tmp_path / f"{name}{rows}.npy", (rows, 1000)) for name in "ab"]
        for rows in (25_000, 75_000)
    )
    grown = peak_mib(COMPARE, *large, rows=75_000) - peak_mib(COMPARE, *small, rows=25_000)
    assert grown < 80, "of the 763 MiB more that were compared"
