"""Tensors of ONNX."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kldiv_cli import compare
from kldiv_cli.errors import InputError
from kldiv_cli.sources.base import Layout
from kldiv_cli.sources.formats.opening import open_source
from kldiv_cli.sources.formats.protobuf import WireError, fields, signed, varint, varints
from tests.command import ROOT
from tests.sources.mutations import survive

Array = npt.NDArray[Any]

CASES = ROOT / "tests" / "cases"
FILES = ROOT / "tests" / "sources" / "foreign_files"
LOGITS = np.load(CASES / "right_p.npy").astype(np.float64)
WHOLE = np.rint(LOGITS).astype(np.int64)
BFLOAT16 = (LOGITS.astype("<f4").view("<u4") + 0x8000 >> 16).astype("<u2")
FLOAT, INT8, BOOL, FLOAT16, DOUBLE, UINT64 = 1, 3, 9, 10, 11, 13


def number(value: int) -> bytes:
    """Write a varint; a negative number has 64 bits."""
    value &= 2**64 - 1
    found = []
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def tagged(field: int, content: int | bytes) -> bytes:
    if isinstance(content, int):
        return number(field << 3) + number(content)
    return number(field << 3 | 2) + number(len(content)) + content


def message(shape: tuple[int, ...], kind: int, *more: bytes, packed: bool = False) -> bytes:
    sizes = list(map(number, shape))
    dims = tagged(1, b"".join(sizes)) if packed else b"".join(b"\x08" + size for size in sizes)
    return dims + tagged(2, kind) + b"".join(more)


def put(folder: Path, content: bytes) -> Path:
    path = folder / "x.pb"
    path.write_bytes(content)
    return path


def read(path: Path, layout: Layout | None = None) -> Array:
    return np.concatenate([x.values for x in open_source(path, layout or Layout()).blocks(2)])


def refusal(folder: Path, content: bytes) -> str:
    path = put(folder, content)
    with pytest.raises(InputError) as caught:
        read(path)
    assert caught.value.what.startswith(f"{path}: ")
    return caught.value.what.removeprefix(f"{path}: ")


WRITTEN: dict[str, Array] = {
    "float": LOGITS.astype(np.float32),
    "double": LOGITS,
    "raw": LOGITS,
    "float16": LOGITS.astype(np.float16),
    "int8": WHOLE.astype(np.int8),
    "int64": WHOLE,
    "uint64": np.abs(WHOLE).astype(np.uint64),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_what_onnx_writes_is_read(name: str) -> None:
    right, path = WRITTEN[name], FILES / f"onnx-{name}.pb"
    source = open_source(path, Layout())
    assert (source.format, source.dtype, source.shape) == ("onnx", right.dtype.name, (6, 11))
    assert (source.has_keys, source.is_table, source.length) == (False, False, 6)
    np.testing.assert_array_equal(read(path), right)


def test_bfloat16_is_read_from_its_bits() -> None:
    path = FILES / "onnx-bfloat16.pb"
    assert open_source(path, Layout()).dtype == "bfloat16"
    found = read(path)["bfloat16"].astype(np.int64)
    assert (np.abs(found - BFLOAT16.astype(np.int64)) <= 1).all()


def test_outputs_of_a_model_are_compared() -> None:
    found = compare(CASES / "output_0.pb", CASES / "q_output_0.pb").measures["jeffreys"]["mean"]
    assert found == pytest.approx(0.012766845035995957, rel=1e-14)


@pytest.mark.parametrize("called", ["x", "x.bin", "x.pb"])
@pytest.mark.parametrize("packed", [False, True])
def test_content_tells(tmp_path: Path, called: str, packed: bool) -> None:
    values = np.arange(300 * 4, dtype="<f4").reshape(300, 4)
    path = tmp_path / called
    path.write_bytes(message((300, 4), FLOAT, tagged(9, values.tobytes()), packed=packed))
    np.testing.assert_array_equal(read(path), values)


def test_the_order_of_fields_does_not_count(tmp_path: Path) -> None:
    values = np.arange(6, dtype="<f4").reshape(2, 3)
    content = tagged(9, values.tobytes()) + tagged(8, b"logits") + tagged(12, b"of a text")
    np.testing.assert_array_equal(read(put(tmp_path, content + message((2, 3), FLOAT))), values)


def test_values_may_be_stored_one_by_one_and_in_pieces(tmp_path: Path) -> None:
    values = np.arange(6, dtype="<f4").reshape(2, 3)
    single = b"".join(b"\x25" + x.tobytes() for x in values.ravel())
    np.testing.assert_array_equal(read(put(tmp_path, message((2, 3), FLOAT, single))), values)
    two = tagged(4, values[0].tobytes()) + tagged(4, values[1].tobytes())
    np.testing.assert_array_equal(read(put(tmp_path, message((2, 3), FLOAT, two))), values)
    doubles = b"".join(b"\x51" + x.tobytes() for x in values.ravel().astype("<f8"))
    np.testing.assert_array_equal(read(put(tmp_path, message((2, 3), DOUBLE, doubles))), values)
    mixed = tagged(5, -3) + tagged(5, number(4) + number(-128)) + tagged(5, 127)
    found = read(put(tmp_path, message((2, 2), INT8, mixed)))
    assert found.tolist() == [[-3, 4], [-128, 127]]


def test_booleans_are_a_mask(tmp_path: Path) -> None:
    path = put(tmp_path, message((3, 1), BOOL, tagged(5, bytes([1, 0, 1]))))
    logits = np.array([[1.0, 2.0, 4.0], [3.0, -1.0, 0.5], [0.5, 0.0, 3.0]])
    found = compare(logits, logits[::-1], mask=path).measures["jeffreys"]
    assert found == compare(logits[[0, 2]], logits[[2, 0]]).measures["jeffreys"]
    assert "expected real numbers, found bool" in refusal(tmp_path, path.read_bytes())


VALUES = np.zeros((2, 3), "<f4").tobytes()
BAD = {
    "external": (
        (FILES / "onnx-external.pb").read_bytes(),
        "whose values lie in another",
    ),
    "float8": ((FILES / "onnx-float8.pb").read_bytes(), "or integers, found float8e4m3fn"),
    "text": (message((2,), 8, tagged(6, b"x"), tagged(6, b"y")), "or integers, found text"),
    "segment": (message((2, 3), 1, tagged(3, b""), tagged(9, VALUES)), "found a segment of one"),
    "no-values": (message((2, 3), 1, tagged(8, b"x")), "expected values, found a tensor without"),
    "few": (
        message((2, 4), 1, tagged(9, VALUES)),
        "float32 for shape (2, 4), found 24",
    ),
    "many": (
        message((2, 2), 1, tagged(4, VALUES)),
        "float32 for shape (2, 2), found 24",
    ),
    "odd": (message((2, 3), 1, tagged(4, VALUES[:5]), tagged(4, VALUES)), "29 bytes of float32"),
    "huge": (message((2**62, 2**62), 1, tagged(9, VALUES)), f"expected {2**126} bytes"),
    "negative": (message((2, -3), 1, tagged(9, VALUES)), "a shape of (2, -3)"),
    "empty": (message((0, 3), 1, tagged(9, b"")), "expected rows and classes, found none"),
    "scalar": (message((), 1, tagged(9, VALUES[:4])), "found a single number"),
    "axes": (message((1,) * 65, 1, tagged(9, VALUES[:4])), "more than 64 axes"),
    "no-type": (tagged(1, 6) + tagged(9, VALUES), "no type that is known: 0"),
    "other-type": (message((6,), 99, tagged(9, VALUES)), "no type that is known: 99"),
    "two-fields": (message((6,), 1, tagged(4, VALUES), tagged(9, VALUES)), "field 9 and field 4"),
    "other-field": (message((6,), 1, tagged(10, VALUES)), "values in field 10"),
    "int8": (message((1,), INT8, tagged(5, number(200))), "integers beyond int8"),
    "float16": (message((1,), FLOAT16, tagged(5, number(70000))), "integers of more than 16 bits"),
    "wire": (message((1,), INT8, b"\x2d\0\0\0\0"), "field 5 of wire type 5"),
    "field-99": (message((6,), 1, tagged(9, VALUES), tagged(99, b"")), "field 99 of wire type 2"),
    "group": (message((6,), 1, b"\x4b"), "field 9 is of wire type 3"),
    "large": (message((1,), UINT64, tagged(11, number(2**60))), "integers beyond 2**53"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_tensor_of_logits_is_said_so(tmp_path: Path, name: str) -> None:
    content, said = BAD[name]
    assert said in refusal(tmp_path, content)


def test_a_cut_file_is_told(tmp_path: Path) -> None:
    whole = (FILES / "onnx-raw.pb").read_bytes()
    assert refusal(tmp_path, whole[:-5]) == (
        "expected one tensor, as a TensorProto of ONNX, found something else or a part of it "
        "(field 9 ends 5 bytes behind the end of the file)"
    )


def test_advice_is_a_command_that_writes_it_again(tmp_path: Path) -> None:
    for name, more, of in (("float8", ".astype('float32')", "-float32"), ("external", "", "")):
        path = put(tmp_path, (FILES / f"onnx-{name}.pb").read_bytes())
        with pytest.raises(InputError) as caught:
            open_source(path, Layout())
        kind = "float32" if more else ".npy"
        assert caught.value.advice == (
            f"Write it as {kind} with onnx: python -c "
            '"import numpy, onnx, os, sys; t = onnx.load_tensor(sys.argv[1]); numpy.save('
            "sys.argv[2], onnx.numpy_helper.to_array(t, os.path.dirname(sys.argv[1]))"
            f'{more})" {path} {tmp_path}/x{of}.npy'
        )


@pytest.mark.parametrize("name", ["raw", "int8", "float"])
def test_a_damaged_file_is_refused_or_read_as_it_says(tmp_path: Path, name: str) -> None:
    path = put(tmp_path, (FILES / f"onnx-{name}.pb").read_bytes())
    whole = len(path.read_bytes())

    layout = Layout(format="onnx")

    def is_right(damaged: bytes, found: Array) -> bool:
        # A name of one letter follows the values.
        return len(damaged) >= whole - 3 and found.ndim == 2

    assert 0 < survive(path, 5, lambda name: open_source(name, layout), is_right) < 500


@given(st.lists(st.integers(0, 2**64 - 1)))
def test_numbers_come_back(values: list[int]) -> None:
    packed = b"".join(map(number, values))
    assert varints(memoryview(packed)).tolist() == values
    place, found = 0, []
    while place < len(packed):
        value, place = varint(memoryview(packed), place)
        found.append(value)
    assert found == values


@given(st.integers(-(2**63), 2**63 - 1))
def test_signed_numbers_come_back(value: int) -> None:
    assert signed(varint(memoryview(number(value)), 0)[0]) == value


@pytest.mark.parametrize("packed", [b"\x80", b"\1\xff", b"\x80" * 11, b"\xff" * 10 + b"\1"])
def test_a_number_that_does_not_end_is_refused(packed: bytes) -> None:
    with pytest.raises(WireError):
        varints(memoryview(packed))
    with pytest.raises(WireError):
        list(fields(memoryview(b"\x08" + packed.removeprefix(b"\1"))))
