import json
import tracemalloc
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from kldiv_cli.errors import InputError
from kldiv_cli.sources.base import BFLOAT16, Layout, Source
from kldiv_cli.sources.formats.safetensors import open_safetensors
from tests.sources.mutations import read, survive

Array = npt.NDArray[Any]

KINDS = Path(__file__).parent / "torch_files" / "kinds.safetensors"
ADVICE = "Write it again with safetensors.numpy.save_file({'logits': logits}, path)."


def entry(dtype: str, shape: tuple[int, ...], start: int, stop: int) -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, stop]}


def write(path: Path, header: object, content: bytes, *, pad: int = 0) -> Path:
    """Write a file with a header that is JSON, or text as it is."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    text += b" " * pad
    path.write_bytes(len(text).to_bytes(8, "little") + text + content)
    return path


def save(path: Path, **arrays: Array) -> Path:
    names = {"f": "F", "i": "I", "u": "U"}
    header, content = {}, b""
    for name, array in arrays.items():
        kind = f"{names[array.dtype.kind]}{8 * array.itemsize}"
        header[name] = entry(kind, array.shape, len(content), len(content) + array.nbytes)
        content += array.tobytes()
    return write(path, header, content)


def numbered(*shape: int, dtype: str = "<f4") -> Array:
    return np.arange(prod(shape)).reshape(shape).astype(dtype)


def open_file(path: Path, **layout: Any) -> Source:
    return open_safetensors(str(path), Layout(**layout))


def complaint(path: Path, **layout: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        read(open_file(path, **layout))
    assert caught.value.what.startswith(f"{path}: ")
    return caught.value


def what(path: Path, **layout: Any) -> str:
    return complaint(path, **layout).what.removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    "kind", ["float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "uint16"]
)
def test_what_the_safetensors_package_wrote(kind: str) -> None:
    source = open_file(KINDS, key=kind)
    assert (source.format, source.dtype, source.shape) == ("safetensors", kind, (2, 3))
    expected = np.array([[1.5, 2.25, 0.5], [3.0, 0.0, 1.0]]).astype(kind)
    assert read(source).tolist() == expected.tolist()


def test_bfloat16_that_the_safetensors_package_wrote() -> None:
    source = open_file(KINDS, key="bfloat16")
    assert source.dtype == "bfloat16"
    found = read(source)
    assert found.dtype == BFLOAT16
    bits = found["bfloat16"].astype(np.uint32) << 16
    assert bits.view(np.float32).tolist() == [[1.5, 2.25, 0.5], [3.0, 0.0, 1.0]]


def test_other_types_are_refused_by_name() -> None:
    assert what(KINDS, key="bool") == "expected real numbers, found bool"
    assert what(KINDS, key="complex64") == (
        "expected real numbers, found complex64 (complex numbers)"
    )
    error = complaint(KINDS, key="float8")
    assert error.what == (
        f"{KINDS}: expected floats of 16 bits or more or integers in 'float8', found F8_E4M3"
    )
    assert error.advice.startswith(
        'Write it again: python -c "import sys, safetensors.torch as s; '
    )
    assert error.advice.endswith(f" {KINDS} {KINDS.with_name('kinds-float32.safetensors')}")


def test_several_tensors_are_listed() -> None:
    error = complaint(KINDS)
    assert error.what.startswith(f"{KINDS}: expected one array, found ")
    assert "'float32' float32 (2, 3), " in error.what
    assert "'bfloat16' bfloat16 (2, 3), " in error.what
    assert "'float8' F8_E4M3 (2, 3), " in error.what
    assert error.advice == "Say which array with --key NAME."
    assert what(KINDS, key="x").startswith("expected array 'x', found ")


@pytest.mark.parametrize("kind", ["f2", "f4", "f8", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"])
def test_every_real_type(tmp_path: Path, kind: str) -> None:
    array = numbered(2, 3, dtype=f"<{kind}")
    source = open_file(save(tmp_path / "x.safetensors", a=array))
    assert source.dtype == np.dtype(kind).name
    assert read(source).tolist() == array.tolist()


@pytest.mark.parametrize("shape", [(11, 4), (3, 5, 4), (2, 3, 5, 4), (1, 4), (5,)])
def test_shapes(tmp_path: Path, shape: tuple[int, ...]) -> None:
    array = numbered(*shape)
    source = open_file(save(tmp_path / "x.safetensors", a=array))
    assert (source.shape, source.row_shape) == (shape, shape[:-1] or (1,))
    np.testing.assert_array_equal(read(source), array.reshape(-1, shape[-1]))
    assert what(tmp_path / "x.safetensors", row_axes=9).startswith("expected --row-axes from 0")


@pytest.mark.parametrize("pad", range(8))
def test_headers_of_any_length(tmp_path: Path, pad: int) -> None:
    """The package pads them so that values are aligned; the format does not ask for it."""
    header = {"__metadata__": {"format": "pt"}, "a": entry("F64", (2, 3), 0, 48)}
    values = numbered(2, 3, dtype="<f8")
    path = write(tmp_path / "x.safetensors", header, values.tobytes(), pad=pad)
    assert read(open_file(path)).tolist() == values.tolist()


def test_tensors_may_be_named_in_any_order(tmp_path: Path) -> None:
    header = {
        "late": entry("F32", (1, 2), 8, 16),
        "empty": entry("F32", (0, 2), 8, 8),
        "soon": entry("F32", (1, 2), 0, 8),
    }
    path = write(tmp_path / "x.safetensors", header, numbered(4).tobytes())
    assert read(open_file(path, key="soon")).tolist() == [[0, 1]]
    assert read(open_file(path, key="late")).tolist() == [[2, 3]]
    assert what(path, key="empty") == "expected rows and classes, found none (shape (0, 2))"


def test_values_are_mapped(tmp_path: Path) -> None:
    source = open_file(save(tmp_path / "x.safetensors", a=numbered(2, 3)))
    block = next(iter(source.blocks(2)))
    assert not block.values.flags.owndata
    assert not block.values.flags.writeable


def test_a_type_that_nobody_knows_does_not_hide_the_others(tmp_path: Path) -> None:
    header = {"new": entry("F12", (2, 2), 0, 6), "a": entry("F32", (1, 2), 6, 14)}
    path = write(tmp_path / "x.safetensors", header, bytes(6) + numbered(2).tobytes())
    assert read(open_file(path, key="a")).tolist() == [[0, 1]]
    assert what(path, key="new").endswith(" in 'new', found F12")


def test_bfloat16_may_be_said_of_what_says_so_itself() -> None:
    assert open_file(KINDS, key="bfloat16", dtype="bfloat16").dtype == "bfloat16"


@pytest.mark.parametrize("header", [{}, {"__metadata__": {}}])
def test_no_tensors_is_an_error(tmp_path: Path, header: object) -> None:
    assert what(write(tmp_path / "x.safetensors", header, b"")) == "expected arrays, found none"


@pytest.mark.parametrize(
    ("length", "size"),
    [(0, 0), (0, 7), (1, 8), (101, 108), (100_000_001, 108), ((1 << 64) - 1, 108)],
)
def test_a_header_that_is_longer_than_the_file_is_refused(
    tmp_path: Path, length: int, size: int
) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes((length.to_bytes(8, "little") + bytes(100))[:size])
    error = complaint(path)
    found = length if size >= 8 else 0
    assert error.what == (
        f"{path}: expected the length of a header, at most 100000000 and within the file's {size} "
        f"bytes, found {found}"
    )
    assert error.advice == ADVICE


def test_a_header_of_more_than_100_mb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    with path.open("wb") as file:
        file.write((100_000_001).to_bytes(8, "little"))
        file.truncate(200_000_000)
    tracemalloc.start()
    try:
        assert "at most 100000000" in what(path)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


A = b'{"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}'


@pytest.mark.parametrize(
    ("header", "found"),
    [
        pytest.param(b"", "Expecting value", id="empty"),
        pytest.param(b"\xff", "'utf-8' codec", id="no-text"),
        pytest.param(A, "Expecting ',' delimiter", id="unclosed"),
        pytest.param(A + b"}}", "Extra data", id="more"),
        pytest.param(A + b"," + A[1:] + b"}", "a name occurs twice", id="tensor-twice"),
        pytest.param(A[:-1] + b',"shape":[2,3]}}', "a name occurs twice", id="shape-twice"),
        pytest.param(A.replace(b"24", b"NaN") + b"}", "NaN is no number", id="NaN"),
        pytest.param(A.replace(b"24", b"Infinity") + b"}", "Infinity is no number", id="Infinity"),
        pytest.param(b"[" * 100_000, "recursion", id="nested"),
        pytest.param(A.replace(b"24", b"9" * 5000) + b"}", "Exceeds the limit", id="huge-number"),
    ],
)
def test_a_header_that_is_no_json_is_refused(tmp_path: Path, header: bytes, found: str) -> None:
    path = write(tmp_path / "x.safetensors", header, bytes(24))
    error = complaint(path)
    assert error.what.startswith(
        f"{path}: expected a header in JSON, found one that cannot be read ("
    )
    assert found in error.what
    assert error.advice == ADVICE


@pytest.mark.parametrize("header", [b"[]", b"3", b"null", b'"a"'])
def test_a_header_that_is_no_object_is_refused(tmp_path: Path, header: bytes) -> None:
    path = write(tmp_path / "x.safetensors", header, bytes(24))
    assert what(path).startswith("expected a header that is a JSON object, found ")


@pytest.mark.parametrize(
    "change",
    [
        {"dtype": 3},
        {"dtype": None},
        {"shape": 6},
        {"shape": "23"},
        {"shape": {"0": 2}},
        {"shape": [2.0, 3]},
        {"shape": [True, 6]},
        {"shape": [-2, -3]},
        {"shape": [2, "3"]},
        {"shape": [1 << 63, 0]},
        {"shape": [1] * 65},
        {"shape": [[2], 3]},
        {"data_offsets": [0]},
        {"data_offsets": [0, 24, 24]},
        {"data_offsets": [0.0, 24]},
        {"data_offsets": [-24, 0]},
        {"data_offsets": [24, 0]},
        {"data_offsets": "0,24"},
        {"more": 1},
    ],
    ids=str,
)
def test_a_tensor_that_is_described_otherwise_is_refused(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    header = {"a": {**entry("F32", (2, 3), 0, 24), **change}}
    assert what(write(tmp_path / "x.safetensors", header, bytes(24))) == (
        "expected dtype, shape and data_offsets of 'a', found what is none of these, or not their "
        "numbers"
    )


@pytest.mark.parametrize("missing", ["dtype", "shape", "data_offsets"])
def test_nothing_of_a_tensor_may_be_missing(tmp_path: Path, missing: str) -> None:
    described = entry("F32", (2, 3), 0, 24)
    del described[missing]
    path = write(tmp_path / "x.safetensors", {"a": described}, bytes(24))
    assert what(path).startswith("expected dtype, shape and data_offsets of 'a', found ")


@pytest.mark.parametrize("described", [None, 3, [], "F32"])
def test_a_tensor_is_described_by_an_object(tmp_path: Path, described: object) -> None:
    path = write(tmp_path / "x.safetensors", {"a": described}, bytes(24))
    assert what(path).startswith("expected dtype, shape and data_offsets of 'a', found ")


def test_a_shape_takes_as_many_bytes_as_the_offsets_say(tmp_path: Path) -> None:
    header = {"a": entry("F32", (2, 4), 0, 24)}
    assert what(write(tmp_path / "x.safetensors", header, bytes(24))) == (
        "expected 32 bytes of F32 for shape (2, 4) of 'a', found 24"
    )


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        pytest.param(
            {"a": entry("F32", (2,), 4, 12)},
            "expected the next tensor at byte 0 of the data, found 'a' at 4",
            id="hole-at-the-start",
        ),
        pytest.param(
            {"a": entry("F32", (2,), 0, 8), "b": entry("F32", (2,), 12, 20)},
            "expected the next tensor at byte 8 of the data, found 'b' at 12",
            id="hole",
        ),
        pytest.param(
            {"a": entry("F32", (2,), 0, 8), "b": entry("F32", (2,), 4, 12)},
            "expected the next tensor at byte 8 of the data, found 'b' at 4",
            id="overlap",
        ),
        pytest.param(
            {"a": entry("F32", (2,), 0, 8), "b": entry("F32", (2,), 0, 8)},
            "expected the next tensor at byte 8 of the data, found 'b' at 0",
            id="the-same-bytes",
        ),
        pytest.param(
            {"a": entry("F32", (1 << 40,), 0, 1 << 42)},
            f"expected {1 << 42} bytes of data, as the header says, found 20",
            id="too-much",
        ),
        pytest.param(
            {"a": entry("F32", (4,), 0, 16)},
            "expected 16 bytes of data, as the header says, found 20",
            id="too-little",
        ),
    ],
)
def test_tensors_lie_one_after_the_other_and_fill_the_file(
    tmp_path: Path, entries: dict[str, Any], found: str
) -> None:
    assert what(write(tmp_path / "x.safetensors", entries, bytes(20)), key="a") == found


@pytest.mark.parametrize(
    ("size", "said"), [(23, "The file is cut off. "), (25, "The file is not what it says. ")]
)
def test_a_file_of_another_size_is_refused(tmp_path: Path, size: int, said: str) -> None:
    path = write(tmp_path / "x.safetensors", {"a": entry("F32", (2, 3), 0, 24)}, bytes(size))
    assert complaint(path).advice == said + ADVICE


def test_half_a_character_is_no_name(tmp_path: Path) -> None:
    path = write(tmp_path / "x.safetensors", {"\ud800": entry("F32", (1, 1), 0, 4)}, bytes(4))
    assert "surrogates not allowed" in what(path)


def test_a_name_cannot_move_the_cursor_nor_fill_the_screen(tmp_path: Path) -> None:
    names = ["\x1b[2J\n", "x" * 100_000]
    header = {name: entry("F32", (1, 1), 4 * i, 4 * i + 4) for i, name in enumerate(names)}
    assert what(write(tmp_path / "x.safetensors", header, bytes(8))) == (
        f"expected one array, found '\\x1b[2J\\n' float32 (1, 1), '{'x' * 60}...' float32 (1, 1)"
    )


def as_it_says(whole: bytes, found: Array) -> bool:
    """Whether these are the values of the only tensor, read in the plainest way."""
    end = 8 + int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8:end])
    header.pop("__metadata__", None)
    (only,) = header.values()
    kind, bits = only["dtype"].rstrip("0123456789"), int(only["dtype"].lstrip("FIUB"))
    flat = np.frombuffer(whole[end:], f"<{kind.lower()}{bits // 8}")
    return found.tobytes() == flat.reshape(only["shape"]).tobytes()


def test_a_damaged_file_gives_an_error_or_what_it_says(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    header = {"__metadata__": {"format": "pt"}, "logits": entry("F32", (3, 4), 0, 48)}
    write(path, header, numbered(3, 4).tobytes())
    answers = survive(path, 0, lambda path: open_safetensors(path, Layout()), as_it_says)
    assert answers > 0
